// The judge's measure of load: how many requests a client makes of the operations that it
// has, and how many it keeps for connections that are not ready.

package sim

import (
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// A client writes at most this to one node within a second, for each operation that runs in
// it and beside them: the reference's retries are spaced by backoff.
const (
	maxRequestsPerOperation = 20
	maxRequestsBeside       = 40
)

// pressure is what one client did in the current second of simulated time.
type pressure struct {
	second     time.Time // when it began
	running    int       // operations
	operations int       // that ran in this second
	closed     bool      // by its application, or about to be
}

// turn begins a new second where the current one is over.
func (l *pressure) turn(now time.Time) {
	if now.Sub(l.second) >= time.Second {
		l.second, l.operations = now, l.running
	}
}

// began and ended: an operation of a client.
func (j *judge) began(now time.Time, op *operation) {
	l := &j.loads[op.client]
	l.turn(now)
	l.running++
	l.operations++
	if op.pair = j.pairs[pairKey{op.client, op.node}]; j.reference {
		op.pair = j.pair(op.client, op.node)
		j.sends(now, op.pair)
	}
	if op.pair != nil {
		op.at = op.pair.conn
	}
}

func (j *judge) ended(now time.Time, op *operation) {
	j.loads[op.client].running--
	if j.reference {
		op.pair.sent(now)
		op.portless = j.waitsForPort(op)
	}
}

// dialsPerSecond is how often a client may dial one session within a second: twice as often
// as attempts that fail at once do on the average, which rest for half of the backoff's cap.
func (j *judge) dialsPerSecond() int {
	if !j.reference {
		return maxDialsPerSecond
	}
	return max(maxDialsPerSecond, int(4*time.Second/j.scenario.BackoffCap))
}

// lag is how much longer than it should an operation's time may last for a reference client
// whose clock runs slow: its deadline is of that clock.
func (j *judge) lag(op *operation) time.Duration {
	if !j.reference {
		return 0
	}
	node, slow := clientName(op.client), int64(0)
	for _, c := range j.scenario.Clocks {
		if c.Node == node {
			slow += max(0, -c.Drift)
		}
	}
	for _, f := range j.scenario.Faults {
		if f.Node == node {
			slow += max(0, -f.Rate)
		}
	}
	if slow = min(slow, world.MaxDrift); slow == 0 {
		return 0
	}
	return op.deadline.Sub(op.invoked) / time.Duration((int64(time.Second)-slow)/slow)
}

// overdue: an operation that runs should have ended long ago.
func (j *judge) overdue(now time.Time, op *operation) bool {
	return now.After(op.deadline.Add(time.Second + j.lag(op)))
}

// mayRefuse: an operation ends now that its client could not take in. One that its
// application has closed takes none; otherwise its queue must have been full, and of what it
// runs and has not been answered there must be more than its limit.
func (j *judge) mayRefuse(op *operation) bool {
	switch op.why {
	case session.ReasonClosed.String():
		return j.loads[op.client].closed
	case session.ReasonQueueFull.String():
		held := 1 + j.loads[op.client].running // and the operation itself, which runs no more
		for _, p := range j.order {
			if p.client == op.client && p.conn != nil {
				held += p.conn.requests
			}
		}
		return held > j.scenario.QueueLimit
	}
	return false
}

// wrote: a client wrote a request to the node of a pair.
func (j *judge) wrote(now time.Time, p *pair, rpc protocol.RPC) {
	l := &j.loads[p.client]
	l.turn(now)
	if p.second != l.second {
		p.second, p.requests = l.second, 0
	}
	p.requests++
	if p.requests > maxRequestsBeside+maxRequestsPerOperation*l.operations {
		j.violate(now, PropertyBounded, fmt.Sprintf("%s wrote %d requests to %s within a second, the latest %v, and had %d operations", clientName(p.client), p.requests, p.node, rpc, l.operations))
	}
}

// keeps: a client keeps requests for a session, whether anybody still waits for them or not.
func (j *judge) keeps(now time.Time, client int, node string, requests int) {
	if requests > j.scenario.QueueLimit {
		j.violate(now, PropertyBounded, fmt.Sprintf("%s keeps %d requests for its session to %s, answered for its callers or not, above the limit of %d", clientName(client), requests, node, j.scenario.QueueLimit))
	}
}

// leaks: a node has sockets open that their clients have closed, and will never close them.
func (j *judge) leaks(now time.Time, node string, sockets int) {
	if sockets > j.scenario.QueueLimit {
		j.violate(now, PropertyBounded, fmt.Sprintf("%s keeps %d sockets that their clients have closed, above the limit of %d", node, sockets, j.scenario.QueueLimit))
	}
}

// wroteMute: a node wrote on a connection that it had given up.
func (j *judge) wroteMute(now time.Time, c *connection) {
	j.violate(now, PropertyBounded, fmt.Sprintf("%s wrote on c%d, which it had given up for good", c.node, c.id))
}
