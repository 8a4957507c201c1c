// Package world stands right below the simulator.
package world

import _ "fixture/layout/trace"
