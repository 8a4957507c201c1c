// Package session has a file for another system, and a name from behind the curtain.
package session

import _ "unsafe" // want "import: .* unsafe"

// want+2 "hidden: .*behind the compiler's back"
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64
