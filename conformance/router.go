// model/routing as the validator uses it: its own steps, taken by name, with budgets that
// never run out, for one partition.

package conformance

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/routing"
)

const (
	// namedMetas is how many metas of a trace have a name in the specification. The one
	// after them leads where no meta of the trace does.
	namedMetas = routing.MaxMetas - 1
	unseenMeta = uint8(routing.MaxMetas)
	theRequest = uint8(1)
)

// to is an action and what it is of.
type to struct {
	action action
	of     uint8
}

// router takes steps of model/routing.
type router struct {
	model   *routing.Model
	numbers map[to]int
	scratch []check.Step[routing.State]
}

func newRouter() (*router, error) {
	c := routing.Default()
	c.Metas, c.Known, c.Nodes, c.Parts, c.NReq = routing.MaxMetas, namedMetas, routing.MaxNodes, 1, 1
	c.Moves, c.Elections, c.Splits, c.Crashes, c.Earlies = budget, budget, budget, budget, budget
	m, err := routing.New(c)
	if err != nil {
		return nil, err
	}
	x := &router{model: m, numbers: make(map[to]int)}
	for i, a := range m.Actions() {
		name, of, _ := strings.Cut(strings.TrimSuffix(a.Name, ")"), "(")
		n, _ := strconv.Atoi(of) // an action that is of nothing has no number
		x.numbers[to{action(name), uint8(n)}] = i
	}
	return x, nil
}

// walk takes actions one after another and returns every state that they lead to.
func (x *router) walk(from routing.State, way ...to) []routing.State {
	set := []routing.State{from}
	for _, step := range way {
		number, known := x.numbers[step]
		if !known {
			return nil
		}
		var next []routing.State
		for i := range set {
			x.scratch = x.model.Next(set[i], x.scratch[:0])
			for k := range x.scratch {
				if s := &x.scratch[k]; s.Action == number {
					s.State.Moves, s.State.Elections, s.State.Splits, s.State.Crashes, s.State.Earlies = budget, budget, budget, budget, budget
					next = append(next, s.State)
				}
			}
		}
		set = next
	}
	return set
}

// one is walk where it leads to one state at most.
func (x *router) one(from routing.State, way ...to) (routing.State, bool) {
	set := x.walk(from, way...)
	if len(set) == 0 {
		return from, false
	}
	return set[0], true
}

// ask has the client ask a meta, for a reason that the trace need not show: where nothing
// is to be looked up a request waits for what is not known, or at a node that is down.
func (x *router) ask(s routing.State, n uint8) (routing.State, bool) {
	if t, ok := x.one(s, to{"ask", n}); ok {
		return t, true
	}
	t, ok := x.one(s, to{"submit", theRequest})
	if routed, known := x.one(t, to{"route", theRequest}); known {
		at := routed.Requests[0].Node
		t, ok = x.one(routed, to{"crash-node", at}, to{"node-down", theRequest}, to{"start-node", at})
	}
	if !ok {
		return s, false
	}
	return x.one(t, to{"ask", n}, to{"request-timeout-early", theRequest})
}

// stale has the table be one that is to be looked up: a request waits for what is not
// known, or at a node that is down. What the trace shows is the same to the specification.
func (x *router) stale(s routing.State) routing.State {
	if s.Stale || s.Requests[0].Step == routing.Unrouted {
		return s
	}
	t, _ := x.one(s, to{"submit", theRequest})
	routed, known := x.one(t, to{"route", theRequest})
	if !known {
		return t
	}
	at := routed.Requests[0].Node
	t, _ = x.one(routed, to{"crash-node", at}, to{"node-down", theRequest}, to{"start-node", at}, to{"request-timeout-early", theRequest})
	return t
}

// known has no request wait for the table any more.
func (x *router) known(s routing.State) routing.State {
	if s.Requests[0].Step == routing.Unrouted {
		s, _ = x.one(s, to{"request-timeout-early", theRequest})
	}
	return s
}

// believe has meta n take another, itself or nobody (0) for the leader. The query goes on:
// a meta that loses sight of the leader is here one that crashed and came back.
func (x *router) believe(s routing.State, n, leader uint8) (routing.State, bool) {
	query := s.Query
	var way []to
	if s.Leader == n && leader != n { // somebody else leads, whoever it is: not one that has not told so
		next := leader
		if next == 0 || s.Hint[next-1] != next {
			next = unseenMeta
		}
		var ok bool
		if s, ok = x.one(s, to{"elect", next}); !ok {
			return s, false
		}
	}
	switch {
	case s.Hint[n-1] == leader && (leader != n || s.Leader == n):
		return s, true
	case leader == n:
		way = []to{{"elect", n}}
	case leader == 0:
		way = []to{{"crash-meta", n}, {"start-meta", n}}
	default:
		if s.Hint[n-1] == n {
			if s, _ = x.one(s, to{"step-down", n}); s.Hint[n-1] == leader {
				return s, true
			}
		}
		way = []to{{"learn", n}}
		if s.Leader != leader {
			way[0].action = "rumour"
		}
	}
	for _, t := range x.walk(s, way...) {
		if t.Hint[n-1] == leader {
			t.Query, t.Again = query, s.Again
			return t, true
		}
	}
	return s, false
}

// reconnect has the client's connection to meta n be a new one: there it is a meta that
// crashed and came back. What it believes, and the query, are as they were.
func (x *router) reconnect(s routing.State, n uint8) routing.State {
	back, ok := x.one(s, to{"crash-meta", n}, to{"start-meta", n})
	if !ok {
		return s
	}
	back.Hint, back.Frozen, back.Query = s.Hint, s.Frozen, s.Query
	return back
}

// addState appends a state that is not there.
func addState(set []routing.State, s routing.State) []routing.State {
	if slices.Contains(set, s) {
		return set
	}
	return append(set, s)
}
