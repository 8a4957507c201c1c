// Sequence diagrams of every specification: signals name lanes, and an early request is
// drawn as it happens.

package model_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
)

// TestSignalsNameLanes walks the first states of every specification, as far as breadth
// first comes with a few hundred of them.
func TestSignalsNameLanes(t *testing.T) {
	requests := []model.Request{{Spec: "session", Config: "two-metas"}}
	for _, spec := range model.Specs() {
		requests = append(requests, model.Request{Spec: spec.Name})
	}
	for _, request := range requests {
		t.Run(request.Spec+" "+request.Config, func(t *testing.T) {
			e, err := model.Explore(request)
			require.NoError(t, err)
			lanes := e.Lanes()
			require.NotEmpty(t, lanes)
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(lanes))), len(lanes), "no lane twice")
			signals := 0
			for _, branch := range firstBranches(t, e, 300) {
				for _, s := range branch.Signals {
					signals++
					require.Contains(t, lanes, s.From, branch.Action)
					require.Contains(t, lanes, s.To, branch.Action)
					require.NotEmpty(t, s.Text, branch.Action)
				}
			}
			require.NotZero(t, signals)
		})
	}
}

// firstBranches returns the steps out of the first states, so many of these.
func firstBranches(t *testing.T, e *model.Exploration, states int) []check.Branch {
	t.Helper()
	var branches []check.Branch
	var paths [][]check.StateID
	seen := map[check.StateID]bool{}
	for _, n := range e.Initial() {
		paths, seen[n.ID] = append(paths, []check.StateID{n.ID}), true
	}
	for i := 0; i < len(paths) && i < states; i++ {
		view, err := e.At(paths[i])
		require.NoError(t, err)
		for _, b := range view.Next {
			branches = append(branches, b)
			if !seen[b.To.ID] {
				seen[b.To.ID] = true
				paths = append(paths, append(slices.Clone(paths[i]), b.To.ID))
			}
		}
	}
	return branches
}

// drawn returns the arrows of the steps of these actions, one after another.
func drawn(t *testing.T, request model.Request, actions ...string) []string {
	t.Helper()
	e, err := model.Explore(request)
	require.NoError(t, err)
	path := []check.StateID{e.Initial()[0].ID}
	var drawn []string
	for _, action := range actions {
		view, err := e.At(path)
		require.NoError(t, err)
		i := slices.IndexFunc(view.Next, func(b check.Branch) bool { return b.Action == action })
		require.GreaterOrEqual(t, i, 0, action)
		for _, s := range view.Next[i].Signals {
			drawn = append(drawn, s.From+" -> "+s.To+": "+s.Text)
		}
		path = append(path, view.Next[i].To.ID)
	}
	return drawn
}

// TestTwoMetasSignals pins the arrows of a query that goes from one meta to the other and
// back, where the flag lets it pass first.
func TestTwoMetasSignals(t *testing.T) {
	request := model.Request{
		Spec: "session", Config: "two-metas", With: []string{"stale-auth-flag"},
		Set: []model.Setting{{Name: "R", Value: "1"}},
	}
	require.Equal(t, []string{
		"client -> client: m1 submit(1)",
		"client -> network: m1 c1: dial",
		"network -> meta 1: m1 c1: connected", "client -> network: m1 c1: negotiation 1",
		"network -> meta 1: m1 c1: negotiation 1", "meta 1 -> network: m1 c1: negotiation 1",
		"network -> client: m1 c1: negotiation 1", "client -> network: m1 c1: request 1",
		"client -> client: m1 request-timeout-early(1)",
		"client -> client: move(1)",
		"client -> network: m2 c1: dial",
		"meta 2 -> meta 2: m2 crash",
		"network -> client: m2 c1: refused",
		"client -> client: move(1)", "client -> network: m1 c1: request 1",
	}, drawn(t, request,
		"meta1.submit(1)", "meta1.dial", "meta1.accept(1)", "meta1.serve(1)", "meta1.receive(1)", "meta1.request-timeout-early(1)",
		"move(1)", "meta2.dial", "meta2.crash", "meta2.refused(1)", "move(1)"))
}

// TestSessionSignals pins the arrows of a beginning and a crash.
func TestSessionSignals(t *testing.T) {
	require.Equal(t, []string{
		"client -> client: submit(1)",
		"client -> network: c1: dial",
		"network -> server: c1: connected", "client -> network: c1: negotiation 1",
		"network -> server: c1: negotiation 1", "server -> network: c1: negotiation 1",
		"network -> client: c1: negotiation 1", "client -> network: c1: negotiation 2",
		"server -> server: crash", "server -> network: c1: FIN",
	}, drawn(t, model.Request{Spec: "session"}, "submit(1)", "dial", "accept(1)", "serve(1)", "receive(1)", "crash"))
}
