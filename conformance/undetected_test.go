// What may be changed in a trace without being refused: where exactly, and why.

package conformance

import (
	"slices"

	"github.com/a8011091/pegasus-reference/trace"
)

// anyEvent is the place of an entry that is about all of them.
const anyEvent = "any"

// undetected is what may pass: a change, the events that it is made to, the condition in
// words, and the same of the trace before the change, where event i is changed. Whatever is
// not listed, or does not fulfil its condition, is refused wherever it happens.
var undetected = []struct {
	change, event, why string
	where              func(events []trace.Event, i int) bool
}{
	{"drop", "client frame-in", "the last answer that is read on a connection: that it was on its way when the trace or the connection ended is possible too", readLast},
	{"forge kind", "client frame-in", "the same: another kind of event in its place is a drop", readLast},
	{"drop", "client node-up", "a client's first: its process has no state in the specification; a server's has", hasNotBeenDown},
	{"forge kind", "client node-up", "the same", hasNotBeenDown},
	{"forge node", "client node-up", "the same", hasNotBeenDown},
	{"drop", "client return", "the trace ends before the call is overdue: it may still be running", mayStillRun},
	{"forge kind", "client return", "the same", mayStillRun},
	{"drop", "client session", "a state told again, backoff and idle, and one that nothing on its connection follows, decide nothing", decidesNothing},
	{"forge kind", "client session", "the same", decidesNothing},
	{"repeat", "client session", "a state may be told again", anywhere},
	{"repeat", "client table", "what is known may be told again", anywhere},
	{"repeat", "server leader", "who leads may be told again", anywhere},
	{"swap", "client session", "a state is told within the step that changes it, before or after what the step writes", anywhere},
	{"swap", "client frame-in", "with a state of the session: the same, seen from the frame", swapsWithState},
	{"swap", "client frame-out", "with a state of the session: the same", swapsWithState},
	{"drop", "server close", "of a dead server, whose ends are gone with it (S37)", isDead},
	{"forge conn", "server close", "the same", isDead},
	{"forge other conn", "server close", "the same", isDead},
	{"drop", "server leader", "the first that this meta tells, or what it told before, or no answer of it is read before it tells of another", changesNoAnswer},
	{"forge kind", "server leader", "the same", changesNoAnswer},
	{"forge leader", "server leader", "another meta, and no answer of this one is read before it tells of another: it may have heard a rumour (R27)", isNeverAsked},
	{"forge instant zero", anyEvent, "everything before it was at zero too", fitsAt(func(int64) int64 { return 0 })},
	{"forge later", anyEvent, "the next event is no earlier than that, or there is none", fitsAt(func(now int64) int64 { return now + laterNS })},
	{"forge no time left", "client query", "of a pause: what ends it is a timer, which may be late", isPause},
	{"forge less time", "client query", "the same", isPause},
}

func mayPass(change string, events []trace.Event, i int) bool {
	for _, u := range undetected {
		if u.change == change && (u.event == anyEvent || u.event == place(&events[i])) && u.where(events, i) {
			return true
		}
	}
	return false
}

func anywhere([]trace.Event, int) bool { return true }

// follows says whether an event of the same node after event i is as ok says.
func follows(events []trace.Event, i int, ok func(later *trace.Event) bool) bool {
	for k := i + 1; k < len(events); k++ {
		if events[k].Node == events[i].Node && ok(&events[k]) {
			return true
		}
	}
	return false
}

// onConn says whether an event of the same node and connection and of a kind follows event i.
func onConn(events []trace.Event, i int, kind trace.Kind) bool {
	return follows(events, i, func(later *trace.Event) bool { return later.Conn == events[i].Conn && later.Kind == kind })
}

func readLast(events []trace.Event, i int) bool { return !onConn(events, i, trace.KindFrameIn) }

// downBefore says whether the node's process had ended before event i, and not begun again.
func downBefore(events []trace.Event, i int) (ever, still bool) {
	for _, ev := range events[:i] {
		if ev.Node != events[i].Node {
			continue
		}
		switch ev.Kind {
		case trace.KindNodeDown:
			ever, still = true, true
		case trace.KindNodeUp:
			still = false
		}
	}
	return ever, still
}

func hasNotBeenDown(events []trace.Event, i int) bool {
	ever, _ := downBefore(events, i)
	return !ever
}

func isDead(events []trace.Event, i int) bool {
	_, dead := downBefore(events, i)
	return dead
}

// callOf is where the call was made that event i returns.
func callOf(events []trace.Event, i int) int {
	return slices.IndexFunc(events[:i], func(ev trace.Event) bool {
		return ev.Kind == trace.KindInvoke && ev.Node == events[i].Node && ev.Op == events[i].Op
	})
}

func mayStillRun(events []trace.Event, i int) bool {
	made := &events[callOf(events, i)]
	return events[len(events)-1].AtNS <= made.AtNS+overdue(made.WithinNS)
}

func decidesNothing(events []trace.Event, i int) bool {
	told := &events[i]
	again := slices.ContainsFunc(events[:i], func(ev trace.Event) bool {
		return ev.Kind == trace.KindSession && ev.Node == told.Node && ev.Conn == told.Conn && ev.State == told.State
	})
	switch told.State {
	case "dialing":
		first := !slices.ContainsFunc(events[:i], func(ev trace.Event) bool {
			return ev.Kind == trace.KindSession && ev.Node == told.Node && ev.Peer == told.Peer
		})
		return first && !onConn(events, i, trace.KindConnected)
	case "negotiating":
		return again || !onConn(events, i, trace.KindFrameIn)
	case stateReady:
		return again || !onConn(events, i, trace.KindFrameOut)
	}
	return true
}

// swapsWithState says whether the event that swap exchanges event i with tells a session's state.
func swapsWithState(events []trace.Event, i int) bool {
	for k := i + 1; k < len(events); k++ {
		if events[k].Node == events[i].Node && !stutters(&events[k]) {
			return events[k].Kind == trace.KindSession
		}
	}
	return false
}

// isNeverAsked: no answer of this meta is read before it tells again whom it takes for the leader.
func isNeverAsked(events []trace.Event, i int) bool {
	conns := map[uint64]bool{}
	for k, ev := range events {
		switch {
		case ev.Node == events[i].Node && ev.Kind == trace.KindAccept:
			conns[ev.Conn] = true
		case k > i && ev.Node == events[i].Node && ev.Kind == trace.KindLeader:
			return true
		case k > i && ev.Kind == trace.KindFrameIn && ev.Answer != "" && conns[ev.Conn]:
			return false
		}
	}
	return true
}

func changesNoAnswer(events []trace.Event, i int) bool {
	for k := i - 1; k >= 0; k-- {
		if events[k].Node == events[i].Node && events[k].Kind == trace.KindLeader {
			return events[k].Peer == events[i].Peer || isNeverAsked(events, i)
		}
	}
	return true
}

// fitsAt says whether an event's other instant is between those of its neighbours.
func fitsAt(other func(now int64) int64) func(events []trace.Event, i int) bool {
	return func(events []trace.Event, i int) bool {
		at, from := other(events[i].AtNS), int64(0)
		if i > 0 {
			from = events[i-1].AtNS
		}
		return at >= from && (i+1 == len(events) || at <= events[i+1].AtNS)
	}
}

func isPause(events []trace.Event, i int) bool { return events[i].State == stepPause }
