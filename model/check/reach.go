// Which states a violation of an obligation may circle in, and the shortest way to each.

package check

import "slices"

// duty is one obligation in terms of the graph: the bits of graph.marked that say
// where it begins and where it is fulfilled.
type duty struct {
	from, until   uint64
	again         bool // "<>[] until": the cycle must leave until; else "from ~> until": it must never enter it
	onlyInitially bool // from counts in initial states only
}

// reach fills c with the part of g in which d can be violated. levels has the first state
// of each level of shortest ways from the initial states.
func (g *graph) reach(d duty, c *scratch, levels []uint32) {
	c.begin()
	if d.again {
		for s := range uint32(g.size()) {
			c.add(s)
			c.source[s] = true
		}
		return
	}
	front := 0 // first state of c.order from which no steps were followed yet
	for depth := 0; (depth < len(levels) || front < len(c.order)) && !c.over(); depth++ {
		if depth < len(levels) && (depth == 0 || !d.onlyInitially) {
			g.begin(d, c, levels, depth)
		}
		for end := len(c.order); front < end; front++ {
			if front%lookEvery == 0 && c.over() {
				return
			}
			g.follow(d, c, c.order[front])
		}
	}
}

// begin adds the states of one level in which d begins unfulfilled.
func (g *graph) begin(d duty, c *scratch, levels []uint32, depth int) {
	end := uint32(g.size())
	if depth+1 < len(levels) {
		end = min(end, levels[depth+1])
	}
	for s := levels[depth]; s < end; s++ {
		if c.rank[s] == noState && g.marked[s]&d.from != 0 && g.marked[s]&d.until == 0 {
			c.source[s] = true
			c.add(s)
		}
	}
}

// follow adds the states one step from state in which d is still unfulfilled.
func (g *graph) follow(d duty, c *scratch, state uint32) {
	for at, end := g.steps(state); at < end; at++ {
		s := g.targets[at]
		if int(s) < g.size() && c.rank[s] == noState && g.marked[s]&d.until == 0 {
			c.previous[s] = state
			c.add(s)
		}
	}
}

// way returns the states of the shortest way to state, from an initial one on: from there
// to a source, and on to it.
func (c *scratch) way(state uint32, origins *origins) []uint32 {
	var way []uint32
	for !c.source[state] {
		way = append(way, state)
		state = c.previous[state]
	}
	slices.Reverse(way)
	return append(origins.way(state), way...)
}
