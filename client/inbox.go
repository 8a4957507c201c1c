// The inbox of the goroutine that owns the core: events from callers, connections and
// timers, taken in batches.

package client

import (
	"sync"

	"github.com/a8011091/pegasus-reference/client/routing"
)

// item is one thing for the driver to do.
type item struct {
	event routing.Event
	call  *call         // of EventSubmit, EventOpenTable and EventCancel
	conn  *connection   // of EventReceived: whose buffer Data is
	ask   func(*driver) // instead of an event: have a look
}

// inbox is a queue without a limit of its own: what is in it is bounded by the number of
// callers (one item each, and one to cancel), connections (two buffers each) and timers.
type inbox struct {
	mu     sync.Mutex
	filled sync.Cond
	items  []item
	closed bool
}

func (b *inbox) init() { b.filled.L = &b.mu }

// put adds an item; false if the driver has ended.
func (b *inbox) put(it item) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.items = append(b.items, it)
	if len(b.items) == 1 {
		b.filled.Signal()
	}
	return true
}

// take waits for items and returns all there are. It keeps spent for the next ones.
func (b *inbox) take(spent []item) []item {
	clear(spent)
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.items) == 0 {
		b.filled.Wait()
	}
	batch := b.items
	b.items = spent[:0]
	return batch
}

// close refuses further items and returns those that nobody will take.
func (b *inbox) close() []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	left := b.items
	b.items = nil
	return left
}
