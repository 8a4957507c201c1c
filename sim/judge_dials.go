// What keeps a dial waiting that is not its client's doing: a SYN that was answered late because
// of a fault that is over by now, and a host all of whose ports are taken towards a node.

package sim

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// lateHandshake is how long after the last fault a dial may still be under way that began
// before: until its SYN, which came just before the end of a slow handshake, is answered, or
// until the client gives it up. Slow handshakes of one node that overlap add up.
func (s *Scenario) lateHandshake() time.Duration {
	var late time.Duration
	for _, f := range s.Faults {
		if f.Kind != FaultSlowHandshake || s.role(f.Node)&roleServer == 0 {
			continue
		}
		end, by := f.until(), time.Duration(0)
		for _, g := range s.Faults {
			if g.Kind == f.Kind && g.Node == f.Node && g.At < end && g.until() >= end {
				by += g.By
			}
		}
		late = max(late, end+min(by, session.DefaultConfig().DialTimeout)-s.LastFault())
	}
	return late
}

// noPort: the kernel of a client's host had no port towards a node.
func (j *judge) noPort(now time.Time, client int, node string) {
	j.meet(MetNoPort)
	j.pair(client, node).portless = now
}

// starved: a session is not there, or was not from then on, because its client's host had no
// port for it.
func (j *judge) starved(then time.Time, p *pair) bool {
	return !p.portless.IsZero() && !then.After(p.portless.Add(j.scenario.BackoffCap))
}

// waitsForPort: while an operation ran that ends now its client had no port towards its node, or
// towards a meta that could have said which node it is.
func (j *judge) waitsForPort(op *operation) bool {
	return slices.ContainsFunc(j.order, func(p *pair) bool {
		return p.client == op.client && j.starved(op.invoked, p) && (p == op.pair || j.scenario.role(p.node) == roleMeta)
	})
}

// portsFree is when ports are free again that connections held which the client closed while
// there were faults: TIME-WAIT is over. Who has none after that has used them up itself.
func (j *judge) portsFree() time.Time {
	return j.faultsOver.Add(world.TimeWait + j.scenario.reconnectBound())
}
