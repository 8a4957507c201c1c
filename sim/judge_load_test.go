// What the judge measures of load and of upstream's clients can fail, and does not for what
// is within its bounds.

package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

func (c *court) violated() []string {
	var list []string
	for _, v := range c.violations {
		list = append(list, v.Property)
	}
	return list
}

// As many requests as an operation may make within a second, and one more; in the next
// second it may make as many again.
func TestRequestsOfAnOperationAreBounded(t *testing.T) {
	c := newCourt()
	c.connect()
	c.operation(protocol.RPCGet)
	write := func(n int) {
		for range n {
			c.observer.clientWrote(c.now, 1, c.frame(protocol.RPCGet, nil), untold)
		}
	}
	const most = maxRequestsBeside + maxRequestsPerOperation
	write(most)
	c.now = c.now.Add(time.Second)
	write(most)
	require.NotContains(t, c.violated(), PropertyBounded)
	write(1)
	require.Contains(t, c.violated(), PropertyBounded)
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	for name, do := range map[string]func(c *court, n int){
		"requests": func(c *court, n int) { c.keeps(c.now, 0, "meta-1", n) },
		"sockets":  func(c *court, n int) { c.leaks(c.now, "meta-1", n) },
	} {
		c := newCourt()
		do(c, c.scenario.QueueLimit)
		require.Empty(t, c.violations, name)
		do(c, c.scenario.QueueLimit+1)
		require.Equal(t, []string{PropertyBounded}, c.violated(), name)
	}
}

func TestMuteConnectionIsNotWrittenOn(t *testing.T) {
	c := newCourt()
	c.connect()
	c.observer.muted(1)
	require.Empty(t, c.violations)
	answer := protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCPut})
	c.observer.serverWrote(c.now, 1, answer, untold)
	require.Equal(t, []string{PropertyBounded}, c.violated())
}

// A success that an odd server has forged is nobody's word.
func TestForgedSuccess(t *testing.T) {
	c := newCourt()
	c.observer.dialed(c.now, 1, 0, "meta-1")
	c.observer.forge(1)
	succ := protocol.AppendResponse(nil, &protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Body: protocol.AppendNegotiationResult(nil, protocol.SASLSucc, nil),
	})
	c.observer.serverWrote(c.now, 1, succ, untold)
	c.observer.clientReceived(c.now, 1, len(succ), untold)
	c.believes(c.now, 0, "meta-1", c.observer.connection(1))
	require.Equal(t, []string{PropertyNoDowngrade}, c.violated())
	c.sessionReady(c.now, 0, "meta-1", c.observer.connection(1))
	require.Equal(t, []string{PropertyNoDowngrade}, c.violated())
}

// A session that is closed for a time-out of before its connection; of one after it is fine.
func TestWindowThatOutlivesItsConnection(t *testing.T) {
	c := newCourt()
	c.now = judgedAt.Add(time.Minute)
	c.connect()
	later := c.now.Add(10 * time.Second)
	c.outlived(later, 0, c.observer.connection(1), 9*time.Second)
	require.Empty(t, c.violations)
	c.outlived(later, 0, c.observer.connection(1), 30*time.Second)
	require.Equal(t, []string{PropertyFreshSession}, c.violated())
}

func TestReadyConnectionThatIsTakenForEnded(t *testing.T) {
	c := newCourt()
	c.connect()
	c.observer.dialed(c.now, 2, 0, "meta-1")
	require.Equal(t, []string{PropertySingleConnection, PropertyFreshSession}, c.violated())
}

func TestClosedClientOwesAnAnswer(t *testing.T) {
	c := newCourt()
	c.faultsOver = judgedAt
	op := c.operation(protocol.RPCPut)
	c.closing(0)
	c.ops.complete(c.now, op.id, session.OutcomeFailed, protocol.CodeOK, nil, session.ReasonClosed.String())
	c.observer.dialed(c.now, 1, 0, "meta-1")
	c.observer.clientGone(c.now, 1)
	c.closedClient(c.now, 0)
	c.finish(judgedAt.Add(time.Minute))
	require.Empty(t, c.violations)

	c = newCourt()
	c.operation(protocol.RPCPut)
	c.closedClient(c.now, 0)
	require.Equal(t, []string{PropertyCompleteOnce}, c.violated())
}

// Of what upstream's clients were asked before the faults were over, a read whose caller has
// time is owed.
func TestReadWithTimeIsOwed(t *testing.T) {
	for timeout, owed := range map[time.Duration]bool{5 * time.Second: false, 30 * time.Second: true} {
		c := newCourt()
		c.reference = false
		op := c.ops.invoke(c.now, 0, protocol.RPCGet, "k1", "s0", timeout)
		c.faultsOver = judgedAt.Add(time.Second)
		c.ops.complete(op.deadline, op.id, session.OutcomeUnknown, protocol.CodeTimeout, nil, "ERR_TIMEOUT")
		c.finish(judgedAt.Add(time.Minute))
		assert.Equal(t, owed, len(c.violations) > 0, timeout)
	}
}

func TestStranded(t *testing.T) {
	c := newCourt()
	c.stranded(c.now, 0, "meta-1")
	require.Equal(t, []string{PropertyConvergenceBound}, c.violated())
}

// A client may refuse an operation where it was closed, or where its queue is full; saying so
// is not enough. What was refused before the one or after the other is held against it.
func TestRefusalsAreExcusedForAReasonOnly(t *testing.T) {
	closed, full := session.ReasonClosed.String(), session.ReasonQueueFull.String()
	for _, c := range []struct {
		name, why string
		limit     int
		before    func(c *court) // the operation ends
		after     func(c *court)
		excused   bool
	}{
		{name: "not closed", why: closed},
		{name: "closed later", why: "refused", after: func(c *court) { c.closing(0); c.closedClient(c.now, 0) }},
		{name: "closed", why: closed, before: func(c *court) { c.closing(0) }, excused: true},
		{name: "closed, and another process since", why: closed, before: func(c *court) { c.closing(0); c.clientDied(0) }},
		{name: "an empty queue", why: full, limit: 2},
		{name: "a queue that others fill", why: full, limit: 2, before: func(c *court) {
			c.operation(protocol.RPCGet)
			c.operation(protocol.RPCGet)
		}, excused: true},
		{name: "a queue that requests without an answer fill", why: full, limit: 2, before: func(c *court) {
			c.connect()
			c.observer.clientWrote(c.now, 1, c.frame(protocol.RPCGet, nil), untold)
			c.observer.clientWrote(c.now, 1, c.frame(protocol.RPCGet, nil), untold)
		}, excused: true},
		{name: "in time", why: "deadline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			court := newCourt()
			court.faultsOver = judgedAt
			court.scenario.QueueLimit = max(c.limit, 1)
			op := court.operation(protocol.RPCGet)
			if c.before != nil {
				c.before(court)
			}
			court.ops.complete(court.now, op.id, session.OutcomeFailed, protocol.CodeOK, nil, c.why)
			if c.after != nil {
				c.after(court)
			}
			court.judgeRequests(judgedAt.Add(time.Second))
			assert.Equal(t, c.excused, !slices.Contains(court.violated(), PropertyRequestsDrain), "%v", court.violations)
		})
	}
}

// A backoff that a scenario has made short is followed by as many dials.
func TestDialsAreBoundedByTheBackoff(t *testing.T) {
	for limit, most := range map[time.Duration]int{time.Second: 40, 100 * time.Millisecond: 40, 10 * time.Millisecond: 400} {
		c := newCourt()
		c.scenario.BackoffCap = limit
		for id := range uint64(most) {
			c.observer.dialed(c.now, 1+id, 0, "meta-1")
			c.observer.clientGone(c.now, 1+id)
		}
		assert.NotContains(t, c.violated(), PropertyBounded, limit)
		c.observer.dialed(c.now, 1+uint64(most), 0, "meta-1")
		assert.Contains(t, c.violated(), PropertyBounded, limit)
	}
}

// A client whose clock runs slow ends an operation when its time is over by that clock.
func TestSlowClockEndsLater(t *testing.T) {
	const timeout = 100 * time.Second
	for _, drift := range []int64{0, maxDriftRate, -maxDriftRate} {
		ends := func(late time.Duration) []string {
			c := newCourt()
			c.scenario.Clocks = []Clock{{Node: "client-1", Drift: drift / 2}, {Node: "client-2", Drift: -maxDriftRate}}
			c.scenario.Faults = []Fault{{Kind: FaultClockDrift, Node: "client-1", Rate: drift / 2, Down: time.Hour}}
			op := c.ops.invoke(c.now, 0, protocol.RPCGet, "k1", "s0", timeout)
			c.ops.complete(op.deadline.Add(late), op.id, session.OutcomeFailed, protocol.CodeOK, nil, "deadline")
			return c.violated()
		}
		lag := time.Duration(0)
		if drift < 0 {
			lag = timeout / 99 // 1 % of what the clock does not show
		}
		assert.Empty(t, ends(lag+completionSlack), "drift %d", drift)
		assert.Equal(t, []string{PropertyCompleteOnce}, ends(lag+completionSlack+time.Millisecond), "drift %d", drift)
	}
}
