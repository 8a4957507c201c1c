// What this specification covers, and how its clauses are numbered.

// Package timeouts specifies how the deadlines of client and server fit together: after
// the last restart one client has one query to ask and tries it again until it is
// answered. It says at which age a negotiation fails, with which error, and for which
// deadlines it can succeed at all. docs/spec/tla/Timeouts.tla says the same in TLA+; for
// every assignment of the constants both have the same number of distinct states and the
// same verdicts. docs/timeouts.md draws the conclusions for users.
//
// Time is discrete: one tick is one second. Messages take no time; the server takes D
// seconds to answer each message of a negotiation. Every timer is a countdown, so that
// the state space is finite without a clock. Whatever is due at an instant happens, in
// every order, before time goes on.
//
// Two clients are specified. "conn" is the reference client: authentication is a state
// of the connection. "session" is upstream's client up to 2.5.0, which keeps it in a flag
// of the session that nothing resets; after the restart it is still set.
//
// Clauses are numbered: T1 to T9 the client, T10 to T17 the server, T20 to T22 time, T30
// to T39 the properties. Nothing in this package is without a clause but the state itself
// and what shows it to people.
//
// The specification to read is client.go and server.go, in this order, then clock.go and
// properties.go, a page each; state.go has the words that they use. The rest are no rules:
// constants.go says what can be chosen, model.go lists the actions with their fairness,
// rest.go which of them may never happen with which constants; words.go is states and
// steps in words, sequence.go is steps as a diagram.
//
// Not covered: several queries at once, several servers (another meta is only a time
// spent elsewhere), time that messages take, fractions of a second, and backoff that grows.
package timeouts
