// simulate campaign: very many seeds over several processes, with a ledger.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/campaign"
	"github.com/a8011091/pegasus-reference/sim"
)

// campaignFlags are what a campaign is told.
type campaignFlags struct {
	cfg          campaign.Config
	seeds, first string
	junit        string
}

func newCampaignCommand(out *output) *cobra.Command {
	var f campaignFlags
	cmd := &cobra.Command{
		Use:   "campaign",
		Short: "Run very many seeds, with a ledger that survives interrupts",
		Long: `campaign runs seeds of one scenario over several processes and keeps a line for each in
a ledger, an append-only file of JSON that one campaign writes at a time. Started again with
the same ledger it goes on where it was; an interrupt, or SIGKILL, loses the seeds under way
and nothing else. Seeds whose worker was killed or took too long are run again then, those
that --validate-every asks for and that were not validated, and one seed that had ended, to
see that the program still simulates the same. Ledgers of one setup may be put together with
cat: a seed that comes again counts once, and one that was another run is an error.

Of what coming back took a line has figures that the summary defines where it prints them:
converged_after_ns, and waited_ns and answered_ns, which count operations that failed. Lines
of older ledgers have the first alone.

Every hundredth seed is followed by a canary: an unfixed client that is known not to come
back. A campaign that does not find it ends with status 1, as one does that meets a bug of
the simulator.

Exit status as of run, over all seeds; 20 where seeds are missing or inconclusive, or have
not met what so many seeds of swarm are due to meet.`,
		Example: `  simulate campaign --seeds 100000 --ledger night.ndjson
  simulate campaign --seeds 1000 --client upstream-snapshot --server hang --ledger old.ndjson --junit old.xml
  simulate campaign summary night.ndjson
  simulate replay night.ndjson:17`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCampaign(cmd, out, &f) },
	}
	s := sim.Default()
	setup := &f.cfg.Setup
	*setup = campaign.Setup{Scenario: sim.ScenarioFullRestart, Client: s.Client, Server: s.Server, Auth: sim.AuthDrawn, EarlyRequest: s.EarlyRequest}
	flags := cmd.Flags()
	flags.StringVar(&f.seeds, "seeds", "1000", "how many seeds")
	flags.StringVar(&f.first, "first", "1", "the first of them, decimal or 0x")
	flags.IntVar(&f.cfg.Workers, "workers", runtime.NumCPU(), "processes")
	flags.StringVar(&f.cfg.Ledger, "ledger", "", "file that keeps what each seed came to (required)")
	flags.DurationVar(&f.cfg.SeedTimeout, "seed-timeout", time.Minute, "how long one seed may take")
	flags.Uint64Var(&f.cfg.ValidateEvery, "validate-every", 0, "hold the trace of every N-th seed against the specifications, as run --validate does; 0: of none")
	flags.StringVar(&f.junit, "junit", "", "write the summary as JUnit's XML to this file")
	word(cmd, &setup.Scenario, "scenario", "scenario", sim.ScenarioNames)
	word(cmd, &setup.Client, "client", "client", sim.ClientNames)
	word(cmd, &setup.Server, "server", "server", sim.ServerNames)
	word(cmd, &setup.Auth, "auth", "authentication", sim.SeedAuthNames)
	word(cmd, &setup.EarlyRequest, "early-request", "what the reference server does with a request that comes before its negotiation", sim.EarlyNames)
	cmd.AddCommand(newCampaignSummaryCommand(out, &f.junit), newCampaignWorkerCommand())
	for _, c := range cmd.Commands() {
		c.SetFlagErrorFunc(flagError)
	}
	return cmd
}

func newCampaignSummaryCommand(out *output, junit *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "summary LEDGER...",
		Short: "Say what ledgers of one campaign come to",
		Long: `summary says what the seeds in ledgers come to, as the campaign does at its end. A ledger
says itself which seeds there were to be: where some are missing, the status is 20.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			summary, err := campaign.Summarize(args...)
			if err != nil {
				return campaignError(err)
			}
			return tellCampaign(cmd, out, *junit, &summary)
		},
	}
	cmd.Flags().StringVar(junit, "junit", "", "write the summary as JUnit's XML to this file")
	return cmd
}

// newCampaignWorkerCommand is what a campaign starts its processes with.
func newCampaignWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run what a campaign asks for on standard input", Hidden: true, Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return campaign.Work(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

func runCampaign(cmd *cobra.Command, out *output, f *campaignFlags) error {
	var err error
	if f.cfg.Seeds, err = strconv.ParseUint(f.seeds, 0, 64); err != nil {
		return &usageError{fmt.Errorf("--seeds is %q: it must be a number", f.seeds)}
	}
	if f.cfg.First, err = sim.ParseSeed(f.first); err != nil {
		return err
	}
	if err := unheededEarly(cmd, f.cfg.Setup.Server, f.cfg.Setup.EarlyRequest, sim.Default().EarlyCode); err != nil {
		return err
	}
	if f.junit != "" {
		if err := canReplace(f.junit); err != nil {
			return fmt.Errorf("write %s: %w", f.junit, err)
		}
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program, to start workers with: %w", err)
	}
	f.cfg.Command = []string{program, "campaign", "worker"}
	line := newProgress(cmd)
	f.cfg.Progress = func(p campaign.Progress) { line.show(int64(p.Done), int64(p.Total), standing(p)) }
	summary, err := campaign.Run(cmd.Context(), f.cfg)
	line.done()
	if err != nil {
		return campaignError(err)
	}
	return tellCampaign(cmd, out, f.junit, &summary)
}

func standing(p campaign.Progress) string {
	return fmt.Sprintf("%d of %d seeds, %.0f seeds/s, %d kinds of failure", p.Done, p.Total, float64(p.Now)/max(p.Elapsed.Seconds(), 1e-3), p.Failures)
}

// campaignError tells input that cannot be used from what went wrong.
func campaignError(err error) error {
	var ledger *campaign.LedgerError
	if errors.As(err, &ledger) && !errors.Is(err, campaign.ErrNotKept) {
		return &usageError{err}
	}
	return err
}

func tellCampaign(cmd *cobra.Command, out *output, junit string, s *campaign.Summary) error {
	var unwritten error // which is no reason to keep the summary back
	if junit != "" {
		if err := writeJUnit(junit, s); err != nil {
			unwritten = fmt.Errorf("write %s: %w", junit, err)
		}
	}
	if out.json {
		if err := object(cmd.OutOrStdout(), s); err != nil {
			return err
		}
	} else {
		tellSummary(cmd.OutOrStdout(), s)
	}
	return firstError(unwritten, exitWith(campaignCode(s)))
}

func writeJUnit(path string, s *campaign.Summary) error {
	return replaceFile(path, func(w io.Writer) error {
		return campaign.WriteJUnit(w, s, func(f campaign.Failure) string { return seeAgain(s, f) })
	})
}

// seeAgain is the command that shows a failure's first seed.
func seeAgain(s *campaign.Summary, f campaign.Failure) string {
	setup := s.Setup
	if f.Canary {
		setup = setup.Canary()
	}
	command := fmt.Sprintf("simulate run --scenario %s --client %s --server %s --auth %s --early-request %s --seed %s",
		setup.Scenario, setup.Client, setup.Server, setup.Auth, setup.EarlyRequest, f.First)
	if f.Refused {
		command += " --validate"
	}
	return command
}

// campaignCode is the exit status: a bug of ours and a canary that was not found come before
// what the seeds came to.
func campaignCode(s *campaign.Summary) int {
	if s.Verdict == sim.VerdictHeld {
		return exitHeld
	}
	code := exitInconclusive
	for _, f := range s.Failures {
		if f.Bug || f.Canary {
			return exitInternal
		}
		if f.Refused {
			code = min(code, exitNotConforming)
		}
		for _, property := range f.Judged {
			code = min(code, kindCode(sim.KindOf(property)))
		}
	}
	return code
}

func tellSummary(w io.Writer, s *campaign.Summary) {
	fmt.Fprintf(w, "%s  campaign of %s: client %s, server %s, authentication %s%s\n",
		s.Verdict, s.Scenario, s.Client, s.Server, s.Auth, sim.EarlyWords(s.Server, s.EarlyRequest))
	fmt.Fprintf(w, "  seeds         %d: %d held, %d violated, %d inconclusive", s.Seeds, s.Held, s.Violated, s.Inconclusive)
	if s.Remaining > 0 {
		fmt.Fprintf(w, "; %d not run yet", s.Remaining)
	}
	if s.Planned == 0 {
		fmt.Fprint(w, "; the ledger does not say how many there were to be")
	}
	fmt.Fprintf(w, "\n  canaries      %d of %d found", s.Canaries-s.Missed, s.Canaries)
	if s.CanariesRemaining > 0 {
		fmt.Fprintf(w, "; %d not run yet", s.CanariesRemaining)
	}
	if s.Unproven() {
		fmt.Fprint(w, "; without one the seeds prove nothing")
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "  simulated     %d events, %d restarts of nodes\n", s.Events, s.Restarts)
	tellReturns(w, s)
	if s.Validated > 0 {
		fmt.Fprintf(w, "  conforming    %d of %d seeds whose traces were held against the specifications\n", s.Validated-s.Refused, s.Validated)
	}
	for _, name := range s.Unmet {
		fmt.Fprintf(w, "  never met     %s\n", name)
	}
	for _, f := range s.Failures {
		fmt.Fprintf(w, "  %d x %s\n      %s\n      %s\n", f.Count, f.Signature, strings.TrimSpace(f.Reason), seeAgain(s, f))
	}
}

// tellReturns prints what coming back took, by all figures, with what they are.
func tellReturns(w io.Writer, s *campaign.Summary) {
	tell := func(name string, c campaign.Converged, says string) {
		if c.Runs > 0 {
			fmt.Fprintf(w, "  %-13s %d runs: p50 %s, p99 %s, longest %s (seed %s)%s\n", name, c.Runs, seconds(c.P50), seconds(c.P99), seconds(c.Max), c.MaxSeed, says)
		}
	}
	tell("converged", s.Converged, ": "+sim.ConvergedSays(s.Client))
	tell("waited", s.Returns.All.Waited, ": "+sim.WaitedSays)
	tell("answered", s.Returns.All.Answered, ": "+sim.AnsweredSays)
	if s.Returns.PowerLost.Waited.Runs == 0 {
		return
	}
	for _, part := range []struct {
		where string
		of    campaign.Return
	}{{"where no server's host lost power", s.Returns.PowerKept}, {"where one did", s.Returns.PowerLost}} {
		if part.of.Waited.Runs > 0 {
			fmt.Fprintf(w, "  %s\n", part.where)
			tell("  converged", part.of.Converged, "")
			tell("  waited", part.of.Waited, "")
			tell("  answered", part.of.Answered, "")
		}
	}
}
