// The refinement map of routing proper: what each event is in model/routing beside the
// lives of requests (lives.go). The specification is seen once for each client, table and
// partition, with three metas that have names, a fourth for whoever leads unseen, and one
// request, which is submitted, routed and written anew for each that the trace shows.
// docs/conformance.md has these tables; a test compares.

package conformance

import "github.com/a8011091/pegasus-reference/trace"

// routeRow says what one kind of event is.
type routeRow struct {
	name    string
	kind    trace.Kind
	actions []action
	clauses []string // the one that a refusal names where it has no better first
	demand  string
}

// Rows of the map, by what happens.
const (
	rowLeads = iota
	rowAsks
	rowReads
	rowLoses
	rowKnows
	rowRoutes
	rowServed
)

var routeRows = [...]routeRow{
	rowLeads: {"a meta takes somebody for the leader", trace.KindLeader, []action{"elect", "step-down", "learn", "rumour", "crash-meta", "start-meta"},
		[]string{"R24", "R25", "R26", "R27", "R28"}, "nothing; from here on it answers so"},
	rowAsks: {"the client writes a query", trace.KindFrameOut, []action{"ask", "next-round", "query-timeout-early"}, []string{"R11", "R12", "R14", "R15"},
		"no other query waits that is young and whose connection is up; a redirect is followed where that meta could be asked; in one round no meta is asked twice on one connection while another could be asked"},
	rowReads: {"the client reads what a meta answers", trace.KindFrameIn, []action{"answer", "answer-oddly", "take-answer", "query-timeout-early"},
		[]string{"R20", "R21", "R23"}, "that meta took so and so for the leader while it was asked; a ballot has one primary"},
	rowLoses: {"the connection of a query is over", trace.KindClosed, []action{"query-timeout-early"}, []string{"R15"}, "nothing; another meta may be asked"},
	rowKnows: {"the client tells what it knows of a table", trace.KindTable, []action{"take-answer"}, []string{"R13"},
		"an answer that it read said so, and no answer before it had a higher ballot"},
	rowRoutes: {"the client writes a request to a replica", trace.KindFrameOut, []action{"submit", "route", "write"}, []string{"R2", "R3"},
		"that server is the primary of the request's partition in the table that the client knows"},
	rowServed: {"the client reads that a request was executed", trace.KindFrameIn, []action{"serve"}, []string{"R22"},
		"since the request was written that server was once the primary, as far as any answer says"},
}

// notJudged lists the clauses of model/routing that no event of a trace decides, and why.
var notJudged = []struct{ clause, why string }{
	{"R4", "that a client looks its table up again is seen, why it does is not"},
	{"R10", "the same: any query may be called for"},
	{"R29", "whether a node is up is the session's (S37); what is lost with it is R6"},
	{"Q2", "follows from R14, which is held at each redirect"},
	{"Q4", "from some point on always: no trace is long enough"},
	{"Q5", "sooner or later: the same"},
}
