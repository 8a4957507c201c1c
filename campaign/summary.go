// What a campaign came to: counts, failures told apart, and how long reconnects took.

package campaign

import (
	"cmp"
	"maps"
	"slices"

	"github.com/a8011091/pegasus-reference/sim"
)

// Summary is what a campaign came to. Its JSON form is the one line that a campaign prints.
type Summary struct {
	Kind string `json:"kind"` // "campaign-summary"
	Setup
	Version      string      `json:"version"`
	Verdict      sim.Verdict `json:"verdict"` // violation before inconclusive before held
	Seeds        uint64      `json:"seeds"`   // run, each once
	Held         uint64      `json:"held"`
	Violated     uint64      `json:"violated"`
	Inconclusive uint64      `json:"inconclusive"`
	Canaries     uint64      `json:"canaries"`
	Missed       uint64      `json:"canaries_missed"`
	Validated    uint64      `json:"validated"` // seeds whose traces were held against the specifications
	Refused      uint64      `json:"refused"`   // of them
	Events       uint64      `json:"events"`
	Restarts     uint64      `json:"restarts"`
	Converged    Converged   `json:"converged_after_ns"` // see sim.ConvergedSays
	Returns      Returns     `json:"returns"`
	Unmet        []string    `json:"unmet"` // situations that so many seeds of the swarm should have met and have not
	Failures     []Failure   `json:"failures"`
	Interrupted  bool        `json:"interrupted"`
	Planned      uint64      `json:"planned"`   // seeds that there were to be; 0 of an old ledger, which does not say
	Remaining    uint64      `json:"remaining"` // of them, not run yet

	CanariesRemaining uint64 `json:"canaries_remaining"` // canaries of those seeds that are not run yet
}

// Returns is all figures of coming back side by side, over the runs that have them: those that
// converged, and of which the ledger says how long callers waited.
type Returns struct {
	All       Return `json:"all"`
	PowerKept Return `json:"power_kept"` // runs in which no server's host lost power
	PowerLost Return `json:"power_lost"` // the others
}

// Return is what coming back took: of sessions and requests that were answered
// (sim.ConvergedSays), and as callers saw it (sim.WaitedSays, sim.AnsweredSays).
type Return struct {
	Converged Converged `json:"converged_after_ns"`
	Waited    Converged `json:"waited_ns"`
	Answered  Converged `json:"answered_ns"`
}

// Converged is the distribution of one figure over runs, in nanoseconds.
type Converged struct {
	Runs uint64 `json:"runs"`
	P50  int64  `json:"p50"`
	P99  int64  `json:"p99"`
	Max  int64  `json:"max"`
	// MaxSeed is a seed that took longest.
	MaxSeed Seed `json:"max_seed"`
}

// Failure is all runs that failed alike.
type Failure struct {
	Signature string   `json:"signature"`
	Count     uint64   `json:"count"`
	First     Seed     `json:"first_seed"` // the smallest
	Canary    bool     `json:"canary"`
	Reason    string   `json:"reason"` // of the first
	Judged    []string `json:"judged,omitempty"`
	Bug       bool     `json:"bug"` // of the simulator
	// Refused is whether the trace of the first breaks a specification.
	Refused bool `json:"refused"`
}

// Unproven is whether there are seeds enough for a canary, and none has been run: then that
// the seeds held says nothing.
func (s *Summary) Unproven() bool { return s.Canaries == 0 && s.Seeds >= CanaryEvery }

// run tells a seed from its canary.
type run struct {
	seed   Seed
	canary bool
}

// tally adds outcomes up; a run that comes again counts once.
type tally struct {
	setup     Setup
	done      map[run]struct{}
	died      map[run]*Outcome // runs that ended with their worker's process, and are to be run again
	latest    *Outcome         // the last seed that has a trace hash
	sum       Summary
	converged []convergence
	returns   [2]returns // of runs in which no server's host lost power, and of the others
	met       map[string]bool
	failures  map[string]*Failure
}

type convergence struct {
	ns   int64
	seed Seed
}

// returns is all figures of the same runs.
type returns struct{ converged, waited, answered []convergence }

func (r *returns) add(o *Outcome) {
	r.converged = append(r.converged, convergence{*o.ConvergedNS, o.Seed})
	r.waited = append(r.waited, convergence{*o.WaitedNS, o.Seed})
	r.answered = append(r.answered, convergence{*o.AnsweredNS, o.Seed})
}

func (r *returns) sum() Return {
	return Return{distribution(r.converged), distribution(r.waited), distribution(r.answered)}
}

func newTally(s Setup) *tally {
	return &tally{setup: s, done: make(map[run]struct{}), died: make(map[run]*Outcome), met: make(map[string]bool), failures: make(map[string]*Failure)}
}

// has is whether a run has ended by itself, however it did.
func (t *tally) has(seed uint64, canary bool) bool {
	_, ok := t.done[run{Seed(seed), canary}]
	return ok
}

// within is how many of a span's seeds have ended by themselves.
func (t *tally) within(s span) (n uint64) {
	for r := range t.done {
		if !r.canary && r.seed >= s.First && r.seed-s.First < Seed(s.Seeds) {
			n++
		}
	}
	return n
}

// kinds is how many failures differ.
func (t *tally) kinds() int {
	kinds := make(map[string]struct{})
	for _, o := range t.died {
		if _, known := t.failures[o.kind()]; !known {
			kinds[o.kind()] = struct{}{}
		}
	}
	return len(t.failures) + len(kinds)
}

func (t *tally) add(o *Outcome) {
	key := run{o.Seed, o.Canary}
	if _, again := t.done[key]; again {
		return
	}
	if o.died() {
		t.died[key] = o
		return
	}
	delete(t.died, key)
	t.done[key] = struct{}{}
	if !o.Canary && o.Hash != "" {
		t.latest = o
	}
	t.count(o)
	if o.failed() {
		t.fail(o)
	}
}

// close counts the runs whose workers died: nothing has come to better ends for them.
func (t *tally) close() {
	for key, o := range t.died {
		t.done[key] = struct{}{}
		t.count(o)
		t.fail(o)
	}
	clear(t.died)
}

func (t *tally) count(o *Outcome) {
	s := &t.sum
	s.Events += o.Events
	if o.Canary {
		s.Canaries++
		if o.failed() {
			s.Missed++
		}
		return
	}
	s.Seeds++
	for _, name := range o.Met {
		t.met[name] = true
	}
	s.Restarts += uint64(o.Restarts)
	if o.Validated > 0 {
		s.Validated++
	}
	if o.Refused != "" {
		s.Refused++
	}
	switch o.Verdict {
	case sim.VerdictHeld:
		s.Held++
	case sim.VerdictViolation:
		s.Violated++
	default:
		s.Inconclusive++
	}
	if o.ConvergedNS != nil {
		t.converged = append(t.converged, convergence{*o.ConvergedNS, o.Seed})
	}
	if o.ConvergedNS != nil && o.WaitedNS != nil && o.AnsweredNS != nil {
		t.returns[min(o.PowerLosses, 1)].add(o)
	}
}

func (t *tally) fail(o *Outcome) {
	kind := o.kind()
	f := t.failures[kind]
	if f == nil {
		f = &Failure{Signature: kind, First: o.Seed}
		t.failures[kind] = f
	}
	f.Count++
	if f.Count == 1 || o.Seed < f.First {
		f.First, f.Canary, f.Judged, f.Bug = o.Seed, o.Canary, o.Judged, o.Bug != ""
		f.Refused = o.Refused != ""
		f.Reason = cmp.Or(o.Reason, firstLine(o.Bug))
	}
}

// unmet lists the situations that the seeds should have met and have not. They are due of
// the reference client, in the scenario that is made to meet them.
func (t *tally) unmet() []string {
	names := []string{}
	if t.setup.Scenario != sim.ScenarioSwarm || t.setup.Client != sim.ClientReference || t.setup.Auth != sim.AuthDrawn {
		return names
	}
	for _, m := range sim.Unmet(t.sum.Seeds, func(m sim.Met) bool { return t.met[m.String()] }) {
		names = append(names, m.String())
	}
	return names
}

// summary closes the account of a campaign that was to run these seeds, or did not say.
func (t *tally) summary(interrupted bool, planned []span) Summary {
	t.close()
	s := t.sum
	s.Kind, s.Setup, s.Version, s.Interrupted = "campaign-summary", t.setup, sim.Version(), interrupted
	p := planOf(planned)
	s.Planned = size(p.seeds)
	s.Remaining, s.CanariesRemaining = s.Planned, p.canaries()
	for r := range t.done {
		switch {
		case !p.has(r):
		case r.canary:
			s.CanariesRemaining--
		default:
			s.Remaining--
		}
	}
	s.Unmet = t.unmet()
	s.Failures = []Failure{}
	for _, kind := range slices.Sorted(maps.Keys(t.failures)) {
		s.Failures = append(s.Failures, *t.failures[kind])
	}
	slices.SortStableFunc(s.Failures, func(a, b Failure) int { return cmp.Compare(b.Count, a.Count) })
	s.Converged = distribution(t.converged)
	kept, lost := &t.returns[0], &t.returns[1]
	all := returns{slices.Concat(kept.converged, lost.converged), slices.Concat(kept.waited, lost.waited), slices.Concat(kept.answered, lost.answered)}
	s.Returns = Returns{All: all.sum(), PowerKept: kept.sum(), PowerLost: lost.sum()}
	switch {
	case s.Violated > 0 || s.Refused > 0:
		s.Verdict = sim.VerdictViolation
	case s.Inconclusive > 0 || s.Missed > 0 || s.Remaining > 0 || s.CanariesRemaining > 0 || s.Seeds == 0 || s.Unproven() || len(s.Unmet) > 0:
		s.Verdict = sim.VerdictInconclusive
	default:
		s.Verdict = sim.VerdictHeld
	}
	return s
}

// distribution has the nearest rank of each percentile: no fewer than so many of a hundred took as long at most.
func distribution(list []convergence) Converged {
	if len(list) == 0 {
		return Converged{}
	}
	slices.SortFunc(list, func(a, b convergence) int { return cmp.Or(cmp.Compare(a.ns, b.ns), cmp.Compare(a.seed, b.seed)) })
	n := len(list)
	last := list[n-1]
	return Converged{Runs: uint64(n), P50: list[(n-1)/2].ns, P99: list[(99*n+99)/100-1].ns, Max: last.ns, MaxSeed: last.seed}
}
