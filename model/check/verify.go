// The last word on a liveness violation: the trace is judged again, on the model
// itself, by rules that share nothing with the search.

package check

import "fmt"

// verify says why v is not a fair behaviour that violates goal; nil if it is one. An
// error means that two states shared a fingerprint or that the model is no function.
func (s *search[S]) verify(goal obligation[S], v Violation[S]) error {
	cycle := v.Trace[v.Cycle:]
	if !v.Stutter {
		first, last := s.workers[0].fingerprint(cycle[0].State), s.workers[0].fingerprint(cycle[len(cycle)-1].State)
		if first != last {
			return fmt.Errorf("%w: the cycle found does not close", ErrModel)
		}
	}
	if !s.violatedBy(goal, v) {
		return fmt.Errorf("%w: the cycle found does not violate the property", ErrModel)
	}
	if name, unfair := s.unfairTo(cycle); unfair {
		return fmt.Errorf("%w: the cycle found is unfair to %q", ErrModel, name)
	}
	return nil
}

// unfairTo returns a group to which going along cycle for ever is unfair, if there is one.
func (s *search[S]) unfairTo(cycle []TraceStep[S]) (name string, unfair bool) {
	for i, g := range s.groups.all {
		always, sometimes, taken := s.along(cycle, i)
		if g.fairness == Weak && always && !taken || g.fairness == Strong && sometimes && !taken {
			return g.name, true
		}
	}
	return "", false
}

// violatedBy says whether a behaviour that goes along v violates goal.
func (s *search[S]) violatedBy(goal obligation[S], v Violation[S]) bool {
	if goal.from == nil {
		for _, t := range v.Trace[v.Cycle:] {
			if !goal.until(t.State) {
				return true
			}
		}
		return false
	}
	open := false
	for i, t := range v.Trace {
		if goal.from(t.State) && (i == 0 || !goal.onlyInitially) {
			open = true
		}
		if goal.until(t.State) {
			open = false
			if i >= v.Cycle {
				return false
			}
		}
	}
	return open
}

// along says of a group whether every state of the cycle enables it, whether any does,
// and whether one of the cycle's steps is of it.
func (s *search[S]) along(cycle []TraceStep[S], group int) (always, sometimes, taken bool) {
	always = true
	for i, t := range cycle {
		here := identify(s.model, t.State)
		enabled := false
		for _, step := range s.model.Next(t.State, nil) {
			if s.groups.of[step.Action] == group && identify(s.model, step.State) != here {
				enabled = true
			}
		}
		always = always && enabled
		sometimes = sometimes || enabled
		if i > 0 && s.groupOf(t.Action) == group {
			taken = true
		}
	}
	return always, sometimes, taken
}

func (s *search[S]) groupOf(action string) int {
	for i, a := range s.actions {
		if a.Name == action {
			return s.groups.of[i]
		}
	}
	return -1
}
