// The reference client in the simulated world: client/routing's core with its effects
// carried out, and SASL tokens made a drawn while after they are asked for.

package sim

import (
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// Keep-alive of the reference client's connections, as its driver has it (client/config.go).
const (
	keepAliveIdle     = 10 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3
)

// openID is the id of the call that opens the table; operations' ids begin with 1.
const openID = 0

// referenceClient implements clientCore.
type referenceClient struct {
	process *clientProcess
	core    *routing.Core
	tokens  *initiators
	effects []routing.Effect
	late    *lateEvents // nil without
	ballots []int64     // highest seen of each partition
	older   uint64      // configurations that it did not take
	table   protocol.QueryConfig
}

func newReferenceClient(p *clientProcess) *referenceClient {
	s := p.run.scenario
	cfg := routing.DefaultConfig()
	cfg.Metas = p.run.metaAddrs()
	cfg.Session.Auth = session.AuthRequired
	cfg.Session.Mechanism = p.run.mechanismName()
	cfg.Session.BackoffCap = s.BackoffCap
	cfg.Session.MaxWaiting, cfg.Session.MaxPending = s.QueueLimit, s.QueueLimit
	c := &referenceClient{
		process: p, core: routing.New(cfg), tokens: newInitiators(p),
		ballots: make([]int64, s.Partitions),
	}
	c.late = newLateEvents(c)
	return c
}

func (c *referenceClient) open(now time.Time, io *world.IO) {
	if c.late != nil { // the trace shows when bytes arrive, and not when the core is told
		io.Trace(trace.Event{Kind: trace.KindFault, State: faultBegins, Note: "late-events"})
	}
	c.do(now, io, routing.Event{Kind: routing.EventOpenTable, Op: routing.Op{
		ID: openID, Table: tableName, Deadline: now.Add(time.Minute),
	}})
}

func (c *referenceClient) submit(now time.Time, io *world.IO, op *operation) {
	c.do(now, io, routing.Event{Kind: routing.EventSubmit, Op: routing.Op{
		ID: routing.OpID(op.id), Table: tableName, RPC: op.rpc,
		Hash: op.hash, Body: op.body(), Deadline: now.Add(op.deadline.Sub(op.invoked)),
	}})
}

func (c *referenceClient) close(now time.Time, io *world.IO) {
	c.do(now, io, routing.Event{Kind: routing.EventClose})
}

func (c *referenceClient) step(now time.Time, ev world.Event, io *world.IO) {
	if c.late != nil && c.late.takes(now, &ev, io) {
		return
	}
	switch ev.Kind {
	case world.EventDialed:
		io.KeepAlive(ev.Conn, keepAliveIdle, keepAliveInterval, keepAliveCount)
		io.Queue(ev.Conn, c.process.run.scenario.WriteQueue, 0)
		c.do(now, io, routing.Event{Kind: routing.EventDialed, Conn: ev.Conn})
	case world.EventDialFailed:
		c.do(now, io, routing.Event{Kind: routing.EventDialFailed, Conn: ev.Conn, Reason: dialReason(ev.Why)})
	case world.EventReceived:
		c.do(now, io, routing.Event{Kind: routing.EventReceived, Conn: ev.Conn, Data: ev.Data})
	case world.EventClosed:
		c.tokens.drop(io, ev.Conn)
		c.do(now, io, routing.Event{Kind: routing.EventClosed, Conn: ev.Conn, Reason: closeReason(ev.Why)})
	case world.EventTimer:
		c.do(now, io, routing.Event{Kind: routing.EventTimer, Timer: ev.Timer})
	case world.EventPost:
		token := ev.Value.(madeToken)
		c.do(now, io, routing.Event{Kind: routing.EventToken, Conn: token.conn, Data: token.data, Done: token.done, Failed: token.failed})
	}
}

func (c *referenceClient) do(now time.Time, io *world.IO, ev routing.Event) {
	c.effects = c.core.Step(now, ev, c.effects[:0])
	for i := range c.effects {
		c.apply(io, &c.effects[i])
	}
}

func (c *referenceClient) apply(io *world.IO, e *routing.Effect) {
	p := c.process
	switch e.Kind {
	case routing.EffectDial:
		io.Dial(e.Conn, e.Addr)
		p.run.observer.dialed(p.run.world.Now(), io.Global(e.Conn), p.index, p.run.nodeName(e.Addr))
	case routing.EffectWrite:
		p.write(io, e.Conn, e.Data)
	case routing.EffectClose:
		p.run.judge.closed(e.Reason)
		c.tokens.drop(io, e.Conn)
		p.drop(io, e.Conn)
		if c.late != nil {
			c.late.over(io, e.Conn)
		}
	case routing.EffectArmTimer:
		io.Arm(e.Timer, e.After+between(io.Rand(), 0, e.Spread))
	case routing.EffectStopTimer:
		io.Stop(e.Timer)
		if c.late != nil {
			c.late.stopped(io, e.Timer)
		}
	case routing.EffectMakeToken:
		c.tokens.ask(io, e.Conn, e.Addr, e.Data == nil, e.Data)
	case routing.EffectComplete:
		c.completed(io, &e.Completion)
	case routing.EffectSession:
		c.sessionChanged(io, e)
	case routing.EffectTable:
		c.tableLearned(io)
	case routing.EffectQuery:
		step, server, why := e.QueryWords()
		if e.Query == routing.QueryAsked {
			p.run.judge.looksUp(p.run.world.Now(), p.index, p.run.nodeName(e.Addr), e.After)
		}
		io.Trace(trace.Event{Kind: trace.KindQuery, Table: e.Table, State: step, Peer: server, WithinNS: int64(e.After), Note: why})
	}
}

func (c *referenceClient) completed(io *world.IO, done *routing.Completion) {
	if done.ID == openID {
		c.process.opened(io)
		return
	}
	if done.Reason == session.ReasonQueueFull {
		c.process.run.judge.meet(MetQueueFull)
	}
	c.process.completed(io, uint64(done.ID), done.Outcome, done.Code, done.Body, why(done))
}

func why(done *routing.Completion) string {
	switch {
	case done.Outcome == session.OutcomeOK:
		return ""
	case done.Code != protocol.CodeOK:
		return done.Code.String()
	}
	return done.Reason.String()
}

// sessionChanged holds what the core believes against what the observer saw.
func (c *referenceClient) sessionChanged(io *world.IO, e *routing.Effect) {
	p := c.process
	node := p.run.nodeName(e.Addr)
	var id uint64
	if e.Conn != 0 {
		id = io.Global(e.Conn)
	}
	io.Trace(trace.Event{Kind: trace.KindSession, Conn: id, Peer: node, State: e.State.String(), Note: e.Reason.String()})
	if e.State == session.StateReady {
		c.tokens.accepted(io, e.Conn)
		p.run.judge.sessionReady(p.run.world.Now(), p.index, node, p.run.observer.connection(id))
	}
}

// tableLearned holds the partitions that the core uses against those it used before.
func (c *referenceClient) tableLearned(io *world.IO) {
	if older := c.core.Stats().OlderConfigs; older > c.older {
		c.older = older
		c.process.run.judge.meet(MetOlderConfig)
	}
	if c.core.Config(tableName, &c.table) {
		io.Trace(trace.Event{Kind: trace.KindTable, Table: tableName, Answer: trace.AnswerOf(&c.table).String()})
	}
	for partition := range c.ballots {
		view, known := c.core.Partition(tableName, partition)
		if !known {
			continue
		}
		if view.Ballot < c.ballots[partition] {
			c.process.run.judge.violate(c.process.run.world.Now(), PropertyBallotMonotonic, "a client went back to an older configuration of a partition")
		}
		c.ballots[partition] = view.Ballot
		c.process.run.learned(c.process.index, partition, view.Ballot, view.Primary)
	}
}

func dialReason(why world.Why) session.Reason {
	if why == world.WhyTimeout {
		return session.ReasonDialTimeout
	}
	return session.ReasonRefused
}

func closeReason(why world.Why) session.Reason {
	switch why {
	case world.WhyFIN:
		return session.ReasonFIN
	case world.WhyTimeout, world.WhyOverflow:
		return session.ReasonIO
	}
	return session.ReasonReset
}
