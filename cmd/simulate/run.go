// simulate run and replay: one scenario, from a seed or from a file.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/campaign"
	"github.com/a8011091/pegasus-reference/conformance"
	"github.com/a8011091/pegasus-reference/sim"
)

// runFlags are what run and replay share.
type runFlags struct {
	twice, explain, validate bool
	report                   string
	hash                     string // that the run is known to have; empty: none is
}

// compareTwice runs a scenario again, and says whether both runs came to an end and could be
// compared. A trace hash that differs is an error.
func (f *runFlags) compareTwice(ctx context.Context, s sim.Scenario, opts sim.Options, first *sim.Result) (compared bool, err error) {
	if ctx.Err() != nil {
		return false, nil
	}
	again, err := sim.Run(ctx, s, opts)
	switch {
	case err != nil || ctx.Err() != nil:
		return false, err
	case again.TraceHash != first.TraceHash:
		return false, fmt.Errorf("not deterministic: seed %s gave trace hash %s and then %s; this is a bug of the simulator", first.Seed, first.TraceHash, again.TraceHash)
	}
	return true, nil
}

func (f *runFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.twice, "twice", false, "run it twice and compare the trace hashes")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "tell the run as a timeline in words")
	cmd.Flags().BoolVar(&f.validate, "validate", false, "hold the run's trace against the specification, as simulate validate does")
	cmd.Flags().StringVar(&f.report, "report", "", "directory for the report (default: "+reportRoot+"/..., written when something was violated)")
}

// reportRoot is where reports of violations go unless --report says otherwise.
const reportRoot = "simulate-report"

func newRunCommand(out *output) *cobra.Command {
	var flags runFlags
	var scenario, seed string
	auth := sim.AuthDrawn
	s := sim.Default()
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run one scenario from a seed and judge it",
		Long: `run makes a scenario from a seed, plays it, and judges it. A violation leaves a report
directory, which replay and shrink take. Exit status as of simulate; with --validate, 13
where no property was violated and the trace does not conform.`,
		Example: `  simulate run --seed 42
  simulate run --client upstream-snapshot --server hang --seed 0x5eed --explain
  simulate run --client upstream-snapshot --server reference --early-request hold --seed 7 --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := sim.ParseSeed(seed)
			if err != nil {
				return err
			}
			chosen, err := sim.Generate(scenario, n)
			if err != nil {
				return err
			}
			if err := unheededEarly(cmd, s.Server, s.EarlyRequest, s.EarlyCode); err != nil {
				return err
			}
			chosen.Client = s.Client
			chosen.Server, chosen.EarlyRequest, chosen.EarlyCode = s.Server, s.EarlyRequest, s.EarlyCode
			chosen.Causes, chosen.Remedies = s.Causes, s.Remedies
			chosen.SetAuth(auth)
			return runScenario(cmd, out, &flags, chosen)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&scenario, "scenario", sim.ScenarioFullRestart, "scenario: "+strings.Join(sim.ScenarioNames, ", "))
	cmd.Flags().StringVar(&seed, "seed", "1", "seed, decimal or 0x: decides everything that the other flags leave open")
	word(cmd, &s.Client, "client", "client", sim.ClientNames)
	word(cmd, &s.Server, "server", "server", sim.ServerNames)
	word(cmd, &auth, "auth", "authentication", sim.SeedAuthNames)
	word(cmd, &s.EarlyRequest, "early-request", "what the reference server does with a request that comes before its negotiation", sim.EarlyNames)
	cmd.Flags().StringVar(&s.EarlyCode, "early-code", s.EarlyCode, "the error with which it refuses such a request")
	cmd.Flags().StringVar(&s.Causes, "causes", s.Causes, "of the incident, that upstream-snapshot is to have: "+sim.CausesAsReleased+", "+sim.NoneOfThem+", or such as C1+C3; see simulate ablation")
	cmd.Flags().StringVar(&s.Remedies, "remedies", s.Remedies, "of the incident, that it is to have: "+sim.NoneOfThem+", or such as r1+r3")
	return cmd
}

// word is a flag that takes one of a few words.
func word(cmd *cobra.Command, value *string, name, what string, valid []string) {
	cmd.Flags().StringVar(value, name, *value, what+": "+strings.Join(valid, ", "))
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(valid, cobra.ShellCompDirectiveNoFileComp))
}

func newReplayCommand(out *output) *cobra.Command {
	var flags runFlags
	var seed, client, server string
	var watch time.Duration
	cmd := &cobra.Command{
		Use:   "replay FILE|DIR|LEDGER:LINE",
		Short: "Run a scenario file, the scenario of a report directory, or of a line of a ledger",
		Example: `  simulate replay simulate-report/full-restart-0x5eed-upstream-snapshot-hang-mandatory
  simulate replay small.txt --explain
  simulate replay night.ndjson:17`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("replay takes one scenario file, report directory or LEDGER:LINE, got %d arguments; see simulate replay --help", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, hash, err := readScenario(args[0])
			if flags.hash = hash; seed != "" || client != "" || server != "" || watch != 0 {
				flags.hash = "" // it is another run
			}
			if err == nil && seed != "" {
				s.Seed, err = sim.ParseSeed(seed)
			}
			s.Client, s.Server, s.Watch = cmp.Or(client, s.Client), cmp.Or(server, s.Server), cmp.Or(watch, s.Watch)
			if err != nil {
				return err
			}
			return runScenario(cmd, out, &flags, s)
		},
	}
	flags.add(cmd)
	word(cmd, &client, "client", "play it with another client", sim.ClientNames)
	word(cmd, &server, "server", "play it with another server", sim.ServerNames)
	cmd.Flags().StringVar(&seed, "seed", "", "play it with another seed than it has: other latencies, keys and races, the same faults")
	cmd.Flags().DurationVar(&watch, "watch", 0, "let it go on for so long after the last fault, whatever the scenario says")
	return cmd
}

// readScenario reads a scenario file, or scenario.txt of a report directory, or what a line
// of a campaign's ledger played: LEDGER:LINE. Of the last it returns the trace hash too.
func readScenario(path string) (s sim.Scenario, hash string, err error) {
	if ledger, line, ok := cutLine(path); ok {
		s, hash, err = campaign.Scenario(ledger, line)
		return s, hash, campaignError(err)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, sim.ReportScenario)
	}
	file, err := os.Open(path)
	if err != nil {
		return s, "", &usageError{fmt.Errorf("cannot read the scenario: %w", err)}
	}
	defer file.Close()
	if s, err = sim.ReadScenario(file); err == nil {
		return s, "", nil
	}
	if info, stat := file.Stat(); stat == nil && info.Mode().IsRegular() && campaign.IsLedger(path) {
		return s, "", &usageError{fmt.Errorf("%s is the ledger of a campaign: say which of its lines, such as %[1]s:2", path)}
	}
	return s, "", fmt.Errorf("scenario file %s: %w", path, err)
}

// cutLine takes FILE:LINE apart, unless there is a file of that whole name.
func cutLine(path string) (file string, line int, ok bool) {
	i := strings.LastIndexByte(path, ':')
	if _, err := os.Stat(path); err == nil || i < 0 {
		return "", 0, false
	}
	line, err := strconv.Atoi(path[i+1:])
	return path[:i], line, err == nil
}

func runScenario(cmd *cobra.Command, out *output, flags *runFlags, s sim.Scenario) error {
	line := newProgress(cmd)
	opts := sim.Options{Progress: func(at, end time.Duration) { line.show(int64(at), int64(end), "simulated") }}
	var validators conformance.All
	if flags.validate {
		var err error
		if validators, err = conformance.NewAll(conformance.Options{Server: conformance.ServerMode(s.Server, s.EarlyRequest)}); err != nil {
			return err
		}
		opts.Sink = validators
	}
	result, err := sim.Run(cmd.Context(), s, opts)
	if err != nil {
		return err
	}
	judged := judgedRun{Result: &result, Conformance: validators.Results()}
	opts.Sink = nil
	if flags.twice {
		compared, err := flags.compareTwice(cmd.Context(), s, opts, &result)
		if err != nil {
			return err
		}
		judged.uncompared = !compared
	}
	line.done()
	if flags.hash != "" && cmd.Context().Err() == nil && result.TraceHash != flags.hash {
		fmt.Fprintf(cmd.ErrOrStderr(), "simulate: this is not the run of the ledger: its trace hash is %s there; the program that wrote it simulated otherwise\n", flags.hash)
	}
	var unwritten error // which is no reason to keep the result back
	if flags.report != "" || result.Verdict == sim.VerdictViolation {
		unwritten = writeReport(cmd, flags, &result)
	}
	if err := firstError(tellRun(cmd, out, flags, &judged), unwritten); err != nil {
		return err
	}
	return exitWith(judged.code())
}

// judgedRun is a run, and with --validate what the specifications say of its trace.
type judgedRun struct {
	*sim.Result
	Conformance []conformance.Result `json:"conformance,omitempty"`

	uncompared bool // it was to be run twice, and was interrupted before that
}

// code is the exit status: of several, the smallest that is none of a pass.
func (r *judgedRun) code() int {
	code := resultCode(r.Result)
	for i := range r.Conformance {
		code = worse(code, conformanceCode(&r.Conformance[i]))
	}
	if r.uncompared {
		code = worse(code, exitInconclusive)
	}
	return code
}

func writeReport(cmd *cobra.Command, flags *runFlags, result *sim.Result) error {
	dir := flags.report
	if dir == "" {
		dir = filepath.Join(reportRoot, sim.ReportName(result))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &usageError{fmt.Errorf("cannot write the report: %w; choose another directory with --report", err)}
	}
	switch err := sim.WriteReport(cmd.Context(), dir, result); {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(cmd.ErrOrStderr(), "simulate: interrupted: %s has the scenario, and no trace; simulate replay %[1]s makes the rest\n", dir)
		return nil
	case err != nil:
		return fmt.Errorf("write the report to %s: %w", dir, err)
	}
	result.Report = &dir
	return nil
}

func tellRun(cmd *cobra.Command, out *output, flags *runFlags, result *judgedRun) error {
	words := cmd.OutOrStdout()
	if out.json {
		words = cmd.ErrOrStderr()
	}
	if flags.explain && cmd.Context().Err() == nil {
		if err := sim.Explain(cmd.Context(), words, result.Effective); err != nil {
			return err
		}
	}
	if out.json {
		return object(cmd.OutOrStdout(), result)
	}
	tellResult(words, result.Result)
	switch {
	case result.uncompared:
		fmt.Fprintln(words, "  twice         interrupted: not compared")
	case flags.twice:
		fmt.Fprintln(words, "  twice         the same trace hash")
	}
	for i := range result.Conformance {
		if err := tellValidation(words, &result.Conformance[i]); err != nil {
			return err
		}
	}
	return nil
}
