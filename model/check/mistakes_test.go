// The four known mistakes of liveness checkers: for each a graph on which a checker
// that makes it gives the wrong answer.

package check_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// no-stutter: a checker that looks at infinite paths only takes a behaviour that stops
// for none. Here the only step is unfair, so stopping before it is a behaviour; and
// behind it the behaviour stops because there is no step at all.
func TestMistakeNoStutter(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: append(unfair("maybe"), weak("must")...),
		arrows: []arrow{{"a", "maybe", "b"}},
		properties: []check.Property[string]{
			check.Eventually("leaves", is("b")),
			check.EventuallyAlways("stays-at-a", is("a")),
			check.LeadsTo("b-returns", is("b"), is("a")),
		},
	}
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 3)
	assert.Equal(t, "(a )stop", path(r.Violations[0]))
	assert.Equal(t, "a (b )stop", path(r.Violations[1]))
	assert.Equal(t, "a (b )stop", path(r.Violations[2]))
	assert.True(t, r.Violations[0].Stutter)

	// Fair, the same step must be taken, and stopping before it is no behaviour.
	m.actions = weak("maybe", "must")
	r = run(t, m, check.Options{Only: []string{"leaves"}, MayRest: true})
	assert.Equal(t, check.Held, r.Verdict)

	// A step that changes nothing does not keep a behaviour going, and does not make
	// its action enabled: stopping at b is fair although "must" leads from b to b.
	m.arrows = append(m.arrows, arrow{"b", "must", "b"})
	r = run(t, m, check.Options{Only: []string{"b-returns"}})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, "a (b )stop", path(r.Violations[0]))
}

// fairness-on-whole-scc, one way: the component {a, b, goal} takes "go" inside, so a
// checker that judges fairness on the whole component calls the part {a, b}, which
// avoids the goal, fair as well, and raises a false alarm: "go" is enabled in both of
// them and never taken.
func TestMistakeFairnessOnWholeComponentFalseAlarm(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: append(unfair("walk"), weak("go")...),
		arrows: []arrow{
			{"a", "walk", "b"}, {"b", "walk", "a"}, {"a", "go", "goal"}, {"b", "go", "goal"}, {"goal", "walk", "a"},
		},
		properties: []check.Property[string]{
			check.InfinitelyOften("goal-again", is("goal")),
			check.LeadsTo("b-reaches-goal", is("b"), is("goal")),
		},
	}
	assert.Equal(t, check.Held, run(t, m, check.Options{}).Verdict)
	m.actions[1].Fairness = check.Unfair
	assert.Len(t, run(t, m, check.Options{}).Violations, 2)
}

// fairness-on-whole-scc, the other way: strong fairness. The component {a, b, c}
// enables "exit" in c and never takes it inside, so a checker that judges the whole
// component calls it unfair and misses the part {a, b}, which never comes to c.
func TestMistakeFairnessOnWholeComponentMissed(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: append(strong("exit"), weak("walk")...),
		arrows: []arrow{
			{"a", "walk", "b"}, {"b", "walk", "a"}, {"b", "walk", "c"}, {"c", "walk", "a"}, {"c", "exit", "out"},
		},
		properties: []check.Property[string]{check.Eventually("gets-out", is("out"))},
	}
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, "(a b a )", path(r.Violations[0]))

	// Without the way around c, strong fairness gets out; weak fairness does not.
	m.arrows = []arrow{{"a", "walk", "c"}, {"c", "walk", "a"}, {"c", "exit", "out"}}
	assert.Equal(t, check.Held, run(t, m, check.Options{}).Verdict)
	m.actions[0].Fairness = check.Weak
	r = run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, "(a c a )", path(r.Violations[0]))
}

// unfair-cycle-reported: the component is fair as a whole, but its shortest cycle, a
// and b, is not: "far" is enabled in both. What is printed must take the long way.
func TestMistakeUnfairCycleReported(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: append(unfair("walk"), weak("far")...),
		arrows: []arrow{
			{"a", "walk", "b"}, {"b", "walk", "a"}, {"a", "far", "c"}, {"b", "far", "c"},
			{"c", "walk", "d"}, {"d", "walk", "a"}, {"c", "far", "d"}, {"d", "far", "a"},
		},
		properties: []check.Property[string]{check.Eventually("somewhere-else", is("nowhere"))},
	}
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	v := r.Violations[0]
	far := false
	for _, step := range v.Trace[v.Cycle+1:] {
		far = far || step.Action == "far"
	}
	assert.True(t, far, path(v))
}

// lasso-with-false-edge: a and b meet again in m, from where it goes on in a circle.
// A checker that remembers per state that the goal was seen on the way there either
// misses the behaviour through a, or prints one whose steps do not exist.
func TestMistakeLassoWithFalseEdge(t *testing.T) {
	for _, arrows := range [][]arrow{
		{{"i", "step", "goal"}, {"i", "step", "a"}, {"goal", "step", "m"}, {"a", "step", "m"}, {"m", "step", "n"}, {"n", "step", "m"}},
		{{"i", "step", "a"}, {"i", "step", "goal"}, {"a", "step", "m"}, {"goal", "step", "m"}, {"m", "step", "n"}, {"n", "step", "m"}},
	} {
		m := drawn{
			initial: []string{"i"}, actions: weak("step"), arrows: arrows,
			properties: []check.Property[string]{
				check.Eventually("passes-goal", is("goal")),
				check.LeadsTo("a-leads-to-goal", is("a"), is("goal")),
			},
		}
		r := run(t, m, check.Options{})
		require.Len(t, r.Violations, 2)
		for _, v := range r.Violations {
			assert.Equal(t, "i a (m n m )", path(v))
			for i, step := range v.Trace[1:] {
				assert.Contains(t, arrows, arrow{v.Trace[i].State, step.Action, step.State})
			}
		}
	}
}

// A cross-edge into a component that was left already is no cycle.
func TestNoCycleThroughFinishedComponents(t *testing.T) {
	m := drawn{
		initial: []string{"i"}, actions: weak("step"),
		arrows: []arrow{{"i", "step", "a"}, {"i", "step", "b"}, {"a", "step", "end"}, {"b", "step", "a"}},
		properties: []check.Property[string]{
			check.Eventually("ends", is("end")),
			check.EventuallyAlways("stays-ended", is("end")),
		},
	}
	assert.Equal(t, check.Held, run(t, m, check.Options{}).Verdict)
}

// An action that is enabled now and then only escapes weak fairness, not strong.
func TestEnabledNowAndThen(t *testing.T) {
	m := drawn{
		initial: []string{"off"}, actions: append(weak("toggle"), weak("leave")...),
		arrows:     []arrow{{"off", "toggle", "on"}, {"on", "toggle", "off"}, {"on", "leave", "gone"}},
		properties: []check.Property[string]{check.Eventually("leaves", is("gone"))},
	}
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, "(off on off )", path(r.Violations[0]))
	m.actions[1].Fairness = check.Strong
	assert.Equal(t, check.Held, run(t, m, check.Options{}).Verdict)
}

// Actions of one group are one to fairness: taking either is fair to both.
func TestGroupsOfActions(t *testing.T) {
	m := drawn{
		initial: []string{"a"}, actions: weak("walk", "left", "right"),
		arrows:     []arrow{{"a", "left", "b"}, {"b", "walk", "a"}, {"a", "right", "c"}, {"b", "right", "c"}},
		properties: []check.Property[string]{check.Eventually("c", is("c"))},
	}
	assert.Equal(t, check.Held, run(t, m, check.Options{}).Verdict)
	m.actions[1].Group, m.actions[2].Group = "turn", "turn"
	r := run(t, m, check.Options{})
	require.Len(t, r.Violations, 1)
	assert.Equal(t, "(a b a )", path(r.Violations[0]))
	m.actions[1].Fairness = check.Strong
	_, err := check.Run(t.Context(), m, check.Options{})
	require.ErrorIs(t, err, check.ErrModel)
}
