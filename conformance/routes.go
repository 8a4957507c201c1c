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
	rowWants
	rowAsked
	rowInVain
	rowPauses
	rowLooksOn
	rowReturns
	rowCrashes
	rowDecides
)

var routeRows = [...]routeRow{
	rowLeads: {"a meta takes somebody for the leader", trace.KindLeader, []action{"elect", "step-down", "learn", "rumour", "crash-meta", "start-meta"},
		[]string{"R24", "R25", "R26", "R27", "R28"}, "it listens, and somebody does where it says; from here on it answers so"},
	rowAsks: {"the client writes a query", trace.KindFrameOut, []action{"ask", "next-round", "query-timeout-early"}, []string{"R11", "R12", "R14", "R15"},
		"no other query waits that is young and whose connection is up; a redirect is followed where that meta could be asked; in one round no meta is asked twice on one connection while another could be asked"},
	rowReads: {"the client reads what a meta answers", trace.KindFrameIn, []action{"answer", "answer-oddly", "take-answer", "query-timeout-early"},
		[]string{"R20", "R21", "R23"}, "that meta took so and so for the leader while it was asked; a ballot has one primary"},
	rowLoses: {"the connection of a query is over", trace.KindClosed, []action{"query-timeout-early"}, []string{"R15"}, "nothing; another meta may be asked"},
	rowKnows: {"the client tells what it knows of a table", trace.KindTable, []action{"take-answer"}, []string{"R13"},
		"an answer that it read said so, and no answer before it had a higher ballot"},
	rowRoutes: {"the client writes a request to a replica", trace.KindFrameOut, []action{"submit", "route", "write"}, []string{"R2", "R3", "R7"},
		"that server is the primary of the request's partition in the table that the client knows; what is left of its time is what is left to a call"},
	rowServed: {"the client reads that a request was executed", trace.KindFrameIn, []action{"serve"}, []string{"R22"},
		"since the request was written that server was once the primary, as far as any answer or decision says"},
	rowWants: {"the client tells that a table is to be looked up", trace.KindQuery, []action{"submit", "node-down", "take", "lose"},
		[]string{"R10", "R4", "R5", "Q4"}, "for a reason that the trace shows; it tells so wherever there is one, and the same bound each time"},
	rowAsked: {"the client tells that it asks a meta", trace.KindQuery, []action{"ask", "take-answer"}, []string{"R10", "R11", "R14", "Q2", "R12"},
		"there is something to look up, no other meta is waited for, and this one was not asked in this round; a redirect has been followed; not too many have; a pause is over"},
	rowInVain: {"the client tells that a meta has not helped", trace.KindQuery, []action{"query-fails", "query-timeout-early", "take-answer"},
		[]string{"R15", "R13", "R14"}, "it was asked, and its time is over, or what it answered does not help; then another is asked, or the client pauses"},
	rowPauses: {"the client tells that a round is over", trace.KindQuery, []action{"next-round"}, []string{"R12"},
		"every meta that it knows has been asked, or has a session that waits to reconnect"},
	rowLooksOn: {"a table is looked up, and nothing goes wrong", trace.KindQuery, []action{"ask", "answer", "take-answer"}, []string{"Q4"},
		"it is known within the time that the client tells"},
	rowReturns: {"a call returns", trace.KindReturn, []action{"serve", "take", "request-timeout-early"}, []string{"Q5", "R5", "R7"},
		"in its time, as a call returns, with an answer or error that was read; with an answer, where it was made when nothing had gone wrong for so long that the client had found its table"},
	rowCrashes: {"a server does something, or the client reads an answer", trace.KindFrameIn, []action{"crash-node", "start-node"}, []string{"R29"},
		"the server is up, and has not been down since it was asked without having answered"},
	rowDecides: {"a meta tells that it has moved partitions", trace.KindTable, []action{"move"}, []string{"R23"},
		"a ballot has one primary"},
}
