// The node's Step: what each event does, and the one place where connections begin and end.

package node

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/server/replica"
)

// retainBytes is the largest scratch buffer that is kept from one Step to the next, and
// maxSpare the number of unused connections and decoders kept for reuse.
const (
	retainBytes = 1 << 20
	maxSpare    = 64
)

// Core is the state of one node. It is made by New.
type Core struct {
	auth      Auth
	mechanism []byte
	access    Access
	anonymous permissions // of a connection that has not authenticated
	early     EarlyRequest
	earlyCode protocol.ErrorCode
	limits    Limits
	meta      *meta.Core    // nil: not a meta server
	replica   *replica.Core // nil: not a replica server

	conns    map[protocol.ConnID]*conn
	timers   map[protocol.TimerID]*conn
	last     protocol.TimerID // given out
	halfOpen halfOpen
	buffered int // bytes undecoded and held, of all connections
	closed   bool
	stats    Stats

	spareConns    []*conn
	spareDecoders []*protocol.RequestDecoder
	effects       []Effect         // of this Step
	output        []byte           // frames written in this Step
	flushed       int              // how much of output is in an effect
	body          []byte           // scratch of one answer
	request       protocol.Request // scratch of the frame at hand
}

// New makes a node. The configuration must be valid, see Config.Validate.
func New(cfg Config) *Core {
	c := &Core{
		auth: cfg.Auth, mechanism: []byte(cfg.Mechanism), access: cfg.Access.clone(), early: cfg.Early, earlyCode: orDefault(cfg.EarlyCode, protocol.CodeSessionReset), limits: cfg.Limits.WithDefaults(),
		conns:  make(map[protocol.ConnID]*conn),
		timers: make(map[protocol.TimerID]*conn), halfOpen: newHalfOpen(),
	}
	c.anonymous = c.access.permit(c.auth, "")
	if cfg.Meta != nil {
		c.meta = meta.New(*cfg.Meta)
	}
	if cfg.Replica != nil {
		c.replica = replica.New(*cfg.Replica)
	}
	return c
}

// Meta returns the node's meta server, nil if it is none; for its owner, between Steps.
func (c *Core) Meta() *meta.Core { return c.meta }

// Replica returns the node's replica server, nil if it is none; for its owner, between Steps.
func (c *Core) Replica() *replica.Core { return c.replica }

// Step takes one event and appends what is to be done to out. Data of the effects is
// valid until the next Step.
func (c *Core) Step(now time.Time, ev Event, out []Effect) []Effect {
	c.effects, c.flushed = out, 0
	if c.output = c.output[:0]; cap(c.output) > retainBytes {
		c.output = nil
	}
	switch ev.Kind {
	case EventAccepted:
		c.accepted(now, ev.Conn, ev.Peer)
	case EventClose:
		c.close()
	case EventLeader:
		if c.meta != nil {
			c.meta.SetLeader(ev.Peer)
		}
	case EventTimer:
		c.deadlinePassed(ev.Timer)
	default:
		c.stepConn(now, ev)
	}
	out, c.effects = c.effects, nil
	return out
}

// stepConn takes an event of one connection, which may be gone.
func (c *Core) stepConn(now time.Time, ev Event) {
	cn := c.conns[ev.Conn]
	if cn == nil {
		c.stats.Stale++
		return
	}
	switch ev.Kind {
	case EventReceived:
		c.received(now, cn, ev.Data)
	case EventToken:
		c.tokenMade(now, cn, ev)
	case EventClosed:
		c.gone(cn, cmp.Or(ev.Cause, CausePeer))
	}
	c.flush(cn)
}

// accepted takes a connection in, or closes it where a limit is reached.
func (c *Core) accepted(now time.Time, id protocol.ConnID, peer netip.AddrPort) {
	if id == 0 || c.conns[id] != nil {
		c.stats.Stale++
		return
	}
	c.stats.Accepted++
	cn := c.newConn(id, peer)
	switch {
	case c.closed:
		c.closeConn(cn, CauseClosed)
	case len(c.conns) > c.limits.MaxConns:
		c.closeConn(cn, CauseLimit)
	case c.auth.Mandatory && !c.startDeadline(now, cn):
		c.failNegotiation(cn, FailureHalfOpen)
	default:
		c.emit(Effect{Kind: EffectConn, Conn: id, ConnState: ConnOpen})
	}
}

// received takes bytes of a connection.
func (c *Core) received(now time.Time, cn *conn, data []byte) {
	if cn.state == ConnMute {
		c.stats.BytesThrownAway += uint64(len(data))
		return
	}
	if !c.makeRoom(cn, len(data)) {
		c.closeConn(cn, CauseLimit)
		return
	}
	if cn.decoder == nil {
		cn.decoder = c.takeDecoder()
	}
	if err := cn.decoder.Write(data); err != nil {
		c.closeConn(cn, causeOf(err))
		return
	}
	c.decode(now, cn)
}

// decode takes requests out of what a connection has sent, until a frame is incomplete,
// a token has to be made first, or the connection is at its end.
func (c *Core) decode(now time.Time, cn *conn) {
	for cn.decoder != nil && !cn.tokenPending {
		ok, err := cn.decoder.Next(&c.request)
		if err != nil {
			c.closeConn(cn, causeOf(err))
			return
		}
		if !ok {
			break
		}
		c.gate(now, cn, &c.request)
	}
	c.settle(cn)
}

// close ends every connection, the oldest first.
func (c *Core) close() {
	c.closed = true
	for _, id := range slices.Sorted(maps.Keys(c.conns)) {
		c.closeConn(c.conns[id], CauseClosed)
	}
}

// closeConn ends a connection from this side: what was written goes out first.
func (c *Core) closeConn(cn *conn, cause Cause) {
	c.flush(cn)
	c.emit(Effect{Kind: EffectClose, Conn: cn.id, Cause: cause})
	c.gone(cn, cause)
}

// gone forgets a connection.
func (c *Core) gone(cn *conn, cause Cause) {
	c.countFailure(cn)
	c.stats.Closed[cause]++
	c.stopDeadline(cn)
	c.emit(Effect{Kind: EffectConn, Conn: cn.id, ConnState: ConnGone, Cause: cause, Failure: cn.failure, Principal: cn.principal})
	delete(c.conns, cn.id)
	c.release(cn)
}

func (c *Core) emit(e Effect) { c.effects = append(c.effects, e) }

// flush turns what was written to the connection in this Step into one effect.
func (c *Core) flush(cn *conn) {
	if c.flushed < len(c.output) && cn.state != ConnGone {
		c.emit(Effect{Kind: EffectWrite, Conn: cn.id, Data: c.output[c.flushed:len(c.output):len(c.output)]})
	}
	c.flushed = len(c.output)
}
