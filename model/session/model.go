// The specification as a model: its actions with their fairness, and the steps from a state.

package session

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Model is the specification for one assignment of its constants.
type Model struct {
	Constants
	actions []check.Action
	number  [rules][max(MaxRequests, MaxSlots) + 1]int // index of an action, by rule and request or slot
	meaning []meaning                                  // of each action
}

// meaning of an action: which rule, and of which request or slot; 0 where it is of none.
type meaning struct {
	rule rule
	of   byte
}

// rule is one of the rules below; each is one action, or one for each request or slot.
type rule uint8

const (
	submit rule = iota
	retry
	requestTimeout
	requestTimeoutEarly
	negotiationTimeout
	negotiationTimeoutEarly
	dial
	notify
	drop
	resetFlag
	rebuildNow
	start
	crash
	crashUnnoticed
	accept
	glue
	challenge
	refused
	receive
	serve
	giveUp
	answerOddly
	answerDisabled
	closeEvent
	orphan
	late
	giveUpDial
	closeCurrent
	rules int = iota
)

// New returns the specification for Metas=1, or a *ConstantError.
func New(constants Constants) (*Model, error) { return build(constants, 1) }

// build returns a session's rules, for constants that must say so many metas.
func build(constants Constants, metas int) (*Model, error) {
	if err := constants.check(); err != nil {
		return nil, err
	}
	if constants.Metas != metas {
		return nil, &ConstantError{
			Spec: "session", Name: "Metas", Value: fmt.Sprint(constants.Metas), Valid: []string{fmt.Sprint(metas)},
			Want: fmt.Sprintf("%d: New is for one, NewPair for two", metas),
		}
	}
	m := &Model{Constants: constants}
	m.listActions()
	return m, nil
}

// Initial returns the one initial state: the server is up, nothing was ever submitted.
func (m *Model) Initial() []State {
	return []State{{
		Up: true, Crashes: uint8(m.Crashes), Losses: uint8(m.Losses), Earlies: uint8(m.Earlies),
	}}
}

// Actions returns the actions that the constants allow.
func (m *Model) Actions() []check.Action { return m.actions }

// listActions builds the list. Whatever a machine does by itself is weakly fair. What
// the environment chooses is not: submissions, crashes, losses, timers that fire early
// and a server that gives up.
func (m *Model) listActions() {
	older := m.Client != ClientConn
	for r := range m.NReq {
		m.add(submit, r+1, "submit(%d)", check.Unfair, true)
		m.add(retry, r+1, "retry(%d)", check.Weak, true)
		m.add(requestTimeout, r+1, "request-timeout(%d)", check.Weak, true)
		m.add(requestTimeoutEarly, r+1, "request-timeout-early(%d)", check.Unfair, m.Earlies > 0)
	}
	m.add(negotiationTimeout, 0, "negotiation-timeout", check.Weak, true)
	m.add(negotiationTimeoutEarly, 0, "negotiation-timeout-early", check.Unfair, m.Earlies > 0)
	m.add(dial, 0, "dial", check.Weak, true)
	m.add(notify, 0, "notify", check.Weak, older)
	m.add(drop, 0, "drop", check.Weak, older || m.defect(RetryOnDying))
	m.add(resetFlag, 0, "reset-flag", check.Weak, m.Client == ClientReset)
	m.add(rebuildNow, 0, "rebuild", check.Weak, m.Rebuild == RebuildAsync)
	m.add(giveUpDial, 0, "give-up-dial", check.Unfair, m.defect(NegotiateBeforeCheck) && m.Earlies > 0)
	m.add(closeCurrent, 0, "close-current", check.Weak, m.defect(FailureClosesNewer))
	m.add(start, 0, "start", check.Weak, m.Crashes > 0)
	m.add(crash, 0, "crash", check.Unfair, m.Crashes > 0)
	m.add(crashUnnoticed, 0, "crash-unnoticed", check.Unfair, m.Crashes > 0 && m.Losses > 0)
	for c := range m.K {
		for _, shake := range []struct {
			rule     rule
			name     string
			possible bool
		}{
			{accept, "accept(%d)", true},
			{glue, "glue(%d)", m.PortReuse && m.OldConn != OldConnTCP},
			{challenge, "challenge(%d)", m.PortReuse && m.OldConn == OldConnTCP},
			{refused, "refused(%d)", m.Crashes > 0},
			{late, "late(%d)", m.defect(NegotiateBeforeCheck) && m.Earlies > 0},
		} {
			if shake.possible {
				m.add(shake.rule, c+1, shake.name, check.Weak, true)
				m.actions[len(m.actions)-1].Group = fmt.Sprintf("handshake(%d)", c+1)
			}
		}
		m.add(receive, c+1, "receive(%d)", check.Weak, true)
		m.add(serve, c+1, "serve(%d)", check.Weak, true)
		m.add(giveUp, c+1, "give-up(%d)", check.Unfair, m.GiveUp && m.Earlies > 0)
		m.add(answerOddly, c+1, "answer-oddly(%d)", check.Unfair, m.Odd && m.Earlies > 0)
		m.add(answerDisabled, c+1, "answer-disabled(%d)", check.Unfair, m.Rogue && m.Earlies > 0)
		m.add(closeEvent, c+1, "close-event(%d)", check.Weak, m.defect(CloseEventOfAnother))
		m.add(orphan, c+1, "orphan(%d)", check.Weak, m.orphans())
	}
}

// orphans says whether a connection can be open that is not the session's.
func (m *Model) orphans() bool {
	return m.defect(CloseEventOfAnother) || m.defect(NegotiateBeforeCheck) && m.Earlies > 0
}

func (m *Model) add(rule rule, of int, name string, fairness check.Fairness, possible bool) {
	if !possible {
		return
	}
	if of > 0 {
		name = fmt.Sprintf(name, of)
	}
	m.number[rule][of] = len(m.actions)
	m.meaning = append(m.meaning, meaning{rule, byte(of)})
	m.actions = append(m.actions, check.Action{Name: name, Fairness: fairness, MayRest: m.mayRest(rule, of)})
}

// steps collects the steps from one state.
type steps struct {
	*Model
	from State
	list []check.Step[State]
}

// take adds a step.
func (x *steps) take(rule rule, of byte, to State) {
	if x.Defects != 0 {
		x.aftermath(&x.from, &to)
	}
	x.list = append(x.list, check.Step[State]{Action: x.number[rule][of], State: to})
}

// Next appends every step from s.
func (m *Model) Next(s State, list []check.Step[State]) []check.Step[State] {
	x := &steps{Model: m, from: s, list: list}
	for r := byte(1); r <= byte(m.NReq); r++ {
		x.submit(s, r)
		x.retry(s, r)
		x.requestTimeouts(s, r)
	}
	x.negotiationTimeouts(s)
	x.dial(s)
	x.notify(s)
	x.drop(s)
	x.resetFlag(s)
	x.rebuild(s)
	x.giveUpDial(s)
	x.closeCurrent(s)
	x.start(s)
	x.crash(s)
	for c := uint8(1); c <= uint8(m.K); c++ {
		x.handshake(s, c)
		x.receive(s, c)
		x.serve(s, c)
		x.giveUp(s, c)
		x.answerOddly(s, c)
		x.answerDisabled(s, c)
		x.closeEvent(s, c)
		x.orphan(s, c)
		x.late(s, c)
	}
	return x.list
}

// Properties returns the eight properties.
func (m *Model) Properties() []check.Property[State] {
	drained := make([]check.Property[State], 0, 2*m.NReq)
	for r := byte(1); r <= byte(m.NReq); r++ {
		drained = append(drained, m.ends(r), m.succeeds(r))
	}
	var list []check.Property[State]
	for _, invariant := range m.invariants() {
		list = append(list, check.Always(invariant.name, invariant.holds))
	}
	return append(list, check.EventuallyAlways(ReconnectConverges, m.readyWhereNeeded), check.All(RequestsDrain, drained...))
}
