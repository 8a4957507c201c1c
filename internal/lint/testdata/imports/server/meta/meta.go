// Package meta may not use what sasl may.
package meta

import (
	_ "crypto/sha256" // want "import: core server/meta imports crypto/sha256"
	"fmt"
	"io"
)

func output() {
	fmt.Println("to standard output") // want "call: .*fmt.Println"
	println("to standard error")      // want "call: .*println"
	io.Pipe()                         // want "call: .*io.Pipe"
}
