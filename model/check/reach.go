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

// reached is the part of the graph in which a behaviour can violate a duty.
type reached struct {
	order    []uint32 // its states, nearest first
	previous []uint32 // by state: the one before it on the shortest way; itself at the beginning
	source   []bool   // by state: the duty begins here; the way there is that of the parents. nil where again
}

// reach finds the part of g in which d can be violated. parents has the shortest way
// to every state, levels the first state of each level of those ways.
func (g *graph) reach(d duty, parents, levels []uint32) reached {
	if d.again {
		order := make([]uint32, g.size())
		for s := range order {
			order[s] = uint32(s)
		}
		return reached{order: order, previous: parents}
	}
	r := reached{previous: slices.Clone(parents), source: make([]bool, g.size())}
	inside := make([]bool, g.size())
	front := 0 // first state of r.order from which no steps were followed yet
	for depth := 0; depth < len(levels) || front < len(r.order); depth++ {
		if depth < len(levels) && (depth == 0 || !d.onlyInitially) {
			g.begin(d, &r, inside, levels, depth)
		}
		for end := len(r.order); front < end; front++ {
			g.follow(d, &r, inside, r.order[front])
		}
	}
	return r
}

// begin adds the states of one level in which d begins unfulfilled.
func (g *graph) begin(d duty, r *reached, inside []bool, levels []uint32, depth int) {
	end := uint32(g.size())
	if depth+1 < len(levels) {
		end = min(end, levels[depth+1])
	}
	for s := levels[depth]; s < end; s++ {
		if !inside[s] && g.marked[s]&d.from != 0 && g.marked[s]&d.until == 0 {
			inside[s], r.source[s] = true, true
			r.order = append(r.order, s)
		}
	}
}

// follow adds the states one step from state in which d is still unfulfilled.
func (g *graph) follow(d duty, r *reached, inside []bool, state uint32) {
	for at, end := g.steps(state); at < end; at++ {
		s := g.targets[at]
		if int(s) < g.size() && !inside[s] && g.marked[s]&d.until == 0 {
			inside[s] = true
			r.previous[s] = state
			r.order = append(r.order, s)
		}
	}
}

// way returns the states of the shortest way to state, from an initial one on.
func (r *reached) way(state uint32, parents []uint32) []uint32 {
	way := []uint32{state}
	if r.source != nil {
		for !r.source[state] {
			state = r.previous[state]
			way = append(way, state)
		}
	}
	for parents[state] != state {
		state = parents[state]
		way = append(way, state)
	}
	slices.Reverse(way)
	return way
}
