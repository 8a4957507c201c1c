// A model of an upstream server (fin, hang) in the simulated world. A restarted node is
// a new process over the storage that was kept.

package sim

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// upstreamServer implements world.Process.
type upstreamServer struct {
	run     *run
	place   *nodePlace
	core    *upstream.Server
	tokens  *acceptors
	effects []upstream.ServerEffect
}

// Step implements world.Process.
func (s *upstreamServer) Step(now time.Time, ev world.Event, io *world.IO) {
	switch ev.Kind {
	case world.EventBoot:
		io.Listen(s.place.addr)
		if s.place.meta {
			s.run.traceLeader(s.place.name)
		}
	case world.EventAccepted:
		s.run.observer.accepted(io.Global(ev.Conn))
		s.do(now, io, upstream.ServerEvent{Kind: upstream.ServerAccepted, Conn: ev.Conn, Peer: ev.Peer})
	case world.EventReceived:
		s.run.observer.serverReceived(io.Global(ev.Conn), len(ev.Data), io.Stamp)
		s.do(now, io, upstream.ServerEvent{Kind: upstream.ServerReceived, Conn: ev.Conn, Data: ev.Data})
	case world.EventClosed:
		s.run.observer.serverGone(io.Global(ev.Conn))
		s.tokens.drop(ev.Conn)
		s.do(now, io, upstream.ServerEvent{Kind: upstream.ServerClosed, Conn: ev.Conn})
		s.run.judge.leaks(s.run.world.Now(), s.place.name, s.core.Leaked())
	case world.EventTimer:
		s.do(now, io, upstream.ServerEvent{Kind: upstream.ServerTimer, Conn: protocol.ConnID(ev.Timer)})
	case world.EventPost:
		t := ev.Value.(acceptedToken)
		s.do(now, io, upstream.ServerEvent{Kind: upstream.ServerToken, Conn: t.conn, Data: t.data, Done: t.done, Failed: t.failed, Principal: t.principal})
	}
}

// setLeader implements serverProcess.
func (s *upstreamServer) setLeader(leader netip.AddrPort) {
	s.effects = s.core.Step(s.run.hosts[s.place.name].Steady(), upstream.ServerEvent{Kind: upstream.ServerLeader, Peer: leader}, s.effects[:0])
}

// learn implements serverProcess. A meta that does not lead answers from no table.
func (s *upstreamServer) learn() {
	if !s.place.meta || s.run.leader == s.place.addr {
		s.effects = s.core.Step(s.run.hosts[s.place.name].Steady(), upstream.ServerEvent{Kind: upstream.ServerTables, Tables: s.run.upstreamTables(s.place)}, s.effects[:0])
	}
}

// decide implements serverProcess.
func (s *upstreamServer) decide(int) { s.learn() }

func (s *upstreamServer) do(now time.Time, io *world.IO, ev upstream.ServerEvent) {
	s.effects = s.core.Step(now, ev, s.effects[:0])
	for i := range s.effects {
		s.apply(io, &s.effects[i])
	}
}

func (s *upstreamServer) apply(io *world.IO, e *upstream.ServerEffect) {
	switch e.Kind {
	case upstream.ServerWrite:
		s.run.serverWrites(s.place, io, e.Conn, e.Data)
	case upstream.ServerClose:
		s.run.judge.serverClosed(e.Cause == upstream.CauseDeadline)
		s.run.observer.serverGone(io.Global(e.Conn))
		s.tokens.drop(e.Conn)
		io.Close(e.Conn)
	case upstream.ServerArmTimer:
		io.Arm(protocol.TimerID(e.Conn), e.After)
	case upstream.ServerStopTimer:
		io.Stop(protocol.TimerID(e.Conn))
	case upstream.ServerAcceptToken:
		s.tokens.ask(io, e.Conn, e.Begin, e.Data)
	case upstream.ServerExecuted:
		io.Trace(trace.Event{Kind: trace.KindExecute, Conn: io.Global(e.Conn), RPC: e.RPC.String(), Principal: e.Principal})
		s.run.judge.executed(s.run.world.Now(), s.run.observer.connection(io.Global(e.Conn)), s.place.name, e.RPC)
	case upstream.ServerConn:
		if e.State == upstream.ServerConnDead {
			s.run.observer.muted(io.Global(e.Conn))
			s.run.judge.serverClosed(e.Cause == upstream.CauseDeadline)
			io.Trace(trace.Event{Kind: trace.KindSession, Conn: io.Global(e.Conn), State: "mute", Note: e.Cause.String()})
		}
	}
}
