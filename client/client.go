// A client as a whole: opened, looked at, drained, closed.

package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// Client is a connection to one cluster. Its methods may be called by any number of
// goroutines.
type Client struct {
	cfg       Config
	warnings  []string // of the configuration
	unobserve func()   // the credentials, once
	driver    *driver
	calls     sync.Pool // of *call
}

// Open starts a client and opens the configured tables. Without any, it does not wait for
// a server. It fails with a *ConfigError, with the error of looking up a meta server, or
// with the *Error of a table, in an *OpenError where no server has decided; then nothing is
// left behind.
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
	if err := cfg.validateMetas(metas); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, warnings: cfg.warnings()}
	c.cfg.warn(c.warnings)
	c.calls.New = func() any { return &call{done: make(chan struct{}, 1)} }
	c.driver = newDriver(&c.cfg, metas, names)
	c.unobserve = c.driver.observe()
	go c.driver.run()
	for _, table := range cfg.Tables {
		if err := c.OpenTable(ctx, table); err != nil {
			return nil, errors.Join(c.whyNotOpen(err), c.Close())
		}
	}
	return c, nil
}

// whyNotOpen adds to the error of a table how the client is, where no server has decided.
func (c *Client) whyNotOpen(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Reason == session.ReasonNone {
		return err
	}
	return &OpenError{Health: c.Health(), Err: err}
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
