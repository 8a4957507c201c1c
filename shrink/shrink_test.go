package shrink

import (
	"context"
	"testing"
	"time"

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
		assert.LessOrEqual(t, r.Scenario.Watch, time.Minute, "seed %d", seed)

		again, err := sim.Run(t.Context(), r.Scenario, sim.Options{})
		require.NoError(t, err)
		assert.Equal(t, r.Run.TraceHash, again.TraceHash, "the result is the scenario's")
		t.Logf("seed %d: %v after %d runs, before: %v", seed, r.After, r.Runs, r.Before)
	}
}

// What failed after tens of thousands of events comes down to a few faults and operations,
// whatever surrounded it.
func TestTenThousandEventsBecomeAFew(t *testing.T) {
	for name, draw := range map[string]func(t *testing.T) sim.Scenario{
		"full-restart": func(t *testing.T) sim.Scenario { return incident(t, 7) },
		"swarm": func(t *testing.T) sim.Scenario {
			s, err := sim.Generate(sim.ScenarioSwarm, 5)
			require.NoError(t, err)
			s.Client = sim.ClientUpstreamGo
			s.SetAuth(sim.AuthOptional)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := draw(t)
			before, err := sim.Run(t.Context(), s, sim.Options{})
			require.NoError(t, err)
			require.Greater(t, before.Events, uint64(10_000))
			r, err := Minimize(t.Context(), s, Options{})
			require.NoError(t, err)
			assert.Greater(t, r.Before.Faults+r.Before.Operations, 100)
			assert.Less(t, r.After.Faults+r.After.Operations, 10)
			assert.Equal(t, *before.Property, *r.Run.Property)
		})
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
	assert.Equal(t, one.Run, smaller.Run)
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
	none, err := Minimize(t.Context(), s, Options{MaxRuns: 1})
	require.NoError(t, err)
	assert.Equal(t, s, none.Scenario)
	assert.Equal(t, sim.VerdictViolation, none.Run.Verdict)

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

// A run that the interrupt ends may have violated the property already. What it would have
// come to is not known: its hash is of a part, and another property may go before.
func TestInterruptedRunIsNotKept(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := incident(t, 7)
	property := sim.PropertyAuthenticatedExecution
	m := &search{ctx: ctx, opts: Options{MaxRuns: 10}, keep: failure{property: property}, best: s}
	m.run = func(context.Context, sim.Scenario, sim.Options) (sim.Result, error) {
		cancel()
		return sim.Result{Verdict: sim.VerdictViolation, Property: &property, TraceHash: "of a part"}, nil
	}
	smaller := s
	smaller.Clients--
	require.False(t, m.fails(smaller.Fit()))
	require.NoError(t, m.err)
	assert.Equal(t, s, m.best)
	assert.Empty(t, m.bestRun.TraceHash)
}

// The signature is kept with the property, its age too: the incident at 5 s does not become
// the one at 10 s, and neither the one that the violation does not name.
func TestSignatureIsKept(t *testing.T) {
	s := incident(t, 0x35)
	for signature, age := range map[string]time.Duration{"": 10 * time.Second, "ERR_SESSION_RESET@5s": 5 * time.Second} {
		r, err := Minimize(t.Context(), s, Options{Signature: signature})
		require.NoError(t, err)
		require.NotNil(t, r.Run.Signature)
		assert.InDelta(t, age, time.Duration(*r.Run.SignatureAfterNS), float64(ageTolerance), "%q", signature)
		if signature == "" {
			assert.Equal(t, "ERR_TIMEOUT", *r.Run.Signature)
		} else {
			assert.Equal(t, "ERR_SESSION_RESET", *r.Run.Signature)
		}
		assert.LessOrEqual(t, r.After.Faults+r.After.Operations, 9, "%q: %v", signature, r.After)
	}
	_, err := Minimize(t.Context(), s, Options{Signature: "ERR_SESSION_RESET@7s"})
	var unseen *SignatureError
	require.ErrorAs(t, err, &unseen)
	require.ErrorContains(t, err, "seen: ERR_TIMEOUT@10s")
}

func TestSignatureOfTheViolation(t *testing.T) {
	r := sim.Result{Reason: "client-1 still tries to reach meta-1 and fails: 3 attempts", Signatures: []sim.Signature{
		{Error: "ERR_TIMEOUT", AfterNS: 10e9, Node: "meta-11", Count: 8},
		{Error: "ERR_SESSION_RESET", AfterNS: 5e9, Node: "meta-1", Count: 3},
		{Error: "ERR_TIMEOUT", AfterNS: 10e9, Node: "meta-1", Count: 2},
	}}
	require.Equal(t, negotiation{"ERR_SESSION_RESET", 5 * time.Second}, ofViolation(&r))
	r.Reason = "operation 7 of client-2 was never completed"
	require.Equal(t, negotiation{"ERR_TIMEOUT", 10 * time.Second}, ofViolation(&r), "the most frequent")
	r.Signatures = nil
	require.Equal(t, negotiation{}, ofViolation(&r))
}

// What decides nothing does not stay: words about faults that are gone, more delay than it
// takes, a longer watch.
func TestSettingsShrink(t *testing.T) {
	s := incident(t, 0)
	s.Watch = 137*time.Second + 13*time.Millisecond
	s.Drawn = []sim.Drawn{{Kind: sim.FaultDelay, PerMille: 100, Min: time.Second, Max: time.Second}}
	s.Faults = append(s.Faults, sim.Fault{At: time.Second, Kind: sim.FaultDelay, Node: "replica-1", Down: 3 * time.Second, By: 1234567 * time.Microsecond})
	m := &search{ctx: t.Context(), opts: Options{MaxRuns: DefaultMaxRuns}, best: s, run: sim.Run}
	first, err := sim.Run(t.Context(), s, sim.Options{})
	require.NoError(t, err)
	var ok bool
	m.keep, ok = failureOf(&first)
	require.True(t, ok)
	last := len(s.Faults) - 1
	require.True(t, m.settings())
	require.True(t, m.halve(last))
	m.watch()
	require.NoError(t, m.err)
	assert.Empty(t, m.best.Drawn)
	assert.Less(t, m.best.Faults[last].By, 2*time.Millisecond)
	assert.Less(t, m.best.Watch, time.Minute)
	assert.Zero(t, m.best.Watch%time.Second)
	assert.Equal(t, 1234567*time.Microsecond, s.Faults[last].By, "the scenario that was given is as it was")
}
