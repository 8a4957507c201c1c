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
	for _, spec := range model.Specs() {
		t.Run(spec.Name, func(t *testing.T) {
			e, err := model.Explore(model.Request{Spec: spec.Name})
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

// TestSessionSignals pins the arrows of a beginning and a crash.
func TestSessionSignals(t *testing.T) {
	e, err := model.Explore(model.Request{Spec: "session"})
	require.NoError(t, err)
	path := []check.StateID{e.Initial()[0].ID}
	var drawn []string
	for _, action := range []string{"submit(1)", "dial", "accept(1)", "serve(1)", "receive(1)", "crash"} {
		view, err := e.At(path)
		require.NoError(t, err)
		i := slices.IndexFunc(view.Next, func(b check.Branch) bool { return b.Action == action })
		require.GreaterOrEqual(t, i, 0, action)
		for _, s := range view.Next[i].Signals {
			drawn = append(drawn, s.From+" -> "+s.To+": "+s.Text)
		}
		path = append(path, view.Next[i].To.ID)
	}
	require.Equal(t, []string{
		"client -> client: submit(1)",
		"client -> network: c1: dial",
		"network -> server: c1: connected", "client -> network: c1: negotiation 1",
		"network -> server: c1: negotiation 1", "server -> network: c1: negotiation 1",
		"network -> client: c1: negotiation 1", "client -> network: c1: negotiation 2",
		"server -> server: crash", "server -> network: c1: FIN",
	}, drawn)
}
