// What one goroutine of the search keeps, and how work is shared out.

package check

import (
	"sync"
	"sync/atomic"
)

// worker is what one goroutine keeps from piece to piece.
type worker[S any] struct {
	search     *search[S]
	key        []byte
	fired      []uint64 // by action, steps that change something
	violated   []uint32 // by property, as search.violated
	outDegrees outDegrees
}

func newWorker[S any](s *search[S]) *worker[S] {
	return &worker[S]{
		search:   s,
		fired:    make([]uint64, len(s.actions)),
		violated: make([]uint32, len(s.properties)),
	}
}

// fingerprint returns the key of state in the visited set.
func (w *worker[S]) fingerprint(state S) uint64 {
	if w.search.symmetric != nil {
		w.key = w.search.symmetric.AppendCanonical(w.key[:0], state)
	} else {
		w.key = w.search.model.AppendState(w.key[:0], state)
	}
	return normal(Fingerprint(w.key))
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

// worthSharing is the number of steps from which on a second goroutine is worth its start.
const worthSharing = 1 << 11

// share runs do for 0 to count-1, on several goroutines if steps are many. A worker gets
// them in their order.
func (s *search[S]) share(count, steps int, do func(w *worker[S], i int)) {
	if steps < worthSharing {
		for i := range count {
			do(s.workers[0], i)
		}
		return
	}
	var next atomic.Int64
	s.together(count, func(w *worker[S]) {
		for {
			i := int(next.Add(1)) - 1
			if i >= count {
				return
			}
			do(w, i)
		}
	})
}

// together runs do once on each of at most count workers.
func (s *search[S]) together(count int, do func(w *worker[S])) {
	var others sync.WaitGroup
	for _, w := range s.workers[1:max(1, min(len(s.workers), count))] {
		others.Go(func() { do(w) })
	}
	do(s.workers[0])
	others.Wait()
}
