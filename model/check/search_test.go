// The search: counts, shortest traces, limits, and independence of the number of workers.

package check_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/model/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// grid is a model with many ways to each state: counters that go up one at a time, each
// to size, and jump back to zero together from the far corner.
type grid struct {
	counters   int
	size       byte
	properties []check.Property[[4]byte]
}

func (g grid) Initial() [][4]byte                       { return [][4]byte{{}} }
func (g grid) Properties() []check.Property[[4]byte]    { return g.properties }
func (g grid) AppendState(dst []byte, s [4]byte) []byte { return append(dst, s[:g.counters]...) }

func (g grid) Actions() []check.Action {
	list := []check.Action{{Name: "reset", Fairness: check.Weak}}
	for i := range g.counters {
		list = append(list, check.Action{Name: fmt.Sprint("up", i), Fairness: check.Weak})
	}
	return list
}

func (g grid) Next(s [4]byte, steps []check.Step[[4]byte]) []check.Step[[4]byte] {
	full := true
	for i := range g.counters {
		if s[i] < g.size {
			t := s
			t[i]++
			steps = append(steps, check.Step[[4]byte]{Action: i + 1, State: t})
			full = false
		}
	}
	if full {
		steps = append(steps, check.Step[[4]byte]{Action: 0})
	}
	return steps
}

func TestCountsOfAGrid(t *testing.T) {
	g := grid{counters: 3, size: 20}
	r := run(t, g, check.Options{})
	assert.Equal(t, check.Held, r.Verdict)
	assert.True(t, r.Complete)
	assert.Equal(t, uint64(21*21*21), r.Distinct)
	assert.Equal(t, uint64(1+3*20*21*21+1), r.Generated, "one initial state, the steps up, the jump back")
	assert.Equal(t, 61, r.Depth)
	assert.Empty(t, r.NeverFired)
	assert.Zero(t, r.Memory.Edges, "without a liveness property no steps are kept")
	assert.Less(t, r.Collision, 1e-9)
}

func TestSameForAnyNumberOfWorkers(t *testing.T) {
	corner := func(s [4]byte) bool { return s == [4]byte{9, 9, 9, 9} }
	g := grid{counters: 4, size: 9, properties: []check.Property[[4]byte]{
		check.Always("sum-below-20", func(s [4]byte) bool { return s[0]+s[1]+s[2]+s[3] < 20 }),
		check.Always("never-7-3", func(s [4]byte) bool { return s[0] != 7 || s[3] != 3 }),
		check.EventuallyAlways("stays-in-the-corner", corner),
		check.InfinitelyOften("corner-again", corner),
		check.LeadsTo("five-leads-to-nothing", func(s [4]byte) bool { return s[1] == 5 }, func([4]byte) bool { return false }),
		check.Sometimes("beyond", func(s [4]byte) bool { return s[2] > 9 }),
	}}
	alone := run(t, g, check.Options{Workers: 1})
	require.Equal(t, check.Violated, alone.Verdict)
	require.Len(t, alone.Violations, 5)
	assert.Len(t, alone.Violations[0].Trace, 21, "shortest: twenty steps")
	assert.Len(t, alone.Violations[1].Trace, 11)
	for _, workers := range []int{2, 3, 8, 64} {
		r := run(t, g, check.Options{Workers: workers})
		assert.Equal(t, alone.Violations, r.Violations, "%d workers", workers)
		assert.Equal(t,
			[]any{alone.Distinct, alone.Generated, alone.Depth, alone.Verdict, alone.Memory.Edges},
			[]any{r.Distinct, r.Generated, r.Depth, r.Verdict, r.Memory.Edges}, "%d workers", workers)
	}
}

func TestShortestPrefixOfALasso(t *testing.T) {
	// Two cycles avoid the goal; the one that is found first by depth is farther away.
	m := drawn{
		initial: []string{"i"}, actions: weak("s"),
		arrows: []arrow{
			{"i", "s", "a"}, {"a", "s", "b"}, {"b", "s", "c"}, {"c", "s", "d"}, {"d", "s", "c"},
			{"i", "s", "x"}, {"x", "s", "y"}, {"y", "s", "x"},
		},
		properties: []check.Property[string]{check.Eventually("goal", is("goal"))},
	}
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, "i (x y x )", path(r.Violations[0]))
}

func TestDeadlock(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: unfair("s"),
		arrows:     []arrow{{"a", "s", "b"}, {"a", "s", "end"}, {"b", "s", "c"}, {"c", "s", "c"}},
		properties: []check.Property[string]{check.DeadlockFree("goes-on", is("end"))},
	}
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, check.Deadlock, r.Violations[0].Kind)
	assert.Equal(t, "a b c ", path(r.Violations[0]), "a step that changes nothing is no way on")
	m.arrows = append(m.arrows, arrow{"c", "s", "a"})
	assert.Equal(t, check.Held, run(t, m, check.Options{}).Verdict)
}

func TestSometimes(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: unfair("s", "never"), arrows: []arrow{{"a", "s", "b"}},
		properties: []check.Property[string]{check.Sometimes("b", is("b")), check.Sometimes("c", is("c"))},
	}
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, "c", r.Violations[0].Property)
	assert.Equal(t, check.Reachability, r.Violations[0].Kind)
	assert.Empty(t, r.Violations[0].Trace)
	assert.Equal(t, []string{"never"}, r.NeverFired)
}

func TestSeveralInitialStates(t *testing.T) {
	m := drawn{
		initial: []string{"a", "b", "a"}, actions: weak("s"), arrows: []arrow{{"a", "s", "c"}, {"b", "s", "d"}},
		properties: []check.Property[string]{
			check.Always("never-d", not(is("d"))),
			check.Always("never-b", not(is("b"))),
			check.Eventually("c", is("c")),
		},
	}
	r := run(t, m, check.Options{})
	assert.Equal(t, uint64(4), r.Distinct)
	require.Len(t, r.Violations, 3)
	assert.Equal(t, "b d ", path(r.Violations[0]))
	assert.Equal(t, "b ", path(r.Violations[1]))
	assert.Equal(t, "b (d )stop", path(r.Violations[2]))
}

func TestOnly(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: unfair("s"), arrows: []arrow{{"a", "s", "b"}},
		properties: []check.Property[string]{check.Always("one", is("a")), check.Eventually("two", is("b"))},
	}
	for name := range map[string]bool{"one": true, "two": true} {
		r := run(t, m, check.Options{Only: []string{name}})
		require.Len(t, r.Violations, 1)
		assert.Equal(t, name, r.Violations[0].Property)
	}
	_, err := check.Run(t.Context(), m, check.Options{Only: []string{"three"}})
	require.ErrorIs(t, err, check.ErrModel)
}

func TestStopEarly(t *testing.T) {
	g := grid{counters: 3, size: 30, properties: []check.Property[[4]byte]{
		check.Always("below-3", func(s [4]byte) bool { return s[0] < 3 }),
	}}
	r := run(t, g, check.Options{StopEarly: true})
	assert.Equal(t, check.Violated, r.Verdict)
	assert.False(t, r.Complete)
	assert.Equal(t, 4, r.Depth)
	assert.NotEmpty(t, r.Stopped)
	assert.Len(t, r.Violations[0].Trace, 4)
}

// endless counts up for ever.
type endless struct{ pause time.Duration }

func (endless) Initial() []uint64 { return []uint64{0} }
func (endless) Actions() []check.Action {
	return []check.Action{{Name: "up", Fairness: check.Weak}, {Name: "fork"}}
}
func (endless) AppendState(d []byte, s uint64) []byte { return binary.BigEndian.AppendUint64(d, s) }

func (e endless) Next(s uint64, steps []check.Step[uint64]) []check.Step[uint64] {
	time.Sleep(e.pause)
	return append(steps, check.Step[uint64]{State: 2*s + 1}, check.Step[uint64]{Action: 1, State: 2*s + 2})
}

func (endless) Properties() []check.Property[uint64] {
	return []check.Property[uint64]{
		check.Always("below", func(s uint64) bool { return s < 1<<62 }),
		check.Eventually("large", func(s uint64) bool { return s > 1<<62 }),
	}
}

func TestLimitsMakeItInconclusive(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		options check.Options
		why     string
	}{
		"states":    {t.Context(), check.Options{MaxStates: 10_000}, "more than 10000 states"},
		"time":      {t.Context(), check.Options{Timeout: 20 * time.Millisecond}, "time is up"},
		"memory":    {t.Context(), check.Options{MaxMemory: 1}, "more than 1 bytes of memory"},
		"interrupt": {cancelled, check.Options{}, "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := check.Run(c.ctx, endless{}, c.options)
			require.NoError(t, err)
			assert.Equal(t, check.Inconclusive, r.Verdict)
			assert.False(t, r.Complete)
			assert.Equal(t, c.why, r.Stopped)
			assert.Empty(t, r.Violations)
		})
	}
}

// A violation that was found before the limit is one all the same; of liveness too.
func TestViolationBeforeTheLimit(t *testing.T) {
	m := joined{endless{}}
	r := run(t, m, check.Options{MaxStates: 5_000})
	assert.Equal(t, check.Violated, r.Verdict)
	assert.False(t, r.Complete)
	require.Len(t, r.Violations, 2)
	assert.Len(t, r.Violations[0].Trace, 6)
	assert.Equal(t, "0 1 3 (7 8 7 )", path(r.Violations[1]))
}

// joined is endless with a way back from 8 to 7, and 8 as the only step of 7.
type joined struct{ endless }

func (joined) Next(s uint64, steps []check.Step[uint64]) []check.Step[uint64] {
	switch s {
	case 7:
		return append(steps, check.Step[uint64]{State: 8})
	case 8:
		return append(steps, check.Step[uint64]{State: 7})
	}
	return endless{}.Next(s, steps)
}

func (joined) Properties() []check.Property[uint64] {
	return []check.Property[uint64]{
		check.Always("below", func(s uint64) bool { return s < 50 }),
		check.Eventually("large", func(s uint64) bool { return s >= 1<<62 }),
	}
}

func TestProgress(t *testing.T) {
	var calls, last atomic.Uint64
	r := run(t, endless{pause: 10 * time.Microsecond}, check.Options{
		MaxStates: 20_000, ProgressEvery: time.Millisecond,
		Progress: func(p check.Progress) {
			calls.Add(1)
			assert.GreaterOrEqual(t, p.Distinct, last.Load())
			last.Store(p.Distinct)
			assert.NotEmpty(t, p.Phase)
			assert.Equal(t, p.Distinct > 0, p.PerSecond() > 0, "the first report may come before the first state")
			assert.Positive(t, p.Memory)
		},
	})
	assert.Positive(t, calls.Load())
	assert.LessOrEqual(t, last.Load(), r.Distinct)
}

// fickle is a model that is no function of its state.
type fickle struct {
	endless
	asked *atomic.Uint64
}

func (f fickle) Next(s uint64, steps []check.Step[uint64]) []check.Step[uint64] {
	return append(steps, check.Step[uint64]{State: f.asked.Add(1)})
}

func TestModelsThatAreWrong(t *testing.T) {
	for name, m := range map[string]drawn{
		"no initial state":   {},
		"names twice":        {initial: []string{"a"}, actions: weak("s", "s")},
		"too many duties":    {initial: []string{"a"}, properties: many(33)},
		"groups not as fair": {initial: []string{"a"}, actions: []check.Action{{Name: "a", Group: "g"}, {Name: "b", Group: "g", Fairness: check.Weak}}},
	} {
		_, err := check.Run(t.Context(), m, check.Options{})
		require.ErrorIs(t, err, check.ErrModel, name)
	}
	_, err := check.Run(t.Context(), fickle{asked: new(atomic.Uint64)}, check.Options{MaxStates: 2000, Only: []string{"large"}})
	require.NoError(t, err, "nothing was found that could not be found again")
	_, err = check.Run(t.Context(), wild{}, check.Options{})
	require.ErrorIs(t, err, check.ErrModel)
}

func many(n int) []check.Property[string] {
	list := make([]check.Property[string], n)
	for i := range list {
		list[i] = check.Eventually(fmt.Sprint(i), is("a"))
	}
	return list
}

// wild takes an action that it does not have.
type wild struct{ endless }

func (wild) Next(_ uint64, steps []check.Step[uint64]) []check.Step[uint64] {
	return append(steps, check.Step[uint64]{Action: 2, State: 1})
}

// A search that is stopped while several workers are at it counts the states up to the
// first one that was not looked into, and no other.
func TestStoppedInTheMiddle(t *testing.T) {
	for i := range 25 {
		r, err := check.Run(t.Context(), endless{pause: 20 * time.Microsecond}, check.Options{
			Workers: 8, Timeout: time.Duration(2+i) * time.Millisecond,
		})
		require.NoError(t, err)
		assert.False(t, r.Complete)
		assert.Equal(t, r.Generated, r.Distinct, "every step leads to another state")
		looked := (r.Generated - 1) / 2
		assert.Equal(t, 2*looked, r.Actions[0].Steps+r.Actions[1].Steps)
	}
}
