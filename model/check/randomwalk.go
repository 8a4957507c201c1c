// Random walks: paths drawn from a seed, each judged by itself.

package check

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// walked is a violation that a walk found.
type walked[S any] struct {
	walk      int // number of the walk, from 1; 0 where there is none
	violation Violation[S]
}

// roamer is what one goroutine keeps while it walks.
type roamer[S any] struct {
	*search[S]
	worker *worker[S]
	shared *commons
	number int            // of the walk in hand, from 1
	trace  []TraceStep[S] // the walk in hand, without texts
	keys   map[uint64]int // by key, where the walk came to that state first
	steps  []Step[S]
	most   uint64 // states there is room for, of all walks
}

// commons are what all of them share.
type commons struct {
	keeping    sync.Mutex                 // guards search.walked
	found      []atomic.Int64             // by property, walked.walk
	partitions [partitionCount]sync.Mutex // guard those of the visited set
	deepest    atomic.Int64
	taken      atomic.Int64 // walks
}

// roam takes the walks. Each has a generator of its own, so that what it does depends on
// the seed and its number only.
func (s *search[S]) roam() error {
	if len(s.model.Initial()) == 0 {
		return fmt.Errorf("%w: it has no initial state", ErrModel)
	}
	s.walked = make([]walked[S], len(s.properties))
	shared := &commons{found: make([]atomic.Int64, len(s.properties))}
	walks := s.options.walks()
	s.take(walks, shared)
	why := fmt.Sprintf("%d random walks of %d steps were taken", walks, s.options.length())
	if last := s.firstUnsafe(shared); last > 0 && s.options.StopEarly {
		why = fmt.Sprintf("random walk %d of %d violates a safety property", last, walks)
		if int(shared.taken.Load()) > last && !s.halted() {
			// Others were taken beside it. What counts are those up to it, in a second round.
			s.forget(last, shared)
			s.take(last, shared)
		}
	}
	s.depth = int(shared.deepest.Load())
	if err := s.failure(); err != nil {
		return err
	}
	s.halt(why)
	return nil
}

// take takes the first walks, so many, or as many as are wanted.
func (s *search[S]) take(walks int, shared *commons) {
	s.queue.Store(uint64(walks))
	var next atomic.Int64
	s.together(walks, func(w *worker[S]) {
		r := &roamer[S]{search: s, worker: w, shared: shared, keys: map[uint64]int{}, most: s.mostStates()}
		for !s.halted() {
			number := int(next.Add(1))
			if number > walks || r.needless(number) {
				return
			}
			r.walk(number)
			shared.taken.Add(1)
			s.queue.Add(^uint64(0))
		}
	})
}

// needless says whether a walk is not worth taking: only the first violation is wanted,
// and an earlier walk found one.
func (r *roamer[S]) needless(number int) bool {
	first := r.firstUnsafe(r.shared)
	return r.options.StopEarly && first > 0 && first < number
}

// firstUnsafe returns the number of the first walk known to violate a property that is not
// liveness, 0 where none is.
func (s *search[S]) firstUnsafe(shared *commons) int {
	first := 0
	for i, p := range s.properties {
		if found := int(shared.found[i].Load()); p.Kind != Liveness && found > 0 && (first == 0 || found < first) {
			first = found
		}
	}
	return first
}

// forget makes it as if no walk had been taken, but for the violations found by the first
// walks, so many: all of these have been taken.
func (s *search[S]) forget(last int, shared *commons) {
	for i := range s.walked {
		if s.walked[i].walk > last {
			s.walked[i] = walked[S]{}
			shared.found[i].Store(0)
		}
	}
	s.table = newTable(false)
	s.distinct.Store(0)
	s.generated.Store(0)
	shared.deepest.Store(0)
	for _, w := range s.workers {
		clear(w.fired)
		w.outDegrees = outDegrees{}
	}
}

// known says whether this walk or an earlier one violates property i.
func (r *roamer[S]) known(i, number int) bool {
	found := int(r.shared.found[i].Load())
	return found != 0 && found <= number
}

// walk takes the walk with that number.
func (r *roamer[S]) walk(number int) {
	r.number = number
	random := rand.New(rand.NewPCG(r.options.Seed, uint64(number)))
	initial := r.model.Initial()
	r.trace, r.steps = r.trace[:0], r.steps[:0]
	clear(r.keys)
	r.arrive(initial[random.IntN(len(initial))], "")
	for range r.options.length() {
		if r.halted() {
			return
		}
		here := r.trace[len(r.trace)-1].State
		if !r.choices(here) {
			return
		}
		if len(r.steps) == 0 {
			r.ended(here)
			break
		}
		step := r.steps[random.IntN(len(r.steps))]
		r.worker.fired[step.Action]++
		r.arrive(step.State, r.actions[step.Action].Name)
	}
	for deepest := r.shared.deepest.Load(); int(deepest) < len(r.trace); deepest = r.shared.deepest.Load() {
		if r.shared.deepest.CompareAndSwap(deepest, int64(len(r.trace))) {
			break
		}
	}
}

// choices fills steps with those that change something; it is false where the model is wrong.
func (r *roamer[S]) choices(here S) bool {
	steps := r.model.Next(here, r.steps[:0])
	if !r.worker.sound(steps) {
		return false
	}
	r.generated.Add(uint64(len(steps)))
	id := identify(r.model, here)
	r.steps = steps[:0]
	mayStop := true
	for _, step := range steps {
		if identify(r.model, step.State) != id {
			r.steps = append(r.steps, step)
			mayStop = mayStop && r.groups.of[step.Action] < 0
		}
	}
	r.worker.outDegrees.add(len(r.steps))
	if mayStop {
		r.judgeLasso(len(r.trace)-1, true)
	}
	return true
}

// arrive puts a state at the end of the walk and judges it.
func (r *roamer[S]) arrive(state S, action string) {
	key := r.worker.fingerprint(state)
	part := partitionOf(key)
	r.shared.partitions[part].Lock()
	if r.table.add(key) && r.distinct.Add(1) > r.most {
		r.distinct.Add(^uint64(0))
		r.full()
	}
	r.shared.partitions[part].Unlock()
	r.trace = append(r.trace, TraceStep[S]{Action: action, State: state})
	for i := range r.properties {
		if p := &r.properties[i]; p.Kind == Safety && !p.holds(state) {
			r.keep(i, Violation[S]{Trace: r.trace, Cycle: -1})
		}
	}
	if r.symmetric != nil {
		return // and no liveness property is looked at
	}
	if first, again := r.keys[key]; again {
		r.judgeLasso(first, false)
	} else {
		r.keys[key] = len(r.trace) - 1
	}
}

// ended judges a walk that has come to a state without a way on.
func (r *roamer[S]) ended(here S) {
	for i := range r.properties {
		if p := &r.properties[i]; p.Kind == Deadlock && !p.holds(here) {
			r.keep(i, Violation[S]{Trace: r.trace, Cycle: -1})
		}
	}
}

// judgeLasso judges the behaviour that circles from the state at index first to the end
// of the walk for ever or, with stutter, stops at the end.
func (r *roamer[S]) judgeLasso(first int, stutter bool) {
	v := Violation[S]{Trace: r.trace, Cycle: first, Stutter: stutter}
	for i := range r.properties {
		if r.known(i, r.number) {
			continue
		}
		for _, goal := range r.properties[i].goals {
			if !r.violatedBy(goal, v) {
				continue
			}
			if _, unfair := r.unfairTo(r.trace[first:]); !unfair {
				r.keep(i, v)
				break
			}
		}
	}
}

// keep makes v the violation of property i unless an earlier walk has one, or this one
// an earlier one.
func (r *roamer[S]) keep(i int, v Violation[S]) {
	r.shared.keeping.Lock()
	defer r.shared.keeping.Unlock()
	if r.known(i, r.number) {
		return
	}
	r.shared.found[i].Store(int64(r.number))
	v.Property, v.Kind, v.Trace = r.properties[i].Name, r.properties[i].Kind, slices.Clone(v.Trace)
	r.walked[i] = walked[S]{walk: r.number, violation: v}
}

// judgeWalks returns the violations that the walks found, in the order of the properties.
func (s *search[S]) judgeWalks() []Violation[S] {
	var violations []Violation[S]
	for _, w := range s.walked {
		if w.walk == 0 {
			continue
		}
		v := w.violation
		v.Trace[0].Text, v.Trace[0].ID = "initially", identify(s.model, v.Trace[0].State)
		v.Trace[0].Changes = difference(s.model, nil, v.Trace[0].State)
		for i := 1; i < len(v.Trace); i++ {
			step := Step[S]{State: v.Trace[i].State}
			step.Action = slices.IndexFunc(s.actions, func(a Action) bool { return a.Name == v.Trace[i].Action })
			v.Trace[i] = s.tell(v.Trace[i-1].State, step)
		}
		violations = append(violations, v)
	}
	return violations
}
