// simulate check: a specification, explored to its last state.

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/docs/spec/tla"
	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/sim"
)

// checkFlags are what check is told beside the specification.
type checkFlags struct {
	request model.Request
	sets    []string
	memory  string
	seed    string
	tlc     bool
	region  int    // seconds up to which pairs of deadlines are looked at; 0: none
	table   bool   // print how often each action was taken
	picture string // file of --dot
	matrix  matrixFlags
}

func newCheckCommand(out *output) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check SPEC | check --with SWITCH | check --matrix",
		Short: "Explore a specification to its last state and judge its properties",
		Long:  checkLong(),
		Example: `  simulate check session
  simulate check session --with stale-auth-flag --server hang
  simulate check --with redial-after-60s
  simulate check timeouts --region 10 --set D=2
  simulate check session --set NReq=2,K=3 --json
  simulate check routing --config small --set Earlies=0,Odd=false --tlc
  simulate check two-phase-commit --rms 8
  simulate check --matrix
  simulate check --matrix --with stale-auth-flag --engine cores,simulator`,
		ValidArgs: specNames(),
		Args:      f.accept,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.oneForm(cmd); err != nil {
				return err
			}
			if f.matrix.on {
				return runMatrix(cmd, out, &f.matrix, f.request.With)
			}
			spec, err := f.spec(args)
			if err != nil {
				return err
			}
			request, err := f.ask(spec)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("region") {
				return runRegion(cmd, out, request, f.region)
			}
			return f.run(cmd, out, request)
		},
	}
	f.register(cmd)
	f.matrix.register(cmd)
	return cmd
}

func (f *checkFlags) register(cmd *cobra.Command) {
	request := &f.request
	flags := cmd.Flags()
	flags.StringVar(&request.Config, "config", "", "named bounds (default: those that show the switches of --with, else the specification's first)")
	flags.StringSliceVar(&f.sets, "set", nil, "constants, CONSTANT=VALUE,.., as the TLA+ twin names them")
	flags.StringSliceVar(&request.With, "with", nil, "defects to switch on, such as stale-auth-flag")
	flags.StringVar(&request.Property, "property", "", "judge this property only")
	flags.StringVar(&request.Server, "server", "", "server: "+strings.Join(sim.ServerNames, ", "))
	flags.StringVar(&request.Auth, "auth", "", "authentication: "+strings.Join(sim.AuthNames, ", "))
	flags.IntVar(&request.RMs, "rms", 0, "two-phase-commit: number of resource managers (default 7)")
	flags.BoolVar(&f.tlc, "tlc", false, "run TLC on the TLA+ twin with the same constants as well, and compare (docs/spec/tla/install fetches it)")
	flags.IntVar(&f.region, "region", 0, "timeouts: print for every pair of deadlines up to so many seconds whether the query is answered")
	flags.StringVar(&request.Search, "search", "bfs", "order: bfs (shortest traces), dfs, walk (random paths; proves nothing)")
	flags.StringVar(&f.seed, "seed", "1", "with --search walk: seed of the paths, decimal or 0x")
	flags.IntVar(&request.Walks, "walks", 1000, "with --search walk: number of paths")
	flags.IntVar(&request.Length, "length", 200, "with --search walk: steps of each path")
	flags.BoolVar(&request.Symmetry, "symmetry", false, "take states that differ in a permutation for one; refused with liveness")
	flags.BoolVar(&f.table, "coverage", false, "print how often each action is taken")
	flags.BoolVar(&request.MayRest, "may-rest", false, "an action that is never taken is no reason for doubt, whatever the specification says")
	flags.StringVar(&f.picture, "dot", "", "write the counterexample, or else the nearest states, to this file for Graphviz")
	flags.IntVar(&request.Workers, "workers", 0, "goroutines that explore, 64 at most; dfs has one (default: one a processor)")
	flags.Uint64Var(&request.MaxStates, "max-states", 0, "stop, inconclusive, at so many distinct states; liveness is judged on these")
	flags.StringVar(&f.memory, "max-memory", "", "stop, inconclusive, at so much memory, such as 4GiB; what of liveness is not judged by then stays unknown")
	flags.DurationVar(&request.Timeout, "timeout", 0, "stop, inconclusive, after so long, and likewise TLC; what of liveness is not judged by then stays unknown")
}

// accept refuses arguments and flags that would go unheeded.
func (f *checkFlags) accept(cmd *cobra.Command, args []string) error {
	switch {
	case f.matrix.on && len(args) > 0:
		return &usageError{fmt.Errorf("check --matrix takes no specification, got %q; --with names defects, --engine engines", args)}
	case f.matrix.on:
		return f.matrix.acceptOnly(cmd)
	case len(f.matrix.engines) > 0 || f.matrix.markdown:
		return &usageError{errors.New("--engine and --markdown of check go with --matrix")}
	case len(args) == 0 && len(f.request.With) > 0: // spec finds it
	case len(args) != 1:
		return &usageError{fmt.Errorf("check takes one specification (%s), got %d arguments; see simulate check --help", strings.Join(specNames(), ", "), len(args))}
	}
	for _, name := range []string{"seed", "walks", "length"} {
		if cmd.Flags().Changed(name) && f.request.Search != check.Searches[check.RandomWalk] {
			return &usageError{fmt.Errorf("--%s of check goes with --search %s; every other order sees every state", name, check.Searches[check.RandomWalk])}
		}
	}
	if f.tlc && f.request.Search == check.Searches[check.RandomWalk] {
		return &usageError{fmt.Errorf("--tlc of check compares all states, of which --search %s sees some; leave out one of the two", f.request.Search)}
	}
	if f.request.Walks < 1 || f.request.Length < 1 {
		return &usageError{fmt.Errorf("check --search walk takes 1 walk of 1 step or more, got --walks %d --length %d", f.request.Walks, f.request.Length)}
	}
	return nil
}

// spec is the specification that is named, or the only one that has the switches.
func (f *checkFlags) spec(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	words := strings.Join(f.request.With, ",")
	specs, err := model.SpecsWith(f.request.With)
	switch {
	case err != nil:
		return "", requestError(err)
	case len(specs) == 0:
		return "", &usageError{fmt.Errorf("no specification has all of --with %s; see simulate check --help", words)}
	case len(specs) > 1:
		return "", &usageError{fmt.Errorf("--with %s is a switch of several specifications (%s): say which, such as simulate check %s --with %s", words, strings.Join(specs, ", "), specs[0], words)}
	}
	return specs[0], nil
}

// ask is what the flags ask for of a specification.
func (f *checkFlags) ask(spec string) (request model.Request, err error) {
	request = f.request
	request.Spec = spec
	if request.Set, err = parseSettings(f.sets); err != nil {
		return request, err
	}
	if request.MaxMemory, err = parseBytes(f.memory); err != nil {
		return request, err
	}
	request.Seed, err = sim.ParseSeed(f.seed)
	return request, err
}

func checkLong() string {
	var b strings.Builder
	b.WriteString("check explores every state of a specification within its bounds and judges its\nproperties. A violation comes with a shortest trace in words.\n\nExit status: 0 every property held, 10 a safety property is violated, 11 liveness only,\n20 inconclusive: not every state was explored, liveness was not judged in time,\n--tlc had nothing to compare, or an action was never taken of which the specification does not say that it may rest with these constants. With --json, failures has each\nviolated property and its kind: safety, deadlock, liveness or reachability.\n\nA switch that only one specification has needs no SPEC. What each breaks is said behind it: in its\nconfiguration, against at least one server.\n\nSpecifications:\n")
	for _, s := range model.Specs() {
		fmt.Fprintf(&b, "  %-18s %s\n", s.Name, s.About)
		for _, c := range s.Configs {
			fmt.Fprintf(&b, "    --config %s\n        %s\n", c.Name, c.About)
		}
		for _, w := range s.Switches {
			fmt.Fprintf(&b, "    --with %s\n        %s\n        fails: %s (--config %s%s)\n", w.Name, w.About, strings.Join(w.Properties, ", "), cmp.Or(w.Config, s.Configs[0].Name), against(w.Server))
		}
	}
	b.WriteString(matrixLong())
	return strings.TrimSpace(b.String())
}

// against is the server that a switch names.
func against(server string) string {
	if server == "" {
		return ""
	}
	return " --server " + server
}

// parseBytes reads a size: a whole number, with KiB, MiB or GiB behind it. Empty is zero.
func parseBytes(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	number, shift := text, 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if rest, found := strings.CutSuffix(text, unit); found {
			number, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(number, 10, 64-shift)
	if err != nil {
		return 0, &usageError{fmt.Errorf("--max-memory takes a size such as 512MiB or 4GiB, got %q", text)}
	}
	return n << shift, nil
}

// run checks, and reports what was found.
func (f *checkFlags) run(cmd *cobra.Command, out *output, request model.Request) error {
	var tool tla.Tool
	if f.tlc {
		var err error
		if tool, err = tla.Find(); err != nil {
			return fmt.Errorf("comparing with TLC: %w", err)
		}
	}
	line := newProgress(cmd)
	request.Progress = func(p check.Progress) {
		line.show(int64(p.Distinct), -1, fmt.Sprintf("%s: depth %d, %d to look into, %.0f states/s, %d MiB", p.Phase, p.Depth, p.Queue, p.PerSecond(), p.Memory>>20))
	}
	report, err := model.Run(cmd.Context(), request)
	line.done()
	if err != nil {
		return requestError(err)
	}
	var compared *comparison
	if f.tlc {
		if compared, err = compareWithTLC(cmd.Context(), tool, &report, request.Timeout); err != nil {
			return err
		}
	}
	if out.json {
		if err := object(cmd.OutOrStdout(), checkReport{report, compared}); err != nil {
			return err
		}
	} else {
		tellCheck(cmd.OutOrStdout(), &report)
		if f.table {
			tellCoverage(cmd.OutOrStdout(), &report)
		}
		compared.tell(cmd.OutOrStdout())
	}
	if f.picture != "" {
		if err := drawCheck(f.picture, request, &report); err != nil {
			return fmt.Errorf("drawing: %w", err)
		}
	}
	if compared != nil && len(compared.Differences) > 0 {
		return fmt.Errorf("the checker and TLC differ on %s: %s", report.Spec, strings.Join(compared.Differences, "; "))
	}
	return exitWith(compared.code(checkCode(&report)))
}

func checkCode(r *model.Report) int {
	switch r.Verdict {
	case string(sim.VerdictHeld):
		return exitHeld
	case string(sim.VerdictInconclusive):
		return exitInconclusive
	}
	code := exitLiveness
	for _, f := range r.Failures {
		if f.Kind != check.Liveness.String() {
			code = exitSafety
		}
	}
	return code
}

// tellCheck prints a check for people: the numbers, then each violation as a story.
func tellCheck(w io.Writer, r *model.Report) {
	switches := ""
	if len(r.Switches) > 0 {
		switches = " with " + strings.Join(r.Switches, ", ")
	}
	where := ""
	if r.Server != "" {
		where = fmt.Sprintf(", server %s, authentication %s", r.Server, r.Auth)
	}
	fmt.Fprintf(w, "%s  %s%s%s, configuration %s\n", r.Verdict, r.Spec, switches, where, r.Config)
	fmt.Fprintf(w, "  %d distinct states, %d generated, depth %d, %.2f s with %d workers, %s\n",
		r.Distinct, r.Generated, r.Depth, r.Seconds, r.Workers, completeness(r))
	d := r.OutDegree
	fmt.Fprintf(w, "  %d steps out of a state on average (least %d, median %d, 95 %% up to %d, most %d); two states taken for one with probability below %.1g\n",
		d.Average, d.Min, d.Median, d.P95, d.Max, r.Collision)
	tellLiveness(w, r)
	tellRest(w, r)
	for _, f := range r.Failures {
		fmt.Fprintf(w, "\n%s is violated (%s):\n", f.Property, f.Kind)
		tellTrace(w, f.Trace)
	}
}

func completeness(r *model.Report) string {
	if r.Complete {
		return "every state explored"
	}
	return "NOT every state explored: " + r.Stopped
}

// tellLiveness says what is not known of liveness because the search ended early.
func tellLiveness(w io.Writer, r *model.Report) {
	if len(r.Unjudged) > 0 {
		fmt.Fprintf(w, "  liveness was NOT judged (%s): %s\n", r.Stopped, strings.Join(r.Unjudged, ", "))
	}
	reached := slices.DeleteFunc(slices.Clone(r.Liveness), func(p string) bool { return slices.Contains(r.Unjudged, p) })
	if len(reached) > 0 && !r.Complete {
		fmt.Fprintf(w, "  liveness was judged on what was reached only: %s\n", strings.Join(reached, ", "))
	}
}

// tellTrace prints steps in words, with what each changed, and marks what repeats.
func tellTrace(w io.Writer, steps []model.Step) {
	cycle := false
	for _, s := range steps {
		if s.Cycle && !cycle {
			cycle = true
			fmt.Fprintln(w, "      from here on, for ever:")
		}
		fmt.Fprintf(w, "  %3d %s\n", s.Number, s.Text)
		if s.Number == 0 {
			continue
		}
		for _, c := range s.Changes {
			fmt.Fprintf(w, "        %s: %s -> %s\n", c.Name, orNone(c.Before), orNone(c.After))
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func specNames() []string {
	var names []string
	for _, s := range model.Specs() {
		names = append(names, s.Name)
	}
	return names
}
