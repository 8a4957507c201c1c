// Level after level: numbers, parents and witnesses are those of a single worker that
// looks into one state after the other.

package check

import "fmt"

// explore searches level after level until there is none or the search is to end.
func (s *search[S]) explore() error {
	if err := s.enterInitial(); err != nil {
		return err
	}
	for s.expanded < uint32(s.frontier.count) {
		s.depth++
		s.level.Store(int64(s.depth))
		s.levels = append(s.levels, s.expanded)
		s.levelEnd = uint32(s.frontier.count)
		for at := s.expanded; at < s.levelEnd && !s.halted(); {
			at = s.expandBatch(at, s.levelEnd)
		}
		if err := s.failure(); err != nil {
			return err
		}
		if s.halted() {
			return nil
		}
		if s.options.StopEarly && s.unsafe() && s.expanded < uint32(s.frontier.count) {
			s.halt("a safety property is violated")
			return nil
		}
	}
	return nil
}

// enterInitial makes the distinct initial states the first level.
func (s *search[S]) enterInitial() error {
	initial := s.model.Initial()
	if len(initial) == 0 {
		return fmt.Errorf("%w: it has no initial state", ErrModel)
	}
	w := s.workers[0]
	for _, state := range initial {
		key := w.fingerprint(state)
		number := uint32(s.frontier.count)
		part := &s.table.partitions[partitionOf(key)]
		at, found := part.find(key)
		if found {
			continue
		}
		if s.table.numbered {
			part.putNumbered(at, key, number)
		} else {
			part.put(at, key)
		}
		s.origins.extend(1)
		s.origins.set(number, number, 0)
		s.initial = append(s.initial, number)
		s.frontier.extend(1)
		*s.frontier.at(number) = item[S]{key: key, state: state}
		s.examine(state, number, s.violated)
	}
	s.generated.Store(uint64(len(initial)))
	s.distinct.Store(uint64(s.frontier.count))
	s.queue.Store(uint64(s.frontier.count))
	return nil
}

// room returns how many more states may be found.
func (s *search[S]) room() uint64 {
	return s.mostStates() - min(s.mostStates(), uint64(s.frontier.count))
}

func (s *search[S]) mostStates() uint64 {
	most := uint64(maxStates)
	if s.table.numbered {
		most = maxNumbered
	}
	if s.options.MaxStates > 0 {
		most = min(most, s.options.MaxStates)
	}
	return most
}

// full ends the search because there is no room for more states.
func (s *search[S]) full() {
	if s.mostStates() == s.options.MaxStates {
		s.halt(fmt.Sprintf("more than %d states", s.options.MaxStates))
		return
	}
	s.halt(fmt.Sprintf("the visited set is full at %d states", s.mostStates()))
}

// mergeViolated makes the earliest witness of each property the one that counts.
func (s *search[S]) mergeViolated() {
	for i := range s.violated {
		if s.violated[i] == 0 {
			for _, w := range s.workers {
				if v := w.violated[i]; v != 0 && (s.violated[i] == 0 || v < s.violated[i]) {
					s.violated[i] = v
				}
			}
		}
		for _, w := range s.workers {
			w.violated[i] = s.violated[i]
		}
	}
}
