// Fairness: which actions form one, and whether a set of states can be circled for ever fairly.

package check

import "fmt"

// group is the actions that fairness sees as one.
type group struct {
	name     string
	fairness Fairness
}

// groups of the fair actions of a model.
type groups struct {
	all []group
	of  []int // by action, -1 where it is unfair
}

func groupActions(actions []Action) (groups, error) {
	g := groups{of: make([]int, len(actions))}
	index := map[string]int{}
	for i, a := range actions {
		g.of[i] = -1
		at, known := index[a.group()]
		if !known {
			at = len(g.all)
			index[a.group()] = at
			g.all = append(g.all, group{name: a.group(), fairness: a.Fairness})
		}
		if g.all[at].fairness != a.Fairness {
			return g, fmt.Errorf("%w: action %q is not as fair as others of its group %q", ErrModel, a.Name, a.group())
		}
		if a.Fairness != Unfair {
			g.of[i] = at
		}
	}
	return g, nil
}

// region is a strongly connected set of states, as circled by a behaviour that goes
// through all of it again and again.
type region struct {
	id     uint32   // of its states in components.region
	states []uint32 // at least one
}

// judgement of a region, by group.
type judgement struct {
	enabled []bool // in some state
	absent  []bool // in some state it is not enabled
	taken   []bool // by some step inside
}

// judge looks at every group in r.
func (g *graph) judge(r region, regions []uint32) judgement {
	n := len(g.groups.all)
	j := judgement{enabled: make([]bool, n), absent: make([]bool, n), taken: make([]bool, n)}
	here := make([]bool, n)
	for _, state := range r.states {
		clear(here)
		for at, to := g.steps(state); at < to; at++ {
			if of := g.groups.of[g.actions[at]]; of >= 0 {
				here[of] = true
				j.enabled[of] = true
				// A search that was cut short has steps to states that it did not look into.
				if to := int(g.targets[at]); to < len(regions) && regions[to] == r.id {
					j.taken[of] = true
				}
			}
		}
		for i := range here {
			if !here[i] {
				j.absent[i] = true
			}
		}
	}
	return j
}

// fair says whether going through all of the region again and again is fair.
func (g *graph) fair(j judgement) bool {
	for i, gr := range g.groups.all {
		switch gr.fairness {
		case Weak:
			if !j.absent[i] && !j.taken[i] {
				return false
			}
		case Strong:
			if j.enabled[i] && !j.taken[i] {
				return false
			}
		}
	}
	return true
}

// weaklyHopeless says whether not even a part of the region can be circled fairly:
// every state enables some group weakly whose steps all lead out. What a part lacks,
// its whole lacks as well.
func (g *graph) weaklyHopeless(j judgement) bool {
	for i, gr := range g.groups.all {
		if gr.fairness == Weak && !j.absent[i] && !j.taken[i] {
			return true
		}
	}
	return false
}

// withoutStrong returns the states of r that enable no strong group which the region
// never takes: a fair behaviour inside r stays in them in the end.
func (g *graph) withoutStrong(r region, j judgement) []uint32 {
	var rest []uint32
	for _, state := range r.states {
		if !g.enablesUntakenStrong(state, j) {
			rest = append(rest, state)
		}
	}
	return rest
}

func (g *graph) enablesUntakenStrong(state uint32, j judgement) bool {
	for at, to := g.steps(state); at < to; at++ {
		of := g.groups.of[g.actions[at]]
		if of >= 0 && g.groups.all[of].fairness == Strong && !j.taken[of] {
			return true
		}
	}
	return false
}

// canStop says whether stopping in state for ever is fair: nothing fair is enabled.
func (g *graph) canStop(state uint32) bool {
	for at, to := g.steps(state); at < to; at++ {
		if g.groups.of[g.actions[at]] >= 0 {
			return false
		}
	}
	return true
}
