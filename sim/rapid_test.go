// The properties of the specification over scenarios that rapid draws: any shape of cluster,
// any faults, any callers. A failure is shrunk by rapid as far as its draws go, then by
// package shrink, and what is left is a scenario file.

package sim_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/shrink"
	"github.com/a8011091/pegasus-reference/sim"
)

// Limits of what is drawn: small, so that many are.
const (
	restartAt   = 900 * time.Millisecond // of one replica, before all other faults
	firstFault  = time.Second
	faultsPhase = 5000 // ms
	maxFaults   = 6
	maxScripted = 6
)

// anyScenario draws a scenario that has a restart with a request in flight, so that none is
// hollow.
func anyScenario(t *rapid.T) sim.Scenario {
	s := sim.Default()
	s.Name, s.Watch = "rapid", 2*time.Minute // longer than any bound of convergence-bound
	s.Seed = rapid.Uint64().Draw(t, "seed")
	s.Auth = rapid.SampledFrom([]string{sim.AuthMandatory, sim.AuthOptional, sim.AuthKerberos}).Draw(t, "auth")
	s.Server = rapid.SampledFrom(sim.ServerNames).Draw(t, "server")
	s.EarlyRequest = rapid.SampledFrom(sim.EarlyNames).Draw(t, "early request")
	s.Metas = rapid.IntRange(1, 3).Draw(t, "metas")
	s.Leader = rapid.IntRange(1, s.Metas).Draw(t, "leader")
	s.Replicas = rapid.IntRange(1, 3).Draw(t, "replicas")
	s.Partitions = 1 << rapid.IntRange(0, 2).Draw(t, "partitions")
	s.Clients = rapid.IntRange(1, 2).Draw(t, "clients")
	s.SplitReads = rapid.Bool().Draw(t, "split")
	s.Pairs = rapid.IntRange(4, 5).Draw(t, "pairs")
	s.BackoffCap = rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second}).Draw(t, "backoff cap")
	if rapid.Bool().Draw(t, "small buffers") { // a frame or two, and a queue that a token fits into
		s.SendBuffer = rapid.IntRange(300, 3000).Draw(t, "send buffer")
		s.ReceiveBuffer = rapid.IntRange(300, 3000).Draw(t, "receive buffer")
		s.WriteQueue = rapid.IntRange(8<<10, 64<<10).Draw(t, "write queue")
	}
	for client := range s.Clients {
		every := ms(t, "every", 50, 1000)
		s.Workloads = append(s.Workloads, sim.Workload{
			Client: client + 1, EveryMin: every / 2, EveryMax: every, Timeout: patience(t), Keys: rapid.IntRange(1, 8).Draw(t, "keys"),
		})
	}
	restart := sim.Fault{At: restartAt, Kind: sim.FaultRestart, Node: "replica-1", Down: ms(t, "down", 1, 3000)}
	s.Faults = append([]sim.Fault{restart}, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sim.Fault { return anyFault(t, &s) }), 0, maxFaults).Draw(t, "faults")...)
	s.Ops = append(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sim.Op { return anyOp(t, &s) }), 0, maxScripted).Draw(t, "operations"),
		sim.Op{At: restartAt / 2, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second}, // connects
		sim.Op{At: restartAt - 20*time.Microsecond, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second})
	slices.SortStableFunc(s.Ops, func(a, b sim.Op) int { return int(a.At - b.At) })
	return s.Fit()
}

// anyFault draws a fault; one that does not fit the scenario is left out later.
func anyFault(t *rapid.T, s *sim.Scenario) sim.Fault {
	f := sim.Fault{
		Kind: rapid.SampledFrom(sim.FaultKinds()).Draw(t, "kind"), Node: rapid.SampledFrom(nodes(s)).Draw(t, "node"),
		At: firstFault + ms(t, "at", 0, faultsPhase), Down: ms(t, "for", 1, 4000),
	}
	info := f.Kind.Info()
	if info.By != "" {
		f.By = ms(t, "by", 1, 3000)
	}
	if info.Rate {
		f.Rate = rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "rate")
	}
	if info.Partition {
		f.Partition = rapid.IntRange(0, s.Partitions-1).Draw(t, "partition")
	}
	if info.Peer && rapid.Bool().Draw(t, "one peer") {
		f.Peer = rapid.SampledFrom(nodes(s)).Draw(t, "peer")
	}
	return f
}

func anyOp(t *rapid.T, s *sim.Scenario) sim.Op {
	return sim.Op{
		At: ms(t, "at", 100, faultsPhase+5000), Client: rapid.IntRange(1, s.Clients).Draw(t, "client"),
		RPC:       rapid.SampledFrom([]protocol.RPC{protocol.RPCGet, protocol.RPCPut, protocol.RPCRemove, protocol.RPCTTL}).Draw(t, "rpc"),
		Partition: rapid.IntRange(0, s.Partitions-1).Draw(t, "partition"), Timeout: patience(t), Serial: rapid.Bool().Draw(t, "serial"),
	}
}

// patience is longer than a connection and its negotiation take: what is asked of a client that
// has none is asked in vain.
func patience(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{time.Second, 300 * time.Millisecond, 2 * time.Second, 5 * time.Second}).Draw(t, "timeout")
}

func nodes(s *sim.Scenario) []string {
	var list []string
	for _, role := range []struct {
		name string
		n    int
	}{{"replica", s.Replicas}, {"meta", s.Metas}, {"client", s.Clients}} {
		for i := range role.n {
			list = append(list, fmt.Sprintf("%s-%d", role.name, i+1))
		}
	}
	if s.Auth == sim.AuthKerberos {
		list = append(list, "kdc")
	}
	return list
}

func ms(t *rapid.T, what string, lo, hi int) time.Duration {
	return time.Duration(rapid.IntRange(lo, hi).Draw(t, what)) * time.Millisecond
}

// holds runs a drawn scenario with the reference client. A violation goes to failed before it
// fails the case: the last that rapid tries is the smallest. It says whether anybody had to
// come back: where the partition moves away from the node that is restarted nobody may have
// to, and the run, which violates nothing, is to say that it proves no more.
func holds(t *rapid.T, failed func(sim.Scenario)) (cameBack bool) {
	s := anyScenario(t)
	require.NoError(t, s.Validate())
	result, err := sim.Run(context.Background(), s, sim.Options{})
	require.NoError(t, err)
	if result.Verdict == sim.VerdictViolation {
		failed(s)
		t.Fatalf("%s: %s", *result.Property, result.Reason)
	}
	want := sim.VerdictHeld
	if result.Reconnects == 0 {
		want = sim.VerdictInconclusive
	}
	require.Equal(t, want, result.Verdict, result.Reason)
	return result.Reconnects > 0
}

// TestAnyScenarioHolds: whatever befalls the cluster, the reference client violates nothing
// and comes back, which nearly every one has it do.
// `go test ./sim -run TestAnyScenarioHolds -rapid.checks=5000` draws more.
func TestAnyScenarioHolds(t *testing.T) {
	var smallest *sim.Scenario
	drawn, cameBack := 0, 0
	t.Cleanup(func() {
		if smallest != nil && t.Failed() {
			t.Log(saveSmall(t, *smallest, "TestAnyScenarioHolds"))
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		drawn++
		if holds(rt, func(s sim.Scenario) { smallest = &s }) {
			cameBack++
		}
	})
	require.Greater(t, 10*cameBack, 9*drawn, "of %d", drawn)
}

// FuzzAnyScenario is the same with draws that the fuzzer chooses by what they cover.
func FuzzAnyScenario(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rapid.MakeFuzz(func(rt *rapid.T) {
			holds(rt, func(s sim.Scenario) { t.Log(saveSmall(t, s, "FuzzAnyScenario")) })
		})(t, data)
	})
}

// Faults of one partition are drawn of each, whatever the shape.
func TestAnyPartitionIsDrawn(t *testing.T) {
	drawn := make(map[int]bool)
	for i := range 2000 {
		for _, f := range rapid.Custom(anyScenario).Example(i).Faults {
			if f.Kind == sim.FaultMovePrimary {
				drawn[f.Partition] = true
			}
		}
	}
	require.Len(t, drawn, 4)
}

// seedBytes is enough for every draw of a scenario.
const seedBytes = 4096

// seeds are draws that a generator made.
func seeds() [][]byte {
	list := make([][]byte, 8)
	for i := range list {
		list[i] = make([]byte, seedBytes)
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(list[i]) // never fails
	}
	return list
}

// Every entry of the corpus is a whole scenario: none ends before its draws do.
func TestFuzzSeedsAreScenarios(t *testing.T) {
	drawn := 0
	for i, seed := range seeds() {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			rapid.MakeFuzz(func(rt *rapid.T) {
				s := anyScenario(rt)
				require.NoError(rt, s.Validate())
				drawn++
			})(t, seed)
		})
	}
	require.Equal(t, len(seeds()), drawn)
}

// A scenario that violates something becomes a small file that violates the same.
func TestDrawnFailureIsShrunkToAFile(t *testing.T) {
	s := rapid.Custom(anyScenario).Example(1)
	s.Client, s.Server, s.Auth = sim.ClientUpstreamSnapshot, sim.ServerHang, sim.AuthMandatory
	s = s.Fit()
	for i := range s.Workloads {
		s.Workloads[i].Timeout = time.Second
	}
	before, err := sim.Run(t.Context(), s, sim.Options{})
	require.NoError(t, err)
	require.Equal(t, sim.VerdictViolation, before.Verdict)
	path := filepath.Join(t.TempDir(), "small.scenario")
	require.NoError(t, shrinkTo(t.Context(), s, path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	small, err := sim.ReadScenario(bytes.NewReader(text))
	require.NoError(t, err)
	after, err := sim.Run(t.Context(), small, sim.Options{})
	require.NoError(t, err)
	require.Equal(t, *before.Property, *after.Property)
	require.Less(t, len(small.Faults)+len(small.Ops)+len(small.Workloads), len(s.Faults)+len(s.Ops)+len(s.Workloads))
}

// shrinkRuns bounds what a failure is shrunk by: a test waits for it.
const shrinkRuns = 300

// saveSmall shrinks a failure, writes it, and returns how to replay it.
func saveSmall(t testing.TB, s sim.Scenario, name string) string {
	path := filepath.Join(os.TempDir(), "simulate-"+name+".scenario")
	if err := shrinkTo(context.Background(), s, path); err != nil {
		t.Fatal(err)
	}
	return "go run ./cmd/simulate replay --explain " + path
}

func shrinkTo(ctx context.Context, s sim.Scenario, path string) error {
	small, err := shrink.Minimize(ctx, s, shrink.Options{MaxRuns: shrinkRuns})
	if err != nil {
		return fmt.Errorf("shrink the scenario: %w", err)
	}
	var b bytes.Buffer
	if err := sim.WriteScenario(&b, &small.Scenario); err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	return nil
}
