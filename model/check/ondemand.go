// On demand: one state and what can happen next, for somebody who looks around.

package check

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrNoSuchPath is wrapped by the errors of an Explorer that is asked for a state which
// the path given does not lead to.
var ErrNoSuchPath = errors.New("check: no such path")

// StateID names a state: the fingerprint of its canonical form, the same in every run
// and on every machine. As text it is sixteen hexadecimal digits.
type StateID uint64

// String returns the sixteen digits.
func (id StateID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// MarshalText is String.
func (id StateID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *StateID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil || len(text) != 16 {
		return fmt.Errorf("the name of a state is 16 hexadecimal digits, not %q", text)
	}
	*id = StateID(n)
	return nil
}

// Explorer shows a model one state at a time, without searching it. It keeps nothing
// between two calls: a state is found again by the path that leads to it, so a path can
// be written down, sent, and followed on another day. Its methods may be called from
// several goroutines.
type Explorer interface {
	// Actions returns every action of the model.
	Actions() []Action
	// Lanes returns who takes part in sequence diagrams, in the order in which they are
	// drawn. Signals name no other.
	Lanes() []string
	// Initial returns the distinct initial states.
	Initial() []Node
	// At returns the state at the end of path, which begins with an initial state and
	// has the states on the way. The error wraps ErrNoSuchPath.
	At(path []StateID) (View, error)
	// Draw returns the part of the state space that breadth-first search finds first, at
	// most limit states.
	Draw(limit int) Graph
}

// Node is a state as it is shown.
type Node struct {
	ID         StateID     `json:"id"`
	Fields     []Field     `json:"fields"` // empty where the model is no Describer
	Judgements []Judgement `json:"judgements"`
}

// Judgement is what one property says of a single state.
type Judgement struct {
	Property string `json:"property"`
	Kind     string `json:"kind"` // as Kind.String
	// Holds: of safety and deadlock, that this state does not violate it; of reachability,
	// that this is a wanted state; of liveness, that nothing is owed here: each goal of the
	// property is true, or what calls for it is not.
	Holds bool `json:"holds"`
}

// Branch is a step that can be taken, or was.
type Branch struct {
	Action  string   `json:"action"`
	Text    string   `json:"text"` // the step in words: the model's, else the name of the action
	To      Node     `json:"to"`
	Changes []Change `json:"changes"`
	Signals []Signal `json:"signals"` // the step in a sequence diagram
	Idle    bool     `json:"idle"`    // it leads back to the same state, which is no step
}

// View is a state, how it was reached, and every step out of it in the model's order.
type View struct {
	Start Node     `json:"start"`
	Path  []Branch `json:"path"` // the first step by which each state leads to the next
	Next  []Branch `json:"next"`
}

// Here returns the state at the end of the path.
func (v View) Here() Node {
	if len(v.Path) > 0 {
		return v.Path[len(v.Path)-1].To
	}
	return v.Start
}

// Graph is a small part of a state space.
type Graph struct {
	Nodes    []Node `json:"nodes"`    // nearest first
	Initial  int    `json:"initial"`  // so many of Nodes are initial states
	Edges    []Edge `json:"edges"`    // in the order of their sources; steps that change nothing are left out
	Complete bool   `json:"complete"` // there is nothing else
}

// Edge is a step between two nodes of a Graph, by index.
type Edge struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Action string `json:"action"`
	Text   string `json:"text"`
}
