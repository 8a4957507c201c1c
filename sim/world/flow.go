// Firewalls and address translators between hosts: they remember flows, and what they have
// forgotten does not get through. TCP cannot tell (RFC 2979 section 3, RFC 5382 REQ-5: an
// idle flow may be forgotten after 2 hours 4 minutes; many forget after minutes).

package world

import (
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/trace"
)

// Forgotten says what becomes of the packets of a flow that is forgotten.
type Forgotten uint8

// What a middlebox does with them.
const (
	ForgottenDropped Forgotten = iota // nothing is said
	ForgottenRefused                  // whoever sends is reset
)

// flow is what middleboxes make of one connection.
type flow struct {
	state    flowState
	packetAt int64 // of the latest packet, either way
}

type flowState uint8

const (
	flowOpen flowState = iota
	flowDropped
	flowRefused
)

// flowMemory is how long the middlebox of a link remembers an idle flow.
type flowMemory struct {
	idle int64 // 0: for ever
	then flowState
}

func (f Forgotten) state() flowState {
	if f == ForgottenRefused {
		return flowRefused
	}
	return flowDropped
}

// ForgetFlows has the middlebox between two hosts forget every connection that there is;
// new ones get through. It is a firewall's restart, or a translator that ran out of room.
func (w *World) ForgetFlows(a, b *Host, then Forgotten) {
	w.scratch = trace.Event{Kind: trace.KindFault, Note: "flows between " + a.name + " and " + b.name + " are forgotten"}
	w.emit(a.name)
	for _, h := range []*Host{a, b} {
		for key, e := range h.tuples { // in any order: each flow is changed by itself
			if other := w.hosts[key.peer]; other == a || other == b {
				e.conn.flow.state = then.state()
			}
		}
	}
}

// RememberFlows has the middlebox between two hosts forget connections on which nothing
// travelled for idle.
func (w *World) RememberFlows(a, b *Host, idle time.Duration, then Forgotten) {
	for _, l := range []*link{a.linkTo(b), b.linkTo(a)} {
		l.memory = flowMemory{idle: int64(idle), then: then.state()}
	}
}

// pass takes a packet through the middlebox and returns what becomes of its flow.
func (w *World) pass(from *end, t *task) flowState {
	f, m := &from.conn.flow, from.link.memory
	if m.idle > 0 && f.state == flowOpen && t.kind != taskSYN && w.now-f.packetAt > m.idle {
		f.state = m.then
	}
	f.packetAt = w.now
	switch f.state {
	case flowDropped:
		w.happened.Dropped++
	case flowRefused:
		w.happened.Refused++
	}
	return f.state
}

// refuse answers a packet in the name of the host that it was for. The trace tells, of the
// sender, since nobody else can know.
func (w *World) refuse(from, to *end, t *task) {
	w.scratch = trace.Event{Kind: trace.KindFault, Conn: from.conn.global, Note: fmt.Sprintf("a firewall that has forgotten c%d resets it", from.conn.global)}
	w.emit(from.host.name)
	w.lose(from, t)
	w.reset(to)
}
