// What the judge makes of clients' own words: what a client of upstream's says that it does,
// and what one owes that its application has closed.

package sim

import (
	"fmt"
	"time"
)

// closing: an application closes its client, which refuses whatever it is asked from now on.
func (j *judge) closing(client int) { j.loads[client].closed = true }

// closedClient: an application has closed its client, which has nothing to reach any more.
func (j *judge) closedClient(now time.Time, client int) {
	for _, op := range j.ops.all {
		if op.client == client && op.returned.IsZero() && !op.abandoned {
			j.violate(now, PropertyCompleteOnce, fmt.Sprintf("operation %d of %s was not completed when its client was closed", op.id, clientName(client)))
		}
	}
	for _, p := range j.order {
		if p.client == client {
			p.attempting, p.failed, p.wanting = time.Time{}, false, time.Time{}
		}
	}
	j.queries[client] = time.Time{}
}

// believes: a client of upstream's takes a negotiation on c for successful.
func (j *judge) believes(now time.Time, client int, node string, c *connection) {
	if c != nil && !c.granted {
		j.violate(now, PropertyNoDowngrade, fmt.Sprintf("%s holds c%d to %s for authenticated, which the server never granted", clientName(client), c.id, node))
	}
}

// stranded: a client of upstream's has a request for a node, and does not dial.
func (j *judge) stranded(now time.Time, client int, node string) {
	j.violate(now, PropertyConvergenceBound, fmt.Sprintf("%s has a request that waits for a connection to %s, and makes none", clientName(client), node))
}

// outlived: a client closes c because nothing has come back for so long.
func (j *judge) outlived(now time.Time, client int, c *connection, since time.Duration) {
	if c != nil && !c.upAt.IsZero() && now.Add(-since).Before(c.upAt) {
		j.violate(now, PropertyFreshSession, fmt.Sprintf("%s closed c%d to %s for a time-out %v before it was up", clientName(client), c.id, c.node, c.upAt.Sub(now.Add(-since)).Round(time.Millisecond)))
	}
}
