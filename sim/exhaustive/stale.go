// What is of another connection, an earlier run, a timer that was stopped: both cores
// must not care. The steps of this file lead nowhere, or break fresh-session.

package exhaustive

import (
	"bytes"
	"slices"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// lateSuccess and lateList are what could be most welcome at the wrong time.
var (
	lateSuccess = protocol.AppendResponse(nil, &protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: 1,
		Body: protocol.AppendNegotiationResult(nil, protocol.SASLSucc, nil),
	})
	lateList = protocol.AppendRequest(nil, &protocol.Request{
		RPC: protocol.RPCNegotiation, Seq: 1,
		Body: protocol.AppendNegotiationArgs(nil, protocol.SASLListMechanisms, nil),
	})
)

// stale appends a step for everything of the past that makes a difference.
func (m *Model) stale(s *State, steps []step) []step {
	steps = m.staleForClient(s, steps)
	if s.node != nil {
		steps = m.staleForNode(s, steps)
	}
	return steps
}

// staleForClient gives the session what an earlier connection could still bring.
func (m *Model) staleForClient(s *State, steps []step) []step {
	last, lastTimer := s.client.Used()
	past := protocol.ConnID(last)
	if s.client.Conn() == past {
		past--
	}
	stopped := protocol.TimerID(lastTimer)
	for slices.ContainsFunc(s.clientTimers, func(t timer) bool { return t.id == stopped }) {
		stopped--
	}
	events := []session.Event{{Kind: session.EventTimer, Timer: stopped}}
	if past > 0 {
		events = append(events,
			session.Event{Kind: session.EventDialed, Conn: past},
			session.Event{Kind: session.EventDialFailed, Conn: past, Reason: session.ReasonRefused},
			session.Event{Kind: session.EventReceived, Conn: past, Data: lateSuccess},
			session.Event{Kind: session.EventToken, Conn: past, Data: []byte("late"), Done: true},
			session.Event{Kind: session.EventClosed, Conn: past, Reason: session.ReasonReset})
	}
	// What time alone brings is not blamed on the events.
	base := s.client.Clone()
	base.Step(s.now, session.Event{Kind: session.EventCancel, ID: noRequest}, nil)
	before := base.AppendState(nil, s.now)
	for _, ev := range events {
		if effects := base.Step(s.now, ev, nil); len(effects) == 0 && bytes.Equal(before, base.AppendState(nil, s.now)) {
			continue
		}
		return m.take(s, actStale, steps, func(w *world) {
			w.breaks(freshSession, "%s of the past makes a difference to the client, which now has connection %d",
				clientNews(ev), number(s.client.Conn()))
		})
	}
	return steps
}

// noRequest has no slot.
const noRequest session.RequestID = 1 << 40

// staleForNode gives the node what a connection that it no longer has could still bring.
func (m *Model) staleForNode(s *State, steps []step) []step {
	last, _ := s.client.Used()
	past := protocol.ConnID(last)
	for past > 0 && s.nodeHas(past) {
		past--
	}
	stopped := s.nodeTimer
	for stopped > 0 && slices.ContainsFunc(s.nodeTimers, func(t timer) bool { return t.id == stopped }) {
		stopped--
	}
	events := []node.Event{
		{Kind: node.EventTimer, Timer: stopped},
		{Kind: node.EventReceived, Conn: past, Data: lateList},
		{Kind: node.EventToken, Conn: past, Done: true, Principal: principal},
		{Kind: node.EventClosed, Conn: past},
	}
	after := s.node.Clone()
	before := s.node.AppendState(nil, s.now)
	for _, ev := range events {
		if effects := after.Step(s.now, ev, nil); len(effects) == 0 && bytes.Equal(before, after.AppendState(nil, s.now)) {
			continue
		}
		return m.take(s, actStale, steps, func(w *world) {
			w.breaks(freshSession, "%s of the past makes a difference to the node", nodeNews(ev))
		})
	}
	return steps
}

// nodeHas says whether the node has the connection open.
func (s *State) nodeHas(id protocol.ConnID) bool {
	c := s.conn(id)
	return c != nil && c.nodeEnd == open
}

func clientNews(ev session.Event) string {
	switch ev.Kind {
	case session.EventTimer:
		return "a timer"
	case session.EventDialed:
		return "a handshake"
	case session.EventDialFailed:
		return "a refusal"
	case session.EventReceived:
		return "a success"
	case session.EventToken:
		return "a token"
	}
	return "an end"
}

func nodeNews(ev node.Event) string {
	switch ev.Kind {
	case node.EventTimer:
		return "a timer"
	case node.EventReceived:
		return "a message"
	case node.EventToken:
		return "a judgement of the mechanism"
	}
	return "an end"
}
