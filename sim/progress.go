// Progress: what is owed while faults spare a session, and once they have stopped. Within a
// bound every session that somebody needs is ready and every request is answered; what is
// missing then is named.

package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
)

// Pending is something that was still missing when progress was due.
type Pending struct {
	Kind string `json:"kind"` // session, request or node
	What string `json:"what"`
}

// progressBound is the bound of convergence-bound: how long after the last fault a session
// of the reference client may take: a connection that died without a word is noticed, an
// attempt under way is given up, and the next succeeds.
func (s *Scenario) progressBound() time.Duration {
	cfg := session.DefaultConfig()
	bound := cfg.DialTimeout + cfg.NegotiationTimeout + s.reconnectBound()
	if s.Odd.set() || slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind.Info().silent }) {
		bound += cfg.Silence + cfg.DialTimeout
	}
	if s.Auth == AuthKerberos && slices.ContainsFunc(s.Faults, func(f Fault) bool { return !f.Kind.takesDown() }) {
		bound += s.credentialBound()
	}
	return bound
}

// progressDue is the instant at which convergence-bound is judged, and whether the run lasts
// that long.
func (s *Scenario) progressDue() (time.Duration, bool) {
	due := s.LastFault() + s.progressBound()
	return due, due < s.End()
}

// unwatched says that a run ends before progress is due, and how it would not; "" where it
// is due.
func (s *Scenario) unwatched() string {
	if _, watched := s.progressDue(); watched || s.Client != ClientReference {
		return ""
	}
	bound := s.progressBound()
	return fmt.Sprintf("%s was not judged: it is due %v after the last fault, and the run ends after %v; have `watch %v` in the scenario file, or replay it with --watch %[4]v",
		PropertyConvergenceBound, bound, s.Watch, bound.Truncate(time.Second)+time.Second)
}

// demandProgress judges the reference client when the bound has passed.
func (r *run) demandProgress() {
	j, now := r.judge, r.world.Now()
	if !j.reference {
		return
	}
	for _, p := range r.places {
		if host := r.hosts[p.name]; !host.Up() || host.Paused() {
			j.pend("node", fmt.Sprintf("%s does not run", p.name))
		}
	}
	for _, p := range j.order {
		if since := j.missingSince(now, p); !since.IsZero() && !since.After(j.faultsOver) {
			what := fmt.Sprintf("%s has no ready session to %s %v after the last fault: %d attempts, the latest %v ago",
				clientName(p.client), p.node, now.Sub(j.faultsOver), p.attempts, now.Sub(p.latest).Round(time.Millisecond))
			j.pend("session", what)
			j.violate(now, PropertyConvergenceBound, what)
		}
	}
	for _, op := range j.ops.all {
		if op.returned.IsZero() && !op.abandoned && now.After(op.deadline.Add(time.Second)) {
			j.pend("request", fmt.Sprintf("operation %d (%s) of %s, submitted at %v", op.id, opWord(op.rpc), clientName(op.client), op.invoked.Sub(j.epoch)))
		}
	}
}

// missingSince is since when, without a pause, a client has tried to get a session to a node
// in vain; zero if it has one or nobody asks for it.
func (j *judge) missingSince(now time.Time, p *pair) time.Time {
	if p.conn == nil && now.Sub(p.ended) > 2*j.scenario.BackoffCap {
		return time.Time{}
	}
	return p.wanting
}

// maxPending is how many missing things are named.
const maxPending = 20

func (j *judge) pend(kind, what string) {
	if len(j.pending) < maxPending {
		j.pending = append(j.pending, Pending{kind, what})
	}
}

// connectionFor is the connection that an operation's client has to its node, nil without.
func (j *judge) connectionFor(op *operation) *connection {
	if p := j.pairs[pairKey{op.client, op.node}]; p != nil {
		return p.conn
	}
	return nil
}

// bestSession is op.at where the operation can be served on it at once, nil where something
// disturbs it.
func (j *judge) bestSession(op *operation) *connection {
	if !j.reference || op.deadline.Sub(op.invoked) < 20*j.scenario.LatencyMax+100*time.Millisecond {
		return nil
	}
	if c := op.at; c != nil && c.ready && c.serverEnd && !c.disturbed {
		return c
	}
	return nil
}

// served holds an operation that began on an undisturbed session against how it ended.
func (j *judge) served(now time.Time, op *operation) {
	if op.outcome == session.OutcomeOK && op.on != nil && j.hasNoTicket(op) {
		j.meet(MetServedWithoutTicket)
	}
	if to, settled := j.route(op.client, op.partition); !settled || to.ballot != op.ballot {
		return // its partition has moved, or does
	}
	if op.on == nil || op.on.disturbed || op.outcome == session.OutcomeOK || op.why == session.ReasonQueueFull.String() || op.why == session.ReasonClosed.String() {
		return
	}
	j.violate(now, PropertyRequestsDrain, fmt.Sprintf("%s of %s, submitted while its session to %s was ready on c%d, ended %s (%s) though nothing but credentials, if anything, was in trouble",
		opWord(op.rpc), clientName(op.client), op.on.node, op.on.id, outcomeWord(op.outcome), op.why))
}
