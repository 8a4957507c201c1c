// States that differ in a permutation only, taken for one.

package check

import "fmt"

// chooseKey decides by what states are told apart.
func (s *search[S]) chooseKey() error {
	if !s.options.Symmetry {
		return nil
	}
	for _, p := range s.properties {
		if p.Kind == Liveness {
			return fmt.Errorf("%w: symmetry together with liveness (%s) would give wrong answers: a cycle of the reduced states need not be one of the real ones; leave out one of the two",
				ErrOptions, p.Name)
		}
	}
	symmetric, ok := s.model.(Symmetric[S])
	if !ok {
		return fmt.Errorf("%w: the model says nothing of its symmetry; it would have to implement check.Symmetric", ErrOptions)
	}
	s.symmetric = symmetric
	return nil
}

// idle says whether a step between two states with the same key changes nothing. With
// symmetry it may lead to another permutation of the same state, which is a way on.
func (w *worker[S]) idle(from, to S) bool {
	return w.search.symmetric == nil || identify(w.search.model, from) == identify(w.search.model, to)
}
