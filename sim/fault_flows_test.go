// Firewalls that forget flows: who finds out, and when.

package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

// endings keeps how connections of client-1 to replica-1 end after an instant.
type endings struct {
	after time.Duration
	at    []time.Duration
	notes []string
}

func (e *endings) Emit(ev *trace.Event) {
	if ev.Node == "client-1" && ev.AtNS > int64(e.after) && (ev.Kind == trace.KindClosed || ev.Kind == trace.KindClose) {
		e.at, e.notes = append(e.at, time.Duration(ev.AtNS)), append(e.notes, ev.Kind.String()+": "+ev.Note)
	}
}

// What ends a connection whose flow is forgotten: somebody who asks and hears nothing, or is
// reset; keep-alive where nobody asks.
func TestForgottenFlowsEnd(t *testing.T) {
	const at = 4 * time.Second
	for _, tc := range []struct {
		kind   FaultKind
		busy   bool
		note   string
		within [2]time.Duration
	}{
		{FaultForgetFlows, true, "close: fin", [2]time.Duration{time.Second, 11 * time.Second}},
		{FaultForgetFlows, false, "closed: timeout", [2]time.Duration{20 * time.Second, 30 * time.Second}},
		{FaultResetFlows, true, "closed: reset", [2]time.Duration{0, 200 * time.Millisecond}},
		{FaultResetFlows, false, "closed: reset", [2]time.Duration{4 * time.Second, 11 * time.Second}},
	} {
		s := calm()
		s.Auth, s.Metas, s.Replicas, s.Partitions, s.Watch = AuthMandatory, 1, 1, 1, time.Minute
		s.Faults = []Fault{
			{At: time.Second, Kind: FaultRestart, Node: "replica-1", Down: 100 * time.Millisecond},
			{At: at, Kind: tc.kind, Node: "replica-1", Peer: "client-1", By: time.Hour, Down: time.Second},
		}
		s.keepInFlight()
		if !tc.busy {
			s.Workloads = s.Workloads[1:]
			s.Ops = append(s.Ops, Op{At: 3 * time.Second, Client: 1, RPC: opRPCs[0], Timeout: time.Second})
		}
		e := endings{after: at}
		mustRun(t, s, Options{Sink: &e})
		require.NotEmpty(t, e.notes, "%v, busy %v", tc.kind, tc.busy)
		require.Equal(t, tc.note, e.notes[0], "%v, busy %v", tc.kind, tc.busy)
		require.GreaterOrEqual(t, e.at[0]-at, tc.within[0], "%v, busy %v", tc.kind, tc.busy)
		require.LessOrEqual(t, e.at[0]-at, tc.within[1], "%v, busy %v", tc.kind, tc.busy)
	}
}

// While the fault lasts idle flows are forgotten too, also ones that began under it; two that
// overlap last until the later one is over.
func TestIdleFlowsAreForgottenMeanwhile(t *testing.T) {
	s := calm()
	s.Auth, s.Metas, s.Replicas, s.Partitions = AuthMandatory, 1, 1, 1
	s.Workloads = nil
	s.Faults = []Fault{
		{At: time.Second, Kind: FaultResetFlows, Node: "replica-1", By: 2 * time.Second, Down: 10 * time.Second},
		{At: 2 * time.Second, Kind: FaultResetFlows, Node: "client-1", Peer: "replica-1", By: 2 * time.Second, Down: time.Second},
	}
	for _, at := range []time.Duration{4, 5, 9, 20, 25} { // forgotten at 2 s; idle for 1 and 4 s, and when all is over
		s.Ops = append(s.Ops, Op{At: at * time.Second, Client: 1, RPC: opRPCs[0], Timeout: 5 * time.Second})
	}
	var notes faultNotes
	e := endings{after: 4 * time.Second}
	mustRun(t, s, Options{Sink: trace.Fanout{&notes, &e}})
	var at []time.Duration
	for i, note := range e.notes {
		if strings.HasSuffix(note, "reset") {
			at = append(at, e.at[i].Round(time.Second))
		}
	}
	require.Equal(t, []time.Duration{4 * time.Second, 9 * time.Second}, at, "%v", notes.notes)
}
