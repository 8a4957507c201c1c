// Traces with one event dropped, repeated, swapped or forged are refused. What may pass is
// listed, with the reason; everything else has to be refused at every position.

package conformance

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
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
	var c collector
	_, err := sim.Run(t.Context(), s, sim.Options{Sink: &c})
	require.NoError(t, err)
	result, err := Validate(c.events, Options{})
	require.NoError(t, err)
	requireConforming(t, &result)
	return c.events
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
	if ev.Kind == trace.KindInvoke || ev.Kind == trace.KindReturn || ev.Kind == trace.KindNodeUp {
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

// swap exchanges an event with the next of the same node that matters; nil where both are
// of different connections, which do not know each other.
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
		return changed
	}
	return nil
}

// forgeries change one field of an event each; false where the event has no such field.
var forgeries = []struct {
	field string
	forge func(ev *trace.Event) bool
}{
	{"conn", func(ev *trace.Event) bool { had := ev.Conn != 0; ev.Conn += 100_000; return had }},
	{"other conn", func(ev *trace.Event) bool { had := ev.Conn > 1; ev.Conn--; return had }},
	{"node", func(ev *trace.Event) bool { ev.Node += "0"; return true }},
	{"seq", func(ev *trace.Event) bool { had := ev.Seq != 0; ev.Seq += 1000; return had }},
	{"rpc", func(ev *trace.Event) bool {
		had := ev.RPC != ""
		ev.RPC = protocol.RPCRemove.String() + strings.Repeat(ackSuffix, strings.Count(ev.RPC, ackSuffix)) + "2"
		return had
	}},
	{"neg", func(ev *trace.Event) bool { had := ev.Neg != ""; ev.Neg = "SASL_INVALID"; return had }},
	{"success", func(ev *trace.Event) bool {
		had := ev.Neg == "SASL_CHALLENGE" || ev.Neg == "SASL_LIST_MECHANISMS_RESP"
		ev.Neg = "SASL_SUCC"
		return had
	}},
	{"code", func(ev *trace.Event) bool { had := ev.Code != ""; ev.Code = "ERR_BUSY"; return had }},
	{"size", func(ev *trace.Event) bool { had := ev.Size != 0; ev.Size++; return had }},
	{"principal", func(ev *trace.Event) bool { had := ev.Principal != ""; ev.Principal = ""; return had }},
	{"state", func(ev *trace.Event) bool {
		before := ev.State
		ev.State = "ready"
		return before != "" && before != ev.State
	}},
	{"op", func(ev *trace.Event) bool { had := ev.Op != 0; ev.Op += 100_000; return had }},
	{"peer", func(ev *trace.Event) bool { had := ev.Peer != ""; ev.Peer = "10.9.9.9:1"; return had }},
	{"addr", func(ev *trace.Event) bool { had := ev.Addr != ""; ev.Addr = "10.9.9.9:1"; return had }},
	{"kind", func(ev *trace.Event) bool { ev.Kind = trace.KindTimer; return true }},
}

// undetected is what may pass: a change, the event it is made to, and why. Whatever is not
// listed is refused wherever it happens.
var undetected = []struct{ change, event, why string }{
	{"drop", "client frame-in", "the last answers on a connection: that they were on their way when the trace or the connection ended is possible too"},
	{"forge kind", "client frame-in", "the same: another kind of event in its place is a drop"},
	{"drop", "client node-up", "a client's process has no state in the specification; a server's has"},
	{"forge kind", "client node-up", "the same"},
	{"forge node", "client node-up", "the same"},
	{"drop", "client return", "a call may still be running when a trace ends"},
	{"forge kind", "client return", "the same"},
	{"forge state", "client return", "outcomes are the routing layer's: no frame names the call that it belongs to"},
	{"forge code", "client return", "the same"},
	{"drop", "client session", "a state told again, and backoff or idle between two connections, decide nothing; dialing, the first negotiating and ready do"},
	{"forge kind", "client session", "the same"},
	{"repeat", "client session", "a state may be told again"},
	{"swap", "client session", "a state is told within the step that changes it, before or after what the step writes"},
	{"swap", "client frame-in", "the same, seen from the frame"},
	{"swap", "client frame-out", "the same"},
	{"drop", "server close", "a dead server's ends are gone with it (S37): its close events add nothing"},
	{"forge conn", "server close", "the same"},
	{"forge other conn", "server close", "the same"},
}

func mayPass(change string, ev *trace.Event) bool {
	for _, u := range undetected {
		if u.change == change && u.event == place(ev) {
			return true
		}
	}
	return false
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

// refused is whether one of the specifications refuses the trace.
func refused(t require.TestingT, events []trace.Event) bool {
	all, err := NewAll(Options{})
	require.NoError(t, err)
	for i := range events {
		all.Emit(&events[i])
	}
	return slices.ContainsFunc(all.Results(), func(r Result) bool { return r.Verdict == NotConforming })
}

func TestChangedTracesAreRefused(t *testing.T) {
	traces := [][]trace.Event{recorded(t, 1), recorded(t, 2), recorded(t, 3)}
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
		if !mayPass(c.name, &events[i]) {
			t.Fatalf("%s of %s, event %d, passes: %+v", c.name, place(&events[i]), i+1, events[i])
		}
	})
}

// TestRefusalRate changes every 23rd event that matters in every way. What is listed as
// undetected may pass, some of it always.
func TestRefusalRate(t *testing.T) {
	events := recorded(t, 1)
	tried, found := 0, 0
	for i := 0; i < len(events); i += 23 {
		if stutters(&events[i]) {
			continue
		}
		for _, c := range changes() {
			changed := c.apply(events, i)
			if changed == nil {
				continue
			}
			tried++
			if refused(t, changed) {
				found++
			} else {
				assert.True(t, mayPass(c.name, &events[i]), "%s of %s, event %d, passes", c.name, place(&events[i]), i+1)
			}
		}
	}
	t.Logf("%d changes, %d refused", tried, found)
	require.Greater(t, tried, 200)
	require.Greater(t, found*100, tried*80, "%d of %d changes are refused", found, tried)
}

// TestEachExceptionIsNeeded finds an event for each entry of undetected whose change passes.
func TestEachExceptionIsNeeded(t *testing.T) {
	events := recorded(t, 1)
	byName := make(map[string]change)
	for _, c := range changes() {
		byName[c.name] = c
	}
	for _, u := range undetected {
		passes := false
		for i := 0; i < len(events) && !passes; i++ {
			if place(&events[i]) == u.event {
				changed := byName[u.change].apply(events, i)
				passes = changed != nil && !refused(t, changed)
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
