// Convergence: who is kept out for ever, and how long coming back took of those who are not.
// Converged is what the cluster and its clients owe: sessions that are ready, and requests that
// are answered. Waited and answered are what callers see, with the operations that failed them:
// a partition was away for as long as they waited for it at least, and until it answered at most.

package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
)

// What the figures of a run measure, in words. They are there where the run converged.
const (
	convergedReference = "longest time until a session was ready, from the first attempt at it, and until a partition's first operation that succeeded was answered, from its beginning; from the end of the faults where that is later; operations that failed are not counted"
	convergedUpstream  = "longest time until a session was ready, from the first attempt at it, and until a partition answered, from the beginning of the first operation that failed, if one did; from the end of the faults where that is later"
	// WaitedSays is the definition of Result.WaitedNS.
	WaitedSays = "longest time that a client's callers had operations running on a partition, from the end of the faults to the first that succeeded; operations that failed are counted, pauses between operations are not"
	// AnsweredSays is the definition of Result.AnsweredNS.
	AnsweredSays = "the same with the pauses: from the beginning of the first operation of that client on that partition"
)

// ConvergedSays is the definition of Result.ConvergedAfterNS for a client.
func ConvergedSays(client string) string {
	if client == ClientReference {
		return convergedReference
	}
	return convergedUpstream
}

// judgeConvergence: nobody is still trying to get in, or was shortly before the end and
// failed. A session that nobody has asked for since is not held against its client, nor is
// an attempt beside which another connection serves it: that is single-connection's affair.
func (j *judge) judgeConvergence(now time.Time) {
	for _, p := range j.order {
		switch {
		case p.served.After(p.latest):
		case !p.attempting.IsZero() && now.Sub(p.attempting) > maxAttempt:
			j.violate(now, PropertyReconnectConverges, fmt.Sprintf("%s has been trying to reach %s for %v (attempt %d)", clientName(p.client), p.node, now.Sub(p.attempting).Round(time.Millisecond), p.attempts))
		case p.failed && j.stillTried(now, p):
			j.violate(now, PropertyReconnectConverges, fmt.Sprintf("%s still tries to reach %s and fails: %d attempts, the latest %v before the end", clientName(p.client), p.node, p.attempts, now.Sub(p.latest).Round(time.Millisecond)))
		}
	}
}

// stillTried: the latest attempt is so late that the callers of the scenario's slowest
// pace, and the meta queries that they cause, would have made another if it was needed.
func (j *judge) stillTried(now time.Time, p *pair) bool {
	return now.Sub(p.latest) < min(stillTrying, j.scenario.Watch*3/4)
}

// reconnectBound is design's bound on reconnection after the last server is serving: the
// backoff cap, ten round trips and 100 ms.
// Where keys, tickets or clocks were in trouble a ticket that is refused may be too young to
// be replaced at once.
func (s *Scenario) reconnectBound() time.Duration {
	bound := s.BackoffCap + 20*s.LatencyMax + 100*time.Millisecond
	if s.Auth == AuthKerberos && slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind.Info().spares }) {
		bound += ticketConfig().UnreachableCap + s.BackoffCap + 20*s.LatencyMax
	}
	return bound
}

// convergedAfter is how long the cluster was up and its clients were not: the longest
// that a session took to become ready, and a partition to answer, from the end of the
// faults or from when it was first asked after that. False when that never happened. Where an
// operation of an upstream client fails, its partition has been asked since that one; what the
// reference may fail is requests-drain's affair, and its callers' pauses are none of its time.
func (j *judge) convergedAfter() (time.Duration, bool) {
	var longest time.Duration
	end := j.faultsOver.Add(j.scenario.Watch)
	for _, p := range j.order {
		if !p.attempting.IsZero() || p.failed && j.stillTried(end, p) {
			return 0, false
		}
		longest = max(longest, p.took)
	}
	since := make([]time.Time, j.scenario.Partitions) // a partition has been asked in vain
	refused := make([]bool, j.scenario.Partitions)
	answered := make([]bool, j.scenario.Partitions)
	for _, op := range j.ops.byReturn() {
		part := op.partition
		switch {
		case !op.returned.After(j.faultsOver) || answered[part]:
		case op.outcome == session.OutcomeOK:
			answered[part] = true
			if since[part].IsZero() {
				since[part] = op.invoked
			}
			longest = max(longest, j.sinceFaults(op.returned, since[part]))
		case !j.reference:
			refused[part] = refused[part] || op.invoked.After(j.faultsOver)
			if since[part].IsZero() {
				since[part] = op.invoked
			}
		}
	}
	for part := range refused {
		if refused[part] && !answered[part] {
			return 0, false
		}
	}
	return longest, true
}

// wait is one client's for one partition.
type wait struct {
	answered time.Time // the first success; zero: none
	since    time.Time // the first operation, or the end of the faults
	until    time.Time // what is counted
	waited   time.Duration
}

// waited is how long callers waited for an answer: of each client and partition the time that
// operations ran from the end of the faults to the first that succeeded, or to the end where
// none did; the longest of these. One that fails at once adds nothing, and a caller's pause
// between two operations is its own. answered is the longest with the pauses.
func (j *judge) waited(end time.Time) (waited, answered time.Duration) {
	type asked struct{ client, partition int }
	waits := make(map[asked]*wait)
	for _, op := range j.ops.all {
		key := asked{op.client, op.partition}
		w := waits[key]
		if w == nil {
			w = &wait{}
			waits[key] = w
		}
		if op.outcome == session.OutcomeOK && op.returned.After(j.faultsOver) && (w.answered.IsZero() || op.returned.Before(w.answered)) {
			w.answered = op.returned
		}
	}
	for _, op := range j.ops.all {
		if op.abandoned {
			continue
		}
		w, to := waits[asked{op.client, op.partition}], op.returned
		if to.IsZero() {
			to = end
		}
		if !w.answered.IsZero() && to.After(w.answered) {
			to = w.answered
		}
		from := later(later(op.invoked, j.faultsOver), w.until)
		if !to.After(from) {
			continue
		}
		if w.since.IsZero() {
			w.since = from
		}
		w.waited += to.Sub(from)
		w.until = to
		waited, answered = max(waited, w.waited), max(answered, to.Sub(w.since))
	}
	return waited, answered
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sinceFaults is how much of the time from then to now lies after the faults.
func (j *judge) sinceFaults(now, then time.Time) time.Duration {
	if j.faultsOver.IsZero() {
		return 0
	}
	return now.Sub(later(then, j.faultsOver))
}
