// What a search found out.

package check

import "time"

// Verdict of a search.
type Verdict uint8

// Verdicts.
const (
	Held         Verdict = iota + 1 // everything was searched, every property holds, no action is dead
	Violated                        // at least one property does not hold
	Inconclusive                    // the search ended early without a violation, or actions are dead
)

// String returns the verdict as it is written in reports.
func (v Verdict) String() string {
	switch v {
	case Held:
		return "held"
	case Violated:
		return "violation"
	case Inconclusive:
		return "inconclusive"
	}
	return "unknown"
}

// Result of a search. Everything but Elapsed and Memory is the same for the same
// model and options, whatever the number of workers, unless a limit ended the search.
type Result[S any] struct {
	Verdict    Verdict
	Violations []Violation[S] // in the order of the model's properties
	Distinct   uint64         // states
	Generated  uint64         // initial states and steps, repeated ones included
	Depth      int            // levels; the initial states are one
	Complete   bool           // every reachable state was looked into
	Stopped    string         // why the search ended early, "" if it did not
	// Unjudged are liveness properties that are neither known to be violated nor known to
	// hold in the states that were found: the search ended before that was looked into. The
	// others were judged, of a search that is not Complete on the states that were reached.
	Unjudged   []string
	Actions    []ActionCount // how often each action was taken, in the order of the model's actions
	OutDegree  OutDegree
	NeverFired []string // actions that no reachable state can take, by name; meaningful where Complete
	// Dead are those of NeverFired of which the model does not say that they may rest. What
	// a specification says of them was never tried, so that it is not known to hold. It is
	// judged where nothing else is wrong and Options ask for it.
	Dead      []string
	Collision float64 // upper estimate of the probability that two states shared a fingerprint
	Workers   int
	Elapsed   time.Duration
	Memory    Memory
}

// ActionCount is how many steps by an action there are between distinct states, those
// that change nothing left out.
type ActionCount struct {
	Name  string `json:"name"`
	Steps uint64 `json:"steps"`
}

// Memory of a search, in bytes at the end of it. The heap holds more than their sum: states
// that wait to be looked into, steps of a batch, lists that grow, and garbage.
type Memory struct {
	Visited uint64 // fingerprints, numbers and parents
	Edges   uint64 // steps and marks of states, kept only where a liveness property is looked at
	Scratch uint64 // of the search for cycles, at its largest; the same
}

// PerState returns the bytes of the visited set, parents included, per distinct state.
func (r *Result[S]) PerState() float64 {
	if r.Distinct == 0 {
		return 0
	}
	return float64(r.Memory.Visited) / float64(r.Distinct)
}

// Violation is a property that does not hold, with a behaviour that shows it.
type Violation[S any] struct {
	Property string
	Kind     Kind
	// Trace is a real path from an initial state. It is empty for Reachability, of
	// which only the whole state space is a witness.
	Trace []TraceStep[S]
	// Cycle is, of a Liveness violation, the index in Trace of the state to which
	// the last step returns; the steps after it repeat for ever. The cycle is fair.
	// It is -1 for the other kinds.
	Cycle int
	// Stutter says that the behaviour stops at the end of Trace, where nothing that
	// must happen can happen. Cycle is then the index of the last state.
	Stutter bool
}

// TraceStep is one state of a trace and the step that led to it.
type TraceStep[S any] struct {
	Action  string // name of the action, "" for the initial state
	Text    string // the step in words: the model's, else the name of the action
	State   S
	ID      StateID  // of State; the IDs of a trace are a path for an Explorer
	Changes []Change // what differs from the state before; in the first step every field
}

// Change is a field of a state before and after a step. Before is "" where the field
// was not there, and After is "" where it is no longer.
type Change struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}
