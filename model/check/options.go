// How to search, when to stop, and what is said meanwhile.

package check

import (
	"fmt"
	"runtime"
	"time"
)

// maxWorkers bounds Options.Workers.
const maxWorkers = 64

// Search is the order in which states are looked into.
type Search uint8

// Searches. All of them take the same models and find violations of the same properties.
const (
	// BreadthFirst finds shortest traces, on all workers. Everything is looked into.
	BreadthFirst Search = iota
	// DepthFirst keeps no level of states in memory, only those on the path in hand, and
	// uses one worker. Everything is looked into; traces of safety are longer than need
	// be, those of liveness are the same as of BreadthFirst.
	DepthFirst
	// RandomWalk takes Walks random paths of Length steps. It finds what many steps away
	// is likely, needs no memory for what is not visited, and never proves that anything
	// holds: without a violation it is inconclusive.
	RandomWalk
)

// Searches are the names of the kinds of search, in their order.
var Searches = []string{"bfs", "dfs", "walk"}

// String returns the name.
func (k Search) String() string {
	if int(k) < len(Searches) {
		return Searches[k]
	}
	return "unknown"
}

// Options of a search. The zero value searches everything with one worker per
// processor.
type Options struct {
	Search Search
	// Seed, Walks and Length are for RandomWalk: the same ones take the same paths, for
	// any number of workers. 0 walks means 1,000, length 0 means 200 steps.
	Seed   uint64
	Walks  int
	Length int
	// Symmetry takes states that differ in a permutation only for one. The model must be
	// Symmetric. It is refused where a liveness property is looked at: the cycle of a
	// reduced state space need not be one of the real one. See Symmetric.
	Symmetry bool
	// Workers is the number of goroutines that search, at most 64; 0 means one per
	// processor. Counts, verdict and traces do not depend on it.
	Workers int
	// MaxStates ends the search, inconclusively, when more distinct states than
	// this have been found; 0 means no limit but that of the visited set
	// (4.2 thousand million, with liveness half of that). Liveness is judged on the
	// states that were found; what bounds that as well are the other limits.
	MaxStates uint64
	// MaxMemory ends the search, inconclusively, when the heap holds more bytes
	// than this; 0 means no limit. It is looked at several times a second, and before the
	// search for cycles begins. What liveness properties are not judged by then are
	// Result.Unjudged, as after Timeout and the end of the context.
	MaxMemory uint64
	// Timeout ends the search, inconclusively, after this time; 0 means never.
	Timeout time.Duration
	// StopEarly ends the search with the level on which the first violation of a
	// safety property was found, of random walks with the first walk that violates one.
	// Without it every property gets its verdict.
	StopEarly bool
	// MayRest lets every action rest. Without it a search of everything that would have
	// held is inconclusive where an action was never taken of which the model does not say
	// that it may rest: Result.Dead.
	MayRest bool
	// Only names the properties to look at; empty means all of the model's.
	Only []string
	// Progress, when not nil, is called about every ProgressEvery (0: 250 ms), from
	// one goroutine at a time, and not after Run has returned.
	Progress      func(Progress)
	ProgressEvery time.Duration
}

// Progress is where a search stands.
type Progress struct {
	Phase     string        // "states" or "liveness"
	Distinct  uint64        // states found
	Generated uint64        // steps found
	Depth     int           // level being searched, the initial states are on level 1
	Queue     uint64        // states found and not yet looked into
	Elapsed   time.Duration // since the start
	Memory    uint64        // bytes on the heap, about
}

// PerSecond returns distinct states per second so far.
func (p Progress) PerSecond() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Distinct) / p.Elapsed.Seconds()
}

// refuse returns what is wrong with o by itself; the error wraps ErrOptions.
func (o Options) refuse() error {
	switch {
	case o.Search > RandomWalk:
		return fmt.Errorf("%w: there is no search number %d", ErrOptions, o.Search)
	case o.Workers < 0 || o.Workers > maxWorkers:
		return fmt.Errorf("%w: %d workers; there can be 1 to %d, or 0 for one a processor", ErrOptions, o.Workers, maxWorkers)
	case o.Search == DepthFirst && o.Workers > 1:
		return fmt.Errorf("%w: %d workers, and a depth-first search is one's work", ErrOptions, o.Workers)
	case o.Walks < 0 || o.Length < 0:
		return fmt.Errorf("%w: %d random walks of %d steps; neither can be negative", ErrOptions, o.Walks, o.Length)
	case o.Timeout < 0:
		return fmt.Errorf("%w: a timeout of %s; it cannot be negative", ErrOptions, o.Timeout)
	}
	return nil
}

func (o Options) workers() int {
	n := o.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, maxWorkers)
}

func (o Options) walks() int {
	if o.Walks <= 0 {
		return 1000
	}
	return o.Walks
}

func (o Options) length() int {
	if o.Length <= 0 {
		return 200
	}
	return o.Length
}

func (o Options) progressEvery() time.Duration {
	if o.ProgressEvery <= 0 {
		return 250 * time.Millisecond
	}
	return o.ProgressEvery
}
