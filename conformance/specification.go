// The specification as the validator uses it: model/session's own steps, taken by name,
// with budgets that never run out.

package conformance

import (
	"strconv"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/session"
)

// action is an action of model/session, without its request or slot.
type action string

// Actions that the map names.
const (
	actSubmit                  action = "submit"
	actRetry                   action = "retry"
	actRequestTimeout          action = "request-timeout"
	actRequestTimeoutEarly     action = "request-timeout-early"
	actNegotiationTimeout      action = "negotiation-timeout"
	actNegotiationTimeoutEarly action = "negotiation-timeout-early"
	actDial                    action = "dial"
	actStart                   action = "start"
	actCrash                   action = "crash"
	actCrashUnnoticed          action = "crash-unnoticed"
	actAccept                  action = "accept"
	actRefused                 action = "refused"
	actReceive                 action = "receive"
	actServe                   action = "serve"
	actGiveUp                  action = "give-up"
)

const (
	// maxRounds is the longest negotiation, in pairs, that a trace may have: how long it
	// is shows at its end.
	maxRounds = 16
	// names is how many requests have a name in the specification. The last stands for
	// whatever makes a session want its connection: a request that is not written yet, or
	// the wish to be kept ready. Where more are outstanding, see submitted.
	names = session.MaxRequests
	wish  = byte(names)
	// budget is what every budget is set to again after each step: budgets bound an
	// exploration and are no rules.
	budget = 2
	// patience is the number of timeouts that make a client close its session. The
	// specification counts them where clients measure time, so any timeout may be the
	// last: silence.
	patience = 2
)

// specification is model/session with one value of its constants.
type specification struct {
	model   *session.Model
	numbers map[action][]int // of the model's actions, by request or slot; 0 where it has none
}

// constants of a validation: as many of everything as a state can have.
func constants(server session.ServerMode, rounds int) session.Constants {
	c := session.Default()
	c.NReq, c.K, c.NPorts = names, session.MaxSlots, session.MaxSlots
	c.R, c.W = rounds, patience
	c.Crashes, c.Losses, c.Earlies = budget, budget, budget
	c.ServerMode, c.GiveUp = server, true
	return c
}

func newSpecification(c session.Constants) (*specification, error) {
	m, err := session.New(c)
	if err != nil {
		return nil, err
	}
	s := &specification{model: m, numbers: make(map[action][]int)}
	for i, a := range m.Actions() {
		name, of := a.Name, 0
		if open := strings.IndexByte(name, '('); open >= 0 {
			if of, err = strconv.Atoi(strings.TrimSuffix(name[open+1:], ")")); err != nil {
				return nil, err
			}
			name = name[:open]
		}
		list := s.numbers[action(name)]
		for len(list) <= of {
			list = append(list, -1)
		}
		list[of] = i
		s.numbers[action(name)] = list
	}
	return s, nil
}

// number is the model's number of an action; -1 where it has none.
func (s *specification) number(a action, of uint8) int {
	if list := s.numbers[a]; int(of) < len(list) {
		return list[of]
	}
	return -1
}

// rounds is the constant R.
func (s *specification) rounds() uint8 { return uint8(s.model.R) }

// refill sets every budget, and the count of timeouts, as if nothing had been used up.
func refill(s *session.State) {
	s.Crashes, s.Losses, s.Earlies, s.Window = budget, budget, budget, 0
}

// explorer takes the specification's steps; it keeps the memory that Next appends to.
type explorer struct {
	scratch []check.Step[session.State]
}

// take returns every state that one action makes of s.
func (x *explorer) take(spec *specification, s *session.State, a action, of uint8) []session.State {
	number := spec.number(a, of)
	if number < 0 {
		return nil
	}
	x.scratch = spec.model.Next(*s, x.scratch[:0])
	var made []session.State
	for i := range x.scratch {
		if step := &x.scratch[i]; step.Action == number {
			refill(&step.State)
			made = append(made, step.State)
		}
	}
	return made
}
