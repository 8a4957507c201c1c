// Printing: JSON lines, and the incident table as text and as Markdown.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/sim"
)

// output is how results are told.
type output struct {
	json bool
}

// oneForm refuses --markdown beside --json.
func (o *output) oneForm(cmd *cobra.Command) error {
	if !o.json {
		return nil
	}
	return unheeded(cmd, "with --json: leave one of the two out", "markdown")
}

// said is standard output, and the first error of writing to it: a result that nobody got is
// no pass, whichever command had it.
type said struct {
	to  io.Writer
	err error
}

// writer is what commands write to. A terminal is left as it is, to be known as one.
func (s *said) writer() io.Writer {
	if file, ok := s.to.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return s.to
	}
	return s
}

// Write implements io.Writer.
func (s *said) Write(b []byte) (int, error) {
	n, err := s.to.Write(b)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// object writes one JSON object on a line.
func object(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// resultCode is the exit status of a run's result.
func resultCode(r *sim.Result) int {
	switch r.Verdict {
	case sim.VerdictHeld:
		return exitHeld
	case sim.VerdictInconclusive:
		return exitInconclusive
	}
	code := exitInconclusive
	for _, property := range r.Judged {
		code = min(code, kindCode(sim.KindOf(property)))
	}
	return code
}

func kindCode(kind sim.PropertyKind) int {
	switch kind {
	case sim.Safety:
		return exitSafety
	case sim.Liveness:
		return exitLiveness
	case sim.Linearizability:
		return exitLinearizable
	}
	return exitInternal
}

// worse is, of two exit statuses, the smaller that is none of a pass.
func worse(a, b int) int {
	if a == exitHeld || b != exitHeld && b < a {
		return b
	}
	return a
}

func exitWith(code int) error {
	if code == exitHeld {
		return nil
	}
	return &exitError{code}
}

// idleTold is how many faults that did not befall are told one by one.
const idleTold = 5

// tellResult prints a run for people.
func tellResult(w io.Writer, r *sim.Result) {
	fmt.Fprintf(w, "%s  %s: client %s, server %s, authentication %s%s, seed %s\n",
		r.Verdict, r.Scenario, r.Client, r.Server, r.Auth, sim.EarlyWords(r.Server, r.EarlyRequest), r.Seed)
	for _, d := range r.Effective.Drawn {
		fmt.Fprintf(w, "  drawn         %v\n", d)
	}
	for i, f := range r.IdleFaults {
		if i == idleTold {
			fmt.Fprintf(w, "  came to nothing: %d faults more\n", len(r.IdleFaults)-idleTold)
			break
		}
		fmt.Fprintf(w, "  came to nothing: %v\n", f)
	}
	if r.Property != nil {
		fmt.Fprintf(w, "  property      %s\n", *r.Property)
	}
	fmt.Fprintf(w, "  reason        %s\n", r.Reason)
	if r.Advice != "" {
		fmt.Fprintf(w, "  to do         %s\n", r.Advice)
	}
	for _, also := range r.AlsoViolated {
		fmt.Fprintf(w, "  also violated %s\n", also)
	}
	for _, p := range r.Pending {
		fmt.Fprintf(w, "  missing       %s: %s\n", p.Kind, p.What)
	}
	for _, s := range r.Signatures {
		fmt.Fprintf(w, "  negotiation failed: %s, %s after the connection came up, %d x at %s\n", s.Error, seconds(s.AfterNS), s.Count, s.Node)
	}
	for _, f := range r.Refusals {
		fmt.Fprintf(w, "  refused       %d x at %s, first after %s: %s\n", f.Count, f.Node, seconds(f.FirstNS), f.Words)
	}
	if r.ConvergedAfterNS != nil {
		fmt.Fprintf(w, "  converged     %s: %s\n", seconds(*r.ConvergedAfterNS), sim.ConvergedSays(r.Client))
		fmt.Fprintf(w, "  waited        %s: %s\n", seconds(*r.WaitedNS), sim.WaitedSays)
		fmt.Fprintf(w, "  answered      %s: %s\n", seconds(*r.AnsweredNS), sim.AnsweredSays)
	}
	fmt.Fprintf(w, "  restarts %d, reconnects %d, requests in flight at a restart %d, operations %d, events %d over %s simulated\n",
		r.Restarts, r.Reconnects, r.InFlight, r.Operations, r.Events, seconds(r.SimulatedNS))
	fmt.Fprintf(w, "  trace hash    %s\n", r.TraceHash)
	if r.Report != nil {
		fmt.Fprintf(w, "  report        %s\n  replay        simulate replay %s\n", filepath.Join(*r.Report, sim.ReportPage), *r.Report)
	}
}
