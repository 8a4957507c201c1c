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

// demanding says whether everything is demanded in a world: the client is the reference,
// the node offers what it requires, and it takes no minutes. TestServerCures and
// TestNoDowngrade judge the others.
func demanding(w *World) bool { return !w.Nightly && !w.Bounds.Hasty && !w.Bounds.NoAuth }

func TestReferenceHolds(t *testing.T) {
	for _, w := range Worlds() {
		if !demanding(&w) {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			m, err := New(w.Bounds)
			require.NoError(t, err)
			stated := slices.ContainsFunc(m.Properties(), func(p check.Property[*State]) bool { return p.Name == "requests-drain" })
			require.Equal(t, w.Bounds.Deadline == 0, stated)
			result := explore(t, w.Bounds)
			report(t, result)
			assert.Equal(t, check.Held, result.Verdict)
			assert.Contains(t, documented(t), row(&w, result), "a count has changed: go test ./sim/exhaustive -run TestDocument -update")
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
