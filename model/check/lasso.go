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

// findLasso returns a lasso with the shortest prefix that violates d, if there is one: none
// where c says that the search is over.
func (g *graph) findLasso(d duty, c *scratch, origins *origins, levels []uint32) (lasso, bool) {
	defer c.measure()
	g.reach(d, c, levels)
	f := finder{graph: g, duty: d, scratch: c}
	best := f.search(c.order)
	if c.over() || best.states == nil {
		return lasso{}, false
	}
	cycle, closed := g.circle(d, best, c, f.entry)
	return lasso{prefix: c.way(f.entry, origins), cycle: cycle}, closed
}

// finder looks for the region in which a violation circles.
type finder struct {
	*scratch
	graph *graph
	duty  duty
	best  region // nearest so far
	entry uint32 // nearest state of it
	later [][]uint32
}

// search returns the nearest region in which a fair behaviour violates the duty; one
// without states if there is none.
func (f *finder) search(states []uint32) region {
	f.parts.find(states, f.consider)
	for len(f.later) > 0 && !f.over() {
		part := f.later[len(f.later)-1]
		f.later = f.later[:len(f.later)-1]
		f.parts.find(part, f.consider)
		f.held -= 4 * uint64(cap(part))
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
	if f.best.states != nil && f.rank[nearest] > f.rank[f.entry] {
		return
	}
	if len(r.states) == 1 && f.graph.canStop(r.states[0]) {
		f.keep(r, nearest)
		return
	}
	j := f.graph.judge(r, f.parts.region)
	if f.graph.fair(j) {
		f.keep(r, nearest)
	} else if rest := f.graph.withoutStrong(r, j); len(rest) < len(r.states) && !f.graph.weaklyHopeless(j) {
		f.later = append(f.later, rest)
		f.hold(rest)
	}
}

func (f *finder) keep(r region, nearest uint32) {
	f.held -= 4 * uint64(cap(f.best.states))
	f.best, f.entry = region{id: r.id, states: slices.Clone(r.states)}, nearest
	f.hold(f.best.states)
}

func (f *finder) hold(states []uint32) {
	f.held += 4 * uint64(cap(states))
	f.measure()
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
// It is not closed where c says that the search is over.
func (g *graph) circle(d duty, r region, c *scratch, entry uint32) (moves []move, closed bool) {
	w := newWalk(g, d, r, c)
	w.arrive(entry)
	at := entry
	for !w.complete() {
		leg := w.nearest(at, w.useful)
		if leg == nil {
			return nil, false
		}
		for _, m := range leg {
			w.take(m)
		}
		moves = append(moves, leg...)
		at = moves[len(moves)-1].to
	}
	if at == entry {
		return moves, true
	}
	back := w.nearest(at, func(m move) bool { return m.to == entry })
	return append(moves, back...), back != nil
}
