// The negotiation of one connection, from LIST_MECHANISMS to SUCC. Upstream
// src/security/client_negotiation.cpp; stricter: success counts only once the mechanism
// has all it needs, and "authentication is off" only where that is acceptable.

package session

import (
	"bytes"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// maxNegotiationBytes is how much of a server's is held before it has shown who it is: far more
// than any message of a negotiation has, and far less than an answer may have.
const maxNegotiationBytes = 1 << 20

// negotiate begins. One deadline is for the whole exchange.
func (c *Core) negotiate(now time.Time, out []Effect) []Effect {
	c.state = StateNegotiating
	out = c.arm(&c.phase, now, c.cfg.NegotiationTimeout, 0, out)
	return c.say(StepList, protocol.SASLListMechanisms, nil, out)
}

// say writes a negotiation message and waits in step for its answer.
func (c *Core) say(step Step, status protocol.NegotiationStatus, msg []byte, out []Effect) []Effect {
	c.conn.step = step
	c.conn.seq = c.requests.nextSeq()
	start := len(c.scratch)
	c.scratch = protocol.AppendNegotiationArgs(c.scratch, status, msg)
	body := c.scratch[start:len(c.scratch):len(c.scratch)]
	start = len(c.scratch)
	c.scratch = protocol.AppendRequest(c.scratch, &protocol.Request{
		Header: protocol.Header{Version: c.cfg.HeaderVersion, TimeoutMillis: millis(c.cfg.NegotiationTimeout)},
		RPC:    protocol.RPCNegotiation,
		Seq:    c.conn.seq,
		Body:   body,
	})
	out = append(out, Effect{Kind: EffectWrite, Conn: c.conn.id, Data: c.scratch[start:len(c.scratch):len(c.scratch)]})
	return c.tell(ReasonNone, out)
}

// askToken has the driver make a token. challenge nil: begin.
func (c *Core) askToken(challenge []byte, out []Effect) []Effect {
	c.conn.step = StepToken
	c.conn.seq = 0
	if challenge != nil {
		challenge = c.keepBytes(challenge)
	}
	out = append(out, Effect{Kind: EffectMakeToken, Conn: c.conn.id, Data: challenge})
	return c.tell(ReasonNone, out)
}

// token takes the mechanism's answer and sends it.
func (c *Core) token(now time.Time, ev *Event, out []Effect) []Effect {
	if !c.current(ev) {
		return out
	}
	if c.conn.step != StepToken {
		c.stats.StaleConns++
		return out
	}
	if ev.Internal {
		return c.lose(now, ReasonInternal, true, out)
	}
	if ev.Failed || len(ev.Data) > c.cfg.MaxRequestBytes {
		return c.lose(now, ReasonNegotiationFailed, true, out)
	}
	c.conn.satisfied = c.conn.satisfied || ev.Done
	if c.conn.challenges == 0 {
		return c.say(StepInitiate, protocol.SASLInitiate, ev.Data, out)
	}
	return c.say(StepChallenge, protocol.SASLChallengeResp, ev.Data, out)
}

// negotiated takes a negotiation message of the server.
func (c *Core) negotiated(now time.Time, r *protocol.Response, out []Effect) []Effect {
	if c.state != StateNegotiating {
		return c.lose(now, ReasonProtocol, true, out) // a success is final: nothing may follow it
	}
	if r.Seq != c.conn.seq {
		return c.lose(now, ReasonNegotiationFailed, true, out)
	}
	if r.Code != protocol.CodeOK {
		return c.negotiationRefused(now, r.Code, out)
	}
	status, msg, err := protocol.ParseNegotiationResult(r.Body)
	if err != nil {
		return c.lose(now, ReasonProtocol, true, out)
	}
	switch status {
	case protocol.SASLListMechanismsResp:
		if c.conn.step == StepList && offers(msg, c.cfg.Mechanism) {
			return c.say(StepSelect, protocol.SASLSelectMechanisms, []byte(c.cfg.Mechanism), out)
		}
	case protocol.SASLSelectMechanismsResp:
		if c.conn.step == StepSelect {
			return c.askToken(nil, out)
		}
	case protocol.SASLChallenge:
		if c.awaitsServer() && !c.conn.satisfied && c.conn.challenges < c.cfg.MaxChallenges {
			c.conn.challenges++
			return c.askToken(nonNil(msg), out)
		}
	case protocol.SASLSucc:
		if c.awaitsServer() && c.conn.satisfied {
			return c.ready(now, out)
		}
		return c.lose(now, ReasonDowngrade, true, out)
	case protocol.SASLAuthDisable:
		return c.negotiationOff(now, out)
	}
	return c.lose(now, ReasonNegotiationFailed, true, out)
}

// awaitsServer: a token was sent and the server is to judge it.
func (c *Core) awaitsServer() bool {
	return c.conn.step == StepInitiate || c.conn.step == StepChallenge
}

// negotiationRefused takes an rpc-level error. A server without authentication may know
// the request as little as upstream's oldest did.
func (c *Core) negotiationRefused(now time.Time, code protocol.ErrorCode, out []Effect) []Effect {
	if code == protocol.CodeHandlerNotFound {
		return c.negotiationOff(now, out)
	}
	return c.lose(now, ReasonNegotiationFailed, true, out)
}

// negotiationOff takes that the server has no authentication: at the very beginning, and
// where the configuration lets it, good enough.
func (c *Core) negotiationOff(now time.Time, out []Effect) []Effect {
	if c.cfg.Auth == AuthPreferred && c.conn.step == StepList {
		return c.ready(now, out)
	}
	return c.lose(now, ReasonDowngrade, true, out)
}

// offers says whether the server's list of mechanisms, separated by commas, has name.
func offers(list []byte, name string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte{','})
		if string(bytes.TrimSpace(item)) == name {
			return name != ""
		}
	}
	return false
}

func nonNil(p []byte) []byte {
	if p == nil {
		return []byte{}
	}
	return p
}
