// Time and timers.
//
// Virtual time stands still but where a timer fires: then it is the instant at which the
// timer fires. A timer may fire anywhere in its interval; both ends of it are explored.
// It is due when nothing else can happen and no other timer's interval ended earlier;
// due timers fire sooner or later (weak fairness). Fired before that, it is early, which
// stands for slow networks, busy machines and clocks that differ, and takes from a
// budget: without one, a client that always gives up too soon would be no violation.

package exhaustive

import (
	"cmp"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// timer is an armed one.
type timer struct {
	id          protocol.TimerID
	due, latest time.Time
}

func (t timer) compare(o timer) int { return cmp.Or(t.due.Compare(o.due), t.latest.Compare(o.latest)) }

func (w *world) arm(timers *[]timer, id protocol.TimerID, after, spread time.Duration) {
	due := w.s.now.Add(after)
	*timers = append(*timers, timer{id: id, due: due, latest: due.Add(spread)})
}

func (w *world) disarmClient(id protocol.TimerID) {
	w.s.clientTimers = without(w.s.clientTimers, id)
	w.s.clientPast = id
}

func (w *world) disarmNode(id protocol.TimerID) {
	w.s.nodeTimers = without(w.s.nodeTimers, id)
	w.s.nodePast = id
}

func without(timers []timer, id protocol.TimerID) []timer {
	return slices.DeleteFunc(timers, func(t timer) bool { return t.id == id })
}

// later of two instants.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// counts says whether a timer can fire at all.
func (s *State) counts(t *timer) bool { return t.due.Sub(s.now) < horizon }

// quiet says that nothing is on its way: only time can bring something.
func (s *State) quiet() bool {
	for i := range s.conns {
		c := &s.conns[i]
		if len(c.toNode) > 0 || len(c.toClient) > 0 || c.clientToken.wanted || c.nodeToken.wanted {
			return false
		}
		if c.clientEnd == dialing && s.power != dark {
			return false
		}
	}
	return true
}

// inOrder says that no other timer had to fire before the instant at.
func (s *State) inOrder(at time.Time) bool {
	for _, timers := range [...][]timer{s.clientTimers, s.nodeTimers} {
		for i := range timers {
			if later(s.now, timers[i].latest).Before(at) {
				return false
			}
		}
	}
	return true
}

// firings appends the steps that a timer of the client (or of the node) makes possible.
func (m *Model) firings(s *State, ofNode bool, quiet bool, steps []step) []step {
	timers, inTime, early := s.clientTimers, actClientTimer, actClientTimerEarly
	if ofNode {
		timers, inTime, early = s.nodeTimers, actNodeTimer, actNodeTimerEarly
	}
	for i := range timers {
		t := timers[i]
		if !s.counts(&t) {
			continue
		}
		first, last := later(s.now, t.due), later(s.now, t.latest)
		firstInTime := quiet && s.inOrder(first)
		if firstInTime {
			steps = m.fire(s, ofNode, t, first, inTime, steps)
		}
		if quiet && last != first && s.inOrder(last) {
			steps = m.fire(s, ofNode, t, last, inTime, steps)
		}
		if !firstInTime && s.left.earlies > 0 {
			steps = m.fire(s, ofNode, t, first, early, steps)
		}
	}
	return steps
}

func (m *Model) fire(s *State, ofNode bool, t timer, at time.Time, action int, steps []step) []step {
	return m.take(s, action, steps, func(w *world) {
		w.tellTimer(action, at.Sub(w.s.now))
		w.s.now = at
		if action == actClientTimerEarly || action == actNodeTimerEarly {
			w.s.left.earlies--
		}
		if ofNode {
			w.disarmNode(t.id)
			w.stepNode(node.Event{Kind: node.EventTimer, Timer: t.id})
		} else {
			w.disarmClient(t.id)
			w.stepClient(session.Event{Kind: session.EventTimer, Timer: t.id})
		}
	})
}
