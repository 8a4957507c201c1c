// The server's negotiation: a strict table of what it accepts in which state. Anything
// else, at any time, kills the session. Upstream: src/security/server_negotiation.cpp.

package upstream

import (
	"github.com/a8011091/pegasus-reference/protocol"
)

// negotiation takes one message. Without authentication every message is answered with
// AUTH_DISABLE.
func (s *Server) negotiation(p *peer) {
	if s.cfg.Auth == AuthOff {
		s.negotiationReply(p, s.req.Seq, protocol.SASLAuthDisable, nil)
		return
	}
	if p.state == ServerConnOpen {
		s.startDeadline(p)
	}
	status, msg, err := protocol.ParseNegotiationArgs(s.req.Body)
	expected := p.status
	switch {
	case err != nil || p.waiting || status != expected:
		s.die(p, CauseNegotiation)
	case status == protocol.SASLListMechanisms:
		p.status = protocol.SASLSelectMechanisms
		s.negotiationReply(p, s.req.Seq, protocol.SASLListMechanismsResp, []byte(s.cfg.Mechanism))
	case status == protocol.SASLSelectMechanisms && string(msg) != s.cfg.Mechanism:
		s.die(p, CauseNegotiation)
	case status == protocol.SASLSelectMechanisms:
		p.status = protocol.SASLInitiate
		s.negotiationReply(p, s.req.Seq, protocol.SASLSelectMechanismsResp, nil)
	default: // INITIATE or CHALLENGE_RESP
		p.waiting, p.seq = true, s.req.Seq
		start := len(s.wire)
		s.wire = append(s.wire, msg...)
		s.out = append(s.out, ServerEffect{
			Kind: ServerAcceptToken, Conn: p.id, Begin: status == protocol.SASLInitiate,
			Data: s.wire[start:len(s.wire):len(s.wire)],
		})
	}
}

// token answers the message that waited for the mechanism. Success carries no token.
func (s *Server) token(p *peer, ev *ServerEvent) {
	if !p.waiting || p.state != ServerConnOpen {
		return
	}
	p.waiting = false
	switch {
	case ev.Failed || ev.Done && ev.Principal == "":
		s.die(p, CauseNegotiation)
	case ev.Done:
		s.stopDeadline(p)
		p.principal = ev.Principal
		p.status = protocol.SASLSucc // which nobody sends to a server: renegotiating kills the session
		s.enter(p, ServerConnAuthenticated, CauseNone)
		s.negotiationReply(p, p.seq, protocol.SASLSucc, nil)
	default:
		p.status = protocol.SASLChallengeResp
		s.negotiationReply(p, p.seq, protocol.SASLChallenge, ev.Data)
	}
}

func (s *Server) negotiationReply(p *peer, seq int32, status protocol.NegotiationStatus, msg []byte) {
	s.body = protocol.AppendNegotiationResult(s.body[:0], status, msg)
	s.reply(p, protocol.RPCNegotiation, "", seq, protocol.CodeOK)
}
