// The reference's cores hold in every small world; clients that are wrong do not.

package exhaustive

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/server/node"
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
		"no faults":      {with(func(c *Config) { c.Crashes = 0 }), 50},
		"a crash":        {DefaultConfig(), 5_000},
		"two crashes":    {with(func(c *Config) { c.Crashes = 2 }), 20_000},
		"a loss":         {with(func(c *Config) { c.Crashes, c.Losses = 0, 1 }), 700},
		"crash and loss": {with(func(c *Config) { c.Requests, c.Losses = 1, 1 }), 5_000},
		"early timers":   {with(func(c *Config) { c.Requests, c.Earlies, c.Connections = 1, 1, 3 }), 10_000},
		"five pairs":     {with(func(c *Config) { c.Pairs = 5 }), 5_000},
		"optional":       {with(func(c *Config) { c.Mandatory = false }), 5_000},
		"on demand":      {with(func(c *Config) { c.KeepReady, c.Crashes = false, 2 }), 6_000},
		"one connection": {with(func(c *Config) { c.Requests, c.Connections, c.Earlies = 1, 1, 2 }), 9_000},
		"deadlines":      {with(func(c *Config) { c.Requests, c.Deadline, c.Earlies = 1, 2*time.Second, 1 }), 5_000},
		"two deadlines":  {with(func(c *Config) { c.Deadline = 2 * time.Second }), 2_000},
		"cancels":        {with(func(c *Config) { c.Cancels = 1 }), 10_000},
		"drain":          {with(func(c *Config) { c.Drain = true }), 7_000},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(tc.cfg)
			require.NoError(t, err)
			stated := slices.ContainsFunc(m.Properties(), func(p check.Property[*State]) bool { return p.Name == "requests-drain" })
			require.Equal(t, tc.cfg.Deadline == 0, stated)
			result := explore(t, tc.cfg)
			report(t, result)
			assert.Equal(t, check.Held, result.Verdict)
			assert.GreaterOrEqual(t, result.Distinct, tc.states)
			assert.Contains(t, result.NeverFired, "something of an earlier connection arrives")
			assert.Contains(t, result.NeverFired, "a timer of the node fires", "the client gives up first")
		})
	}
}

// TestEarlyPolicyIsIdle: the reference never asks too early, so that what the node would
// do then cannot matter.
func TestEarlyPolicyIsIdle(t *testing.T) {
	want := explore(t, DefaultConfig())
	for _, early := range []node.EarlyRequest{node.EarlyHold, node.EarlyDrop, node.EarlyClose, node.EarlyHang} {
		got := explore(t, with(func(c *Config) { c.EarlyRequest = early }))
		assert.Equal(t, check.Held, got.Verdict, early)
		assert.Equal(t, want.Distinct, got.Distinct, early)
		assert.Equal(t, want.Generated, got.Generated, early)
	}
}

// TestCountsDoNotDependOnWorkers: the model is a function, whoever asks it.
func TestCountsDoNotDependOnWorkers(t *testing.T) {
	for _, workers := range []int{1, 3} {
		result, err := Run(context.Background(), DefaultConfig(), check.Options{Workers: workers})
		require.NoError(t, err)
		want := explore(t, DefaultConfig())
		assert.Equal(t, want.Distinct, result.Distinct)
		assert.Equal(t, want.Generated, result.Generated)
		assert.Equal(t, want.Depth, result.Depth)
	}
}

func TestConfigIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"negative":        func(c *Config) { c.Crashes = -1 },
		"too many":        func(c *Config) { c.Requests = limit + 1 },
		"no connection":   func(c *Config) { c.Connections = 0 },
		"three pairs":     func(c *Config) { c.Pairs = 3 },
		"obligations":     func(c *Config) { c.Requests, c.Crashes = 8, 8 },
		"a century":       func(c *Config) { c.Deadline = never },
		"before the past": func(c *Config) { c.Deadline = -time.Second },
		"no policy":       func(c *Config) { c.EarlyRequest = node.EarlyHang + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Run(context.Background(), with(change), check.Options{})
			require.ErrorIs(t, err, ErrConfig)
			t.Log(err)
		})
	}
	for _, cfg := range []Config{DefaultConfig(), LargeConfig()} {
		require.NoError(t, cfg.Validate())
	}
}

// TestInterrupted: a limit makes the answer inconclusive, not wrong.
func TestInterrupted(t *testing.T) {
	result, err := Run(context.Background(), DefaultConfig(), check.Options{MaxStates: 1000})
	require.NoError(t, err)
	assert.Equal(t, check.Inconclusive, result.Verdict)
	assert.False(t, result.Complete)
}
