// Package trace is no core, but cores call it.
package trace

import (
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// Stamp calls the clock two calls deep.
func Stamp() int64 { return clock() }

func clock() int64 { return time.Now().UnixNano() }

// Log does I/O.
func Log(text string) { os.Stderr.WriteString(text) }

// Later starts a goroutine.
func Later(f func()) { go f() }

// Names shows a map's order.
func Names(m map[string]int) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	return names
}

// Started is filled by a call of the clock.
var Started = time.Now()

// Count is written by Inc.
var Count int

// Inc counts.
func Inc() { Count++ }

// Recorder has an impure method and a pure one.
type Recorder struct{ mu sync.Mutex }

// Record locks.
func (r *Recorder) Record() { r.mu.Lock() }

// Pure is fine.
func (r *Recorder) Pure() int { return 1 }

// Sink is an interface: what implements it is its owner's business.
type Sink interface{ Put(string) }

// Map calls what it is given.
func Map[T any](in []T, f func(T) T) {
	for i := range in {
		in[i] = f(in[i])
	}
}

// Shuffle draws.
func Shuffle[T any](in []T) { rand.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] }) }

// Even and odd call each other, and nothing else.
func Even(n int) bool { return n == 0 || odd(n-1) }

func odd(n int) bool { return n != 0 && Even(n-1) }
