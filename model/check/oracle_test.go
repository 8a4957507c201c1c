// Small models drawn at random, judged by Run and by brute force.

package check_test

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/model/check"
)

const oracleStates = 5

// drawnAtRandom draws a model with up to five states, three actions and any fairness,
// and returns it with the predicates of its properties.
func drawnAtRandom(t *rapid.T) (m drawn, p, q func(string) bool) {
	name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	m = drawn{initial: []string{"a"}}
	if rapid.Bool().Draw(t, "two initial states") {
		m.initial = append(m.initial, "b")
	}
	for i := range 3 {
		fairness := rapid.SampledFrom([]check.Fairness{check.Unfair, check.Weak, check.Strong}).Draw(t, "fairness")
		m.actions = append(m.actions, check.Action{Name: fmt.Sprint("act", i), Fairness: fairness})
	}
	for range rapid.IntRange(0, 9).Draw(t, "arrows") {
		m.arrows = append(m.arrows, arrow{
			name.Draw(t, "from"), rapid.SampledFrom([]string{"act0", "act1", "act2"}).Draw(t, "action"), name.Draw(t, "to"),
		})
	}
	set := func(label string) func(string) bool {
		members := rapid.SliceOfDistinct(name, rapid.ID[string]).Draw(t, label)
		return is(members...)
	}
	p, q = set("p"), set("q")
	m.properties = []check.Property[string]{
		check.EventuallyAlways("eventually-always", q),
		check.LeadsTo("leads-to", p, q),
		check.Eventually("eventually", q),
		check.InfinitelyOften("infinitely-often", q),
		check.Always("always", q),
	}
	return m, p, q
}

// oracle looks at every set of states that a behaviour might visit again and again.
type oracle struct {
	m       drawn
	visible map[string]bool // reachable
}

func index(s string) int { return int(s[0] - 'a') }

func (o oracle) has(set int, s string) bool { return set>>index(s)&1 != 0 }

// closed says whether set is strongly connected by steps inside, or one state.
func (o oracle) closed(set int) bool {
	first := bits.TrailingZeros(uint(set))
	for _, forward := range []bool{true, false} {
		seen := 1 << first
		for range oracleStates {
			for _, a := range o.m.arrows {
				from, to := a.from, a.to
				if !forward {
					from, to = to, from
				}
				if o.has(set, from) && o.has(set, to) && o.has(seen, from) {
					seen |= 1 << index(to)
				}
			}
		}
		if seen != set {
			return false
		}
	}
	return true
}

// fair says whether circling through all of set, by all steps inside, is fair. A set
// of one state is a behaviour that stops.
func (o oracle) fair(set int) bool {
	for _, act := range o.m.actions {
		enabledIn, taken := 0, false
		for _, a := range o.m.arrows {
			if a.action == act.Name && a.from != a.to && o.has(set, a.from) {
				enabledIn |= 1 << index(a.from)
				taken = taken || o.has(set, a.to)
			}
		}
		if act.Fairness == check.Weak && enabledIn == set && !taken {
			return false
		}
		if act.Fairness == check.Strong && enabledIn != 0 && !taken {
			return false
		}
	}
	return true
}

// reach returns the states that can be reached from those in start by steps whose
// ends satisfy inside.
func (o oracle) reach(start []string, inside func(string) bool) map[string]bool {
	seen := map[string]bool{}
	for _, s := range start {
		if inside(s) {
			seen[s] = true
		}
	}
	for range oracleStates {
		for _, a := range o.m.arrows {
			if seen[a.from] && inside(a.to) {
				seen[a.to] = true
			}
		}
	}
	return seen
}

// circles says whether some fair behaviour stays, in the end, in a set of states out
// of those in from, and accepted.
func (o oracle) circles(from map[string]bool, accepted func(set int) bool) bool {
	for set := 1; set < 1<<oracleStates; set++ {
		inside := true
		for s := range oracleStates {
			if set>>s&1 != 0 && !from[string(rune('a'+s))] {
				inside = false
			}
		}
		if inside && o.closed(set) && o.fair(set) && accepted(set) {
			return true
		}
	}
	return false
}

func anywhere(string) bool { return true }
func anyset(int) bool      { return true }

// violated says by brute force which properties of m do not hold. p and q are those of
// drawnAtRandom, by state.
func (o oracle) violated(p, q func(string) bool) map[string]bool {
	lacks := func(set int) bool {
		for s := range oracleStates {
			if set>>s&1 != 0 && !q(string(rune('a'+s))) {
				return true
			}
		}
		return false
	}
	avoiding := func(start []string) bool { return o.circles(o.reach(start, not(q)), anyset) }
	var all, begin []string
	always := true
	for s := range o.visible {
		all = append(all, s)
		always = always && q(s)
		if p(s) {
			begin = append(begin, s)
		}
	}
	return map[string]bool{
		"eventually-always": o.circles(o.visible, lacks),
		"leads-to":          avoiding(begin),
		"eventually":        avoiding(o.m.initial),
		"infinitely-often":  avoiding(all),
		"always":            !always,
	}
}

func TestAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, p, q := drawnAtRandom(t)
		o := oracle{m: m}
		o.visible = o.reach(m.initial, anywhere)
		want := o.violated(p, q)
		r, err := check.Run(t.Context(), m, check.Options{Workers: 1 + rapid.IntRange(0, 2).Draw(t, "workers")})
		require.NoError(t, err)
		require.Equal(t, uint64(len(o.visible)), r.Distinct)
		got := map[string]bool{}
		for _, v := range r.Violations {
			got[v.Property] = true
		}
		for name, violated := range want {
			require.Equal(t, violated, got[name], name)
		}
	})
}
