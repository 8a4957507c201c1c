package shrink

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
)

// incident is a seed of full-restart on which upstream's unfixed client never comes back.
func incident(t *testing.T, seed uint64) sim.Scenario {
	s, err := sim.Generate(sim.ScenarioFullRestart, seed)
	require.NoError(t, err)
	s.Client, s.Server = sim.ClientUpstreamSnapshot, sim.ServerHang
	return s
}

// A run of thousands of events becomes a scenario that fits a screen: one node's restart and
// a request before and after it.
func TestIncidentShrinks(t *testing.T) {
	for seed := range uint64(3) {
		s := incident(t, seed)
		r, err := Minimize(t.Context(), s, Options{})
		require.NoError(t, err)
		assert.True(t, r.Complete, "seed %d took more than %d runs", seed, r.Runs)
		assert.LessOrEqual(t, r.After.Faults+r.After.Operations, 6, "seed %d: %v", seed, r.After)
		assert.Greater(t, r.Before.Faults+r.Before.Operations, r.After.Faults+r.After.Operations)
		assert.Equal(t, "reconnect-converges", *r.Run.Property)

		again, err := sim.Run(t.Context(), r.Scenario, sim.Options{})
		require.NoError(t, err)
		assert.Equal(t, r.Run.TraceHash, again.TraceHash, "the result is the scenario's")
		t.Logf("seed %d: %v after %d runs, before: %v", seed, r.After, r.Runs, r.Before)
	}
}

func TestShrinkIsDeterministic(t *testing.T) {
	one, err := Minimize(t.Context(), incident(t, 7), Options{})
	require.NoError(t, err)
	two, err := Minimize(t.Context(), incident(t, 7), Options{})
	require.NoError(t, err)
	assert.Equal(t, one, two)
	smaller, err := Minimize(t.Context(), one.Scenario, Options{})
	require.NoError(t, err)
	assert.Equal(t, one.Scenario, smaller.Scenario, "what is small stays as it is")
}

func TestWhatHoldsIsNotShrunk(t *testing.T) {
	s, err := sim.Generate(sim.ScenarioFullRestart, 1)
	require.NoError(t, err)
	_, err = Minimize(t.Context(), s, Options{})
	var held *HeldError
	require.ErrorAs(t, err, &held)
	assert.Equal(t, sim.VerdictHeld, held.Verdict)
	s.Replicas = 0
	_, err = Minimize(t.Context(), s, Options{})
	var usage *sim.UsageError
	require.ErrorAs(t, err, &usage)
}

// A limit, and an interrupt, end a shrink with what there is, which still fails.
func TestShrinkEndsEarly(t *testing.T) {
	s := incident(t, 7)
	few, err := Minimize(t.Context(), s, Options{MaxRuns: 10})
	require.NoError(t, err)
	assert.False(t, few.Complete)
	assert.Equal(t, 10, few.Runs)
	assert.Equal(t, sim.VerdictViolation, few.Run.Verdict)

	ctx, cancel := context.WithCancel(t.Context())
	some, err := Minimize(ctx, s, Options{Progress: func(p Progress) {
		if p.Runs == 20 {
			cancel()
		}
	}})
	require.NoError(t, err)
	assert.False(t, some.Complete)
	assert.Equal(t, sim.VerdictViolation, some.Run.Verdict)
}

// The signature is kept with the property: the incident at 5 s does not become the one at 10 s.
func TestSignatureIsKept(t *testing.T) {
	s := incident(t, 0x35)
	first, err := sim.Run(t.Context(), s, sim.Options{Expect: "ERR_SESSION_RESET"})
	require.NoError(t, err)
	require.NotNil(t, first.Signature)
	r, err := Minimize(t.Context(), s, Options{})
	require.NoError(t, err)
	require.NotNil(t, r.Run.Signature)
	whole, err := sim.Run(t.Context(), s, sim.Options{})
	require.NoError(t, err)
	assert.Equal(t, *whole.Signature, *r.Run.Signature)
}
