// Speed of the simulator: events and simulated seconds per second of one core.

package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkFullRestart runs full-restart seeds of the reference on both sides.
func BenchmarkFullRestart(b *testing.B) {
	benchmark(b, fullRestart)
}

// BenchmarkStorm is the worst that a model does: upstream-snapshot against servers that
// close, one caller a client, for ten seconds after the restart.
func BenchmarkStorm(b *testing.B) {
	benchmark(b, func(seed uint64) Scenario {
		s := fullRestart(seed)
		s.Client = ClientUpstreamSnapshot
		s.Server, s.Watch = ServerFIN, 10*time.Second
		return s
	})
}

// BenchmarkThousandEvents is the smallest restart that is one: a meta, a replica, a client
// that asks a few times, and each server killed once. About a thousand events a seed.
func BenchmarkThousandEvents(b *testing.B) {
	benchmark(b, func(seed uint64) Scenario {
		s := fullRestart(seed)
		s.Metas, s.Replicas, s.Partitions, s.Clients, s.Watch = 1, 1, 4, 1, 30*time.Second
		s.Workloads = []Workload{{Client: 1, EveryMin: 250 * time.Millisecond, EveryMax: 350 * time.Millisecond, Timeout: time.Second, Keys: 4}}
		s.Faults = []Fault{
			{At: 3 * time.Second, Kind: FaultRestart, Node: "meta-1", Down: 500 * time.Millisecond},
			{At: 3100 * time.Millisecond, Kind: FaultRestart, Node: "replica-1", Down: 300 * time.Millisecond},
		}
		s.Ops = nil
		s.keepInFlight()
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
	b.ReportMetric(float64(events)/float64(b.N), "events/seed")
}

// BenchmarkConvergence reports how long coming back takes after the last fault of a full restart,
// by each figure of a run, p50, p99 and the longest over as many seeds as it runs: of seeds whose
// faults are all restarts of processes, as most seeds draw, and all losses of power; for each
// backoff cap that the goal names.
func BenchmarkConvergence(b *testing.B) {
	for _, kind := range []FaultKind{FaultRestart, FaultPowerLoss} {
		for _, backoffCap := range []time.Duration{time.Second, 100 * time.Millisecond} {
			b.Run(fmt.Sprintf("faults=%v/cap=%v", kind, backoffCap), func(b *testing.B) { benchmarkConvergence(b, kind, backoffCap) })
		}
	}
}

func benchmarkConvergence(b *testing.B, kind FaultKind, backoffCap time.Duration) {
	var converged, waited, answered []int64
	for i := 0; b.Loop(); i++ {
		s := fullRestart(uint64(i))
		s.BackoffCap, s.Watch = backoffCap, time.Minute
		for f := range s.Faults {
			s.Faults[f].Kind = kind
		}
		result := mustRun(b, s, Options{})
		if result.Verdict != VerdictHeld || result.ConvergedAfterNS == nil {
			b.Fatalf("seed %#x did not converge: %s", i, result.Reason)
		}
		converged = append(converged, *result.ConvergedAfterNS)
		waited, answered = append(waited, *result.WaitedNS), append(answered, *result.AnsweredNS)
	}
	for name, took := range map[string][]int64{"converged": converged, "waited": waited, "answered": answered} {
		slices.Sort(took)
		for _, p := range []int{50, 99, 100} {
			at := took[max(0, len(took)*p/100-1)]
			b.ReportMetric(float64(at)/float64(time.Millisecond), fmt.Sprintf("%s-p%d-ms", name, p))
		}
	}
}
