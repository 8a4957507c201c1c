// What each kind of fault does in the world, and how it ends.

package sim

import (
	"time"

	"github.com/a8011091/pegasus-reference/sim/world"
)

// faultActions says for each kind how it begins and how it is over.
var faultActions = [faultKinds]struct {
	begin, end func(r *run, f *Fault, host *world.Host)
}{
	FaultClockStep: {
		func(_ *run, f *Fault, host *world.Host) { host.StepClock(f.By) },
		func(_ *run, f *Fault, host *world.Host) { host.StepClock(-f.By) },
	},
	FaultClockDrift: {
		func(r *run, f *Fault, host *world.Host) { r.changeDrift(host, f.Rate) },
		func(r *run, f *Fault, host *world.Host) { r.changeDrift(host, -f.Rate) },
	},
	FaultKeyRotation: {
		func(r *run, f *Fault, _ *world.Host) { r.realm.rotate(f.Node) },
		func(r *run, f *Fault, _ *world.Host) { r.realm.export(f.Node) },
	},
	FaultKDCOutage: {
		func(_ *run, _ *Fault, host *world.Host) { host.Kill() },
		func(_ *run, _ *Fault, host *world.Host) {
			if !host.Up() {
				host.Restart()
			}
		},
	},
	FaultTicketExpiry: {
		func(r *run, f *Fault, _ *world.Host) { r.realm.shorten(f.By) },
		func(r *run, f *Fault, _ *world.Host) { r.realm.lengthen(f.By) },
	},
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
	r.world.At(r.scenario.LastFault(), func() { r.judge.faultsOver = r.world.Now() })
}

// befall lets a fault begin, and end in its time.
func (r *run) befall(f *Fault) {
	host := r.hosts[f.Node]
	if f.Kind.takesDown() {
		r.takeDown(f, host)
		return
	}
	action := faultActions[f.Kind]
	action.begin(r, f, host)
	r.world.After(f.Down, func() { action.end(r, f, host) })
}

// takeDown ends the process of a node for a while.
func (r *run) takeDown(f *Fault, host *world.Host) {
	if !host.Up() {
		return // an earlier fault still has it; it is not restarted twice at once
	}
	r.judge.fault(f.Kind, r.observer.inFlight(f.Node))
	r.observer.disturb(f.Node)
	r.observer.nodeGone(f.Node)
	if f.Kind == FaultPowerLoss {
		host.PowerOff()
		r.world.After(f.Down, host.PowerOn)
		return
	}
	host.Kill()
	r.world.After(f.Down, host.Restart)
}

// changeDrift adds to a host's drift. What lies beyond the world's bound is kept for when
// an opposite change comes.
func (r *run) changeDrift(host *world.Host, by int64) {
	r.drifts[host.Name()] += by
	host.SetDrift(min(max(r.drifts[host.Name()], -world.MaxDrift), world.MaxDrift))
}

// until is when a fault is over.
func (f *Fault) until() time.Duration { return f.At + f.Down }
