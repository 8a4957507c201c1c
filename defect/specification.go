// The engine specification: a defect as a switch of a specification, or as constants.

package defect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/model"
)

// Specification checks a specification to its last state. The control leaves Switches and
// Constants out.
type Specification struct {
	Spec      string
	Config    string
	Server    string
	With      []string // switches, with and without the defect
	Switches  []string // that are the defect
	Constants []model.Setting
}

// Engine returns EngineSpecification.
func (s Specification) Engine() string { return EngineSpecification }

// Command is a check of the specification with the defect.
func (s Specification) Command(string, *Finding) string {
	words := []string{"simulate check", s.Spec}
	for _, option := range [...]struct{ name, value string }{
		{"--config", s.Config}, {"--with", strings.Join(slices.Concat(s.With, s.Switches), ",")},
		{"--set", setWords(s.Constants)}, {"--server", s.Server},
	} {
		if option.value != "" {
			words = append(words, option.name, option.value)
		}
	}
	return strings.Join(words, " ")
}

func setWords(settings []model.Setting) string {
	words := make([]string, 0, len(settings))
	for _, s := range settings {
		words = append(words, s.Name+"="+s.Value)
	}
	return strings.Join(words, ",")
}

func (s Specification) controlled(d *Defect) string {
	s.Switches, s.Constants = nil, nil
	return fmt.Sprint(s.Command("", nil), d.Properties)
}

func (s Specification) run(ctx context.Context, _ *laboratory, d *Defect, control bool) (Finding, error) {
	request := model.Request{Spec: s.Spec, Config: s.Config, Server: s.Server, With: s.With}
	if !control {
		request.With, request.Set = slices.Concat(s.With, s.Switches), s.Constants
	}
	report, err := model.Run(ctx, request)
	if err != nil {
		return Finding{}, fmt.Errorf("check %s: %w", s.Spec, err)
	}
	f := Finding{Count: report.Distinct, What: "every state explored"}
	if !report.Complete {
		f.What = "not every state explored: " + report.Stopped
	}
	for _, failure := range report.Failures {
		if d.catches(failure.Property) {
			f.Found, f.Property = true, failure.Property
			f.What = fmt.Sprintf("a trace of %d steps", len(failure.Trace)-1)
			break
		}
	}
	if !report.Complete && !f.Found && ctx.Err() != nil {
		return Finding{}, fmt.Errorf("check %s: %w", s.Spec, ctx.Err())
	}
	return f, nil
}
