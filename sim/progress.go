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

// unnoticed is how long the reference client may take a connection for alive that has died
// without a word: nothing is written until keep-alive is about to give up, and then that is
// waited for.
func unnoticed() time.Duration {
	return keepAliveIdle + keepAliveCount*keepAliveInterval + session.DefaultConfig().Silence
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
		if j.misses(now, p) {
			what := fmt.Sprintf("%s has no ready session to %s %v after the last fault: %s", clientName(p.client), p.node, now.Sub(j.faultsOver), p.triedWords(now))
			j.pend("session", what)
			j.violate(now, PropertyConvergenceBound, what)
		}
	}
	for _, op := range j.ops.all {
		if op.returned.IsZero() && !op.abandoned && j.overdue(now, op) {
			j.pend("request", fmt.Sprintf("operation %d (%s) of %s, submitted at %v", op.id, opWord(op.rpc), clientName(op.client), op.invoked.Sub(j.epoch)))
		}
	}
}

// misses: a session has been asked for in vain since there were faults, though there is a port
// for it.
func (j *judge) misses(now time.Time, p *pair) bool {
	since := j.missingSince(now, p)
	return !since.IsZero() && !since.After(j.faultsOver) && (now.After(j.portsFree()) || !j.starved(now, p))
}

// callersRest is the longest time in which nobody asks for a session that is asked for all the
// same: a caller pauses between its operations, and a client between its attempts.
func (s *Scenario) callersRest() time.Duration { return max(2*s.BackoffCap, 2*time.Second) }

// wants: the session of a pair is asked for, by an attempt at it, by an operation that its
// client sends to the node, or by a table that it looks up there.
func (j *judge) wants(now time.Time, p *pair) {
	switch {
	case p.conn != nil && p.conn.ready:
	case p.wanting.IsZero(), j.rests(now, p):
		p.wanting = now
	}
}

// rests: nobody has asked for the session of a pair for a while, and nobody does.
func (j *judge) rests(now time.Time, p *pair) bool {
	return p.conn == nil && p.asking == 0 && now.Sub(p.asked) > j.scenario.callersRest()
}

// sends and sent: an operation of the reference client runs from the one to the other, which
// it is to send to the node of a pair.
func (j *judge) sends(now time.Time, p *pair) {
	j.wants(now, p)
	p.asking++
}

func (p *pair) sent(now time.Time) {
	p.asking--
	p.asked = later(p.asked, now)
}

// looksUp: the reference client asks a meta for a table, and waits so long for its answer.
func (j *judge) looksUp(now time.Time, client int, meta string, within time.Duration) {
	p := j.pair(client, meta)
	j.wants(now, p)
	p.asked = now.Add(within)
}

// missingSince is since when a session has been asked for in vain, without a rest; zero if it
// is there or nobody asks for it. An operation whose partition has another primary by now does
// not.
func (j *judge) missingSince(now time.Time, p *pair) time.Time {
	if p.wanting.IsZero() {
		return time.Time{}
	}
	still := *p
	for _, op := range j.ops.all {
		if op.pair == p && op.returned.IsZero() && !op.abandoned {
			if to, _ := j.route(op.client, op.partition); to.node != p.node {
				still.asking--
			}
		}
	}
	if j.rests(now, &still) {
		return time.Time{}
	}
	return p.wanting
}

// triedWords says what a client has done for a session.
func (p *pair) triedWords(now time.Time) string {
	if p.attempts == 0 {
		return "it has not tried to get one"
	}
	return fmt.Sprintf("%d attempts, the latest %v ago", p.attempts, now.Sub(p.latest).Round(time.Millisecond))
}

// maxPending is how many missing things are named.
const maxPending = 20

func (j *judge) pend(kind, what string) {
	if len(j.pending) < maxPending {
		j.pending = append(j.pending, Pending{kind, what})
	}
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
	if op.on == nil || op.on.disturbed || op.outcome == session.OutcomeOK || op.excused {
		return
	}
	j.violate(now, PropertyRequestsDrain, fmt.Sprintf("%s of %s, submitted while its session to %s was ready on c%d, ended %s (%s) though nothing but credentials, if anything, was in trouble",
		opWord(op.rpc), clientName(op.client), op.on.node, op.on.id, outcomeWord(op.outcome), op.why))
}
