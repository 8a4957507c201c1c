// Package deadline orders numbered items by an instant: a heap that knows where each
// item is, so that any of them can be taken out. It does not allocate once grown.
package deadline

import (
	"slices"
	"time"
)

// Queue holds items, each at most once. The zero value is empty.
type Queue struct {
	heap []entry
	at   []int32 // item -> position in heap plus 1; 0: not there
}

type entry struct {
	when  time.Time
	order uint64
	item  int32
}

// Len returns the number of items.
func (q *Queue) Len() int { return len(q.heap) }

// First returns the item whose instant comes first; of equal ones, the one of lower
// order. ok is false if there is none.
func (q *Queue) First() (item int32, when time.Time, ok bool) {
	if len(q.heap) == 0 {
		return 0, time.Time{}, false
	}
	return q.heap[0].item, q.heap[0].when, true
}

// When returns an item's instant; ok is false if the item is not there.
func (q *Queue) When(item int32) (when time.Time, ok bool) {
	if int(item) >= len(q.at) || q.at[item] == 0 {
		return time.Time{}, false
	}
	return q.heap[q.at[item]-1].when, true
}

// Add adds an item, which must not be there. Items are small numbers from 0.
func (q *Queue) Add(item int32, when time.Time, order uint64) {
	for int(item) >= len(q.at) {
		q.at = append(q.at, 0)
	}
	q.heap = append(q.heap, entry{when: when, order: order, item: item})
	q.rise(len(q.heap) - 1)
}

// Remove takes an item out, if it is there.
func (q *Queue) Remove(item int32) {
	if int(item) >= len(q.at) || q.at[item] == 0 {
		return
	}
	i, last := int(q.at[item]-1), len(q.heap)-1
	moved := q.heap[last]
	q.heap = q.heap[:last]
	q.at[item] = 0
	if i < last {
		q.place(i, moved)
		q.sink(i)
		q.rise(int(q.at[moved.item] - 1))
	}
}

// Clone returns an independent copy.
func (q *Queue) Clone() Queue {
	return Queue{heap: slices.Clone(q.heap), at: slices.Clone(q.at)}
}

func (e *entry) before(o *entry) bool {
	if c := e.when.Compare(o.when); c != 0 {
		return c < 0
	}
	return e.order < o.order
}

func (q *Queue) place(i int, e entry) {
	q.heap[i] = e
	q.at[e.item] = int32(i) + 1
}

func (q *Queue) rise(i int) {
	e := q.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !e.before(&q.heap[parent]) {
			break
		}
		q.place(i, q.heap[parent])
		i = parent
	}
	q.place(i, e)
}

func (q *Queue) sink(i int) {
	e := q.heap[i]
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			break
		}
		if child+1 < len(q.heap) && q.heap[child+1].before(&q.heap[child]) {
			child++
		}
		if !q.heap[child].before(&e) {
			break
		}
		q.place(i, q.heap[child])
		i = child
	}
	q.place(i, e)
}
