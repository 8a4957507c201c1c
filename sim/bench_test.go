// Speed of the simulator: events and simulated seconds per second of one core.

package sim

import (
	"testing"
	"time"
)

// BenchmarkFullRestart runs full-restart seeds of the reference on both sides.
func BenchmarkFullRestart(b *testing.B) {
	benchmark(b, func(seed uint64) Scenario { return fullRestart(seed) })
}

// BenchmarkStorm is the worst that a model does: upstream-snapshot against servers that
// close, one caller a client, for ten seconds after the restart.
func BenchmarkStorm(b *testing.B) {
	benchmark(b, func(seed uint64) Scenario {
		s := fullRestart(seed)
		s.SetClient(ClientUpstreamSnapshot)
		s.Server, s.Watch = ServerFIN, 10*time.Second
		return s
	})
}

func benchmark(b *testing.B, scenario func(seed uint64) Scenario) {
	b.ReportAllocs()
	var events uint64
	var simulated time.Duration
	for i := 0; b.Loop(); i++ {
		result := mustRun(b, scenario(uint64(i)), Options{})
		events += result.Events
		simulated += time.Duration(result.SimulatedNS)
	}
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(events)/seconds, "events/s")
	b.ReportMetric(simulated.Seconds()/seconds, "simulated-s/s")
	b.ReportMetric(float64(b.N)/seconds, "seeds/s")
}
