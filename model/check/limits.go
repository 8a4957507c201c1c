// The search's watch: end of the context, time, memory, progress; and errors of the model.

package check

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

const memoryEvery = 100 * time.Millisecond

// watch starts what can end the search from outside and what reports on it. The
// returned function ends both.
func (s *search[S]) watch(ctx context.Context) (release func()) {
	unhook := context.AfterFunc(ctx, func() { s.abort("interrupted") })
	unset := func() bool { return true }
	if s.options.Timeout > 0 {
		unset = time.AfterFunc(s.options.Timeout, func() { s.abort("time is up") }).Stop
	}
	done := make(chan struct{})
	var watchers sync.WaitGroup
	if s.options.MaxMemory > 0 {
		watchers.Go(func() { every(done, memoryEvery, s.checkMemory) })
	}
	if s.options.Progress != nil {
		watchers.Go(func() { every(done, s.options.progressEvery(), s.report) })
	}
	return func() {
		unhook()
		unset()
		close(done)
		watchers.Wait()
	}
}

func every(done <-chan struct{}, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			do()
		}
	}
}

func (s *search[S]) checkMemory() {
	if heapBytes() > s.options.MaxMemory {
		s.abort(fmt.Sprintf("more than %d bytes of memory", s.options.MaxMemory))
	}
}

// affords says whether there is memory for so many bytes more. If not, the search ends:
// what needs them all at once would be there before the watch looks again.
func (s *search[S]) affords(bytes uint64) bool {
	if s.options.MaxMemory == 0 {
		return true
	}
	if heapBytes()+bytes > s.options.MaxMemory {
		runtime.GC() // the states are known, and much of what that took is garbage by now
		if heapBytes()+bytes > s.options.MaxMemory {
			s.abort(fmt.Sprintf("the search for cycles needs more than %d bytes of memory", s.options.MaxMemory))
			return false
		}
	}
	return true
}

func (s *search[S]) report() {
	s.options.Progress(Progress{
		Phase:     *s.phase.Load(),
		Distinct:  s.distinct.Load(),
		Generated: s.generated.Load(),
		Depth:     int(s.level.Load()),
		Queue:     s.queue.Load(),
		Elapsed:   time.Since(s.start),
		Memory:    heapBytes(),
	})
}

// heapBytes returns the bytes of objects on the heap, those not yet collected included.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// enterPhase names what the search is doing, for Progress.
func (s *search[S]) enterPhase(name string) { s.phase.Store(&name) }

// fail ends the search with an error of the model. The first one counts.
func (s *search[S]) fail(err error) {
	s.broken.CompareAndSwap(nil, &err)
	s.halt("the model is wrong")
}

func (s *search[S]) failure() error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	return nil
}
