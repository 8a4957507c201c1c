// The numbers of states, which TLC and Stateright find as well (bench/checker).

package paxos_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/check/paxos"
)

func TestKnownCounts(t *testing.T) {
	for _, want := range []struct {
		acceptors, ballots, values int
		distinct                   uint64
		depth                      int
	}{
		{3, 2, 2, 3_921, 17},
		{4, 2, 2, 20_609, 21},
		{3, 3, 2, 185_369, 25},
	} {
		m, err := paxos.New(want.acceptors, want.ballots, want.values)
		require.NoError(t, err)
		for _, workers := range []int{1, 3} {
			r, err := check.Run(t.Context(), m, check.Options{Workers: workers})
			require.NoError(t, err)
			name := fmt.Sprintf("%+v, %d workers", want, workers)
			assert.Equal(t, check.Held, r.Verdict, name)
			assert.Equal(t, want.distinct, r.Distinct, name)
			assert.Equal(t, want.depth, r.Depth, name)
			assert.Empty(t, r.NeverFired, name)
		}
	}
}

func TestOutOfRange(t *testing.T) {
	for _, size := range [][3]int{{0, 1, 1}, {6, 1, 1}, {1, 0, 1}, {1, 5, 1}, {1, 1, 0}, {1, 1, 4}} {
		_, err := paxos.New(size[0], size[1], size[2])
		assert.ErrorContains(t, err, "1 to 5")
	}
}
