// A TCP connection: its two ends, their states, and what a process does to its end.

package world

import (
	"net/netip"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// state of one end, by RFC 9293 section 3.3.2. CLOSE-WAIT is ESTABLISHED with peerFIN: unless
// it stays open, an end is closed with the peer's as soon as its process has read all.
// CLOSING is FIN-WAIT with peerFIN. FIN-WAIT with a process is half closed: it still reads.
type state uint8

const (
	stateClosed      state = iota // the kernel does not know the connection
	stateSYNSent                  // SYN-SENT
	stateSYNReceived              // SYN-RECEIVED
	stateEstablished              // ESTABLISHED, CLOSE-WAIT
	stateFINWait                  // FIN-WAIT-1, FIN-WAIT-2, CLOSING: closed by the process, wholly or for writing, or by its death
	stateLastACK                  // LAST-ACK
	stateTimeWait                 // TIME-WAIT
)

// Sides of a connection.
const (
	sideDialer = iota
	sideAcceptor
)

// connection is one attempt to connect and what came of it.
type connection struct {
	global uint64
	ends   [2]end
	flow   flow
}

// end is what one host's kernel knows of a connection.
type end struct {
	conn *connection
	side int
	host *Host
	addr netip.AddrPort
	text string // of addr, made once
	link *link  // to the other end's host

	proc          *process // nil: no process has it, or not any more
	id            protocol.ConnID
	before, after *end // in the process' list
	over          bool // the process is being told, or about to be, that it is over
	leaving       bool // closed by the process, with bytes that wait for room
	writer        *writer
	limits        writeLimits

	state       state
	listener    *process // SYN-RECEIVED: who will accept
	upAt        int64    // when it was established
	lastArrival int64    // of packets from this end: nothing may overtake
	lingerUntil int64    // TIME-WAIT, FIN-WAIT-2

	tries    int // handshake packets sent
	triedAt  int64
	trying   bool   // the handshake's timer runs
	flight   *task  // sent and not acknowledged: DATA and FIN, in order
	flightLn *task  // the last of them
	unacked  int    // bytes in flight
	sent     uint64 // segments
	taken    uint64 // segments of the peer's
	lost     bool   // what is in flight waits for the retransmission timer
	persists bool   // the same, because the window of the peer is shut
	rto      int64

	lostWhy Why // the connection is lost, and the process has bytes left to read
	lostAge int64
	shut    bool       // the window: a segment found no room
	keep    *keepAlive // nil: off
	heardAt int64      // of the peer's latest packet

	unread   []byte // in the kernel, not read by the process; from readFrom on
	readFrom int
	reading  bool // a read is on its way
	stayOpen bool // after the peer's FIN
	peerFIN  bool
	finACKed bool
}

func (e *end) peer() *end { return &e.conn.ends[1-e.side] }

// receives is whether the end takes bytes: from its establishment until it is closed for reading.
func (e *end) receives() bool {
	return e.state == stateEstablished || e.state == stateFINWait && e.proc != nil
}

// left is whether the process has closed the end wholly, or died.
func (e *end) left() bool { return e.proc == nil || e.over }

// dial makes a connection and sends the first SYN. port 0 is any of the ephemeral ones.
func (w *World) dial(p *process, id protocol.ConnID, port uint16, addr netip.AddrPort) {
	to := w.byAddr[addr.Addr()]
	if to == nil {
		to = w.nowhere
	}
	from := p.host
	w.connections++
	c := &connection{global: w.connections}
	c.ends[sideDialer] = end{conn: c, side: sideDialer, host: from, link: from.linkTo(to), state: stateSYNSent}
	c.ends[sideAcceptor] = end{conn: c, side: sideAcceptor, host: to, link: to.linkTo(from), addr: addr, text: addr.String()}
	e := &c.ends[sideDialer]
	p.attach(e, id)
	w.scratch = trace.Event{Kind: trace.KindDial, Conn: c.global, Peer: e.peer().text}
	w.emit(from.name)
	if !from.choosePort(&port, to, addr.Port()) {
		w.fail(e, WhyNoPort)
		return
	}
	e.addr = netip.AddrPortFrom(from.addr, port)
	e.text = e.addr.String()
	from.tuples[e.tuple()] = e
	w.sendSYN(e)
}

// closeEnd is CLOSE of RFC 9293 section 3.10.4 by the process, or by the kernel for one that died.
func (w *World) closeEnd(e *end) {
	if len(e.unread) > e.readFrom {
		w.abort(e) // section 3.6.1, SHLD-3: data was lost, and the peer shall know
		return
	}
	was := e.state
	w.traceClose(e, "fin")
	switch {
	case was == stateEstablished:
		w.sendNoMore(e)
	case was == stateFINWait && e.finACKed:
		w.linger(e, stateFINWait) // it was closed for writing before
	case was == stateFINWait, was == stateLastACK, was == stateTimeWait:
	default:
		w.forget(e)
	}
}

// abort is ABORT of RFC 9293 section 3.10.5.
func (w *World) abort(e *end) {
	if e.receives() {
		w.reset(e)
	}
	w.traceClose(e, "reset")
	w.forget(e)
}

// traceClose takes an end from the process, which has given it away.
func (w *World) traceClose(e *end, how string) {
	w.scratch = trace.Event{Kind: trace.KindClose, Conn: e.conn.global, Note: how, AgeNS: w.age(e)}
	if e.state == stateSYNSent {
		w.scratch.Note = "dial given up"
	}
	w.emit(e.host.name)
	e.proc.detach(e)
}

func (w *World) age(e *end) int64 {
	if !e.receives() {
		return 0
	}
	return w.now - e.upAt
}

// fail gives a connection up from inside a call of the process, which hears of it later.
func (w *World) fail(e *end, why Why) {
	t := w.queue.newTask(taskFail)
	t.end, t.why = e, why
	w.queue.push(w.now, t)
}

// giveUp ends a connection or a dial for the kernel's own reasons. Unless the caller resets
// the peer, that is not told.
func (w *World) giveUp(e *end, why Why) {
	if e.proc != nil {
		w.lostEnd(e, why)
		return
	}
	w.forget(e)
}

// lostEnd forgets a connection and tells its process why.
func (w *World) lostEnd(e *end, why Why) {
	kind := taskOver
	if e.state == stateSYNSent {
		kind = taskDialFailed
	}
	age := w.age(e)
	unread, readFrom := e.unread, e.readFrom
	w.forget(e)
	if len(unread) > readFrom { // as in Linux, the process reads them first
		e.unread, e.readFrom, e.lostWhy, e.lostAge = unread, readFrom, why, age
		return
	}
	w.tellLost(e, kind, why, age)
}

// tellLost tells the process of an end that is lost, now or when it goes on.
func (w *World) tellLost(e *end, kind taskKind, why Why, age int64) {
	switch {
	case e.proc == nil: // closed by the process before it was told
	case e.proc.paused:
		again := e.proc.hold(kind)
		again.end, again.why, again.sentAt = e, why, age
	case kind == taskDialFailed:
		w.tellOver(e, EventDialFailed, trace.KindDialFailed, why, age)
	default:
		w.tellOver(e, EventClosed, trace.KindClosed, why, age)
	}
}

// tellOver tells the process of an end that it is over, and takes it from it.
func (w *World) tellOver(e *end, kind EventKind, traced trace.Kind, why Why, age int64) {
	if e.leaving {
		w.traceClose(e, why.String())
		return
	}
	p := e.proc
	w.scratch = trace.Event{Kind: traced, Conn: e.conn.global, Note: why.String(), AgeNS: age}
	if traced == trace.KindDialFailed {
		w.scratch.Peer = e.peer().text
	}
	w.emit(e.host.name)
	e.over = true
	p.deliver(Event{Kind: kind, Conn: e.id, Peer: e.peer().addr, Why: why})
	p.detach(e)
}

// forget leaves nothing of a connection in an end's kernel.
func (w *World) forget(e *end) {
	if e.state == stateClosed {
		return
	}
	e.state = stateClosed
	e.dropTuple()
	w.dropWriter(e)
	w.dropFlight(e)
	e.unread, e.readFrom, e.shut, e.peerFIN, e.finACKed, e.keep = nil, 0, false, false, false, nil
}

// vanish is forget for an end whose host lost its power: its process is dead.
func (w *World) vanish(e *end) {
	if e.proc != nil {
		e.proc.detach(e)
	}
	w.forget(e)
}
