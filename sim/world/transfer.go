// An open connection: bytes, reads in pieces, FIN and RST.

package world

import (
	"github.com/a8011091/pegasus-reference/trace"
)

// sendData sends bytes as one segment.
func (w *World) sendData(e *end, data []byte) {
	t := w.packet(taskData, e)
	t.data = append(t.data, data...)
	e.unacked += len(data)
	w.send(e, t)
}

func (w *World) sendFIN(e *end) { w.send(e, w.packet(taskFIN, e)) }

// send puts a new segment in flight.
func (w *World) send(e *end, t *task) {
	t.number = e.sent
	e.sent++
	w.fly(e, t)
}

// fly puts a segment in flight behind those that are. While an earlier one is lost it stays behind that.
func (w *World) fly(e *end, t *task) {
	if e.flight == nil {
		e.flight = t
	} else {
		e.flightLn.next = t
	}
	e.flightLn = t
	if !e.lost {
		w.transmit(e, t, 0)
	}
}

// acknowledged takes a segment out of flight, if its sender still knows of it.
func (e *end) acknowledged(t *task) {
	if e.flight != t {
		return
	}
	e.flight = t.next
	t.next = nil
	e.unacked -= len(t.data)
}

// reset sends RST to the peer.
func (w *World) reset(e *end) { w.transmit(e, w.packet(taskRST, e), 0) }

// segmentArrives: RFC 9293 section 3.10.7.4 for DATA and FIN. One that is not admitted is
// not acknowledged either: it will come again, should the reset get lost.
func (w *World) segmentArrives(from, to *end, t *task) {
	inOrder := t.number == to.taken // one before it may be lost with all that its sender knew of it
	switch {
	case !w.admits(to, t.kind) || !inOrder:
		w.segmentLost(from, t)
	case !w.hasRoom(to, t):
		w.segmentLost(from, t)
		from.persists = from.lost
	default:
		w.take(from, to, t)
	}
}

// admits is whether an end's kernel takes a segment; it resets the sender otherwise. The
// segment completes a handshake that is not complete.
func (w *World) admits(e *end, kind taskKind) bool {
	if e.state == stateSYNReceived && !w.accept(e) {
		return false
	}
	e.host.endLingering()
	// Section 3.6.1, SHLD-3: nobody will read data that comes after CLOSE.
	if e.state == stateClosed || e.state == stateFINWait && e.left() && kind == taskData {
		w.reset(e)
		w.forget(e)
		return false
	}
	return true
}

// take acknowledges a segment and lets it have its effect.
func (w *World) take(from, to *end, t *task) {
	to.taken++
	from.acknowledged(t)
	w.wake(from)
	switch {
	case t.kind == taskFIN && w.sticks(to):
		w.finAcknowledged(from)
	case t.kind == taskFIN:
		w.finArrives(to)
		w.finAcknowledged(from)
	case to.receives():
		w.receive(to, t.data)
	}
}

// receive gives bytes to the process, or to the kernel's buffer first.
func (w *World) receive(e *end, data []byte) {
	idle := e.proc == nil || e.proc.paused
	if !w.config.Split && !idle && len(e.unread) == e.readFrom {
		w.deliverBytes(e, data)
		return
	}
	e.unread = append(e.unread, data...)
	if e.reading || idle {
		return // read together with what is there
	}
	if e.host.reads.IntN(2) == 0 {
		w.readLater(e)
		return
	}
	w.read(e)
}

func (w *World) readLater(e *end) {
	e.reading = true
	t := w.queue.newTask(taskRead)
	t.end = e
	w.queue.push(w.now+1+e.host.reads.Int64N(int64(w.config.ReadDelay)), t)
}

// read lets the process read some of what its kernel holds; then the FIN, if that is all.
func (w *World) read(e *end) {
	e.reading = false
	n := len(e.unread) - e.readFrom
	if e.proc == nil || e.proc.paused || e.over {
		return
	}
	if n == 0 {
		w.readEnd(e)
		return
	}
	if w.config.Split && e.host.reads.IntN(2) == 0 {
		n = 1 + e.host.reads.IntN(n)
	}
	piece := e.unread[e.readFrom : e.readFrom+n]
	e.readFrom += n
	w.deliverBytes(e, piece)
	w.openWindow(e)
	switch {
	case e.proc == nil: // closed by the process while it read
	case e.readFrom < len(e.unread):
		w.readLater(e)
	default:
		e.unread, e.readFrom = e.unread[:0], 0
		w.readEnd(e)
	}
}

// readOn lets a process find what its kernel has kept for it.
func (w *World) readOn(e *end) {
	if !e.reading && (len(e.unread) > e.readFrom || e.peerFIN) && !e.over {
		e.reading = true
		t := w.queue.newTask(taskRead)
		t.end = e
		w.queue.push(w.now, t)
	}
}

func (w *World) deliverBytes(e *end, data []byte) {
	if e.leaving {
		return
	}
	w.scratch = trace.Event{Kind: trace.KindBytes, Conn: e.conn.global, Size: len(data), Data: data}
	w.emit(e.host.name)
	e.proc.deliver(Event{Kind: EventReceived, Conn: e.id, Data: data})
}

func (w *World) finArrives(e *end) {
	e.peerFIN = true
	if e.state == stateFINWait && e.finACKed {
		w.linger(e, stateTimeWait)
	}
	if len(e.unread) == e.readFrom && e.proc != nil && !e.proc.paused {
		w.readEnd(e)
	}
}

// readEnd lets the process find, once it has read all, that the connection is lost, or that
// the other side sends no more: it closes its own end after it, unless that is to stay open
// or closed before.
func (w *World) readEnd(e *end) {
	if e.lostWhy != WhyNone {
		w.tellLost(e, taskOver, e.lostWhy, e.lostAge)
		return
	}
	if !e.peerFIN || e.leaving {
		return
	}
	age := w.age(e)
	switch {
	case e.state == stateEstablished && e.stayOpen:
		e.proc.deliver(Event{Kind: EventPeerDone, Conn: e.id})
		return
	case e.state == stateEstablished:
		w.sendNoMore(e)
	}
	w.tellOver(e, EventClosed, trace.KindClosed, WhyFIN, age)
}

// sendNoMore is CLOSE in ESTABLISHED and CLOSE-WAIT (section 3.10.4), and SHUTDOWN for
// writing (section 3.6, case 1) where the process keeps the end. What waits for room is lost.
func (w *World) sendNoMore(e *end) {
	w.dropWriter(e)
	e.state = stateFINWait
	if e.peerFIN {
		e.state = stateLastACK
	}
	w.sendFIN(e)
}

// finAcknowledged: RFC 9293 section 3.10.7.4, fifth, FIN-WAIT-1 to LAST-ACK.
func (w *World) finAcknowledged(e *end) {
	if e.state == stateClosed {
		return
	}
	e.finACKed = true
	switch {
	case e.state == stateLastACK:
		w.forget(e)
	case e.state == stateFINWait && e.peerFIN:
		w.linger(e, stateTimeWait)
	case e.state == stateFINWait && e.left():
		w.linger(e, stateFINWait)
	}
}

// rstArrives: RFC 9293 section 3.10.7.3 and 3.10.7.4, RST.
func (w *World) rstArrives(e *end) {
	switch {
	case e.state == stateSYNSent:
		w.lostEnd(e, WhyRefused)
	case w.sticks(e):
	case e.proc != nil:
		w.lostEnd(e, WhyReset)
	default:
		w.forget(e)
	}
}
