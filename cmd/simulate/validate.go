// simulate validate: a trace held against the specification, event by event.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/conformance"
	"github.com/a8011091/pegasus-reference/model/session"
	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// validation is what validate prints as JSON.
type validation struct {
	Kind string `json:"kind"` // "validate"
	File string `json:"file"`
	conformance.Result
}

func newValidateCommand(out *output) *cobra.Command {
	var opts conformance.Options
	var server string
	cmd := &cobra.Command{
		Use:   "validate FILE|DIR|-",
		Short: "Hold a trace against the specification, event by event",
		Long: `validate reads a trace (events.ndjson of a report directory, or what a client or
server wrote through its Trace) and holds every event against the specification: it
has to be one of the steps that are enabled in a state that the events before it
allow. The first event that is none is shown with those states, what could have
happened instead, and the clause of docs/spec.md that it breaks.

--spec routing holds a trace against the specification of a whole client instead: the
life of every write, over retries and connections; why and how tables are looked up,
and what metas answer; which server each request goes to; and that what must come
sooner or later has come by the time that the trace itself gives it.

docs/conformance.md says how to record a trace and what each event is held to.

Exit status: 0 conforming, 2 not a trace, 13 not conforming, 20 inconclusive (nothing
in it to judge, too many states possible at once, or a last line that is torn). What was
refused before a line that cannot be read is shown, and is 13 all the same.`,
		Example: `  simulate run --client upstream-snapshot --server hang --report report
  simulate validate report
  simulate validate --json - < events.ndjson`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("validate takes one trace, report directory or - for standard input, got %d arguments; see simulate validate --help", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := validateWords(opts.Spec, server); err != nil {
				return err
			}
			if opts.MaxStates < 1 {
				return &usageError{fmt.Errorf("--max-states is %d: it must be 1 or more", opts.MaxStates)}
			}
			opts.Server = session.ServerMode(server)
			return runValidate(cmd, out, args[0], opts)
		},
	}
	opts.Spec = conformance.SpecSession
	word(cmd, &opts.Spec, "spec", "specification", conformance.Specs())
	word(cmd, &server, "server", "what the trace's servers do to early requests (default: what its header says, else reference)", sim.ServerNames)
	cmd.Flags().IntVar(&opts.MaxStates, "max-states", conformance.DefaultMaxStates, "stop judging a session, or the use of a table, in which more states are possible at once")
	return cmd
}

func validateWords(spec, server string) error {
	if !slices.Contains(conformance.Specs(), spec) {
		return unknownWord("spec", spec, conformance.Specs())
	}
	if server != "" && !slices.Contains(sim.ServerNames, server) {
		return unknownWord("server", server, sim.ServerNames)
	}
	return nil
}

func runValidate(cmd *cobra.Command, out *output, path string, opts conformance.Options) error {
	line := newProgress(cmd)
	opts.Progress = func(events uint64) { line.show(int64(events), -1, "events") }
	result, err := validateFile(cmd.Context(), cmd.InOrStdin(), path, opts)
	line.done()
	if err != nil && result.Verdict != conformance.NotConforming && !errors.Is(err, trace.ErrTorn) {
		return err // else the result has it
	}
	if out.json {
		if err := object(cmd.OutOrStdout(), validation{"validate", path, result}); err != nil {
			return err
		}
	} else if err := tellValidation(cmd.OutOrStdout(), &result); err != nil {
		return err
	}
	return exitWith(conformanceCode(&result))
}

// validateFile reads standard input, a trace, or the trace of a report directory. What is
// no trace is the user's to repair; the result is of what came before.
func validateFile(ctx context.Context, stdin io.Reader, path string, opts conformance.Options) (conformance.Result, error) {
	from := stdin
	if path != "-" {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, sim.ReportEvents)
		}
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) && filepath.Base(path) == sim.ReportEvents {
			err = fmt.Errorf("%w; a report directory has the trace as %s", err, sim.ReportEvents)
		}
		if err != nil {
			return conformance.Result{}, &usageError{fmt.Errorf("cannot read the trace: %w", err)}
		}
		defer file.Close()
		from = file
	}
	result, err := conformance.Read(ctx, from, opts)
	if err != nil {
		return result, &usageError{fmt.Errorf("validate %s: %w", path, err)}
	}
	return result, nil
}

func conformanceCode(r *conformance.Result) int {
	switch r.Verdict {
	case conformance.Conforming:
		return exitHeld
	case conformance.NotConforming:
		return exitNotConforming
	}
	return exitInconclusive
}

// tellValidation prints a validation for people.
func tellValidation(w io.Writer, r *conformance.Result) error {
	fmt.Fprintf(w, "%s  specification %s: %s\n", r.Verdict, r.Spec, r.Reason)
	fmt.Fprintf(w, "  %d events, %d held against the specification, %d that change nothing in it\n", r.Events, r.Steps, r.Stuttering)
	fmt.Fprintf(w, "  %d sessions, %d connections, at most %d states possible at once\n", r.Sessions, r.Connections, r.MostStates)
	if r.First == nil {
		return nil
	}
	if r.Stopped != "" {
		fmt.Fprintf(w, "  NOT read to its end: %s\n", r.Stopped)
	}
	anew := "a session is judged anew from its next dial"
	if r.Spec == conformance.SpecRouting {
		anew = "a table is judged anew when its client has read it again"
	}
	fmt.Fprintf(w, "  %d refused; after one, %s. The first:\n\n", r.Refused, anew)
	return r.First.Tell(w)
}
