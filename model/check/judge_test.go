// Limits in the search for cycles: memory, time and interruption end it too, and what was
// not judged is said to be unknown.

package check

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ring is one cycle of size states, of which the last one is the goal.
type ring struct{ size uint32 }

func (r ring) Initial() []uint32 { return []uint32{0} }
func (r ring) Actions() []Action { return []Action{{Name: "on", Fairness: Weak}} }

func (r ring) AppendState(d []byte, s uint32) []byte {
	return append(d, byte(s), byte(s>>8), byte(s>>16), byte(s>>24))
}

func (r ring) Next(s uint32, steps []Step[uint32]) []Step[uint32] {
	return append(steps, Step[uint32]{State: (s + 1) % r.size})
}

func (r ring) Properties() []Property[uint32] {
	return []Property[uint32]{
		Always("below", func(s uint32) bool { return s < r.size-1 }),
		EventuallyAlways("rests", func(s uint32) bool { return s != 0 }),
		InfinitelyOften("last", func(s uint32) bool { return s == r.size-1 }),
	}
}

// explored returns a search of m to which every state is known.
func explored(t *testing.T, m ring, options Options) *search[uint32] {
	t.Helper()
	s, err := newSearch(m, options)
	require.NoError(t, err)
	require.NoError(t, s.look())
	require.True(t, s.complete())
	return s
}

func unjudged(t *testing.T, s *search[uint32]) (*Result[uint32], []string) {
	t.Helper()
	violations, err := s.judge()
	require.NoError(t, err)
	r := s.result(violations)
	var names []string
	for _, v := range r.Violations {
		names = append(names, v.Property)
	}
	return r, names
}

// What is known of safety is told, what would need the search for cycles is not sought.
func TestLivenessIsNotSoughtAfterAnInterrupt(t *testing.T) {
	for _, search := range []Search{BreadthFirst, DepthFirst} {
		s := explored(t, ring{size: 1000}, Options{Search: search})
		s.abort("interrupted")
		r, violated := unjudged(t, s)
		assert.Equal(t, []string{"below"}, violated)
		assert.Equal(t, []string{"rests", "last"}, r.Unjudged)
		assert.Equal(t, "interrupted", r.Stopped)
		assert.True(t, r.Complete)
	}
}

func TestLivenessIsUnknownNotHeld(t *testing.T) {
	s := explored(t, ring{size: 1000}, Options{Only: []string{"last"}})
	s.abort("time is up")
	r, _ := unjudged(t, s)
	assert.Equal(t, Inconclusive, r.Verdict, "every state is known, and that is not enough")
	assert.Equal(t, []string{"last"}, r.Unjudged)
}

// A search for liveness that would need more memory than is allowed is not begun.
func TestLivenessKeepsToTheMemory(t *testing.T) {
	for _, search := range []Search{BreadthFirst, DepthFirst} {
		s, err := newSearch(ring{size: 1000}, Options{Search: search, MaxMemory: 1, Only: []string{"last"}})
		require.NoError(t, err)
		require.NoError(t, s.look(), "nobody watches the memory here")
		r, _ := unjudged(t, s)
		assert.Equal(t, Inconclusive, r.Verdict)
		assert.Equal(t, []string{"last"}, r.Unjudged)
		assert.Equal(t, "the search for cycles needs more than 1 bytes of memory", r.Stopped)
		assert.Zero(t, r.Memory.Scratch)
	}
}

// A limit of states leaves a graph of known size, and liveness is judged on that; a second
// limit ends that too, and both are told.
func TestLivenessAfterALimitOfStates(t *testing.T) {
	cut := Options{MaxStates: 500, Only: []string{"rests", "last"}}
	s, err := newSearch(ring{size: 1000}, cut)
	require.NoError(t, err)
	require.NoError(t, s.look())
	r, violated := unjudged(t, s)
	assert.Empty(t, violated)
	assert.Empty(t, r.Unjudged)
	assert.Equal(t, "more than 500 states", r.Stopped)
	assert.Equal(t, Inconclusive, r.Verdict)

	s, err = newSearch(ring{size: 1000}, cut)
	require.NoError(t, err)
	require.NoError(t, s.look())
	s.abort("time is up")
	r, _ = unjudged(t, s)
	assert.Equal(t, []string{"rests", "last"}, r.Unjudged)
	assert.Equal(t, "more than 500 states, then time is up", r.Stopped)
}

// A limit that comes when everything is known changes nothing.
func TestTooLateToStop(t *testing.T) {
	s := explored(t, ring{size: 1000}, Options{Only: []string{"last"}})
	violations, err := s.judge()
	require.NoError(t, err)
	s.abort("time is up")
	r := s.result(violations)
	assert.Equal(t, Held, r.Verdict)
	assert.Empty(t, r.Stopped)
	assert.Empty(t, r.Unjudged)
}

// Each part of the search for a lasso ends soon after it is told to, however large the
// graph: here one component that is all of it.
func TestSearchForCyclesIsEnded(t *testing.T) {
	const size = 40_000
	s := explored(t, ring{size: size}, Options{})
	all := make([]uint32, size)
	for i := range all {
		all[i] = uint32(i)
	}
	for patience := range 100 {
		asked := 0
		halted := func() bool { asked++; return asked > patience }
		found := 0
		c := newComponents(s.graph, halted)
		c.find(all, func(region) { found++ })
		require.LessOrEqual(t, int(c.counter), (patience+1)*lookEvery)
		if c.counter == size {
			require.Equal(t, 1, found)
			return
		}
		require.Zero(t, found)
	}
	require.Fail(t, "it never ended")
}

// The context is looked at in time: Run returns although the states have no end.
func TestLivenessIsNotSoughtAfterATimeout(t *testing.T) {
	for _, search := range []Search{BreadthFirst, DepthFirst} {
		r, err := Run(context.Background(), ring{size: 1 << 31}, Options{
			Search: search, Timeout: 20 * time.Millisecond, Only: []string{"rests", "last"},
		})
		require.NoError(t, err)
		assert.Equal(t, Inconclusive, r.Verdict)
		assert.Equal(t, "time is up", r.Stopped)
		assert.Equal(t, []string{"rests", "last"}, r.Unjudged)
	}
}
