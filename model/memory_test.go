// What liveness needs of memory: docs/benchmarks.md has what this prints.

package model_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
)

// BenchmarkMemory looks at the bounds named broad with the older client, 6.9 million states,
// with liveness and without.
func BenchmarkMemory(b *testing.B) {
	for _, c := range []struct{ name, property string }{{"all", ""}, {"safety", "auth-before-request"}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				peak := uint64(0)
				report, err := model.Run(b.Context(), model.Request{
					Spec: "session", Config: "broad", With: []string{"stale-auth-flag"}, Property: c.property,
					ProgressEvery: 5 * time.Millisecond, Progress: func(p check.Progress) { peak = max(peak, p.Memory) },
				})
				require.NoError(b, err)
				require.True(b, report.Complete)
				states := float64(report.Distinct)
				b.ReportMetric(states, "states")
				b.ReportMetric(report.PerState, "visited-B/state")
				b.ReportMetric(float64(report.EdgeBytes)/states, "edges-B/state")
				b.ReportMetric(float64(report.Scratch)/states, "scratch-B/state")
				b.ReportMetric(float64(peak)/states, "peak-heap-B/state")
			}
		})
	}
}
