// simulate ablation: the incident's causes taken away one at a time.

package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/ablation"
	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim"
)

// ablationFlags are what the command was told.
type ablationFlags struct {
	engine   string
	markdown bool
	seeds    int
	check    ablation.Options
}

// ablationSeeds a cell take about a minute on two cores.
const ablationSeeds = 24

func newAblationCommand(out *output) *cobra.Command {
	f := ablationFlags{engine: ablation.EngineCheck}
	cmd := &cobra.Command{
		Use:   "ablation",
		Short: "Which of the incident's claimed causes are necessary, which suffice, and what the remedies cure",
		Long:  ablationLong(),
		Example: `  simulate ablation
  simulate ablation --engine sim --seeds 1000 --json
  simulate ablation --engine both --markdown
  simulate ablation --requests 2 --workers 2`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(ablation.EngineNames, f.engine) {
				return unknownWord("engine", f.engine, ablation.EngineNames)
			}
			if f.check.Requests < 1 || f.check.Requests > maxAblationRequests {
				return &usageError{fmt.Errorf("--requests is %d; choose 1 to %d", f.check.Requests, maxAblationRequests)}
			}
			if f.seeds < 1 || f.seeds > ablation.MaxSeeds {
				return &usageError{fmt.Errorf("--seeds is %d; choose 1 to %d", f.seeds, ablation.MaxSeeds)}
			}
			if err := firstError(out.oneForm(cmd), f.accept(cmd)); err != nil {
				return err
			}
			return f.run(cmd, out)
		},
	}
	flags := cmd.Flags()
	word(cmd, &f.engine, "engine", "what decides", ablation.EngineNames)
	flags.IntVar(&f.seeds, "seeds", ablationSeeds, "seeds of each of the simulator's cells, from 1 on")
	flags.IntVar(&f.check.Requests, "requests", 1, "requests of the session specification, each submitted again and again; 2 takes an hour")
	flags.IntVar(&f.check.Workers, "workers", 0, "goroutines that explore or simulate (default: one a processor)")
	flags.BoolVar(&f.markdown, "markdown", false, "the tables and conclusions as Markdown, as docs/ablation.md has them")
	return cmd
}

// accept refuses flags of the engine that does not decide.
func (f *ablationFlags) accept(cmd *cobra.Command) error {
	if f.check.Workers < 0 {
		return &usageError{fmt.Errorf("--workers is %d: it must be 0 or more", f.check.Workers)}
	}
	switch f.engine {
	case ablation.EngineCheck:
		return unheeded(cmd, "with --engine "+f.engine+": it is of the simulator's; leave it out", "seeds")
	case ablation.EngineSim:
		return unheeded(cmd, "with --engine "+f.engine+": it is of the specifications'; leave it out", "requests")
	}
	return nil
}

// maxAblationRequests is beyond what a machine explores in a day.
const maxAblationRequests = 4

func ablationLong() string {
	var b strings.Builder
	b.WriteString("ablation checks the specifications for every combination of the incident's claimed\ncauses, without a remedy, with each, and with all; for every server, and for\nauthentication that is mandatory and that is not; with and without a lost FIN and a\ntimer that fires early. Each cell is explored to its last state. With --engine sim it runs\nupstream-snapshot's rules with causes taken away, under --seeds seeds a cell, and counts;\nwith both it says where the two differ, and why.\n\n")
	for _, c := range model.Causes() {
		fmt.Fprintf(&b, "  %s  %s\n", c.Name, c.About)
	}
	for _, r := range model.Remedies() {
		fmt.Fprintf(&b, "  %s  %s\n", r.Name, r.About)
	}
	b.WriteString("\nExit status: 0 every cell was decided, whatever it says, 2 usage, 20 some were not: interrupted, or with\nseeds that prove nothing.")
	return b.String()
}

// ablated is what the engines found.
type ablated struct {
	checked   []ablation.Cell
	simulated []ablation.SimCell
	compared  []ablation.Comparison
	missing   int // cells that were not decided
}

// run has the engines decide, and prints. With --json each cell is printed as it is known.
func (f *ablationFlags) run(cmd *cobra.Command, out *output) error {
	line := newProgress(cmd)
	found, err := f.decide(cmd, out, line)
	line.done()
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	switch {
	case out.json:
	case f.markdown:
		found.writeMarkdown(w)
	default:
		found.tell(w)
	}
	if found.missing > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d cells were not decided: interrupted, or with seeds that prove nothing\n", found.missing)
		return exitWith(exitInconclusive)
	}
	return nil
}

func (f *ablationFlags) decide(cmd *cobra.Command, out *output, line *progress) (ablated, error) {
	var found ablated
	var failed error
	each := func(cell any) {
		if out.json && failed == nil {
			failed = object(cmd.OutOrStdout(), cell)
		}
	}
	total := 0
	show := func(done, all int, what string) {
		total = all
		line.show(int64(done), int64(all), what)
	}
	var err error
	if f.engine != ablation.EngineSim {
		options := f.check
		options.Progress, options.Each = show, func(c ablation.Cell) { each(c) }
		if found.checked, err = ablation.Run(cmd.Context(), options); err != nil {
			return found, requestError(err)
		}
		found.missing += total - len(found.checked)
	}
	if f.engine != ablation.EngineCheck {
		options := ablation.SimOptions{Seeds: f.seeds, Workers: f.check.Workers, Progress: show, Each: func(c ablation.SimCell) { each(c) }}
		if options.Workers <= 0 {
			options.Workers = runtime.GOMAXPROCS(0)
		}
		if found.simulated, err = ablation.Simulate(cmd.Context(), options); err != nil {
			return found, err
		}
		found.missing += total - len(found.simulated)
		for i := range found.simulated {
			if found.simulated[i].Verdict == sim.VerdictInconclusive {
				found.missing++
			}
		}
	}
	if f.engine == ablation.EngineBoth {
		found.compared, err = ablation.Compare(cmd.Context(), found.checked, found.simulated, f.check)
	}
	return found, firstError(err, failed)
}

// writeMarkdown is what docs/ablation.md has between its marks.
func (a *ablated) writeMarkdown(w io.Writer) {
	if len(a.checked) > 0 {
		fmt.Fprint(w, ablation.Markdown(a.checked))
	}
	if len(a.simulated) > 0 {
		fmt.Fprint(w, ablation.SimMarkdown(a.simulated))
	}
	if len(a.compared) > 0 {
		fmt.Fprint(w, "\n### Side by side\n\n", ablation.ComparisonMarkdown(a.compared))
	}
}

func (a *ablated) tell(w io.Writer) {
	if len(a.checked) > 0 {
		tellAblation(w, a.checked)
	}
	if len(a.simulated) > 0 {
		tellSimulated(w, a.simulated)
	}
	if len(a.compared) > 0 {
		fmt.Fprint(w, "\n", ablation.ComparisonMarkdown(a.compared))
	}
}

// tellAblation prints the cells without a remedy and with all, and the conclusions; the
// whole is in --markdown and --json.
func tellAblation(w io.Writer, cells []ablation.Cell) {
	fmt.Fprintln(w, "Does the client come back? Authentication mandatory, each cell explored to its last state.")
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "SPECIFICATION\tCONFIGURATION\tSERVER\tCAUSES\tREMEDIES\tCOMES BACK\tVIOLATED\tSTATES")
	for i := range cells {
		c := &cells[i]
		if c.Auth != "mandatory" || len(c.Remedies) == 1 {
			continue
		}
		back := "yes"
		if !c.ComesBack() {
			back = "never"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", c.Spec, c.Config, c.Server, ablation.Words(c.Causes), ablation.Words(c.Remedies), back, orNone(strings.Join(c.Violations, ", ")), c.Distinct)
	}
	table.Flush()
	fmt.Fprintln(w)
	for _, line := range ablation.Conclusions(cells) {
		fmt.Fprintln(w, line)
	}
}

// tellSimulated prints the simulator's cells without a remedy and with all, the command
// that shows the first seed that was kept out, and the conclusions.
func tellSimulated(w io.Writer, cells []ablation.SimCell) {
	fmt.Fprintf(w, "\nHow many of %d seeds keep the client out? Authentication mandatory; interval of 95 %%; time to converge of the others.\n\n", cells[0].Seeds+cells[0].Inconclusive)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "SCENARIO\tSERVER\tCAUSES\tREMEDIES\tKEPT OUT\tINTERVAL\tP50\tMAX\tSHOW IT")
	for i := range cells {
		c := &cells[i]
		if c.Auth != "mandatory" || len(c.Remedies) == 1 {
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d of %d\t%v..%v\t%v\t%v\t%s\n", c.Scenario, c.Server, ablation.Words(c.Causes), ablation.Words(c.Remedies),
			c.Violations, c.Seeds, c.Interval[0], c.Interval[1], time.Duration(c.Converged.P50).Round(time.Millisecond), time.Duration(c.Converged.Max).Round(time.Millisecond), c.Replay())
	}
	table.Flush()
	fmt.Fprintln(w)
	for _, line := range ablation.SimConclusions(cells) {
		fmt.Fprintln(w, line)
	}
}
