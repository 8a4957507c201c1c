// Package trace stands below everything that writes one.
package trace

import _ "fixture/layout/protocol"
