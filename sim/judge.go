// The judge: the properties of the specification as they apply to a run. Safety is
// judged at every step; liveness at the end, when the last fault is long over. The
// reference client is judged on everything; a model of an upstream client on the three
// properties of the incident, with the rest told beside.

package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// propertyFrames is bounded's name for bytes that are no frame: neither side of a run may
// write them.
const propertyFrames = PropertyBounded

const (
	maxDialsPerSecond = 40               // of one session: one at once, the rest after backoff; see dialsPerSecond
	upstreamGrace     = 10 * time.Second // requests of upstream's clients count from this long after the last fault
	queryGrace        = 10 * time.Second // a client that has asked metas for so long after the faults, and got no answer of a leader, does not find it
	maxAttempt        = 15 * time.Second // an attempt to connect and negotiate that is older than this hangs
	stillTrying       = 45 * time.Second // twice the slowest pace of a caller, and a little
)

// Violation is one property that did not hold, and the first time it did not.
type Violation struct {
	Property string
	At       time.Duration
	What     string
}

// pair is one client's relation to one node.
type pair struct {
	client     int
	node       string
	conn       *connection   // the open one, or nil
	attempting time.Time     // since when; zero: not attempting
	failed     bool          // the latest attempt did not succeed
	latest     time.Time     // when it began
	trying     time.Time     // the first attempt since the latest success; zero: none
	took       time.Duration // longest from that, or the end of the faults, to the next success
	wanting    time.Time     // since when the session has been asked for in vain, without a rest; zero: it is not
	asking     int           // operations that run, and were to be sent to the node when they began
	asked      time.Time     // until when, at least, the session was asked for
	served     time.Time     // the latest answer to a request, on whichever connection
	attempts   int
	recent     []time.Time // dials in the last second
	portless   time.Time   // the latest dial for which the client's host had no port; zero: none
	second     time.Time   // of pressure.second, that requests are of
	requests   int         // written in it
}

// signatureTolerance is how far ages of one signature may be apart.
const signatureTolerance = 100 * time.Millisecond

// signature is one way in which a client told that a negotiation failed.
type signature struct {
	err   string
	age   time.Duration
	node  string
	count int
}

// judge collects what happened and says what it means.
type judge struct {
	scenario   *Scenario
	epoch      time.Time
	reference  bool
	faultsOver time.Time // zero while faults may still come

	violations []Violation
	pairs      map[pairKey]*pair
	order      []*pair // in order of appearance
	signatures []signature
	refusals   []Refusal
	fetches    [][]time.Time           // of tickets, by client: those within a second
	troubled   map[ticketKey]time.Time // until when a ticket could not be had; zero: still
	ops        *operations
	route      func(client, partition int) (to knownPrimary, settled bool)
	queries    []time.Time // by client: the first meta query since a leader answered one; zero: none
	loads      []pressure  // by client

	pending []Pending       // when progress was due
	faults  [faultKinds]int // that have begun
	idles   []IdleFault
	met     [metCount]int

	restarts, reconnects, inFlight int
	serverGaveUp                   int       // negotiations, for a deadline of the server
	staleOver                      time.Time // when the last connection from before the last fault was gone
	silent                         bool      // a fault may have ended connections without a word
}

type pairKey struct {
	client int
	node   string
}

func newJudge(s *Scenario, epoch time.Time) *judge {
	replicas := s.nodesOf(roleReplica)
	return &judge{
		route: func(_, partition int) (knownPrimary, bool) {
			return knownPrimary{firstBallot, replicas[partition%len(replicas)]}, true
		},
		scenario: s, epoch: epoch, reference: s.Client == ClientReference,
		pairs: make(map[pairKey]*pair), queries: make([]time.Time, s.Clients), loads: make([]pressure, s.Clients),
		fetches: make([][]time.Time, s.Clients), troubled: make(map[ticketKey]time.Time),
	}
}

// violate records the first violation of a property.
func (j *judge) violate(now time.Time, property, what string) {
	for _, v := range j.violations {
		if v.Property == property {
			return
		}
	}
	j.violations = append(j.violations, Violation{Property: property, At: now.Sub(j.epoch), What: what})
}

func (j *judge) pair(client int, node string) *pair {
	key := pairKey{client, node}
	p := j.pairs[key]
	if p == nil {
		p = &pair{client: client, node: node}
		j.pairs[key] = p
		j.order = append(j.order, p)
	}
	return p
}

// dialed: a new attempt, and the only connection of its session.
func (j *judge) dialed(now time.Time, c *connection) {
	p := j.pair(c.client, c.node)
	j.wants(now, p)
	if p.conn != nil {
		j.violate(now, PropertySingleConnection, fmt.Sprintf("%s dialed c%d to %s while it still had c%d", clientName(c.client), c.id, c.node, p.conn.id))
		if p.conn.ready {
			j.violate(now, PropertyFreshSession, fmt.Sprintf("%s took c%d to %s, which was ready, for ended, and dialed c%d", clientName(c.client), p.conn.id, c.node, c.id))
		}
	}
	p.conn, c.pair = c, p
	p.attempts++
	p.latest = now
	if p.trying.IsZero() {
		p.trying = now
	}
	if p.attempting.IsZero() {
		p.attempting = now
	}
	p.recent = append(slices.DeleteFunc(p.recent, func(t time.Time) bool { return now.Sub(t) >= time.Second }), now)
	if len(p.recent) > j.dialsPerSecond() {
		j.violate(now, PropertyBounded, fmt.Sprintf("%s dialed %s %d times within a second", clientName(c.client), c.node, len(p.recent)))
	}
}

// connected: a handshake completed.
func (j *judge) connected() {
	if j.restarts > 0 {
		j.reconnects++
	}
}

// negotiated: success reached the client on c.
func (j *judge) negotiated(now time.Time, c *connection) {
	p := j.pair(c.client, c.node)
	if p.conn == c {
		p.took = max(p.took, j.sinceFaults(now, p.trying))
		p.attempting, p.trying, p.wanting, p.failed = time.Time{}, time.Time{}, time.Time{}, false
	}
}

// lost: the client's end of c is gone.
func (j *judge) lost(now time.Time, c *connection) {
	p := j.pair(c.client, c.node)
	if p.conn != c {
		return
	}
	p.conn, p.asked = nil, later(p.asked, now)
	if !c.ready {
		p.failed = true
	} else if p.asking > 0 {
		p.wanting = now
	}
	p.attempting = time.Time{}
	if c.dialedAt.Before(j.faultsOver) { // nothing is, while there may be faults
		j.staleOver = now
	}
}

// requestWritten: anything but negotiation was written on c.
func (j *judge) requestWritten(now time.Time, c *connection, rpc protocol.RPC, first bool) {
	if !c.ready {
		when := "before the negotiation had succeeded"
		if first {
			when = "as its first frame, before any negotiation"
		}
		j.violate(now, PropertyAuthBeforeRequest, fmt.Sprintf("%s wrote %v on c%d to %s %s", clientName(c.client), rpc, c.id, c.node, when))
	}
	j.wrote(now, c.pair, rpc)
	if asked := &j.queries[c.client]; rpc == protocol.RPCQueryConfig && asked.IsZero() {
		*asked = now
	}
}

// answered: the answer to a request reached the client.
func (j *judge) answered(now time.Time, c *connection, rpc protocol.RPC, code, query protocol.ErrorCode) {
	if c.ready && c.pair != nil && code == protocol.CodeOK {
		c.pair.served = now
	}
	if rpc == protocol.RPCQueryConfig && code == protocol.CodeOK && query == protocol.CodeOK {
		j.queries[c.client] = time.Time{}
	}
}

// executed: a server ran a request that arrived on c.
func (j *judge) executed(now time.Time, c *connection, node string, rpc protocol.RPC) {
	if j.scenario.mandatory() && (c == nil || !c.granted) {
		j.violate(now, PropertyAuthenticatedExecution, fmt.Sprintf("%s executed %v on a connection whose negotiation had not succeeded", node, rpc))
	}
}

// sessionReady: the reference client believes that its session to node is ready on c.
func (j *judge) sessionReady(now time.Time, client int, node string, c *connection) {
	switch {
	case c == nil:
		j.violate(now, PropertyFreshSession, fmt.Sprintf("%s holds its session to %s for ready without a connection", clientName(client), node))
	case !c.ready && !c.granted:
		j.violate(now, PropertyNoDowngrade, fmt.Sprintf("%s holds c%d to %s for authenticated, which the server never granted", clientName(client), c.id, node))
	case !c.ready:
		j.violate(now, PropertyFreshSession, fmt.Sprintf("%s holds c%d to %s for authenticated before success reached it", clientName(client), c.id, node))
	}
}

// negotiationFailed: a client told that a negotiation failed, age after its connection
// came up.
func (j *judge) negotiationFailed(node, code string, age time.Duration) {
	if j.restarts == 0 {
		return
	}
	for i := range j.signatures {
		s := &j.signatures[i]
		if s.err == code && s.node == node && (s.age-age).Abs() < signatureTolerance {
			s.count++
			return
		}
	}
	j.signatures = append(j.signatures, signature{err: code, age: age, node: node, count: 1})
}

// fault: a node goes down with requests in flight to it.
func (j *judge) fault(kind FaultKind, inFlight int) {
	j.begun(kind)
	j.restarts++
	j.inFlight += inFlight
}

// begun: a fault begins.
func (j *judge) begun(kind FaultKind) {
	j.faults[kind]++
	j.silent = j.silent || kind.Info().silent
}

// idle: a fault of the scenario does not begin.
func (j *judge) idle(f *Fault, why string) {
	j.idles = append(j.idles, IdleFault{Fault: f.Kind.String(), Node: f.Node, AtNS: int64(f.At), Why: why})
}

// serverClosed: a server gave a connection up, for its negotiation's deadline or else.
func (j *judge) serverClosed(deadline bool) {
	if deadline {
		j.serverGaveUp++
	}
}

// closed: the reference client gave a connection up.
func (j *judge) closed(why session.Reason) {
	switch why {
	case session.ReasonDialTimeout:
		j.meet(MetDialTimeout)
	case session.ReasonNegotiationTimeout:
		j.meet(MetNegotiationTimeout)
	case session.ReasonSilence:
		j.meet(MetSilence)
	}
}

// meet counts a situation.
func (j *judge) meet(m Met) { j.met[m]++ }

// meetHappened counts those that only the world sees.
func (j *judge) meetHappened(h world.Happened) {
	j.met[MetChallenge], j.met[MetFlowDropped], j.met[MetFlowRefused] = h.Challenges, h.Dropped, h.Refused
	j.met[MetBufferFull] = h.Held
}

// finish judges what can only be judged at the end.
func (j *judge) finish(now time.Time) {
	j.judgeConvergence(now)
	j.judgeRequests(now)
	for client, asked := range j.queries {
		if since := j.sinceFaults(now, asked); !asked.IsZero() && since > queryGrace {
			j.violate(now, PropertyLeaderFound, fmt.Sprintf("no leader has answered a meta query of %s since %v before the end", clientName(client), since.Round(time.Millisecond)))
		}
	}
}

// judgeRequests: what was asked when the faults were over has succeeded, and so has what
// was still waiting then.
func (j *judge) judgeRequests(now time.Time) {
	back := j.faultsOver.Add(j.scenario.reconnectBound() + j.scenario.lateHandshake())
	for _, op := range j.ops.all {
		switch {
		case op.abandoned:
		case op.returned.IsZero():
			if j.overdue(now, op) {
				j.violate(now, PropertyCompleteOnce, fmt.Sprintf("operation %d of %s was never completed, %v after its deadline", op.id, clientName(op.client), now.Sub(op.deadline)))
			}
		case op.outcome != session.OutcomeOK && j.owed(op) && !j.mayFail(op, back.Add(j.scenario.lookUpBound(op.partition))):
			j.violate(now, PropertyRequestsDrain, fmt.Sprintf("%s of %s, submitted %v after the last fault, ended %s (%s)",
				opWord(op.rpc), clientName(op.client), op.invoked.Sub(j.faultsOver).Round(time.Millisecond), outcomeWord(op.outcome), op.why))
		}
	}
}

// owed: requests-drain speaks of the operation. Of those that were submitted before the
// faults were over these are the ones that can only have waited: a write of unknown
// outcome was written, and lost.
func (j *judge) owed(op *operation) bool {
	switch {
	case !j.reference:
		due := j.faultsOver.Add(upstreamGrace) // a read that may run on beyond it can be asked again
		return !op.invoked.Before(due) || op.rpc.Retryable() && op.deadline.After(due) && op.returned.After(due)
	case !op.invoked.Before(j.faultsOver):
		return true
	}
	return op.returned.After(j.faultsOver) && (op.outcome == session.OutcomeFailed || op.rpc.Retryable())
}

// mayFail: the operation is outside what requests-drain promises. Its deadline was before
// clients are back, the reconnect bound and a handshake under way after the faults, and where
// its partition moved the bound of looking that up; or its client had been closed, or had its
// queue full, which has its defined answer; or there was no ticket or no port to be had; or it
// was submitted before progress was due, and a fault that ends connections without a word had
// left one that was still taken for alive: its own, or that to a meta, where its client's table
// was older than the move. One on which nothing has come since may be for longer than a session
// that is asked for may be missing.
func (j *judge) mayFail(op *operation, back time.Time) bool {
	if !j.reference {
		return false
	}
	if op.excused || j.lacksTicket(op) || op.deadline.Before(back) || op.portless && !op.invoked.After(j.portsFree()) {
		return true
	}
	due, old := j.scenario.progressBound(), op.at != nil && op.at.dialedAt.Before(j.faultsOver)
	if old && op.at.heardAt.Before(j.faultsOver) {
		due = max(due, unnoticed())
	}
	if !op.invoked.Before(j.faultsOver.Add(due)) {
		return false
	}
	return j.silent && (old || j.outdated(op) || !op.invoked.After(j.staleOver))
}

// advice is what a hollow run lacks, as lines of a scenario file.
func (j *judge) advice() string {
	const says = "a run in which nothing is violated counts only if a server goes down with a request under way to it and is connected to afterwards; "
	if j.restarts == 0 {
		return says + "add such as `fault at=5s restart node=replica-1 down=300ms`"
	}
	return says + "with a `fault at=5s restart node=replica-1 down=300ms`, `op at=4.99995s client=1 put partition=0 timeout=1s` is such a request"
}

// hollow says why a run that would be held proves nothing, or is empty.
func (j *judge) hollow() string {
	switch {
	case j.restarts == 0:
		return "no node was restarted"
	case j.reconnects == 0:
		return "no connection was established after a restart"
	case j.inFlight == 0:
		return "no request was in flight at a restart"
	}
	return ""
}
