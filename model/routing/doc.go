// What this specification covers, and how its clauses are numbered.

// Package routing specifies how a client finds the leader among the meta servers, keeps
// its table of partitions, and gives each request to the server that is the primary of
// its partition, while leaders change, partitions move, hosts crash, and metas believe
// different things. docs/spec/tla/Routing.tla says the same in TLA+; for every assignment
// of the constants both have the same number of distinct states and the same verdicts.
//
// Time is abstract, and faults use up budgets, as in package session. A connection is
// seen only in what it does to a request: waits for it, written, or lost with it; the
// rest is package session's.
//
// The truth is who leads, and for each partition the history of its primaries: the n-th
// entry is the configuration with ballot n. Metas hold beliefs about the leader; one that
// was deposed and does not know it answers with the table of that moment.
//
// Clauses are numbered: R1 to R15 the client, R20 to R29 metas and nodes, Q1 to Q5 the
// properties, Q10 to Q17 what must be reachable. Nothing in this package is without a
// clause but the state itself and what shows it to people.
//
// The specification to read is requests.go, queries.go and servers.go, in this order, then
// properties.go; state.go has the words that they use. The rest are no rules: constants.go
// says what can be chosen, model.go lists the actions with their fairness, rest.go which of
// them may never happen with which constants; words.go is states and steps in words,
// sequence.go is steps as a diagram.
//
// Not covered: several tables, partition counts that change (splits), tables that are
// dropped, access lists, reads (they may be sent again where a write may not), storage,
// and quantities of time.
package routing
