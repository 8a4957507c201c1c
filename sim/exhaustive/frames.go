// What an observer of the wire reads in the packets.

package exhaustive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/protocol"
)

// frame is one request or response on its way.
type frame struct {
	seq       int32
	canonical []byte // all that depends on it, but for its number and its connection
	rpc       protocol.RPC
	status    protocol.NegotiationStatus // of a negotiation message
	code      protocol.ErrorCode         // of a response
	slot      int                        // of a request for the partition, and of its response; -1: none
}

// requestFrames reads what the client wrote on c, and judges it.
func (w *world) requestFrames(c *conn, wire []byte) []frame {
	decoder := protocol.NewRequestDecoder(protocol.Limits{})
	err := decoder.Write(wire)
	var frames []frame
	for err == nil {
		var r protocol.Request
		var ok bool
		if ok, err = decoder.Next(&r); !ok {
			break
		}
		f := frame{seq: r.Seq, rpc: r.RPC, slot: -1, canonical: binary.AppendUvarint(nil, uint64(r.RPC))}
		if r.RPC == protocol.RPCNegotiation {
			w.negotiationFrame(c, &f, &r)
		} else {
			w.businessFrame(c, &f, &r)
		}
		frames = append(frames, f)
	}
	if err != nil || decoder.Buffered() > 0 {
		w.breaks(malformed, "the client writes what is no whole number of frames")
	}
	return frames
}

func (w *world) negotiationFrame(c *conn, f *frame, r *protocol.Request) {
	status, msg, err := protocol.ParseNegotiationArgs(r.Body)
	if err != nil {
		w.breaks(malformed, "the client writes a negotiation message that cannot be read: %v", err)
		return
	}
	w.tell("the client writes %s on connection %d", verb(status), number(c.id))
	w.nameNegotiation(c, f, status, msg)
}

// businessFrame finds out which request of the user it is.
func (w *world) businessFrame(c *conn, f *frame, r *protocol.Request) {
	f.slot = w.m.slotOf(r.Body)
	f.canonical = append(f.canonical, byte(f.slot))
	w.tell("the client writes %s on connection %d", asked(f.slot), number(c.id))
	if !c.granted {
		w.breaks(authBeforeRequest, "the client has not heard on connection %d that its negotiation succeeded", number(c.id))
	}
	if f.slot < 0 {
		w.breaks(malformed, "nobody asked for that")
		return
	}
	c.asked = slices.Clone(c.asked)
	c.asked[f.slot] = r.Seq
	q := &w.s.requests[f.slot]
	if !q.outstanding() {
		w.breaks(completeOnce, "%s was completed already", asked(f.slot))
		return
	}
	if q.progress == written && isPut(f.slot) && !w.m.cfg.Hasty {
		w.breaks(honestOutcome, "%s was written before, and may have run", asked(f.slot))
	}
	q.progress, q.conn = written, c.id
}

// responseFrames reads what the node wrote on c.
func (w *world) responseFrames(c *conn, wire []byte) []frame {
	decoder := protocol.NewResponseDecoder(protocol.Limits{})
	err := decoder.Write(wire)
	var frames []frame
	for err == nil {
		var r protocol.Response
		var ok bool
		if ok, err = decoder.Next(&r); !ok {
			break
		}
		frames = append(frames, w.responseFrame(c, &r))
	}
	if err != nil || decoder.Buffered() > 0 {
		w.breaks(malformed, "the node writes what is no whole number of frames")
	}
	return frames
}

func (w *world) responseFrame(c *conn, r *protocol.Response) frame {
	f := frame{seq: r.Seq, rpc: r.RPC, code: r.Code, slot: -1, canonical: binary.AppendUvarint(nil, uint64(r.RPC))}
	f.canonical = append(f.canonical, byte(r.Code))
	if r.RPC != protocol.RPCNegotiation {
		f.canonical = appendText(f.canonical, r.Body)
		w.answered(c, &f)
		return f
	}
	status, msg, err := protocol.ParseNegotiationResult(r.Body)
	if r.Code != protocol.CodeOK || err != nil {
		w.breaks(malformed, "the node answers a negotiation with %v", r.Code)
		return f
	}
	w.tell("the node answers %s on connection %d", verb(status), number(c.id))
	c.admitted = c.admitted || status == protocol.SASLSucc
	w.nameNegotiation(c, &f, status, msg)
	return f
}

// answered notes which request the node executed.
func (w *world) answered(c *conn, f *frame) {
	f.slot = slices.Index(c.asked, f.seq)
	w.tell("the node answers %s with %v on connection %d", asked(f.slot), f.code, number(c.id))
	if f.slot < 0 {
		w.breaks(malformed, "nobody asked for that")
		return
	}
	w.s.requests[f.slot].executed = w.s.requests[f.slot].executed || f.code == protocol.CodeOK
}

// nameNegotiation writes a negotiation message in canonical form, its token by name.
func (w *world) nameNegotiation(c *conn, f *frame, status protocol.NegotiationStatus, msg []byte) {
	f.status = status
	f.canonical = append(f.canonical, byte(status))
	switch status {
	case protocol.SASLInitiate, protocol.SASLChallenge, protocol.SASLChallengeResp:
		f.canonical = append(f.canonical, w.nameToken(c, msg))
	default:
		f.canonical = appendText(f.canonical, msg)
	}
}

// slotOf finds the request with that body; -1: none.
func (m *Model) slotOf(body []byte) int {
	for i := range m.asks {
		if bytes.Equal(m.asks[i].Body, body) {
			return i
		}
	}
	return -1
}

// asked is a request in words.
func asked(slot int) string {
	switch {
	case slot < 0:
		return "an unknown request"
	case isPut(slot):
		return fmt.Sprintf("request %d (put)", slot+1)
	}
	return fmt.Sprintf("request %d (get)", slot+1)
}

// verb is a negotiation message's name as the traces spell it.
func verb(status protocol.NegotiationStatus) string {
	return strings.TrimPrefix(status.String(), "SASL_")
}

// text shows a packet on its way.
func (p *packet) text() string {
	switch p.kind {
	case accept:
		return "handshake"
	case fin:
		return "FIN"
	case rst:
		return "RST"
	}
	words := make([]string, 0, len(p.frames))
	for i := range p.frames {
		words = append(words, p.frames[i].text())
	}
	return strings.Join(words, " + ")
}

func (f *frame) text() string {
	switch {
	case f.rpc == protocol.RPCNegotiation:
		return verb(f.status)
	case f.code != protocol.CodeUnknown:
		return fmt.Sprintf("%v of %s", f.code, asked(f.slot))
	}
	return asked(f.slot)
}
