// The well-known numbers of states, for any number of workers; and the checker's speed.

package twophase_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/check/twophase"
)

func explore(t testing.TB, managers, workers int) *check.Result[twophase.State] {
	t.Helper()
	m, err := twophase.New(managers)
	require.NoError(t, err)
	result, err := check.Run(context.Background(), m, check.Options{Workers: workers})
	require.NoError(t, err)
	return result
}

func TestKnownCounts(t *testing.T) {
	for _, want := range []struct {
		managers  int
		distinct  uint64
		generated uint64
		depth     int
		workers   []int
	}{
		{3, 288, 1_146, 11, []int{1, 2, 7}},
		{5, 8_832, 58_146, 17, []int{1, 2, 7}},
		{7, 296_448, 2_744_706, 23, []int{1, 2, 7}},
		{8, 1_745_408, 18_507_778, 26, []int{2}},
	} {
		for _, workers := range want.workers {
			r := explore(t, want.managers, workers)
			name := fmt.Sprintf("%d managers, %d workers", want.managers, workers)
			assert.Equal(t, want.distinct, r.Distinct, name)
			assert.Equal(t, want.generated, r.Generated, name)
			assert.Equal(t, want.depth, r.Depth, name)
			assert.Equal(t, check.Held, r.Verdict, name)
			assert.True(t, r.Complete, name)
			assert.Empty(t, r.NeverFired, name)
			if want.managers == 8 {
				assert.LessOrEqual(t, r.PerState(), 40.0, "bytes of visited set and parents")
			}
		}
	}
}

func TestManagersOutOfRange(t *testing.T) {
	for _, n := range []int{-1, 0, 32} {
		_, err := twophase.New(n)
		assert.ErrorContains(t, err, "1 to 31")
	}
}

// BenchmarkCheck reports distinct states per second and bytes per state of the visited
// set with eight resource managers.
func BenchmarkCheck(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("managers=8/workers=%d", workers), func(b *testing.B) {
			var states, bytes float64
			for b.Loop() {
				r := explore(b, 8, workers)
				states += float64(r.Distinct)
				bytes = r.PerState()
			}
			b.ReportMetric(states/b.Elapsed().Seconds(), "states/s")
			b.ReportMetric(bytes, "B/state")
		})
	}
}

// collector tells of every state that the search looks into.
type collector struct {
	*twophase.Model
	saw func(twophase.State)
}

func (c collector) Next(s twophase.State, steps []check.Step[twophase.State]) []check.Step[twophase.State] {
	c.saw(s)
	return c.Model.Next(s, steps)
}

// With symmetry there are as many states as canonical forms of all states without, and
// every kind of search gives the same answers.
func TestSymmetryAndSearches(t *testing.T) {
	m, err := twophase.New(5)
	require.NoError(t, err)
	forms := map[string]bool{}
	_, err = check.Run(t.Context(), collector{m, func(s twophase.State) { forms[string(m.AppendCanonical(nil, s))] = true }}, check.Options{Workers: 1})
	require.NoError(t, err)
	for _, search := range []check.Search{check.BreadthFirst, check.DepthFirst} {
		reduced, err := check.Run(t.Context(), m, check.Options{Search: search, Symmetry: true})
		require.NoError(t, err)
		assert.Equal(t, check.Held, reduced.Verdict)
		assert.Equal(t, uint64(len(forms)), reduced.Distinct, search)
		whole, err := check.Run(t.Context(), m, check.Options{Search: search})
		require.NoError(t, err)
		assert.Equal(t, uint64(8_832), whole.Distinct, search)
		assert.Equal(t, uint64(58_146), whole.Generated, search)
	}
	walked, err := check.Run(t.Context(), m, check.Options{Search: check.RandomWalk, Seed: 1, Walks: 100})
	require.NoError(t, err)
	assert.Equal(t, check.Inconclusive, walked.Verdict)
	assert.Less(t, walked.Distinct, uint64(8_832))
}
