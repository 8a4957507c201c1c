// One level of the search: cut into chunks, looked into by all workers, then put in
// order, so that numbers, parents and witnesses are those of a single worker.

package check

import "fmt"

// expandLevel looks into the states of the frontier.
func (s *search[S]) expandLevel() {
	s.cut()
	s.each(func(w *worker[S], c *chunk[S]) {
		w.expand(c)
		s.generated.Add(c.generated)
		s.queue.Add(uint64(len(c.found)) - uint64(c.to-c.from))
		s.distinct.Add(uint64(len(c.found)))
		s.limit()
	})
}

// cut divides the frontier into chunks. Buffers of the chunks of earlier levels are
// used again.
func (s *search[S]) cut() {
	size := min(chunkSize, max(1, len(s.frontier)/(4*len(s.workers))))
	count := (len(s.frontier) + size - 1) / size
	if cap(s.chunks) < count {
		s.chunks = append(s.chunks[:cap(s.chunks)], make([]chunk[S], count-cap(s.chunks))...)
	}
	s.chunks = s.chunks[:count]
	for i := range s.chunks {
		c := &s.chunks[i]
		*c = chunk[S]{
			from: i * size, to: min((i+1)*size, len(s.frontier)),
			found: c.found[:0], slots: c.slots[:0], trail: c.trail.empty(),
		}
	}
}

// limit ends the search when there are more states than wanted, or than can be told apart.
func (s *search[S]) limit() {
	n := s.distinct.Load()
	if s.options.MaxStates > 0 && n > s.options.MaxStates {
		s.halt(fmt.Sprintf("more than %d states", s.options.MaxStates))
	}
	if n > maxStates {
		s.halt(fmt.Sprintf("the visited set is full at %d states", uint64(maxStates)))
	}
}

// finishLevel numbers the states that were found and makes them the frontier.
func (s *search[S]) finishLevel() error {
	if err := s.failure(); err != nil {
		return err
	}
	base := s.first + uint32(len(s.frontier))
	s.countDone()
	s.each(func(_ *worker[S], c *chunk[S]) { s.choose(c) })
	total := uint32(0)
	for i := range s.chunks {
		s.chunks[i].offset = total
		total += uint32(len(s.chunks[i].found))
	}
	next := s.emptyFrontier(int(total))
	s.each(func(w *worker[S], c *chunk[S]) { w.number(c, base, next) })
	if s.graph != nil {
		s.each(func(_ *worker[S], c *chunk[S]) { c.trail.resolve(s.table) })
		for i := range s.chunks {
			if s.chunks[i].from+int(s.first) >= int(s.expanded) {
				break
			}
			s.graph.add(&s.chunks[i].trail)
		}
	}
	s.mergeViolated()
	if total > chunkSize {
		s.share(segmentCount, func(_ *worker[S], i int) { s.table.reserve(i, uint64(total)) })
	}
	clear(s.frontier)
	s.spare = s.frontier
	s.frontier, s.first = next, base
	s.distinct.Store(uint64(base) + uint64(total))
	s.queue.Store(uint64(total))
	return nil
}

// emptyFrontier returns room for a level, that of the level before the last if it is enough.
func (s *search[S]) emptyFrontier(count int) []S {
	if cap(s.spare) < count {
		return make([]S, count, count+count/4)
	}
	return s.spare[:count]
}

// countDone moves expanded to the first state that was not looked into.
func (s *search[S]) countDone() {
	for i := range s.chunks {
		if !s.chunks[i].done {
			return
		}
		s.expanded = s.first + uint32(s.chunks[i].to)
	}
}

// choose keeps of the candidates of c those that no earlier parent found as well.
func (s *search[S]) choose(c *chunk[S]) {
	kept := c.found[:0]
	for i := range c.found {
		slot := s.table.lookup(c.found[i].key)
		if slot.foundFrom(c.found[i].parent) {
			c.slots = append(c.slots, slot)
			kept = append(kept, c.found[i])
		}
	}
	clear(c.found[len(kept):])
	c.found = kept
}

// number numbers the states found in c, puts them in their place of the next
// frontier and looks at their invariants.
func (w *worker[S]) number(c *chunk[S], base uint32, next []S) {
	for i := range c.found {
		at := c.offset + uint32(i)
		c.slots[i].setNumber(base + at)
		next[at] = c.found[i].state
		w.search.examine(next[at], base+at, w.violated)
	}
	clear(c.found)
}

// mergeViolated makes the earliest witness of each property the one that counts.
func (s *search[S]) mergeViolated() {
	for i := range s.violated {
		if s.violated[i] == 0 {
			for _, w := range s.workers {
				if v := w.violated[i]; v != 0 && (s.violated[i] == 0 || v < s.violated[i]) {
					s.violated[i] = v
				}
			}
		}
		for _, w := range s.workers {
			w.violated[i] = s.violated[i]
		}
	}
}
