// From numbers back to states: a trace is found again by taking the model's own steps.

package check

import "fmt"

// replay returns the states of l with the steps between them, those of the cycle last.
func (s *search[S]) replay(l lasso) ([]TraceStep[S], error) {
	w := s.workers[0]
	state, err := s.replayInitial(w, l.prefix[0])
	if err != nil {
		return nil, err
	}
	trace := []TraceStep[S]{{
		State: state, ID: StateID(w.fingerprint(state)), Text: "initially", Changes: difference(s.model, nil, state),
	}}
	add := func(to uint32, action int) error {
		step, err := s.replayStep(w, state, to, action)
		if err != nil {
			return err
		}
		trace = append(trace, s.tell(state, step))
		state = step.State
		return nil
	}
	for _, to := range l.prefix[1:] {
		if err := add(to, -1); err != nil {
			return nil, err
		}
	}
	for _, m := range l.cycle {
		if err := add(m.to, int(m.action)); err != nil {
			return nil, err
		}
	}
	return trace, nil
}

func (s *search[S]) replayInitial(w *worker[S], number uint32) (S, error) {
	for _, state := range s.model.Initial() {
		if s.numberOf(w.fingerprint(state)) == number {
			return state, nil
		}
	}
	var none S
	return none, fmt.Errorf("%w: its initial states are not the same when asked again", ErrModel)
}

// replayStep takes the first step from state to the state numbered to, by the action
// given, or by any where that is negative.
func (s *search[S]) replayStep(w *worker[S], state S, to uint32, action int) (Step[S], error) {
	for _, step := range s.model.Next(state, nil) {
		if (action < 0 || step.Action == action) && s.numberOf(w.fingerprint(step.State)) == to {
			return step, nil
		}
	}
	return Step[S]{}, fmt.Errorf("%w: a state has other steps when asked again: Next or AppendState is not a function of the state", ErrModel)
}

func (s *search[S]) numberOf(key uint64) uint32 {
	if slot := s.table.lookup(key); slot != nil {
		if number, ok := slot.number(); ok {
			return number
		}
	}
	return noState
}

// tell puts a step into words.
func (s *search[S]) tell(from S, step Step[S]) TraceStep[S] {
	return TraceStep[S]{
		Action: s.actions[step.Action].Name, Text: inWords(s.model, s.actions, from, step),
		ID: StateID(s.workers[0].fingerprint(step.State)), State: step.State,
		Changes: difference(s.model, &from, step.State),
	}
}
