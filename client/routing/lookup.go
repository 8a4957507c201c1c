// What the client tells of looking a table up, so that whoever watches need not guess why a
// meta is asked, and when one is not waited for any more. It decides nothing.

package routing

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
)

// QueryStep is one step of looking a table up.
type QueryStep uint8

// Steps. In brackets: the fields of the Effect that count beside Table.
const (
	QueryWanted QueryStep = iota + 1 // [Cause, Addr, After] the table is to be looked up; it is known again within After of when nothing goes wrong any more
	QueryAsked                       // [Addr, After] a meta is asked; its session writes the query when it can, and it has After to answer
	QueryInVain                      // [Addr, Reason] the meta asked last has not helped; ReasonNone: by what it answered
	QueryPause                       // [After] no meta has helped; at the latest after so long they are asked again
)

// Cause is why a table is to be looked up.
type Cause uint8

// Causes. In brackets: clauses of docs/spec.md.
const (
	CauseUnknown     Cause = iota + 1 // nothing is known of it [R10]
	CauseNoPrimary                    // it names no primary of a partition that is asked for [R10]
	CauseUnreachable                  // a server of it cannot be reached, or its connection was lost [R4, R6]
	CauseRefused                      // a server of it said that it does not serve a partition [R5]
	CauseUnanswered                   // a request's time ran out that had been written [R7]
)

var (
	queryStepNames = [...]string{0: "none", QueryWanted: "wanted", QueryAsked: "asked", QueryInVain: "in-vain", QueryPause: "pause"}
	causeNames     = [...]string{
		0: "none", CauseUnknown: "unknown", CauseNoPrimary: "no-primary", CauseUnreachable: "unreachable", CauseRefused: "refused",
		CauseUnanswered: "unanswered",
	}
)

// String is the step's name in traces.
func (s QueryStep) String() string {
	if int(s) < len(queryStepNames) {
		return queryStepNames[s]
	}
	return "undefined"
}

// String is the cause's name in traces.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "undefined"
}

// QueryWords is what a trace says of an EffectQuery: the step, the server that it is about,
// and the cause or reason; each empty where the step has none.
func (e *Effect) QueryWords() (step, server, why string) {
	if e.Addr.IsValid() {
		server = e.Addr.String()
	}
	switch e.Query {
	case QueryWanted:
		why = e.Cause.String()
	case QueryInVain:
		why = e.Reason.String()
	}
	return e.Query.String(), server, why
}

// LookUpBound is how long looking a table up takes at most once nothing goes wrong: what
// may have been begun before is given up (a pause, a query), and then a connection to a
// meta is made, and as many redirects followed as a round has.
func (c Config) LookUpBound() time.Duration {
	c = c.withDefaults()
	s := c.Session.WithDefaults()
	return c.RefreshInterval + c.RoundCap + s.BackoffCap + s.DialTimeout + s.NegotiationTimeout + time.Duration(len(c.Metas)+1)*c.MetaTimeout
}

// wanted tells that a table is to be looked up.
func (c *Core) wanted(i int, cause Cause, at netip.AddrPort, out []Effect) []Effect {
	return append(out, Effect{Kind: EffectQuery, Table: c.tables[i].name, Query: QueryWanted, Cause: cause, Addr: at, After: c.lookUpBound})
}

// inVain tells that the meta asked last has not helped, and asks the next.
func (c *Core) inVain(now time.Time, i int, why session.Reason, out []Effect) []Effect {
	t := &c.tables[i]
	out = append(out, Effect{Kind: EffectQuery, Table: t.name, Query: QueryInVain, Addr: c.metas[t.meta].addr, Reason: why})
	return c.askNext(now, i, out)
}
