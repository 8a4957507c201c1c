// What is tried, from what leaves out most to what only rounds.

package shrink

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/sim"
)

// pass tries one kind of change; it says whether the scenario has become smaller.
type pass struct {
	name string
	try  func(m *search) bool
}

// passes in their order; nothing writes it.
var passes = []pass{
	{"operations written down", (*search).script},
	{"fewer workloads", removal(func(s *sim.Scenario) *[]sim.Workload { return &s.Workloads })},
	{"fewer faults", removal(func(s *sim.Scenario) *[]sim.Fault { return &s.Faults })},
	{"fewer wrong clocks", removal(func(s *sim.Scenario) *[]sim.Clock { return &s.Clocks })},
	{"fewer operations", removal(func(s *sim.Scenario) *[]sim.Op { return &s.Ops })},
	{"fewer clients", (*search).clients},
	{"fewer nodes", (*search).nodes},
	{"plainer settings", (*search).settings},
	{"an earlier beginning", (*search).earlier},
	{"rounder times", (*search).round},
}

// script turns workloads into operations, which can be left out one by one.
func (m *search) script() bool {
	if len(m.best.Workloads) == 0 {
		return false
	}
	scripted, err := sim.Scripted(m.ctx, m.best)
	return err == nil && m.fails(scripted)
}

// removal leaves out parts of a list: halves first, then smaller runs, then one by one
// (the complements of Zeller's ddmin).
func removal[T any](list func(*sim.Scenario) *[]T) func(*search) bool {
	return func(m *search) bool {
		smaller := false
		for size := max(len(*list(&m.best))/2, 1); ; size /= 2 {
			for from := 0; from < len(*list(&m.best)); {
				candidate := m.best
				whole := *list(&m.best)
				*list(&candidate) = slices.Delete(slices.Clone(whole), from, min(from+size, len(whole)))
				if m.fails(candidate) {
					smaller = true
				} else {
					from += size
				}
				if m.over() {
					return smaller
				}
			}
			if size <= 1 {
				return smaller
			}
		}
	}
}

// clients leaves out the last client, with what it does.
func (m *search) clients() bool {
	smaller := false
	for m.best.Clients > 1 {
		candidate := m.best
		candidate.Clients--
		if !m.fails(candidate.Fit()) && !m.fails(m.renamed(candidate.Clients+1)) {
			return smaller
		}
		smaller = true
	}
	return smaller
}

// renamed has the first client do what the last one does.
func (m *search) renamed(last int) sim.Scenario {
	candidate := m.best
	candidate.Clients--
	candidate.Ops, candidate.Workloads = slices.Clone(candidate.Ops), slices.Clone(candidate.Workloads)
	for i := range candidate.Ops {
		if candidate.Ops[i].Client == last {
			candidate.Ops[i].Client = 1
		}
	}
	for i := range candidate.Workloads {
		if candidate.Workloads[i].Client == last {
			candidate.Workloads[i].Client = 1
		}
	}
	return candidate.Fit()
}

// nodes leaves out replicas, metas and partitions, with the faults that befell them.
func (m *search) nodes() bool {
	smaller := false
	for _, fewer := range []func(s *sim.Scenario) bool{
		func(s *sim.Scenario) bool { s.Replicas--; return s.Replicas > 0 },
		func(s *sim.Scenario) bool { s.Metas--; s.Leader = min(s.Leader, s.Metas); return s.Metas > 0 },
		func(s *sim.Scenario) bool { s.Partitions /= 2; return s.Partitions > 0 },
	} {
		for {
			candidate := m.best
			if !fewer(&candidate) {
				break
			}
			if !m.fails(candidate.Fit()) {
				break
			}
			smaller = true
		}
	}
	return smaller
}

// settings tries the plainest of each setting that is not an event. What a seed drew of
// faults is not true any more of those that are left.
func (m *search) settings() bool {
	smaller := false
	for _, plainer := range []func(s *sim.Scenario) bool{
		func(s *sim.Scenario) bool { changed := len(s.Drawn) > 0; s.Drawn = nil; return changed },
		func(s *sim.Scenario) bool { changed := s.SplitReads; s.SplitReads = false; return changed },
		func(s *sim.Scenario) bool { changed := s.Pairs != 4; s.Pairs = 4; return changed },
		func(s *sim.Scenario) bool {
			changed := s.LatencyMin != s.LatencyMax
			s.LatencyMax = s.LatencyMin
			return changed
		},
	} {
		candidate := m.best
		if plainer(&candidate) && m.fails(candidate) {
			smaller = true
		}
	}
	return smaller
}

// earlier lets everything begin sooner: what happens before the first event is nothing.
func (m *search) earlier() bool {
	first := m.best.LastFault()
	for _, f := range m.best.Faults {
		first = min(first, f.At)
	}
	for _, o := range m.best.Ops {
		first = min(first, o.At)
	}
	smaller := false
	for _, lead := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		by := first - lead
		if by <= 0 || len(m.best.Workloads) > 0 {
			return smaller
		}
		candidate := m.best
		candidate.Faults, candidate.Ops = slices.Clone(candidate.Faults), slices.Clone(candidate.Ops)
		for i := range candidate.Faults {
			candidate.Faults[i].At -= by
		}
		for i := range candidate.Ops {
			candidate.Ops[i].At -= by
		}
		if m.fails(candidate) {
			return true
		}
	}
	return smaller
}

// grids of instants and lengths, the coarsest first.
var grids = []time.Duration{time.Second, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond}

// round tries round numbers for every time by itself, and less of what faults have a
// measure of.
func (m *search) round() bool {
	smaller := false
	for i := range m.best.Faults {
		smaller = m.roundOne(func(s *sim.Scenario) *time.Duration { return &s.Faults[i].At }) || smaller
		smaller = m.roundOne(func(s *sim.Scenario) *time.Duration { return &s.Faults[i].Down }) || smaller
		smaller = m.halve(i) || smaller
		smaller = m.roundOne(func(s *sim.Scenario) *time.Duration { return &s.Faults[i].By }) || smaller
	}
	for i := range m.best.Ops {
		smaller = m.roundOne(func(s *sim.Scenario) *time.Duration { return &s.Ops[i].At }) || smaller
	}
	return smaller
}

// halve tries half of how far a fault goes, and half of that.
func (m *search) halve(fault int) bool {
	smaller := false
	for m.best.Faults[fault].By.Abs() >= 2*time.Millisecond {
		candidate := m.best
		candidate.Faults = slices.Clone(candidate.Faults)
		candidate.Faults[fault].By /= 2
		if !m.fails(candidate) {
			break
		}
		smaller = true
	}
	return smaller
}

// roundOne cuts a time to the coarsest grid that keeps the failure. It is never rounded up,
// so that what one pass makes sooner no other makes later.
func (m *search) roundOne(field func(*sim.Scenario) *time.Duration) bool {
	for _, grid := range grids {
		is := *field(&m.best)
		if is%grid == 0 {
			return false // as round as this already
		}
		candidate := m.best
		candidate.Faults, candidate.Ops = slices.Clone(candidate.Faults), slices.Clone(candidate.Ops)
		*field(&candidate) = is.Truncate(grid)
		if m.fails(candidate) {
			return true
		}
	}
	return false
}

// patient has the passes watch as long as a scenario does that says nothing else. In a short
// watch everything would seem to be missing for ever; a scenario that fails alike in no
// longer one keeps its own.
func (m *search) patient() {
	m.given = m.best.Watch
	if long := sim.Default().Watch; m.given < long {
		m.watchFor(long)
	}
}

// watchFor tries another watch, with what is done after the faults as it is, or as long
// before the end as it was.
func (m *search) watchFor(watch time.Duration) bool {
	candidate := m.best
	candidate.Watch = watch
	if m.fails(candidate) {
		return true
	}
	over, by := m.best.LastFault(), watch-m.best.Watch
	candidate.Ops = slices.Clone(candidate.Ops)
	for i := range candidate.Ops {
		at := &candidate.Ops[i].At
		if *at > over && *at+by <= over {
			return false // it would become another story, which does not become this one again
		}
		if *at > over {
			*at += by
		}
	}
	return m.fails(candidate)
}

// watches that are tried, the shortest first; nothing writes it.
var watches = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute}

// watch ends the run sooner, as the last of all: what fails has been seen to fail for long.
func (m *search) watch() {
	for _, shorter := range slices.Sorted(slices.Values(append(watches[:len(watches):len(watches)], m.given))) {
		if shorter < m.best.Watch && m.watchFor(shorter) {
			return
		}
	}
	m.roundOne(func(s *sim.Scenario) *time.Duration { return &s.Watch })
}
