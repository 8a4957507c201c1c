// Running a specification by name: what is asked and what is answered.

package model

import (
	"context"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Request asks for one specification to be checked. Only Spec is needed.
type Request struct {
	Spec     string
	Config   string    // "" means the one that shows the switches, see Switch.Config, and else the default one
	Set      []Setting // constants, in order; the last one of a name counts
	With     []string  // switches
	Server   string    // "" means likewise Switch.Server, and else the configuration's
	Auth     string    // "mandatory" or "optional"; "" means the configuration's
	Property string    // "" means all of them that the configuration judges
	All      bool      // judge those as well that the configuration does not
	RMs      int       // resource managers of two-phase-commit, 0 means 7

	Search   string // one of check.Searches, "" means breadth first
	Seed     uint64 // of random walks, as Walks and Length
	Walks    int
	Length   int
	Symmetry bool // check.Options.Symmetry
	MayRest  bool // check.Options.MayRest

	Workers       int // 0 means one for each processor
	MaxStates     uint64
	MaxMemory     uint64 // bytes
	Timeout       time.Duration
	Progress      func(check.Progress)
	ProgressEvery time.Duration
}

// Setting gives a constant a value, both as words.
type Setting struct {
	Name  string
	Value string
}

// Report is what was found. It encodes as the one line of JSON that a check prints.
type Report struct {
	Kind       string         `json:"kind"` // "check"
	Spec       string         `json:"spec"`
	Config     string         `json:"config"`
	Constants  map[string]any `json:"constants"`
	Switches   []string       `json:"switches"`
	Server     string         `json:"server"` // "" where there is none
	Auth       string         `json:"auth"`   // "" where there is none
	Verdict    string         `json:"verdict"`
	Property   *string        `json:"property"`   // the first that is violated
	Violations []string       `json:"violations"` // all that are violated
	Distinct   uint64         `json:"distinct"`
	Generated  uint64         `json:"generated"`
	Depth      int            `json:"depth"`
	Seconds    float64        `json:"seconds"`
	Workers    int            `json:"workers"`
	Complete   bool           `json:"complete"`
	Trace      []Step         `json:"trace"`    // of Property
	Failures   []Failure      `json:"failures"` // every violation, in the order of Violations

	Exhaustion `json:"search"`

	Judged   []string `json:"-"` // properties that were looked at
	Liveness []string `json:"-"` // those of them that are liveness, Unjudged ones included
}

// Exhaustion is how much of the state space was seen, and in what way.
type Exhaustion struct {
	Order      string              `json:"order"`   // one of check.Searches
	Stopped    string              `json:"stopped"` // why the search ended early, "" if it did not
	Actions    []check.ActionCount `json:"actions"` // how often each was taken
	NeverFired []string            `json:"never_fired"`
	Dead       []string            `json:"dead"` // those of NeverFired that make the verdict inconclusive: check.Result.Dead
	OutDegree  check.OutDegree     `json:"out_degree"`
	Collision  float64             `json:"collision_probability"`   // upper estimate that two states were taken for one
	PerState   float64             `json:"visited_bytes_per_state"` // visited set and parents
	EdgeBytes  uint64              `json:"edge_bytes"`              // steps kept for liveness
	Scratch    uint64              `json:"scratch_bytes"`           // of the search for cycles, at its largest
	Unjudged   []string            `json:"unjudged"`                // liveness properties: check.Result.Unjudged
}

// Failure is one violated property.
type Failure struct {
	Property string `json:"property"`
	Kind     string `json:"kind"` // "safety", "deadlock", "liveness" or "reachability"
	Trace    []Step `json:"-"`
}

// Step is one step of a trace in words.
type Step struct {
	Number  int      `json:"step"`  // 0 is the initial state
	State   string   `json:"state"` // its check.StateID; of all steps up to this one: a path for an Explorer
	Action  string   `json:"action"`
	Text    string   `json:"text"`
	Cycle   bool     `json:"cycle"` // part of what repeats for ever
	Changes []Change `json:"changes"`
}

// Change is a part of the state before and after a step; in step 0 Before is empty.
type Change struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Run checks what request asks for. A *UsageError says what is wrong with request, and so
// does an error that wraps check.ErrOptions. The
// end of ctx makes the report inconclusive and is no error.
func Run(ctx context.Context, request Request) (Report, error) {
	built, spec, err := build(&request)
	if err != nil {
		return Report{}, err
	}
	report, err := built.run(ctx, request)
	if err != nil {
		return Report{}, err
	}
	report.Kind, report.Spec, report.Config = "check", spec.Name, request.Config
	report.Constants, report.Server, report.Auth = built.constants, built.server, built.auth
	report.Switches = append([]string{}, request.With...)
	return report, nil
}

// explore runs m under the checker and puts the result into a report.
func explore[S any](ctx context.Context, m check.Model[S], request Request) (Report, error) {
	options := check.Options{
		Workers: request.Workers, MaxStates: request.MaxStates, MaxMemory: request.MaxMemory,
		Search: check.Search(slices.Index(check.Searches, request.Search)), Symmetry: request.Symmetry, MayRest: request.MayRest,
		Seed: request.Seed, Walks: request.Walks, Length: request.Length,
		Timeout: request.Timeout, Progress: request.Progress, ProgressEvery: request.ProgressEvery,
	}
	if request.Property != "" {
		options.Only = []string{request.Property}
	}
	result, err := check.Run(ctx, m, options)
	if err != nil {
		return Report{}, err
	}
	report := Report{
		Verdict: result.Verdict.String(), Violations: []string{}, Trace: []Step{}, Failures: []Failure{},
		Distinct: result.Distinct, Generated: result.Generated, Depth: result.Depth,
		Seconds: result.Elapsed.Seconds(), Workers: result.Workers, Complete: result.Complete,
		Exhaustion: Exhaustion{
			Order: request.Search, Stopped: result.Stopped, Actions: result.Actions, OutDegree: result.OutDegree,
			NeverFired: append([]string{}, result.NeverFired...), Dead: append([]string{}, result.Dead...), Collision: result.Collision,
			PerState: result.PerState(), EdgeBytes: result.Memory.Edges, Scratch: result.Memory.Scratch,
			Unjudged: append([]string{}, result.Unjudged...),
		},
	}
	for _, p := range m.Properties() {
		if request.Property == "" || request.Property == p.Name {
			report.Judged = append(report.Judged, p.Name)
			if p.Kind == check.Liveness {
				report.Liveness = append(report.Liveness, p.Name)
			}
		}
	}
	for _, v := range result.Violations {
		report.Violations = append(report.Violations, v.Property)
		report.Failures = append(report.Failures, Failure{
			Property: v.Property, Kind: v.Kind.String(), Trace: inWords(v),
		})
	}
	if len(report.Failures) > 0 {
		report.Property = &report.Failures[0].Property
		report.Trace = report.Failures[0].Trace
	}
	return report, nil
}

// inWords turns a violation's trace into steps in words.
func inWords[S any](v check.Violation[S]) []Step {
	steps := make([]Step, 0, len(v.Trace)+1)
	for i, t := range v.Trace {
		step := Step{
			Number: i, State: t.ID.String(), Action: t.Action, Text: t.Text, Changes: make([]Change, 0, len(t.Changes)),
			Cycle: v.Cycle >= 0 && i > v.Cycle,
		}
		for _, c := range t.Changes {
			step.Changes = append(step.Changes, Change{Name: c.Name, Before: c.Before, After: c.After})
		}
		steps = append(steps, step)
	}
	if v.Stutter {
		steps = append(steps, Step{
			Number: len(steps), State: steps[len(steps)-1].State, Action: "stutter", Cycle: true, Changes: []Change{},
			Text: "nothing that must happen can happen: it may stay like this for ever",
		})
	}
	return steps
}

func configNames(s Spec) []string { return names(s.Configs, func(c Config) string { return c.Name }) }
func switchNames(s Spec) []string { return names(s.Switches, func(w Switch) string { return w.Name }) }
func propertyNames(s Spec) []string {
	return names(s.Properties, func(p Property) string { return p.Name })
}

func names[T any](list []T, name func(T) string) []string {
	all := make([]string, 0, len(list))
	for _, v := range list {
		all = append(all, name(v))
	}
	return slices.Clip(all)
}

// describeProperties lists the properties of a model.
func describeProperties[S any](properties []check.Property[S]) []Property {
	list := make([]Property, 0, len(properties))
	for _, p := range properties {
		list = append(list, Property{Name: p.Name, Kind: p.Kind.String()})
	}
	return list
}
