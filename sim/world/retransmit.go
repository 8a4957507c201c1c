// Segments that got lost: retransmission with a doubling timeout (RFC 6298 section 5)
// until the user timeout (RFC 9293 section 3.10.8).

package world

import "time"

// Linux's bounds of the retransmission timeout; RFC 6298 section 2 asks for 1 s at least.
const (
	firstRTO = int64(200 * time.Millisecond)
	maxRTO   = int64(120 * time.Second)
)

// segmentLost takes back everything that is in flight behind a segment that did not
// arrive, and waits for the retransmission timer. The tasks on their way become void: the
// flight goes on in new ones.
func (w *World) segmentLost(e *end, t *task) {
	if e.flight != t {
		return // the sender does not know the connection any more
	}
	old := e.flight
	e.flight, e.flightLn = nil, nil
	e.lost, e.rto = true, firstRTO
	for s := old; s != nil; {
		next := s.next
		s.next = nil
		again := w.queue.newTask(s.kind)
		again.end, again.sentAt, again.number = s.end, s.sentAt, s.number
		again.data, s.data = s.data, again.data
		if s != t {
			w.queue.cancel(s)
		}
		w.fly(e, again)
		s = next
	}
	w.armRetransmission(e, e.flight.sentAt)
}

// armRetransmission lets the first segment leave again, a timeout after it last left, or
// the user timeout run out.
func (w *World) armRetransmission(e *end, sentAt int64) {
	r := w.queue.newTask(taskRetransmit)
	r.end = e
	at := sentAt + e.rto
	if !e.persists {
		at = min(at, w.userTimeout(e))
	}
	w.queue.push(max(at, w.now), r)
}

func (w *World) userTimeout(e *end) int64 {
	limit := w.config.UserTimeout
	if e.left() {
		limit = min(limit, w.config.OrphanTimeout)
	}
	return e.flight.sentAt + int64(limit)
}

func (w *World) retransmit(e *end) {
	switch {
	case !e.lost:
	case !e.persists && w.now >= w.userTimeout(e):
		w.giveUp(e, WhyTimeout)
	default:
		w.transmit(e, w.packet(taskProbe, e), 0)
	}
}

// probeLost: nobody answered a probe. If it was one of a shut window, the user timeout
// begins to run with it.
func (w *World) probeLost(e *end, probe *task) {
	if !e.lost {
		return
	}
	if e.persists {
		e.persists, e.flight.sentAt = false, probe.sentAt
	}
	w.backOff(e, probe.sentAt)
}

func (w *World) backOff(e *end, sentAt int64) {
	e.rto = min(2*e.rto, maxRTO)
	w.armRetransmission(e, sentAt)
}

// probeArrives: the first segment got through. Its acknowledgement travels back, then the
// others leave.
func (w *World) probeArrives(from, to *end, probe *task) {
	if !from.lost {
		return // the sender does not know the connection any more
	}
	admitted := w.admits(to, from.flight.kind)
	if !admitted || !from.lost { // or it lost its power just now
		w.probeLost(from, probe)
		return
	}
	if !w.hasRoom(to, from.flight) {
		from.persists = true
		w.backOff(from, probe.sentAt)
		return
	}
	from.lost, from.persists = false, false
	first := from.flight
	for s := first.next; s != nil; s = s.next {
		s.sentAt = w.now
		w.transmit(from, s, w.latency(to.link))
	}
	w.take(from, to, first)
	w.queue.release(first)
}

// dropFlight forgets what an end has sent. What is under way still arrives.
func (w *World) dropFlight(e *end) {
	for s := e.flight; s != nil; {
		next := s.next
		s.next = nil
		if e.lost {
			w.queue.release(s) // not in the heap
		}
		s = next
	}
	e.flight, e.flightLn, e.unacked, e.lost, e.persists = nil, nil, 0, false, false
}
