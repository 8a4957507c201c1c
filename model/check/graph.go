// The steps between states, kept for liveness: who leads where by which action, and what is true where.

package check

import (
	"fmt"
	"math"
)

const (
	maxActions = math.MaxUint16
	maxMarks   = 64
	noState    = math.MaxUint32
)

// graph has the steps out of every state that was looked into, states by number.
// Steps that change nothing are not in it.
type graph struct {
	groups  groups
	starts  []uint64 // index of each state's first step; one more at the end
	targets []uint32
	actions []uint16
	marked  []uint64 // for each state the predicates of the obligations
}

// newGraph returns nil where no property is a liveness property.
func newGraph[S any](properties []Property[S], groups groups) (*graph, error) {
	marks := 0
	for i := range properties {
		marks += 2 * len(properties[i].goals)
	}
	if marks == 0 {
		return nil, nil
	}
	if marks > maxMarks {
		return nil, fmt.Errorf("%w: its liveness properties have %d obligations, more than %d can be looked at in one run: use Options.Only",
			ErrModel, marks/2, maxMarks/2)
	}
	return &graph{groups: groups, starts: []uint64{0}}, nil
}

// marks evaluates the predicates of all obligations: from in the even bits, until in
// the odd ones, in the order of the properties.
func marks[S any](properties []Property[S], state S) uint64 {
	var set uint64
	bit := uint64(1)
	for i := range properties {
		for _, goal := range properties[i].goals {
			if goal.from != nil && goal.from(state) {
				set |= bit
			}
			if goal.until(state) {
				set |= bit << 1
			}
			bit <<= 2
		}
	}
	return set
}

// size returns the number of states whose steps are known.
func (g *graph) size() int { return len(g.marked) }

// steps returns the range of the steps out of state in targets and actions.
func (g *graph) steps(state uint32) (from, to uint64) {
	return g.starts[state], g.starts[state+1]
}

// bytes returns the memory of the graph.
func (g *graph) bytes() uint64 {
	return uint64(cap(g.starts))*8 + uint64(cap(g.targets))*4 + uint64(cap(g.actions))*2 + uint64(cap(g.marked))*8
}
