// Convergence: who is kept out for ever, and how long coming back took of those who are not,
// by two figures. Converged is what the cluster and its clients owe: sessions that are ready,
// and requests that are answered. Waited is what callers had to bear, with the operations
// that failed them.

package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
)

// What the two figures of a run measure, in words. Both are there where the run converged.
const (
	convergedReference = "longest time until a session was ready, from the first attempt at it, and until a partition's first operation that succeeded was answered, from its beginning; from the end of the faults where that is later; operations that failed are not counted"
	convergedUpstream  = "longest time until a session was ready, from the first attempt at it, and until a partition answered, from the beginning of the first operation that failed, if one did; from the end of the faults where that is later"
	// WaitedSays is the definition of Result.WaitedNS.
	WaitedSays = "longest time that a client's callers had operations running on a partition, from the end of the faults to the first that succeeded; operations that failed are counted, pauses between operations are not"
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

// waited is how long callers waited for an answer: of each client and partition the time that
// operations ran from the end of the faults to the first that succeeded, or to the end where
// none did; the longest of these. One that fails at once adds nothing, and a caller's pause
// between two operations is its own.
func (j *judge) waited(end time.Time) time.Duration {
	type asked struct{ client, partition int }
	answered := make(map[asked]time.Time) // the first time
	for _, op := range j.ops.byReturn() {
		key := asked{op.client, op.partition}
		if _, was := answered[key]; !was && op.outcome == session.OutcomeOK && op.returned.After(j.faultsOver) {
			answered[key] = op.returned
		}
	}
	waits := make(map[asked]time.Duration)
	until := make(map[asked]time.Time) // what is counted
	var longest time.Duration
	for _, op := range j.ops.all {
		key := asked{op.client, op.partition}
		to := op.returned
		if op.abandoned {
			continue
		}
		if to.IsZero() {
			to = end
		}
		if first, was := answered[key]; was {
			to = earlier(to, first)
		}
		from := later(later(op.invoked, j.faultsOver), until[key])
		if to.After(from) {
			waits[key] += to.Sub(from)
			until[key] = to
			longest = max(longest, waits[key])
		}
	}
	return longest
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
	if then.Before(j.faultsOver) {
		then = j.faultsOver
	}
	return now.Sub(then)
}
