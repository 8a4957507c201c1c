// How a client is: its sessions, its credentials, and what they say about a failure.

package client

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
)

// Health is how a client is at one moment.
type Health struct {
	Ready       bool // every session that is held ready is, and there is one
	Closed      bool
	Outstanding int            // calls
	Leader      netip.AddrPort // the meta that is asked first where the sessions of several are alike: the one that answered last or that a redirect named, before that the first of Config.Metas
	Sessions    []SessionHealth
	Routing     routing.Stats
	Credentials *CredentialHealth // nil: none were given
	Warnings    []string          // of the configuration, as logged by Open
	// InternalErrors counts bugs that were recovered, panics of the application's own
	// functions among them, each logged with its stack: an alarm, and no verdict on any
	// server or credential. It only grows.
	InternalErrors uint64
}

// SessionHealth is how one session is. Its Reason is why its last connection ended, or its
// last attempt to get one.
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

// Hint is what to look at first where calls fail: bugs, tickets, negotiations, addresses, in
// this order. It is empty where nothing of this speaks of a failure.
func (h Health) Hint() string {
	var connected, refused, downgraded bool
	for i := range h.Sessions {
		s := &h.Sessions[i]
		connected = connected || s.Stats.Connections > 0
		refused = refused || s.Stats.NegotiationsFailed > 0
		downgraded = downgraded || s.Reason == session.ReasonDowngrade && s.State != StateReady
	}
	ticket := h.missingTicket()
	switch {
	case h.InternalErrors > 0:
		return "a bug of this client was recovered, which says nothing of the servers or of anybody's credentials: please report it with the stack in this client's log"
	case ticket != "":
		return ticket
	case downgraded:
		return "a server has no authentication, or not this client's mechanism, and AuthRequired does without neither: see the servers' configuration, or Config.Auth and Config.Mechanism"
	case refused:
		return "negotiations failed: the server's log says why (principal, service and host names, key version, clocks), and this client's log at debug level"
	case !connected:
		return "no server could be reached: check the addresses, and whether the servers listen there"
	}
	return ""
}

// missingTicket says of the first ticket that could not be had why that is.
func (h Health) missingTicket() string {
	if h.Credentials == nil {
		return ""
	}
	for _, t := range h.Credentials.Tickets {
		if t.Handle == 0 && t.Err != nil {
			return fmt.Sprintf("there is no ticket for %v, so that nothing could be presented: %v", t.Name, t.Err)
		}
	}
	return ""
}

// OpenError says why a client could not be opened, and how it was when it gave up, since it
// is closed by then. errors.As finds the *Error of the table in it.
type OpenError struct {
	Health Health
	Err    error
}

// sessionsTold is how many sessions the text of an OpenError has room for.
const sessionsTold = 4

// Error implements error.
func (e *OpenError) Error() string {
	var b strings.Builder
	b.WriteString(e.Err.Error())
	if hint := e.Health.Hint(); hint != "" {
		b.WriteString("; " + hint)
	}
	for i, s := range e.Health.Sessions {
		if i == sessionsTold {
			fmt.Fprintf(&b, "; and %d more", len(e.Health.Sessions)-i)
			break
		}
		role := "replica server"
		if s.Meta {
			role = "meta server"
		}
		fmt.Fprintf(&b, "; %s %v: %v, dialed %d, ready %d, negotiations failed %d", role, s.Addr, s.State, s.Stats.Dials, s.Stats.Connections, s.Stats.NegotiationsFailed)
		if s.Reason != session.ReasonNone {
			fmt.Fprintf(&b, ", the last connection: %v", s.Reason)
		}
	}
	return b.String()
}

// Unwrap returns why opening failed.
func (e *OpenError) Unwrap() error { return e.Err }
