// Clauses P1 to P8: what must be true.

package session

import (
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Names of the properties.
const (
	AuthBeforeRequest  = "auth-before-request"
	FreshSession       = "fresh-session"
	SingleConnection   = "single-connection"
	CompleteOnce       = "complete-once"
	ReconnectConverges = "reconnect-converges"
	RequestsDrain      = "requests-drain"
	NoDowngrade        = "no-downgrade"
	Bounded            = "bounded"
)

// invariant is a property of every state.
type invariant struct {
	name  string
	holds func(State) bool
}

func (m *Model) invariants() []invariant {
	return []invariant{
		{AuthBeforeRequest, m.authBeforeRequest},
		{FreshSession, m.freshSession},
		{SingleConnection, m.singleConnection},
		{CompleteOnce, m.completeOnce},
		{NoDowngrade, m.noDowngrade},
		{Bounded, m.bounded},
	}
}

// authBeforeRequest. P1: on an open connection a request is on its way only if it is
// the session's and its negotiation has succeeded. It is looked at where the client
// writes, not where the server reads.
func (m *Model) authBeforeRequest(s State) bool {
	for c := uint8(1); c <= uint8(m.K); c++ {
		end := s.connection(c)
		if end.Client == Open && strings.ContainsFunc(end.ToServer, func(r rune) bool { return isRequest(byte(r)) }) {
			if c != s.Current || s.Negotiation != m.authenticated() {
				return false
			}
		}
	}
	return true
}

// freshSession. P2: the session takes itself for authenticated exactly if the
// negotiation of the connection that it has succeeded, and nothing of another connection
// has changed its state.
func (m *Model) freshSession(s State) bool {
	return !s.Foreign && (!s.connected() || s.Flag == (s.Negotiation == m.authenticated()))
}

// singleConnection. P3: the client has at most one end that it has not closed.
func (m *Model) singleConnection(s State) bool {
	ends := 0
	for c := range m.K {
		if end := s.Connections[c].Client; end != NoEnd && end != Closed {
			ends++
		}
	}
	return ends <= 1
}

// completeOnce. P4: a submission completes at most once, and has completed when it is over.
func (m *Model) completeOnce(s State) bool {
	for r := range m.NReq {
		if s.Completions[r] > 1 || s.Requests[r].over() && s.Completions[r] != 1 {
			return false
		}
	}
	return true
}

// readyWhereNeeded. P5, from some point on always: a session with a request under way
// is ready. "Again and again ready" would hide a client that reconnects for ever.
func (m *Model) readyWhereNeeded(s State) bool {
	return !m.needed(&s) || s.connected() && s.Negotiation == m.authenticated() && s.Flag
}

func (m *Model) needed(s *State) bool {
	for r := range m.NReq {
		if s.Requests[r].needs() {
			return true
		}
	}
	return false
}

// ends. P6a: a request that was submitted is over sooner or later.
func (m *Model) ends(r byte) check.Property[State] {
	return check.LeadsTo(RequestsDrain,
		func(s State) bool { return *s.request(r) != Idle },
		func(s State) bool { return s.request(r).over() })
}

// succeeds. P6b: one that is under way when the world has settled is answered. So
// "unknown" is an end only for what faults have hit.
func (m *Model) succeeds(r byte) check.Property[State] {
	return check.LeadsTo(RequestsDrain,
		func(s State) bool { return m.settled(&s) && *s.request(r) != Idle && !s.request(r).over() },
		func(s State) bool { return *s.request(r) == Done })
}

// settled says whether the last fault is over: the server is up, every budget is used
// up, the connection that the session has, if any, is one that the server serves, and no
// odd answer is on its way on it.
func (m *Model) settled(s *State) bool {
	if !s.Up || s.Crashes > 0 || s.Losses > 0 || s.Earlies > 0 {
		return false
	}
	if s.Current == 0 || s.connection(s.Current).Client != Open {
		return true
	}
	end := s.connection(s.Current)
	odd := strings.ContainsFunc(end.ToClient, func(r rune) bool { return isOdd(byte(r)) })
	return end.Server >= 1 && end.Server <= m.authenticated() && !odd
}

// bounded. P7: the client holds no more entries than the user has requests under way.
func (m *Model) bounded(s State) bool {
	held := int(s.Kept)
	for r := range m.NReq {
		if s.Requests[r].waits() {
			held++
		}
	}
	return held <= m.NReq
}

// noDowngrade. P8: a session takes the negotiation for a success only where the server
// does, if it has not gone or died meanwhile.
func (m *Model) noDowngrade(s State) bool {
	if !s.connected() || s.Negotiation != m.authenticated() {
		return true
	}
	server := s.connection(s.Current).Server
	return server == 0 || server >= m.authenticated()
}
