// The driver's trace: what happens to the client, as events of package trace.

package client

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// tracer writes the events of one driver, by the driver's goroutine. It reads frames by
// itself and takes no part in what the client does.
type tracer struct {
	node     *trace.Node
	core     *routing.Core // asked what it knows of tables
	table    protocol.QueryConfig
	limits   protocol.Limits
	conns    map[protocol.ConnID]*tracedConn
	ops      map[routing.OpID]tracedOp
	invoked  uint64
	requests *protocol.RequestDecoder
	scratch  trace.Event
}

// tracedConn is what the trace knows of one connection.
type tracedConn struct {
	number    uint64
	peer      string
	responses *protocol.ResponseDecoder
	wrote     bool
	read      bool
}

// tracedOp is one call of the application.
type tracedOp struct {
	number uint64
	rpc    string
}

// newTracer returns nil where nothing is to be traced.
func newTracer(node *trace.Node, core *routing.Core, limits protocol.Limits) *tracer {
	if node == nil {
		return nil
	}
	return &tracer{
		node: node, core: core, limits: limits,
		conns: make(map[protocol.ConnID]*tracedConn), ops: make(map[routing.OpID]tracedOp),
		requests: protocol.NewRequestDecoder(protocol.DefaultLimits()),
	}
}

// emit fills in what is the same in every event of a connection.
func (t *tracer) emit(ev trace.Event) {
	t.scratch = ev
	t.node.Emit(&t.scratch)
}

func (t *tracer) started() { t.emit(trace.Event{Kind: trace.KindNodeUp}) }
func (t *tracer) ended()   { t.emit(trace.Event{Kind: trace.KindNodeDown, Note: "closed"}) }

// told writes what the core is about to be told. What names a connection that the core
// has closed is left out: nothing comes of it.
func (t *tracer) told(ev *routing.Event, c *connection) {
	conn := t.conns[ev.Conn]
	switch ev.Kind {
	case routing.EventSubmit:
		t.invoked++
		op := tracedOp{t.invoked, ev.Op.RPC.String()}
		t.ops[ev.Op.ID] = op
		t.emit(trace.Event{Kind: trace.KindInvoke, Op: op.number, RPC: op.rpc, WithinNS: int64(time.Until(ev.Op.Deadline))})
	case routing.EventTimer:
		t.emit(trace.Event{Kind: trace.KindTimer, Timer: uint64(ev.Timer)})
	}
	if conn == nil {
		return
	}
	switch ev.Kind {
	case routing.EventDialed:
		t.emit(trace.Event{Kind: trace.KindConnected, Conn: conn.number, Peer: conn.peer, Addr: c.localAddr()})
	case routing.EventDialFailed:
		t.emit(trace.Event{Kind: trace.KindDialFailed, Conn: conn.number, Peer: conn.peer, Note: ev.Reason.String()})
		delete(t.conns, ev.Conn)
	case routing.EventReceived:
		t.received(conn, ev.Data)
	case routing.EventClosed:
		t.emit(trace.Event{Kind: trace.KindClosed, Conn: conn.number, Note: ev.Reason.String()})
		delete(t.conns, ev.Conn)
	}
}

// carried writes what the core wants done, before it is done.
func (t *tracer) carried(e *routing.Effect) {
	conn := t.conns[e.Conn]
	switch e.Kind {
	case routing.EffectDial:
		conn = &tracedConn{number: t.node.NextConn(), peer: e.Addr.String(), responses: protocol.NewResponseDecoder(t.limits)}
		t.conns[e.Conn] = conn
		t.emit(trace.Event{Kind: trace.KindDial, Conn: conn.number, Peer: conn.peer})
	case routing.EffectWrite:
		if conn != nil {
			t.written(conn, e.Data)
		}
	case routing.EffectClose:
		if conn != nil {
			t.emit(trace.Event{Kind: trace.KindClose, Conn: conn.number, Note: e.Reason.String()})
			delete(t.conns, e.Conn)
		}
	case routing.EffectSession:
		ev := trace.Event{Kind: trace.KindSession, Peer: e.Addr.String(), State: e.State.String(), Note: e.Reason.String()}
		if conn != nil {
			ev.Conn = conn.number
		}
		t.emit(ev)
	case routing.EffectTable:
		if t.core.Config(e.Table, &t.table) {
			t.emit(trace.Event{Kind: trace.KindTable, Table: e.Table, Answer: trace.AnswerOf(&t.table).String()})
		}
	case routing.EffectQuery:
		step, server, why := e.QueryWords()
		t.emit(trace.Event{Kind: trace.KindQuery, Table: e.Table, State: step, Peer: server, WithinNS: int64(e.After), Note: why})
	case routing.EffectComplete:
		t.completed(&e.Completion)
	}
}

func (t *tracer) completed(done *routing.Completion) {
	op, known := t.ops[done.ID]
	if !known {
		return // the opening of a table
	}
	delete(t.ops, done.ID)
	ev := trace.Event{Kind: trace.KindReturn, Op: op.number, RPC: op.rpc, State: done.Outcome.String(), Code: done.Code.String()}
	if done.Outcome != session.OutcomeOK {
		ev.Note = done.Reason.String()
	}
	t.emit(ev)
}

// written tells of whole frames: the core writes no others.
func (t *tracer) written(conn *tracedConn, data []byte) {
	t.requests.Reset()
	if t.requests.Write(data) != nil {
		return
	}
	var r protocol.Request
	for left := t.requests.Buffered(); ; left = t.requests.Buffered() {
		if ok, err := t.requests.Next(&r); !ok || err != nil {
			return
		}
		ev := trace.Event{
			Kind: trace.KindFrameOut, Conn: conn.number, RPC: r.RPC.String(), Seq: r.Seq,
			Size: left - t.requests.Buffered(), First: !conn.wrote,
		}
		conn.wrote = true
		ev.OfRequest(&r)
		t.emit(ev)
	}
}

// received tells of the frames that data completes. What cannot be read is the core's to
// refuse, and ends the connection.
func (t *tracer) received(conn *tracedConn, data []byte) {
	if conn.responses.Write(data) != nil {
		return
	}
	var r protocol.Response
	for left := conn.responses.Buffered(); ; left = conn.responses.Buffered() {
		if ok, err := conn.responses.Next(&r); !ok || err != nil {
			return
		}
		ev := trace.Event{
			Kind: trace.KindFrameIn, Conn: conn.number, RPC: r.RPC.AckName(), Seq: r.Seq, Code: cmp.Or(r.CodeName, r.Code.String()),
			Size: left - conn.responses.Buffered(), First: !conn.read,
		}
		conn.read = true
		ev.OfAnswer(&r)
		t.emit(ev)
	}
}

// localAddr is the connection's own address; empty before it is up.
func (c *connection) localAddr() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw == nil {
		return ""
	}
	if at, err := netip.ParseAddrPort(c.raw.LocalAddr().String()); err == nil {
		return at.String()
	}
	return ""
}
