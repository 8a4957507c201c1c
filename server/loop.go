// The goroutine that owns the core: inputs in, effects out.

package server

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server/node"
)

// inputQueue is how many inputs may wait for the core. Whoever sends more waits: a reader
// does not read meanwhile.
const inputQueue = 256

type inputKind uint8

const (
	inputAccepted inputKind = iota // net
	inputReceived                  // conn, data; answered on conn.ack
	inputClosed                    // conn
	inputTimer                     // timer
	inputToken                     // event, err
	inputCall                      // call
)

// input is one thing that happened outside of the core.
type input struct {
	kind  inputKind
	conn  *conn
	net   net.Conn
	data  []byte
	timer protocol.TimerID
	event node.Event
	err   error // why the mechanism refused a token
	call  func()
}

// loopState belongs to the loop.
type loopState struct {
	timers   map[protocol.TimerID]*time.Timer
	effects  []node.Effect
	overflow []*conn // peers that do not read, found while effects were carried out
	counts   Stats   // but for what the core counts
}

func newLoopState() loopState {
	return loopState{timers: make(map[protocol.TimerID]*time.Timer), counts: Stats{Refusals: make(map[string]uint64)}}
}

// send hands an input to the core's goroutine; false when there is none any more.
func (s *Server) send(in input) bool {
	select {
	case s.inputs <- in:
		return true
	case <-s.done:
		return false
	}
}

// loop runs until the server stops.
func (s *Server) loop() {
	defer s.running.Done()
	for {
		select {
		case <-s.stop:
			s.shutdown()
			return
		case in := <-s.inputs:
			s.take(in)
		}
	}
}

// shutdown closes everything that the loop owns.
func (s *Server) shutdown() {
	if err := s.listener.Close(); err != nil {
		s.cfg.Logger.Debug("closing the listener", "address", s.self, "err", err)
	}
	traceEnd(s.cfg.Trace, "stopped")
	s.step(node.Event{Kind: node.EventClose})
	for _, c := range s.conns { // none, unless the core has failed
		c.close(0)
	}
	for _, t := range s.timers {
		t.Stop()
	}
	s.mu.Lock()
	s.end = s.stats()
	s.mu.Unlock()
	close(s.done)
	s.cfg.Logger.Info("stopped", "address", s.self)
}

func (s *Server) stats() Stats {
	stats := s.counts
	stats.Refusals = maps.Clone(stats.Refusals)
	stats.Stats = s.core.Stats()
	return stats
}

// take gives one input to the core. What concerns a connection that is gone is dropped
// here: its number may not even be known to the core.
func (s *Server) take(in input) {
	switch in.kind {
	case inputAccepted:
		s.accepted(in.net)
	case inputReceived:
		if s.conns[in.conn.id] == in.conn {
			s.traced(func(t *tracer) { t.received(in.conn.id, in.data) })
			s.step(node.Event{Kind: node.EventReceived, Conn: in.conn.id, Data: in.data})
		}
		in.conn.ack <- struct{}{}
	case inputClosed:
		if s.conns[in.conn.id] == in.conn {
			s.drop(in.conn, node.CauseNone)
		}
	case inputTimer:
		delete(s.timers, in.timer)
		s.step(node.Event{Kind: node.EventTimer, Timer: in.timer})
	case inputToken:
		s.countToken(in)
		s.step(in.event)
	case inputCall:
		in.call()
	}
}

// countToken counts what the mechanism refused, and what broke it.
func (s *Server) countToken(in input) {
	switch {
	case in.event.Internal:
		s.counts.Panics++
	case in.event.Failed:
		s.counts.TokenErrors++
		s.counts.Refusals[gssapi.Reason(in.err)]++
	}
}

// accepted introduces a connection to the core, and runs it if the core keeps it.
func (s *Server) accepted(nc net.Conn) {
	s.last++
	c := newConn(s.last, nc, &s.queued)
	s.conns[c.id] = c
	s.traced(func(t *tracer) { t.accepted(c) })
	s.step(node.Event{Kind: node.EventAccepted, Conn: c.id, Peer: c.peer})
	if s.conns[c.id] == c {
		s.running.Add(2)
		go s.read(c)
		go s.write(c)
	}
}

// step lets the core take an event, and carries out what comes of it. A panic in there is
// a bug: it costs the connection that provoked it, and a second one costs the server.
func (s *Server) step(ev node.Event) {
	if s.guarded("core", func() { s.carry(ev) }) {
		return
	}
	s.counts.Panics++
	c := s.conns[ev.Conn]
	if c == nil || ev.Kind == node.EventClosed {
		s.fail(fmt.Errorf("server %v: core failed on an event without a connection to blame; this is a bug", s.self))
		return
	}
	s.drop(c, node.CauseInternal)
}

// guarded runs f; false where it panicked, which is logged. Of what was thrown, only the
// runtime's own errors are shown: others could hold keys or values.
func (s *Server) guarded(what string, f func()) (ok bool) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		ok = false
		s.tellBug(what, r, debug.Stack())
	}()
	f()
	return true
}

// hook runs a function of the application. Where it panics, that costs nobody a connection.
func (s *Server) hook(what string, f func()) {
	if !s.guarded(what, f) {
		s.counts.Panics++
	}
}

// traced tells the trace, where there is one. It reads what peers sent, and takes no part in
// what the server does: where it panics, that costs nobody a connection.
func (s *Server) traced(tell func(*tracer)) {
	if s.tracer != nil && !s.guarded("trace", func() { tell(s.tracer) }) {
		s.counts.Panics++
	}
}

func (s *Server) tellBug(where string, thrown any, stack []byte) {
	text := fmt.Sprintf("%T", thrown)
	if err, runtimeError := thrown.(runtime.Error); runtimeError {
		text = err.Error()
	}
	s.cfg.Logger.Error("bug: recovered from a panic; please report it", "address", s.self, "in", where, "panic", text, "stack", string(stack))
}

// carry runs one Step and its effects.
func (s *Server) carry(ev node.Event) {
	s.effects = s.core.Step(time.Now(), ev, s.effects[:0])
	for i := range s.effects {
		s.apply(&s.effects[i])
	}
	clear(s.effects)
	for len(s.overflow) > 0 {
		c := s.overflow[0]
		s.overflow = s.overflow[1:]
		if s.conns[c.id] == c {
			s.counts.SlowPeers++
			s.drop(c, node.CauseLimit)
		}
	}
}

// drop gives a connection up and tells the core.
func (s *Server) drop(c *conn, cause node.Cause) {
	s.traced(func(t *tracer) { t.dropped(c.id, cause) })
	c.close(0)
	s.step(node.Event{Kind: node.EventClosed, Conn: c.id, Cause: cause})
	delete(s.conns, c.id)
}

func (s *Server) apply(e *node.Effect) {
	c := s.conns[e.Conn]
	s.traced(func(t *tracer) { t.carried(e) })
	switch e.Kind {
	case node.EffectWrite:
		if !c.enqueue(e.Data, s.cfg.MaxWriteQueue) {
			s.overflow = append(s.overflow, c)
		} else if s.queued.Load() > int64(s.cfg.MaxWriteQueues) {
			s.overflow = append(s.overflow, s.fullest())
		}
	case node.EffectClose:
		s.finish(c)
	case node.EffectArmTimer:
		id := e.Timer
		s.timers[id] = time.AfterFunc(e.After, func() { s.send(input{kind: inputTimer, timer: id}) })
	case node.EffectStopTimer:
		if t := s.timers[e.Timer]; t != nil {
			t.Stop()
			delete(s.timers, e.Timer)
		}
	case node.EffectToken:
		s.makeToken(c, e)
	case node.EffectExecuted:
		if node.OperationOf(e.RPC) == node.OperationAdmin {
			s.cfg.Logger.Info("administration", "address", s.self, "peer", s.peer(c), "principal", e.Principal, "rpc", e.RPC.String(), "answer", e.Code.String())
		}
		if s.cfg.Hooks.Executed != nil {
			s.hook("Hooks.Executed", func() { s.cfg.Hooks.Executed(execution(e)) })
		}
	case node.EffectDenied:
		s.warn("request denied", "address", s.self, "peer", s.peer(c), "principal", e.Principal, "rpc", e.RPC.String())
		if s.cfg.Hooks.Denied != nil {
			s.hook("Hooks.Denied", func() { s.cfg.Hooks.Denied(execution(e)) })
		}
	case node.EffectTables:
		if f := s.cfg.Meta.OnTables; f != nil {
			registry := s.core.Meta().Registry()
			s.hook("Meta.OnTables", func() { f(registry) })
		}
	case node.EffectConn:
		s.changed(c, e)
	}
}

// fullest is the connection that holds the most of what waits to be read.
func (s *Server) fullest() (worst *conn) {
	most := -1
	for _, c := range s.conns {
		if held := c.holds(); held > most {
			worst, most = c, held
		}
	}
	return worst
}

func execution(e *node.Effect) Execution {
	return Execution{Conn: e.Conn, RPC: e.RPC, Code: e.Code, Principal: e.Principal, User: node.Username(e.Principal), Authenticated: e.Authenticated}
}

// peer is whose connection it is; zero where it has gone.
func (s *Server) peer(c *conn) netip.AddrPort {
	if c == nil {
		return netip.AddrPort{}
	}
	return c.peer
}

// finish ends a connection that the core has closed, after what was written to it. Where much
// waits for others to read it, nobody is waited for any more: connections that are ending hold no
// more than half of what may wait.
func (s *Server) finish(c *conn) {
	patience := s.cfg.FlushTimeout
	if s.queued.Load() > int64(s.cfg.MaxWriteQueues)/2 {
		patience = 0
	}
	select {
	case <-s.stop:
		if !s.flush {
			patience = 0
		}
	default:
	}
	c.close(patience)
}

// changed tells of a connection's new state, and forgets the connection with it.
func (s *Server) changed(c *conn, e *node.Effect) {
	peer := s.peer(c)
	text, tell := "connection", s.cfg.Logger.Debug
	switch e.Cause {
	case node.CauseProtocol, node.CauseNegotiation, node.CauseNegotiationTimeout, node.CauseLimit, node.CauseInternal:
		if e.Failure != node.FailureToken { // which was told with its reason, by judge
			text, tell = "connection ended", s.warn
		}
	}
	tell(text, "address", s.self, "peer", peer, "state", e.ConnState.String(), "cause", e.Cause.String(), "negotiation", e.Failure.String(), "principal", e.Principal)
	if e.ConnState == node.ConnGone {
		delete(s.conns, e.Conn)
	}
	if s.cfg.Hooks.Conn != nil {
		s.hook("Hooks.Conn", func() {
			s.cfg.Hooks.Conn(ConnChange{Conn: e.Conn, Peer: peer, State: e.ConnState, Cause: e.Cause, Failure: e.Failure, Principal: e.Principal})
		})
	}
}
