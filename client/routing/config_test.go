package routing

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
)

func TestConfigValidate(t *testing.T) {
	require.NoError(t, testConfig().Validate())
	for name, test := range map[string]struct {
		change func(*Config)
		want   error
	}{
		"no metas":               {func(c *Config) { c.Metas = nil }, ErrNoMetas},
		"meta without port":      {func(c *Config) { c.Metas[0] = netip.AddrPortFrom(c.Metas[0].Addr(), 0) }, ErrBadMeta},
		"meta unspecified":       {func(c *Config) { c.Metas[0] = netip.MustParseAddrPort("0.0.0.0:34601") }, ErrBadMeta},
		"negative timeout":       {func(c *Config) { c.MetaTimeout = -1 }, ErrBadInterval},
		"base above cap":         {func(c *Config) { c.RetryBase = time.Hour }, ErrBadInterval},
		"more metas than fit":    {func(c *Config) { c.MaxMetas = 65 }, ErrBadLimit},
		"fewer than configured":  {func(c *Config) { c.MaxMetas = 1 }, ErrBadLimit},
		"no session for a table": {func(c *Config) { c.MaxSessions = 2 }, ErrBadLimit},
		"negative limit":         {func(c *Config) { c.MaxOps = -1 }, ErrBadLimit},
		"session's mechanism":    {func(c *Config) { c.Session.Auth = session.AuthRequired }, session.ErrNoMechanism},
		"session's backoff":      {func(c *Config) { c.Session.BackoffBase = time.Hour }, session.ErrBadTimeouts},
		"session's header":       {func(c *Config) { c.Session.HeaderVersion = 2 }, session.ErrHeaderVersion},
		"session's limits":       {func(c *Config) { c.Session.MaxPending = -1 }, session.ErrBadLimits},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig()
			test.change(&cfg)
			require.ErrorIs(t, cfg.Validate(), test.want)
		})
	}
}

// What is set stays, what is zero becomes the default.
func TestZeroFieldsBecomeDefaults(t *testing.T) {
	want := DefaultConfig()
	want.Session, want.KeepReady = session.Config{}, false // a session fills in its own
	require.Equal(t, want, Config{}.withDefaults())
	set := Config{
		Metas: []netip.AddrPort{addr("a")}, MetaTimeout: 1, RefreshInterval: 2, RetryBase: 3, RetryCap: 4, RoundCap: 5,
		MaxMetas: 6, MaxTables: 7, MaxPartitions: 8, MaxSessions: 9, MaxOps: 10,
	}
	require.Equal(t, set, set.withDefaults())
}

// A meta that is configured twice is one.
func TestMetasAreToldApart(t *testing.T) {
	cfg := testConfig()
	cfg.Metas = []netip.AddrPort{addr("a"), addr("a"), addr("b"), addr("a")}
	require.Equal(t, []netip.AddrPort{addr("a"), addr("b")}, slices.Collect(New(cfg).Metas()))
}
