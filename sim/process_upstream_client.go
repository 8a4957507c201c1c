// A model of an upstream client in the simulated world. An application above it opens
// its table first, as upstream's interface demands, and opens it again for the next
// operation where that failed.

package sim

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// upstreamClient implements clientCore.
type upstreamClient struct {
	process *clientProcess
	core    upstreamCore
	tokens  *initiators
	effects []upstream.ClientEffect
	ports   map[netip.AddrPort]uint16 // of the first connection to each address, where the scenario has cause C2

	isOpen, opening bool
	waiting         []*operation // for the table
}

// upstreamCore is what the models of the Java and the Go client have in common.
type upstreamCore interface {
	Step(now time.Time, ev upstream.ClientEvent, out []upstream.ClientEffect) []upstream.ClientEffect
	Parked() (addr netip.AddrPort, requests int)
}

var upstreamReleases = map[string]upstream.Release{
	ClientUpstream250:      upstream.Release250,
	ClientUpstreamSnapshot: upstream.ReleaseSnapshot,
	ClientUpstreamMaster:   upstream.ReleaseMaster,
}

func newUpstreamClient(p *clientProcess) *upstreamClient {
	return &upstreamClient{process: p, core: newUpstreamCore(p.run), tokens: newInitiators(p), ports: make(map[netip.AddrPort]uint16)}
}

func newUpstreamCore(r *run) upstreamCore {
	if r.scenario.Client == ClientUpstreamGo {
		core, err := upstream.NewGoClient(upstream.GoConfig{Metas: r.metaAddrs()})
		must(err)
		return core
	}
	delays := upstream.DefaultDelays()
	delays.Reset.Max = max(delays.Reset.Max, r.scenario.Standstill)
	cfg := upstream.ClientConfig{
		Release: upstreamReleases[r.scenario.Client], Metas: r.metaAddrs(), Mechanism: r.mechanismName(), Delays: delays,
		MetaQueryTimeout: r.scenario.QueryTimeout, ResetWindow: r.scenario.ResetWindow, ConnectTimeout: r.scenario.ConnectTimeout,
	}
	r.scenario.ablateClient(&cfg)
	core, err := upstream.NewClient(cfg)
	must(err)
	return core
}

func (c *upstreamClient) open(now time.Time, io *world.IO) {
	c.opening = true
	c.do(now, io, upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: openID, Table: tableName})
}

func (c *upstreamClient) submit(now time.Time, io *world.IO, op *operation) {
	if !c.isOpen {
		c.waiting = append(c.waiting, op)
		if !c.opening {
			c.open(now, io)
		}
		return
	}
	c.do(now, io, upstream.ClientEvent{
		Kind: upstream.ClientSubmit, ID: upstream.OpID(op.id), Table: tableName, RPC: op.rpc,
		Hash: op.hash, Body: op.body(), Timeout: op.deadline.Sub(op.invoked),
	})
}

func (c *upstreamClient) step(now time.Time, ev world.Event, io *world.IO) {
	switch ev.Kind {
	case world.EventDialed:
		c.do(now, io, upstream.ClientEvent{Kind: upstream.ClientDialed, Conn: ev.Conn})
	case world.EventDialFailed:
		c.do(now, io, upstream.ClientEvent{Kind: upstream.ClientDialFailed, Conn: ev.Conn})
	case world.EventReceived:
		c.do(now, io, upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: ev.Conn, Data: ev.Data})
	case world.EventClosed:
		c.tokens.drop(io, ev.Conn)
		c.do(now, io, upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: ev.Conn})
	case world.EventTimer:
		c.do(now, io, upstream.ClientEvent{Kind: upstream.ClientTimer, Timer: ev.Timer})
	case world.EventPost:
		switch value := ev.Value.(type) {
		case madeToken:
			c.do(now, io, upstream.ClientEvent{Kind: upstream.ClientToken, Conn: value.conn, Data: value.data, Done: value.done, Failed: value.failed})
		case *operation:
			c.submit(now, io, value)
		}
	}
}

func (c *upstreamClient) do(now time.Time, io *world.IO, ev upstream.ClientEvent) {
	c.effects = c.core.Step(now, ev, c.effects[:0])
	for i := range c.effects {
		c.apply(io, &c.effects[i])
	}
	p := c.process
	if java, is := c.core.(*upstream.Client); is {
		if addr, stranded := java.Stranded(); stranded {
			p.run.judge.stranded(p.run.world.Now(), p.index, p.run.nodeName(addr))
		}
	}
	if ev.Kind == upstream.ClientSubmit {
		addr, kept := c.core.Parked()
		p.run.judge.keeps(p.run.world.Now(), p.index, p.run.nodeName(addr), kept)
	}
}

func (c *upstreamClient) apply(io *world.IO, e *upstream.ClientEffect) {
	p := c.process
	switch e.Kind {
	case upstream.ClientDial:
		io.DialFrom(e.Conn, c.ports[e.Addr], e.Addr)
		if p.run.scenario.AblationSettings().PortReuse {
			c.ports[e.Addr] = io.Local(e.Conn).Port()
		}
		p.run.observer.dialed(p.run.world.Now(), io.Global(e.Conn), p.index, p.run.nodeName(e.Addr))
	case upstream.ClientWrite:
		p.write(io, e.Conn, e.Data)
	case upstream.ClientClose:
		c.tokens.drop(io, e.Conn)
		p.drop(io, e.Conn)
	case upstream.ClientArmTimer:
		io.Arm(e.Timer, e.After+between(io.Rand(), 0, e.Spread))
	case upstream.ClientStopTimer:
		io.Stop(e.Timer)
	case upstream.ClientMakeToken:
		c.tokens.ask(io, e.Conn, e.Addr, e.Begin, e.Data)
	case upstream.ClientComplete:
		c.completed(io, e)
	default:
		c.told(io, e)
	}
}

// told: the model said what it did; nothing is to be done.
func (c *upstreamClient) told(io *world.IO, e *upstream.ClientEffect) {
	p := c.process
	node := p.run.nodeName(e.Addr)
	switch e.Kind {
	case upstream.ClientNegotiated:
		c.tokens.accepted(io, e.Conn)
		p.run.judge.believes(p.run.world.Now(), p.index, node, p.run.observer.connection(io.Global(e.Conn)))
		io.Trace(trace.Event{Kind: trace.KindNegotiation, Conn: io.Global(e.Conn), Peer: node, State: "ok", AgeNS: int64(e.Age)})
	case upstream.ClientNegotiationFailed:
		io.Trace(trace.Event{Kind: trace.KindNegotiation, Conn: io.Global(e.Conn), Peer: node, State: "failed", Code: e.Code.String(), AgeNS: int64(e.Age)})
		p.run.judge.negotiationFailed(node, e.Code.String(), e.Age)
	case upstream.ClientUnresponsive:
		p.run.judge.outlived(p.run.world.Now(), p.index, p.run.observer.connection(io.Global(e.Conn)), e.Age)
		io.Trace(trace.Event{Kind: trace.KindSession, Conn: io.Global(e.Conn), Peer: node, State: "unresponsive", Note: p.run.scenario.unresponsiveNote()})
	case upstream.ClientZombie:
		io.Trace(trace.Event{Kind: trace.KindSession, Conn: io.Global(e.Conn), Peer: node, State: "zombie", Note: "an answer that the client cannot decode: nobody reads the connection any more"})
	}
}

// unresponsiveNote says what the client does about a session that does not answer.
func (s *Scenario) unresponsiveNote() string {
	if s.Client == ClientUpstreamGo {
		return "written to, and no answer for the read time-out: the client refreshes its tables and keeps it"
	}
	return "no answer for the reset window: the client closes it"
}

func (c *upstreamClient) completed(io *world.IO, e *upstream.ClientEffect) {
	if e.ID == openID {
		c.opened(io, e)
		return
	}
	outcome := session.Outcome(e.Outcome)
	why := ""
	if e.Outcome != upstream.OutcomeOK {
		why = e.Code.String()
	}
	c.process.completed(io, uint64(e.ID), outcome, e.Code, e.Body, why)
}

// opened lets the waiting operations go, each with a step of its own, or fails them with
// what opening said.
func (c *upstreamClient) opened(io *world.IO, e *upstream.ClientEffect) {
	c.opening, c.isOpen = false, e.Outcome == upstream.OutcomeOK
	waiting := c.waiting
	c.waiting = nil
	code := e.Code
	c.process.opened(io)
	for _, op := range waiting {
		if c.isOpen {
			io.Post(0, op)
		} else {
			c.process.completed(io, op.id, session.OutcomeFailed, code, nil, "openTable: "+code.String())
		}
	}
}
