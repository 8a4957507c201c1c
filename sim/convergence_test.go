// What callers waited is counted from the end of the faults, with the operations that failed and
// without their pauses; what has converged is counted without either.

package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// asks is an operation of a client on one partition from one instant to another, in
// milliseconds after the last fault; it runs on where to is 0.
func (c *court) asks(client, from, to int, outcome session.Outcome) *operation {
	at := func(ms int) time.Time { return judgedAt.Add(time.Duration(ms) * time.Millisecond) }
	op := c.ops.invoke(at(from), client, protocol.RPCPut, "k1", "s0", time.Hour)
	if to != 0 {
		c.ops.complete(at(to), op.id, outcome, protocol.CodeOK, protocol.AppendUpdateResult(nil, &protocol.UpdateResult{}), "")
	}
	return op
}

func TestWaited(t *testing.T) {
	const ok, failed, unknown = session.OutcomeOK, session.OutcomeFailed, session.OutcomeUnknown
	for name, c := range map[string]struct {
		do                          func(c *court)
		waited, answered, converged int // ms
	}{
		"what began before the end of the faults": {waited: 300, answered: 300, converged: 300, do: func(c *court) {
			c.asks(0, -2000, 300, ok)
		}},
		"what ended before it": {waited: 5, answered: 5, converged: 5, do: func(c *court) {
			c.asks(0, -2000, -1000, failed)
			c.asks(0, 700, 705, ok)
		}},
		"failures count, pauses do not": {waited: 1510, answered: 26010, converged: 10, do: func(c *court) {
			c.asks(0, -500, 500, unknown)
			c.asks(0, 5000, 6000, failed)
			c.asks(0, 26000, 26010, ok)
		}},
		"callers that wait together wait once": {waited: 1200, answered: 1200, converged: 200, do: func(c *court) {
			c.asks(0, 0, 1000, failed)
			c.asks(0, 500, 1100, failed)
			c.asks(0, 1000, 1200, ok)
		}},
		"the first success ends it": {waited: 100, answered: 100, converged: 50, do: func(c *court) {
			c.asks(0, 0, 1000, failed)
			c.asks(0, 50, 100, ok)
			c.asks(0, 2000, 5000, failed)
		}},
		"a success before the end of the faults does not": {waited: 1010, answered: 2010, converged: 10, do: func(c *court) {
			c.asks(0, -20, -10, ok)
			c.asks(0, 0, 1000, failed)
			c.asks(0, 2000, 2010, ok)
		}},
		"another client's success does not": {waited: 1010, answered: 2010, converged: 10, do: func(c *court) {
			c.asks(0, 0, 1000, failed)
			c.asks(1, 0, 10, ok)
			c.asks(0, 2000, 2010, ok)
		}},
		"whom nobody answers waits to the end": {waited: 60_000, answered: 60_000, converged: 10, do: func(c *court) {
			c.asks(0, 0, 0, ok)
			c.asks(1, 0, 10, ok)
		}},
		"nobody waits any more where the client has died": {waited: 10, answered: 10, converged: 10, do: func(c *court) {
			c.asks(0, -5, 0, ok).abandoned = true
			c.asks(1, 0, 10, ok)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			court := newCourt()
			court.faultsOver = judgedAt
			c.do(court)
			waited, answered := court.waited(judgedAt.Add(court.scenario.Watch))
			require.Equal(t, time.Duration(c.waited)*time.Millisecond, waited)
			require.Equal(t, time.Duration(c.answered)*time.Millisecond, answered)
			converged, all := court.convergedAfter()
			require.True(t, all)
			require.Equal(t, time.Duration(c.converged)*time.Millisecond, converged)
		})
	}
}

// A result says how often servers' hosts lost power, in either way.
func TestPowerLosses(t *testing.T) {
	r := Result{Faults: []Count{{FaultRestart.String(), 7}, {FaultPowerLoss.String(), 2}, {FaultDiskLoss.String(), 1}, {FaultClientPowerLoss.String(), 4}}}
	require.Equal(t, 3, r.PowerLosses())
}
