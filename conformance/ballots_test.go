// Names of a partition's primaries.

package conformance

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/trace"
)

// However many servers a partition goes to and comes back from, each of its primaries is a
// move of the specification away from the one before.
func TestEveryMoveHasAName(t *testing.T) {
	x, err := newTraffic(DefaultMaxStates)
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		b := &ballots{}
		for ballot := range int64(rapid.IntRange(2, 12).Draw(rt, "ballots")) {
			to := netip.MustParseAddrPort(fmt.Sprintf("10.0.2.%d:34801", rapid.IntRange(1, 5).Draw(rt, "to")))
			require.True(rt, b.sees(trace.Config{Ballot: ballot + 1, Primary: to}))
			last := b.list[len(b.list)-1]
			require.Equal(rt, to, last.addr)
			if len(b.list) > 1 {
				require.NotEqual(rt, b.list[len(b.list)-2].node, last.node)
			}
		}
		s := x.move(&line{ballots: b}, x.x.model.Initial()[0])
		require.Len(rt, s.History[0], len(b.list))
	})
}

// A partition that moves more often than is followed is not judged any more, and not refused.
func TestMovesBeyondWhatIsFollowed(t *testing.T) {
	b := &ballots{}
	for ballot := range int64(maxConfigs + 1) {
		require.False(t, b.full, "%d moves", ballot)
		to := netip.MustParseAddrPort(fmt.Sprintf("10.0.2.%d:34801", ballot%2+1))
		require.True(t, b.sees(trace.Config{Ballot: ballot + 1, Primary: to}))
	}
	require.True(t, b.full)
	require.Len(t, b.list, maxConfigs)
}
