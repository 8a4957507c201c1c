// The reference's cores hold in every small world; clients that are wrong do not.

package exhaustive

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// with changes the default bounds.
func with(change func(*Config)) Config {
	cfg := DefaultConfig()
	change(&cfg)
	return cfg
}

func explore(t *testing.T, cfg Config) *check.Result[*State] {
	t.Helper()
	result, err := Run(context.Background(), cfg, check.Options{})
	require.NoError(t, err)
	require.True(t, result.Complete, result.Stopped)
	t.Logf("%d states, %d steps, %d levels, %v", result.Distinct, result.Generated, result.Depth, result.Elapsed.Round(time.Millisecond))
	return result
}

// report shows the violations to whoever reads a failing test.
func report(t *testing.T, result *check.Result[*State]) {
	t.Helper()
	for _, v := range result.Violations {
		t.Logf("%s is violated", v.Property)
		for _, step := range v.Trace {
			t.Log("    " + step.Text)
		}
	}
}

func TestReferenceHolds(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg    Config
		states uint64 // at least: fewer would mean that something no longer happens
	}{
		"no faults":             {with(func(c *Config) { c.Crashes = 0 }), 50},
		"a crash":               {DefaultConfig(), 5_000},
		"two crashes":           {with(func(c *Config) { c.Crashes = 2 }), 20_000},
		"a crash, early timers": {with(func(c *Config) { c.Earlies, c.Connections = 1, 3 }), 40_000},
		"a crash, a loss":       {with(func(c *Config) { c.Losses = 1 }), 20_000},
		"five pairs":            {with(func(c *Config) { c.Pairs = 5 }), 5_000},
		"optional":              {with(func(c *Config) { c.Mandatory = false }), 5_000},
		"on demand":             {with(func(c *Config) { c.KeepReady, c.Crashes = false, 2 }), 6_000},
		"one connection":        {with(func(c *Config) { c.Connections, c.Earlies, c.Requests = 1, 2, 1 }), 9_000},
		"deadlines":             {with(func(c *Config) { c.Deadline, c.Losses, c.Crashes = 2*time.Second, 1, 0 }), 1_000},
	} {
		t.Run(name, func(t *testing.T) {
			result := explore(t, tc.cfg)
			report(t, result)
			assert.Equal(t, check.Held, result.Verdict)
			assert.GreaterOrEqual(t, result.Distinct, tc.states)
			assert.Contains(t, result.NeverFired, "something of an earlier connection arrives")
			assert.Contains(t, result.NeverFired, "a timer of the node fires", "the client gives up first")
		})
	}
}
