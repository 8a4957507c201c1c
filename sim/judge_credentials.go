// What trouble with credentials may cost, and what it may not: a session with a live
// connection is served on whatever becomes of tickets, keys, clocks and the KDC; who has no
// ticket comes in once there is one again; the KDC is not asked without end.

package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// ticketKey is one client's ticket for one name.
type ticketKey struct {
	client int
	name   ticket.Name
}

// fetched: a client asks the KDC. Attempts at one ticket keep their distance, so a client
// asks as often as that allows for all its tickets at most.
func (j *judge) fetched(now time.Time, client int) {
	recent := slices.DeleteFunc(j.fetches[client], func(t time.Time) bool { return now.Sub(t) >= time.Second })
	j.fetches[client] = append(recent, now)
	most := (1 + int(time.Second/ticketConfig().BackoffBase)) * (1 + j.scenario.Metas + j.scenario.Replicas)
	if n := len(j.fetches[client]); n > most {
		j.violate(now, PropertyBounded, fmt.Sprintf("%s asked the KDC %d times within a second; at most %d are due", clientName(client), n, most))
	}
}

// ticketChanged: what a client has of a ticket. troubled keeps until when, last, there was
// none to be had.
func (j *judge) ticketChanged(now time.Time, client int, e *ticket.Effect) {
	key := ticketKey{client, e.Name}
	switch {
	case e.State == ticket.StateExpired, e.Failure.Kind != ticket.FailureNone: // also where one is there that may be no good
		j.troubled[key] = time.Time{}
	case e.State == ticket.StateValid:
		if over, was := j.troubled[key]; was && over.IsZero() {
			j.troubled[key] = now
		}
	}
}

// ticketIsOld: a node has another key than a client's ticket was made with. A server that says
// so by silence costs the client a negotiation's deadline each time, until it has another.
func (j *judge) ticketIsOld(client int, node string) {
	j.troubled[ticketKey{client, ticket.Name{Service: kerberosService, Host: node}}] = time.Time{}
}

// lacksTicket: an operation may have failed for want of a ticket. That excuse does not last
// for ever: a credential bound after the faults there is a ticket again.
func (j *judge) lacksTicket(op *operation) bool {
	if j.scenario.Auth != AuthKerberos || op.invoked.After(j.faultsOver.Add(j.scenario.credentialBound())) {
		return false
	}
	for _, name := range []ticket.Name{{}, {Service: kerberosService, Host: op.node}} {
		if over, was := j.troubled[ticketKey{op.client, name}]; was && (over.IsZero() || op.invoked.Before(over.Add(j.scenario.reconnectBound()))) {
			return true
		}
	}
	return false
}

// hasNoTicket: a new connection of the operation's client to its node would have no ticket.
func (j *judge) hasNoTicket(op *operation) bool {
	over, was := j.troubled[ticketKey{op.client, ticket.Name{Service: kerberosService, Host: op.node}}]
	return was && over.IsZero()
}

// credentialBound is how long after the last fault a client may be without a ticket: an
// attempt that began in vain, and the longest rest after it.
func (s *Scenario) credentialBound() time.Duration {
	cfg := ticketConfig()
	return cfg.FetchLimit + cfg.RefusedCap + cfg.BackoffBase + s.reconnectBound()
}
