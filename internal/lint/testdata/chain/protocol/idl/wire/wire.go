// Code generated for this test. DO NOT EDIT.

package wire

import "time"

var registry = map[string]int{}

// Register is not reached by a core.
func Register(name string) {
	registry[name] = int(time.Now().Unix())
	for name := range registry {
		delete(registry, name+"x")
	}
}

// Write is reached, and does what only its body shows.
func Write(m map[string]int) (last string) {
	for name := range m {
		last = name
	}
	return last
}

// Stamp is reached, and calls the clock.
func Stamp() int64 { return time.Now().Unix() }
