// Package allocation holds decoders of what a peer sends against the memory that they may
// take for it. It is for tests and fuzz targets.
package allocation

import (
	"runtime"
	"testing"
)

// Bound is the most that decoding an input may allocate, in bytes: Base, and PerByte for
// each byte of the input, whatever lengths the input claims.
type Bound struct {
	Base, PerByte uint64
}

// tries is how often a decoder is run before its allocations are believed to be its own:
// what runs beside it in the process, the garbage collector or the fuzzing engine, allocates
// now and then.
const tries = 3

// Hold runs decode, which decodes size bytes, and fails the test where it allocates more
// than the bound. A run above the bound is repeated, so decode must do the same each time.
func (b Bound) Hold(t testing.TB, size int, decode func()) {
	t.Helper()
	most, least := b.Base+b.PerByte*uint64(size), ^uint64(0)
	for range tries {
		if least = min(least, allocated(decode)); least <= most {
			return
		}
	}
	t.Errorf("%d bytes allocated for an input of %d bytes; at most %d: %d, and %d a byte", least, size, most, b.Base, b.PerByte)
}

// allocated counts the bytes that the process allocates while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
