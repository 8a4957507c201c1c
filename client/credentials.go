// Credentials: what a mechanism presents, fetched and renewed outside of the core, so that
// a negotiation may have to wait for it, and a client without a KDC lives on what it has.

package client

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// Credentials keep tickets for servers. *kerberos.Credentials implements it.
type Credentials interface {
	// Await waits until there is a ticket for the server that Mechanism knows as host, or
	// until it is known that there will be none in time.
	Await(ctx context.Context, host string) error
	// Negotiated tells how a negotiation ended for which that ticket was presented.
	Negotiated(host string, accepted bool)
	// Observe has f called when a ticket's state changes, until stop is called.
	Observe(f func(ticket.Change)) (stop func())
	// Health says how the tickets are now.
	Health() ticket.Health
}

// Words of package ticket under the names of this one.
type (
	// CredentialChange is one change of one ticket's state.
	CredentialChange = ticket.Change
	// CredentialHealth is how the tickets are.
	CredentialHealth = ticket.Health
)

// observer tells OnCredential how each ticket is, and then every change, one at a time.
type observer struct {
	tell  func(CredentialChange)
	mu    sync.Mutex
	begun bool
	held  []CredentialChange // that came before begun
}

// observe begins to tell OnCredential, and returns what ends that.
func (d *driver) observe() (stop func()) {
	if d.cfg.OnCredential == nil {
		return func() {}
	}
	o := &observer{tell: func(c CredentialChange) { d.guarded("OnCredential", func() { d.cfg.OnCredential(c) }) }}
	stop = sync.OnceFunc(d.cfg.Credentials.Observe(o.changed))
	o.begin(d.cfg.Credentials.Health())
	return stop
}

func (o *observer) changed(c CredentialChange) {
	o.mu.Lock()
	if !o.begun {
		o.held = append(o.held, c)
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	o.tell(c)
}

// begin tells how the tickets are, and what has changed meanwhile, some of it for the second
// time.
func (o *observer) begin(h CredentialHealth) {
	for _, t := range h.Tickets {
		o.tell(CredentialChange{Name: t.Name, State: t.State, Until: t.Until, Failure: t.Failure, Err: t.Err})
	}
	for more := true; more; {
		o.mu.Lock()
		held := o.held
		o.held = nil
		more = len(held) > 0
		o.begun = !more
		o.mu.Unlock()
		for _, c := range held {
			o.tell(c)
		}
	}
}

// awaitCredential waits for the ticket of c's server until the negotiation's deadline, or
// until the connection is given up.
func (c *connection) awaitCredential(host string) error {
	credentials := c.driver.cfg.Credentials
	if credentials == nil {
		return nil
	}
	ctx, cancel := context.WithDeadline(c.ctx, c.up.Add(c.driver.cfg.NegotiationTimeout))
	defer cancel()
	if err := credentials.Await(ctx, host); err != nil {
		return &credentialError{host: host, err: err}
	}
	return nil
}

// credentialError says that a negotiation had nothing to present. The credentials have
// logged why; one line for each attempt to connect would only repeat it.
type credentialError struct {
	host string
	err  error
}

func (e *credentialError) Error() string {
	return fmt.Sprintf("no credential for server %s: %v", e.host, e.err)
}

func (e *credentialError) Unwrap() error { return e.err }

// negotiated tells the credentials what became of what c presented, once.
func (c *connection) negotiated(accepted bool) {
	if !c.presented || c.driver.cfg.Credentials == nil {
		return
	}
	c.presented = false
	c.driver.guarded("Credentials", func() { c.driver.cfg.Credentials.Negotiated(c.driver.serverName(c.addr), accepted) })
}

// warnings are what is wrong with a configuration that can nevertheless work.
func (c *Config) warnings() (all []string) {
	if c.Auth != AuthOff && c.ServerNegotiationTimeout > 0 && c.NegotiationTimeout >= c.ServerNegotiationTimeout {
		all = append(all, fmt.Sprintf("NegotiationTimeout is %v and ServerNegotiationTimeout %v: the client's has to be below the server's, "+
			"or the server gives up first and the client waits for nothing: lower Config.NegotiationTimeout, or raise the servers' negotiation timeout "+
			"(reference server: Limits.NegotiationTimeout) and say so in Config.ServerNegotiationTimeout", c.NegotiationTimeout, c.ServerNegotiationTimeout))
	}
	return all
}

// warn logs them.
func (c *Config) warn(all []string) {
	for _, w := range all {
		c.Logger.Warn("pegasus client configuration", slog.String("warning", w))
	}
}
