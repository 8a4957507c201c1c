// Package shrink makes a failing scenario small: fewer faults, fewer operations, fewer nodes
// and clients, rounder numbers, with the verdict kept. What is left is a scenario file that
// a person can read, and edit. The same scenario always shrinks to the same one.
//
// The order of trials is in Minimize; what is tried is in passes.go.
package shrink

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/a8011091/pegasus-reference/sim"
)

// DefaultMaxRuns bounds a shrink.
const DefaultMaxRuns = 2000

// Options of a shrink. The zero value tries DefaultMaxRuns runs.
type Options struct {
	MaxRuns int
	// Signature is which way in which negotiations failed is to stay, `ERROR` or `ERROR@5s`
	// as sim.Options.Expect has it; empty: that of the node that the violation names, or the
	// most frequent one.
	Signature string
	// Progress is called after each run; may be nil.
	Progress func(Progress)
}

// Progress is where a shrink stands.
type Progress struct {
	Runs, MaxRuns int
	Pass          string // what is being tried
	Size          Size   // of the smallest scenario so far
}

// Size is what a reader of a scenario has to look at.
type Size struct {
	Faults     int `json:"faults"`
	Operations int `json:"operations"`
	Nodes      int `json:"nodes"`
	Clients    int `json:"clients"`
}

func (s Size) String() string {
	return fmt.Sprintf("faults %d, operations %d, nodes %d, clients %d", s.Faults, s.Operations, s.Nodes, s.Clients)
}

// sizeOf counts a scenario. A workload counts as its operations, which are not known yet: ops.
func sizeOf(s *sim.Scenario, ops int) Size {
	return Size{Faults: len(s.Faults) + len(s.Clocks), Operations: max(ops, len(s.Ops)), Nodes: s.Metas + s.Replicas, Clients: s.Clients}
}

// Result is the small scenario and what it comes to.
type Result struct {
	Scenario      sim.Scenario
	Run           sim.Result // of Scenario
	Before, After Size
	Runs          int
	Complete      bool // nothing that is tried makes it smaller; false where a limit ended the shrink
}

// HeldError says that there is nothing to keep: the scenario does not fail.
type HeldError struct{ Verdict sim.Verdict }

// Error implements error.
func (e *HeldError) Error() string {
	return fmt.Sprintf("shrink: the verdict of the scenario is %q; only a violation can be shrunk", e.Verdict)
}

// SignatureError says that no negotiation failed in the way that was to stay.
type SignatureError struct {
	Signature string
	Seen      []sim.Signature
}

// Error implements error.
func (e *SignatureError) Error() string {
	seen := "none"
	for i := range e.Seen {
		if words := describe(&e.Seen[i]); i == 0 {
			seen = words
		} else if !strings.Contains(seen, words) {
			seen += ", " + words
		}
	}
	return fmt.Sprintf("shrink: no negotiation of the scenario failed with %s; seen: %s", e.Signature, seen)
}

// describe is the signature as Options have it.
func describe(s *sim.Signature) string {
	return s.Error + "@" + time.Duration(s.AfterNS).Round(100*time.Millisecond).String()
}

// failure is what has to stay: the violated property and the way negotiations failed, which
// is an error and how old the connection was. The two of the incident differ in both.
type failure struct {
	property string
	negotiation
}

type negotiation struct {
	err string // empty: none failed
	age time.Duration
}

// expect is the negotiation as sim.Options have it.
func (n negotiation) expect() string {
	if n.err == "" {
		return ""
	}
	return n.err + "@" + n.age.String()
}

// ageTolerance is how far apart ages may be that count as one: package sim's own.
const ageTolerance = 100 * time.Millisecond

func (f failure) alike(other failure) bool {
	return f.property == other.property && f.err == other.err && (f.age-other.age).Abs() < ageTolerance
}

// failureOf is how a run failed that was told to name the signature that it should have.
func failureOf(r *sim.Result) (failure, bool) {
	if r.Verdict != sim.VerdictViolation || r.Property == nil {
		return failure{}, false
	}
	f := failure{property: *r.Property}
	if r.Signature != nil {
		f.negotiation = negotiation{*r.Signature, time.Duration(*r.SignatureAfterNS)}
	}
	return f, true
}

// ofViolation is the negotiation that failed most often with a node that the violation
// names, else with any.
func ofViolation(r *sim.Result) negotiation {
	words := strings.FieldsFunc(r.Reason, func(c rune) bool { return c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	i := max(0, slices.IndexFunc(r.Signatures, func(s sim.Signature) bool { return slices.Contains(words, s.Node) }))
	if i >= len(r.Signatures) {
		return negotiation{}
	}
	return negotiation{r.Signatures[i].Error, time.Duration(r.Signatures[i].AfterNS)}
}

// search is a shrink under way.
type search struct {
	ctx     context.Context
	opts    Options
	keep    failure
	best    sim.Scenario
	bestRun sim.Result
	given   time.Duration // the watch that the scenario came with
	runs    int
	pass    string
	err     error // of the simulator
	run     func(context.Context, sim.Scenario, sim.Options) (sim.Result, error)
}

// Minimize shrinks a scenario that violates something. The end of ctx ends it with the
// smallest scenario so far. Errors: *HeldError, *SignatureError, *sim.UsageError.
func Minimize(ctx context.Context, s sim.Scenario, opts Options) (Result, error) {
	if opts.MaxRuns == 0 {
		opts.MaxRuns = DefaultMaxRuns
	}
	first, err := sim.Run(ctx, s, sim.Options{Expect: opts.Signature})
	if err != nil {
		return Result{}, err
	}
	keep, ok := failureOf(&first)
	switch {
	case !ok:
		return Result{}, &HeldError{first.Verdict}
	case opts.Signature == "":
		keep.negotiation = ofViolation(&first)
		if keep.err != "" {
			first.Signature, first.SignatureAfterNS = &keep.err, new(int64(keep.age))
		}
	case !sim.Matches(keep.err, keep.age, opts.Signature):
		return Result{}, &SignatureError{opts.Signature, first.Signatures}
	}
	m := &search{ctx: ctx, opts: opts, keep: keep, best: s, bestRun: first, runs: 1, run: sim.Run}
	before := sizeOf(&s, first.Operations)
	complete := m.minimize()
	if m.err != nil {
		return Result{}, m.err
	}
	return Result{
		Scenario: m.best, Run: m.bestRun, Before: before, After: sizeOf(&m.best, m.bestRun.Operations),
		Runs: m.runs, Complete: complete,
	}, nil
}

// minimize goes through all passes until none of them finds anything more, then shortens the
// watch; false where a limit came first.
func (m *search) minimize() bool {
	m.pass = "a long watch"
	m.patient()
	for {
		smaller := false
		for _, p := range passes {
			m.pass = p.name
			if p.try(m) {
				smaller = true
			}
			if m.over() {
				return false
			}
		}
		if !smaller {
			m.pass = "a shorter watch"
			m.watch()
			return !m.over()
		}
	}
}

func (m *search) over() bool {
	return m.err != nil || m.ctx.Err() != nil || m.runs >= m.opts.MaxRuns
}

// fails runs a candidate and keeps it as the best so far where it fails alike. One that is
// no scenario does not, nor does one that is interrupted.
func (m *search) fails(candidate sim.Scenario) bool {
	if m.over() || candidate.Validate() != nil {
		return false
	}
	m.runs++
	r, err := m.run(m.ctx, candidate, sim.Options{Expect: m.keep.expect()})
	if err != nil {
		m.err = err
		return false
	}
	if m.ctx.Err() != nil {
		return false // how it would have ended is not known, whatever it had violated by then
	}
	f, ok := failureOf(&r)
	if ok = ok && f.alike(m.keep); ok {
		m.best, m.bestRun = candidate, r
	}
	if m.opts.Progress != nil {
		m.opts.Progress(Progress{m.runs, m.opts.MaxRuns, m.pass, sizeOf(&m.best, m.bestRun.Operations)})
	}
	return ok
}
