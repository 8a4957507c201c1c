// Symmetry: fewer states and the same answers about them, and why not with liveness.

package check_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// room2 has two guests, 1 and 2, of which one is in the room, or 0: nobody. They may be
// exchanged without changing anything but their names.
type room2 struct {
	properties []check.Property[byte]
	reduced    bool // tells states apart by the canonical form, whatever the options say
}

func (room2) Initial() []byte                           { return []byte{0} }
func (r room2) Properties() []check.Property[byte]      { return r.properties }
func (room2) AppendCanonical(dst []byte, s byte) []byte { return append(dst, min(s, 1)) }

func (room2) Actions() []check.Action {
	return []check.Action{{Name: "enter", Fairness: check.Weak}, {Name: "change", Fairness: check.Weak}}
}

func (r room2) AppendState(dst []byte, s byte) []byte {
	if r.reduced {
		return r.AppendCanonical(dst, s)
	}
	return append(dst, s)
}

// Next: either enters first, and then they take turns for ever.
func (room2) Next(s byte, steps []check.Step[byte]) []check.Step[byte] {
	if s == 0 {
		return append(steps, check.Step[byte]{Action: 0, State: 1}, check.Step[byte]{Action: 0, State: 2})
	}
	return append(steps, check.Step[byte]{Action: 1, State: 3 - s})
}

func in(guest byte) func(byte) bool { return func(s byte) bool { return s == guest } }

func TestSymmetry(t *testing.T) {
	m := room2{properties: []check.Property[byte]{
		check.Always("one-at-most", func(s byte) bool { return s <= 2 }),
		check.Sometimes("somebody", func(s byte) bool { return s > 0 }),
		check.DeadlockFree[byte]("goes-on", nil),
	}}
	for _, search := range []check.Search{check.BreadthFirst, check.DepthFirst} {
		whole := run(t, m, check.Options{Search: search})
		reduced := run(t, m, check.Options{Search: search, Symmetry: true})
		assert.Equal(t, uint64(3), whole.Distinct)
		assert.Equal(t, uint64(2), reduced.Distinct)
		assert.Equal(t, check.Held, reduced.Verdict, "changing places is a way on, although it leads to the same state by symmetry")
		assert.Empty(t, reduced.NeverFired)
	}
}

// What symmetry would say of liveness. In the real states each guest is in the room again
// and again. In the reduced ones there is one state for both, so one of the guests never
// appears: the checker would report that he never comes, and believe that the other stays.
func TestSymmetryWouldLie(t *testing.T) {
	m := room2{properties: []check.Property[byte]{
		check.InfinitelyOften("second-again", in(2)),
		check.EventuallyAlways("first-stays", in(1)),
	}}
	truth := run(t, m, check.Options{})
	assert.Equal(t, []string{"first-stays"}, properties(truth))

	lie := m
	lie.reduced = true
	assert.Equal(t, []string{"second-again"}, properties(run(t, lie, check.Options{})), "both answers are wrong")

	for _, search := range []check.Search{check.BreadthFirst, check.DepthFirst, check.RandomWalk} {
		for _, only := range [][]string{nil, {"second-again"}, {"first-stays"}} {
			_, err := check.Run(t.Context(), m, check.Options{Search: search, Symmetry: true, Only: only})
			require.ErrorIs(t, err, check.ErrOptions)
		}
	}
}

func TestSymmetryOfAModelWithout(t *testing.T) {
	_, err := check.Run(t.Context(), grid{counters: 2, size: 2}, check.Options{Symmetry: true})
	require.ErrorIs(t, err, check.ErrOptions)
}
