// Paxos for a single decree: acceptors, ballots and every message that was ever sent.

// Package paxos is the second calibration model of the checker, one with larger states:
// single-decree Paxos as in Lamport, "Paxos Made Simple" (2001). Messages are never
// lost and may be received at any time, or never. bench/checker has the same model in
// TLA+ and for Stateright; all three have the same number of distinct states.
package paxos

import (
	"fmt"
	"math/bits"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Most of each that a state has room for.
const (
	MaxAcceptors = 5
	MaxBallots   = 4
	MaxValues    = 3
)

// Vote is what an acceptor has accepted: a ballot and its value, both from 1; zero for nothing.
type Vote struct{ Ballot, Value uint8 }

// Promise is an acceptor's answer to a ballot: its vote at that time.
type Promise struct {
	Sent bool
	Vote Vote
}

// State of the whole protocol. Ballots count from 1; index 0 of an array is ballot 1.
type State struct {
	Promised  [MaxAcceptors]uint8 // highest ballot that each acceptor has heard of
	Voted     [MaxAcceptors]Vote
	Prepared  [MaxBallots]bool // phase 1a was sent
	Promises  [MaxBallots][MaxAcceptors]Promise
	Proposed  [MaxBallots]uint8 // value of phase 2a, from 1
	Accepting [MaxBallots]uint8 // acceptors that have sent phase 2b, as bits
}

// Model of the protocol.
type Model struct {
	acceptors, ballots, values int
	actions                    []check.Action
}

// Kinds of actions, each with one action for each ballot.
const (
	prepare = iota
	promise
	propose
	accept
	kinds
)

// New returns the protocol for 1 to MaxAcceptors acceptors, 1 to MaxBallots ballots and
// 1 to MaxValues values.
func New(acceptors, ballots, values int) (*Model, error) {
	if acceptors < 1 || acceptors > MaxAcceptors || ballots < 1 || ballots > MaxBallots || values < 1 || values > MaxValues {
		return nil, fmt.Errorf("paxos needs 1 to %d acceptors, 1 to %d ballots and 1 to %d values, not %d, %d and %d",
			MaxAcceptors, MaxBallots, MaxValues, acceptors, ballots, values)
	}
	m := &Model{acceptors: acceptors, ballots: ballots, values: values}
	for b := range ballots {
		for _, what := range []string{"prepare(%d)", "promise(%d)", "propose(%d)", "accept(%d)"} {
			m.actions = append(m.actions, check.Action{Name: fmt.Sprintf(what, b+1)})
		}
	}
	return m, nil
}

// Initial returns the one initial state: nobody has said anything.
func (m *Model) Initial() []State { return []State{{}} }

// Actions returns the actions.
func (m *Model) Actions() []check.Action { return m.actions }

// Next appends the steps from s.
func (m *Model) Next(s State, steps []check.Step[State]) []check.Step[State] {
	for b := range m.ballots {
		if !s.Prepared[b] {
			t := s
			t.Prepared[b] = true
			steps = append(steps, check.Step[State]{Action: kinds*b + prepare, State: t})
		} else {
			steps = m.promises(&s, b, steps)
		}
		if s.Proposed[b] == 0 {
			steps = m.proposals(&s, b, steps)
		} else {
			steps = m.votes(&s, b, steps)
		}
	}
	return steps
}

// promises appends that an acceptor answers ballot b, the highest it has heard of.
func (m *Model) promises(s *State, b int, steps []check.Step[State]) []check.Step[State] {
	for a := range m.acceptors {
		if uint8(b+1) > s.Promised[a] {
			t := *s
			t.Promised[a] = uint8(b + 1)
			t.Promises[b][a] = Promise{Sent: true, Vote: s.Voted[a]}
			steps = append(steps, check.Step[State]{Action: kinds*b + promise, State: t})
		}
	}
	return steps
}

// proposals appends each value that some majority's promises allow for ballot b.
func (m *Model) proposals(s *State, b int, steps []check.Step[State]) []check.Step[State] {
	allowed := 0
	for quorum := range uint(1) << m.acceptors {
		if m.majority(quorum) {
			allowed |= m.allowed(s, b, quorum)
		}
	}
	for v := 1; v <= m.values; v++ {
		if allowed>>v&1 != 0 {
			t := *s
			t.Proposed[b] = uint8(v)
			steps = append(steps, check.Step[State]{Action: kinds*b + propose, State: t})
		}
	}
	return steps
}

// allowed returns, as bits, the values that the promises of quorum allow for ballot b: all
// if none of them has voted, else that of the highest vote; none where a promise is missing.
func (m *Model) allowed(s *State, b int, quorum uint) int {
	var highest Vote
	for a := range m.acceptors {
		if quorum>>a&1 == 0 {
			continue
		}
		p := s.Promises[b][a]
		if !p.Sent {
			return 0
		}
		if p.Vote.Ballot > highest.Ballot {
			highest = p.Vote
		}
	}
	if highest.Ballot == 0 {
		return 1<<(m.values+1) - 2
	}
	return 1 << highest.Value
}

// votes appends that an acceptor accepts what ballot b proposed.
func (m *Model) votes(s *State, b int, steps []check.Step[State]) []check.Step[State] {
	for a := range m.acceptors {
		if uint8(b+1) < s.Promised[a] || s.Accepting[b]>>a&1 != 0 {
			continue
		}
		t := *s
		t.Promised[a] = uint8(b + 1)
		t.Voted[a] = Vote{Ballot: uint8(b + 1), Value: s.Proposed[b]}
		t.Accepting[b] |= 1 << a
		steps = append(steps, check.Step[State]{Action: kinds*b + accept, State: t})
	}
	return steps
}

func (m *Model) majority(acceptors uint) bool { return 2*bits.OnesCount(acceptors) > m.acceptors }

// AppendState appends the state, a few bytes for each acceptor and ballot.
func (m *Model) AppendState(dst []byte, s State) []byte {
	for a := range m.acceptors {
		dst = append(dst, s.Promised[a], s.Voted[a].Ballot, s.Voted[a].Value)
	}
	for b := range m.ballots {
		dst = append(dst, flag(s.Prepared[b]), s.Proposed[b], s.Accepting[b])
		for a := range m.acceptors {
			p := &s.Promises[b][a]
			dst = append(dst, flag(p.Sent), p.Vote.Ballot, p.Vote.Value)
		}
	}
	return dst
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Properties returns what must hold: two values are never chosen, and each can be.
func (m *Model) Properties() []check.Property[State] {
	return []check.Property[State]{
		check.Always("one-value", func(s State) bool { return bits.OnesCount(m.chosen(&s)) <= 1 }),
		check.Sometimes("first-value", func(s State) bool { return m.chosen(&s) == 1<<1 }),
		check.Sometimes("last-value", func(s State) bool { return m.chosen(&s) == 1<<m.values }),
	}
}

// chosen returns, as bits, the values that a majority has accepted in one ballot.
func (m *Model) chosen(s *State) uint {
	values := uint(0)
	for b := range m.ballots {
		if m.majority(uint(s.Accepting[b])) {
			values |= 1 << s.Proposed[b]
		}
	}
	return values
}
