package allocation

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// witness is a test that notes whether it failed.
type witness struct {
	testing.TB
	failure string
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) { w.failure = fmt.Sprintf(format, args...) }

var kept []byte // where the compiler cannot know that a slice is not needed

func TestBound(t *testing.T) {
	bound := Bound{Base: 1 << 20, PerByte: 2}
	for _, tc := range []struct {
		name  string
		bytes int
		held  bool
	}{
		{"nothing", 0, true},
		{"the base", 1 << 20, true},
		{"the whole bound", 3 << 20, true},
		{"a page more", 3<<20 + 8<<10, false},
	} {
		w := &witness{TB: t}
		bound.Hold(w, 1<<20, func() { kept = make([]byte, tc.bytes) })
		assert.Equal(t, tc.held, w.failure == "", "%s: %s", tc.name, w.failure)
	}
}

// What is allocated beside the decoder once is not its.
func TestBoundIsForEveryRun(t *testing.T) {
	w, runs := &witness{TB: t}, 0
	Bound{Base: 4 << 10}.Hold(w, 0, func() {
		if runs++; runs == 1 {
			kept = make([]byte, 1<<20)
		}
	})
	assert.Empty(t, w.failure)
	assert.Equal(t, 2, runs)
}
