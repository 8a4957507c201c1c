// The goroutine that owns the core: gives it events, carries out its effects. It decides
// nothing.

package client

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// driver owns a core. Its fields below inbox are used by its one goroutine only.
type driver struct {
	cfg   *Config
	metas []netip.AddrPort          // the configured ones
	names map[netip.AddrPort]string // and their hosts
	inbox inbox
	tasks sync.WaitGroup // connections' and tokens' goroutines
	bugs  bugs
	ended chan struct{} // the driver's goroutine has returned
	// bodies is bytes of requests of calls that are outstanding. Callers count; connections look.
	bodies atomic.Int64

	core    *routing.Core
	advance func(time.Time, routing.Event, []routing.Effect) []routing.Effect // core.Step
	jitter  *rand.Rand
	effects []routing.Effect
	conns   map[protocol.ConnID]*connection
	timers  map[protocol.TimerID]*time.Timer
	calls   []*call // by OpID
	free    []routing.OpID
	dirty   []*connection // have something to write since the batch began
	tracer  *tracer       // nil: nothing is traced
	told    map[netip.AddrPort]sessionTold
}

// call is one call of the application. It belongs to the caller until it is in the
// inbox, and again after done.
type call struct {
	op       routing.Op
	open     bool
	canceled bool // by its context
	id       routing.OpID
	active   bool // in driver.calls; the driver's own
	done     chan struct{}
	result   routing.Completion
	key      []byte // of the request
	body     []byte // of the request; both are kept for their memory
}

func newDriver(cfg *Config, metas []netip.AddrPort, names map[netip.AddrPort]string) *driver {
	d := &driver{
		cfg: cfg, metas: metas, names: names, ended: make(chan struct{}),
		core: routing.New(cfg.routing(metas)), jitter: rand.New(cfg.Jitter),
		conns: make(map[protocol.ConnID]*connection), timers: make(map[protocol.TimerID]*time.Timer),
		told: make(map[netip.AddrPort]sessionTold),
	}
	d.advance, d.bugs.log = d.core.Step, cfg.Logger
	d.tracer = newTracer(cfg.Trace, d.core, protocol.Limits{MaxFrameBytes: cfg.MaxFrameBytes})
	d.inbox.init()
	return d
}

// run drives the core until it has closed.
func (d *driver) run() {
	var batch []item
	if d.tracer != nil {
		d.tracer.started()
	}
	for !d.core.Closed() {
		runtime.Gosched() // callers that are about to ask join this batch: fewer, larger writes, and nobody starves
		batch = d.inbox.take(batch)
		for i := range batch {
			d.handle(&batch[i])
		}
		for _, c := range d.dirty { // once a batch: one write for all that it caused
			c.dirty = false
			c.flush()
		}
		d.dirty = d.dirty[:0]
	}
	for _, it := range d.inbox.close() {
		d.refuse(&it)
	}
	if d.tracer != nil {
		d.tracer.ended() // the last event, before Close returns
	}
	close(d.ended)
}

func (d *driver) handle(it *item) {
	switch {
	case it.ask != nil:
		it.ask(d)
		return
	case it.event.Kind == routing.EventSubmit || it.event.Kind == routing.EventOpenTable:
		it.call.id, it.call.active = d.slot(it.call), true
		it.call.op.ID = it.call.id
		it.event.Op = it.call.op
	case it.event.Kind == routing.EventCancel:
		if !it.call.active {
			return // completed meanwhile
		}
		it.event.ID = it.call.id
	case it.event.Kind == routing.EventTimer:
		delete(d.timers, it.event.Timer)
	case it.event.Kind == routing.EventClosed || it.event.Kind == routing.EventDialFailed:
		if c := d.conns[it.event.Conn]; c != nil && it.event.Reason != session.ReasonInternal {
			c.negotiated(false)
		}
		d.forget(it.event.Conn)
	case it.event.Kind == routing.EventToken:
		if c := d.conns[it.event.Conn]; c != nil {
			c.presented = !it.event.Failed
		}
	}
	if d.tracer != nil {
		d.guarded("trace", func() { d.tracer.told(&it.event, d.conns[it.event.Conn]) })
	}
	d.step(it.event)
	if it.conn != nil {
		it.conn.release(it.event.Data)
	}
}

// forget closes a connection, unless that has happened.
func (d *driver) forget(id protocol.ConnID) {
	if c := d.conns[id]; c != nil {
		c.close()
		delete(d.conns, id)
	}
}

// refuse answers what came too late.
func (d *driver) refuse(it *item) {
	switch {
	case it.ask != nil:
		it.ask(d)
	case it.event.Kind == routing.EventSubmit || it.event.Kind == routing.EventOpenTable:
		it.call.result = refusedAsClosed
		it.call.done <- struct{}{}
	}
}

// refusedAsClosed is how a call ends that the core never saw.
var refusedAsClosed = routing.Completion{Outcome: session.OutcomeFailed, Reason: session.ReasonClosed, Code: protocol.CodeOK}

func (d *driver) slot(c *call) routing.OpID {
	if n := len(d.free); n > 0 {
		id := d.free[n-1]
		d.free = d.free[:n-1]
		d.calls[id] = c
		return id
	}
	d.calls = append(d.calls, c)
	return routing.OpID(len(d.calls) - 1)
}

// step gives the core an event and carries out what comes of it.
func (d *driver) step(ev routing.Event) {
	if !d.carry(&ev) {
		d.abandon(&ev)
	}
}

// carry is step; false where that panicked.
func (d *driver) carry(ev *routing.Event) (ok bool) {
	defer d.recovered("core")
	d.effects = d.advance(time.Now(), *ev, d.effects[:0])
	for i := range d.effects {
		d.apply(&d.effects[i])
	}
	return true
}

func (d *driver) apply(e *routing.Effect) {
	if d.tracer != nil {
		d.guarded("trace", func() { d.tracer.carried(e) })
	}
	switch e.Kind {
	case routing.EffectDial:
		d.conns[e.Conn] = d.dial(e.Conn, e.Addr)
	case routing.EffectWrite:
		c := d.conns[e.Conn]
		c.write(e.Data)
		if !c.dirty {
			c.dirty = true
			d.dirty = append(d.dirty, c)
		}
	case routing.EffectClose:
		if c := d.conns[e.Conn]; c != nil && e.Reason == session.ReasonNegotiationFailed {
			c.negotiated(false)
		}
		d.forget(e.Conn)
	case routing.EffectArmTimer:
		id, after := e.Timer, e.After
		if e.Spread > 0 {
			after += time.Duration(d.jitter.Int64N(int64(e.Spread) + 1))
		}
		d.timers[id] = time.AfterFunc(after, func() {
			d.inbox.put(item{event: routing.Event{Kind: routing.EventTimer, Timer: id}})
		})
	case routing.EffectStopTimer:
		if t := d.timers[e.Timer]; t != nil {
			t.Stop()
			delete(d.timers, e.Timer)
		}
	case routing.EffectMakeToken:
		d.makeToken(d.conns[e.Conn], e.Data)
	case routing.EffectComplete:
		d.complete(&e.Completion)
	case routing.EffectSession:
		d.sessionChanged(e)
	case routing.EffectTable:
		d.cfg.Logger.Debug("pegasus table learned", slog.String("table", e.Table))
	}
}

func (d *driver) complete(done *routing.Completion) {
	c := d.calls[done.ID]
	d.calls[done.ID] = nil
	d.free = append(d.free, done.ID)
	c.active = false
	c.result = *done
	c.result.Body = bytes.Clone(done.Body)
	c.done <- struct{}{}
}

// makeToken gives the mechanism a challenge, apart from the driver's goroutine: it may
// have to fetch a ticket.
func (d *driver) makeToken(c *connection, challenge []byte) {
	begin := challenge == nil
	challenge = bytes.Clone(challenge)
	d.tasks.Go(func() {
		ev := routing.Event{Kind: routing.EventToken, Conn: c.id, Failed: true, Internal: true}
		d.guarded("mechanism", func() { c.answer(&ev, begin, challenge) }, slog.String("server", c.addr.String()))
		if ev.Failed || ev.Done {
			c.sasl = nil // no token follows, and it holds ticket and key
		}
		d.inbox.put(item{event: ev})
	})
}

// answer fills ev with the mechanism's token. Why there is none is logged, what was to be
// answered is not. What a mechanism has recovered from is a bug like any panic; what
// credentials have, they have told.
func (c *connection) answer(ev *routing.Event, begin bool, challenge []byte) {
	token, done, err := c.token(begin, challenge)
	if err == nil {
		ev.Data, ev.Done, ev.Failed, ev.Internal = token, done, false, false
		return
	}
	server := slog.String("server", c.addr.String())
	var bug *gssapi.InternalError
	var missing *credentialError
	ev.Internal = errors.As(err, &bug)
	switch level := slog.LevelWarn; {
	case errors.As(err, &missing):
		level = slog.LevelDebug
		fallthrough
	case !ev.Internal:
		c.driver.cfg.Logger.Log(context.Background(), level, "pegasus session: the mechanism made no token", server, slog.Any("error", err))
	default:
		c.driver.bugs.tell("mechanism", bug.Value, bug.Stack, server)
	}
}

func (d *driver) sessionChanged(e *routing.Effect) {
	if c := d.conns[e.Conn]; c != nil && e.State == session.StateReady {
		c.negotiated(true)
	}
	d.cfg.Logger.Log(context.Background(), d.sessionLevel(e), "pegasus session",
		slog.String("server", e.Addr.String()), slog.String("state", e.State.String()),
		slog.String("step", e.Step.String()), slog.String("reason", e.Reason.String()))
	if d.cfg.OnSession != nil {
		d.guarded("OnSession", func() {
			d.cfg.OnSession(SessionChange{Addr: e.Addr, State: e.State, Step: e.Step, Reason: e.Reason, Conn: e.Conn})
		})
	}
}

// serverName is the name by which the mechanism knows a server.
func (d *driver) serverName(addr netip.AddrPort) string {
	if d.cfg.ServerName != nil {
		return d.cfg.ServerName(addr)
	}
	if name := d.names[addr]; name != "" {
		return name
	}
	return addr.Addr().String()
}
