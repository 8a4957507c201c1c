// A client as a whole: opened, looked at, drained, closed.

package client

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/protocol"
)

// Client is a connection to one cluster. Its methods may be called by any number of
// goroutines.
type Client struct {
	cfg       Config
	warnings  []string // of the configuration
	unobserve func()   // the credentials
	driver    *driver
	calls     sync.Pool // of *call
}

// Open starts a client and opens the configured tables. Without any, it does not wait for
// a server. It fails with a *ConfigError, with the error of looking up a meta server, or
// with the *Error of a table; then nothing is left behind.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.OpenTimeout)
		defer cancel()
	}
	metas, names, err := cfg.resolve(ctx)
	if err != nil {
		return nil, err
	}
	if err := cfg.routing(metas).Validate(); err != nil {
		return nil, &ConfigError{Field: "Config", Why: "cannot work: " + err.Error(), Err: err}
	}
	c := &Client{cfg: cfg, warnings: cfg.warnings()}
	c.cfg.warn(c.warnings)
	c.unobserve = func() {}
	if cfg.OnCredential != nil {
		c.unobserve = cfg.Credentials.Observe(cfg.OnCredential)
	}
	c.calls.New = func() any { return &call{done: make(chan struct{}, 1)} }
	c.driver = newDriver(&c.cfg, metas, names)
	go c.driver.run()
	for _, table := range cfg.Tables {
		if err := c.OpenTable(ctx, table); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Table is one table. It is resolved by its first use, or by OpenTable.
func (c *Client) Table(name string) *Table { return &Table{client: c, name: name} }

// OpenTable waits until the table's partitions are known.
func (c *Client) OpenTable(ctx context.Context, name string) error {
	k := c.call(name, protocol.RPCUnknown)
	defer c.recycle(k)
	return c.do(ctx, "open", k)
}

// Close ends every session and waits until everything of the client has ended. Calls that
// are outstanding fail with ErrClosed, as ErrUnknownOutcome where that is so. A mechanism
// or Dial function that blocks delays it. Only the first call does anything; every call
// returns nil.
func (c *Client) Close() error {
	c.driver.inbox.put(item{event: routing.Event{Kind: routing.EventClose}})
	<-c.driver.ended
	c.driver.tasks.Wait()
	c.unobserve()
	return nil
}

// Drain accepts no further call, waits until those outstanding have ended, and closes the
// client: what to do before maintenance. It fails with the context's error if that ends
// first; the client is closed then too.
func (c *Client) Drain(ctx context.Context) error {
	c.driver.inbox.put(item{event: routing.Event{Kind: routing.EventDrain}})
	select {
	case <-c.driver.ended:
		return c.Close()
	case <-ctx.Done():
		return fmt.Errorf("drain client: %w", errors.Join(ctx.Err(), c.Close()))
	}
}

// Health is how a client is at one moment.
type Health struct {
	Ready       bool // every session that is held ready is, and there is one
	Closed      bool
	Outstanding int // calls
	Leader      netip.AddrPort
	Sessions    []SessionHealth
	Routing     routing.Stats
	Credentials *CredentialHealth // nil: none were given
	Warnings    []string          // of the configuration, as logged by Open
	// InternalErrors counts bugs that were recovered, panics of the application's own
	// functions among them, each logged with its stack: an alarm, and no verdict on any
	// server or credential. It only grows.
	InternalErrors uint64
}

// SessionHealth is how one session is.
type SessionHealth = routing.SessionView

// Health looks at sessions and credentials. It does not ask any server or KDC.
func (c *Client) Health() Health {
	h := c.sessionHealth()
	h.Warnings = slices.Clone(c.warnings)
	if c.cfg.Credentials != nil {
		credentials := c.cfg.Credentials.Health()
		h.Credentials = &credentials
	}
	return h
}

func (c *Client) sessionHealth() Health {
	answer := make(chan Health, 1)
	ask := func(d *driver) { answer <- d.health() }
	if !c.driver.inbox.put(item{ask: ask}) {
		<-c.driver.ended
		return c.driver.health()
	}
	return <-answer
}

func (d *driver) health() Health {
	h := Health{Closed: d.core.Closed(), Outstanding: d.core.PendingOps(), Leader: d.core.Leader(), Routing: d.core.Stats(), InternalErrors: d.bugs.count.Load()}
	kept, ready := 0, 0
	for s := range d.core.Sessions() {
		h.Sessions = append(h.Sessions, s)
		if s.Kept {
			kept++
			if s.State == StateReady {
				ready++
			}
		}
	}
	h.Ready = kept > 0 && kept == ready
	return h
}
