// The client that a node has to be safe from: what the incident's does, as far as a node
// can tell. The reference never asks too early, so without this one no gate is tried.

package exhaustive

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// hasty is a client whose "authenticated" belongs to the session, and outlives the
// connection that it was true of: on the next connection it writes what waits at once,
// ahead of the negotiation.
type hasty struct {
	client
	authenticated bool
	outstanding   []session.Request
}

func newHasty(cfg session.Config) client { return &hasty{client: newReference(cfg)} }

func (f *hasty) Step(now time.Time, ev session.Event, out []session.Effect) []session.Effect {
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

func (f *hasty) tooEarly() []byte {
	var wire []byte
	for _, r := range f.outstanding {
		wire = protocol.AppendRequest(wire, &protocol.Request{Header: r.Header, RPC: r.RPC, Seq: earlySeq + int32(r.ID), Body: r.Body})
	}
	return wire
}

func (f *hasty) Clone() client {
	c := *f
	c.client = f.client.Clone()
	c.outstanding = slices.Clone(f.outstanding)
	return &c
}

func (f *hasty) AppendState(dst []byte, now time.Time) []byte {
	dst = append(f.client.AppendState(dst, now), flag(f.authenticated))
	for _, r := range f.outstanding {
		dst = binary.AppendUvarint(dst, uint64(r.ID))
	}
	return dst
}
