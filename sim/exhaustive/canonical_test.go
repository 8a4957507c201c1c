// Equal canonical bytes must mean equal futures: that is what lets the exploration end,
// and nothing else would notice if it were not so.

package exhaustive

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/server/node"
)

// futures names everything that can be the next step of s.
func (m *Model) futures(s *State) map[string]string {
	next := map[string]string{}
	for _, taken := range m.next(s, nil) {
		next[fmt.Sprint(taken.Action, ":")+string(taken.State.appendState(nil))] = fmt.Sprint(taken.State.story)
	}
	return next
}

// TestEqualBytesMeanEqualFutures compares every state that is reached again with the one
// that had the same bytes first: the two differ in connection and timer numbers, in
// sequence numbers, nonces, and in what the clock says.
func TestEqualBytesMeanEqualFutures(t *testing.T) {
	for name, cfg := range map[string]Config{
		"crash":     DefaultConfig(),
		"loss":      with(func(c *Config) { c.Requests, c.Losses = 1, 1 }),
		"early":     with(func(c *Config) { c.Requests, c.Earlies, c.Connections = 1, 1, 3 }),
		"deadlines": with(func(c *Config) { c.Deadline, c.Losses, c.Crashes = 2*time.Second, 1, 0 }),
		"flag":      with(func(c *Config) { c.EarlyRequest, c.client = node.EarlyHang, newStaleFlag }),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(cfg)
			require.NoError(t, err)
			m.listens = true
			first := map[string]map[string]string{}
			again := 0
			for queue := m.Initial(); len(queue) > 0; queue = queue[1:] {
				s := queue[0]
				key := string(s.appendState(nil))
				futures := m.futures(s)
				require.Equal(t, key, string(s.appendState(nil)), "taking steps changed the state that they were taken from")
				if known, seen := first[key]; seen {
					again++
					requireSameKeys(t, m, s, known, futures)
					continue
				}
				first[key] = futures
				for _, taken := range m.next(s, nil) {
					queue = append(queue, taken.State)
				}
			}
			t.Logf("%d states, reached again %d times", len(first), again)
			require.Greater(t, again, len(first)/4)
		})
	}
}

func requireSameKeys(t *testing.T, m *Model, s *State, known, futures map[string]string) {
	t.Helper()
	for key, story := range known {
		if _, ok := futures[key]; !ok {
			require.Fail(t, "a future is lost", "%s\nfrom %v", story, m.Describe(s))
		}
	}
	for key, story := range futures {
		if _, ok := known[key]; !ok {
			require.Fail(t, "a future is new", "%s\nfrom %v", story, m.Describe(s))
		}
	}
}
