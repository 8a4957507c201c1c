// One state of the specification that is possible after what the trace has shown, and
// the specification's steps from it that a trace does not show.

package conformance

import (
	"encoding/binary"

	"github.com/a8011091/pegasus-reference/model/session"
)

// possible is a state, and which connection of the trace each of its slots is.
type possible struct {
	spec  *specification
	state session.State
	wires [session.MaxSlots]*wire
}

// slot is where a connection is; 0 where the state has forgotten it.
func (p *possible) slot(w *wire) uint8 {
	for i := range p.wires {
		if p.wires[i] == w {
			return uint8(i + 1)
		}
	}
	return 0
}

func (p *possible) connection(c uint8) *session.Connection { return &p.state.Connections[c-1] }

// current says whether w is the session's connection and up.
func (p *possible) current(w *wire) bool {
	c := p.state.Current
	return c != 0 && p.wires[c-1] == w && p.connection(c).Client == session.Open
}

// negotiating says whether the session waits for an answer of its negotiation, and which.
func (p *possible) negotiating() (uint8, bool) {
	n := p.state.Negotiation
	return n, p.state.Link == session.Connected && n >= 1 && n <= p.spec.rounds()
}

// authenticated says whether the session's negotiation has succeeded.
func (p *possible) authenticated() bool {
	return p.state.Link == session.Connected && p.state.Negotiation == p.spec.rounds()+1
}

// with is p with another state; slots without ends are free again.
func (p *possible) with(s session.State) possible {
	q := possible{spec: p.spec, state: s, wires: p.wires}
	for i := range q.wires {
		if end := &q.state.Connections[i]; end.Client == session.NoEnd && end.Server == 0 {
			q.wires[i] = nil
		}
	}
	return q
}

// lasting is p with the constant R that a negotiation has shown by succeeding with its n-th
// answer. Until then the specification has its longest one: as long as no answer is the
// last, the same states are possible whatever R is.
func (p *possible) lasting(n uint8, specs []*specification) *possible {
	if p.spec != specs[maxRounds-1] || n < 1 {
		return p
	}
	q := *p
	q.spec = specs[n-1]
	return &q
}

// appendKey writes what tells one possible state from another.
func (p *possible) appendKey(dst []byte) []byte {
	dst = append(dst, p.spec.rounds())
	dst = p.spec.model.AppendState(dst, p.state)
	for _, w := range p.wires {
		if w == nil {
			dst = append(dst, 0)
			continue
		}
		dst = binary.AppendUvarint(dst, w.number)
	}
	return dst
}

// after returns what one action makes of p.
func (x *explorer) after(p *possible, a action, of uint8) []possible {
	var list []possible
	for _, s := range x.take(p.spec, &p.state, a, of) {
		list = append(list, p.with(s))
	}
	return list
}

// insert is a step that no trace shows, taken where it helps to explain the next event.
type insert uint8

const (
	insStart insert = iota
	insAccept
	insWish
	insServe
	insServer
)

// inserts says what each is.
var inserts = [...]struct {
	name    string
	actions []action
}{
	insStart:  {"the server began to accept, some time after it said so", []action{actStart}},
	insAccept: {"the handshake was done, before either end said so", []action{actAccept}},
	insWish:   {"something made the session want a connection", []action{actSubmit}},
	insServe:  {"the server read to the end what the client had sent on the oldest connection that it closed, where the specification has no slot for one more", []action{actServe}},
	insServer: {"whatever a server does, where the trace does not show the server", []action{actStart, actCrash, actServe, actGiveUp}},
}

// inserted returns what one insert makes of p, in a session.
func (x *explorer) inserted(t *tracked, p *possible, by insert) []possible {
	var list []possible
	switch by {
	case insStart:
		if t.listening && !p.state.Up {
			list = x.after(p, actStart, 0)
		}
	case insAccept:
		if c := p.state.Current; c != 0 && p.connection(c).Client == session.Dialing {
			list = x.after(p, actAccept, c)
		}
	case insWish:
		if p.state.Link == session.Disconnected {
			list = x.after(p, actSubmit, wish)
		}
	case insServe:
		if c := p.oldestLeft(); c != 0 {
			q := *p
			for q.connection(c).Server != 0 {
				served := x.after(&q, actServe, c)
				if len(served) == 0 {
					return nil
				}
				q = served[0]
			}
			list = []possible{q}
		}
	case insServer:
		if t.observed {
			return nil
		}
		list = append(x.after(p, actStart, 0), x.after(p, actCrash, 0)...)
		for c := uint8(1); c <= session.MaxSlots; c++ {
			list = append(list, x.after(p, actServe, c)...)
			list = append(list, x.after(p, actGiveUp, c)...)
		}
	}
	return list
}

// oldestLeft is the oldest connection that the client has closed and the server has not; 0
// if there is none.
func (p *possible) oldestLeft() uint8 {
	oldest := uint8(0)
	for i, w := range p.wires {
		end := &p.state.Connections[i]
		if w != nil && end.Server != 0 && end.Client == session.NoEnd && (oldest == 0 || w.number < p.wires[oldest-1].number) {
			oldest = uint8(i + 1)
		}
	}
	return oldest
}

// closure returns the states that inserts, one after another, make of those in set; the
// set itself comes first. It ends by itself, since no insert undoes another, or where there
// are more states than limit: then it is not whole.
func (x *explorer) closure(t *tracked, set []possible, by []insert, limit int) (list []possible, whole bool) {
	if len(by) == 0 {
		return set, true
	}
	all := newStates(len(set))
	for i := range set {
		all.add(set[i])
	}
	for i := 0; i < len(all.list); i++ {
		if len(all.list) > limit {
			return all.list, false
		}
		for _, ins := range by {
			p := all.list[i]
			for _, q := range x.inserted(t, &p, ins) {
				all.add(q)
			}
		}
	}
	return all.list, true
}

// states is a set of possible states, in order of discovery.
type states struct {
	list []possible
	seen map[string]struct{}
	key  []byte
}

func newStates(n int) *states { return &states{seen: make(map[string]struct{}, n)} }

func (s *states) add(p possible) {
	s.key = p.appendKey(s.key[:0])
	if _, known := s.seen[string(s.key)]; known {
		return
	}
	s.seen[string(s.key)] = struct{}{}
	s.list = append(s.list, p)
}
