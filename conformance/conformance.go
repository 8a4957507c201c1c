// What a validation is asked and what it answers.

// Package conformance holds traces against the specifications: every event of a trace,
// whoever wrote it, has to be a step of model/session, or of model/routing where Options ask
// for that, or to change nothing there. What is not written in a trace (when a server began
// to accept, why a client wanted a connection) is filled in by the specification's own
// actions, and every state that is possible so far is kept; the first event that is possible
// in none of them is shown with those states, what could have happened instead, and the
// clause that it breaks. The map from events to actions is in refinement.go; lives.go,
// routes.go and lookup.go have those of routing.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/a8011091/pegasus-reference/model/session"
	"github.com/a8011091/pegasus-reference/trace"
)

// Verdict of a validation.
type Verdict string

// Verdicts.
const (
	Conforming    Verdict = "conforming"
	NotConforming Verdict = "not-conforming"
	Inconclusive  Verdict = "inconclusive" // nothing to judge, or more states possible than allowed
)

// SpecSession is the specification of a session, model/session.
const SpecSession = "session"

// SpecRouting is the specification of a whole client, model/routing: the lives of writes,
// queries for tables, and where requests go.
const SpecRouting = "routing"

// Specs lists the specifications that traces can be held against.
func Specs() []string { return []string{SpecSession, SpecRouting} }

// DefaultMaxStates is how many states may be possible at once; beyond, a session is not
// judged further. Traces of the reference client have at most a few dozen.
const DefaultMaxStates = 4096

// Options of a validation. The zero value is the reference client against the reference server.
type Options struct {
	Spec string // default SpecSession
	// Server is what the servers of the trace do to early requests; default: what the
	// trace's header says, else ServerReference.
	Server    session.ServerMode
	MaxStates int                 // default DefaultMaxStates
	Progress  func(events uint64) // called now and then by Read; may be nil
}

// ErrUnknownSpec is returned for a specification that traces cannot be held against.
var ErrUnknownSpec = errors.New("no such specification")

func (o *Options) check() error {
	if o.Spec == "" {
		o.Spec = SpecSession
	}
	if !slices.Contains(Specs(), o.Spec) {
		return fmt.Errorf("validate against %q: %w; there are %v", o.Spec, ErrUnknownSpec, Specs())
	}
	if o.Server == "" {
		o.Server = session.ServerReference
	}
	if o.MaxStates <= 0 {
		o.MaxStates = DefaultMaxStates
	}
	return nil
}

// Result is what came of a validation.
type Result struct {
	Spec        string   `json:"spec"`
	Verdict     Verdict  `json:"verdict"`
	Reason      string   `json:"reason"` // one sentence
	Events      uint64   `json:"events"`
	Steps       uint64   `json:"steps"`       // events that were held against the specification
	Stuttering  uint64   `json:"stuttering"`  // events that change nothing there
	Sessions    int      `json:"sessions"`    // one client, one server address
	Connections int      `json:"connections"` // dials
	MostStates  int      `json:"most_states"` // possible at once
	Refused     int      `json:"refused"`     // events that nothing explains; of what concerns a node and no session, the first of each node
	Stopped     string   `json:"stopped"`     // why the trace was not read to its end, "" if it was
	First       *Refusal `json:"first"`       // the first such event
}

// Validate holds a trace against a specification. The error is one of the options'.
func Validate(events []trace.Event, opts Options) (Result, error) {
	v, err := New(opts)
	if err != nil {
		return Result{}, err
	}
	for i := range events {
		v.Emit(&events[i])
	}
	return v.Result(), nil
}

// Read validates a trace as text, to its end or to the end of ctx; then the verdict is
// inconclusive, unless something was refused before. The same is returned beside an error of
// trace.Reader, of what came before the line that it names. Other errors are the options'.
func Read(ctx context.Context, r io.Reader, opts Options) (Result, error) {
	reader, err := trace.NewReader(r)
	if err != nil {
		return Result{}, err
	}
	if opts.Server == "" {
		opts.Server = serverOf(reader.Header())
	}
	v, err := New(opts)
	if err != nil {
		return Result{}, err
	}
	var ev trace.Event
	for {
		err := reader.Read(&ev)
		if errors.Is(err, io.EOF) {
			return v.Result(), nil
		}
		if err != nil {
			v.result.Stopped = err.Error()
			return v.Result(), err
		}
		v.line = reader.Line()
		v.Emit(&ev)
		if v.result.Events%progressEvery == 0 {
			if ctx.Err() != nil {
				v.result.Stopped = fmt.Sprintf("interrupted after %d events", v.result.Events)
				return v.Result(), nil
			}
			if opts.Progress != nil {
				opts.Progress(v.result.Events)
			}
		}
	}
}

// progressEvery is the number of events between two looks around.
const progressEvery = 1 << 14

// serverOf is the server that a simulated run's header names; "" where it names none.
func serverOf(h trace.Header) session.ServerMode {
	var config struct {
		Server       string `json:"server"`
		EarlyRequest string `json:"early_request"`
	}
	if json.Unmarshal(h.Config, &config) != nil {
		return ""
	}
	return ServerMode(config.Server, config.EarlyRequest)
}

// ServerMode is what the specification calls a simulated server: by its name, and for the
// reference server by its policy for early requests. "" where it has no name for it.
func ServerMode(server, early string) session.ServerMode {
	switch {
	case server == "fin", server == "reference" && early == "close":
		return session.ServerFin
	case server == "hang", server == "reference" && early == "hang":
		return session.ServerHang
	case server == "reference" && early == "refuse":
		return session.ServerReference
	}
	return ""
}
