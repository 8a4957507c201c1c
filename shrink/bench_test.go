package shrink

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
)

// BenchmarkShrink makes seeds of the incident small.
func BenchmarkShrink(b *testing.B) {
	var runs, left int
	for seed := uint64(0); b.Loop(); seed++ {
		s, err := sim.Generate(sim.ScenarioFullRestart, seed)
		require.NoError(b, err)
		s.Client, s.Server = sim.ClientUpstreamSnapshot, sim.ServerHang
		r, err := Minimize(b.Context(), s, Options{})
		require.NoError(b, err)
		runs, left = runs+r.Runs, left+r.After.Faults+r.After.Operations
	}
	b.ReportMetric(float64(runs)/float64(b.N), "runs")
	b.ReportMetric(float64(left)/float64(b.N), "events-left")
}
