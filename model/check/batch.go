// A batch of a level: its steps are made, entered into the visited set and put in order,
// by all workers in three strides. A batch is what a level is cut into so that its steps
// need bounded memory; where it is cut changes nothing of what is found.

package check

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"
)

// Sizes of a batch. More steps let more of them find a part of the visited set in the
// cache; fewer let limits, interruption and progress be seen in time.
const (
	batchBytes   = 24 << 20 // of steps and what belongs to them
	maxBatch     = 1 << 19  // steps
	minBatch     = 1 << 6
	firstBatch   = 1 << 13
	maxPiece     = 1 << 13 // steps that a worker makes at once, about
	batchTooFast = 20 * time.Millisecond
	batchTooSlow = 150 * time.Millisecond
)

// piece is a run of states of a level, and the steps out of them.
type piece[S any] struct {
	from, to uint32 // numbers of the states
	whole    bool   // all of them were looked into; if not, to is the first that was not
	steps    []Step[S]
	ends     []uint32 // by state, of its steps
	keys     []uint64 // by step

	// The same steps by partition: those of partition i are at starts[i] to starts[i+1].
	sorted  []uint64 // keys
	order   []uint32 // which step; without numbers, the new ones come first after entering
	numbers []uint32 // with numbers, those that are known
	targets []uint32 // with numbers, by step in their first order
	starts  [partitionCount + 1]uint32
	fresh   [partitionCount]uint32 // without numbers, how many are new

	won    []bool // by step: it leads to a new state, and no earlier one does
	base   uint32 // steps of earlier pieces
	offset uint32 // new states of earlier pieces
	out    int    // steps that change something
	edges  uint64 // such steps of all states before
}

// batch is the pieces that are in hand.
type batch[S any] struct {
	pieces  []piece[S]
	count   int      // pieces in use
	numbers []uint32 // with numbers: by step, that of the new state it leads to
	size    int      // steps wanted
}

// expandBatch looks into states from the one numbered from on, at most to the one
// numbered to-1, and returns the first that it did not look into.
func (s *search[S]) expandBatch(from, to uint32) uint32 {
	began := time.Now()
	b := &s.batch
	s.makeSteps(from, to)
	steps := s.enterSteps()
	s.share(b.count, steps, func(_ *worker[S], i int) { b.pieces[i].mark(s.table.numbered) })
	found, end := s.arrange()
	s.next = uint32(s.frontier.count)
	s.origins.extend(int(found))
	s.frontier.extend(int(found))
	if s.graph != nil {
		b.numbers = sized(b.numbers, steps)
	}
	s.share(b.count, steps, func(w *worker[S], i int) { w.settle(&b.pieces[i]) })
	if s.graph != nil {
		s.connect(steps)
	}
	s.mergeViolated()
	s.frontier.drop(end)
	s.expanded = end
	s.distinct.Store(uint64(s.frontier.count))
	s.queue.Store(uint64(s.frontier.count) - uint64(end))
	b.adapt(time.Since(began), steps)
	return end
}

// adapt makes the next batch larger or smaller.
func (b *batch[S]) adapt(took time.Duration, steps int) {
	var step Step[S]
	most := min(maxBatch, max(minBatch, batchBytes/(int(unsafe.Sizeof(step))+24)))
	switch {
	case took > batchTooSlow:
		b.size = max(minBatch, b.size/2)
	case took < batchTooFast && steps >= b.size:
		b.size = min(most, b.size*2)
	}
}

// makeSteps makes the steps from the states from to to-1, until there are enough.
func (s *search[S]) makeSteps(from, to uint32) {
	b := &s.batch
	b.count = 0
	perState := 1 + s.generated.Load()/max(1, uint64(s.expanded))
	perPiece := min(maxPiece, max(1, b.size/(4*len(s.workers))))
	states := uint32(max(1, min(frontierPage, uint64(perPiece)/perState)))
	pieces := min(int((to-from+states-1)/states), max(1, 2*b.size/(int(perState)*int(states))))
	for len(b.pieces) < pieces {
		b.pieces = append(b.pieces, piece[S]{})
	}
	var made, claimed atomic.Int64
	s.together(pieces, func(w *worker[S]) {
		for !s.halted() && made.Load() < int64(b.size) {
			i := int(claimed.Add(1)) - 1
			if i >= pieces {
				return
			}
			p := &b.pieces[i]
			p.begin(from+uint32(i)*states, min(from+uint32(i+1)*states, to))
			w.makePiece(p)
			made.Add(int64(len(p.steps)))
		}
	})
	b.count = min(pieces, int(claimed.Load()))
	for i := range b.count {
		if !b.pieces[i].whole { // what comes after it does not count
			b.count = i + 1
			break
		}
	}
}

// begin empties p for the states from to to-1. Its buffers are kept.
func (p *piece[S]) begin(from, to uint32) {
	p.from, p.to, p.whole = from, to, false
	p.steps, p.ends, p.keys = p.steps[:0], p.ends[:0], p.keys[:0]
}

// makePiece makes the steps of p and sorts them by partition.
func (w *worker[S]) makePiece(p *piece[S]) {
	s := w.search
	p.whole = true
	for at := p.from; at < p.to; at++ {
		if at > p.from && s.halted() {
			p.to, p.whole = at, false
			break
		}
		begin := len(p.steps)
		p.steps = s.model.Next(s.frontier.at(at).state, p.steps)
		p.ends = append(p.ends, uint32(len(p.steps)))
		if !w.sound(p.steps[begin:]) {
			p.steps, p.ends = p.steps[:begin], p.ends[:len(p.ends)-1]
			p.to, p.whole = at, false
			break
		}
		for i := begin; i < len(p.steps); i++ {
			p.keys = append(p.keys, w.fingerprint(p.steps[i].State))
		}
	}
	p.sort()
}

// sound says whether these can be the steps of one state; if not the search fails.
func (w *worker[S]) sound(steps []Step[S]) bool {
	s := w.search
	if len(steps) > maxOut {
		s.fail(fmt.Errorf("%w: a state has %d steps, more than %d", ErrModel, len(steps), maxOut))
		return false
	}
	for i := range steps {
		if uint(steps[i].Action) >= uint(len(s.actions)) {
			s.fail(fmt.Errorf("%w: it took action %d of %d", ErrModel, steps[i].Action, len(s.actions)))
			return false
		}
	}
	return true
}

// sort lists the steps by partition, in their order within each.
func (p *piece[S]) sort() {
	n := len(p.keys)
	p.sorted, p.order, p.numbers = sized(p.sorted, n), sized(p.order, n), sized(p.numbers, n)
	var next [partitionCount + 1]uint32
	for _, key := range p.keys {
		next[partitionOf(key)+1]++
	}
	for i := range partitionCount {
		next[i+1] += next[i]
	}
	p.starts = next
	for i, key := range p.keys {
		at := next[partitionOf(key)]
		next[partitionOf(key)]++
		p.sorted[at], p.order[at] = key, uint32(i)
	}
}

// sized returns list with n elements, what was in it kept or not.
func sized[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, n, n+n/4)
	}
	return list[:n]
}

// enterSteps enters the steps of all pieces into the visited set and returns their number.
func (s *search[S]) enterSteps() int {
	b := &s.batch
	steps := uint32(0)
	for i := range b.count {
		b.pieces[i].base = steps
		steps += uint32(len(b.pieces[i].steps))
	}
	s.share(partitionCount, int(steps), func(_ *worker[S], at int) {
		part := &s.table.partitions[at]
		for i := range b.count {
			p := &b.pieces[i]
			from, to := p.starts[at], p.starts[at+1]
			if s.table.numbered {
				part.enterNumbered(p.sorted[from:to], p.order[from:to], p.numbers[from:to], p.base)
			} else {
				p.fresh[at] = uint32(part.enter(p.sorted[from:to], p.order[from:to]))
			}
		}
	})
	return int(steps)
}

// mark fills won.
func (p *piece[S]) mark(numbered bool) {
	p.won = sized(p.won, len(p.steps))
	clear(p.won)
	if numbered {
		for at, number := range p.numbers {
			if step := p.order[at]; number == maxNumbered|(p.base+step) {
				p.won[step] = true
			}
		}
		return
	}
	for i := range partitionCount {
		from := p.starts[i]
		for _, step := range p.order[from : from+p.fresh[i]] {
			p.won[step] = true
		}
	}
}

// arrange counts the new states of each piece and returns their number, and the first
// state that counts as not looked into: that at which a limit of states is passed.
func (s *search[S]) arrange() (total, end uint32) {
	b := &s.batch
	room := s.room()
	end = s.expanded
	for i := range b.count {
		p := &b.pieces[i]
		p.offset = total
		begin := uint32(0)
		for at := p.from; at < p.to; at++ {
			stop := p.ends[at-p.from]
			won := uint32(0)
			for _, w := range p.won[begin:stop] {
				if w {
					won++
				}
			}
			if uint64(total)+uint64(won) > room {
				s.full()
				p.to, b.count = at, i+1
				return total, at
			}
			total += won
			begin = stop
		}
		end = p.to
	}
	return total, end
}

// settle gives the new states of p their numbers and places, and counts its steps.
func (w *worker[S]) settle(p *piece[S]) {
	s := w.search
	number := s.next + p.offset
	p.out = 0
	begin := uint32(0)
	for at := p.from; at < p.to; at++ {
		end := p.ends[at-p.from]
		here := s.frontier.at(at)
		out := 0
		for i := begin; i < end; i++ {
			if p.keys[i] == here.key && w.idle(here.state, p.steps[i].State) {
				continue // a step that changes nothing is no step
			}
			out++
			w.fired[p.steps[i].Action]++
			if !p.won[i] {
				continue
			}
			*s.frontier.at(number) = item[S]{key: p.keys[i], state: p.steps[i].State}
			s.origins.set(number, at, int(i-begin))
			s.examine(p.steps[i].State, number, w.violated)
			if s.graph != nil {
				s.batch.numbers[p.base+i] = number
			}
			number++
		}
		w.outDegrees.add(out)
		if out == 0 {
			w.stuck(here.state, at)
		}
		p.out += out
		begin = end
	}
	s.generated.Add(uint64(begin))
}
