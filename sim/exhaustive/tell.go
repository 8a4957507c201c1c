// States and steps in words.

package exhaustive

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/model/check"
)

// Tell takes the step once more, and listens.
func (m *Model) Tell(from *State, action int, to *State) string {
	listener := *m
	listener.listens = true
	want := to.appendState(nil)
	for _, taken := range listener.next(from, nil) {
		if taken.Action == action && bytes.Equal(want, taken.State.appendState(nil)) {
			return strings.Join(taken.State.story, "; ")
		}
	}
	return m.actions[action].Name
}

// tellTimer tells which timer fires, as far as an observer can know.
func (w *world) tellTimer(action int, after time.Duration) {
	when := "at once"
	if after > 0 {
		when = fmt.Sprintf("%v later", after)
	}
	switch action {
	case actClientTimer:
		w.tell("%s a timer of the client fires", when)
	case actClientTimerEarly:
		w.tell("%s a timer of the client fires, early", when)
	case actNodeTimer:
		w.tell("%s a timer of the node fires", when)
	case actNodeTimerEarly:
		w.tell("%s a timer of the node fires, early", when)
	}
}

// Describe shows a state field by field.
func (m *Model) Describe(s *State) []check.Field {
	fields := []check.Field{
		{Name: "session", Value: s.sessionText()},
		{Name: "node", Value: [...]string{up: "up", crashed: "crashed", dark: "without power"}[s.power]},
	}
	for i := range s.conns {
		c := &s.conns[i]
		fields = append(fields, check.Field{Name: fmt.Sprintf("connection %d", number(c.id)), Value: c.text()})
	}
	for i := range s.requests {
		fields = append(fields, check.Field{Name: asked(i), Value: s.requests[i].text()})
	}
	fields = append(fields,
		check.Field{Name: "client's timers", Value: s.timersText(s.clientTimers)},
		check.Field{Name: "node's timers", Value: s.timersText(s.nodeTimers)})
	if s.broken != 0 {
		fields = append(fields, check.Field{Name: "broken", Value: s.broken.String()})
	}
	return fields
}

func (s *State) sessionText() string {
	text := s.client.State().String()
	if step := s.client.NegotiationStep(); step != session.StepNone {
		text += " (" + step.String() + ")"
	}
	if id := s.client.Conn(); id != 0 {
		text += fmt.Sprintf(" on connection %d", number(id))
	}
	return text
}

func (c *conn) text() string {
	ends := [...]string{absent: "not yet accepted", dialing: "dialing", open: "open", gone: "gone"}
	parts := []string{"client " + ends[c.clientEnd]}
	if c.clientEnd != dialing {
		parts = append(parts, "node "+ends[c.nodeEnd])
	}
	if c.granted {
		parts = append(parts, "authenticated")
	}
	for _, queue := range [...]struct {
		name    string
		packets []packet
	}{{"to the node", c.toNode}, {"to the client", c.toClient}} {
		for i := range queue.packets {
			parts = append(parts, queue.packets[i].text()+" on its way "+queue.name)
		}
	}
	if c.clientToken.wanted {
		parts = append(parts, "the client's mechanism is asked")
	}
	if c.nodeToken.wanted {
		parts = append(parts, "the node's mechanism is asked")
	}
	return strings.Join(parts, ", ")
}

func (r *request) text() string {
	text := [...]string{
		unasked: "not yet submitted", waiting: "waiting", written: "written",
		okay: "ok", refused: "refused", failed: "failed", unknown: "unknown",
	}[r.progress]
	if r.executed && r.progress != okay {
		text += ", executed"
	}
	return text
}

// timersText shows timers by when they fire, those left out that never do.
func (s *State) timersText(timers []timer) string {
	var parts []string
	for i := range timers {
		t := &timers[i]
		if !s.counts(t) {
			continue
		}
		text := fmt.Sprintf("in %v", max(0, t.due.Sub(s.now)))
		if t.latest != t.due {
			text += fmt.Sprintf(" to %v", max(0, t.latest.Sub(s.now)))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
