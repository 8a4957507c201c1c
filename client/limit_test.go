// Limits: what each refuses, and that it says which one it was.

package client

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// A request that is too large can never succeed: it is no overload, on which callers try
// again, and it needs no server to say so.
func TestLargeRequestsAreBadArguments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := startCluster(t)
		cfg := cluster.config()
		cluster.stop()
		cfg.Tables, cfg.MaxRequestBytes = nil, 1000
		c, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		begin := time.Now()
		err = c.Table("temp").Put(t.Context(), hashKey, sortKey, make([]byte, 1001), 0)
		require.ErrorIs(t, err, ErrBadArgument)
		require.NotErrorIs(t, err, ErrOverloaded)
		require.ErrorContains(t, err, "Config.MaxRequestBytes allows 1000")
		require.Zero(t, time.Since(begin))
		require.NoError(t, c.Close())
	})
}

// requireLimit: the error names the limit.
func requireLimit(t *testing.T, err error, field string, most int) {
	t.Helper()
	require.ErrorIs(t, err, ErrOverloaded)
	require.NotErrorIs(t, err, ErrUnknownOutcome)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, field, limit.Field)
	require.Equal(t, most, limit.Max)
	require.ErrorContains(t, err, limit.Limit)
}

func TestOverloadNamesItsLimit(t *testing.T) {
	change := func(cfg *Config) { cfg.MaxOperations, cfg.MaxTables, cfg.Tables = 2, 1, []string{"temp"} }
	onCluster(t, change, func(t *testing.T, cluster *testCluster, c *Client) {
		requireLimit(t, c.OpenTable(t.Context(), "another"), "MaxTables", 1)
		cluster.with(func() { cluster.mute = true })
		for range 2 {
			go c.Table("temp").Get(t.Context(), hashKey, sortKey)
		}
		synctest.Wait()
		_, err := c.Table("temp").Get(t.Context(), hashKey, sortKey)
		requireLimit(t, err, "MaxOperations", 2)
	})
}

func TestServersBeyondTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := startCluster(t)
		defer cluster.stop()
		cfg := cluster.config()
		cfg.MaxSessions = 3 // two metas and one of three replica servers
		c, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		limited := 0
		for i := range 16 {
			if _, err := c.Table("temp").Get(t.Context(), fmt.Appendf(nil, "%d", i), nil); err != nil && !errors.Is(err, ErrNotFound) {
				requireLimit(t, err, "MaxSessions", 3)
				limited++
			}
		}
		require.Positive(t, limited)
		require.NoError(t, c.Close())
	})
}

// Calls that are outstanding hold no more than MaxOutstandingBytes, and give back what they
// held however they end.
func TestOutstandingBytesAreLimited(t *testing.T) {
	change := func(cfg *Config) { cfg.MaxRequestBytes, cfg.MaxOutstandingBytes = 1000, 1500 }
	onCluster(t, change, func(t *testing.T, cluster *testCluster, c *Client) {
		table, value := c.Table("temp"), make([]byte, 900)
		cluster.with(func() { cluster.mute = true })
		for range 3 {
			ended := make(chan error, 1)
			go func() { ended <- table.Put(t.Context(), hashKey, sortKey, value, 0) }()
			synctest.Wait()
			requireLimit(t, table.Put(t.Context(), hashKey, sortKey, value, 0), "MaxOutstandingBytes", 1500)
			require.ErrorIs(t, <-ended, ErrUnknownOutcome)
		}
		require.Zero(t, c.driver.bodies.Load())
		cluster.with(func() { cluster.mute = false })
		require.NoError(t, table.Put(t.Context(), hashKey, sortKey, value, 0))
		require.Zero(t, c.driver.bodies.Load())
	})
}

// What is left until a time that has passed is no wish to live for ever.
func TestNegativeTimeToLiveIsRefused(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		table := c.Table("temp")
		for _, ttl := range []time.Duration{-2, -time.Second, -time.Hour} {
			require.ErrorIs(t, table.Put(t.Context(), hashKey, sortKey, nil, ttl), ErrBadArgument, "%v", ttl)
		}
		require.Empty(t, cluster.rows)
		for _, ttl := range []time.Duration{0, Forever} {
			require.NoError(t, table.Put(t.Context(), hashKey, sortKey, nil, ttl))
			left, err := table.TTL(t.Context(), hashKey, sortKey)
			require.NoError(t, err)
			require.Equal(t, Forever, left)
		}
	})
}

// Which statuses of the storage are worth trying again, and which of a write leave it open
// whether it has happened.
func TestStorageThatIsBusy(t *testing.T) {
	table := &Table{name: "temp"}
	for status, want := range map[protocol.StorageStatus]struct{ busy, unknown bool }{
		protocol.StatusBusy:               {busy: true},
		protocol.StatusTryAgain:           {busy: true},
		protocol.StatusShutdownInProgress: {busy: true},
		protocol.StatusNotSupported:       {},
		protocol.StatusIOError:            {unknown: true},
	} {
		err := table.judge("put", status, nil, true)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, want.busy, e.Is(ErrBusy), "%v", status)
		require.Equal(t, want.unknown, e.Is(ErrUnknownOutcome), "%v", status)
		require.NotEqual(t, session.OutcomeOK, e.Outcome)
	}
}

// What cannot work is named by the field that has to be changed.
func TestNumbersThatCannotWork(t *testing.T) {
	metas := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("127.0.0.1:%d", 34601+i))
		}
		return all
	}
	for field, changes := range map[string][]func(*Config){
		"Metas":              {func(c *Config) { c.Metas = metas(17) }, func(c *Config) { c.Metas = []string{"127.0.0.1:0"} }, func(c *Config) { c.Metas = []string{"0.0.0.0:34601"} }},
		"DialTimeout":        {func(c *Config) { c.DialTimeout = -1 }},
		"NegotiationTimeout": {func(c *Config) { c.NegotiationTimeout = -1 }},
		"MetaTimeout":        {func(c *Config) { c.MetaTimeout = -1 }},
		"SilenceTimeout":     {func(c *Config) { c.SilenceTimeout = -1 }},
		"MaxOperations":      {func(c *Config) { c.MaxOperations = 1<<24 + 1 }},
		"MaxTables":          {func(c *Config) { c.MaxTables = -1 }},
		"MaxSessions":        {func(c *Config) { c.MaxSessions = -1 }, func(c *Config) { c.MaxSessions = 1 }},
		"MaxRequestBytes":    {func(c *Config) { c.MaxRequestBytes = -1 }, func(c *Config) { c.MaxRequestBytes = 1<<30 + 1 }},
		"MaxOutstandingBytes": {
			func(c *Config) { c.MaxOutstandingBytes = -1 },
			func(c *Config) { c.MaxOutstandingBytes, c.MaxRequestBytes = 1000, 1001 },
		},
	} {
		for _, change := range changes {
			cfg := Config{Metas: metas(1), Auth: AuthOff}
			change(&cfg)
			_, err := Open(t.Context(), cfg)
			var e *ConfigError
			require.ErrorAs(t, err, &e, field)
			require.Equal(t, field, e.Field, "%v", err)
		}
	}
	c, err := Open(t.Context(), Config{Metas: metas(16), Auth: AuthOff})
	require.NoError(t, err)
	require.NoError(t, c.Close())
}
