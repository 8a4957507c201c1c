// The judge's rules one by one: what each holds against whom, what it does not, and what a run
// has to have to prove anything.

package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// A run proves something if a server went down with a request under way to it and was connected
// to afterwards.
func TestHollowRuns(t *testing.T) {
	c := newCourt()
	c.connected() // before any restart
	require.Equal(t, "no node was restarted", c.hollow())
	require.Contains(t, c.advice(), "add such as `fault at=5s restart")
	c.begun(FaultDelay)
	require.Equal(t, "no node was restarted", c.hollow(), "a fault that takes nothing down")
	c.fault(FaultRestart, 0)
	require.Equal(t, "no connection was established after a restart", c.hollow())
	require.Contains(t, c.advice(), "is such a request")
	c.connected()
	require.Equal(t, "no request was in flight at a restart", c.hollow())
	c.fault(FaultRestart, 2)
	require.Empty(t, c.hollow())
	require.Equal(t, 2, c.faults[FaultRestart])
	require.Equal(t, 1, c.faults[FaultDelay])
}

// Negotiations that failed alike after a restart are one signature.
func TestSignatures(t *testing.T) {
	c := newCourt()
	c.negotiationFailed("meta-1", "ERR_TIMEOUT", time.Second)
	require.Empty(t, c.signatures, "nothing was restarted")
	c.fault(FaultRestart, 0)
	c.negotiationFailed("meta-1", "ERR_TIMEOUT", time.Second)
	c.negotiationFailed("meta-1", "ERR_TIMEOUT", time.Second+signatureTolerance-1)
	c.negotiationFailed("meta-1", "ERR_TIMEOUT", time.Second-signatureTolerance+1)
	c.negotiationFailed("meta-1", "ERR_TIMEOUT", time.Second+signatureTolerance)
	c.negotiationFailed("meta-2", "ERR_TIMEOUT", time.Second)
	c.negotiationFailed("meta-1", "ERR_BUSY", time.Second)
	require.Equal(t, []signature{
		{err: "ERR_TIMEOUT", age: time.Second, node: "meta-1", count: 3},
		{err: "ERR_TIMEOUT", age: time.Second + signatureTolerance, node: "meta-1", count: 1},
		{err: "ERR_TIMEOUT", age: time.Second, node: "meta-2", count: 1},
		{err: "ERR_BUSY", age: time.Second, node: "meta-1", count: 1},
	}, c.signatures)
}

// Whom requests-drain is about: what was asked after the faults, and of what was asked before
// what can only have waited.
func TestWhatIsOwed(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name                        string
		upstream                    bool
		rpc                         protocol.RPC
		invoked, deadline, returned time.Duration // after the faults
		outcome                     session.Outcome
		owed                        bool
	}{
		{"submitted at the end of the faults", false, protocol.RPCPut, 0, second, second, session.OutcomeUnknown, true},
		{"a write before that was never written", false, protocol.RPCPut, -1, second, second, session.OutcomeFailed, true},
		{"a write before that was", false, protocol.RPCPut, -1, second, second, session.OutcomeUnknown, false},
		{"a read before", false, protocol.RPCGet, -1, second, second, session.OutcomeUnknown, true},
		{"a read that ended before", false, protocol.RPCGet, -second, second, 0, session.OutcomeFailed, false},
		{"upstream's, after its grace", true, protocol.RPCPut, upstreamGrace, time.Minute, time.Minute, session.OutcomeUnknown, true},
		{"upstream's, within it", true, protocol.RPCPut, upstreamGrace - 1, time.Minute, time.Minute, session.OutcomeFailed, false},
		{"upstream's, a read that may go on", true, protocol.RPCGet, 0, upstreamGrace + 1, upstreamGrace + 1, session.OutcomeFailed, true},
		{"upstream's, a read whose time is over", true, protocol.RPCGet, 0, upstreamGrace, upstreamGrace + 1, session.OutcomeFailed, false},
		{"upstream's, a read that was told in time", true, protocol.RPCGet, 0, time.Minute, upstreamGrace, session.OutcomeFailed, false},
	} {
		court := newCourt()
		court.reference, court.faultsOver = !c.upstream, judgedAt
		owed := court.owed(&operation{
			rpc: c.rpc, invoked: judgedAt.Add(c.invoked), deadline: judgedAt.Add(c.deadline), returned: judgedAt.Add(c.returned), outcome: c.outcome,
		})
		assert.Equal(t, c.owed, owed, c.name)
	}
}

// The bound of convergence-bound is longer by what the scenario has that takes longer.
func TestProgressBound(t *testing.T) {
	cfg := session.DefaultConfig()
	with := func(auth string, odd string, faults ...FaultKind) (*Scenario, time.Duration) {
		s := Default()
		s.Auth, s.Odd, s.Faults = auth, Odd{Kind: odd}, nil
		for _, k := range faults {
			s.Faults = append(s.Faults, Fault{Kind: k})
		}
		return &s, s.progressBound() - s.reconnectBound()
	}
	attempt, unheard := cfg.DialTimeout+cfg.NegotiationTimeout, cfg.Silence+cfg.DialTimeout
	_, plain := with(Default().Auth, OddNone)
	require.Equal(t, attempt, plain)
	_, restarted := with(Default().Auth, OddNone, FaultRestart)
	require.Equal(t, attempt, restarted)
	_, silent := with(Default().Auth, OddNone, FaultRestart, FaultDelay)
	require.Equal(t, attempt+unheard, silent)
	_, odd := with(Default().Auth, OddMute)
	require.Equal(t, attempt+unheard, odd)
	_, kerberos := with(AuthKerberos, OddNone, FaultRestart)
	require.Equal(t, attempt, kerberos)
	s, rotated := with(AuthKerberos, OddNone, FaultRestart, FaultKeyRotation)
	require.Equal(t, attempt+s.credentialBound(), rotated)
}

// The time until a session is ready counts from the first attempt at it, or from the end of the
// faults where that is later.
func TestSessionsConverge(t *testing.T) {
	for attempt, want := range map[time.Duration]time.Duration{-5 * time.Second: 2 * time.Second, time.Second: time.Second} {
		c := newCourt()
		c.faultsOver = judgedAt
		c.now = judgedAt.Add(attempt)
		c.inVain("meta-1")
		c.now = judgedAt.Add(2 * time.Second)
		id := uint64(len(c.observer.connections) + 1)
		c.observer.dialed(c.now, id, 0, "meta-1")
		c.negotiated(c.now, c.observer.connection(id))
		took, all := c.convergedAfter()
		require.True(t, all)
		require.Equal(t, want, took)
	}
	require.Zero(t, newCourt().sinceFaults(judgedAt, judgedAt.Add(-time.Hour)), "there may still be faults")
}

// The last connection from before the end of the faults is over when it is gone.
func TestConnectionsFromBeforeTheEndOfTheFaults(t *testing.T) {
	c := newCourt()
	lose := func(id uint64, dialed, lost time.Duration) {
		c.observer.dialed(judgedAt.Add(dialed), id, 0, "meta-1")
		c.lost(judgedAt.Add(lost), c.observer.connection(id))
	}
	lose(1, -3*time.Second, -2*time.Second)
	require.Zero(t, c.staleOver, "the faults are not over")
	c.faultsOver = judgedAt
	lose(2, -time.Second, time.Second)
	require.Equal(t, judgedAt.Add(time.Second), c.staleOver)
	lose(3, 2*time.Second, 3*time.Second)
	require.Equal(t, judgedAt.Add(time.Second), c.staleOver, "that was a new one")
}

// Who is closed has nothing to reach any more; others have.
func TestClosedClientHasNothingToReach(t *testing.T) {
	for client, held := range map[int]bool{0: false, 1: true} {
		c := newCourt()
		c.now = judgedAt.Add(c.scenario.Watch - time.Second)
		c.inVain("meta-1")
		c.closedClient(c.now, client)
		c.finish(judgedAt.Add(c.scenario.Watch))
		require.Equal(t, held, len(c.violations) > 0, "client %d was closed", client)
	}
}

// What an upstream client believes is held against what the server has granted.
func TestBeliefs(t *testing.T) {
	c := newCourt()
	c.connect()
	c.believes(c.now, 0, "meta-1", c.observer.connection(1))
	c.believes(c.now, 0, "meta-1", nil)
	require.Empty(t, c.violations)
	c.observer.connection(1).granted = false
	c.believes(c.now, 0, "meta-1", c.observer.connection(1))
	require.Equal(t, []string{PropertyNoDowngrade}, c.violated())
}

// Requests of another client fill nobody's queue.
func TestQueueIsTheClientsOwn(t *testing.T) {
	for client, may := range map[int]bool{0: true, 1: false} {
		c := newCourt()
		c.scenario.QueueLimit = 2
		c.observer.dialed(c.now, 1, client, "meta-1")
		c.observer.connection(1).requests = 2
		require.Equal(t, may, c.mayRefuse(&operation{why: session.ReasonQueueFull.String()}))
	}
}

// A slow clock is an excuse for the reference, whose deadlines it measures; upstream's clients
// are models that have the scenario's time.
func TestSlowClockOfUpstreamsIsNoExcuse(t *testing.T) {
	c := newCourt()
	c.scenario.Clocks = []Clock{{Node: "client-1", Drift: -maxDriftRate}}
	op := c.operation(protocol.RPCGet)
	require.Positive(t, c.lag(op))
	c.reference = false
	require.Zero(t, c.lag(op))
}

// A session serves at once where it is ready, at both ends, and nothing disturbs it; and an
// operation counts that has the time to.
func TestSessionsThatServeAtOnce(t *testing.T) {
	enough := 20*Default().LatencyMax + 100*time.Millisecond
	for name, c := range map[string]struct {
		change func(*court, *connection)
		within time.Duration
		serves bool
	}{
		"ready":              {func(*court, *connection) {}, enough, true},
		"not ready":          {func(_ *court, c *connection) { c.ready = false }, enough, false},
		"gone at the server": {func(_ *court, c *connection) { c.serverEnd = false }, enough, false},
		"disturbed":          {func(_ *court, c *connection) { c.disturbed = true }, enough, false},
		"too little time":    {func(*court, *connection) {}, enough - 1, false},
		"upstream's":         {func(c *court, _ *connection) { c.reference = false }, enough, false},
	} {
		court, conn := newCourt(), &connection{ready: true, serverEnd: true}
		c.change(court, conn)
		best := court.bestSession(&operation{at: conn, invoked: judgedAt, deadline: judgedAt.Add(c.within)})
		assert.Equal(t, c.serves, best != nil, name)
	}
}

// An operation that fails on such a session is held against its client, unless its partition has
// moved or it may be refused.
func TestWhatSuchASessionOwes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*court, *operation)
		held   bool
	}{
		"failed":             {func(*court, *operation) {}, true},
		"succeeded":          {func(_ *court, op *operation) { op.outcome = session.OutcomeOK }, false},
		"refused as it may":  {func(_ *court, op *operation) { op.excused = true }, false},
		"disturbed meantime": {func(_ *court, op *operation) { op.on.disturbed = true }, false},
		"on another session": {func(_ *court, op *operation) { op.on = nil }, false},
		"moved since": {func(c *court, op *operation) {
			c.route = func(int, int) (knownPrimary, bool) { return knownPrimary{op.ballot + 1, op.node}, true }
		}, false},
		"about to move": {func(c *court, op *operation) {
			c.route = func(int, int) (knownPrimary, bool) { return knownPrimary{op.ballot, op.node}, false }
		}, false},
	} {
		court := newCourt()
		op := court.operation(protocol.RPCGet)
		op.on, op.outcome = &connection{node: op.node}, session.OutcomeFailed
		c.change(court, op)
		court.served(court.now, op)
		assert.Equal(t, c.held, len(court.violations) > 0, name)
		assert.Zero(t, court.met[MetServedWithoutTicket], name)
	}
}

// A request that succeeds on a session whose client could not get in anew is a situation to meet.
func TestServedWithoutTicket(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*court, *operation)
		met    int
	}{
		"served":             {func(*court, *operation) {}, 1},
		"failed":             {func(_ *court, op *operation) { op.outcome = session.OutcomeFailed }, 0},
		"on another session": {func(_ *court, op *operation) { op.on = nil }, 0},
		"with a ticket":      {func(c *court, _ *operation) { clear(c.troubled) }, 0},
	} {
		court := newCourt()
		op := court.operation(protocol.RPCGet)
		court.ticketIsOld(0, op.node)
		op.on, op.outcome = &connection{node: op.node}, session.OutcomeOK
		c.change(court, op)
		court.served(court.now, op)
		assert.Equal(t, c.met, court.met[MetServedWithoutTicket], name)
	}
}

// Answers on a connection that is ready, and good ones, are what a client is served by.
func TestWhoIsServed(t *testing.T) {
	for name, c := range map[string]struct {
		ready, paired bool
		code          protocol.ErrorCode
		served        bool
	}{
		"an answer":            {true, true, protocol.CodeOK, true},
		"a refusal":            {true, true, protocol.CodeBusy, false},
		"before it was ready":  {false, true, protocol.CodeOK, false},
		"of nobody's business": {true, false, protocol.CodeOK, false},
	} {
		court := newCourt()
		court.connect()
		conn := court.observer.connection(1)
		p := conn.pair
		conn.ready = c.ready
		if !c.paired {
			conn.pair = nil
		}
		court.answered(judgedAt.Add(time.Second), conn, protocol.RPCGet, c.code, protocol.CodeUnknown)
		assert.Equal(t, c.served, !p.served.IsZero(), name)
	}
}

// That there may be a connection that ended without a word excuses what could be on it.
func TestConnectionsThatEndedWithoutAWord(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*court, *operation)
		may    bool
	}{
		"a new connection":         {func(*court, *operation) {}, false},
		"no connection":            {func(_ *court, op *operation) { op.at = nil }, false},
		"an old one":               {func(_ *court, op *operation) { op.at.dialedAt = judgedAt.Add(-time.Second) }, true},
		"while there was an old":   {func(c *court, op *operation) { c.staleOver = op.invoked }, true},
		"after the last old":       {func(c *court, op *operation) { c.staleOver = op.invoked.Add(-1) }, false},
		"old, no fault was silent": {func(c *court, op *operation) { c.silent, op.at.dialedAt = false, judgedAt.Add(-time.Second) }, false},
		"upstream's, an old one":   {func(c *court, op *operation) { c.reference, op.at.dialedAt = false, judgedAt.Add(-time.Second) }, false},
		"when progress was due": {func(c *court, op *operation) {
			op.invoked, c.staleOver = judgedAt.Add(c.scenario.progressBound()), judgedAt.Add(time.Hour)
		}, false},
		"as the client was closed":  {func(_ *court, op *operation) { op.excused = true }, true},
		"with a deadline too early": {func(_ *court, op *operation) { op.deadline = judgedAt.Add(time.Second - 1) }, true},
	} {
		court := newCourt()
		court.faultsOver, court.silent, court.now = judgedAt, true, judgedAt.Add(time.Second)
		op := court.operation(protocol.RPCPut)
		op.deadline = judgedAt.Add(time.Hour)
		op.at = &connection{dialedAt: judgedAt.Add(time.Millisecond), heardAt: judgedAt.Add(time.Millisecond)}
		c.change(court, op)
		assert.Equal(t, c.may, court.mayFail(op, judgedAt.Add(time.Second)), name)
	}
}

// What is another client's is no excuse, and what a model does not promise is not kept.
func TestWhoseTroubleItIs(t *testing.T) {
	for client, excused := range map[int]bool{0: true, 1: false} {
		c := newCourt()
		op := c.operation(protocol.RPCGet)
		c.noPort(c.now, client, "meta-1")
		require.Equal(t, excused, c.waitsForPort(op))
	}
	c := newCourt()
	c.reference = false
	op := c.operation(protocol.RPCGet)
	require.Nil(t, op.pair, "an upstream client's sessions are those that it makes")
	c.serverClosed(false)
	require.Zero(t, c.serverGaveUp)
	c.serverClosed(true)
	require.Equal(t, 1, c.serverGaveUp)
}

// A client asks the KDC for each of its tickets as often as attempts may follow each other.
func TestQuestionsToTheKDCAreBounded(t *testing.T) {
	c := newCourt()
	most := (1 + int(time.Second/ticketConfig().BackoffBase)) * (1 + c.scenario.Metas + c.scenario.Replicas)
	ask := func(n int) {
		for range n {
			c.fetched(c.now, 0)
		}
	}
	ask(most)
	c.fetched(c.now, 1) // another client's question is its own
	c.now = c.now.Add(time.Second)
	ask(most)
	require.Empty(t, c.violations)
	ask(1)
	require.Equal(t, []string{PropertyBounded}, c.violated())
}

// Want of a ticket excuses an operation that would have needed it, until a while after there is
// one again.
func TestWantOfATicketIsAnExcuse(t *testing.T) {
	replica := ticket.Name{Service: kerberosService, Host: "replica-1"}
	for name, c := range map[string]struct {
		change  func(c *court)
		lacks   bool
		nothing bool // a new connection would have no ticket
	}{
		"nothing is wrong":    {change: func(*court) {}},
		"no granting ticket":  {change: func(c *court) { c.troubled[ticketKey{0, ticket.Name{}}] = time.Time{} }, lacks: true},
		"none for its node":   {change: func(c *court) { c.troubled[ticketKey{0, replica}] = time.Time{} }, lacks: true, nothing: true},
		"an old one":          {change: func(c *court) { c.ticketIsOld(0, "replica-1") }, lacks: true, nothing: true},
		"of another node":     {change: func(c *court) { c.ticketIsOld(0, "replica-2") }},
		"of another client":   {change: func(c *court) { c.ticketIsOld(1, "replica-1") }},
		"of another scenario": {change: func(c *court) { c.scenario.Auth = Default().Auth; c.ticketIsOld(0, "replica-1") }, nothing: true},
		"expired": {change: func(c *court) {
			c.ticketChanged(judgedAt, 0, &ticket.Effect{Name: replica, State: ticket.StateExpired})
		}, lacks: true, nothing: true},
		"refused beside one that holds": {change: func(c *court) {
			c.ticketChanged(judgedAt, 0, &ticket.Effect{Name: replica, State: ticket.StateExpiring, Failure: ticket.Failure{Kind: ticket.FailureRefused}})
		}, lacks: true, nothing: true},
		"had again just now": {change: func(c *court) {
			c.ticketIsOld(0, "replica-1")
			c.ticketChanged(judgedAt, 0, &ticket.Effect{Name: replica, State: ticket.StateValid})
		}, lacks: true},
		"had again long ago": {change: func(c *court) {
			c.ticketIsOld(0, "replica-1")
			c.ticketChanged(judgedAt.Add(-time.Hour), 0, &ticket.Effect{Name: replica, State: ticket.StateValid})
		}},
		"had all the time": {change: func(c *court) {
			c.ticketChanged(judgedAt, 0, &ticket.Effect{Name: replica, State: ticket.StateValid})
		}},
		"long after the faults": {change: func(c *court) {
			c.ticketIsOld(0, "replica-1")
			c.faultsOver = judgedAt.Add(-time.Hour)
		}, nothing: true},
	} {
		court := newCourt()
		court.scenario.Auth, court.faultsOver = AuthKerberos, judgedAt
		c.change(court)
		op := &operation{node: "replica-1", invoked: judgedAt.Add(time.Millisecond)}
		assert.Equal(t, c.lacks, court.lacksTicket(op), name)
		assert.Equal(t, c.nothing, court.hasNoTicket(op), name)
	}
}

// A fault that does not begin is told as what it would have been.
func TestIdleFaultsAreTold(t *testing.T) {
	c := newCourt()
	c.idle(&Fault{Kind: FaultRestart, Node: "meta-1", At: time.Second}, "it is down")
	require.Equal(t, []IdleFault{{Fault: "restart", Node: "meta-1", AtNS: int64(time.Second), Why: "it is down"}}, c.idles)
}

// A run that ends before progress is due says so, if anybody's progress is judged.
func TestUnwatchedRunsSayHowTheyWouldNotBe(t *testing.T) {
	s := Default()
	s.Watch = s.progressBound() + time.Second
	require.Empty(t, s.unwatched())
	s.Watch = s.progressBound()
	require.Contains(t, s.unwatched(), "have `watch ")
	s.Client = ClientUpstreamSnapshot
	require.Empty(t, s.unwatched())
}

// A situation is missing where as many seeds as should have met it have not.
func TestSituationsThatAreMissing(t *testing.T) {
	never := func(Met) bool { return false }
	within := MetNoPort.Within()
	require.NotContains(t, Unmet(uint64(within-1), never), MetNoPort)
	require.Contains(t, Unmet(uint64(within), never), MetNoPort)
	require.NotContains(t, Unmet(uint64(within), func(m Met) bool { return m == MetNoPort }), MetNoPort)
	require.Equal(t, Situations(), Unmet(1<<40, never))
	require.Len(t, Situations(), int(metCount))
	require.NotEqual(t, ConvergedSays(ClientReference), ConvergedSays(ClientUpstreamSnapshot))
	require.NotEmpty(t, ConvergedSays(ClientUpstreamSnapshot))
}
