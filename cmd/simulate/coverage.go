// What simulate check tells beside the verdict: how often each action was taken, and pictures.

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/a8011091/pegasus-reference/model"
)

// mostDrawn is how many states a picture has: more of them nobody can read.
const mostDrawn = 200

// tellCoverage prints how often each action was taken.
func tellCoverage(w io.Writer, r *model.Report) {
	fmt.Fprintln(w, "\nsteps by action:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, a := range r.Actions {
		fmt.Fprintf(table, "%d\t  %s\n", a.Steps, a.Name)
	}
	table.Flush()
}

// tellRest names the actions that were never taken, and says what to do about those that
// should have been.
func tellRest(w io.Writer, r *model.Report) {
	if !r.Complete || len(r.NeverFired) == 0 {
		return
	}
	fmt.Fprintf(w, "  never taken: %s\n", strings.Join(r.NeverFired, ", "))
	if len(r.Dead) > 0 {
		fmt.Fprintf(w, "  of these the specification does not say that they may rest with these constants: %s\n"+
			"  what it says of them was never tried: set constants with which they are taken, or ask with --may-rest\n", strings.Join(r.Dead, ", "))
	}
}

// drawCheck writes the counterexample of the first failure that has one to a file, or
// else the nearest states.
func drawCheck(name string, request model.Request, r *model.Report) error {
	return replaceFile(name, func(w io.Writer) error {
		for _, f := range r.Failures {
			if len(f.Trace) > 0 {
				return f.WriteDOT(w)
			}
		}
		exploration, err := model.Explore(request)
		if err != nil {
			return err
		}
		return exploration.Draw(mostDrawn).WriteDOT(w, r.Spec+", configuration "+r.Config)
	})
}
