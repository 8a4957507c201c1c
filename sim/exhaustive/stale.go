// What is of another connection, an earlier run, a timer that was stopped: both cores
// must not care. The steps of this file lead nowhere, or break fresh-session.

package exhaustive

import (
	"bytes"

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
	last, _ := s.client.Used()
	past := protocol.ConnID(last)
	if s.client.Conn() == past {
		past--
	}
	events := []session.Event{{Kind: session.EventTimer, Timer: s.clientPast}}
	if past > 0 {
		events = append(events,
			session.Event{Kind: session.EventDialed, Conn: past},
			session.Event{Kind: session.EventDialFailed, Conn: past, Reason: session.ReasonRefused},
			session.Event{Kind: session.EventReceived, Conn: past, Data: lateSuccess},
			session.Event{Kind: session.EventToken, Conn: past, Data: []byte("late"), Done: true},
			session.Event{Kind: session.EventClosed, Conn: past, Reason: session.ReasonReset})
	}
	// What time alone brings is not blamed on the events.
	settled := func() client {
		c := s.client.Clone()
		c.Step(s.now, session.Event{Kind: session.EventCancel, ID: noRequest}, nil)
		return c
	}
	before := settled().AppendState(nil, s.now)
	blame := culprit(len(events), func(n int) bool {
		c := settled()
		for _, ev := range events[:n] {
			if len(c.Step(s.now, ev, nil)) > 0 {
				return true
			}
		}
		return !bytes.Equal(before, c.AppendState(nil, s.now))
	})
	if blame < 0 {
		return steps
	}
	return m.take(s, actStale, steps, func(w *world) {
		w.breaks(freshSession, "%s of the past makes a difference to the client, which now has connection %d",
			clientNews(events[blame]), number(s.client.Conn()))
	})
}

// culprit finds which of the first all events is the first to make a difference; -1:
// none. It asks about all of them first, because that is nearly always the answer.
func culprit(all int, differs func(first int) bool) int {
	if !differs(all) {
		return -1
	}
	n := 1
	for n < all && !differs(n) {
		n++
	}
	return n - 1
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
	events := []node.Event{
		{Kind: node.EventTimer, Timer: s.nodePast},
		{Kind: node.EventReceived, Conn: past, Data: lateList},
		{Kind: node.EventToken, Conn: past, Done: true, Principal: principal},
		{Kind: node.EventClosed, Conn: past},
	}
	before := s.node.AppendState(nil, s.now)
	blame := culprit(len(events), func(n int) bool {
		c := s.node.Clone()
		for _, ev := range events[:n] {
			if len(c.Step(s.now, ev, nil)) > 0 {
				return true
			}
		}
		return !bytes.Equal(before, c.AppendState(nil, s.now))
	})
	if blame < 0 {
		return steps
	}
	return m.take(s, actStale, steps, func(w *world) {
		w.breaks(freshSession, "%s of the past makes a difference to the node", nodeNews(events[blame]))
	})
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
