// simulate shrink: a failing scenario made small.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/shrink"
	"github.com/a8011091/pegasus-reference/sim"
)

// shrunk is what shrink says, as one object.
type shrunk struct {
	Kind     string `json:"kind"` // "shrink"
	Version  string `json:"version"`
	Property string `json:"property"`
	// Signature is how negotiations fail in it, null where none does, as in the JSON of run.
	Signature        *string     `json:"signature"`
	SignatureAfterNS *int64      `json:"signature_after_ns"`
	Before           shrink.Size `json:"before"`
	After            shrink.Size `json:"after"`
	Runs             int         `json:"runs"`
	Complete         bool        `json:"complete"` // false: interrupted, or --max-runs reached
	Scenario         string      `json:"scenario"` // file
	Hash             string      `json:"trace_hash"`
}

func newShrinkCommand(out *output) *cobra.Command {
	var file string
	var options shrink.Options
	cmd := &cobra.Command{
		Use:   "shrink FILE",
		Short: "Make a failing scenario small, with its verdict kept",
		Long: `shrink leaves out faults, operations, clients and nodes of a scenario that violates a
property, and rounds its times, as long as the same property is violated in the same way:
negotiations fail with the same error, on connections of the same age, as they do with the
node that the violation names, or as --signature says.
FILE is a scenario file, a report directory, or LEDGER:LINE of a campaign. The result is a
scenario file to read, to edit and to replay; the same input gives the same file. An
interrupt keeps the smallest one so far.

Exit status: 0 shrunk, 2 usage, 20 there is no violation to shrink.`,
		Example: `  simulate run --client upstream-snapshot --server hang --seed 7 --report failed
  simulate shrink failed --out small.txt
  simulate replay small.txt --explain
  simulate shrink failed --signature ERR_SESSION_RESET@5s`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("shrink takes one scenario file, report directory or LEDGER:LINE, got %d arguments; see simulate shrink --help", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := readScenario(args[0])
			if err != nil {
				return err
			}
			return runShrink(cmd, out, s, file, options)
		},
	}
	cmd.Flags().StringVar(&file, "out", "", "file for the small scenario (default: "+reportRoot+"/NAME-small.txt)")
	cmd.Flags().StringVar(&options.Signature, "signature", "", "how negotiations fail that is to stay: an error, or an error and the age of the connection, as ERR_TIMEOUT@10s")
	cmd.Flags().IntVar(&options.MaxRuns, "max-runs", shrink.DefaultMaxRuns, "how many runs it may take")
	return cmd
}

func runShrink(cmd *cobra.Command, out *output, s sim.Scenario, file string, options shrink.Options) error {
	if options.MaxRuns < 1 {
		return &usageError{fmt.Errorf("--max-runs is %d: it must be 1 or more", options.MaxRuns)}
	}
	line := newProgress(cmd)
	options.Progress = func(p shrink.Progress) {
		line.show(int64(p.Runs), int64(p.MaxRuns), fmt.Sprintf("%s: %v", p.Pass, p.Size))
	}
	r, err := shrink.Minimize(cmd.Context(), s, options)
	line.done()
	var held *shrink.HeldError
	if errors.As(err, &held) {
		fmt.Fprintln(cmd.ErrOrStderr(), "simulate:", err)
		return exitWith(exitInconclusive)
	}
	var unseen *shrink.SignatureError
	if errors.As(err, &unseen) {
		return &usageError{err}
	}
	if err != nil {
		return err
	}
	if file == "" {
		file = filepath.Join(reportRoot, sim.ReportName(&r.Run)+"-small.txt")
	}
	if err := writeScenario(file, &r.Scenario); err != nil {
		return fmt.Errorf("cannot write the small scenario to %s: %w; choose another file with --out", file, err)
	}
	told := shrunk{
		Kind: "shrink", Version: sim.Version(), Property: *r.Run.Property, Signature: r.Run.Signature, SignatureAfterNS: r.Run.SignatureAfterNS, Before: r.Before, After: r.After,
		Runs: r.Runs, Complete: r.Complete, Scenario: file, Hash: r.Run.TraceHash,
	}
	if out.json {
		return object(cmd.OutOrStdout(), told)
	}
	return tellShrunk(cmd.OutOrStdout(), &told, &r.Scenario)
}

func writeScenario(path string, s *sim.Scenario) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return replaceFile(path, func(w io.Writer) error { return sim.WriteScenario(w, s) })
}

func tellShrunk(w io.Writer, told *shrunk, s *sim.Scenario) error {
	fmt.Fprintf(w, "%s: from %v\n%*s to %v, in %d runs\n", told.Property, told.Before, len(told.Property), "", told.After, told.Runs)
	if told.Signature != nil {
		fmt.Fprintf(w, "negotiations fail with %s after %v\n", *told.Signature, time.Duration(*told.SignatureAfterNS).Round(time.Millisecond))
	}
	if !told.Complete {
		fmt.Fprintln(w, "ended early: shrink the result to go on")
	}
	fmt.Fprintf(w, "simulate replay %s --explain\n\n", told.Scenario)
	return sim.WriteScenario(w, s)
}
