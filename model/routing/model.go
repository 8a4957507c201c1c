// The specification as a model: its actions with their fairness, and the steps from a state.

package routing

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Model is the specification for one assignment of its constants.
type Model struct {
	Constants
	actions []check.Action
	number  [rules][MaxMetas + 1]int // index of an action, by rule and request, meta or node
	meaning []meaning                // of each action
}

// meaning of an action: which rule, and of which request, meta, node or partition; 0
// where it is of none.
type meaning struct {
	rule rule
	of   uint8
}

// rule is one of the rules below; each is one action, or one for each of what it is of.
type rule uint8

const (
	submit rule = iota
	route
	write
	nodeDown
	take
	lose
	requestTimeoutEarly
	ask
	nextRound
	takeAnswer
	queryFails
	queryTimeoutEarly
	answer
	answerOddly
	serve
	move
	elect
	stepDown
	learn
	rumour
	crashMeta
	startMeta
	crashNode
	startNode
	rules int = iota
)

// New returns the specification, or a *ConstantError.
func New(constants Constants) (*Model, error) {
	if err := constants.check(); err != nil {
		return nil, err
	}
	m := &Model{Constants: constants}
	m.listActions()
	return m, nil
}

// Initial returns the one initial state: everything is up, meta 1 leads and all know it,
// node 1 is the primary of every partition, and the client knows its metas only.
func (m *Model) Initial() []State {
	s := State{
		Moves: uint8(m.Moves), Elections: uint8(m.Elections), Splits: uint8(m.Splits),
		Crashes: uint8(m.Crashes), Earlies: uint8(m.Earlies),
		Leader: 1, MetaUp: 1<<m.Metas - 1, NodeUp: 1<<m.Nodes - 1, Known: 1<<m.Known - 1,
	}
	for p := range m.Parts {
		s.History[p] = string([]byte{1})
	}
	for n := range m.Metas {
		s.Hint[n] = 1
	}
	return []State{s}
}

// Actions returns the actions that the constants allow.
func (m *Model) Actions() []check.Action { return m.actions }

// listActions builds the list. Whatever a machine does by itself is weakly fair; which
// meta is asked next is nobody's to demand, only that one is. What the environment
// chooses is not fair.
func (m *Model) listActions() {
	for r := range m.NReq {
		m.add(submit, r+1, "submit(%d)", "", check.Unfair, true)
		m.add(route, r+1, "route(%d)", "", check.Weak, true)
		m.add(write, r+1, "write(%d)", "", check.Weak, true)
		m.add(nodeDown, r+1, "node-down(%d)", "", check.Weak, m.Crashes > 0)
		m.add(serve, r+1, "serve(%d)", "", check.Weak, true)
		m.add(take, r+1, "take(%d)", "", check.Weak, true)
		m.add(lose, r+1, "lose(%d)", "", check.Weak, m.Crashes > 0)
		m.add(requestTimeoutEarly, r+1, "request-timeout-early(%d)", "", check.Unfair, m.Earlies > 0)
	}
	learns := check.Unfair
	if m.Learn {
		learns = check.Weak
	}
	for n := range m.Metas {
		// Meta 1 leads at first and has to be deposed to follow; another has to be elected first.
		deposed := m.Elections > 1 || m.Elections > 0 && n == 0
		follows := n > 0 || m.Metas > 1 && m.Elections > 0
		m.add(ask, n+1, "ask(%d)", "ask", check.Weak, n < m.Known || m.Elections+m.Splits > 0)
		m.add(elect, n+1, "elect(%d)", "", check.Unfair, m.Metas > 1 && (m.Elections > 1 || m.Elections > 0 && n > 0))
		m.add(stepDown, n+1, "step-down(%d)", "", check.Weak, m.Metas > 1 && deposed)
		m.add(learn, n+1, "learn(%d)", "", learns, follows && m.Elections+m.Splits+m.Crashes > 0)
		m.add(rumour, n+1, "rumour(%d)", "", check.Unfair, m.Metas > 2 && follows && m.Splits > 0)
		m.add(crashMeta, n+1, "crash-meta(%d)", "", check.Unfair, m.Crashes > 0)
		m.add(startMeta, n+1, "start-meta(%d)", "", check.Weak, m.Crashes > 0)
	}
	m.add(answer, 0, "answer", "", check.Weak, true)
	m.add(answerOddly, 0, "answer-oddly", "", check.Unfair, m.Odd && m.Earlies > 0)
	m.add(takeAnswer, 0, "take-answer", "", check.Weak, true)
	m.add(queryFails, 0, "query-fails", "", check.Weak, m.Crashes > 0)
	m.add(queryTimeoutEarly, 0, "query-timeout-early", "", check.Unfair, m.Earlies > 0)
	m.add(nextRound, 0, "next-round", "", check.Weak, m.Elections+m.Splits+m.Crashes+m.Earlies > 0)
	for n := range m.Nodes {
		m.add(crashNode, n+1, "crash-node(%d)", "", check.Unfair, m.Crashes > 0)
		m.add(startNode, n+1, "start-node(%d)", "", check.Weak, m.Crashes > 0)
	}
	for p := range m.Parts {
		m.add(move, p+1, "move(%d)", "", check.Unfair, m.Nodes > 1 && m.Moves > 0)
	}
}

func (m *Model) add(rule rule, of int, name, group string, fairness check.Fairness, possible bool) {
	if !possible {
		return
	}
	if of > 0 {
		name = fmt.Sprintf(name, of)
	}
	m.number[rule][of] = len(m.actions)
	m.meaning = append(m.meaning, meaning{rule, uint8(of)})
	m.actions = append(m.actions, check.Action{Name: name, Group: group, Fairness: fairness, MayRest: m.mayRest(rule, of)})
}

// steps collects the steps from one state.
type steps struct {
	*Model
	list []check.Step[State]
}

// takes adds a step.
func (x *steps) takes(rule rule, of uint8, to State) {
	x.list = append(x.list, check.Step[State]{Action: x.number[rule][of], State: to})
}

// Next appends every step from s.
func (m *Model) Next(s State, list []check.Step[State]) []check.Step[State] {
	x := &steps{Model: m, list: list}
	for r := uint8(1); r <= uint8(m.NReq); r++ {
		x.submit(s, r)
		x.route(s, r)
		x.write(s, r)
		x.nodeDown(s, r)
		x.serve(s, r)
		x.take(s, r)
		x.lose(s, r)
		x.requestTimeout(s, r)
	}
	x.queries(s)
	for n := uint8(1); n <= uint8(m.Metas); n++ {
		x.elect(s, n)
		x.stepDown(s, n)
		x.learn(s, n)
		x.rumour(s, n)
		x.meta(s, n)
	}
	for n := uint8(1); n <= uint8(m.Nodes); n++ {
		x.node(s, n)
	}
	for p := range m.Parts {
		x.move(s, p)
	}
	return x.list
}
