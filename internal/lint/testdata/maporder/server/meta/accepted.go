// Ranges over maps that show nothing of the order.

package meta

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

type identity struct{ app, index int }

func (i identity) compare(j identity) int {
	return cmp.Or(cmp.Compare(i.app, j.app), cmp.Compare(i.index, j.index))
}

func (s *state) sorted(addrs map[netip.AddrPort]int, ids map[identity]int) {
	for _, name := range slices.Sorted(maps.Keys(s.names)) {
		s.last = name
	}
	_ = slices.Sorted(maps.Values(s.names))
	_ = slices.SortedFunc(maps.Keys(addrs), netip.AddrPort.Compare)
	_ = slices.SortedFunc(maps.Keys(ids), identity.compare)
	_ = slices.SortedFunc(maps.Keys(ids), func(a, b identity) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.app, b.app))
	})
	var names []string
	for name, n := range s.names {
		if n > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	s.output = names
}

func (s *state) counted(deadlines map[int]time.Time, now time.Time) (n int, due bool) {
	for range s.names {
		n++
	}
	for _, p := range s.peers {
		n += p.n
		s.stats.a++
		s.stats.b += p.m
		if p.n > 3 {
			s.total += p.size()
		}
	}
	for _, p := range s.peers {
		p.m = 0
	}
	for _, at := range deadlines {
		if !at.After(now) {
			due = true
			break
		}
	}
	least := 1 << 30
	for _, v := range s.names {
		least = min(least, v)
		if v < s.least {
			s.least = v
		}
	}
	return n + least, due
}

func (s *state) exists(n int) bool {
	for _, v := range s.names {
		if v == n {
			return true
		}
	}
	return false
}

func (s *state) emptied() {
	for name := range s.names {
		delete(s.names, name)
	}
	for k, p := range s.peers {
		if p.n == 0 {
			delete(s.peers, k)
		}
	}
	clear(s.names)
}

func (s *state) clone() *state {
	c := &state{peers: make(map[int]*peer, len(s.peers)), names: maps.Clone(s.names)}
	for k, p := range s.peers {
		c.peers[k] = p.clone()
	}
	seen := make(map[int]bool)
	histogram := make(map[int]int)
	for name, n := range s.names {
		e := n * 2
		c.names[name] = e
		seen[n] = true
		histogram[n%3]++
	}
	return c
}

func (p *peer) clone() *peer {
	c := *p
	c.items = slices.Clone(p.items)
	return &c
}

func (p *peer) size() int {
	n := 0
	for _, item := range p.items {
		n += item
	}
	return n
}
