// The verdict of each property once the states are known.

package check

// judge returns a violation for every property that does not hold, in their order.
func (s *search[S]) judge() ([]Violation[S], error) {
	if s.options.Search == RandomWalk {
		return s.judgeWalks(), nil
	}
	var violations []Violation[S]
	bit := uint64(1)
	for i := range s.properties {
		p := &s.properties[i]
		var v Violation[S]
		var found bool
		var err error
		switch p.Kind {
		case Safety, Deadlock:
			if s.violated[i] != 0 {
				v, err = s.finite(p, s.violated[i]-1)
				found = true
			}
		case Reachability:
			found = s.violated[i] == 0 && s.complete()
			v.Cycle = -1
		case Liveness:
			s.enterPhase(phaseLiveness)
			if v, found, err = s.infinite(p, bit); !found && s.over() {
				s.unjudged = append(s.unjudged, p.Name)
			}
			bit <<= 2 * len(p.goals)
		}
		if err != nil {
			return nil, err
		}
		if found {
			v.Property, v.Kind = p.Name, p.Kind
			violations = append(violations, v)
		}
	}
	return violations, nil
}

// dead returns the actions that are never taken and should be. A space of states that was
// cut short or in which a property fails says nothing of them, and one that is reduced by
// symmetry takes one of several equal actions for the others.
func (s *search[S]) dead(r *Result[S]) []string {
	if r.Verdict != Held || s.options.MayRest || s.options.Symmetry {
		return nil
	}
	var names []string
	for i, a := range s.actions {
		if !a.MayRest && r.Actions[i].Steps == 0 {
			names = append(names, a.Name)
		}
	}
	return names
}

// taken returns how many steps by the action with that index there are.
func (s *search[S]) taken(action int) uint64 {
	steps := uint64(0)
	for _, w := range s.workers {
		steps += w.fired[action]
	}
	return steps
}

// finite returns the shortest path to the state with that number, which violates p.
func (s *search[S]) finite(p *Property[S], number uint32) (Violation[S], error) {
	trace, err := s.replay(lasso{prefix: s.origins.way(number)})
	if err == nil && p.holds(trace[len(trace)-1].State) {
		err = errFickle
	}
	return Violation[S]{Trace: trace, Cycle: -1}, err
}

// infinite looks for a lasso that violates any obligation of p, the first of which has
// its predicates at bit. Of several the one with the shortest prefix counts. Where a limit
// of states has cut these short, it looks at those that there are: what it finds is a
// violation all the same. It ends early, and finds nothing more, once the search is over.
func (s *search[S]) infinite(p *Property[S], bit uint64) (Violation[S], bool, error) {
	if !s.prepare() {
		return Violation[S]{}, false, nil
	}
	var best lasso
	var blamed int
	found := false
	for i, goal := range p.goals {
		d := duty{
			from: bit << (2 * i), until: bit << (2*i + 1),
			again: goal.from == nil, onlyInitially: goal.onlyInitially,
		}
		l, ok := s.graph.findLasso(d, s.scratch, &s.origins, s.levels)
		if ok && (!found || len(l.prefix) < len(best.prefix)) {
			best, blamed, found = l, i, true
		}
	}
	if !found {
		return Violation[S]{}, false, nil
	}
	trace, err := s.replay(best)
	if err != nil {
		return Violation[S]{}, false, err
	}
	v := Violation[S]{Trace: trace, Cycle: len(best.prefix) - 1, Stutter: len(best.cycle) == 0}
	return v, true, s.verify(p.goals[blamed], v)
}

// prepare makes what the search for cycles needs, if there is time and memory for it. What
// only the search for states needed is let go first.
func (s *search[S]) prepare() bool {
	if s.over() {
		return false
	}
	if s.scratch == nil {
		s.batch, s.frontier.pages, s.frontier.free = batch[S]{}, nil, nil
		if !s.affords(scratchBytes(s.graph)) {
			return false
		}
		s.scratch = newScratch(s.graph, s.over)
	}
	return true
}
