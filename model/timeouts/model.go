// The specification as a model: its actions with their fairness, and the steps from a state.

package timeouts

import "github.com/a8011091/pegasus-reference/model/check"

// Model is the specification for one assignment of its constants.
type Model struct {
	Constants
	actions []check.Action
	number  [rules]int // index of an action, by rule
	meaning []rule     // of each action
}

// rule is one of the rules below; each is one action.
type rule uint8

const (
	send rule = iota
	establish
	answer
	queryTimeout
	negotiationTimeout
	giveUp
	tick
	rules int = iota
)

// New returns the specification, or a *ConstantError.
func New(constants Constants) (*Model, error) {
	if err := constants.check(); err != nil {
		return nil, err
	}
	m := &Model{Constants: constants}
	m.add(send, "send", true)
	m.add(establish, "establish", true)
	m.add(answer, "answer", true)
	m.add(queryTimeout, "query-timeout", true)
	m.add(negotiationTimeout, "negotiation-timeout", true)
	m.add(giveUp, "give-up", m.TSrv > 0)
	m.add(tick, "tick", true)
	return m, nil
}

// add lists an action. T22: something goes on happening for as long as anything can;
// which of the things that are due at an instant happens first is nobody's to demand.
func (m *Model) add(rule rule, name string, possible bool) {
	if !possible {
		return
	}
	m.number[rule] = len(m.actions)
	m.meaning = append(m.meaning, rule)
	m.actions = append(m.actions, check.Action{Name: name, Group: "next", Fairness: check.Weak, MayRest: m.mayRest(rule)})
}

// Initial returns the one initial state: the server has just come back, the connection
// is gone, and the query is about to be tried. An older client's flag is still set.
func (m *Model) Initial() []State {
	return []State{{
		ConnectIn: Off, Flag: m.Client == ClientSession,
		NegotiationIn: Off, AnswerIn: Off, GiveUpIn: Off, Window: Off,
	}}
}

// Actions returns the actions that the constants allow.
func (m *Model) Actions() []check.Action { return m.actions }

// Next appends every step from s.
func (m *Model) Next(s State, list []check.Step[State]) []check.Step[State] {
	take := func(by rule, to State) {
		list = append(list, check.Step[State]{Action: m.number[by], State: to})
	}
	if m.sendDue(&s) {
		take(send, m.send(s))
	}
	if establishDue(&s) {
		take(establish, m.establish(s))
	}
	if answerDue(&s) {
		take(answer, m.answer(s))
	}
	if m.queryTimeoutDue(&s) {
		take(queryTimeout, m.queryTimeout(s))
	}
	if m.negotiationTimeoutDue(&s) {
		take(negotiationTimeout, m.negotiationTimeout(s))
	}
	if m.giveUpDue(&s) {
		take(giveUp, m.giveUp(s))
	}
	if !m.due(&s) && s.Query != Done {
		take(tick, m.tick(s))
	}
	return list
}

// Properties returns the ten properties.
func (m *Model) Properties() []check.Property[State] {
	return []check.Property[State]{
		check.Eventually(Converges, done),
		check.InfinitelyOften(NonZeno, m.quiet),
		check.Always(DoneByCap, m.doneByCap),
		check.Always(NoTimeout, func(s State) bool { return s.Last != Timeout }),
		check.Always(NoReset, func(s State) bool { return s.Last != Reset }),
		check.Always(NoTimeoutAt10, func(s State) bool { return !s.failed(Timeout, 10) }),
		check.Always(NoResetAt5, func(s State) bool { return !s.failed(Reset, 5) }),
		check.Always(NoResetAt0, func(s State) bool { return !s.failed(Reset, 0) }),
		check.Always(OnlyReportedSignatures, onlyReported),
		check.Sometimes(CanFinish, done),
	}
}
