// The death of a client's process, and what it leaves behind: operations whose end nobody
// will know, connections that servers may hold for open, and a host whose ports go on.

package sim

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/sim/world"
)

// takeClientDown ends the process of a client that runs, for a while.
func (r *run) takeClientDown(f *Fault, host *world.Host) {
	now, client := r.world.Now(), slices.Index(r.scenario.nodesOf(roleClient), f.Node)
	r.judge.begun(f.Kind)
	if r.ops.abandon(client) {
		r.judge.meet(MetAbandoned)
	}
	r.observer.disturb(f.Node)
	r.observer.clientDied(now, client)
	r.judge.clientDied(client)
	clear(r.known[client])
	if f.Kind == FaultClientRestart {
		host.Kill()
		r.world.After(f.Down, host.Restart)
		return
	}
	host.PowerOff()
	r.world.After(f.Down, host.PowerOn)
}

// abandon gives up what a client has not been told of, and says whether there was any. The
// history has such an operation as unknown and open: it may still take effect.
func (o *operations) abandon(client int) (some bool) {
	for _, op := range o.all {
		if op.client == client && op.returned.IsZero() && !op.abandoned {
			op.abandoned, some = true, true
		}
	}
	return some
}

// clientDied: what its sessions, queries and tickets owe is owed no more. The next process
// of the client begins with none.
func (j *judge) clientDied(client int) {
	for _, p := range j.order {
		if p.client == client {
			p.attempting, p.trying, p.wanting, p.failed, p.recent = time.Time{}, time.Time{}, time.Time{}, false, nil
			p.asking, p.asked = 0, time.Time{}
		}
	}
	j.queries[client], j.fetches[client] = time.Time{}, nil
	j.loads[client].running, j.loads[client].closed = 0, false
	for key := range j.troubled { // in any order: each is deleted by itself
		if key.client == client {
			delete(j.troubled, key)
		}
	}
}
