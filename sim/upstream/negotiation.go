// The client's negotiation on one channel. It begins when the channel comes up, sends
// through the session like any request, and has a time-out for each message. Upstream:
// java-client security/Negotiation.

package upstream

import (
	"bytes"

	"github.com/a8011091/pegasus-reference/protocol"
)

// negotiation is one attempt. status is what was sent last.
type negotiation struct {
	ch     *channel
	status protocol.NegotiationStatus
	over   bool
}

func (c *Client) negotiate(ch *channel) {
	ch.neg = &negotiation{ch: ch}
	c.negotiationSend(ch.neg, protocol.SASLListMechanisms, nil)
}

func (c *Client) negotiationSend(n *negotiation, status protocol.NegotiationStatus, msg []byte) {
	n.status = status
	e := &entry{rpc: protocol.RPCNegotiation, neg: n, body: protocol.AppendNegotiationArgs(nil, status, msg)}
	c.send(n.ch.session, e, c.cfg.NegotiationTimeout)
}

// negotiationReply takes the answer to the last message. A server without a handler, and
// one that says that authentication is disabled, count as success in every state.
func (c *Client) negotiationReply(n *negotiation, code protocol.ErrorCode, body []byte) {
	switch {
	case n.over:
	case code == protocol.CodeHandlerNotFound:
		c.negotiated(n)
	case code != protocol.CodeOK:
		c.negotiationFailed(n, code)
	default:
		status, msg, err := protocol.ParseNegotiationResult(body)
		if err != nil {
			c.negotiationFailed(n, protocol.CodeInvalidData)
			return
		}
		c.negotiationStep(n, status, msg)
	}
}

func (c *Client) negotiationStep(n *negotiation, status protocol.NegotiationStatus, msg []byte) {
	switch {
	case status == protocol.SASLAuthDisable:
		c.negotiated(n)
	case n.status == protocol.SASLListMechanisms && status == protocol.SASLListMechanismsResp && c.offered(msg):
		c.negotiationSend(n, protocol.SASLSelectMechanisms, []byte(c.cfg.Mechanism))
	case n.status == protocol.SASLSelectMechanisms && status == protocol.SASLSelectMechanismsResp:
		c.makeToken(n, nil, true)
	case n.status != protocol.SASLInitiate && n.status != protocol.SASLChallengeResp:
		c.negotiationFailed(n, protocol.CodeSASLInternal)
	case status == protocol.SASLChallenge:
		c.makeToken(n, msg, false)
	case status == protocol.SASLSucc: // not asked: whether the mechanism is satisfied
		c.negotiated(n)
	default:
		c.negotiationFailed(n, protocol.CodeSASLInternal)
	}
}

// offered looks for the mechanism in the server's list, as it stands between commas.
func (c *Client) offered(list []byte) bool {
	for name := range bytes.SplitSeq(list, []byte{','}) {
		if string(name) == c.cfg.Mechanism {
			return true
		}
	}
	return false
}

func (c *Client) makeToken(n *negotiation, challenge []byte, begin bool) {
	start := len(c.wire)
	c.wire = append(c.wire, challenge...)
	c.out = append(c.out, ClientEffect{
		Kind: ClientMakeToken, Conn: n.ch.id, Addr: n.ch.session.addr, Begin: begin,
		Data: c.wire[start:len(c.wire):len(c.wire)],
	})
}

// token sends what the mechanism made.
func (c *Client) token(ch *channel, token []byte, failed bool) {
	n := ch.neg
	switch {
	case n == nil || n.over:
	case failed:
		c.negotiationFailed(n, protocol.CodeSASLInternal)
	case n.status == protocol.SASLSelectMechanisms:
		c.negotiationSend(n, protocol.SASLInitiate, token)
	default:
		c.negotiationSend(n, protocol.SASLChallengeResp, token)
	}
}

// negotiated marks the session, not the channel, and writes what was parked to whichever
// channel the session has.
func (c *Client) negotiated(n *negotiation) {
	s := n.ch.session
	n.over = true
	s.authSucceed = !c.cfg.AuthPerConnection || s.ch == n.ch
	c.out = append(c.out, ClientEffect{
		Kind: ClientNegotiated, Conn: n.ch.id, Addr: s.addr, Age: c.now.Sub(n.ch.up),
	})
	c.sessionChanged(s)
	parked := s.authPending
	s.authPending, s.parked = nil, 0
	for _, seq := range parked {
		if e := s.find(seq); e != nil && s.ch != nil {
			c.write(s, s.ch, e)
		}
	}
}

// negotiationFailed logs, and closes the session; the mark of an earlier success stays.
// While the end of a channel is being told there is nothing left to close.
func (c *Client) negotiationFailed(n *negotiation, code protocol.ErrorCode) {
	n.over = true
	c.out = append(c.out, ClientEffect{
		Kind: ClientNegotiationFailed, Conn: n.ch.id, Addr: n.ch.session.addr, Code: code, Age: c.now.Sub(n.ch.up),
	})
	if !n.ch.session.disconnecting {
		c.after(0, c.cfg.Delays.Log, task{kind: taskCloseSession, s: n.ch.session})
	}
}
