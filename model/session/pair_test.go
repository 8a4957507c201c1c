// Two metas: the query that goes round, numbers of states, and what people are shown.

package session_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/session"
)

func explorePair(t testing.TB, changes string) *check.Result[session.PairState] {
	t.Helper()
	p, err := session.NewPair(assign(t, session.TwoMetas(), changes))
	require.NoError(t, err)
	r, err := check.Run(t.Context(), p, check.Options{})
	require.NoError(t, err)
	require.True(t, r.Complete)
	return r
}

// TestCountsOfTwoMetas pins the numbers for TwoMetas and changes of it; docs/spec/tla/check
// has TLC find the same with Sessions.tla.
func TestCountsOfTwoMetas(t *testing.T) {
	for _, want := range []struct {
		changes  string
		distinct uint64
		violated string
	}{
		{"Earlies=0", 199, ""},
		{"Earlies=0 Client=session", 2_396, flagFails},
		{"Earlies=0 Client=session ServerMode=hang", 3_570, allFails},
		{"Earlies=0 Client=session ServerMode=fin", 1_368, allFails},
		{"Earlies=0 Client=session ServerMode=hang Mandatory=false", 1693, flagFails},
		{"", 9_421, ""},
		{"ServerMode=hang", 9_421, ""},
		{"ServerMode=fin", 9_421, ""},
		{"ByRemoval=false", 11_327, "complete-once"},
		{"Defects=retry-on-dying-session", 12_892, ""},
		{"Odd=true Defects=zombie-after-decode-error", 13_119, ""},
		{"Defects=pending-not-failed-on-eof", 11_335, ""},
		{"Defects=parked-requests-never-purged", 21_289, "bounded"},
		{"Earlies=0 Losses=1 K=2 NPorts=2", 3601, ""},
		{"Earlies=0 Losses=1", 1299, ""},
		{"Earlies=0 NReq=2", 2109, ""},
	} {
		r := explorePair(t, want.changes)
		assert.Equal(t, want.distinct, r.Distinct, want.changes)
		names := make([]string, 0, len(r.Violations))
		for _, v := range r.Violations {
			names = append(names, v.Property)
		}
		assert.Equal(t, want.violated, strings.Join(names, " "), want.changes)
	}
}

// With the flag in the session and servers that hang the query goes from one meta to the
// other for ever, and neither session ever comes up.
func TestLassoThroughBothMetas(t *testing.T) {
	for _, v := range explorePair(t, "Client=session ServerMode=hang").Violations {
		if v.Kind != check.Liveness {
			continue
		}
		var lines []string
		for _, step := range v.Trace {
			lines = append(lines, step.Text)
		}
		require.Positive(t, v.Cycle, v.Property)
		cycle := strings.Join(lines[v.Cycle+1:], "\n")
		for _, want := range []string{
			"the client asks meta 1 instead, with request 1: it waits for a connection",
			"meta 1: connection 1 is up: the client writes request 1 before negotiation on it (the flag is stale)",
			"meta 1: the server reads request 1 on connection 1, before negotiation: it will never answer",
			"the client asks meta 2 instead, with request 1: it waits for a connection",
			"meta 2: connection 1 is up: the client writes request 1 before negotiation on it (the flag is stale)",
			"meta 2: the server reads request 1 on connection 1, before negotiation: it will never answer",
		} {
			assert.Contains(t, cycle, want, v.Property)
		}
		assert.NotContains(t, cycle, "crashes", v.Property)
		assert.NotContains(t, cycle, "early", v.Property)
		return
	}
	require.Fail(t, "no liveness property is violated")
}

// A query is at one meta at a time, and a move goes to the other.
func TestQueriesMove(t *testing.T) {
	p, err := session.NewPair(assign(t, session.TwoMetas(), "NReq=2 R=1 Earlies=0"))
	require.NoError(t, err)
	moved := 0
	seen := watcher{p, func(from session.PairState, action string, to session.PairState) {
		for r := range 2 {
			one, two := to.Metas[0].Requests[r], to.Metas[1].Requests[r]
			assert.True(t, one == session.Idle || two == session.Idle)
		}
		if strings.HasPrefix(action, "move(") {
			moved++
			assert.NotEqual(t, from.Metas[0].Requests, to.Metas[0].Requests)
			assert.NotEqual(t, from.Metas[1].Requests, to.Metas[1].Requests)
		}
	}}
	_, err = check.Run(t.Context(), seen, check.Options{Workers: 1})
	require.NoError(t, err)
	assert.Positive(t, moved)
}

// watcher is the model with somebody who sees every step.
type watcher struct {
	*session.Pair
	saw func(from session.PairState, action string, to session.PairState)
}

func (w watcher) Next(s session.PairState, steps []check.Step[session.PairState]) []check.Step[session.PairState] {
	first := len(steps)
	steps = w.Pair.Next(s, steps)
	for _, step := range steps[first:] {
		w.saw(s, w.Actions()[step.Action].Name, step.State)
	}
	return steps
}

// Every action of two metas happens in one of these.
func TestEveryActionOfTwoMetasHappens(t *testing.T) {
	happened := map[string]bool{}
	for _, changes := range []string{"Client=session ServerMode=hang R=1", "Client=reset R=1 Earlies=0", "Losses=1 R=1 Earlies=0"} {
		r := explorePair(t, changes)
		for _, a := range r.Actions {
			happened[a.Name] = happened[a.Name] || a.Steps > 0
		}
	}
	for name, fired := range happened {
		assert.True(t, fired, "%s never happens", name)
	}
	assert.True(t, happened["move(1)"] && happened["meta2.submit(1)"])
	assert.NotContains(t, happened, "meta1.retry(1)")
}

// Models for one and for two metas refuse the other's constants.
func TestMetasAreWhatTheModelIsFor(t *testing.T) {
	var wrong *session.ConstantError
	_, err := session.New(session.TwoMetas())
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "Metas", wrong.Name)
	_, err = session.NewPair(session.Default())
	require.ErrorAs(t, err, &wrong)
	assert.Contains(t, err.Error(), "Metas")
	c := session.Default()
	require.ErrorAs(t, c.Set("Metas", "3"), &wrong)
}
