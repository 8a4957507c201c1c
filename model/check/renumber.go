// The graph of a depth-first search in breadth-first order, so that liveness is judged,
// and told by shortest ways, as if the search had been breadth-first.

package check

// renumber gives every state its breadth-first number, counted from roots, if there is time
// and memory for it: without, liveness is not judged, and the numbers stay those of the dive.
func (s *search[S]) renumber(roots []uint32) {
	old := s.graph
	if s.over() || !s.affords(old.bytes()+uint64(old.size())*(2*4+originBytes)) {
		return
	}
	order := make([]uint32, 0, old.size()) // by new number, the old one
	number := make([]uint32, old.size())   // by old number, the new one
	for i := range number {
		number[i] = noState
	}
	var ways origins
	place := func(state, parent uint32) {
		if state == noState || int(state) >= old.size() || number[state] != noState {
			return
		}
		number[state] = uint32(len(order))
		order = append(order, state)
		ways.extend(1)
		ways.set(number[state], min(parent, number[state]), 0)
	}
	for _, root := range roots {
		place(root, noState)
	}
	s.levels = []uint32{0}
	for at, end := 0, len(order); at < len(order); at++ {
		if at%lookEvery == 0 && s.over() {
			return
		}
		if at == end {
			s.levels = append(s.levels, uint32(at))
			end = len(order)
		}
		for step, to := old.steps(order[at]); step < to; step++ {
			place(old.targets[step], uint32(at))
		}
	}
	s.depth = len(s.levels)
	s.origins = ways
	s.graph = old.permuted(order, number)
	s.table.permute(number)
	for i, v := range s.violated {
		if v != 0 {
			s.violated[i] = number[v-1] + 1
		}
	}
}

// permuted returns g with its states in the given order. number is the inverse of order.
func (g *graph) permuted(order, number []uint32) *graph {
	p := &graph{groups: g.groups}
	p.extend(len(order), uint64(len(g.targets)))
	edge := uint64(0)
	for at, state := range order {
		for step, to := g.steps(state); step < to; step++ {
			p.targets[edge], p.actions[edge] = noState, g.actions[step]
			if target := g.targets[step]; int(target) < len(number) {
				p.targets[edge] = number[target]
			}
			edge++
		}
		p.starts[at+1] = edge
		p.marked[at] = g.marked[state]
	}
	return p
}

// permute replaces every number.
func (t *table) permute(number []uint32) {
	for i := range t.partitions {
		p := &t.partitions[i]
		for at, key := range p.keys {
			if key != 0 && int(p.numbers[at]) < len(number) {
				p.numbers[at] = number[p.numbers[at]]
			}
		}
	}
}
