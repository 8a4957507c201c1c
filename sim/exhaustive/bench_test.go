// How long the bounds of the tests and of a nightly run take.

package exhaustive

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// BenchmarkExplore explores completely:
//
//	go test ./sim/exhaustive -run '^$' -bench Explore/default
//	go test ./sim/exhaustive -run '^$' -bench Explore/large -benchtime 1x
func BenchmarkExplore(b *testing.B) {
	for _, bc := range []struct {
		name string
		cfg  Config
	}{{"default", DefaultConfig()}, {"large", LargeConfig()}} {
		b.Run(bc.name, func(b *testing.B) {
			var states uint64
			for b.Loop() {
				result, err := Run(context.Background(), bc.cfg, check.Options{})
				require.NoError(b, err)
				require.Equal(b, check.Held, result.Verdict)
				states = result.Distinct
			}
			b.ReportMetric(float64(states), "states")
			b.ReportMetric(float64(states)*float64(b.N)/b.Elapsed().Seconds(), "states/s")
		})
	}
}
