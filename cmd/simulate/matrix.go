// simulate check --matrix: which engine finds which defect.

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/a8011091/pegasus-reference/defect"
)

// matrixFlags are the flags of check that go with --matrix.
type matrixFlags struct {
	on       bool
	engines  []string
	markdown bool
}

func (m *matrixFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&m.on, "matrix", false, "instead of SPEC: look for every defect with every engine that can; --with names some of them")
	flags.StringSliceVar(&m.engines, "engine", nil, "with --matrix: some of the engines")
	flags.BoolVar(&m.markdown, "markdown", false, "with --matrix: the track record as Markdown, as docs/track-record.md has it")
}

// acceptOnly refuses flags that --matrix would not heed.
func (m *matrixFlags) acceptOnly(cmd *cobra.Command) error {
	heeded := []string{"matrix", "engine", "markdown", "with", "json"}
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(heeded, f.Name) {
			err = &usageError{fmt.Errorf("check --matrix does not heed --%s: the catalogue has the bounds of each trial; leave it out", f.Name)}
		}
	})
	return err
}

// matrixLong says what --matrix does, for the help text of check.
func matrixLong() string {
	var b strings.Builder
	b.WriteString("\nWith --matrix every defect of the catalogue is looked for by every engine that can, each\ntrial beside a control without the defect. Defects of our own code are patches that are\nbuilt from source: it takes a checkout, the go command and some minutes. Exit status: 0\neverything came out as the catalogue says, 10 something did not, 20 interrupted. Engines:\n")
	for _, e := range defect.Engines() {
		fmt.Fprintf(&b, "  %-16s %s\n", e.Name, e.About)
	}
	fmt.Fprintf(&b, "Defects: %s.\n", strings.Join(defect.IDs(), ", "))
	return b.String()
}

func runMatrix(cmd *cobra.Command, out *output, flags *matrixFlags, defects []string) error {
	line := newProgress(cmd)
	var failed error
	request := defect.Request{Defects: defects, Engines: flags.engines}
	request.Progress = func(done, total int, what string) { line.show(int64(done), int64(total), what) }
	request.Each = func(c defect.Cell) {
		if out.json && failed == nil {
			failed = object(cmd.OutOrStdout(), c)
		}
	}
	began := time.Now()
	cells, err := defect.Run(cmd.Context(), request)
	line.done()
	var usage *defect.UsageError
	switch {
	case errors.As(err, &usage):
		return unknownWord(usage.What, usage.Word, usage.Valid)
	case errors.Is(err, defect.ErrNoSource):
		return &usageError{err}
	case failed != nil:
		return failed
	}
	words := cmd.OutOrStdout()
	switch {
	case out.json:
		words = cmd.ErrOrStderr()
	case flags.markdown:
		fmt.Fprint(words, defect.Markdown(cells))
		words = cmd.ErrOrStderr()
	default:
		tellMatrix(words, cells)
	}
	if err != nil { // some trials could not be made
		return err
	}
	return matrixVerdict(cmd, words, cells, time.Since(began))
}

func tellMatrix(w io.Writer, cells []defect.Cell) {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "DEFECT\tENGINE\tFOUND\tPROPERTY\tAFTER\tSECONDS\tSEE IT")
	for i := range cells {
		c := &cells[i]
		found, property := "no", "-"
		if c.Found {
			found, property = "yes", c.Property
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d %s\t%.1f\t%s\n", c.Defect, c.Engine, found, property, c.Count, c.Unit, c.Seconds, c.Command)
	}
	table.Flush()
}

// matrixVerdict says whether every defect was found as the catalogue expects.
func matrixVerdict(cmd *cobra.Command, w io.Writer, cells []defect.Cell, took time.Duration) error {
	wrong := defect.Wrong(cells)
	for _, why := range wrong {
		fmt.Fprintln(w, why)
	}
	switch {
	case len(wrong) > 0:
		return exitWith(exitSafety)
	case cmd.Context().Err() != nil:
		fmt.Fprintf(w, "interrupted: %d trials were made, each as expected\n", len(cells))
		return exitWith(exitInconclusive)
	}
	defects := make(map[string]bool)
	found := 0
	for i := range cells {
		defects[cells[i].Defect] = true
		if cells[i].Found {
			found++
		}
	}
	fmt.Fprintf(w, "\n%d defects, %d trials in %.0f s: %d found the defect, as expected, and nothing without it.\n", len(defects), len(cells), took.Seconds(), found)
	return nil
}
