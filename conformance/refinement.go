// The refinement map: what each event of a trace is in model/session. A row is one kind
// of event at one end; its actions are the specification's, its inserts are actions of the
// specification that no trace shows. docs/conformance.md has this table; a test compares.

package conformance

import "github.com/a8011091/pegasus-reference/trace"

// side is where an event happens.
type side uint8

const (
	atClient side = iota
	atServer
)

// row says what one kind of event is.
type row struct {
	at      side
	kind    trace.Kind
	when    func(*trace.Event) bool // which of that kind; nil: all
	name    string
	actions []action // that the event is; none: the state stays, and has to be as clauses say
	clauses []string // of docs/spec.md, the one that a refusal names first
	demand  string   // what has to be true, in words

	always   []insert                 // may come before
	ifNeeded []insert                 // tried where nothing explains the event without
	facts    func(*moment) *objection // what the trace itself must have shown before; changes it
	explain  func(*moment, *possible) []possible
	why      func(*moment, *possible) *objection // which clause a state breaks
}

// objection is why an event is refused.
type objection struct {
	clause string
	text   string
}

var refinement = []row{
	{
		at: atServer, kind: trace.KindListen, name: "a server listens",
		actions: []action{actStart}, clauses: []string{"S39"},
		demand: "it was down; from here on, but not at once, it accepts",
		facts:  listens, explain: stays, why: unexplained,
	}, {
		at: atServer, kind: trace.KindNodeDown, name: "a server dies",
		actions: []action{actCrash, actCrashUnnoticed}, clauses: []string{"S37", "S38"},
		demand: "it was up; told or, for power loss, not",
		always: []insert{insStart, insAccept}, facts: nothing, explain: dies, why: unexplained,
	}, {
		at: atClient, kind: trace.KindDial, name: "a client dials",
		actions: []action{actDial}, clauses: []string{"S7", "P3"},
		demand: "the session has no connection, and wants one",
		always: []insert{insWish}, ifNeeded: []insert{insServe, insServer},
		facts: nothing, explain: dials, why: hasConnection,
	}, {
		at: atClient, kind: trace.KindConnected, name: "the client's handshake is done",
		actions: []action{actAccept}, clauses: []string{"S21", "S20"},
		demand: "somebody listened since the dial, on no port that the server still holds",
		always: []insert{insStart, insAccept}, ifNeeded: []insert{insServer},
		facts: isConnected, explain: comesUp, why: nobodyListens,
	}, {
		at: atClient, kind: trace.KindDialFailed, name: "the client's dial fails",
		actions: []action{actRefused, actAccept, actNegotiationTimeoutEarly}, clauses: []string{"S9", "S20", "S21"},
		demand:   "nobody listened; after a timeout, without a free port, or where a firewall resets it: or the client gave up (S18) before it knew",
		ifNeeded: []insert{insServer}, facts: dialIsOver, explain: dialFails, why: somebodyListens,
	}, {
		at: atServer, kind: trace.KindAccept, name: "a server accepts",
		actions: []action{actAccept}, clauses: []string{"S21"},
		demand: "the client has dialed",
		always: []insert{insStart, insAccept}, facts: isAccepted, explain: isHeld, why: notDialed,
	}, {
		at: atClient, kind: trace.KindFrameOut, when: isNegotiation, name: "the client writes a negotiation message",
		clauses: []string{"S17", "S8"},
		demand:  "it is the one that S8 or S17 has just called for",
		facts:   writesNegotiation, explain: isDue, why: notDue,
	}, {
		at: atClient, kind: trace.KindFrameOut, name: "the client writes a request",
		actions: []action{actSubmit, actRetry}, clauses: []string{"P1", "S4", "S5"},
		demand: "negotiation has succeeded on this connection",
		facts:  writesRequest, explain: submitted, why: tooEarly,
	}, {
		at: atServer, kind: trace.KindFrameIn, name: "a server reads a frame",
		clauses: []string{"S24"},
		demand:  "the client wrote it as it is read, and it is the next",
		facts:   serverReads, explain: isHeld, why: serverForgot,
	}, {
		at: atServer, kind: trace.KindFrameOut, when: isNegotiation, name: "a server answers a negotiation message",
		actions: []action{actServe}, clauses: []string{"S34", "S35"},
		demand: "it is the message waited for; the last answer, and no other, is success",
		facts:  answersNegotiation, explain: servesNegotiation, why: outOfOrder,
	}, {
		at: atServer, kind: trace.KindExecute, name: "a server executes a request",
		actions: []action{actServe}, clauses: []string{"S32", "S33"},
		demand: "the connection is authenticated, and has the principal of its client to show",
		facts:  executes, explain: servesRequest, why: notAuthenticated,
	}, {
		at: atServer, kind: trace.KindFrameOut, name: "a server answers a request",
		actions: []action{actServe}, clauses: []string{"S33", "S32"},
		demand: "it has executed it, or refuses it",
		facts:  answersRequest, explain: answersOrRefuses, why: neitherNor,
	}, {
		at: atClient, kind: trace.KindFrameIn, when: isNegotiation, name: "the client reads a negotiation answer",
		actions: []action{actReceive}, clauses: []string{"S17", "S24"},
		demand:   "it is the answer that is waited for",
		ifNeeded: []insert{insServer}, facts: clientReads, explain: negotiates, why: notWaitedFor,
	}, {
		at: atClient, kind: trace.KindFrameIn, name: "the client reads an answer",
		actions: []action{actReceive}, clauses: []string{"S15", "S16", "S24"},
		demand:   "it answers a request of this connection, and is the next",
		ifNeeded: []insert{insServer}, facts: clientReads, explain: answered, why: notWaitedFor,
	}, {
		at: atClient, kind: trace.KindClosed, name: "the client sees its connection end",
		actions: []action{actReceive, actNegotiationTimeoutEarly, actRequestTimeoutEarly}, clauses: []string{"S14", "S24"},
		demand:   "the server's end is gone; a reset may overtake answers; after a timeout, or where a firewall resets it: as if the client closed",
		ifNeeded: []insert{insServer}, facts: clientEnd, explain: ends, why: serverHoldsIt,
	}, {
		at: atClient, kind: trace.KindClose, name: "the client closes its connection",
		actions:  []action{actNegotiationTimeout, actNegotiationTimeoutEarly, actRequestTimeout, actRequestTimeoutEarly, actRefused},
		clauses:  []string{"S19c", "S18", "S25"},
		demand:   "a negotiation, a dial or a request without an answer is given up",
		ifNeeded: []insert{insServer}, facts: clientEnd, explain: gaveUp, why: noReason,
	}, {
		at: atServer, kind: trace.KindClosed, name: "a server sees a connection end",
		actions: []action{actServe}, clauses: []string{"S30", "S25"},
		demand: "the client's end is gone",
		facts:  serverEnd, explain: readsFIN, why: clientHoldsIt,
	}, {
		at: atServer, kind: trace.KindClose, name: "a server closes a connection",
		actions: []action{actServe, actGiveUp}, clauses: []string{"S35", "S36"},
		demand: "after an offence, or while it negotiates; or the server is dead (S37) or at a limit",
		facts:  serverEnd, explain: hangsUp, why: noOffence,
	}, {
		at: atServer, kind: trace.KindSession, name: "a server falls silent on a connection",
		actions: []action{actServe}, clauses: []string{"S35", "S33"},
		demand: "server hang, after an offence",
		facts:  nothing, explain: fallsSilent, why: noOffence,
	}, {
		at: atClient, kind: trace.KindSession, name: "the client tells its session's state",
		clauses: []string{"P2", "S7", "S10"},
		demand:  "dialing, negotiating, ready, or without a connection: as the specification has it",
		facts:   tells, explain: isAsTold, why: notAsTold,
	},
}

// stuttering lists the events that change nothing in the specification, with the reason.
var stuttering = []struct {
	kind trace.Kind
	why  string
}{
	{trace.KindNodeUp, "a process runs; the specification's server is up when it listens"},
	{trace.KindBytes, "bytes become frames; those are held against what arrived (S24)"},
	{trace.KindTimer, "what a timer leads to is an event of its own, or nothing"},
	{trace.KindNegotiation, "a client's own account of what the frames show"},
	{trace.KindInvoke, "which session serves a call is routing; that it returns once is held (S1, P4)"},
	{trace.KindReturn, "the same"},
	{trace.KindFault, "what a fault does to a process or connection is an event of its own; a connection that a firewall resets ends as after a timeout"},
	{trace.KindVerdict, "somebody's opinion"},
	{trace.KindPost, "the simulator's own"},
	{trace.KindTable, "what a client knows of a table is routing"},
	{trace.KindLeader, "who leads is routing"},
	{trace.KindChallenge, "the network's affair: the dial goes on"},
	{trace.KindQuery, "how a client looks a table up is routing"},
}

// rowOf finds the row of an event; nil: it stutters.
func rowOf(at side, ev *trace.Event) *row {
	for i := range refinement {
		if r := &refinement[i]; r.kind == ev.Kind && r.at == at && (r.when == nil || r.when(ev)) {
			return r
		}
	}
	return nil
}
