// What one goroutine of the search does: looks into states, enters what it finds.

package check

import (
	"fmt"
	"sync"
	"sync/atomic"
)

const (
	// chunkSize is the most states that a goroutine takes at once.
	chunkSize = 256
	// batchSteps is the number of steps that are collected before they are entered:
	// enough that waiting for memory is shared by all of them.
	batchSteps = 96
)

// worker is what one goroutine keeps from chunk to chunk.
type worker[S any] struct {
	search   *search[S]
	key      []byte
	steps    []Step[S]
	ends     []int    // in steps, of the states that they are from
	keys     []uint64 // of steps
	fired    []bool   // by action
	violated []uint32 // by property, as search.violated
	sink     uint64   // what touch has read
}

// chunk is a piece of a level and what was found from it. Chunks are in the order of
// their states, and so are the things in them: laid end to end they are what a single
// goroutine would have found.
type chunk[S any] struct {
	from, to  int // of the frontier
	done      bool
	found     []candidate[S]
	slots     []*slot // of the candidates that won
	offset    uint32  // states won in earlier chunks
	generated uint64
	trail     trail
}

// candidate is a state found for the first time, or from an earlier parent than before.
type candidate[S any] struct {
	key    uint64
	parent uint32
	state  S
}

func newWorker[S any](s *search[S]) *worker[S] {
	return &worker[S]{
		search:   s,
		fired:    make([]bool, len(s.actions)),
		violated: make([]uint32, len(s.properties)),
	}
}

func (w *worker[S]) fingerprint(state S) uint64 {
	w.key = w.search.model.AppendState(w.key[:0], state)
	return normal(Fingerprint(w.key))
}

// expand looks into every state of c.
func (w *worker[S]) expand(c *chunk[S]) {
	s := w.search
	s.table.guard.RLock()
	defer s.table.guard.RUnlock()
	for at := c.from; at < c.to; {
		if s.halted() {
			return
		}
		end := w.generate(at, c.to)
		if !w.enterSteps(c, at, end) {
			return
		}
		s.table.giveWay()
		at = end
	}
	c.done = true
}

// generate collects the steps from the states of the frontier from index from on,
// until there are enough of them or all states up to to have had their turn, and
// returns the index of the next state.
func (w *worker[S]) generate(from, to int) int {
	s := w.search
	w.steps, w.ends, w.keys = w.steps[:0], w.ends[:0], w.keys[:0]
	at := from
	for at < to && len(w.steps) < batchSteps {
		w.steps = s.model.Next(s.frontier[at], w.steps)
		w.ends = append(w.ends, len(w.steps))
		at++
	}
	for i := range w.steps {
		w.keys = append(w.keys, w.fingerprint(w.steps[i].State))
	}
	for _, key := range w.keys {
		w.sink += s.table.touch(key)
	}
	return at
}

// enterSteps enters what generate has collected from the states from..to-1 of the
// frontier. It returns false where the model is wrong.
func (w *worker[S]) enterSteps(c *chunk[S], from, to int) bool {
	s := w.search
	c.generated += uint64(len(w.steps))
	begin := 0
	for at := from; at < to; at++ {
		number := s.first + uint32(at)
		moves := false
		end := w.ends[at-from]
		for i := begin; i < end; i++ {
			if uint(w.steps[i].Action) >= uint(len(s.actions)) {
				s.fail(fmt.Errorf("%w: it took action %d of %d", ErrModel, w.steps[i].Action, len(s.actions)))
				return false
			}
			moves = w.enterStep(c, number, i) || moves
		}
		begin = end
		if s.graph != nil {
			c.trail.endState(marks(s.properties, s.frontier[at]))
		}
		if !moves {
			w.stuck(s.frontier[at], number)
		}
	}
	return true
}

// enterStep enters one step of the state numbered number and says whether it leads to
// another state.
func (w *worker[S]) enterStep(c *chunk[S], number uint32, i int) bool {
	s := w.search
	step, key := &w.steps[i], w.keys[i]
	what, target, grow := s.table.insert(key, number)
	if grow {
		s.table.makeRoom()
	}
	if what == foundOld && target == number {
		return false
	}
	w.fired[step.Action] = true
	if what == foundBetter {
		c.found = append(c.found, candidate[S]{key: key, parent: number, state: step.State})
	}
	if s.graph != nil {
		c.trail.step(key, target, what == foundOld, step.Action)
	}
	return true
}

// stuck notes a state without a way on.
func (w *worker[S]) stuck(state S, number uint32) {
	for i := range w.search.properties {
		p := &w.search.properties[i]
		if p.Kind == Deadlock && w.violated[i] == 0 && !p.holds(state) {
			w.violated[i] = number + 1
		}
	}
}

// each runs do for every chunk, on as many goroutines as there are workers. A worker
// gets chunks in their order.
func (s *search[S]) each(do func(*worker[S], *chunk[S])) {
	s.share(len(s.chunks), func(w *worker[S], i int) { do(w, &s.chunks[i]) })
}

// share runs do for 0 to count-1. A worker gets them in their order.
func (s *search[S]) share(count int, do func(w *worker[S], i int)) {
	var next atomic.Int64
	run := func(w *worker[S]) {
		for {
			i := int(next.Add(1)) - 1
			if i >= count {
				return
			}
			do(w, i)
		}
	}
	var others sync.WaitGroup
	for _, w := range s.workers[1:max(1, min(len(s.workers), count))] {
		others.Go(func() { run(w) })
	}
	run(s.workers[0])
	others.Wait()
}
