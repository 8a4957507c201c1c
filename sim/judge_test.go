// Each property can fail: the judge and the observer are shown what must not happen.

package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

var judgedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func untold(*trace.Event) {}

// court is a judge with its observer, one client and one node.
type court struct {
	*judge
	observer *observer
	now      time.Time
}

func newCourt() *court {
	s := Default()
	s.Watch = time.Minute
	c := &court{judge: newJudge(&s, judgedAt), now: judgedAt}
	c.ops = &operations{judge: c.judge, keys: keySpace{s.Partitions}}
	c.observer = newObserver(c.judge)
	return c
}

func (c *court) frame(rpc protocol.RPC, body []byte) []byte {
	return protocol.AppendRequest(nil, &protocol.Request{RPC: rpc, Body: body})
}

// connect makes connection 1, on which success was delivered.
func (c *court) connect() {
	c.observer.dialed(c.now, 1, 0, "meta-1")
	c.observer.accepted(1)
	c.observer.connected(c.now, 1, 40000)
	succ := protocol.AppendResponse(nil, &protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Body: protocol.AppendNegotiationResult(nil, protocol.SASLSucc, nil),
	})
	c.observer.serverWrote(c.now, 1, succ, untold)
	c.observer.clientReceived(c.now, 1, len(succ), untold)
}

func (c *court) operation(rpc protocol.RPC) *operation {
	return c.ops.invoke(c.now, 0, rpc, "k1", "s0", 5*time.Second)
}

func TestEachPropertyCanFail(t *testing.T) {
	result := protocol.AppendUpdateResult(nil, &protocol.UpdateResult{})
	for _, c := range []struct {
		property string
		do       func(c *court)
	}{
		{PropertyAuthBeforeRequest, func(c *court) {
			c.observer.dialed(c.now, 1, 0, "replica-1")
			c.observer.clientWrote(c.now, 1, c.frame(protocol.RPCPut, nil), untold)
		}},
		{PropertySingleConnection, func(c *court) {
			c.connect()
			c.observer.dialed(c.now, 2, 0, "meta-1")
		}},
		{PropertyFreshSession, func(c *court) { c.sessionReady(c.now, 0, "meta-1", nil) }},
		{PropertyFreshSession, func(c *court) {
			c.observer.dialed(c.now, 1, 0, "meta-1")
			c.observer.connections[1].granted = true // written, not delivered
			c.sessionReady(c.now, 0, "meta-1", c.observer.connections[1])
		}},
		{PropertyNoDowngrade, func(c *court) {
			c.observer.dialed(c.now, 1, 0, "meta-1")
			c.sessionReady(c.now, 0, "meta-1", c.observer.connections[1])
		}},
		{PropertyAuthenticatedExecution, func(c *court) {
			c.observer.dialed(c.now, 1, 0, "meta-1")
			c.executed(c.now, c.observer.connections[1], "meta-1", protocol.RPCQueryConfig)
		}},
		{PropertyBounded, func(c *court) {
			for id := range uint64(maxDialsPerSecond + 1) {
				c.observer.dialed(c.now, id+1, 0, "meta-1")
				c.observer.clientGone(c.now, id+1)
			}
		}},
		{PropertyBounded, func(c *court) {
			c.observer.dialed(c.now, 1, 0, "meta-1")
			c.observer.clientWrote(c.now, 1, []byte("GET / HTTP/1.1\r\n\r\n and some more than a header"), untold)
		}},
		{PropertyCompleteOnce, func(c *court) {
			op := c.operation(protocol.RPCPut)
			c.ops.complete(c.now, op.id, session.OutcomeOK, protocol.CodeOK, result, "")
			c.ops.complete(c.now, op.id, session.OutcomeOK, protocol.CodeOK, result, "")
		}},
		{PropertyCompleteOnce, func(c *court) {
			op := c.operation(protocol.RPCPut)
			c.ops.complete(op.deadline.Add(time.Second), op.id, session.OutcomeOK, protocol.CodeOK, result, "")
		}},
		{PropertyCompleteOnce, func(c *court) { c.operation(protocol.RPCPut) }},
		{PropertyRequestsDrain, func(c *court) {
			op := c.operation(protocol.RPCPut)
			c.ops.complete(c.now, op.id, session.OutcomeUnknown, protocol.CodeOK, nil, "lost")
		}},
		{PropertyReconnectConverges, func(c *court) { c.observer.dialed(c.now, 1, 0, "meta-1") }},
		{PropertyReconnectConverges, func(c *court) {
			c.observer.dialed(c.now.Add(50*time.Second), 1, 0, "meta-1")
			c.observer.clientGone(c.now.Add(51*time.Second), 1)
		}},
		{PropertyLeaderFound, func(c *court) {
			c.connect()
			c.observer.clientWrote(c.now, 1, c.frame(protocol.RPCQueryConfig, nil), untold)
		}},
		{PropertyLeaderFound, func(c *court) { // who asks again has not been answered either
			c.connect()
			for range c.scenario.Watch / time.Second {
				c.observer.clientWrote(c.now, 1, c.frame(protocol.RPCQueryConfig, nil), untold)
				c.now = c.now.Add(time.Second)
			}
		}},
		{PropertyLinearizable, func(c *court) {
			put, get := c.operation(protocol.RPCPut), c.operation(protocol.RPCGet)
			c.ops.complete(c.now.Add(time.Millisecond), put.id, session.OutcomeOK, protocol.CodeOK, result, "")
			get.invoked = c.now.Add(time.Second)
			absent := protocol.AppendReadResult(nil, &protocol.ReadResult{Status: protocol.StatusNotFound})
			c.ops.complete(c.now.Add(2*time.Second), get.id, session.OutcomeOK, protocol.CodeOK, absent, "")
		}},
	} {
		t.Run(c.property, func(t *testing.T) {
			court := newCourt()
			court.faultsOver = judgedAt
			c.do(court)
			court.finish(judgedAt.Add(court.scenario.Watch))
			require.False(t, court.checkHistory().timedOut)
			var violated []string
			for _, v := range court.violations {
				violated = append(violated, v.Property)
			}
			require.Contains(t, violated, c.property)
		})
	}
}

// A second attempt that hangs beside a connection that serves is a second connection, and not
// a client that is kept out. Success alone does not do: it may be that of an orphan.
func TestWhoIsServedIsNotKeptOut(t *testing.T) {
	for _, served := range []bool{false, true} {
		court := newCourt()
		court.connect()
		court.now = court.now.Add(time.Second)
		court.observer.dialed(court.now, 2, 0, "meta-1")
		if served {
			answer := protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet})
			court.now = court.now.Add(time.Second)
			court.observer.clientWrote(court.now, 1, court.frame(protocol.RPCGet, nil), untold)
			court.observer.serverWrote(court.now, 1, answer, untold)
			court.observer.clientReceived(court.now, 1, len(answer), untold)
		}
		court.finish(judgedAt.Add(court.scenario.Watch))
		var violated []string
		for _, v := range court.violations {
			violated = append(violated, v.Property)
		}
		require.Contains(t, violated, PropertySingleConnection)
		require.Equal(t, !served, slices.Contains(violated, PropertyReconnectConverges))
	}
}

func TestNothingIsHeldAgainstAGoodClient(t *testing.T) {
	c := newCourt()
	c.faultsOver = judgedAt
	c.connect()
	c.observer.clientWrote(c.now, 1, c.frame(protocol.RPCGet, nil), untold)
	c.executed(c.now, c.observer.connections[1], "meta-1", protocol.RPCGet)
	c.sessionReady(c.now, 0, "meta-1", c.observer.connections[1])
	op := c.operation(protocol.RPCGet)
	c.ops.complete(c.now, op.id, session.OutcomeOK, protocol.CodeOK, protocol.AppendReadResult(nil, &protocol.ReadResult{Status: protocol.StatusNotFound}), "")
	c.finish(judgedAt.Add(time.Minute))
	require.False(t, c.checkHistory().timedOut)
	require.Empty(t, c.violations)
}
