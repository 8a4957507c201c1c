// What a campaign came to: counts, failures told apart, and how long reconnects took.

package campaign

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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
	done      map[run]ended
	died      map[run]*Outcome // runs that ended with their worker's process, and are to be run again
	latest    *Outcome         // the last seed that has a trace hash
	sum       Summary
	converged []convergence
	returns   [2]returns // of runs in which no server's host lost power, and of the others
	met       map[string]bool
	failures  map[string]*Failure
}

// ended is what has to be known of a run that ended by itself, in case that it comes again.
type ended struct {
	hash uint64 // of its trace, as hashNumber has it; 0: unknown
	held bool
	// judged is whether its trace was held against the specifications, or never can be.
	judged bool
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
	return &tally{setup: s, done: make(map[run]ended), died: make(map[run]*Outcome), met: make(map[string]bool), failures: make(map[string]*Failure)}
}

// has is whether a run has ended by itself, however it did, and where its trace is to be held
// against the specifications, whether that was done.
func (t *tally) has(seed uint64, canary, validate bool) bool {
	key := run{Seed(seed), canary}
	known, ok := t.done[key]
	return ok && t.died[key] == nil && (known.judged || !validate)
}

// within is how many of a campaign's seeds it does not have to run.
func (t *tally) within(c *Config) (n uint64) {
	for r := range t.done {
		seed := uint64(r.seed)
		i := seed - c.First
		if !r.canary && seed >= c.First && i < c.Seeds && t.has(seed, false, every(c.ValidateEvery, i)) {
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

// add takes an outcome. One that comes again has to be the same run, and adds nothing but what
// the specifications say of its trace. Errors: ErrOtherCampaign.
func (t *tally) add(o *Outcome) error {
	key := run{o.Seed, o.Canary}
	known, again := t.done[key]
	if err := t.same(o); err != nil {
		return err
	}
	if o.died() {
		if !again || !known.judged {
			t.died[key] = o
		}
		return nil
	}
	delete(t.died, key)
	switch {
	case !again:
		t.done[key] = ended{hashNumber(o.Hash), !o.failed(), o.Validated > 0 || o.Bug != ""}
		if !o.Canary && o.Hash != "" {
			t.latest = o
		}
		t.count(o)
		if o.failed() {
			t.fail(o)
		}
	case o.Validated > 0 && !known.judged:
		t.confirm(o, known.held)
		t.done[key] = ended{known.hash, known.held && !o.failed(), true}
	}
	return nil
}

// same refuses another run under the name of one that is known.
func (t *tally) same(o *Outcome) error {
	known, hash := t.done[run{o.Seed, o.Canary}].hash, hashNumber(o.Hash)
	if known == 0 || hash == 0 || known == hash {
		return nil
	}
	return fmt.Errorf("%w than a line before: there seed %s has another trace hash than %s, so that the program that wrote one of them simulates otherwise", ErrOtherCampaign, o.Seed, o.Hash)
}

// hashNumber is the number in a trace hash, 0 where there is none.
func hashNumber(hash string) uint64 {
	_, digits, _ := strings.Cut(hash, "-")
	n, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return 0
	}
	return n
}

// confirm counts a run that is known, and whose trace is judged only now.
func (t *tally) confirm(o *Outcome, held bool) {
	s := &t.sum
	s.Validated++
	if o.Refused != "" {
		s.Refused++
	}
	if held && o.failed() {
		t.doubt(o)
		t.fail(o)
	}
}

// doubt counts a run that was counted as held for one that is not known to.
func (t *tally) doubt(o *Outcome) {
	if o.Verdict == sim.VerdictInconclusive {
		t.sum.Held--
		t.sum.Inconclusive++
	}
}

// close counts the runs whose workers died: nothing has come to better ends for them.
func (t *tally) close() {
	for key, o := range t.died {
		if known, again := t.done[key]; !again {
			t.count(o)
		} else if known.held && !o.Canary {
			t.doubt(o) // it died of being held against the specifications
		}
		t.done[key] = ended{}
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
