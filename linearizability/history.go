// Package linearizability decides whether what applications were told can have come from
// one copy of the data on which every operation took effect at one instant between its
// invocation and its return. Herlihy and Wing, "Linearizability: a correctness condition
// for concurrent objects", TOPLAS 1990; the search is porcupine's.
package linearizability

import "fmt"

// Kind is what an operation does to its record.
type Kind uint8

// Kinds.
const (
	Get Kind = iota + 1
	Put
	Remove
	TTL
)

// kindNames is indexed by Kind; nothing writes it.
var kindNames = [...]string{Get: "get", Put: "put", Remove: "remove", TTL: "ttl"}

// String returns the kind as callers say it.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "unknown kind"
	}
	return kindNames[k]
}

// IsWrite says that the operation changes its record.
func (k Kind) IsWrite() bool { return k == Put || k == Remove }

// Outcome is what is known of an operation's effect.
type Outcome uint8

// Outcomes.
const (
	OK      Outcome = iota + 1 // it took effect, and its result is known
	Failed                     // it had no effect
	Unknown                    // it may have taken effect, or may yet; also one that never returned
)

// Operation is one call of an application on one record.
type Operation struct {
	Client  int    // who called; shown, and of no weight otherwise
	ID      uint64 // shown
	Kind    Kind
	HashKey string
	SortKey string

	Value    string // put: what it writes
	ExpireNS int64  // put: when the record expires, on the history's clock; 0: never

	InvokeNS int64
	ReturnNS int64 // where Outcome is OK: not before InvokeNS
	Outcome  Outcome

	// The result, where Outcome is OK.
	Found      bool   // get and ttl: there was a record
	Result     string // get: its value
	TTLSeconds int32  // ttl: seconds until it expires, -1: never
}

// History is the operations of a run, in any order. Every record is absent when it begins.
type History []Operation

// HistoryError says which operation of a history contradicts itself.
type HistoryError struct {
	ID  uint64
	Why string
}

// Error implements error.
func (e *HistoryError) Error() string {
	return fmt.Sprintf("check history: operation %d %s", e.ID, e.Why)
}

// validate returns a *HistoryError for the first operation that contradicts itself.
func (h History) validate() error {
	for i := range h {
		op := &h[i]
		switch {
		case op.Kind < Get || op.Kind > TTL:
			return &HistoryError{ID: op.ID, Why: "is of no kind; set Kind"}
		case op.Outcome < OK || op.Outcome > Unknown:
			return &HistoryError{ID: op.ID, Why: "has no outcome; one that is still running is Unknown"}
		case op.Outcome == OK && op.ReturnNS < op.InvokeNS:
			return &HistoryError{ID: op.ID, Why: "returned before it was invoked; record both instants on one clock"}
		}
	}
	return nil
}
