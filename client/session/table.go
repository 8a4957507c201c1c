// The table of outstanding requests: those that wait and those that are written, in
// order of submission, by deadline and by sequence number. It grows up to the limits
// and does not allocate once grown.

package session

import (
	"slices"

	"github.com/a8011091/pegasus-reference/client/session/deadline"
)

// none is the index of no record.
const none int32 = -1

// record is one outstanding request, or free.
type record struct {
	request Request
	order   uint64 // of submission
	seq     int32  // on the current connection; 0: not written
	prev    int32  // in its list
	next    int32  // in its list, or in the free list
}

// list is a doubly linked list of records.
type list struct{ head, tail, n int32 }

// table holds every outstanding request. A record is in exactly one of waiting and
// pending, and always in deadlines.
type table struct {
	records   []record
	free      int32
	waiting   list // not written
	pending   list // written on the current connection, not answered
	deadlines deadline.Queue
	bySeq     []int32 // a pending record with sequence number s is at s modulo the length, a power of two
	lastSeq   int32   // used on the current connection
	lastOrder uint64
}

func newTable() table {
	empty := list{head: none, tail: none}
	return table{free: none, waiting: empty, pending: empty}
}

func (t *table) clone() table {
	c := *t
	c.records = slices.Clone(t.records)
	c.deadlines = t.deadlines.Clone()
	c.bySeq = slices.Clone(t.bySeq)
	return c
}

// add puts a request at the end of the waiting list.
func (t *table) add(r *Request) {
	i := t.free
	if i == none {
		i = int32(len(t.records))
		t.records = append(t.records, record{})
	} else {
		t.free = t.records[i].next
	}
	t.lastOrder++
	t.records[i] = record{request: *r, order: t.lastOrder}
	t.append(&t.waiting, i)
	t.deadlines.Add(i, r.Deadline, t.lastOrder)
}

// remove frees a record. Its request must have been copied out.
func (t *table) remove(i int32) {
	r := &t.records[i]
	t.deadlines.Remove(i)
	if r.seq == 0 {
		t.unlink(&t.waiting, i)
	} else {
		t.unlink(&t.pending, i)
		t.bySeq[int(r.seq)&(len(t.bySeq)-1)] = none
	}
	*r = record{next: t.free}
	t.free = i
}

// markWritten moves the first waiting record to the pending list under a new sequence
// number.
func (t *table) markWritten(i int32) {
	t.unlink(&t.waiting, i)
	t.append(&t.pending, i)
	if int(t.pending.n)*2 > len(t.bySeq) {
		t.growSeq()
	}
	seq := t.nextSeq()
	t.records[i].seq = seq
	t.bySeq[int(seq)&(len(t.bySeq)-1)] = i
}

// find returns the pending record of a sequence number.
func (t *table) find(seq int32) int32 {
	if len(t.bySeq) == 0 {
		return none
	}
	if i := t.bySeq[int(seq)&(len(t.bySeq)-1)]; i != none && t.records[i].seq == seq {
		return i
	}
	return none
}

// byID returns the record of a request. It looks at all of them: only cancelling needs it.
func (t *table) byID(id RequestID) int32 {
	for _, l := range [...]*list{&t.pending, &t.waiting} {
		for i := l.head; i != none; i = t.records[i].next {
			if t.records[i].request.ID == id {
				return i
			}
		}
	}
	return none
}

// nextSeq returns the next sequence number whose place is free. Numbers begin at 1 on
// each connection and come round after 2^31, long after the deadline of their first use.
func (t *table) nextSeq() int32 {
	for {
		if t.lastSeq++; t.lastSeq <= 0 {
			t.lastSeq = 1
		}
		if len(t.bySeq) == 0 || t.bySeq[int(t.lastSeq)&(len(t.bySeq)-1)] == none {
			return t.lastSeq
		}
	}
}

// growSeq doubles bySeq, which stays at most half full, so that nextSeq finds a place
// quickly.
func (t *table) growSeq() {
	grown := make([]int32, max(16, 2*len(t.bySeq)))
	for i := range grown {
		grown[i] = none
	}
	for i := t.pending.head; i != none; i = t.records[i].next {
		if seq := t.records[i].seq; seq != 0 {
			grown[int(seq)&(len(grown)-1)] = i
		}
	}
	t.bySeq = grown
}

func (t *table) append(l *list, i int32) {
	r := &t.records[i]
	r.prev, r.next = l.tail, none
	if l.tail == none {
		l.head = i
	} else {
		t.records[l.tail].next = i
	}
	l.tail = i
	l.n++
}

func (t *table) unlink(l *list, i int32) {
	r := &t.records[i]
	if r.prev == none {
		l.head = r.next
	} else {
		t.records[r.prev].next = r.next
	}
	if r.next == none {
		l.tail = r.prev
	} else {
		t.records[r.next].prev = r.prev
	}
	l.n--
}
