// The event heap: everything that will happen, in order of time and, within an
// instant, of insertion. Tasks are pooled: the steady state does not allocate.

package world

import (
	"github.com/a8011091/pegasus-reference/protocol"
)

// taskKind says what a task does when its time comes.
type taskKind uint8

const (
	taskCall        taskKind = iota + 1 // [call]
	taskBoot                            // [proc]
	taskTimer                           // [proc, timer]
	taskPost                            // [proc, value]
	taskRead                            // [end] the process reads what its kernel holds
	taskFail                            // [end, why] the kernel gives a connection or a dial up
	taskDialed                          // [end] the process is told, having been paused
	taskAccept                          // [end] the process takes a connection that waited for it
	taskOver                            // [end, why, sentAt] the same of the connection's end; sentAt is its age
	taskDialFailed                      // [end, why] the same of a dial that failed
	taskSYNTimer                        // [end]
	taskSYNACKTimer                     // [end]
	taskRetransmit                      // [end]
	taskKeepAlive                       // [end]
	taskRoom                            // [end] the process may find room in the send buffer
	taskWriteTimer                      // [end] it has waited for that too long

	// Packets; end is where they go.
	taskSYN
	taskSYNACK
	taskACK       // the handshake's third packet
	taskData      // [data]
	taskFIN       //
	taskProbe     // the first unacknowledged packet of the other end once more
	taskRST       //
	taskChallenge // [subject] ACK that answers a SYN for a connection that is known
	taskWindow    // there is room again in the other end's buffer
	taskKeepProbe // asks whether the other end is there
	taskKeepACK   // says so
)

// task is one thing that will happen.
type task struct {
	kind    taskKind
	why     Why
	void    bool   // canceled: dropped when its time comes
	doomed  bool   // packet that was sent into a partition
	sentAt  int64  // packet: when it left for the first time
	number  uint64 // DATA, FIN: place among its end's segments
	end     *end
	subject *end
	proc    *process
	timer   protocol.TimerID
	next    *task // the next in flight on the same connection, or in the pool
	data    []byte
	value   any
	call    func()
}

// entry keeps what the order needs beside the pointer, so that sifting does not chase it.
type entry struct {
	at    int64
	order uint64
	task  *task
}

func (a entry) before(b entry) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return a.order < b.order
}

// arity of the heap: four children share a cache line and a half, and halve the depth.
const arity = 4

// queue is a typed heap of tasks and the pool that they come from.
type queue struct {
	entries []entry
	order   uint64
	voids   int // entries whose task is void
	free    *task
}

// compactAt is the number of void entries below which the heap is left alone.
const compactAt = 1024

// maxPooled is the largest buffer in bytes that stays with a pooled task.
const maxPooled = 64 << 10

func (q *queue) newTask(kind taskKind) *task {
	t := q.free
	if t == nil {
		return &task{kind: kind}
	}
	q.free = t.next
	t.next = nil
	t.kind = kind
	return t
}

// release gives a task back that neither the heap nor a connection holds any more.
func (q *queue) release(t *task) {
	data := t.data[:0]
	if cap(data) > maxPooled {
		data = nil
	}
	*t = task{data: data, next: q.free}
	q.free = t
}

// cancel voids a task that is in the heap. Its place is given back when its time comes,
// or earlier when half of the heap is void.
func (q *queue) cancel(t *task) {
	t.void = true
	q.voids++
	if q.voids >= compactAt && q.voids > len(q.entries)/2 {
		q.compact()
	}
}

func (q *queue) push(at int64, t *task) {
	q.order++
	q.entries = append(q.entries, entry{at, q.order, t})
	q.up(len(q.entries) - 1)
}

// peek is the time of the next task that is not void; false if there is none.
func (q *queue) peek() (int64, bool) {
	for len(q.entries) > 0 {
		if !q.entries[0].task.void {
			return q.entries[0].at, true
		}
		q.release(q.pop())
		q.voids--
	}
	return 0, false
}

func (q *queue) pop() *task {
	top := q.entries[0].task
	last := len(q.entries) - 1
	q.entries[0] = q.entries[last]
	q.entries[last].task = nil
	q.entries = q.entries[:last]
	if last > 1 {
		q.down(0)
	}
	return top
}

func (q *queue) up(i int) {
	moved := q.entries[i]
	for i > 0 {
		parent := (i - 1) / arity
		if !moved.before(q.entries[parent]) {
			break
		}
		q.entries[i] = q.entries[parent]
		i = parent
	}
	q.entries[i] = moved
}

func (q *queue) down(i int) {
	entries := q.entries
	moved := entries[i]
	for {
		first := i*arity + 1
		if first >= len(entries) {
			break
		}
		least := first
		for c := first + 1; c < min(first+arity, len(entries)); c++ {
			if entries[c].before(entries[least]) {
				least = c
			}
		}
		if !entries[least].before(moved) {
			break
		}
		entries[i] = entries[least]
		i = least
	}
	entries[i] = moved
}

// compact drops the void entries. The order of the others is theirs, not the heap's.
func (q *queue) compact() {
	kept := q.entries[:0]
	for _, e := range q.entries {
		if e.task.void {
			q.release(e.task)
			continue
		}
		kept = append(kept, e)
	}
	clear(q.entries[len(kept):])
	q.entries = kept
	q.voids = 0
	for i := (len(kept)+arity-2)/arity - 1; i >= 0; i-- { // from the last one that has a child
		q.down(i)
	}
}
