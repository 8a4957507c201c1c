// The search for a fair behaviour that violates a liveness obligation: a way to a
// cycle, and the cycle. Every step is one of the graph, and the cycle itself is fair.

package check

import "slices"

// lasso is such a behaviour, by numbers of states.
type lasso struct {
	prefix []uint32 // from an initial state to the one where the cycle begins
	cycle  []move   // the last one leads back; empty: the behaviour stops for ever
}

// move is a step of a cycle.
type move struct {
	action uint16
	to     uint32
}

// findLasso returns a lasso with the shortest prefix that violates d, if there is one.
func (g *graph) findLasso(d duty, parents, levels []uint32, halted func() bool) (lasso, bool) {
	r := g.reach(d, parents, levels)
	rank := make([]uint32, g.size())
	for at, state := range r.order {
		rank[state] = uint32(at)
	}
	f := finder{graph: g, duty: d, rank: rank, parts: newComponents(g, halted)}
	best := f.search(r.order)
	if halted() || best.states == nil {
		return lasso{}, false
	}
	entry := f.nearest(best.states)
	return lasso{
		prefix: r.way(entry, parents),
		cycle:  g.circle(d, best, f.parts.region, entry),
	}, true
}

// finder looks for the region in which a violation circles.
type finder struct {
	graph *graph
	duty  duty
	rank  []uint32
	parts *components
	best  region // nearest so far
	later [][]uint32
}

// search returns the nearest region in which a fair behaviour violates the duty; one
// without states if there is none.
func (f *finder) search(states []uint32) region {
	f.later = append(f.later, states)
	for len(f.later) > 0 && !f.parts.halted() {
		part := f.later[len(f.later)-1]
		f.later = f.later[:len(f.later)-1]
		f.parts.find(part, f.consider)
	}
	return f.best
}

// consider keeps r if it is nearer than the best so far and can be circled fairly, or
// puts back the part of it in which a fair behaviour could still be.
func (f *finder) consider(r region) {
	if !f.violates(r) {
		return
	}
	nearest := f.nearest(r.states)
	if f.best.states != nil && f.rank[nearest] > f.rank[f.nearest(f.best.states)] {
		return
	}
	if len(r.states) == 1 && f.graph.canStop(r.states[0]) {
		f.keep(r)
		return
	}
	j := f.graph.judge(r, f.parts.region)
	if f.graph.fair(j) {
		f.keep(r)
	} else if rest := f.graph.withoutStrong(r, j); len(rest) < len(r.states) && !f.graph.weaklyHopeless(j) {
		f.later = append(f.later, rest)
	}
}

func (f *finder) keep(r region) {
	f.best = region{id: r.id, states: slices.Clone(r.states)}
}

// violates says whether going through all of r violates the duty. Where the duty is
// never to be entered every state of the part does.
func (f *finder) violates(r region) bool {
	if !f.duty.again {
		return true
	}
	return slices.ContainsFunc(r.states, f.lacks)
}

func (f *finder) lacks(state uint32) bool { return f.graph.marked[state]&f.duty.until == 0 }

func (f *finder) nearest(states []uint32) uint32 {
	return slices.MinFunc(states, func(a, b uint32) int { return int(f.rank[a]) - int(f.rank[b]) })
}

// circle returns a closed walk from entry through r that is fair by itself: it meets,
// for every weak group, a state that does not enable it or a step of it, for every
// strong group that r enables a step of it, and where d wants it a state that lacks
// the goal. Always to the nearest of what is still missing, then back.
func (g *graph) circle(d duty, r region, regions []uint32, entry uint32) []move {
	w := newWalk(g, d, r, regions)
	w.arrive(entry)
	at := entry
	var moves []move
	for !w.complete() {
		leg := w.nearest(at, w.useful)
		for _, m := range leg {
			w.take(m)
		}
		moves = append(moves, leg...)
		at = moves[len(moves)-1].to
	}
	if at != entry {
		moves = append(moves, w.nearest(at, func(m move) bool { return m.to == entry })...)
	}
	return moves
}
