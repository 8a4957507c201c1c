// Package meta ranges over maps.
package meta

import (
	"fmt"
	"maps"
	"slices"
)

type peer struct {
	n, m  int
	next  *peer
	items []int
}

type state struct {
	peers  map[int]*peer
	names  map[string]int
	total  int
	last   string
	least  int
	stats  struct{ a, b int }
	output []string
}

func (s *state) effects(emit func(string)) (string, error) {
	for name := range s.names { // want "map-order: .*it has a call whose effect is not known"
		emit(name)
	}
	for name := range s.names { // want "map-order: .*last holds what the last iteration left"
		s.last = name
	}
	for name := range s.names { // want "map-order: .*what it collects is not sorted at once"
		s.output = append(s.output, name)
	}
	for name, n := range s.names { // want "map-order: .*it returns what it found first"
		if n > 1 {
			return name, nil
		}
	}
	for name := range s.names { // want "map-order: .*it has a call whose effect is not known"
		s.forget(name)
	}
	for name := range s.names { // want "map-order: .*it calls .*forget, which may have an effect"
		s.total += s.forget(name)
	}
	for name, n := range s.names { // want "map-order: .*it returns what it found first"
		if n < 0 {
			return "", fmt.Errorf("negative %s", name)
		}
	}
	return "", nil
}

func (s *state) forget(name string) int {
	delete(s.names, name)
	return len(s.names)
}

func (s *state) accumulations(other map[string]int) {
	text := ""
	for name := range s.names { // want "map-order: .*text holds what the last iteration left"
		text += name
	}
	for _, n := range s.names { // want "map-order: .*total is written and read"
		if s.total < 10 {
			s.total += n
		}
	}
	for _, n := range s.names { // want "map-order: .*total is written in ways that do not commute"
		s.total += n
		s.total |= n
	}
	for _, n := range s.names { // want "map-order: .*total is written in a loop that ends early"
		s.total += n
		if n == 3 {
			break
		}
	}
	for _, p := range s.peers { // want "map-order: .*n is written and read"
		p.n += p.next.n
	}
	for _, p := range s.peers { // want "map-order: .*it writes through a pointer or a slice"
		p.items[0] = p.n
	}
	for k, p := range s.peers { // want "map-order: .*n holds what the last iteration left"
		p.n = k
	}
	for _, p := range s.peers { // want "map-order: .*a is written and read"
		before := s.stats
		s.stats.a += p.n
		p.m += before.a
	}
	for _, p := range s.peers { // want "map-order: .*b is written, and a value that holds it is read"
		before := s.stats
		s.stats.b += p.n
		p.m += before.a
	}
	for _, p := range s.peers { // want "map-order: .*stats is written and a part of it is read"
		p.m += s.stats.a
		s.stats = struct{ a, b int }{}
	}
	for _, n := range s.names { // want "map-order: .*an entry of other holds what the last iteration left"
		other["fixed"] = n
	}
	for name, n := range s.names { // want "map-order: .*it adds entries to a map that may be the one it ranges over"
		other[name+"x"] += n
	}
	for name, n := range other { // want "map-order: .*a map is written and another, which may be the same, is read"
		s.names[name] = n + other["x"]
	}
	for name := range s.names { // want "map-order: .*it has a call whose effect is not known"
		delete(other, name+"x")
	}
	for name := range s.names { // want "map-order: .*it changes its key"
		name = "x"
		other[name] = 1
	}
	var name string
	for name = range s.names { // want "map-order: .*its variables outlive it"
	}
	_ = name + text
}

func (s *state) exits() bool {
	for _, n := range s.names { // want "map-order: .*it can end early in different ways"
		if n == 1 {
			return true
		}
		if n == 2 {
			return false
		}
	}
	a, b := false, false
	for _, n := range s.names { // want "map-order: .* is written in a loop that ends early"
		if n == 1 {
			a = true
			break
		}
		if n == 2 {
			b = true
		}
	}
	return a || b
}

func (s *state) iterators() []int {
	for name := range maps.Keys(s.names) { // want "map-order: maps.Keys is not sorted at once"
		_ = name
	}
	unsorted := slices.Collect(maps.Values(s.names)) // want "map-order: maps.Values is not sorted at once"
	for name := range maps.All(s.names) {            // want "map-order: maps.All is not sorted at once" "call: .*maps.All"
		_ = name
	}
	by := slices.SortedFunc(maps.Keys(s.peers), func(a, b int) int { return a/2 - b/2 }) // want "map-order: maps.Keys is not sorted at once"
	return append(unsorted, by...)
}

func generic[M ~map[K]V, K comparable, V any](m M) (last K) {
	for k := range m { // want "map-order: .*last holds what the last iteration left"
		last = k
	}
	return last
}
