// Models with more initial states than most have.

package check_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// wide begins anywhere below its size, and goes from each initial state to a state of its own.
type wide struct {
	size       uint32
	properties []check.Property[uint32]
}

func (w wide) Initial() []uint32 {
	list := make([]uint32, w.size)
	for i := range list {
		list[i] = uint32(i)
	}
	return list
}

func (w wide) Actions() []check.Action { return []check.Action{{Name: "go"}} }

func (w wide) Next(s uint32, steps []check.Step[uint32]) []check.Step[uint32] {
	if s < w.size {
		steps = append(steps, check.Step[uint32]{State: s + w.size})
	}
	return steps
}

func (w wide) AppendState(dst []byte, s uint32) []byte {
	return binary.LittleEndian.AppendUint32(dst, s)
}

func (w wide) Properties() []check.Property[uint32] { return w.properties }

// A trace begins in the initial state that it is of, however many there are.
func TestTracesFromManyInitialStates(t *testing.T) {
	const size = 1<<16 + 1000
	for _, bad := range []uint32{size - 1, 2*size - 1} {
		m := wide{size: size, properties: []check.Property[uint32]{
			check.Always("not-the-last", func(s uint32) bool { return s != bad }),
			check.Always("not-like-it", func(s uint32) bool { return s != bad-1 }),
		}}
		for _, search := range []check.Search{check.BreadthFirst, check.DepthFirst} {
			result, err := check.Run(t.Context(), m, check.Options{Search: search, Workers: 1})
			require.NoError(t, err, "%v", search)
			require.Len(t, result.Violations, 2)
			for i, v := range result.Violations {
				assert.Equal(t, bad-uint32(i), v.Trace[len(v.Trace)-1].State)
				assert.Equal(t, (bad-uint32(i))%size, v.Trace[0].State)
			}
		}
	}
}
