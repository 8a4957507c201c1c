package campaign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/conformance"
	"github.com/a8011091/pegasus-reference/sim"
)

// What the specifications say of a run's trace is added to what the run came to.
func TestTracesVerdictsAreAdded(t *testing.T) {
	conforms := conformance.Result{Spec: "session", Verdict: conformance.Conforming, Events: 7}
	refused := conformance.Result{Spec: "routing", Verdict: conformance.NotConforming, Events: 9}
	refused.First = &conformance.Refusal{Clause: "R4", Why: "not so"}
	again := conformance.Result{Spec: "session", Verdict: conformance.NotConforming, Events: 5}
	again.First = &conformance.Refusal{Clause: "S7", Why: "nor so"}
	unjudged := conformance.Result{Spec: "session", Verdict: conformance.Inconclusive, Events: 3, Reason: "too many states"}
	for name, c := range map[string]struct {
		begins  Outcome
		results []conformance.Result
		want    Outcome
	}{
		"conforms":        {Outcome{Verdict: sim.VerdictHeld}, []conformance.Result{conforms}, Outcome{Verdict: sim.VerdictHeld, Validated: 7}},
		"refused":         {Outcome{Verdict: sim.VerdictHeld}, []conformance.Result{conforms, refused}, Outcome{Verdict: sim.VerdictHeld, Validated: 9, Refused: "routing: R4", Reason: "not so"}},
		"refused twice":   {Outcome{Verdict: sim.VerdictHeld}, []conformance.Result{refused, again}, Outcome{Verdict: sim.VerdictHeld, Validated: 9, Refused: "routing: R4", Reason: "not so"}},
		"not judged":      {Outcome{Verdict: sim.VerdictHeld}, []conformance.Result{conforms, unjudged}, Outcome{Verdict: sim.VerdictInconclusive, Validated: 7, Reason: "too many states"}},
		"violated anyway": {Outcome{Verdict: sim.VerdictViolation, Reason: "kept out"}, []conformance.Result{unjudged}, Outcome{Verdict: sim.VerdictViolation, Validated: 3, Reason: "kept out"}},
	} {
		c.begins.validated(c.results)
		assert.Equal(t, c.want, c.begins, name)
	}
}

// A percentile is the nearest rank: the least that so many of a hundred did not exceed.
func TestDistributionsHaveNearestRanks(t *testing.T) {
	for n, want := range map[int][2]int64{1: {1, 1}, 2: {1, 2}, 3: {2, 3}, 99: {50, 99}, 100: {50, 99}, 101: {51, 100}, 200: {100, 198}, 201: {101, 199}} {
		var list []convergence
		for i := n; i > 0; i-- {
			list = append(list, convergence{int64(i), Seed(i)})
		}
		assert.Equal(t, Converged{Runs: uint64(n), P50: want[0], P99: want[1], Max: int64(n), MaxSeed: Seed(n)}, distribution(list), "%d runs", n)
	}
	assert.Equal(t, Converged{}, distribution(nil))
}

// Of what a worker complains the end is kept.
func TestTheEndOfAComplaintIsKept(t *testing.T) {
	var c complaint
	for range 3 {
		_, err := c.Write(bytes.Repeat([]byte("x"), maxComplaint/2))
		require.NoError(t, err)
	}
	_, err := c.Write([]byte("the end"))
	require.NoError(t, err)
	assert.Equal(t, maxComplaint, c.Len())
	assert.True(t, bytes.HasSuffix(c.Bytes(), []byte("xthe end")))
}

// ignored is a worker's input that nobody reads; broken is one that has gone.
type (
	ignored struct{ io.Writer }
	broken  struct{}
)

func (ignored) Close() error { return nil }

var errGone = errors.New("gone")

func (broken) Write([]byte) (int, error) { return 0, errGone }
func (broken) Close() error              { return nil }

// A worker's answer counts if it is one, and for what it was asked.
func TestAnswersOfWorkers(t *testing.T) {
	line := func(o Outcome) string {
		b, err := json.Marshal(o)
		require.NoError(t, err)
		return string(b) + "\n"
	}
	asked := task{Seed: 7}
	for name, c := range map[string]struct{ answer, says string }{
		"an answer":    {line(Outcome{Seed: 7, Verdict: sim.VerdictHeld}), ""},
		"none":         {"", "EOF"},
		"half of one":  {strings.TrimSuffix(line(Outcome{Seed: 7}), "\n"), "EOF"},
		"no JSON":      {"held\n", "invalid character"},
		"another seed": {line(Outcome{Seed: 8}), "answered for seed"},
		"a canary":     {line(Outcome{Seed: 7, Canary: true}), "answered for seed"},
	} {
		w := &process{in: ignored{io.Discard}, out: bufio.NewReader(strings.NewReader(c.answer))}
		o, err := w.ask(asked, time.Hour)
		if c.says == "" {
			require.NoError(t, err, name)
			assert.Equal(t, sim.VerdictHeld, o.Verdict)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
		assert.Zero(t, o, name)
	}
	w := &process{in: broken{}, out: bufio.NewReader(strings.NewReader(line(Outcome{Seed: 7})))}
	_, err := w.ask(asked, time.Hour)
	require.ErrorIs(t, err, errGone)
}
