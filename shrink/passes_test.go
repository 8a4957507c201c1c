// Each pass by itself, on scenarios of which it is known what their failure takes.

package shrink

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim"
)

// searching is a search that takes what has what the failure takes for failing alike.
func searching(t *testing.T, s sim.Scenario, takes func(*sim.Scenario) bool) *search {
	require.NoError(t, s.Validate())
	require.True(t, takes(&s))
	property := sim.PropertyRequestsDrain
	m := &search{ctx: t.Context(), opts: Options{MaxRuns: DefaultMaxRuns}, keep: failure{property: property}, best: s}
	m.run = func(_ context.Context, candidate sim.Scenario, _ sim.Options) (sim.Result, error) {
		if takes(&candidate) {
			return sim.Result{Verdict: sim.VerdictViolation, Property: &property}, nil
		}
		return sim.Result{Verdict: sim.VerdictHeld}, nil
	}
	return m
}

// story has two faults and an operation of each of three clients.
func story() sim.Scenario {
	s := sim.Default()
	s.Clients, s.Metas, s.Replicas, s.Partitions, s.Workloads = 3, 3, 3, 8, nil
	s.Faults = []sim.Fault{
		{At: 5234567 * time.Microsecond, Kind: sim.FaultRestart, Node: "replica-1", Down: 1234567 * time.Microsecond},
		{At: 6 * time.Second, Kind: sim.FaultDelay, Node: "meta-1", Down: time.Second, By: 40 * time.Millisecond},
	}
	for client := 1; client <= 3; client++ {
		s.Ops = append(s.Ops, sim.Op{At: 3*time.Second + time.Duration(client), Client: client, RPC: protocol.RPCPut, Partition: client, Timeout: time.Second})
	}
	return s
}

func anything(*sim.Scenario) bool { return true }

// of says what is left of the operations: by partition, who asks.
func askers(s *sim.Scenario) map[int]int {
	clients := make(map[int]int)
	for _, op := range s.Ops {
		clients[op.Partition] = op.Client
	}
	return clients
}

func TestClientsAreLeftOut(t *testing.T) {
	m := searching(t, story(), anything)
	require.True(t, m.clients())
	assert.Equal(t, 1, m.best.Clients)
	assert.Equal(t, map[int]int{1: 1}, askers(&m.best))
	require.False(t, m.clients(), "there is nobody left to leave out")

	m = searching(t, story(), func(s *sim.Scenario) bool { return s.Clients == 3 })
	require.False(t, m.clients())
	assert.Equal(t, story(), m.best)

	m = searching(t, story(), func(s *sim.Scenario) bool { return askers(s)[3] > 0 })
	require.True(t, m.clients())
	assert.Equal(t, 1, m.best.Clients)
	assert.Equal(t, 1, askers(&m.best)[3], "the first does what the last did")
}

func TestNodesAreLeftOut(t *testing.T) {
	m := searching(t, story(), anything)
	require.True(t, m.nodes())
	assert.Equal(t, []int{1, 1, 1}, []int{m.best.Replicas, m.best.Metas, m.best.Partitions})
	require.False(t, m.nodes())
	for _, least := range [][3]int{{2, 1, 1}, {1, 2, 1}, {1, 1, 2}, {3, 2, 4}} {
		m = searching(t, story(), func(s *sim.Scenario) bool {
			return s.Replicas >= least[0] && s.Metas >= least[1] && s.Partitions >= least[2]
		})
		require.True(t, m.nodes())
		assert.Equal(t, [3]int{m.best.Replicas, m.best.Metas, m.best.Partitions}, least)
	}
	m = searching(t, story(), func(s *sim.Scenario) bool { return s.Replicas == 3 && s.Metas == 3 && s.Partitions == 8 })
	require.False(t, m.nodes())
}

func TestSettingsBecomePlain(t *testing.T) {
	s := story()
	s.SplitReads, s.Pairs, s.LatencyMin, s.LatencyMax = true, 5, time.Millisecond, 2*time.Millisecond
	s.Drawn = []sim.Drawn{{Kind: sim.FaultDelay, PerMille: 100, Min: time.Second, Max: time.Second}}
	for name, kept := range map[string]func(s *sim.Scenario) bool{
		"words about faults": func(s *sim.Scenario) bool { return len(s.Drawn) > 0 },
		"split reads":        func(s *sim.Scenario) bool { return s.SplitReads },
		"pairs":              func(s *sim.Scenario) bool { return s.Pairs == 5 },
		"latency":            func(s *sim.Scenario) bool { return s.LatencyMax > s.LatencyMin },
	} {
		m := searching(t, s, kept)
		require.True(t, m.settings(), name)
		require.False(t, m.settings(), "%s: nothing else is left to be plainer", name)
	}
	m := searching(t, s, anything)
	require.True(t, m.settings())
	plain := story()
	plain.SplitReads, plain.Pairs, plain.LatencyMin, plain.LatencyMax, plain.Drawn = false, 4, time.Millisecond, time.Millisecond, nil
	assert.Equal(t, plain, m.best)
}

func TestBeginningsBecomeEarlier(t *testing.T) {
	first := func(s *sim.Scenario) time.Duration { return min(s.Ops[0].At, s.Faults[0].At) }
	for _, lead := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		m := searching(t, story(), func(s *sim.Scenario) bool { return first(s) >= lead })
		require.True(t, m.earlier())
		by := first(new(story())) - lead
		assert.Equal(t, lead, first(&m.best))
		assert.Equal(t, story().Faults[1].At-by, m.best.Faults[1].At, "all begin sooner by as much")
		assert.Equal(t, story().Ops[2].At-by, m.best.Ops[2].At)
	}
	m := searching(t, story(), func(s *sim.Scenario) bool { return first(s) > time.Second })
	require.False(t, m.earlier(), "not by a little")

	s := story()
	s.Ops = nil
	m = searching(t, s, anything)
	require.True(t, m.earlier())
	assert.Zero(t, m.best.Faults[0].At)
	s.Workloads = []sim.Workload{incident(t, 0).Workloads[0]}
	m = searching(t, s, anything)
	require.False(t, m.earlier(), "workloads run from the beginning")
}

func TestTimesBecomeRound(t *testing.T) {
	m := searching(t, story(), anything)
	require.True(t, m.round())
	assert.Equal(t, 5*time.Second, m.best.Faults[0].At)
	assert.Equal(t, time.Second, m.best.Faults[0].Down)
	assert.Less(t, m.best.Faults[1].By, 2*time.Millisecond)
	assert.Equal(t, 3*time.Second, m.best.Ops[2].At)
	require.False(t, m.round())

	for name, kept := range map[string]func(s *sim.Scenario) bool{
		"when it begins": func(s *sim.Scenario) bool { return s.Faults[0].At == story().Faults[0].At },
		"how long":       func(s *sim.Scenario) bool { return s.Faults[0].Down == story().Faults[0].Down },
		"how far":        func(s *sim.Scenario) bool { return s.Faults[1].By == story().Faults[1].By },
		"an operation":   func(s *sim.Scenario) bool { return s.Ops[0].At == story().Ops[0].At },
	} {
		m := searching(t, story(), kept)
		require.True(t, m.round(), name)
		require.False(t, m.round(), "%s: the rest is round", name)
	}
	for at, least := range map[time.Duration]time.Duration{5234 * time.Millisecond: 5234 * time.Millisecond, 5230 * time.Millisecond: 5225 * time.Millisecond, 5200 * time.Millisecond: 5150 * time.Millisecond} {
		m := searching(t, story(), func(s *sim.Scenario) bool { return s.Faults[0].At >= least })
		require.True(t, m.roundOne(func(s *sim.Scenario) *time.Duration { return &s.Faults[0].At }))
		assert.Equal(t, at, m.best.Faults[0].At, "the coarsest that keeps the failure")
		require.False(t, m.roundOne(func(s *sim.Scenario) *time.Duration { return &s.Faults[0].At }))
	}
}
