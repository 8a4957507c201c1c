// Who counts as missing when progress is due: sessions that somebody has asked for in vain all
// the time, however seldom their client tries.

package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// inVain dials a node and fails.
func (c *court) inVain(node string) {
	id := uint64(len(c.observer.connections) + 1)
	c.observer.dialed(c.now, id, 0, node)
	c.observer.clientGone(c.now.Add(time.Millisecond), id)
}

// fails is an operation that takes so long, and fails.
func (c *court) fails(after time.Duration) {
	op := c.operation(protocol.RPCGet)
	c.now = c.now.Add(after)
	c.ops.complete(c.now, op.id, session.OutcomeFailed, protocol.CodeOK, nil, "in vain")
}

func TestMissingSince(t *testing.T) {
	begin, end := judgedAt.Add(-10*time.Second), judgedAt.Add(48*time.Second)
	for name, c := range map[string]struct {
		node  string // "": that of the operations
		do    func(c *court)
		since time.Duration // from the beginning; negative: nothing is missing
	}{
		"attempts further apart than the cap, for an operation that waits": {do: func(c *court) {
			op := c.ops.invoke(c.now, 0, protocol.RPCGet, "k1", "s0", time.Hour)
			for ; c.now.Before(end); c.now = c.now.Add(3 * time.Second) {
				c.inVain(op.node)
			}
		}},
		"callers that pause": {do: func(c *court) {
			for c.now.Before(end) {
				c.fails(100 * time.Millisecond)
				c.now = c.now.Add(1500 * time.Millisecond)
			}
		}},
		"a caller that asks every 20 seconds": {since: 40 * time.Second, do: func(c *court) {
			for range 3 {
				op := c.operation(protocol.RPCGet)
				c.inVain(op.node)
				c.ops.complete(c.now, op.id, session.OutcomeFailed, protocol.CodeOK, nil, "in vain")
				c.now = c.now.Add(20 * time.Second)
			}
			c.now = begin.Add(41 * time.Second)
		}},
		"nobody asks any more": {since: -1, do: func(c *court) {
			c.fails(time.Second)
			c.now = end
		}},
		"a table that is looked up": {node: "meta-1", do: func(c *court) {
			for ; c.now.Before(end); c.now = c.now.Add(3 * time.Second) {
				c.looksUp(c.now, 0, "meta-1", 1500*time.Millisecond)
				c.inVain("meta-1")
			}
		}},
		"a ready session that is lost under an operation": {node: "meta-1", since: time.Second, do: func(c *court) {
			c.route = func(int, int) (knownPrimary, bool) { return knownPrimary{firstBallot, "meta-1"}, true }
			c.connect()
			c.ops.invoke(c.now, 0, protocol.RPCGet, "k1", "s0", time.Hour)
			c.now = c.now.Add(time.Second)
			c.observer.clientGone(c.now, 1)
			c.now = end
		}},
		"an operation whose partition has moved": {since: -1, do: func(c *court) {
			op := c.ops.invoke(c.now, 0, protocol.RPCGet, "k1", "s0", time.Hour)
			c.inVain(op.node)
			c.route = func(int, int) (knownPrimary, bool) { return knownPrimary{firstBallot + 1, op.node + "0"}, true }
			c.now = end
		}},
		"a session that is there": {node: "meta-1", since: -1, do: func(c *court) {
			c.looksUp(c.now, 0, "meta-1", time.Second)
			c.connect()
			c.looksUp(c.now, 0, "meta-1", time.Second)
			c.now = end
		}},
	} {
		t.Run(name, func(t *testing.T) {
			court := newCourt()
			court.now = begin
			c.do(court)
			node := c.node
			if node == "" {
				node = court.ops.all[0].node
			}
			since := court.missingSince(court.now, court.pair(0, node))
			if c.since < 0 {
				require.Zero(t, since)
				return
			}
			require.Equal(t, begin.Add(c.since), since)
		})
	}
}

// A flow that a firewall has forgotten, on which nothing is written for long: keep-alive finds
// out, or silence after the first write. What is submitted until then may fail.
func TestIdleConnectionOfAForgottenFlow(t *testing.T) {
	for name, c := range map[string]struct {
		dialed, heard, asked time.Duration // after the faults
		silent, fails        bool
	}{
		"before it can be noticed":           {dialed: -time.Second, heard: -time.Second, asked: 30 * time.Second, silent: true},
		"when it must have been":             {dialed: -time.Second, heard: -time.Second, asked: 36 * time.Second, silent: true, fails: true},
		"on one that has been answered on":   {dialed: -time.Second, heard: time.Second, asked: 30 * time.Second, silent: true, fails: true},
		"on one that is new":                 {dialed: time.Second, heard: time.Second, asked: 30 * time.Second, silent: true, fails: true},
		"after faults that say what they do": {dialed: -time.Second, heard: -time.Second, asked: 30 * time.Second, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			court := newCourt()
			court.faultsOver, court.silent = judgedAt, c.silent
			court.now = judgedAt.Add(c.dialed)
			court.connect()
			court.now = judgedAt.Add(c.asked)
			op := court.operation(protocol.RPCPut)
			op.at = court.observer.connections[1]
			op.at.heardAt = judgedAt.Add(c.heard)
			require.Equal(t, c.fails, !court.mayFail(op, judgedAt))
		})
	}
}
