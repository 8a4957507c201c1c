// What the incident table says at its end: of several rows that are not as expected, the
// status is that of the gravest.

package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
)

func TestIncidentStatusIsOfTheGravestRow(t *testing.T) {
	row := func(expected, verdict sim.Verdict, violated string) sim.RowResult {
		r := sim.RowResult{Row: sim.Row{Verdict: expected}, Result: sim.Result{Verdict: verdict}}
		if violated != "" {
			r.Result.Property, r.Result.Judged = &violated, []string{violated}
		}
		return r
	}
	bounded := row(sim.VerdictHeld, sim.VerdictViolation, sim.PropertyBounded)
	drain := row(sim.VerdictHeld, sim.VerdictViolation, sim.PropertyRequestsDrain)
	hollow := row(sim.VerdictHeld, sim.VerdictInconclusive, "")
	cured := row(sim.VerdictViolation, sim.VerdictHeld, "")
	for _, c := range []struct {
		rows []sim.RowResult
		code int
	}{
		{[]sim.RowResult{hollow}, exitInconclusive},
		{[]sim.RowResult{drain, hollow}, exitLiveness},
		{[]sim.RowResult{bounded, drain, hollow}, exitSafety},
		{[]sim.RowResult{cured, hollow}, exitSafety},
	} {
		require.Equal(t, c.code, exitCode(incidentVerdict(io.Discard, c.rows, true)), "%v", c.rows)
	}
}
