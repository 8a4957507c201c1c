// The gate: which request is executed, which is refused, and what is written.

package node

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// openNames may come before success, as upstream has it (src/security/
// negotiation_manager.cpp): beside negotiation, the failure detector's beacon and HTTP
// over rpc. This node has no handler for them, and says so at any time. Nothing writes it.
var openNames = [...]string{
	"RPC_NEGOTIATION_ACK", "RPC_FD_FAILURE_DETECTOR_PING", "RPC_FD_FAILURE_DETECTOR_PING_ACK",
	"RPC_HTTP_SERVICE", "RPC_HTTP_SERVICE_ACK",
}

// open says that a request may come before success. Whatever becomes served gets a code of
// its own, and is no longer open.
func open(r *protocol.Request) bool {
	return r.RPC == protocol.RPCUnknown && slices.Contains(openNames[:], r.Name)
}

// gate takes one request. Where authentication is mandatory, no handler is reached before
// success: of what may come earlier, only negotiation has one.
func (c *Core) gate(now time.Time, cn *conn, r *protocol.Request) {
	switch {
	case r.RPC == protocol.RPCNegotiation:
		c.negotiate(now, cn, r)
	case c.auth.Mandatory && cn.state != ConnAuthenticated && !open(r):
		c.tooEarly(cn, r)
	default:
		c.execute(now, cn, r)
	}
}

// tooEarly treats a request that came before its connection's negotiation succeeded.
func (c *Core) tooEarly(cn *conn, r *protocol.Request) {
	c.stats.Early++
	switch c.early {
	case EarlyRefuse:
		c.refuseEarly(cn, r)
	case EarlyHold:
		if !c.hold(cn, r) {
			c.refuseEarly(cn, r)
		} else {
			c.stats.EarlyHeld++
		}
	case EarlyDrop:
		c.stats.EarlyDropped++
	case EarlyHang:
		c.mute(cn)
	default:
		c.closeConn(cn, CauseEarlyRequest)
	}
}

// refuseEarly answers with an error. The default says: not executed, try again.
func (c *Core) refuseEarly(cn *conn, r *protocol.Request) {
	c.stats.EarlyRefused++
	c.answer(cn, r, c.earlyCode, nil)
}

// mute is the end of a connection that stays open: read, thrown away, never written to.
func (c *Core) mute(cn *conn) {
	c.flush(cn)
	c.stats.Muted++
	c.stopDeadline(cn)
	cn.state = ConnMute
	c.dropDecoder(cn)
	c.emit(Effect{Kind: EffectConn, Conn: cn.id, ConnState: ConnMute, Cause: CauseEarlyRequest})
}

// execute gives a request that passed the gate to its handler and writes the answer.
// Requests for a table (app_id > 0) are a replica server's; the others go by name.
func (c *Core) execute(now time.Time, cn *conn, r *protocol.Request) {
	code := protocol.CodeHandlerNotFound
	c.body = c.body[:0]
	switch {
	case r.RPC == protocol.RPCUnknown:
	case !cn.may.have(OperationOf(r.RPC)):
		c.deny(cn, r)
		return
	case r.Header.AppID > 0 && c.replica != nil:
		code, c.body = c.replica.Execute(now, r, c.body)
	case r.Header.AppID > 0:
		code = protocol.CodeObjectNotFound
	case c.meta != nil:
		before := c.meta.Version()
		if code, c.body = c.meta.Execute(now, r, c.body); c.meta.Version() != before {
			c.emit(Effect{Kind: EffectTables, Conn: cn.id})
		}
	}
	if code != protocol.CodeHandlerNotFound {
		c.stats.Executed++
		c.emit(Effect{
			Kind: EffectExecuted, Conn: cn.id, RPC: r.RPC, Code: code,
			Principal: cn.principal, Authenticated: cn.state == ConnAuthenticated,
		})
	}
	c.answer(cn, r, code, c.body)
	if cap(c.body) > retainBytes {
		c.body = nil
	}
}

// deny refuses a request that Access does not grant. Upstream puts the code into the
// result of some requests; as the answer's own code it reads the same for all.
func (c *Core) deny(cn *conn, r *protocol.Request) {
	c.stats.Denied[OperationOf(r.RPC)]++
	c.emit(Effect{
		Kind: EffectDenied, Conn: cn.id, RPC: r.RPC, Code: protocol.CodeACLDeny,
		Principal: cn.principal, Authenticated: cn.state == ConnAuthenticated,
	})
	c.answer(cn, r, protocol.CodeACLDeny, nil)
}

// answer writes one response. One-way requests get none.
func (c *Core) answer(cn *conn, r *protocol.Request, code protocol.ErrorCode, body []byte) {
	if r.OneWay || r.RPC.IsOneWay() {
		return
	}
	response := protocol.Response{Code: code, RPC: r.RPC, Seq: r.Seq, Body: body}
	if r.RPC == protocol.RPCUnknown {
		response.Name = r.Name + protocol.AckSuffix
	}
	c.output = protocol.AppendResponse(c.output, &response)
	if len(c.output) > c.limits.MaxOutputBytes {
		c.output = c.output[:c.flushed]
		c.closeConn(cn, CauseLimit)
	}
}
