// Package explore shows a specification in a browser: from an initial state, step by step,
// with what is true in each state, what each step changed, the sequence diagram, and the
// counterexamples that the checker finds. It is served on loopback, or written to one file
// that has a part of the state space inside.
package explore

import (
	"context"
	_ "embed" // of what the page consists of
	"encoding/json"
	"fmt"
	"sync"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/page"
)

//go:embed explorer.html
var body string

//go:embed explorer.css
var style string

//go:embed source.js
var source string

//go:embed explorer.js
var script string

// Explorer is one specification to look around in.
type Explorer struct {
	request     model.Request
	exploration *model.Exploration

	mu      sync.Mutex
	checked Checked
}

// Checked is how far the search for counterexamples has come.
type Checked struct {
	Done            bool             `json:"done"`
	Progress        *Progress        `json:"progress,omitempty"`
	Report          *model.Report    `json:"report,omitempty"` // once it is done; its trace is left out
	Counterexamples []Counterexample `json:"counterexamples"`
	Error           string           `json:"error,omitempty"`
}

// Progress of the search.
type Progress struct {
	Distinct uint64 `json:"distinct"` // states found
	Depth    int    `json:"depth"`
}

// Counterexample is a behaviour that violates a property.
type Counterexample struct {
	Property string          `json:"property"`
	Kind     string          `json:"kind"`
	Path     []check.StateID `json:"path"`
	Cycle    int             `json:"cycle"`   // place in Path to which the last step returns, or where it stays; -1: neither
	Stutter  bool            `json:"stutter"` // it stays in its last state for ever
}

// meta is what the page knows of the specification from the beginning.
type meta struct {
	Spec      string         `json:"spec"`
	About     string         `json:"about"`
	Config    string         `json:"config"`
	Constants map[string]any `json:"constants"`
	Switches  []string       `json:"switches"`
	Server    string         `json:"server"`
	Auth      string         `json:"auth"`
	Lanes     []string       `json:"lanes"`
	Actions   []action       `json:"actions"`
	Online    bool           `json:"online"`
	States    int            `json:"states"`          // that are inside the page
	Complete  bool           `json:"states_complete"` // these are all that there are
}

type action struct {
	Name     string `json:"name"`
	Fairness string `json:"fairness"`
}

// New opens what request asks for. A *model.UsageError says what is wrong with request.
func New(request model.Request) (*Explorer, error) {
	exploration, err := model.Explore(request)
	if err != nil {
		return nil, err
	}
	return &Explorer{request: request, exploration: exploration, checked: Checked{Counterexamples: []Counterexample{}}}, nil
}

// Check looks for counterexamples, within the limits of the request, and keeps what it
// found for the page. The end of ctx ends it inconclusively, and is no error.
func (e *Explorer) Check(ctx context.Context) (model.Report, error) {
	request := e.request
	told := request.Progress
	request.Progress = func(p check.Progress) {
		e.mu.Lock()
		e.checked.Progress = &Progress{p.Distinct, p.Depth}
		e.mu.Unlock()
		if told != nil {
			told(p)
		}
	}
	report, err := model.Run(ctx, request)
	checked := Checked{Done: true, Counterexamples: []Counterexample{}}
	if err == nil {
		checked.Counterexamples, err = counterexamples(&report)
		short := report
		short.Trace = []model.Step{}
		checked.Report = &short
	}
	if err != nil {
		checked = Checked{Done: true, Counterexamples: []Counterexample{}, Error: err.Error()}
	}
	e.mu.Lock()
	e.checked = checked
	e.mu.Unlock()
	return report, err
}

// Checked returns how far Check has come.
func (e *Explorer) Checked() Checked {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.checked
}

// counterexamples are the traces of a report as paths. A violation without a trace, as of
// reachability, has none.
func counterexamples(report *model.Report) ([]Counterexample, error) {
	list := []Counterexample{}
	for _, f := range report.Failures {
		if len(f.Trace) == 0 {
			continue
		}
		c := Counterexample{Property: f.Property, Kind: f.Kind, Cycle: -1}
		for i, step := range f.Trace {
			if step.Cycle && c.Cycle < 0 {
				c.Cycle = i - 1
			}
			if step.Action == stutter && step.Cycle {
				c.Stutter = true
				continue
			}
			var id check.StateID
			if err := id.UnmarshalText([]byte(step.State)); err != nil {
				return nil, fmt.Errorf("step %d of the counterexample to %s: %w", i, f.Property, err)
			}
			c.Path = append(c.Path, id)
		}
		list = append(list, c)
	}
	return list, nil
}

// stutter is the action of a step that stands for staying where one is.
const stutter = "stutter"

func (e *Explorer) meta() meta {
	x := e.exploration
	m := meta{
		Spec: x.Spec.Name, About: x.Spec.About, Config: x.Config, Constants: x.Constants, Switches: x.Switches,
		Server: x.Server, Auth: x.Auth, Lanes: x.Lanes(), Actions: []action{},
	}
	for _, a := range x.Actions() {
		m.Actions = append(m.Actions, action{a.Name, a.Fairness.String()})
	}
	return m
}

// document is the page with that head and whatever else it is given.
func document(m meta, data ...page.Data) (*page.Page, error) {
	encoded, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return &page.Page{
		Title: m.Spec + " - explorer", Styles: []string{style}, Scripts: []string{source, script}, Body: body,
		Data: append([]page.Data{{ID: "meta", JSON: encoded}}, data...), Connect: m.Online,
	}, nil
}
