// The acceptor's half of SASL negotiation: one state table, strict.
// Messages: upstream idl/security.thrift; states: src/security/server_negotiation.cpp.

package node

import (
	"bytes"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// step is what a negotiation waits for.
type step uint8

const (
	stepList      step = iota // SASL_LIST_MECHANISMS
	stepSelect                // SASL_SELECT_MECHANISMS, with the name that was offered
	stepInitiate              // SASL_INITIATE
	stepChallenge             // SASL_CHALLENGE_RESP
	stepDone                  // nothing: any further message ends the connection
)

// negotiate takes one negotiation message. A message that the step does not wait for ends
// the connection: the peer has lost track, and there is no message that would say so.
func (c *Core) negotiate(now time.Time, cn *conn, r *protocol.Request) {
	status, msg, err := protocol.ParseNegotiationArgs(r.Body)
	if err != nil || r.OneWay {
		c.failNegotiation(cn, FailureMessage)
		return
	}
	if !c.auth.Enabled {
		c.reply(cn, r.Seq, protocol.SASLAuthDisable, nil)
		return
	}
	switch {
	case cn.step == stepList && status == protocol.SASLListMechanisms:
		c.offer(now, cn, r.Seq)
	case cn.step == stepSelect && status == protocol.SASLSelectMechanisms && bytes.Equal(msg, c.mechanism):
		cn.step = stepInitiate
		c.reply(cn, r.Seq, protocol.SASLSelectMechanismsResp, nil)
	case cn.step == stepSelect && status == protocol.SASLSelectMechanisms:
		c.failNegotiation(cn, FailureMechanism)
	case cn.step == stepInitiate && status == protocol.SASLInitiate,
		cn.step == stepChallenge && status == protocol.SASLChallengeResp:
		c.takeToken(cn, r.Seq, msg)
	default:
		c.failNegotiation(cn, FailureOrder)
	}
}

// offer begins a negotiation. Where it is not mandatory, its deadline begins with it.
func (c *Core) offer(now time.Time, cn *conn, seq int32) {
	if cn.timer == 0 && !c.startDeadline(now, cn) {
		c.failNegotiation(cn, FailureHalfOpen)
		return
	}
	c.stats.NegotiationsStarted++
	cn.step, cn.state = stepSelect, ConnNegotiating
	c.emit(Effect{Kind: EffectConn, Conn: cn.id, ConnState: ConnNegotiating})
	c.reply(cn, seq, protocol.SASLListMechanismsResp, c.mechanism)
}

// takeToken has the mechanism judge a token. Until it has, nothing more of this
// connection is decoded; what arrives meanwhile is buffered, within limits, in order.
func (c *Core) takeToken(cn *conn, seq int32, token []byte) {
	if cn.rounds++; cn.rounds > c.limits.MaxRounds {
		c.failNegotiation(cn, FailureRounds)
		return
	}
	if len(token) > c.limits.MaxTokenBytes {
		c.failNegotiation(cn, FailureTokenSize)
		return
	}
	cn.tokenPending, cn.tokenSeq = true, seq
	c.flush(cn)
	c.emit(Effect{Kind: EffectToken, Conn: cn.id, Data: token, Begin: cn.step == stepInitiate})
}

// tokenMade takes the mechanism's answer. SASL_SUCC carries no token, so a mechanism that
// is satisfied and still has something to say has failed, as has one without a principal.
func (c *Core) tokenMade(now time.Time, cn *conn, ev Event) {
	if !cn.tokenPending {
		c.stats.Stale++
		return
	}
	cn.tokenPending = false
	if ev.Done {
		cn.principal = ev.Principal
	}
	switch {
	case ev.Internal:
		c.failNegotiation(cn, FailureInternal)
		return
	case ev.Failed:
		c.failNegotiation(cn, FailureToken)
		return
	case ev.Done && (Username(ev.Principal) == "" || len(ev.Data) > 0):
		c.failNegotiation(cn, FailureNoName)
		return
	case ev.Done && !c.access.admits(ev.Principal):
		c.failNegotiation(cn, FailureAccess)
		return
	case ev.Done:
		c.succeed(now, cn)
	default:
		cn.step = stepChallenge
		c.reply(cn, cn.tokenSeq, protocol.SASLChallenge, ev.Data)
	}
	c.decode(now, cn)
}

// succeed opens the gate for this connection, and only for it.
func (c *Core) succeed(now time.Time, cn *conn) {
	c.stats.NegotiationsDone++
	c.stopDeadline(cn)
	cn.step, cn.state, cn.may = stepDone, ConnAuthenticated, c.access.permit(c.auth, cn.principal)
	c.emit(Effect{Kind: EffectConn, Conn: cn.id, ConnState: ConnAuthenticated, Principal: cn.principal, Authenticated: true})
	c.reply(cn, cn.tokenSeq, protocol.SASLSucc, nil)
	c.serveHeld(now, cn)
}

// reply writes one negotiation message.
func (c *Core) reply(cn *conn, seq int32, status protocol.NegotiationStatus, msg []byte) {
	c.body = protocol.AppendNegotiationResult(c.body[:0], status, msg)
	r := protocol.Request{RPC: protocol.RPCNegotiation, Seq: seq}
	c.answer(cn, &r, protocol.CodeOK, c.body)
}

// Username returns the user of a Kerberos principal as upstream takes it (src/security/
// sasl_wrapper.cpp): cut at the last '@', then at the first '/'. alice@A, alice@B and
// alice/admin@A are one user.
func Username(principal string) string {
	if i := strings.LastIndexByte(principal, '@'); i >= 0 {
		principal = principal[:i]
	}
	user, _, _ := strings.Cut(principal, "/")
	return user
}
