// Package upstream is what is compared with, and must not share its code.
package upstream

import (
	_ "fixture/layout/client/routing" // want "layout: sim/upstream imports client/routing, because the two must not know"
	_ "fixture/layout/protocol"
)
