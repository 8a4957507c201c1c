// Steps as edges between numbers: what a batch adds to the graph that liveness needs.

package check

// connect gives the new states of the batch their numbers in the visited set, and adds
// the steps of the batch to the graph.
func (s *search[S]) connect(steps int) {
	b, g := &s.batch, s.graph
	s.share(partitionCount, steps, func(_ *worker[S], at int) { s.publish(at) })
	states, edges := g.size(), uint64(len(g.targets))
	for i := range b.count {
		p := &b.pieces[i]
		p.edges = edges
		states += int(p.to - p.from)
		edges += uint64(p.out)
	}
	g.extend(states, edges)
	s.share(b.count, steps, func(_ *worker[S], i int) { s.link(&b.pieces[i]) })
}

// publish replaces the provisional numbers in one partition of the visited set.
func (s *search[S]) publish(partition int) {
	b := &s.batch
	part := &s.table.partitions[partition]
	for i := range b.count {
		p := &b.pieces[i]
		settled := p.settled()
		for at := p.starts[partition]; at < p.starts[partition+1]; at++ {
			step := p.order[at]
			if !p.won[step] || step >= settled {
				continue
			}
			slot, _ := part.find(p.sorted[at])
			part.numbers[slot] = b.numbers[p.base+step]
		}
	}
}

// settled returns how many of the steps of p count: a limit may have cut it short.
func (p *piece[S]) settled() uint32 {
	if p.to == p.from {
		return 0
	}
	return p.ends[p.to-p.from-1]
}

// link writes the steps of p and the marks of its states into their place of the graph.
func (s *search[S]) link(p *piece[S]) {
	b, g := &s.batch, s.graph
	p.targets = sized(p.targets, len(p.steps))
	settled := p.settled()
	for at, number := range p.numbers {
		if p.order[at] >= settled {
			continue
		}
		if number >= maxNumbered {
			number = b.numbers[number-maxNumbered]
		}
		p.targets[p.order[at]] = number
	}
	edge, begin := p.edges, uint32(0)
	for at := p.from; at < p.to; at++ {
		here := s.frontier.at(at)
		end := p.ends[at-p.from]
		for i := begin; i < end; i++ {
			if p.keys[i] != here.key {
				g.targets[edge], g.actions[edge] = p.targets[i], uint16(p.steps[i].Action)
				edge++
			}
		}
		g.starts[at+1] = edge
		g.marked[at] = marks(s.properties, here.state)
		begin = end
	}
}

// extend makes room for the steps of states, so many in all.
func (g *graph) extend(states int, edges uint64) {
	g.starts = extended(g.starts, states+1)
	g.marked = extended(g.marked, states)
	g.targets = extended(g.targets, int(edges))
	g.actions = extended(g.actions, int(edges))
}

// extended returns list with n elements, the first ones kept. Its capacity depends on
// nothing but the largest n so far.
func extended[T any](list []T, n int) []T {
	if n <= cap(list) {
		return list[:n]
	}
	size := max(cap(list), 1<<10)
	for size < n {
		size += size / 4
	}
	larger := make([]T, n, size)
	copy(larger, list)
	return larger
}
