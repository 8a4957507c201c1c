// check --tlc: the same assignment of the constants under TLC.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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
	Stopped     string   `json:"stopped"` // why the two were not compared, "" if they were
}

// compareWithTLC runs TLC on the constants of a report, for as long as the checker had. What
// ended early, of either, is not compared.
func compareWithTLC(ctx context.Context, tool tla.Tool, report *model.Report, timeout time.Duration) (*comparison, error) {
	c := &comparison{Violations: []string{}, Differences: []string{}}
	if report.Stopped != "" {
		c.Stopped = "the checker did not see all: " + report.Stopped
		return c, nil
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	found, err := tool.Check(ctx, report.Spec, report.Constants, report.Judged)
	switch {
	case errors.Is(err, tla.ErrNoTwin):
		return nil, &usageError{fmt.Errorf("--tlc: %w", err)}
	case errors.Is(err, context.DeadlineExceeded):
		c.Stopped = fmt.Sprintf("TLC had not ended after %v", timeout)
		return c, nil
	case errors.Is(err, context.Canceled):
		c.Stopped = "interrupted while TLC ran"
		return c, nil
	case err != nil:
		return nil, fmt.Errorf("comparing with TLC: %w", err)
	}
	c.Distinct, c.Violations, c.Seconds = found.Distinct, append(c.Violations, found.Violations...), found.Elapsed.Seconds()
	c.Differences = append(c.Differences, tla.Differences(report, found)...)
	return c, nil
}

// code is the exit status of a check, whose own is given: no comparison is no agreement.
func (c *comparison) code(own int) int {
	if c != nil && c.Stopped != "" {
		return worse(own, exitInconclusive)
	}
	return own
}

// tell says whether the two agree.
func (c *comparison) tell(w io.Writer) {
	if c == nil {
		return
	}
	if c.Stopped != "" {
		fmt.Fprintf(w, "\nNOT compared with TLC: %s\n", c.Stopped)
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
