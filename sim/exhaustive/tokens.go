// SASL: the real test mechanism, whose tokens are made whenever the checker likes.
//
// The nonces of a connection are made of its number, so that no token of one connection
// fits another. Numbers never come round, though, and states must: so the canonical form
// knows a token by who made it and as which, and an end by what it has heard. The
// mechanism treats all nonces alike, so equal names mean equal futures.

package exhaustive

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server/node"
)

// principal is who the client is.
const principal = "somebody"

// handshake is what both drivers have of a connection's SASL.
type handshake struct {
	client      sasl.Session       // nil: not begun
	server      sasl.ServerSession // nil: not begun
	clientToken pending
	nodeToken   pending
	clientHeard []byte // names of the tokens that the client's mechanism was given
	nodeHeard   []byte
	tokens      [][]byte // made so far, by either; the name of one is its place, from 1
}

// pending is a token that is being made.
type pending struct {
	wanted bool
	begin  bool
	name   byte // of what it answers
	input  []byte
}

// Names of tokens that no mechanism of the connection made.
const (
	emptyToken   = 0
	foreignToken = 0xff
)

func (p *pending) appendState(dst []byte) []byte {
	return append(dst, flag(p.wanted)|flag(p.begin)<<1, p.name)
}

// endClient forgets the client's end of the negotiation.
func (h *handshake) endClient() {
	h.client, h.clientToken, h.clientHeard = nil, pending{}, nil
}

// endNode forgets the node's end.
func (h *handshake) endNode() {
	h.server, h.nodeToken, h.nodeHeard = nil, pending{}, nil
}

// nameToken finds out which token of the connection it is. There should be no other.
func (w *world) nameToken(c *conn, token []byte) byte {
	if len(token) == 0 {
		return emptyToken
	}
	for i, made := range c.tokens {
		if bytes.Equal(made, token) {
			return byte(i + 1)
		}
	}
	w.breaks(freshSession, "that token was not made for connection %d", number(c.id))
	return foreignToken
}

// clientWantsToken takes the session's wish for a token. A nil challenge begins.
func (w *world) clientWantsToken(id protocol.ConnID, challenge []byte) {
	c := w.s.conn(id)
	if c == nil || c.clientEnd != open {
		w.breaks(singleConnection, "the client negotiates on connection %d, which it does not have open", number(id))
		return
	}
	c.clientToken = pending{wanted: true, begin: challenge == nil, name: w.nameToken(c, challenge), input: slices.Clone(challenge)}
}

// nodeWantsToken takes the node's wish for its mechanism's judgement.
func (w *world) nodeWantsToken(id protocol.ConnID, token []byte, begin bool) {
	c := w.s.conn(id)
	if c == nil || c.nodeEnd != open {
		w.breaks(singleConnection, "the node negotiates on connection %d, which it does not have open", number(id))
		return
	}
	c.nodeToken = pending{wanted: true, begin: begin, name: w.nameToken(c, token), input: slices.Clone(token)}
}

// makeClientToken has the client's mechanism make its token and gives it to the session.
func (w *world) makeClientToken(id protocol.ConnID) {
	c := w.s.conn(id)
	p := c.clientToken
	c.clientToken = pending{}
	ev := session.Event{Kind: session.EventToken, Conn: id}
	end, out, done, err := c.askClient(w.m.mechanism, p)
	if ev.Failed = err != nil; err == nil {
		c.client, ev.Data, ev.Done = end, out, done
		c.clientHeard = append(slices.Clip(c.clientHeard), p.name)
		c.keepToken(out)
	}
	w.tell("the client's mechanism %s for connection %d", made(out, err), number(id))
	w.stepClient(ev)
}

func (c *conn) askClient(m sasl.Mechanism, p pending) (end sasl.Session, out []byte, done bool, err error) {
	if p.begin {
		end, err = m.Client(sasl.ClientConfig{Host: host, Random: entropy{c.id, 'c'}})
	} else {
		end = c.client.(sasl.Stateful).Clone()
	}
	if err == nil {
		out, done, err = end.Step(epoch, p.input)
	}
	return end, out, done, err
}

// makeNodeToken has the node's mechanism judge a token and gives the node its answer.
func (w *world) makeNodeToken(id protocol.ConnID) {
	c := w.s.conn(id)
	p := c.nodeToken
	c.nodeToken = pending{}
	ev := node.Event{Kind: node.EventToken, Conn: id}
	end, out, done, err := c.askServer(w.m.mechanism, p)
	if ev.Failed = err != nil; err == nil {
		c.server, ev.Data, ev.Done, ev.Principal = end, out, done, end.Principal()
		c.nodeHeard = append(slices.Clip(c.nodeHeard), p.name)
		c.keepToken(out)
	}
	w.tell("the node's mechanism %s for connection %d", judged(out, done, err), number(id))
	w.stepNode(ev)
}

func (c *conn) askServer(m sasl.Mechanism, p pending) (end sasl.ServerSession, out []byte, done bool, err error) {
	if p.begin {
		end, err = m.Server(sasl.ServerConfig{Host: host, Random: entropy{c.id, 's'}})
	} else {
		end = c.server.(sasl.Stateful).Clone().(sasl.ServerSession)
	}
	if err == nil {
		out, done, err = end.Step(epoch, p.input)
	}
	return end, out, done, err
}

// keepToken gives a token its name.
func (c *conn) keepToken(token []byte) {
	if len(token) > 0 {
		c.tokens = append(slices.Clip(c.tokens), slices.Clone(token))
	}
}

func made(out []byte, err error) string {
	switch {
	case err != nil:
		return "refuses the challenge"
	case len(out) == 0:
		return "makes an empty token"
	}
	return "makes a token"
}

func judged(out []byte, done bool, err error) string {
	switch {
	case err != nil:
		return "refuses the token"
	case done:
		return "is satisfied"
	case len(out) == 0:
		return "asks for more"
	}
	return "makes a challenge"
}

// entropy of one end of one connection: always the same bytes.
type entropy struct {
	conn protocol.ConnID
	side byte
}

// Read implements io.Reader.
func (e entropy) Read(p []byte) (int, error) {
	seed := append(binary.BigEndian.AppendUint64(nil, uint64(e.conn)), e.side)
	for i := range p {
		p[i] = seed[i%len(seed)]
	}
	return len(p), nil
}
