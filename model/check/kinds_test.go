// The other searches against breadth-first search: the same violations, the same counts
// where everything is looked into; and what each promises of its own.

package check_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/model/check"
)

func properties[S any](r *check.Result[S]) []string {
	names := []string{}
	for _, v := range r.Violations {
		names = append(names, v.Property)
	}
	return names
}

func TestDepthFirstFindsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _, _ := drawnAtRandom(t)
		m.properties = append(m.properties, check.DeadlockFree[string]("goes-on", nil), check.Sometimes("e", is("e")))
		wide, err := check.Run(t.Context(), m, check.Options{})
		require.NoError(t, err)
		deep, err := check.Run(t.Context(), m, check.Options{Search: check.DepthFirst})
		require.NoError(t, err)
		// With liveness the graph is put in breadth-first order: its traces are the same.
		assert.Equal(t, properties(wide), properties(deep))
		for i, v := range wide.Violations {
			if v.Kind == check.Liveness {
				assert.Equal(t, v, deep.Violations[i])
			}
		}
		same(t, wide, deep)

		safety := check.Options{Search: check.DepthFirst, Only: []string{"always", "goes-on", "e"}}
		deep, err = check.Run(t.Context(), m, safety)
		require.NoError(t, err)
		safety.Search = check.BreadthFirst
		wide, err = check.Run(t.Context(), m, safety)
		require.NoError(t, err)
		assert.Equal(t, properties(wide), properties(deep))
		same(t, wide, deep)
		for i, v := range deep.Violations {
			walkable(t, m, v.Trace)
			assert.GreaterOrEqual(t, len(v.Trace), len(wide.Violations[i].Trace), "breadth-first is shortest")
		}
	})
}

func same(t require.TestingT, a, b *check.Result[string]) {
	assert.Equal(t,
		[]any{a.Verdict, a.Distinct, a.Generated, a.Complete, a.Actions, a.OutDegree, a.NeverFired},
		[]any{b.Verdict, b.Distinct, b.Generated, b.Complete, b.Actions, b.OutDegree, b.NeverFired})
}

// walkable requires that every step of the trace is one of the model.
func walkable(t require.TestingT, m drawn, trace []check.TraceStep[string]) {
	for i := 1; i < len(trace); i++ {
		assert.Contains(t, m.arrows, arrow{trace[i-1].State, trace[i].Action, trace[i].State})
	}
}

// Of models this small enough walks find every violation, and never one that is none.
func TestRandomWalkFindsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _, _ := drawnAtRandom(t)
		m.properties = append(m.properties, check.DeadlockFree[string]("goes-on", nil))
		wide, err := check.Run(t.Context(), m, check.Options{Workers: 1})
		require.NoError(t, err)
		walk, err := check.Run(t.Context(), m, check.Options{Search: check.RandomWalk, Seed: 7, Walks: 600, Length: 12, Workers: 1})
		require.NoError(t, err)
		assert.Equal(t, wide.Distinct, walk.Distinct)
		for _, v := range walk.Violations {
			walkable(t, m, v.Trace)
		}
		// A lasso must be walked as a whole, so of liveness some may be missed, and of
		// strong fairness more; what is found is real.
		assert.Subset(t, properties(wide), properties(walk))
		for _, v := range wide.Violations {
			if v.Kind != check.Liveness {
				assert.Contains(t, properties(walk), v.Property)
			}
		}
		if len(wide.Violations) == 0 {
			assert.Equal(t, check.Inconclusive, walk.Verdict, "walks prove nothing")
		}
		assert.False(t, walk.Complete)
	})
}

func TestRandomWalkFindsLassos(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: append(unfair("maybe"), weak("must")...),
		arrows: []arrow{{"a", "must", "b"}, {"b", "must", "a"}, {"b", "maybe", "c"}},
		properties: []check.Property[string]{
			check.InfinitelyOften("a-again", is("a")),
			check.EventuallyAlways("stays-at-a", is("a")),
			check.Eventually("c", is("c")),
		},
	}
	r := run(t, m, check.Options{Search: check.RandomWalk, Seed: 1})
	require.Equal(t, []string{"a-again", "stays-at-a", "c"}, properties(r))
	assert.True(t, r.Violations[0].Stutter)
	assert.Equal(t, "(a b a )", path(r.Violations[2]))
}

func TestRandomWalkIsReproducible(t *testing.T) {
	g := grid{counters: 4, size: 9, properties: []check.Property[[4]byte]{
		check.Always("sum-below-20", func(s [4]byte) bool { return s[0]+s[1]+s[2]+s[3] < 20 }),
		check.Always("never-7-3", func(s [4]byte) bool { return s[0] != 7 || s[3] != 3 }),
		check.Eventually("nowhere", func([4]byte) bool { return false }),
	}}
	o := check.Options{Search: check.RandomWalk, Seed: 3, Walks: 60, Length: 80, Workers: 1}
	alone := run(t, g, o)
	require.Len(t, alone.Violations, 3)
	for _, o.Workers = range []int{2, 5, 16} {
		r := run(t, g, o)
		assert.Equal(t, alone.Violations, r.Violations)
		assert.Equal(t, []any{alone.Distinct, alone.Generated, alone.Depth, alone.Actions, alone.OutDegree},
			[]any{r.Distinct, r.Generated, r.Depth, r.Actions, r.OutDegree})
	}
	o.Seed = 4
	assert.NotEqual(t, alone.Distinct, run(t, g, o).Distinct)
	o.StopEarly = true
	early := run(t, g, o)
	assert.Equal(t, check.Violated, early.Verdict)
	assert.Less(t, early.Generated, alone.Generated)
}

// The states that walks visit are kept in memory, and limited as those of any other search.
func TestRandomWalkHeedsTheLimitOfStates(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := run(t, grid{counters: 4, size: 9}, check.Options{Search: check.RandomWalk, MaxStates: 50, Workers: workers})
		assert.Equal(t, check.Inconclusive, r.Verdict)
		assert.Equal(t, uint64(50), r.Distinct)
		assert.Equal(t, "more than 50 states", r.Stopped)
	}
}

// Ending with the first walk that violates safety is ending with that walk, however many were
// taken beside it.
func TestRandomWalkStopsEarlyForAnyNumberOfWorkers(t *testing.T) {
	g := grid{counters: 4, size: 9, properties: []check.Property[[4]byte]{
		check.Always("not-5-5", func(s [4]byte) bool { return s[0] != 5 || s[1] != 5 || s[2] > 2 }),
		check.Always("not-7-1", func(s [4]byte) bool { return s[2] != 7 || s[3] != 1 }),
		check.Eventually("nowhere", func([4]byte) bool { return false }),
	}}
	for seed := range uint64(6) {
		o := check.Options{Search: check.RandomWalk, Seed: seed, Walks: 400, Length: 30 + 10*int(seed), Workers: 1, StopEarly: true}
		alone := run(t, g, o)
		require.Equal(t, check.Violated, alone.Verdict)
		assert.Regexp(t, `^random walk \d+ of 400 violates a safety property$`, alone.Stopped)
		for _, o.Workers = range []int{2, 5, 16} {
			r := run(t, g, o)
			assert.Equal(t, alone.Violations, r.Violations, "seed %d, %d workers", seed, o.Workers)
			assert.Equal(t, []any{alone.Distinct, alone.Generated, alone.Depth, alone.Actions, alone.OutDegree, alone.Stopped},
				[]any{r.Distinct, r.Generated, r.Depth, r.Actions, r.OutDegree, r.Stopped}, "seed %d, %d workers", seed, o.Workers)
		}
	}
}

func TestDepthFirstIsStopped(t *testing.T) {
	r := run(t, endless{}, check.Options{Search: check.DepthFirst, MaxStates: 50})
	assert.Equal(t, check.Inconclusive, r.Verdict)
	assert.Equal(t, uint64(50), r.Distinct)
	assert.False(t, r.Complete)
	assert.Equal(t, "more than 50 states", r.Stopped)
	g := grid{counters: 3, size: 30, properties: []check.Property[[4]byte]{
		check.Always("below-3", func(s [4]byte) bool { return s[0] < 3 }),
	}}
	r2 := run(t, g, check.Options{Search: check.DepthFirst, StopEarly: true})
	assert.Equal(t, check.Violated, r2.Verdict)
	assert.False(t, r2.Complete)
	_, err := check.Run(t.Context(), wild{}, check.Options{Search: check.DepthFirst})
	require.ErrorIs(t, err, check.ErrModel)
	_, err = check.Run(t.Context(), wild{}, check.Options{Search: check.RandomWalk})
	require.ErrorIs(t, err, check.ErrModel)
}

// What would go unheeded is refused.
func TestOptionsThatAreWrong(t *testing.T) {
	for name, options := range map[string]check.Options{
		"search": {Search: 3}, "workers": {Workers: -1}, "too many workers": {Workers: 65}, "workers of a dive": {Search: check.DepthFirst, Workers: 2},
		"walks": {Search: check.RandomWalk, Walks: -1}, "length": {Search: check.RandomWalk, Length: -1}, "timeout": {Timeout: -1},
	} {
		_, err := check.Run(t.Context(), grid{counters: 1, size: 1}, options)
		require.ErrorIs(t, err, check.ErrOptions, name)
	}
}

// A limit of states cuts at the same state for any number of workers.
func TestMaxStatesIsExact(t *testing.T) {
	g := grid{counters: 4, size: 9, properties: []check.Property[[4]byte]{
		check.LeadsTo("five-leads-to-nothing", func(s [4]byte) bool { return s[1] == 5 }, func([4]byte) bool { return false }),
	}}
	for _, limit := range []uint64{1, 7, 100, 5_000} {
		alone := run(t, g, check.Options{Workers: 1, MaxStates: limit})
		assert.LessOrEqual(t, alone.Distinct, limit)
		assert.Greater(t, alone.Distinct+8, limit, "less than the steps of one state are missing")
		for _, workers := range []int{2, 9} {
			r := run(t, g, check.Options{Workers: workers, MaxStates: limit})
			assert.Equal(t, []any{alone.Distinct, alone.Generated, alone.Depth, alone.Actions, alone.Violations},
				[]any{r.Distinct, r.Generated, r.Depth, r.Actions, r.Violations}, "%d workers", workers)
		}
	}
	whole := run(t, grid{counters: 2, size: 9}, check.Options{MaxStates: 100})
	assert.True(t, whole.Complete, "as many states as the limit are not too many")
	assert.Equal(t, check.Held, whole.Verdict)
}

func TestCoverageAndOutDegree(t *testing.T) {
	r := run(t, grid{counters: 2, size: 9}, check.Options{})
	assert.Equal(t, []check.ActionCount{{Name: "reset", Steps: 1}, {Name: "up0", Steps: 90}, {Name: "up1", Steps: 90}}, r.Actions)
	assert.Equal(t, check.OutDegree{Min: 1, Average: 2, Median: 2, P95: 2, Max: 2}, r.OutDegree)
	idle := drawn{initial: []string{"a"}, actions: weak("s"), arrows: []arrow{{"a", "s", "a"}}}
	r2 := run(t, idle, check.Options{})
	assert.Zero(t, r2.OutDegree)
	assert.Equal(t, []string{"s"}, r2.NeverFired, "a step that changes nothing is no step")
}

func ExampleSearch() {
	for _, search := range []check.Search{check.BreadthFirst, check.DepthFirst, check.RandomWalk} {
		fmt.Println(search)
	}
	// Output:
	// bfs
	// dfs
	// walk
}

// A model with a dead action is not known to hold, unless the model says that the action
// may rest, or the options that all of them may.
func TestDeadActions(t *testing.T) {
	m := drawn{initial: []string{"a"}, actions: unfair("s", "never", "rest"), arrows: []arrow{{"a", "s", "b"}}}
	m.actions[2].MayRest = true
	for _, search := range []check.Search{check.BreadthFirst, check.DepthFirst} {
		r := run(t, m, check.Options{Search: search})
		assert.Equal(t, check.Inconclusive, r.Verdict)
		assert.True(t, r.Complete)
		assert.Empty(t, r.Stopped)
		assert.Equal(t, []string{"never"}, r.Dead, "rest may")
		assert.Equal(t, []string{"never", "rest"}, r.NeverFired)
	}
	r := run(t, m, check.Options{MayRest: true})
	assert.Equal(t, check.Held, r.Verdict)
	assert.Empty(t, r.Dead)
	assert.Equal(t, []string{"never", "rest"}, r.NeverFired, "told all the same")

	m.properties = []check.Property[string]{check.Always("not-b", func(s string) bool { return s != "b" })}
	r = run(t, m, check.Options{})
	assert.Equal(t, check.Violated, r.Verdict, "a violation is never inconclusive")
	assert.Empty(t, r.Dead)

	m.properties, m.actions[1].MayRest = nil, true
	r = run(t, m, check.Options{})
	assert.Equal(t, check.Held, r.Verdict)
	assert.Empty(t, r.Dead)

	for _, options := range []check.Options{{MaxStates: 10, Only: []string{"below"}}, {Search: check.RandomWalk, Walks: 1, Length: 2}} {
		cut := run(t, endless{}, options)
		assert.Equal(t, check.Inconclusive, cut.Verdict)
		assert.Empty(t, cut.Dead, "what was not searched may take it")
	}
}
