// A walk through a fair region that collects what makes it fair by itself.

package check

import "slices"

// walk is how far such a walk has come.
type walk struct {
	graph    *graph
	region   region
	regions  []uint32
	over     func() bool
	missing  []bool // by group: neither taken nor, if weak, found not enabled
	lacking  bool   // a state without the goal is still to be met
	goal     uint64
	stepwise []bool // by group: only a step of it counts
}

func newWalk(g *graph, d duty, r region, c *scratch) *walk {
	n := len(g.groups.all)
	w := &walk{
		graph: g, region: r, regions: c.parts.region, over: c.over,
		missing: make([]bool, n), stepwise: make([]bool, n),
		lacking: d.again, goal: d.until,
	}
	j := g.judge(r, w.regions)
	for i, gr := range g.groups.all {
		switch gr.fairness {
		case Weak:
			w.missing[i] = true
		case Strong:
			w.missing[i] = j.enabled[i]
			w.stepwise[i] = true
		}
	}
	return w
}

// complete says whether nothing is missing any more.
func (w *walk) complete() bool { return !w.lacking && !slices.Contains(w.missing, true) }

// arrive notes what being in state contributes.
func (w *walk) arrive(state uint32) {
	if w.graph.marked[state]&w.goal == 0 {
		w.lacking = false
	}
	for i := range w.missing {
		if w.missing[i] && !w.stepwise[i] && !w.enables(state, i) {
			w.missing[i] = false
		}
	}
}

// take notes what a step contributes, and the state that it leads to.
func (w *walk) take(m move) {
	if of := w.graph.groups.of[m.action]; of >= 0 {
		w.missing[of] = false
	}
	w.arrive(m.to)
}

// useful says whether m contributes anything that is missing.
func (w *walk) useful(m move) bool {
	if of := w.graph.groups.of[m.action]; of >= 0 && w.missing[of] {
		return true
	}
	if w.lacking && w.graph.marked[m.to]&w.goal == 0 {
		return true
	}
	for i := range w.missing {
		if w.missing[i] && !w.stepwise[i] && !w.enables(m.to, i) {
			return true
		}
	}
	return false
}

func (w *walk) enables(state uint32, group int) bool {
	for at, end := w.graph.steps(state); at < end; at++ {
		if w.graph.groups.of[w.graph.actions[at]] == group {
			return true
		}
	}
	return false
}

// nearest returns the shortest walk inside the region whose last step is wanted. The
// region is strongly connected and has such a step, so there is one: nil only where the
// search is over.
func (w *walk) nearest(from uint32, wanted func(move) bool) []move {
	type origin struct {
		state  uint32
		action uint16
	}
	came := map[uint32]origin{}
	queue := []uint32{from}
	for looked := 1; len(queue) > 0; looked++ {
		if looked%lookEvery == 0 && w.over() {
			return nil
		}
		state := queue[0]
		queue = queue[1:]
		for at, end := w.graph.steps(state); at < end; at++ {
			m := move{action: w.graph.actions[at], to: w.graph.targets[at]}
			if int(m.to) >= len(w.regions) || w.regions[m.to] != w.region.id {
				continue
			}
			if wanted(m) {
				back := []move{m}
				for s := state; s != from; s = came[s].state {
					back = append(back, move{action: came[s].action, to: s})
				}
				slices.Reverse(back)
				return back
			}
			if _, seen := came[m.to]; !seen && m.to != from {
				came[m.to] = origin{state: state, action: m.action}
				queue = append(queue, m.to)
			}
		}
	}
	panic("check: a fair region lacks what makes it fair")
}
