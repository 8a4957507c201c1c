// Traces with one event dropped, repeated, swapped or forged are refused. What may pass is
// listed, with the reason; everything else has to be refused at every position.

package conformance

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// collector keeps every event.
type collector struct{ events []trace.Event }

func (c *collector) Emit(ev *trace.Event) {
	kept := *ev
	kept.Data = nil
	c.events = append(c.events, kept)
}

// eventsOf runs a scenario and returns its trace.
func eventsOf(t testing.TB, s sim.Scenario) []trace.Event {
	t.Helper()
	var c collector
	_, err := sim.Run(t.Context(), s, sim.Options{Sink: &c})
	require.NoError(t, err)
	return c.events
}

// recorded is a short run of the reference: two clients, every node restarted once under
// load.
func recorded(t testing.TB, seed uint64) []trace.Event {
	t.Helper()
	s := sim.Default()
	s.Name, s.Seed, s.Clients, s.Metas, s.Replicas, s.Partitions, s.Watch = "changed", seed, 2, 1, 2, 2, 700*time.Millisecond
	for client := range s.Clients {
		s.Workloads = append(s.Workloads, sim.Workload{
			Client: client + 1, EveryMin: 20 * time.Millisecond, EveryMax: 60 * time.Millisecond, Timeout: time.Second, Keys: 8,
		})
	}
	for i, node := range []string{"meta-1", "replica-1", "replica-2"} {
		s.Faults = append(s.Faults, sim.Fault{
			At: time.Duration(200+20*i) * time.Millisecond, Kind: sim.FaultRestart, Node: node, Down: 50 * time.Millisecond,
		})
	}
	events := eventsOf(t, s)
	result, err := Validate(events, Options{})
	require.NoError(t, err)
	requireConforming(t, &result)
	return events
}

// place is what an event is, for the list of what may pass: client or server, and kind.
func place(ev *trace.Event) string {
	side := "server"
	if strings.HasPrefix(ev.Node, "client") {
		side = "client"
	}
	return side + " " + ev.Kind.String()
}

// stutters says whether nothing is demanded of an event. Calls are held apart (P4).
func stutters(ev *trace.Event) bool {
	switch ev.Kind {
	case trace.KindInvoke, trace.KindReturn, trace.KindNodeUp, trace.KindTable, trace.KindLeader, trace.KindQuery:
		return false
	}
	for _, s := range stuttering {
		if s.kind == ev.Kind {
			return true
		}
	}
	return false
}

func drop(events []trace.Event, i int) []trace.Event {
	return slices.Delete(slices.Clone(events), i, i+1)
}

func repeat(events []trace.Event, i int) []trace.Event {
	return slices.Insert(slices.Clone(events), i, events[i])
}

// swap exchanges an event with the next of the same node that matters, each at the other's
// instant; nil where both are of different connections, which do not know each other.
func swap(events []trace.Event, i int) []trace.Event {
	for j := i + 1; j < len(events); j++ {
		if events[j].Node != events[i].Node || stutters(&events[j]) {
			continue
		}
		if events[j].Conn != events[i].Conn || events[i].Conn == 0 {
			return nil
		}
		changed := slices.Clone(events)
		changed[i], changed[j] = changed[j], changed[i]
		changed[i].AtNS, changed[j].AtNS = changed[j].AtNS, changed[i].AtNS
		return changed
	}
	return nil
}

// change is one way to spoil a trace; apply returns nil where it cannot be done at i.
type change struct {
	name  string
	apply func(events []trace.Event, i int) []trace.Event
}

func changes() []change {
	list := []change{{"drop", drop}, {"repeat", repeat}, {"swap", swap}}
	for _, f := range forgeries {
		list = append(list, change{"forge " + f.field, func(events []trace.Event, i int) []trace.Event {
			changed := slices.Clone(events)
			if !f.forge(&changed[i]) {
				return nil
			}
			return changed
		}})
	}
	return list
}

// refused is whether one of the specifications refuses the trace. What comes after a first
// refusal does not count.
func refused(t require.TestingT, events []trace.Event) bool {
	all, err := NewAll(Options{})
	require.NoError(t, err)
	for _, v := range all {
		for i := range events {
			if v.Emit(&events[i]); v.result.Refused > 0 {
				return true
			}
		}
		if v.Result().Verdict == NotConforming {
			return true
		}
	}
	return false
}

// changedTraces are runs in which servers restart, the leader changes, and metas are asked
// in vain.
func changedTraces(t *testing.T) [][]trace.Event {
	return [][]trace.Event{recorded(t, 1), routed(t), searching(t, 300*time.Millisecond)}
}

func TestChangedTracesAreRefused(t *testing.T) {
	traces := append(changedTraces(t), recorded(t, 2), recorded(t, 3))
	all := changes()
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SampledFrom(traces).Draw(t, "trace")
		i := rapid.IntRange(0, len(events)-1).Draw(t, "event")
		c := rapid.SampledFrom(all).Draw(t, "change")
		if stutters(&events[i]) {
			return
		}
		changed := c.apply(events, i)
		if changed == nil || refused(t, changed) {
			return
		}
		if !mayPass(c.name, events, i) {
			t.Fatalf("%s of %s, event %d, passes: %+v", c.name, place(&events[i]), i+1, events[i])
		}
	})
}

// TestEveryForgeryIsRefused changes events of each place, kind, state and name in every way,
// and counts what passes: nothing that is not listed as undetected.
func TestEveryForgeryIsRefused(t *testing.T) {
	tried, passed, seen := map[string]int{}, map[string]int{}, map[string]int{}
	for _, events := range changedTraces(t) {
		for i := range events {
			if stutters(&events[i]) {
				continue
			}
			at := place(&events[i])
			sort := at + events[i].State + events[i].RPC
			if seen[sort]++; seen[sort] > 1 && seen[sort]%*every != 0 {
				continue
			}
			for _, c := range changes() {
				changed := c.apply(events, i)
				if changed == nil {
					continue
				}
				tried[c.name]++
				if !refused(t, changed) {
					passed[c.name]++
					assert.True(t, mayPass(c.name, events, i), "%s of %s, event %d, passes: %+v", c.name, at, i+1, events[i])
				}
			}
		}
	}
	all := 0
	for _, c := range changes() {
		t.Logf("%s: %d of %d pass", c.name, passed[c.name], tried[c.name])
		assert.Positive(t, tried[c.name], c.name)
		assert.Less(t, passed[c.name], tried[c.name], c.name)
		all += tried[c.name]
	}
	require.Greater(t, all, 800)
}

// every is the distance between two events of a sort that are changed; 1 changes all.
var every = flag.Int("every", 97, "change every n-th event of a place, kind, state and name, and the first")

// TestEachExceptionIsNeeded finds an event for each entry of undetected whose change passes,
// where the entry says that it may.
func TestEachExceptionIsNeeded(t *testing.T) {
	traces := changedTraces(t)
	byName := make(map[string]change)
	for _, c := range changes() {
		byName[c.name] = c
	}
	for _, u := range undetected {
		passes := false
		for _, events := range traces {
			for i := 0; i < len(events) && !passes; i++ {
				if (u.event == anyEvent || place(&events[i]) == u.event) && !stutters(&events[i]) && u.where(events, i) {
					changed := byName[u.change].apply(events, i)
					passes = changed != nil && !refused(t, changed)
				}
			}
		}
		assert.True(t, passes, "%s of %s is refused everywhere: it is no exception", u.change, u.event)
	}
}

// A change of an event that stutters changes nothing, but for bytes, without which frames
// have not arrived.
func TestStutteringEventsDecideNothing(t *testing.T) {
	events := recorded(t, 1)
	var kept []trace.Event
	for i := range events {
		if !stutters(&events[i]) {
			kept = append(kept, events[i])
		}
	}
	require.Less(t, len(kept), len(events))
	result, err := Validate(kept, Options{})
	require.NoError(t, err)
	requireConforming(t, &result)
	bytes := 0
	for i := range events {
		if events[i].Kind == trace.KindBytes {
			if bytes++; bytes%40 == 1 {
				assert.True(t, refused(t, drop(events, i)), "event %d", i+1)
			}
		}
	}
	require.Greater(t, bytes, 40)
}
