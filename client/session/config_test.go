package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConfigValidate(t *testing.T) {
	require.NoError(t, testConfig().Validate())
	for name, test := range map[string]struct {
		change func(*Config)
		want   error
	}{
		"no mechanism":            {func(c *Config) { c.Mechanism = "" }, ErrNoMechanism},
		"none, as preferred":      {func(c *Config) { c.Auth, c.Mechanism = AuthPreferred, "" }, ErrNoMechanism},
		"none, and none wanted":   {func(c *Config) { c.Auth, c.Mechanism = AuthOff, "" }, nil},
		"negative dial time-out":  {func(c *Config) { c.DialTimeout = -1 }, ErrBadTimeouts},
		"negative negotiation":    {func(c *Config) { c.NegotiationTimeout = -1 }, ErrBadTimeouts},
		"negative silence":        {func(c *Config) { c.Silence = -1 }, ErrBadTimeouts},
		"negative base":           {func(c *Config) { c.BackoffBase = -1 }, ErrBadTimeouts},
		"negative cap":            {func(c *Config) { c.BackoffCap = -1 }, ErrBadTimeouts},
		"base at the cap":         {func(c *Config) { c.BackoffBase = c.BackoffCap }, nil},
		"base above the cap":      {func(c *Config) { c.BackoffBase = c.BackoffCap + 1 }, ErrBadTimeouts},
		"base above the default":  {func(c *Config) { c.BackoffBase, c.BackoffCap = time.Hour, 0 }, ErrBadTimeouts},
		"negative waiting":        {func(c *Config) { c.MaxWaiting = -1 }, ErrBadLimits},
		"negative pending":        {func(c *Config) { c.MaxPending = -1 }, ErrBadLimits},
		"negative challenges":     {func(c *Config) { c.MaxChallenges = -1 }, ErrBadLimits},
		"negative request":        {func(c *Config) { c.MaxRequestBytes = -1 }, ErrBadLimits},
		"most pending":            {func(c *Config) { c.MaxPending = 1 << 24 }, nil},
		"more pending than that":  {func(c *Config) { c.MaxPending = 1<<24 + 1 }, ErrBadLimits},
		"header version 0":        {func(c *Config) { c.HeaderVersion = 0 }, nil},
		"header version too high": {func(c *Config) { c.HeaderVersion = 2 }, ErrHeaderVersion},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig()
			test.change(&cfg)
			require.ErrorIs(t, cfg.Validate(), test.want)
		})
	}
}

// What is set stays, what is zero becomes the default; a header version of 0 is one.
func TestZeroFieldsBecomeDefaults(t *testing.T) {
	want := DefaultConfig()
	want.HeaderVersion = 0
	require.Equal(t, want, Config{}.WithDefaults())
	set := Config{
		Owner: 1, LastConn: 2, LastTimer: 3, Auth: AuthPreferred, Mechanism: testMechanism, HeaderVersion: 1,
		DialTimeout: 4, NegotiationTimeout: 5, Silence: 6, BackoffBase: 7, BackoffCap: 8,
		MaxWaiting: 9, MaxPending: 10, MaxChallenges: 11, MaxRequestBytes: 12,
	}
	require.Equal(t, set, set.WithDefaults())
}
