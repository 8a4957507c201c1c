// simulate without a command: the incident table.

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/sim"
)

// incidentLine is a row as JSON: the run's object and what was expected of it.
type incidentLine struct {
	*sim.Result
	Expected   string `json:"expected"`
	AsExpected bool   `json:"as_expected"`
}

func runIncident(cmd *cobra.Command, out output, markdown bool) error {
	line := newProgress(cmd)
	var failed error
	each := func(r sim.RowResult) {
		if out.json && failed == nil {
			ok, _ := r.AsExpected()
			failed = object(cmd.OutOrStdout(), incidentLine{&r.Result, string(r.Row.Verdict), ok})
		}
	}
	show := func(row, rows int, at, end time.Duration) {
		line.show(int64(row)*int64(end)+int64(at), int64(rows)*int64(end), fmt.Sprintf("row %d of %d", row+1, rows))
	}
	results, err := sim.RunIncident(cmd.Context(), show, each)
	line.done()
	if err != nil || failed != nil {
		return firstError(err, failed)
	}
	words := cmd.OutOrStdout()
	switch {
	case out.json:
		words = cmd.ErrOrStderr()
	case markdown:
		markdownTable(words, results)
	default:
		incidentTable(words, results)
	}
	return incidentVerdict(words, results, markdown)
}

// incidentVerdict says whether every row came out as expected.
func incidentVerdict(w io.Writer, results []sim.RowResult, quiet bool) error {
	code := exitHeld
	for i := range results {
		if ok, how := results[i].AsExpected(); !ok {
			fmt.Fprintf(w, "row %d: %s\n", i+1, how)
			code = worse(code, max(resultCode(&results[i].Result), exitSafety))
		}
	}
	rows := len(sim.IncidentTable())
	switch {
	case code != exitHeld:
		return exitWith(code)
	case len(results) < rows:
		fmt.Fprintf(w, "interrupted: %d of %d rows were run, each as expected\n", len(results), rows)
		return exitWith(exitInconclusive)
	case !quiet:
		fmt.Fprintf(w, "\nEvery row came out as expected. See one: simulate run --client upstream-snapshot --server hang --seed 0x5eed --explain\n")
	}
	return nil
}

func incidentTable(w io.Writer, results []sim.RowResult) {
	fmt.Fprintf(w, "A full restart of a cluster, seen by each client; \"never\" is %v after the last fault.\n\n", sim.Default().Watch)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT\tSERVER\tAUTHENTICATION\tCOMES BACK\tVERDICT\tPROPERTY\tSIGNATURE\tSEED")
	for i := range results {
		c := cells(&results[i])
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7])
	}
	table.Flush()
}

func markdownTable(w io.Writer, results []sim.RowResult) {
	fmt.Fprintln(w, "| client | server | authentication | comes back | verdict | property | signature | seed |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	for i := range results {
		c := cells(&results[i])
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7])
	}
}

// cells are a row in words, in the order of the table's columns.
func cells(r *sim.RowResult) [8]string {
	back, property, signature := "never", "-", "-"
	if r.ConvergedAfterNS != nil {
		back = "after " + seconds(*r.ConvergedAfterNS)
	}
	if r.Result.Property != nil {
		property = *r.Result.Property
	}
	if r.Result.Signature != nil {
		signature = fmt.Sprintf("%s at %s", *r.Result.Signature, seconds(*r.SignatureAfterNS))
	}
	server := r.Server
	if r.HPFields && r.Client == sim.ClientUpstream250 {
		server += ", hp_ fields"
	}
	return [8]string{r.Client, server, r.Auth, back, string(r.Result.Verdict), property, signature, r.Seed}
}

// seconds is a duration in nanoseconds for people: whole milliseconds.
func seconds(ns int64) string {
	return time.Duration(ns).Round(time.Millisecond).String()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
