// Depth first: one path at a time, on one goroutine.

package check

import "fmt"

// diver is the path in hand.
type diver[S any] struct {
	*search[S]
	worker *worker[S]
	path   []standpoint[S]
	steps  []Step[S] // of all states on the path, those of the last one at the end
	most   uint64    // states there is room for
}

// standpoint is a state on the path.
type standpoint[S any] struct {
	number uint32
	key    uint64
	state  S
	first  int    // its steps begin here in diver.steps
	next   int    // its step to take next
	edge   uint64 // where that step is in the graph
}

// dive searches depth first. States are numbered as they are found.
func (s *search[S]) dive() error {
	d := &diver[S]{search: s, worker: s.workers[0], most: s.mostStates()}
	initial := s.model.Initial()
	if len(initial) == 0 {
		return fmt.Errorf("%w: it has no initial state", ErrModel)
	}
	s.generated.Store(uint64(len(initial)))
	seen := map[uint64]bool{}
	for _, state := range initial {
		key := d.worker.fingerprint(state)
		if seen[key] {
			continue
		}
		seen[key] = true
		number := uint32(s.origins.count)
		if !d.discover(key, number, number, 0) { // found on the way from another one
			s.initial = append(s.initial, noState)
			continue
		}
		s.initial = append(s.initial, number)
		d.enter(number, key, state)
		d.follow()
	}
	if err := s.failure(); err != nil {
		return err
	}
	if !s.halted() {
		s.expanded = uint32(s.origins.count)
	}
	s.violated = d.worker.violated
	if s.graph != nil {
		var roots []uint32
		for _, state := range initial {
			roots = append(roots, s.table.number(d.worker.fingerprint(state)))
		}
		s.renumber(roots)
	}
	return nil
}

// discover enters key as the state numbered number, reached from parent, and says
// whether it is new.
func (d *diver[S]) discover(key uint64, number, parent uint32, ordinal int) bool {
	part := &d.table.partitions[partitionOf(key)]
	at, known := part.find(key)
	switch {
	case known || d.halted():
		return false
	case uint64(d.origins.count) >= d.most:
		d.full()
		return false
	case d.table.numbered:
		part.putNumbered(at, key, number)
	default:
		part.put(at, key)
	}
	d.origins.extend(1)
	d.origins.set(number, parent, ordinal)
	d.distinct.Add(1)
	return true
}

// enter puts a state that was just found at the end of the path.
func (d *diver[S]) enter(number uint32, key uint64, state S) {
	w := d.worker
	d.examine(state, number, w.violated)
	here := standpoint[S]{number: number, key: key, state: state, first: len(d.steps), next: len(d.steps)}
	d.steps = d.model.Next(state, d.steps)
	if !w.sound(d.steps[here.first:]) {
		d.steps = d.steps[:here.first]
		return
	}
	if d.graph != nil {
		here.edge = uint64(len(d.graph.targets))
	}
	out := 0
	for i := here.first; i < len(d.steps); i++ {
		if w.fingerprint(d.steps[i].State) == key && w.idle(state, d.steps[i].State) {
			continue
		}
		out++
		w.fired[d.steps[i].Action]++
		if d.graph != nil {
			d.graph.targets = append(d.graph.targets, noState)
			d.graph.actions = append(d.graph.actions, uint16(d.steps[i].Action))
		}
	}
	if d.graph != nil {
		d.graph.starts = append(d.graph.starts, uint64(len(d.graph.targets)))
		d.graph.marked = append(d.graph.marked, marks(d.properties, state))
	}
	w.outDegrees.add(out)
	if out == 0 {
		w.stuck(state, number)
	}
	d.generated.Add(uint64(len(d.steps) - here.first))
	d.path = append(d.path, here)
	d.depth = max(d.depth, len(d.path))
	d.level.Store(int64(len(d.path)))
	d.queue.Store(uint64(len(d.steps)))
}

// follow goes on until the path is empty again or the search is to end.
func (d *diver[S]) follow() {
	w := d.worker
	for len(d.path) > 0 && !d.halted() {
		here := &d.path[len(d.path)-1]
		if here.next == len(d.steps) {
			clear(d.steps[here.first:])
			d.steps = d.steps[:here.first]
			d.path = d.path[:len(d.path)-1]
			continue
		}
		state, ordinal := d.steps[here.next].State, here.next-here.first
		here.next++
		key := w.fingerprint(state)
		if key == here.key && w.idle(here.state, state) {
			continue
		}
		number := uint32(d.origins.count)
		found := d.discover(key, number, here.number, ordinal)
		if d.graph != nil {
			d.graph.targets[here.edge] = d.table.number(key)
			here.edge++
		}
		if found {
			d.enter(number, key, state)
		}
		if d.options.StopEarly && d.unsafeIn(w.violated) {
			d.halt("a safety property is violated")
		}
	}
}
