// How to search, when to stop, and what is said meanwhile.

package check

import (
	"runtime"
	"time"
)

// maxWorkers bounds Options.Workers.
const maxWorkers = 64

// Options of a search. The zero value searches everything with one worker per
// processor.
type Options struct {
	// Workers is the number of goroutines that search; 0 means one per processor.
	// Counts, verdict and traces do not depend on it.
	Workers int
	// MaxStates ends the search, inconclusively, when more distinct states than
	// this have been found; 0 means no limit but that of the visited set (4.2 thousand million).
	MaxStates uint64
	// MaxMemory ends the search, inconclusively, when the heap holds more bytes
	// than this; 0 means no limit. It is looked at several times a second.
	MaxMemory uint64
	// Timeout ends the search, inconclusively, after this time; 0 means never.
	Timeout time.Duration
	// StopEarly ends the search with the level on which the first violation of a
	// safety property was found. Without it every property gets its verdict.
	StopEarly bool
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

func (o Options) workers() int {
	n := o.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, maxWorkers)
}

func (o Options) progressEvery() time.Duration {
	if o.ProgressEvery <= 0 {
		return 250 * time.Millisecond
	}
	return o.ProgressEvery
}
