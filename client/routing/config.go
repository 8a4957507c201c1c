// What the whole client is told once: metas, sessions, limits and intervals.

package routing

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
)

// Config is the configuration of a client. New replaces a zero number or duration by
// DefaultConfig's.
type Config struct {
	Metas   []netip.AddrPort // at least one; more are learned from redirects
	Session session.Config   // of every session; Owner, LastConn and LastTimer are set by the core

	// KeepReady: sessions that serve a table, and the one to the leader among the metas,
	// connect without waiting for a request, and again after a loss. Without it they
	// connect when a request needs them.
	KeepReady bool

	MetaTimeout     time.Duration // for one meta to answer one query
	RefreshInterval time.Duration // least time between the beginnings of two queries for one table
	RetryBase       time.Duration // interval before the first retry of an operation, or of a round of metas; doubles. The time waited is drawn from its second half
	RetryCap        time.Duration // most of it between tries of an operation; well below operations' time-outs
	RoundCap        time.Duration // most of it between rounds of metas

	MaxMetas      int // configured and learned; at most 64
	MaxTables     int
	MaxPartitions int // of one table
	MaxSessions   int // metas included
	MaxOps        int // outstanding operations
}

// DefaultConfig returns the defaults, without metas.
func DefaultConfig() Config {
	return Config{
		Session:         session.DefaultConfig(),
		KeepReady:       true,
		MetaTimeout:     time.Second,
		RefreshInterval: 500 * time.Millisecond,
		RetryBase:       20 * time.Millisecond,
		RetryCap:        250 * time.Millisecond,
		RoundCap:        time.Second,
		MaxMetas:        16,
		MaxTables:       64,
		MaxPartitions:   4096,
		MaxSessions:     256,
		MaxOps:          16384,
	}
}

// Errors of Validate, for errors.Is; so are those of session.Config.Validate.
var (
	ErrNoMetas     = errors.New("no meta server is configured")
	ErrBadMeta     = errors.New("a meta server's address is not one that can be dialled")
	ErrBadInterval = errors.New("a timeout or interval is negative, or RetryBase exceeds RetryCap or RoundCap")
	ErrBadLimit    = errors.New("a limit is negative, above its maximum, or below the number of metas")
)

// most keeps indexes and identities within their fields.
const most = 1 << 24

// Validate says what is wrong with the configuration, if anything.
func (c Config) Validate() error {
	if len(c.Metas) == 0 {
		return ErrNoMetas
	}
	for _, m := range c.Metas {
		if !dialable(m) {
			return fmt.Errorf("%w: %v", ErrBadMeta, m)
		}
	}
	if err := c.Session.Validate(); err != nil {
		return err
	}
	for _, d := range [...]time.Duration{c.MetaTimeout, c.RefreshInterval, c.RetryBase, c.RetryCap, c.RoundCap} {
		if d < 0 {
			return ErrBadInterval
		}
	}
	c = c.withDefaults()
	if c.RetryBase > c.RetryCap || c.RetryBase > c.RoundCap {
		return ErrBadInterval
	}
	if c.MaxMetas > maxMetas || len(c.Metas) > c.MaxMetas || c.MaxSessions < len(c.Metas)+1 {
		return ErrBadLimit
	}
	for _, n := range [...]int{c.MaxMetas, c.MaxTables, c.MaxPartitions, c.MaxSessions, c.MaxOps} {
		if n < 1 || n > most {
			return ErrBadLimit
		}
	}
	return nil
}

// dialable says that a is an address that a server can have.
func dialable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast()
}

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	for _, f := range [...]struct{ have, want *time.Duration }{
		{&c.MetaTimeout, &d.MetaTimeout},
		{&c.RefreshInterval, &d.RefreshInterval},
		{&c.RetryBase, &d.RetryBase},
		{&c.RetryCap, &d.RetryCap},
		{&c.RoundCap, &d.RoundCap},
	} {
		if *f.have == 0 {
			*f.have = *f.want
		}
	}
	for _, f := range [...]struct{ have, want *int }{
		{&c.MaxMetas, &d.MaxMetas},
		{&c.MaxTables, &d.MaxTables},
		{&c.MaxPartitions, &d.MaxPartitions},
		{&c.MaxSessions, &d.MaxSessions},
		{&c.MaxOps, &d.MaxOps},
	} {
		if *f.have == 0 {
			*f.have = *f.want
		}
	}
	return c
}
