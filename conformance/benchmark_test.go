// How many events a minute: in memory, and as text.

package conformance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// long is a full-restart of the reference with busy callers.
func long(b *testing.B) []trace.Event {
	b.Helper()
	for seed := uint64(1); ; seed++ {
		s, err := sim.Generate(sim.ScenarioFullRestart, seed)
		require.NoError(b, err)
		events := eventsOf(b, s)
		if len(events) > 50_000 {
			return events
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	events := long(b)
	whole := text(b, "", events)
	perMinute := func(b *testing.B, n uint64) {
		b.ReportMetric(float64(n)/b.Elapsed().Seconds()*60/1e6, "M_events/min")
	}
	b.Run("events", func(b *testing.B) {
		var n uint64
		for b.Loop() {
			result, err := Validate(events, Options{})
			require.NoError(b, err)
			require.Equal(b, Conforming, result.Verdict, result.Reason)
			n += result.Events
		}
		perMinute(b, n)
	})
	b.Run("routing", func(b *testing.B) {
		var n uint64
		for b.Loop() {
			result, err := Validate(events, Options{Spec: SpecRouting})
			require.NoError(b, err)
			require.Equal(b, Conforming, result.Verdict, result.Reason)
			n += result.Events
		}
		perMinute(b, n)
	})
	b.Run("both", func(b *testing.B) { // one after another, an event of the trace counted once
		var n uint64
		for b.Loop() {
			for _, spec := range Specs() {
				result, err := Validate(events, Options{Spec: spec})
				require.NoError(b, err)
				require.Equal(b, Conforming, result.Verdict, result.Reason)
			}
			n += uint64(len(events))
		}
		perMinute(b, n)
	})
	b.Run("text", func(b *testing.B) {
		var n uint64
		for b.Loop() {
			result, err := Read(b.Context(), strings.NewReader(whole), Options{})
			require.NoError(b, err)
			require.Equal(b, Conforming, result.Verdict, result.Reason)
			n += result.Events
		}
		perMinute(b, n)
	})
}
