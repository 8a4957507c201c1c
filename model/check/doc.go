// What the package is for and how it is used.

// Package check explores state machines exhaustively. A Model says what the states
// are, which steps lead from one to the next, which actions must not wait for ever and
// what must be true; Run looks into every reachable state, breadth first, and answers
// with a verdict, counts, and for each property that does not hold a shortest path, or
// a path and a fair cycle, that shows it.
//
// A model that wraps real code (a core with Clone and AppendState, composed with a
// small network) is a Model like any other: let S be a pointer to the composed world,
// clone it in Next before each step, and append the canonical bytes of its parts in
// AppendState. S is never changed by the search and never compared, only its bytes
// are; Next may be expensive, and Options.Workers spreads it over the processors, so
// it must not write to anything that two worlds share. Bounds (how many requests,
// crashes, retries) belong into the guards of actions, as budgets in the state: then
// the exploration ends by itself, and Complete says so.
//
// What is visited is remembered as a fingerprint of 64 bits. Result.Collision bounds
// the probability that two states were taken for one.
//
// Behaviours may stutter: stopping for ever is a behaviour wherever no fair action is
// enabled. A step that changes nothing is no step. Bounds that prune states instead of
// guarding actions would make liveness meaningless, so there are none
// (docs/decisions/0014-bounds-are-guards.md).
package check
