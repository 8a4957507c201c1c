// Run: a search from its options to its result.

package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// ErrModel is wrapped by the errors of a model that cannot be searched.
var ErrModel = errors.New("check: model")

// ErrOptions is wrapped by the errors of options that contradict each other or the model.
var ErrOptions = errors.New("check: options")

// Phases of a search, as Progress names them.
const (
	phaseStates   = "states"
	phaseLiveness = "liveness"
)

// search is the state of one Run.
type search[S any] struct {
	model      Model[S]
	options    Options
	actions    []Action
	properties []Property[S]
	start      time.Time
	stop       atomic.Pointer[string] // why to end the search for states early
	aborted    atomic.Pointer[string] // why to end all of it early, the search for cycles too
	broken     atomic.Pointer[error]  // what is wrong with the model

	table    *table
	frontier frontier[S]
	origins  origins
	initial  []uint32 // numbers of the distinct initial states, in the model's order; noState for one that has parents
	batch    batch[S]
	next     uint32   // number of the first state that the batch finds
	expanded uint32   // states below this number were looked into
	levels   []uint32 // number of the first state of each level
	levelEnd uint32   // number of the first state behind the level being searched
	depth    int
	workers  []*worker[S]

	distinct  atomic.Uint64
	generated atomic.Uint64
	queue     atomic.Uint64
	level     atomic.Int64
	phase     atomic.Pointer[string]

	violated   []uint32 // for each property the lowest number of a witness plus one
	outDegrees outDegrees
	groups     groups
	symmetric  Symmetric[S] // nil where states are taken as they are
	walked     []walked[S]  // for each property the violation of the first random walk that has one
	graph      *graph       // nil where no liveness property is looked at
	scratch    *scratch     // what the search for cycles needs beside it; nil before that
	unjudged   []string     // Result.Unjudged
}

// Run explores model and returns what it found. A limit or the end of ctx makes the
// result inconclusive (or a violation, if one was found before) and is no error. An
// error wraps ErrModel where the model itself is wrong, or ErrOptions where options
// cannot be what they are, for this model.
func Run[S any](ctx context.Context, model Model[S], options Options) (*Result[S], error) {
	s, err := newSearch(model, options)
	if err != nil {
		return nil, err
	}
	release := s.watch(ctx)
	err = s.look()
	var violations []Violation[S]
	if err == nil {
		violations, err = s.judge()
	}
	release()
	if err != nil {
		return nil, err
	}
	return s.result(violations), nil
}

// look looks into states in the order that is asked for.
func (s *search[S]) look() error {
	switch s.options.Search {
	case DepthFirst:
		return s.dive()
	case RandomWalk:
		return s.roam()
	default:
		return s.explore()
	}
}

func newSearch[S any](model Model[S], options Options) (*search[S], error) {
	if err := options.refuse(); err != nil {
		return nil, err
	}
	s := &search[S]{
		model: model, options: options, actions: model.Actions(),
		start: time.Now(),
	}
	properties := model.Properties()
	for _, name := range options.Only {
		if !slices.ContainsFunc(properties, func(p Property[S]) bool { return p.Name == name }) {
			return nil, fmt.Errorf("%w: it has no property %q to look at", ErrModel, name)
		}
	}
	for _, p := range properties {
		if len(options.Only) == 0 || slices.Contains(options.Only, p.Name) {
			s.properties = append(s.properties, p)
		}
	}
	s.enterPhase(phaseStates)
	if err := distinctNames(s.actions); err != nil {
		return nil, err
	}
	s.violated = make([]uint32, len(s.properties))
	var err error
	if s.groups, err = groupActions(s.actions); err != nil {
		return nil, err
	}
	if options.Search != RandomWalk {
		if s.graph, err = newGraph(s.properties, s.groups); err != nil {
			return nil, err
		}
	}
	if err := s.chooseKey(); err != nil {
		return nil, err
	}
	s.table = newTable(s.graph != nil)
	s.batch.size = firstBatch
	workers := options.workers()
	if options.Search == DepthFirst {
		workers = 1
	}
	for range workers {
		s.workers = append(s.workers, newWorker(s))
	}
	return s, nil
}

func distinctNames(actions []Action) error {
	if len(actions) > maxActions {
		return fmt.Errorf("%w: it has %d actions, more than %d", ErrModel, len(actions), maxActions)
	}
	seen := map[string]bool{}
	for _, a := range actions {
		if seen[a.Name] {
			return fmt.Errorf("%w: it has two actions named %q", ErrModel, a.Name)
		}
		seen[a.Name] = true
	}
	return nil
}

// examine notes in violated which properties state, numbered number, is a witness for.
func (s *search[S]) examine(state S, number uint32, violated []uint32) {
	for i := range s.properties {
		p := &s.properties[i]
		if violated[i] != 0 || (p.Kind != Safety && p.Kind != Reachability) {
			continue
		}
		if p.holds(state) == (p.Kind == Reachability) {
			violated[i] = number + 1
		}
	}
}

// unsafe says whether a safety property is known to be violated.
func (s *search[S]) unsafe() bool { return s.unsafeIn(s.violated) }

func (s *search[S]) unsafeIn(violated []uint32) bool {
	for i, p := range s.properties {
		if violated[i] != 0 && (p.Kind == Safety || p.Kind == Deadlock) {
			return true
		}
	}
	return false
}

// halt makes the search for states end early. The first reason counts. What was found is
// judged all the same.
func (s *search[S]) halt(why string) { s.stop.CompareAndSwap(nil, &why) }

func (s *search[S]) halted() bool { return s.stop.Load() != nil }

// abort makes all of it end early, the search for cycles too. The first reason counts.
func (s *search[S]) abort(why string) {
	s.aborted.CompareAndSwap(nil, &why)
	s.halt(why)
}

func (s *search[S]) over() bool { return s.aborted.Load() != nil }

// stopped returns why the search ended before everything was known; "" where it is.
func (s *search[S]) stopped() string {
	first, last := s.stop.Load(), s.aborted.Load()
	switch {
	case first == nil, s.complete() && len(s.unjudged) == 0:
		return ""
	case len(s.unjudged) > 0 && last != nil && *last != *first:
		return *first + ", then " + *last
	}
	return *first
}

func (s *search[S]) complete() bool { return uint64(s.expanded) == s.distinct.Load() }

func (s *search[S]) result(violations []Violation[S]) *Result[S] {
	r := &Result[S]{
		Verdict:    Held,
		Violations: violations,
		Distinct:   s.distinct.Load(),
		Generated:  s.generated.Load(),
		Depth:      s.depth,
		Complete:   s.complete(),
		Stopped:    s.stopped(),
		Unjudged:   s.unjudged,
		Workers:    len(s.workers),
		Elapsed:    time.Since(s.start),
		Memory:     Memory{Visited: s.table.bytes() + s.origins.bytes()},
	}
	if s.depth > 0 && s.frontier.count > int(s.levelEnd) {
		r.Depth++
	}
	if r.Stopped != "" {
		r.Verdict = Inconclusive
	}
	if len(violations) > 0 {
		r.Verdict = Violated
	}
	if s.graph != nil {
		r.Memory.Edges = s.graph.bytes()
	}
	if s.scratch != nil {
		r.Memory.Scratch = s.scratch.most
	}
	for i, a := range s.actions {
		count := ActionCount{Name: a.Name, Steps: s.taken(i)}
		r.Actions = append(r.Actions, count)
		if count.Steps == 0 {
			r.NeverFired = append(r.NeverFired, a.Name)
		}
	}
	for _, w := range s.workers {
		s.outDegrees.merge(&w.outDegrees)
	}
	r.OutDegree = s.outDegrees.summary()
	if r.Dead = s.dead(r); len(r.Dead) > 0 {
		r.Verdict = Inconclusive
	}
	n := float64(r.Distinct)
	r.Collision = n * (n - 1) / 2 / (1 << 63) / 2
	return r
}
