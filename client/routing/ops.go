// Outstanding operations: records in order of submission, the deadlines of those that no
// session holds, and the times of the next tries.

package routing

import (
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session/deadline"
	"github.com/a8011091/pegasus-reference/protocol"
)

// opState says where an operation is.
type opState uint8

const (
	opFree    opState = iota
	opTable           // waits for its table
	opSession         // a session has it, and keeps its deadline
	opRetry           // waits for its next try
)

// opRecord is one outstanding operation, or free.
type opRecord struct {
	op     Op
	order  uint64 // of submission
	state  opState
	open   bool // asks for the table only
	moving bool // taken back from its session, to be routed again
	prev   int32
	next   int32 // in the list of all, or in the free list
	table  int32
	waits  int // for another try, so far; at most maxWaits
	spread time.Duration
	code   protocol.ErrorCode // last refusal; CodeOK: none

	// Where it was last sent.
	peer      int32
	partition int32
	appID     int32
	ballot    int64
	primary   netip.AddrPort
}

// maxWaits is where counting ends: the interval has long reached any cap.
const maxWaits = 64

// ops holds every outstanding operation.
type ops struct {
	records   []opRecord
	free      int32 // index plus 1; 0: none
	head      int32 // index plus 1 of the first, by submission
	tail      int32
	n         int
	lastOrder uint64
	deadlines deadline.Queue // of opTable and opRetry
	retries   deadline.Queue // of opRetry
}

// first returns the index of the first operation, none if there is none.
func (o *ops) first() int { return int(o.head) - 1 }

// add adds an operation at the end.
func (o *ops) add(op *Op, open bool, table int) int {
	i := int(o.free) - 1
	if i == none {
		i = len(o.records)
		o.records = append(o.records, opRecord{})
	} else {
		o.free = o.records[i].next + 1
	}
	o.lastOrder++
	o.records[i] = opRecord{op: *op, order: o.lastOrder, open: open, table: int32(table), code: protocol.CodeOK, prev: o.tail - 1, next: none, peer: none}
	if o.tail == 0 {
		o.head = int32(i) + 1
	} else {
		o.records[o.tail-1].next = int32(i)
	}
	o.tail = int32(i) + 1
	o.n++
	return i
}

// remove frees an operation.
func (o *ops) remove(i int) {
	r := &o.records[i]
	o.deadlines.Remove(int32(i))
	o.retries.Remove(int32(i))
	if r.prev == none {
		o.head = r.next + 1
	} else {
		o.records[r.prev].next = r.next
	}
	if r.next == none {
		o.tail = r.prev + 1
	} else {
		o.records[r.next].prev = r.prev
	}
	*r = opRecord{next: o.free - 1}
	o.free = int32(i) + 1
	o.n--
}

// enter puts an operation into a state; of opRetry, at is the time of the next try.
func (o *ops) enter(i int, state opState, at time.Time) {
	r := &o.records[i]
	o.retries.Remove(int32(i))
	if state == opSession {
		o.deadlines.Remove(int32(i))
	} else if _, there := o.deadlines.When(int32(i)); !there {
		o.deadlines.Add(int32(i), r.op.Deadline, r.order)
	}
	if state == opRetry {
		o.retries.Add(int32(i), at, r.order)
	}
	r.state = state
}

// byID returns the index of an operation. It looks at all of them: only cancelling needs
// it.
func (o *ops) byID(id OpID) int {
	for i := o.first(); i != none; i = int(o.records[i].next) {
		if o.records[i].op.ID == id {
			return i
		}
	}
	return none
}

func (o *ops) clone() ops {
	c := *o
	c.records = slices.Clone(o.records)
	c.deadlines, c.retries = o.deadlines.Clone(), o.retries.Clone()
	return c
}
