// simulate ablation: the incident's causes taken away one at a time.

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/ablation"
	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim"
)

func newAblationCommand(out *output) *cobra.Command {
	var engine string
	var markdown bool
	var options ablation.Options
	cmd := &cobra.Command{
		Use:   "ablation",
		Short: "Which of the incident's claimed causes are necessary, which suffice, and what the remedies cure",
		Long:  ablationLong(),
		Example: `  simulate ablation
  simulate ablation --json
  simulate ablation --requests 2 --workers 2`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(ablation.EngineNames, engine) {
				return &usageError{fmt.Errorf("engine %q is unknown; there are: %s%s", engine, strings.Join(ablation.EngineNames, ", "), sim.DidYouMean(engine, ablation.EngineNames))}
			}
			if options.Requests < 1 || options.Requests > maxAblationRequests {
				return &usageError{fmt.Errorf("--requests is %d; choose 1 to %d", options.Requests, maxAblationRequests)}
			}
			return runAblation(cmd, out, options, markdown)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&engine, "engine", ablation.EngineCheck, "what decides: "+strings.Join(ablation.EngineNames, ", "))
	flags.IntVar(&options.Requests, "requests", 1, "requests of the session specification, each submitted again and again; 2 takes an hour")
	flags.IntVar(&options.Workers, "workers", 0, "goroutines that explore (default: one a processor)")
	flags.BoolVar(&markdown, "markdown", false, "the tables and conclusions as Markdown, as docs/ablation.md has them")
	return cmd
}

// maxAblationRequests is beyond what a machine explores in a day.
const maxAblationRequests = 4

func ablationLong() string {
	var b strings.Builder
	b.WriteString("ablation checks the specifications for every combination of the incident's claimed\ncauses, without a remedy, with each, and with all; for every server, and for\nauthentication that is mandatory and that is not; with and without a lost FIN and a\ntimer that fires early. Each cell is explored to its last state.\n\n")
	for _, c := range model.Causes() {
		fmt.Fprintf(&b, "  %s  %s\n", c.Name, c.About)
	}
	for _, r := range model.Remedies() {
		fmt.Fprintf(&b, "  %s  %s\n", r.Name, r.About)
	}
	b.WriteString("\nExit status 0: every cell was decided, whatever it says; 20: interrupted before that.")
	return b.String()
}

func runAblation(cmd *cobra.Command, out *output, options ablation.Options, markdown bool) error {
	line := newProgress(cmd.ErrOrStderr())
	var failed error
	total := 0
	options.Progress = func(done, all int, what string) {
		total = all
		line.show(int64(done), int64(all), what)
	}
	options.Each = func(c ablation.Cell) {
		if out.json && failed == nil {
			failed = object(cmd.OutOrStdout(), c)
		}
	}
	cells, err := ablation.Run(cmd.Context(), options)
	line.done()
	if err != nil || failed != nil {
		return firstError(err, failed)
	}
	switch {
	case out.json:
	case markdown:
		fmt.Fprint(cmd.OutOrStdout(), ablation.Markdown(cells))
	default:
		tellAblation(cmd.OutOrStdout(), cells)
	}
	if len(cells) < total {
		fmt.Fprintf(cmd.ErrOrStderr(), "interrupted: %d of %d cells were decided\n", len(cells), total)
		return exitWith(exitInconclusive)
	}
	return nil
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
