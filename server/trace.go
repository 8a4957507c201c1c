// The driver's trace: what happens to a server, as events of package trace.

package server

import (
	"cmp"
	"net/netip"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/trace"
)

// tracer writes the events of one server, by the goroutine that owns its core. It reads
// frames by itself and takes no part in what the server does.
type tracer struct {
	node      *trace.Node
	limits    protocol.Limits
	conns     map[protocol.ConnID]*tracedConn
	responses *protocol.ResponseDecoder
	scratch   trace.Event
}

// tracedConn is what the trace knows of one connection.
type tracedConn struct {
	number   uint64
	requests *protocol.RequestDecoder
	wrote    bool
	read     bool
}

// newTracer returns nil where nothing is to be traced.
func newTracer(n *trace.Node, limits protocol.Limits) *tracer {
	if n == nil {
		return nil
	}
	return &tracer{
		node: n, limits: limits, conns: make(map[protocol.ConnID]*tracedConn),
		responses: protocol.NewResponseDecoder(protocol.DefaultLimits()),
	}
}

func (t *tracer) emit(ev trace.Event) {
	t.scratch = ev
	t.node.Emit(&t.scratch)
}

// traceStart tells that a server starts and will listen at addr: before it does, where the
// address is known then, so that nobody is connected to a server that has not started.
func traceStart(n *trace.Node, addr netip.AddrPort) {
	if n != nil {
		n.Emit(&trace.Event{Kind: trace.KindNodeUp})
		n.Emit(&trace.Event{Kind: trace.KindListen, Addr: addr.String()})
	}
}

// traceLeader tells whom a meta server takes for the leader; zero: nobody.
func traceLeader(n *trace.Node, leader netip.AddrPort) {
	if n == nil {
		return
	}
	ev := trace.Event{Kind: trace.KindLeader}
	if leader.IsValid() {
		ev.Peer = leader.String()
	}
	n.Emit(&ev)
}

// traceEnd tells that a server has ended, or did not come to start.
func traceEnd(n *trace.Node, how string) {
	if n != nil {
		n.Emit(&trace.Event{Kind: trace.KindNodeDown, Note: how})
	}
}

func (t *tracer) accepted(c *conn) {
	conn := &tracedConn{number: t.node.NextConn(), requests: protocol.NewRequestDecoder(t.limits)}
	t.conns[c.id] = conn
	t.emit(trace.Event{Kind: trace.KindAccept, Conn: conn.number, Peer: c.peer.String(), Addr: addrPort(c.net.LocalAddr()).String()})
}

// dropped tells that a connection is over: by the peer where there is no cause.
func (t *tracer) dropped(id protocol.ConnID, cause node.Cause) {
	conn := t.conns[id]
	if conn == nil {
		return
	}
	kind := trace.KindClose
	if cause == node.CauseNone {
		kind, cause = trace.KindClosed, node.CausePeer
	}
	t.emit(trace.Event{Kind: kind, Conn: conn.number, Note: cause.String()})
	delete(t.conns, id)
}

// carried writes what the core wants done, before it is done.
func (t *tracer) carried(e *node.Effect) {
	conn := t.conns[e.Conn]
	if conn == nil {
		return
	}
	switch e.Kind {
	case node.EffectWrite:
		t.written(conn, e.Data)
	case node.EffectClose:
		t.dropped(e.Conn, cmp.Or(e.Cause, node.CauseClosed))
	case node.EffectExecuted:
		t.emit(trace.Event{Kind: trace.KindExecute, Conn: conn.number, RPC: e.RPC.String(), Principal: e.Principal})
	case node.EffectConn:
		if e.ConnState == node.ConnMute {
			t.emit(trace.Event{Kind: trace.KindSession, Conn: conn.number, State: "mute", Note: e.Cause.String()})
		}
	}
}

// received tells of the frames that data completes. What cannot be read is the core's to
// refuse, and ends the connection.
func (t *tracer) received(id protocol.ConnID, data []byte) {
	conn := t.conns[id]
	if conn == nil || conn.requests.Write(data) != nil {
		return
	}
	var r protocol.Request
	for left := conn.requests.Buffered(); ; left = conn.requests.Buffered() {
		if ok, err := conn.requests.Next(&r); !ok || err != nil {
			return
		}
		ev := trace.Event{
			Kind: trace.KindFrameIn, Conn: conn.number, RPC: r.RPC.String(), Seq: r.Seq,
			Size: left - conn.requests.Buffered(), First: !conn.read,
		}
		conn.read = true
		ev.OfRequest(&r)
		t.emit(ev)
	}
}

// written tells of whole frames: the core writes no others.
func (t *tracer) written(conn *tracedConn, data []byte) {
	t.responses.Reset()
	if t.responses.Write(data) != nil {
		return
	}
	var r protocol.Response
	for left := t.responses.Buffered(); ; left = t.responses.Buffered() {
		if ok, err := t.responses.Next(&r); !ok || err != nil {
			return
		}
		ev := trace.Event{
			Kind: trace.KindFrameOut, Conn: conn.number, RPC: r.RPC.AckName(), Seq: r.Seq,
			Code: cmp.Or(r.CodeName, r.Code.String()), Size: left - t.responses.Buffered(), First: !conn.wrote,
		}
		conn.wrote = true
		ev.OfAnswer(&r)
		t.emit(ev)
	}
}
