// Opening a connection: RFC 9293 section 3.5, and the timers of lost handshakes.

package world

import (
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/trace"
)

const (
	// handshakeRTO is the first retransmission timeout of SYN and SYN-ACK, RFC 6298
	// section 2; it doubles: a SYN leaves again after 1, 3, 7 s and so on.
	handshakeRTO = int64(time.Second)
	// challengedRTO is when Linux sends the first SYN again that was answered by a challenge:
	// its shortest timeout, two ticks of 4 ms and what is left of one.
	challengedRTO = int64(10 * time.Millisecond)
	// synACKRetries is Linux's tcp_synack_retries.
	synACKRetries = 5
)

func (w *World) sendSYN(e *end) {
	e.tries++
	e.triedAt = w.now
	w.transmit(e, w.packet(taskSYN, e), 0)
}

// armSYN lets the dialer's SYN leave again. The timer runs in a real kernel from the first
// SYN on; here it is made when it is known that the SYN will not be answered.
func (w *World) armSYN(e *end) {
	if e.state == stateSYNSent && !e.trying {
		w.armHandshake(e, taskSYNTimer)
	}
}

// armSYNACK does the same for the SYN-ACK.
func (w *World) armSYNACK(e *end) {
	if e.state == stateSYNReceived && !e.trying {
		w.armHandshake(e, taskSYNACKTimer)
	}
}

func (w *World) armHandshake(e *end, kind taskKind) {
	e.trying = true
	t := w.queue.newTask(kind)
	t.end = e
	doublings := e.tries - 1
	if kind == taskSYNTimer {
		doublings = max(doublings-w.config.SYNLinear, 0)
	}
	w.queue.push(max(e.triedAt+handshakeRTO<<doublings, w.now), t)
}

func (w *World) synTimer(e *end) {
	e.trying = false
	switch {
	case e.state != stateSYNSent:
	case e.tries > w.config.SYNRetries:
		w.giveUp(e, WhyTimeout)
	default:
		w.sendSYN(e)
	}
}

func (w *World) synACKTimer(e *end) {
	e.trying = false
	switch {
	case e.state != stateSYNReceived:
	case e.tries > synACKRetries:
		w.forget(e)
	default:
		w.sendSYNACK(e)
	}
}

func (w *World) sendSYNACK(e *end) {
	e.tries++
	e.triedAt = w.now
	w.transmit(e, w.packet(taskSYNACK, e), e.host.handshakeDelay)
}

// synArrives: RFC 9293 section 3.10.7.1 (nobody listens), 3.10.7.2 (LISTEN) and
// 3.10.7.4 (the kernel knows a connection of these addresses and ports).
func (w *World) synArrives(from, to *end) {
	h := to.host
	if to.state == stateSYNReceived {
		w.sendSYNACK(to)
		return
	}
	if w.sticks(to) { // its SYN-ACK got lost
		w.sendSYNACK(to)
	}
	if to.state != stateClosed {
		return
	}
	h.endLingering()
	known := h.tuples[to.tuple()]
	if w.adopt(known, to) {
		return
	}
	if known != nil && !w.makesWay(known) {
		w.challenge(from, to, known)
		return
	}
	listener := h.listeners[to.addr.Port()]
	if listener == nil {
		w.reset(to)
		return
	}
	if listener.full() {
		w.armSYN(from)
		return
	}
	to.state, to.listener, to.tries = stateSYNReceived, listener, 0
	h.tuples[to.tuple()] = to
	w.sendSYNACK(to)
}

// makesWay forgets an earlier connection of the same addresses and ports where a new SYN
// may replace it: TIME-WAIT (MAY-2, section 3.6.1). Any other answers with an ACK:
// SYN-RECEIVED because the SYN is outside of its window (section 3.10.7.4, first), those
// after it because of RFC 5961.
func (w *World) makesWay(known *end) bool {
	if known.state != stateTimeWait {
		return false
	}
	w.forget(known)
	return true
}

// challenge answers a SYN in the name of the connection that its addresses and ports mean to
// the kernel (section 3.10.7.4, RFC 5961 section 4): a challenge ACK.
func (w *World) challenge(from, to, known *end) {
	w.scratch = trace.Event{
		Kind: trace.KindChallenge, Conn: to.conn.global, Peer: from.text, Addr: to.text,
		Note: fmt.Sprintf("c%d of the same addresses and ports is known still", known.conn.global),
	}
	w.emit(to.host.name)
	w.happened.Challenges++
	t := w.packet(taskChallenge, to)
	t.subject = known
	w.transmit(to, t, 0)
}

// challengeArrives: the dialer does not know the connection that the ACK speaks of, and
// resets it (section 3.10.7.3). Its own SYN leaves again, the first time at once as in
// Linux, and then by the timer. Where it has given the dial up, and dialed anew from the same
// port, the ACK may speak of the new connection: it acknowledges nothing new there.
func (w *World) challengeArrives(e, subject *end) {
	if subject.peer().state != stateClosed {
		return
	}
	w.reset(subject.peer())
	if e.state == stateSYNSent && e.tries == 1 && !e.trying {
		e.trying = true
		t := w.queue.newTask(taskSYNTimer)
		t.end = e
		w.queue.push(w.now+challengedRTO, t)
		return
	}
	w.armSYN(e)
}

// synACKArrives: RFC 9293 section 3.10.7.3.
func (w *World) synACKArrives(e *end) {
	switch e.state {
	case stateSYNSent:
		e.state, e.upAt = stateEstablished, w.now
		w.transmit(e, w.packet(taskACK, e), 0)
		w.scratch = trace.Event{Kind: trace.KindConnected, Conn: e.conn.global, Peer: e.peer().text, Addr: e.text}
		w.emit(e.host.name)
		w.tellDialed(e)
	case stateClosed:
		w.reset(e)
		w.armSYNACK(e.peer()) // it comes again, should the reset get lost
	default: // once more, because the ACK was lost
		w.transmit(e, w.packet(taskACK, e), 0)
	}
}

func (w *World) ackArrives(e *end) {
	switch e.state {
	case stateSYNReceived:
		w.accept(e)
	case stateClosed:
		w.reset(e)
	}
}

// accept completes the handshake, whatever segment carried the acknowledgement, and gives
// the connection to the process. If that is no longer the one that listened, the kernel has
// nobody to give it to: it resets the connection and accept is false.
func (w *World) accept(e *end) bool {
	p := e.listener
	if e.host.listeners[e.addr.Port()] != p {
		w.reset(e)
		w.forget(e)
		return false
	}
	if p.full() {
		w.armSYNACK(e) // the acknowledgement is dropped: it has to come again
		return false
	}
	e.state, e.upAt = stateEstablished, w.now
	w.takeIn(e)
	return true
}

// takeIn gives an established connection to the process that listens, now or when it goes on.
func (w *World) takeIn(e *end) {
	p := e.listener
	switch {
	case p.dead: // it went on, and died in the same instant
		w.reset(e)
		w.forget(e)
		return
	case p.paused:
		p.waiting = append(p.waiting, e)
		p.hold(taskAccept).end = e
		return
	}
	e.listener = nil
	p.accepted++
	p.attach(e, p.accepted)
	peer := e.peer()
	w.scratch = trace.Event{Kind: trace.KindAccept, Conn: e.conn.global, Peer: peer.text, Addr: e.text}
	w.emit(e.host.name)
	p.deliver(Event{Kind: EventAccepted, Conn: e.id, Peer: peer.addr})
	if e.proc == nil {
		return
	}
	if e.state == stateClosed { // reset while it waited
		w.tellOver(e, EventClosed, trace.KindClosed, WhyReset, 0)
		return
	}
	w.readOn(e)
}

// tellDialed tells the process that a dial succeeded, now or when it goes on.
func (w *World) tellDialed(e *end) {
	switch {
	case e.proc == nil: // given up before it was told
	case e.proc.paused:
		e.proc.hold(taskDialed).end = e
	default:
		e.proc.deliver(Event{Kind: EventDialed, Conn: e.id, Peer: e.peer().addr})
	}
}
