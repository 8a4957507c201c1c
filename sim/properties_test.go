// Properties under random restarts and random workloads: the reference client always
// comes back and loses nothing; upstream's client does not, unless the server lets it.

package sim

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// propertyCases is how many random cases each statement about an upstream client sees.
const propertyCases = 100

// drawScenario draws which nodes are restarted, when, for how long, in which order and
// how often, and what callers do meanwhile.
func drawScenario(t *rapid.T) Scenario {
	s := Default()
	s.Name = "property"
	s.Seed = rapid.Uint64().Draw(t, "seed")
	s.Metas = rapid.IntRange(1, 3).Draw(t, "metas")
	s.Replicas = rapid.IntRange(1, 4).Draw(t, "replicas")
	s.Partitions = 1 << rapid.IntRange(0, 3).Draw(t, "partitions")
	s.Clients = rapid.IntRange(1, 3).Draw(t, "clients")
	s.SplitReads = rapid.Bool().Draw(t, "split")
	s.Pairs = rapid.IntRange(4, 5).Draw(t, "pairs")
	s.Watch = 60 * time.Second
	for client := range s.Clients {
		every := rapid.SampledFrom([]time.Duration{20 * time.Millisecond, 200 * time.Millisecond, time.Second}).Draw(t, "every")
		s.Workloads = append(s.Workloads, Workload{
			Client: client + 1, EveryMin: every / 2, EveryMax: every,
			Timeout: rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, 5 * time.Second}).Draw(t, "timeout"),
			Keys:    rapid.IntRange(1, 16).Draw(t, "keys"),
		})
	}
	drawFaults(t, &s)
	s.keepInFlight()
	return s
}

// drawFaults: every replica goes at least once, so that a request is always in flight
// at a restart; the metas and later rounds as drawn.
func drawFaults(t *rapid.T, s *Scenario) {
	at := warmUp
	for round := range rapid.IntRange(1, 3).Draw(t, "rounds") {
		for i := range s.Metas + s.Replicas {
			node := metaName(i)
			if i >= s.Metas {
				node = replicaName(i - s.Metas)
			}
			if (round > 0 || i < s.Metas) && !rapid.Bool().Draw(t, "restart "+node) {
				continue
			}
			s.Faults = append(s.Faults, Fault{
				At: at + millis(t, "after", 0, 700), Kind: FaultRestart, Node: node, Down: millis(t, "down", 1, 2500),
			})
		}
		at = s.LastFault() + millis(t, "gap", 0, 3000)
	}
}

func millis(t *rapid.T, what string, lo, hi int) time.Duration {
	return time.Duration(rapid.IntRange(lo, hi).Draw(t, what)) * time.Millisecond
}

func TestReferenceClientAlwaysComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		result, err := Run(context.Background(), s, Options{})
		require.NoError(t, err)
		if result.Verdict == VerdictViolation {
			t.Fatalf("%s: %s\nreplay: %s", *result.Property, result.Reason, saveScenario(t, "reference", &s))
		}
		require.Equal(t, VerdictHeld, result.Verdict, result.Reason)
	})
}

// saveScenario writes the scenario of a failure and returns the command that replays it.
// The name is stable, so that what is left after shrinking is the smallest case.
func saveScenario(t require.TestingT, name string, s *Scenario) string {
	path := filepath.Join(os.TempDir(), "simulate-"+name+".scenario")
	var b bytes.Buffer
	require.NoError(t, WriteScenario(&b, s))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	return "go run ./cmd/simulate replay --explain " + path
}

func TestUpstreamSnapshotNeverComesBackAgainstHang(t *testing.T) {
	found := 0
	for i := range propertyCases {
		s := upstreamCase(i, ServerHang)
		result, err := Run(context.Background(), s, Options{})
		require.NoError(t, err)
		if result.Verdict == VerdictViolation {
			require.Contains(t, upstreamProperties, *result.Property)
			requireReplays(t, s, result)
			found++
			break
		}
	}
	require.Equal(t, 1, found, "the incident must show within %d cases", propertyCases)
}

func TestReferenceServerCuresUpstreamSnapshot(t *testing.T) {
	for i := range propertyCases {
		s := upstreamCase(i, ServerReference)
		result, err := Run(context.Background(), s, Options{})
		require.NoError(t, err)
		require.Equal(t, VerdictHeld, result.Verdict, "case %d: %s: %s", i, result.Reason, saveScenario(t, fmt.Sprintf("upstream-%d", i), &s))
	}
}

// upstreamCase is one of the cases that the reference client is tested with.
func upstreamCase(i int, server string) Scenario {
	s := rapid.Custom(drawScenario).Example(i)
	s.Server = server
	s.Client = ClientUpstreamSnapshot
	return s
}

// requireReplays: the file that a failure writes gives the same run.
func requireReplays(t *testing.T, s Scenario, want Result) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteScenario(&b, &s))
	again, err := ReadScenario(&b)
	require.NoError(t, err)
	result, err := Run(context.Background(), again, Options{})
	require.NoError(t, err)
	require.Equal(t, want.TraceHash, result.TraceHash)
	require.Equal(t, want.Property, result.Property)
}
