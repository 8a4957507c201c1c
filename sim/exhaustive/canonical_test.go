// Equal canonical bytes must mean equal futures: that is what lets the exploration end,
// and nothing else would notice if it were not so.

package exhaustive

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/server/node"
)

// futures names everything that can be the next step of s, with the action that leads there.
func futures(steps []step) map[string]int {
	next := make(map[string]int, len(steps))
	for _, taken := range steps {
		next[string(taken.State.appendState([]byte{byte(taken.Action)}))] = taken.Action
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
		"flag":      with(func(c *Config) { c.EarlyRequest, c.Hasty = node.EarlyHang, true }),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(cfg)
			require.NoError(t, err)
			first := map[string]map[string]int{}
			again := 0
			for queue := m.Initial(); len(queue) > 0; queue = queue[1:] {
				s := queue[0]
				key := string(s.appendState(nil))
				steps := m.next(s, nil)
				after := futures(steps)
				require.Equal(t, key, string(s.appendState(nil)), "taking steps changed the state that they were taken from")
				if known, seen := first[key]; seen {
					again++
					requireSameKeys(t, m, s, known, after)
					continue
				}
				first[key] = after
				for _, taken := range steps {
					queue = append(queue, taken.State)
				}
			}
			t.Logf("%d states, reached again %d times", len(first), again)
			require.Greater(t, again, len(first)/4)
		})
	}
}

func requireSameKeys(t *testing.T, m *Model, s *State, known, after map[string]int) {
	t.Helper()
	for key, action := range known {
		if _, ok := after[key]; !ok {
			require.Fail(t, "a future is lost", "%s\nfrom %v", m.actions[action].Name, m.Describe(s))
		}
	}
	for key, action := range after {
		if _, ok := known[key]; !ok {
			require.Fail(t, "a future is new", "%s\nfrom %v", m.actions[action].Name, m.Describe(s))
		}
	}
}
