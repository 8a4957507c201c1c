// Clients that are wrong on purpose: what each of them breaks has to be found.

package exhaustive

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// mutant is the reference's session with its events and effects altered on the way.
type mutant struct {
	client
	event  func(own protocol.ConnID, ev session.Event) session.Event
	effect func(e session.Effect) (session.Effect, bool)
}

func (m mutant) Step(now time.Time, ev session.Event, out []session.Effect) []session.Effect {
	if m.event != nil {
		ev = m.event(m.Conn(), ev)
	}
	out = m.client.Step(now, ev, out)
	if m.effect == nil {
		return out
	}
	kept := out[:0]
	for _, e := range out {
		if e, keep := m.effect(e); keep {
			kept = append(kept, e)
		}
	}
	return kept
}

func (m mutant) Clone() client {
	m.client = m.client.Clone()
	return m
}

// altersEvents makes clients that see events otherwise.
func altersEvents(alter func(own protocol.ConnID, ev session.Event) session.Event) func(session.Config) client {
	return func(cfg session.Config) client { return mutant{client: newReference(cfg), event: alter} }
}

// altersEffects makes clients that do something else than they should.
func altersEffects(alter func(e session.Effect) (session.Effect, bool)) func(session.Config) client {
	return func(cfg session.Config) client { return mutant{client: newReference(cfg), effect: alter} }
}

// staleFlag is a client whose "authenticated" belongs to the session, and outlives the
// connection that it was true of: on the next connection it writes what waits at once,
// ahead of the negotiation.
type staleFlag struct {
	client
	authenticated bool
	outstanding   []session.Request
}

func newStaleFlag(cfg session.Config) client { return &staleFlag{client: newReference(cfg)} }

func (f *staleFlag) Step(now time.Time, ev session.Event, out []session.Effect) []session.Effect {
	switch {
	case ev.Kind == session.EventSubmit:
		f.outstanding = append(f.outstanding, ev.Request)
	case ev.Kind == session.EventDialed && ev.Conn == f.Conn() && f.authenticated && len(f.outstanding) > 0:
		out = append(out, session.Effect{Kind: session.EffectWrite, Conn: ev.Conn, Data: f.tooEarly()})
	}
	first := len(out)
	out = f.client.Step(now, ev, out)
	for _, e := range out[first:] {
		switch {
		case e.Kind == session.EffectComplete:
			f.outstanding = slices.DeleteFunc(f.outstanding, func(r session.Request) bool { return r.ID == e.Completion.ID })
		case e.Kind == session.EffectState && e.State == session.StateReady:
			f.authenticated = true
		}
	}
	return out
}

// earlySeq is beyond the numbers that the session itself uses.
const earlySeq = 1000

func (f *staleFlag) tooEarly() []byte {
	var wire []byte
	for _, r := range f.outstanding {
		wire = protocol.AppendRequest(wire, &protocol.Request{Header: r.Header, RPC: r.RPC, Seq: earlySeq + int32(r.ID), Body: r.Body})
	}
	return wire
}

func (f *staleFlag) Clone() client {
	c := *f
	c.client = f.client.Clone()
	c.outstanding = slices.Clone(f.outstanding)
	return &c
}

func (f *staleFlag) AppendState(dst []byte, now time.Time) []byte {
	dst = append(f.client.AppendState(dst, now), flag(f.authenticated))
	for _, r := range f.outstanding {
		dst = binary.AppendUvarint(dst, uint64(r.ID))
	}
	return dst
}
