// From numbers back to states: a trace is found again by taking the model's own steps.

package check

import (
	"fmt"
	"slices"
)

// replay returns the states of l with the steps between them, those of the cycle last.
func (s *search[S]) replay(l lasso) ([]TraceStep[S], error) {
	w := s.workers[0]
	state, err := s.replayInitial(w, l.prefix[0])
	if err != nil {
		return nil, err
	}
	trace := []TraceStep[S]{{
		State: state, ID: identify(s.model, state), Text: "initially", Changes: difference(s.model, nil, state),
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

// replayInitial returns the initial state with that number.
func (s *search[S]) replayInitial(w *worker[S], number uint32) (S, error) {
	place := slices.Index(s.initial, number)
	seen := map[uint64]bool{}
	for _, state := range s.model.Initial() {
		key := w.fingerprint(state)
		if !seen[key] && (s.table.numbered && s.table.number(key) == number || !s.table.numbered && len(seen) == place) {
			return state, nil
		}
		seen[key] = true
	}
	var none S
	return none, fmt.Errorf("%w: its initial states are not the same when asked again", ErrModel)
}

// replayStep takes the step from state to the state numbered to, by the action given, or
// by any where that is negative: the first such step. Where the visited set has no
// numbers state must be the parent of that state.
func (s *search[S]) replayStep(w *worker[S], state S, to uint32, action int) (Step[S], error) {
	steps := s.model.Next(state, nil)
	if !s.table.numbered {
		_, ordinal := s.origins.of(to)
		if ordinal < len(steps) && s.knows(w.fingerprint(steps[ordinal].State), to) {
			return steps[ordinal], nil
		}
		return Step[S]{}, errFickle
	}
	for _, step := range steps {
		if (action < 0 || step.Action == action) && s.knows(w.fingerprint(step.State), to) {
			return step, nil
		}
	}
	return Step[S]{}, errFickle
}

// errFickle is what a model answers that does not say the same twice.
var errFickle = fmt.Errorf("%w: a state has other steps when asked again: Next or AppendState is not a function of the state", ErrModel)

// knows says whether key can be that of the state numbered number: it is, or, where the
// visited set has no numbers, it is that of some state.
func (s *search[S]) knows(key uint64, number uint32) bool {
	if s.table.numbered {
		return s.table.number(key) == number
	}
	_, found := s.table.partitions[partitionOf(key)].find(key)
	return found
}

// tell puts a step into words.
func (s *search[S]) tell(from S, step Step[S]) TraceStep[S] {
	return TraceStep[S]{
		Action: s.actions[step.Action].Name, Text: inWords(s.model, s.actions, from, step),
		ID: identify(s.model, step.State), State: step.State,
		Changes: difference(s.model, &from, step.State),
	}
}
