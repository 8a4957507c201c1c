// The verdict on a history.

package linearizability

import (
	"math"
	"time"

	"github.com/anishathalye/porcupine"
)

// Verdict is what a check came to.
type Verdict uint8

// Verdicts.
const (
	Held         Verdict = iota + 1 // the history is linearizable
	Violation                       // it is not
	Inconclusive                    // the search did not end in time, or the history contradicts itself; never counts as held
)

// verdictNames is indexed by Verdict; nothing writes it.
var verdictNames = [...]string{Held: "held", Violation: "violation", Inconclusive: "inconclusive"}

// String returns the verdict as reports say it.
func (v Verdict) String() string {
	if v == 0 || int(v) >= len(verdictNames) {
		return "no verdict"
	}
	return verdictNames[v]
}

// AnyClock is the skew that says that nothing is known of the servers' clocks: a record that
// expires may be absent at any time.
const AnyClock = time.Duration(math.MaxInt64)

// Options of a check.
type Options struct {
	Timeout   time.Duration // of the search, real time; 0: none
	ClockSkew time.Duration // how far a server's clock may be from the history's, either way; AnyClock
}

// Result is a verdict and what it rests on.
type Result struct {
	Verdict    Verdict
	Key        string // hash key of the first record, in order of keys, that is not linearizable or was not decided
	SortKey    string // and its sort key
	Operations int    // that were checked: those that succeeded, and writes of unknown outcome
	Err        error  // a *HistoryError, where the history contradicts itself

	// Visualization draws the records of Key, or where there is none, every record.
	Visualization Visualization
}

// Check decides whether the history is linearizable, with AnyClock. The same history gets
// the same result, unless the search runs out of time; it does not where timeout is 0.
func Check(history History, timeout time.Duration) Result {
	return CheckWith(history, Options{Timeout: timeout, ClockSkew: AnyClock})
}

// CheckWith is Check with other options.
func CheckWith(history History, options Options) Result {
	if err := history.validate(); err != nil {
		return Result{Verdict: Inconclusive, Err: err}
	}
	all := records(history)
	s := search{model: specification(options.ClockSkew), skew: options.ClockSkew, timeout: options.Timeout, began: time.Now()}
	result := Result{Verdict: Held}
	for i := range all {
		result.Operations += len(all[i].ops)
	}
	if worst, verdict := s.run(all); verdict != Held {
		result.Verdict, result.Key, result.SortKey = verdict, all[worst].hashKey, all[worst].sortKey
	}
	result.Visualization = visualization(s.model, all, result)
	return result
}

// search is the time that is left for the records that are left.
type search struct {
	model   porcupine.Model
	skew    time.Duration
	timeout time.Duration
	began   time.Time
}

// run returns the first record that is not linearizable; if there is none, the first
// that was not decided. A violation is told although others take too long: first every
// record gets an equal part of half the time, then the undecided ones share what is left.
func (s *search) run(all []record) (worst int, verdict Verdict) {
	undecided := make([]int, 0, len(all))
	for i := range all {
		switch s.one(&all[i], s.timeout/2/time.Duration(len(all))) {
		case porcupine.Illegal:
			return i, Violation
		case porcupine.Unknown:
			undecided = append(undecided, i)
		}
	}
	worst, verdict = 0, Held
	for n, i := range undecided {
		left := s.timeout - time.Since(s.began)
		switch s.one(&all[i], left/time.Duration(len(undecided)-n)) {
		case porcupine.Illegal:
			return i, Violation
		case porcupine.Unknown:
			if verdict == Held {
				worst, verdict = i, Inconclusive
			}
		}
	}
	return worst, verdict
}

// one searches one record for at most share, for ever where there is no time-out. An order
// without some unknown writes is one with them too, so the few that are likely are tried first.
func (s *search) one(r *record, share time.Duration) porcupine.CheckResult {
	if r.inOrder(s.skew) {
		return porcupine.Ok
	}
	if ops, left := r.searchable(false); left {
		if s.porcupine(ops, share/2) == porcupine.Ok {
			return porcupine.Ok
		}
		share /= 2
	}
	ops, _ := r.searchable(true)
	return s.porcupine(ops, share)
}

func (s *search) porcupine(ops []porcupine.Operation, share time.Duration) porcupine.CheckResult {
	if s.timeout > 0 {
		share = max(share, 1)
	} else {
		share = 0
	}
	return porcupine.CheckOperationsTimeout(s.model, ops, share)
}
