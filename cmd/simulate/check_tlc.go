// check --tlc: the same assignment of the constants under TLC.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/a8011091/pegasus-reference/docs/spec/tla"
	"github.com/a8011091/pegasus-reference/model"
)

// checkReport is a report as JSON, with what TLC found where it was asked.
type checkReport struct {
	model.Report
	TLC *comparison `json:"tlc,omitempty"`
}

// comparison is what TLC found, and how that differs from what the checker did.
type comparison struct {
	Distinct    uint64   `json:"distinct"`
	Violations  []string `json:"violations"`
	Seconds     float64  `json:"seconds"`
	Differences []string `json:"differences"`
}

// compareWithTLC runs TLC on the constants of a report.
func compareWithTLC(ctx context.Context, tool tla.Tool, report *model.Report) (*comparison, error) {
	if !report.Complete {
		return nil, fmt.Errorf("comparing with TLC: the checker did not see every state: %s", report.Stopped)
	}
	found, err := tool.Check(ctx, report.Spec, report.Constants, report.Judged)
	if errors.Is(err, tla.ErrNoTwin) {
		return nil, &usageError{fmt.Errorf("--tlc: %w", err)}
	}
	if err != nil {
		return nil, fmt.Errorf("comparing with TLC: %w", err)
	}
	return &comparison{
		Distinct: found.Distinct, Violations: append([]string{}, found.Violations...), Seconds: found.Elapsed.Seconds(),
		Differences: append([]string{}, tla.Differences(report, found)...),
	}, nil
}

// tell says whether the two agree.
func (c *comparison) tell(w io.Writer) {
	if c == nil {
		return
	}
	if len(c.Differences) == 0 {
		fmt.Fprintf(w, "\nTLC agrees: %d distinct states, the same verdicts, %.1f s\n", c.Distinct, c.Seconds)
		return
	}
	fmt.Fprintln(w, "\nTLC differs:")
	for _, d := range c.Differences {
		fmt.Fprintf(w, "  %s\n", d)
	}
}
