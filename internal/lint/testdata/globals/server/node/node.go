// Package node writes a variable of another package.
package node

import (
	"fixture/globals/protocol"
)

func write() {
	protocol.Exported = 2
}
