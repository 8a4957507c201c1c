package routing

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whoever looks at a client may stop at the first of anything.
func TestViewsCanBeLeft(t *testing.T) {
	c := busyClient(t).core
	require.Equal(t, []OpID{2, 3, 4, 5}, slices.Collect(c.Outstanding()))
	require.Equal(t, c.ops.n, c.PendingOps())
	for id := range c.Outstanding() {
		require.EqualValues(t, 2, id)
		break
	}
	for m := range c.Metas() {
		require.Equal(t, addr("a"), m)
		break
	}
	for s := range c.Sessions() {
		require.Equal(t, addr("a"), s.Addr)
		require.True(t, s.Meta)
		break
	}
}

func TestClosedIsTold(t *testing.T) {
	for _, kind := range []EventKind{EventClose, EventDrain} {
		c := New(testConfig())
		require.False(t, c.Closed())
		c.Step(epoch, Event{Kind: kind}, nil)
		require.True(t, c.Closed())
	}
}

// How long looking a table up may take is told with the effect that begins it, and is longer
// by whatever of it lasts longer.
func TestLookUpBound(t *testing.T) {
	cfg := testConfig()
	out := New(cfg).Step(epoch, Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: epoch.Add(time.Second)}}, nil)
	require.Equal(t, QueryWanted, out[0].Query)
	require.Equal(t, cfg.LookUpBound(), out[0].After)
	for name, test := range map[string]struct {
		field func(c *Config) *time.Duration
		times time.Duration
	}{
		"a query that is too recent": {func(c *Config) *time.Duration { return &c.RefreshInterval }, 1},
		"a pause":                    {func(c *Config) *time.Duration { return &c.RoundCap }, 1},
		"a session's pause":          {func(c *Config) *time.Duration { return &c.Session.BackoffCap }, 1},
		"a dial":                     {func(c *Config) *time.Duration { return &c.Session.DialTimeout }, 1},
		"a negotiation":              {func(c *Config) *time.Duration { return &c.Session.NegotiationTimeout }, 1},
		"each of two metas, and one": {func(c *Config) *time.Duration { return &c.MetaTimeout }, 3},
	} {
		longer := cfg
		*test.field(&longer) += time.Minute
		require.Equal(t, cfg.LookUpBound()+test.times*time.Minute, longer.LookUpBound(), name)
	}
}
