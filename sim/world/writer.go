// A full send buffer. RFC 9293 section 3.10.2 leaves open what SEND does where there is no
// room; Linux lets the writer wait. Here the rest of what a process wrote waits in the
// process, in order, as behind the writing goroutine of the drivers in packages client and
// server, who bound how much may wait and how long.

package world

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// writer is what a process has written on an end and its kernel has not taken. An end on
// which nothing waits has none.
type writer struct {
	waiting []byte // from taken on
	taken   int
	batch   int   // bytes that are being written; those behind them wait for their end
	timer   *task // of the batch, nil without a limit
	waking  bool  // it is about to be told of room
}

// writeLimits are what an end's process puts up with; zero is no limit.
type writeLimits struct {
	bytes int           // behind those that are being written
	batch time.Duration // for all that waited when the batch before was taken
}

func (q *writer) behind() int { return len(q.waiting) - q.taken - q.batch }

// Queue bounds what may wait for room in the send buffer: so many bytes behind those that
// are being written, and so long until these are taken. Beyond that the process gives the
// connection up: nothing of what waits is sent, what the kernel has taken is, then FIN or
// RST as with Close; and it hears EventClosed with WhyOverflow or WhyTimeout. Zero is no
// bound, and so is a connection for which nobody asked.
func (io *IO) Queue(conn protocol.ConnID, limit int, timeout time.Duration) {
	if e := io.open(conn); e != nil {
		e.limits = writeLimits{bytes: limit, batch: timeout}
	}
}

// Finish is Close as soon as the kernel has taken what waits for room, and after patience at
// the latest. What arrives meanwhile is thrown away.
func (io *IO) Finish(conn protocol.ConnID, patience time.Duration) {
	e := io.open(conn)
	switch {
	case e == nil:
	case e.writer == nil || patience <= 0:
		io.world().closeEnd(e)
	default:
		e.leaving = true
		io.world().timeWriter(e, patience)
	}
}

// write sends bytes as one segment, or has them wait for those that wait, or for room.
func (w *World) write(e *end, data []byte) {
	if e.writer == nil && e.unacked+len(data) <= w.config.SendBuffer {
		w.sendData(e, data)
		return
	}
	q := e.writer
	if q == nil {
		w.happened.Held++
		q = new(writer)
	}
	if e.limits.bytes > 0 && q.behind()+len(data) > e.limits.bytes {
		w.hangUp(e, WhyOverflow)
		return
	}
	e.writer = q
	q.waiting = append(q.waiting, data...)
	if q.batch == 0 {
		w.nextBatch(e)
		w.fill(e)
	}
}

// nextBatch begins to write all that waits.
func (w *World) nextBatch(e *end) {
	q := e.writer
	q.batch = len(q.waiting) - q.taken
	if q.batch > 0 && e.limits.batch > 0 && !e.leaving {
		w.timeWriter(e, e.limits.batch)
	}
}

// fill gives the kernel what it has room for, in order.
func (w *World) fill(e *end) {
	q := e.writer
	for q.batch > 0 {
		n := min(q.batch, w.config.SendBuffer-e.unacked)
		if n == 0 {
			return
		}
		w.sendData(e, q.waiting[q.taken:q.taken+n])
		q.taken += n
		if q.batch -= n; q.batch == 0 {
			w.nextBatch(e)
		}
	}
	w.dropWriter(e)
	if e.leaving {
		w.closeEnd(e)
	}
}

// wake tells a writer that there is room, when the acknowledgement has travelled back.
func (w *World) wake(e *end) {
	if q := e.writer; q != nil && !q.waking {
		q.waking = true
		t := w.queue.newTask(taskRoom)
		t.end = e
		back := e.peer().link
		w.queue.push(back.leaves(w.now)+w.latency(back), t)
	}
}

// roomFound: a process that is paused finds it when it goes on.
func (w *World) roomFound(e *end) {
	q := e.writer
	if q == nil {
		return
	}
	q.waking = false
	if e.proc != nil && !e.proc.paused {
		w.fill(e)
	}
}

// timeWriter gives a writer so long, by its host's clock, from now on.
func (w *World) timeWriter(e *end, within time.Duration) {
	w.stopWriteTimer(e)
	e.writer.timer = w.queue.newTask(taskWriteTimer)
	e.writer.timer.end = e
	w.queue.push(w.now+e.host.clock.until(w.now, int64(within)), e.writer.timer)
}

func (w *World) stopWriteTimer(e *end) {
	if t := e.writer.timer; t != nil {
		w.queue.cancel(t)
		e.writer.timer = nil
	}
}

// writeTimer gives a connection up whose writer has waited for too long.
func (w *World) writeTimer(e *end) {
	if e.writer == nil {
		return // it ended while its process was paused
	}
	e.writer.timer = nil
	switch {
	case e.proc.paused:
		e.proc.hold(taskWriteTimer).end = e
	case e.leaving:
		w.closeEnd(e)
	default:
		w.hangUp(e, WhyTimeout)
	}
}

// dropWriter throws away what waits.
func (w *World) dropWriter(e *end) {
	if e.writer != nil {
		w.stopWriteTimer(e)
		e.writer = nil
	}
}

// hangUp closes an end that its process gives up for what waits, and has it hear of that
// after this step.
func (w *World) hangUp(e *end, why Why) {
	age := w.age(e)
	w.dropWriter(e)
	if len(e.unread) > e.readFrom {
		w.reset(e)
		w.forget(e)
	} else {
		w.sendNoMore(e)
	}
	e.over = true
	t := w.queue.newTask(taskOver)
	t.end, t.why, t.sentAt = e, why, age
	w.queue.push(w.now, t)
}
