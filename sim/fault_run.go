// What each kind of fault does in the world, and how it ends.

package sim

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// faultActions says for each kind that does not take a node down how it begins and how it
// is over.
var faultActions = [faultKinds]struct {
	begin, end func(r *run, f *Fault, host *world.Host)
	// cannot says why it does not begin, "" where it does; nil: it does whenever it is time.
	cannot func(r *run, f *Fault) string
}{
	FaultPause:     {begin: (*run).pause, end: (*run).resume},
	FaultPartition: {begin: eachWay((*world.World).Cut), end: eachWay((*world.World).Heal)},
	FaultOneWay:    {begin: oneWay((*world.World).Cut), end: oneWay((*world.World).Heal)},
	FaultDelay: {
		begin: func(r *run, f *Fault, host *world.Host) { r.delay(f, host, f.By) },
		end:   func(r *run, f *Fault, host *world.Host) { r.delay(f, host, -f.By) },
	},
	FaultClog: {
		begin: func(r *run, f *Fault, host *world.Host) {
			r.eachPeer(f, func(peer *world.Host) {
				r.world.Clog(host, peer, f.Down)
				r.world.Clog(peer, host, f.Down)
			})
		},
		end: func(*run, *Fault, *world.Host) {},
	},
	FaultSlowHandshake: {
		begin: func(_ *run, f *Fault, host *world.Host) { host.SlowHandshake(f.By) },
		end:   func(_ *run, f *Fault, host *world.Host) { host.SlowHandshake(-f.By) },
	},
	FaultLeaderChange: {
		begin: func(r *run, _ *Fault, _ *world.Host) { r.setLeader(netip.AddrPort{}) },
		end:   func(r *run, f *Fault, _ *world.Host) { r.setLeader(r.addrOf(f.Node)) },
	},
	FaultClockStep: {
		begin: func(_ *run, f *Fault, host *world.Host) { host.StepClock(f.By) },
		end:   func(_ *run, f *Fault, host *world.Host) { host.StepClock(-f.By) },
	},
	FaultClockDrift: {
		begin: func(r *run, f *Fault, host *world.Host) { r.changeDrift(host, f.Rate) },
		end:   func(r *run, f *Fault, host *world.Host) { r.changeDrift(host, -f.Rate) },
	},
	FaultKeyRotation: {
		begin: func(r *run, f *Fault, _ *world.Host) { r.realm.rotate(f.Node) },
		end:   func(r *run, f *Fault, _ *world.Host) { r.realm.export(f.Node) },
	},
	FaultKDCOutage: {
		begin: func(_ *run, _ *Fault, host *world.Host) { host.Kill() },
		end: func(_ *run, _ *Fault, host *world.Host) {
			if !host.Up() {
				host.Restart()
			}
		},
	},
	FaultTicketExpiry: {
		begin: func(r *run, f *Fault, _ *world.Host) { r.realm.shorten(f.By) },
		end:   func(r *run, f *Fault, _ *world.Host) { r.realm.lengthen(f.By) },
	},
	FaultForgetFlows: {begin: forgetFlows(world.ForgottenDropped), end: (*run).rememberFlows},
	FaultResetFlows:  {begin: forgetFlows(world.ForgottenRefused), end: (*run).rememberFlows},
	FaultMovePrimary: {cannot: (*run).cannotMove, begin: (*run).move, end: (*run).serve},
	FaultStaleLeader: {cannot: (*run).cannotDepose, begin: (*run).depose, end: (*run).enlighten},
}

func (r *run) scheduleFaults() {
	for _, c := range r.scenario.Clocks {
		if host := r.hosts[c.Node]; c.Offset != 0 || c.Drift != 0 {
			host.StepClock(c.Offset)
			r.changeDrift(host, c.Drift)
		}
	}
	for i := range r.scenario.Faults {
		f := &r.scenario.Faults[i]
		r.world.At(f.At, func() { r.befall(f) })
	}
	if r.scenario.Odd.set() {
		r.odd.schedule()
	}
	r.world.At(r.scenario.LastFault(), func() { r.judge.faultsOver = r.world.Now() })
	if due, watched := r.scenario.progressDue(); watched {
		r.world.At(due, r.demandProgress)
	}
}

// befall lets a fault begin, and end in its time.
func (r *run) befall(f *Fault) {
	host := r.hosts[f.Node]
	if f.Kind.takesDown() {
		r.takeDown(f, host)
		return
	}
	action := faultActions[f.Kind]
	if action.cannot != nil {
		if why := action.cannot(r, f); why != "" {
			r.judge.idle(f, why)
			return
		}
	}
	r.judge.begun(f.Kind)
	r.tellFault(f, faultBegins)
	r.disturb(f, 1)
	action.begin(r, f, host)
	r.world.After(f.Down, func() {
		action.end(r, f, host)
		r.disturb(f, -1)
		r.tellFault(f, faultEnds)
	})
}

// States of trace.KindFault, of faults that last.
const (
	faultBegins = "begins"
	faultEnds   = "ends"
)

// tellFault tells that something that lasts goes wrong from now on, or no longer does.
func (r *run) tellFault(f *Fault, state string) {
	r.hosts[f.Node].Trace(trace.Event{Kind: trace.KindFault, State: state, Note: f.Kind.String()})
}

// takeDown ends the process of a node for a while.
func (r *run) takeDown(f *Fault, host *world.Host) {
	if !host.Up() {
		r.judge.idle(f, "an earlier fault has it down") // it is not restarted twice at once
		return
	}
	if f.Kind.takesClientDown() {
		r.takeClientDown(f, host)
		return
	}
	r.judge.fault(f.Kind, r.observer.inFlight(f.Node))
	r.observer.meetRestart(f.Node)
	r.observer.disturb(f.Node)
	r.observer.nodeGone(f.Node)
	if f.Kind == FaultRestart {
		host.Kill()
		r.world.After(f.Down, host.Restart)
		r.meetMetasDown(f.Node)
		return
	}
	host.PowerOff()
	r.meetMetasDown(f.Node)
	if f.Kind == FaultDiskLoss {
		now := r.world.Now()
		undone := r.place(f.Node).disk.undo(now.Add(-f.By))
		r.ops.lost(now, undone)
		if len(undone) > 0 {
			r.judge.meet(MetWriteLost)
		}
	}
	r.world.After(f.Down, host.PowerOn)
}

// meetMetasDown: a node went down.
func (r *run) meetMetasDown(node string) {
	if r.scenario.role(node) != roleMeta {
		return
	}
	for _, p := range r.places {
		if p.meta && r.hosts[p.name].Up() {
			return
		}
	}
	r.judge.meet(MetEveryMetaDown)
}

// disturb marks whom a fault that spares nobody may cost something, as it begins (by is 1)
// and as it ends (-1).
func (r *run) disturb(f *Fault, by int) {
	if f.Kind.Info().spares {
		return
	}
	r.disturbed[f.Node] += by
	r.observer.disturb(f.Node)
}

func (r *run) pause(f *Fault, host *world.Host) {
	r.pauses[f.Node]++
	host.Pause()
}

// resume lets a process go on unless another pause holds it, and tells it what it missed of
// the metas' election.
func (r *run) resume(f *Fault, host *world.Host) {
	if r.pauses[f.Node]--; r.pauses[f.Node] > 0 {
		return
	}
	host.Resume()
	if r.scenario.role(f.Node) == roleMeta && host.Up() && r.deaf[f.Node] == 0 {
		r.tellLeader(f.Node)
	}
}

// eachPeer is whom a fault of the network is between its node and.
func (r *run) eachPeer(f *Fault, do func(peer *world.Host)) {
	if f.Peer != "" {
		do(r.hosts[f.Peer])
		return
	}
	for _, name := range r.scenario.peersOf(f.Node) {
		do(r.hosts[name])
	}
}

func oneWay(act func(w *world.World, from, to *world.Host)) func(*run, *Fault, *world.Host) {
	return func(r *run, f *Fault, host *world.Host) {
		r.eachPeer(f, func(peer *world.Host) { act(r.world, host, peer) })
	}
}

func eachWay(act func(w *world.World, from, to *world.Host)) func(*run, *Fault, *world.Host) {
	return func(r *run, f *Fault, host *world.Host) {
		r.eachPeer(f, func(peer *world.Host) {
			act(r.world, host, peer)
			act(r.world, peer, host)
		})
	}
}

func (r *run) delay(f *Fault, host *world.Host, by time.Duration) {
	r.eachPeer(f, func(peer *world.Host) {
		r.world.Delay(host, peer, by)
		r.world.Delay(peer, host, by)
	})
}

// setLeader has every meta that runs know who leads; those that do not are told when they
// start or go on. One that is elected knows, whatever else it does not hear of.
func (r *run) setLeader(leader netip.AddrPort) {
	r.leader = leader
	for _, p := range r.places {
		if host := r.hosts[p.name]; p.meta && host.Up() && !host.Paused() && (r.deaf[p.name] == 0 || p.addr == leader) {
			r.tellLeader(p.name)
		}
	}
}

func (r *run) tellLeader(node string) {
	words := "nobody leads"
	if r.leader.IsValid() {
		words = r.nodeName(r.leader) + " leads"
	}
	r.hosts[node].Trace(trace.Event{Kind: trace.KindFault, Note: words})
	if server := r.servers[node]; server != nil { // else it is about to boot, and will know
		r.traceLeader(node)
		server.setLeader(r.leader)
		server.learn()
	}
}

// traceLeader tells whom a meta takes for the leader from now on.
func (r *run) traceLeader(node string) {
	ev := trace.Event{Kind: trace.KindLeader}
	if r.leader.IsValid() {
		ev.Peer = r.leader.String()
	}
	r.hosts[node].Trace(ev)
}

func (r *run) place(node string) *nodePlace {
	for _, p := range r.places {
		if p.name == node {
			return p
		}
	}
	return nil
}

func (r *run) addrOf(node string) netip.AddrPort { return r.place(node).addr }

// changeDrift adds to a host's drift. What lies beyond the world's bound is kept for when
// an opposite change comes.
func (r *run) changeDrift(host *world.Host, by int64) {
	r.drifts[host.Name()] += by
	host.SetDrift(min(max(r.drifts[host.Name()], -world.MaxDrift), world.MaxDrift))
}

// until is when a fault is over.
func (f *Fault) until() time.Duration { return f.At + f.Down }
