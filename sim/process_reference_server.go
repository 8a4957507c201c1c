// The reference server in the simulated world: server/node's core with its effects
// carried out. A restarted node is a new process over the storage that was kept.

package sim

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// What the reference server's driver gives a peer to read (server/config.go): one batch, and
// what is left when the core has closed.
const (
	writeTimeout = 30 * time.Second
	flushTimeout = time.Second
)

// referenceServer implements world.Process.
type referenceServer struct {
	run     *run
	place   *nodePlace
	core    *node.Core
	tokens  *acceptors
	effects []node.Effect
}

// Step implements world.Process.
func (s *referenceServer) Step(now time.Time, ev world.Event, io *world.IO) {
	switch ev.Kind {
	case world.EventBoot:
		io.Listen(s.place.addr)
		if s.place.meta {
			s.run.traceLeader(s.place.name)
		}
	case world.EventAccepted:
		s.run.observer.accepted(io.Global(ev.Conn))
		io.KeepAlive(ev.Conn, 15*time.Second, 15*time.Second, 9) // a Go listener's
		io.Queue(ev.Conn, s.run.scenario.WriteQueue, writeTimeout)
		s.do(now, io, node.Event{Kind: node.EventAccepted, Conn: ev.Conn, Peer: ev.Peer})
	case world.EventReceived:
		s.run.observer.serverReceived(io.Global(ev.Conn), len(ev.Data), io.Stamp)
		s.do(now, io, node.Event{Kind: node.EventReceived, Conn: ev.Conn, Data: ev.Data})
	case world.EventClosed:
		s.run.observer.serverGone(io.Global(ev.Conn))
		s.tokens.drop(ev.Conn)
		s.do(now, io, node.Event{Kind: node.EventClosed, Conn: ev.Conn})
	case world.EventTimer:
		s.do(now, io, node.Event{Kind: node.EventTimer, Timer: ev.Timer})
	case world.EventPost:
		t := ev.Value.(acceptedToken)
		s.do(now, io, node.Event{Kind: node.EventToken, Conn: t.conn, Data: t.data, Done: t.done, Failed: t.failed, Principal: t.principal})
	}
}

// setLeader implements serverProcess.
func (s *referenceServer) setLeader(leader netip.AddrPort) {
	s.effects = s.core.Step(s.run.hosts[s.place.name].Steady(), node.Event{Kind: node.EventLeader, Peer: leader}, s.effects[:0])
}

// learn implements serverProcess.
func (s *referenceServer) learn() {
	if s.place.meta {
		if s.core.Meta().Leads() {
			s.core.Meta().SetRegistry(s.run.registry)
		}
		return
	}
	held := make(map[protocol.GPID]bool)
	for _, p := range s.run.heldBy(s.place) {
		held[p.PID] = true
		if !s.core.Replica().SetPartition(p) {
			panic("sim: " + s.place.name + " is told of an older ballot than it knows") // ballots only rise
		}
	}
	for i := range s.run.placements {
		if !held[gpid(i)] {
			s.core.Replica().DropPartition(gpid(i))
		}
	}
}

// decide implements serverProcess.
func (s *referenceServer) decide(partition int) {
	p := &s.run.placements[partition]
	must(s.core.Meta().Reconfigure(tableName, int32(partition), p.primary, p.secondaries))
	s.run.registry = s.core.Meta().Registry()
}

func (s *referenceServer) do(now time.Time, io *world.IO, ev node.Event) {
	s.effects = s.core.Step(now, ev, s.effects[:0])
	for i := range s.effects {
		s.apply(io, &s.effects[i])
	}
	for i := range s.effects { // when everything is written: the core writes what one step leads to at its end
		if e := &s.effects[i]; e.Kind == node.EffectExecuted {
			s.run.judge.executed(s.run.world.Now(), s.run.observer.connection(io.Global(e.Conn)), s.place.name, e.RPC)
		}
	}
}

func (s *referenceServer) apply(io *world.IO, e *node.Effect) {
	switch e.Kind {
	case node.EffectWrite:
		s.run.serverWrites(s.place, io, e.Conn, e.Data)
	case node.EffectClose:
		s.run.judge.serverClosed(e.Cause == node.CauseNegotiationTimeout)
		s.run.observer.serverGone(io.Global(e.Conn))
		s.tokens.drop(e.Conn)
		io.Finish(e.Conn, flushTimeout)
	case node.EffectArmTimer:
		io.Arm(e.Timer, e.After)
	case node.EffectStopTimer:
		io.Stop(e.Timer)
	case node.EffectToken:
		s.tokens.ask(io, e.Conn, e.Begin, e.Data)
	case node.EffectExecuted:
		io.Trace(trace.Event{Kind: trace.KindExecute, Conn: io.Global(e.Conn), RPC: e.RPC.String(), Principal: e.Principal})
	case node.EffectConn:
		if e.ConnState == node.ConnMute {
			s.run.observer.muted(io.Global(e.Conn))
			io.Trace(trace.Event{Kind: trace.KindSession, Conn: io.Global(e.Conn), State: "mute", Note: e.Cause.String()})
		}
	}
}
