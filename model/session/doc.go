// What this specification covers, and how its clauses are numbered.

// Package session specifies how a client holds its session to one server address: its
// connections one after another, the negotiation on each, the requests that wait for
// it or are written, the timers, and what crashes and restarts of the server do to all
// of that. docs/spec/tla/Session.tla says the same in TLA+; for every assignment of
// the constants both have the same number of distinct states and the same verdicts.
//
// Time is abstract. A timer fires when what it waits for can no longer come (it is
// due, and fair), or early, which uses up a finite budget. Faults use up budgets as
// well, so that every behaviour has a last fault; after it progress is required.
//
// Three clients are specified. "conn" is the reference client: authentication is a
// state of the connection. "session" is upstream's client up to 2.5.0, which keeps it
// in a flag of the session that nothing resets, and "reset" is upstream's repair, which
// resets that flag some time after the connection has closed. Where they differ a
// clause says so.
//
// With the constant Metas=2 there are two such sessions, one to each of two metas, and a
// query moves from one to the other (Pair). What leads a client from one meta to another
// beside an attempt that has failed is in model/routing.
//
// Clauses are numbered: S1 to S19 the client, S20 to S25 the network, S30 to S41 the
// server, S45 and S46 errors that the client does not expect, S50 to S58 defects, S60 to
// S62 two metas, P1 to P8 the properties. Nothing in this package is without a clause but
// the state itself and what shows it to people.
//
// The specification to read is client.go, connections.go and server.go, in this order,
// then properties.go; state.go has the words that they use. pair.go adds the second meta,
// defects.go what implementations got wrong. The rest are no rules: constants.go says
// what can be chosen, model.go lists the actions with their fairness, rest.go which of
// them may never happen with which constants; words*.go are states and steps in words,
// sequence.go is steps as a diagram.
//
// Not covered: more servers than two, other tables than one, quantities of time, the content
// of messages, reordering or loss inside a connection (TCP excludes it), and more
// requests, connections or faults than the constants say.
package session
