// Two-phase commit: resource managers and a transaction manager that agree to commit or to abort.

// Package twophase is the calibration model of the checker: two-phase commit as in
// Gray and Lamport, "Consensus on Transaction Commit" (2004), section 3. The numbers
// of its distinct states are well known: 288 for three resource managers, 8,832 for
// five, 296,448 for seven and 1,745,408 for eight.
package twophase

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
)

// MaxManagers is the most resource managers that a state has room for.
const MaxManagers = 31

// What a resource manager has decided, two bits of State.Decisions each.
const (
	working = iota
	prepared
	committed
	aborted
)

// Upper bits of State.Decisions: what the transaction manager has decided, which is also
// what it has told everybody, for messages are never lost.
const (
	tellsCommit uint64 = 1 << 62
	tellsAbort  uint64 = 1 << 63
	tells              = tellsCommit | tellsAbort
)

// State of the whole protocol.
type State struct {
	Decisions uint64 // two bits for each resource manager, and the transaction manager's
	Told      uint32 // those that have told the transaction manager that they are prepared
	Heard     uint32 // those from which it has taken that in
}

// Model of the protocol.
type Model struct {
	managers int
	actions  []check.Action
}

// Kinds of actions of one resource manager; each has an action for each of them, after
// the two of the transaction manager.
const (
	takesIn = iota
	prepares
	choosesToAbort
	obeysCommit
	obeysAbort
	managerActions
)

const (
	decidesCommit = iota
	decidesAbort
	transactionActions
)

// New returns the protocol for a number of resource managers from 1 to MaxManagers.
func New(managers int) (*Model, error) {
	if managers < 1 || managers > MaxManagers {
		return nil, fmt.Errorf("two-phase commit needs 1 to %d resource managers, not %d", MaxManagers, managers)
	}
	m := &Model{managers: managers, actions: []check.Action{
		{Name: "transaction manager decides to commit"},
		{Name: "transaction manager decides to abort"},
	}}
	for rm := range managers {
		for _, what := range []string{
			"transaction manager hears that manager %d is prepared", "manager %d prepares",
			"manager %d aborts by itself", "manager %d hears commit", "manager %d hears abort",
		} {
			m.actions = append(m.actions, check.Action{Name: fmt.Sprintf(what, rm+1)})
		}
	}
	return m, nil
}

// Initial returns the one initial state: everybody works.
func (m *Model) Initial() []State { return []State{{}} }

// Actions returns the actions.
func (m *Model) Actions() []check.Action { return m.actions }

// Next appends the steps from s.
func (m *Model) Next(s State, steps []check.Step[State]) []check.Step[State] {
	everybody := uint32(1)<<m.managers - 1
	if s.Decisions&tells == 0 {
		if s.Heard == everybody {
			t := s
			t.Decisions |= tellsCommit
			steps = append(steps, check.Step[State]{Action: decidesCommit, State: t})
		}
		t := s
		t.Decisions |= tellsAbort
		steps = append(steps, check.Step[State]{Action: decidesAbort, State: t})
	}
	for rm := range m.managers {
		steps = m.managerSteps(s, rm, steps)
	}
	return steps
}

func (m *Model) managerSteps(s State, rm int, steps []check.Step[State]) []check.Step[State] {
	first := transactionActions + rm*managerActions
	bit := uint32(1) << rm
	if s.Decisions&tells == 0 && s.Told&bit != 0 {
		t := s
		t.Heard |= bit
		steps = append(steps, check.Step[State]{Action: first + takesIn, State: t})
	}
	if s.manager(rm) == working {
		t := s.with(rm, prepared)
		t.Told |= bit
		steps = append(steps,
			check.Step[State]{Action: first + prepares, State: t},
			check.Step[State]{Action: first + choosesToAbort, State: s.with(rm, aborted)})
	}
	if s.Decisions&tellsCommit != 0 {
		steps = append(steps, check.Step[State]{Action: first + obeysCommit, State: s.with(rm, committed)})
	}
	if s.Decisions&tellsAbort != 0 {
		steps = append(steps, check.Step[State]{Action: first + obeysAbort, State: s.with(rm, aborted)})
	}
	return steps
}

func (s State) manager(rm int) uint64 { return s.Decisions >> (2 * rm) & 3 }

func (s State) with(rm int, decision uint64) State {
	s.Decisions = s.Decisions&^(3<<(2*rm)) | decision<<(2*rm)
	return s
}

// AppendState appends the state in sixteen bytes.
func (m *Model) AppendState(dst []byte, s State) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, s.Decisions)
	return binary.LittleEndian.AppendUint64(dst, uint64(s.Told)<<32|uint64(s.Heard))
}

// Properties returns what must hold: nobody commits what another aborts, and both ends
// can be reached.
func (m *Model) Properties() []check.Property[State] {
	return []check.Property[State]{
		check.Always("consistent", m.consistent),
		check.Sometimes("everybody-commits", func(s State) bool { return m.everybody(s, committed) }),
		check.Sometimes("everybody-aborts", func(s State) bool { return m.everybody(s, aborted) }),
	}
}

func (m *Model) consistent(s State) bool {
	anyCommitted, anyAborted := false, false
	for rm := range m.managers {
		anyCommitted = anyCommitted || s.manager(rm) == committed
		anyAborted = anyAborted || s.manager(rm) == aborted
	}
	return !anyCommitted || !anyAborted
}

func (m *Model) everybody(s State, decision uint64) bool {
	for rm := range m.managers {
		if s.manager(rm) != decision {
			return false
		}
	}
	return true
}

// Describe shows a state to people.
func (m *Model) Describe(s State) []check.Field {
	decisions := [...]string{"working", "prepared", "committed", "aborted"}
	var managers, heard []string
	for rm := range m.managers {
		managers = append(managers, decisions[s.manager(rm)])
		if s.Heard>>rm&1 != 0 {
			heard = append(heard, fmt.Sprint(rm+1))
		}
	}
	decided := map[uint64]string{0: "nothing", tellsCommit: "commit", tellsAbort: "abort"}[s.Decisions&tells]
	return []check.Field{
		{Name: "managers", Value: strings.Join(managers, " ")},
		{Name: "heard of as prepared", Value: strings.Join(heard, " ")},
		{Name: "decided", Value: decided},
	}
}

// AppendCanonical appends the state with the managers in order of what they are in: their
// names mean nothing.
func (m *Model) AppendCanonical(dst []byte, s State) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, s.Decisions&tells)
	begin := len(dst)
	for rm := range m.managers {
		dst = append(dst, byte(s.manager(rm)<<2)|byte(s.Told>>rm&1<<1)|byte(s.Heard>>rm&1))
	}
	slices.Sort(dst[begin:])
	return dst
}
