// Clauses T10 to T17: the server.

package timeouts

// accept. T10: the server works on the first negotiation message, and its own limit for
// the whole negotiation runs from here.
func (m *Model) accept(s State) State {
	s.Server, s.AnswerIn, s.GiveUpIn = 1, int32(m.D), Off
	if m.TSrv > 0 {
		s.GiveUpIn = int32(m.TSrv)
	}
	return s
}

// offend. T11: a query comes before authentication where that is mandatory. Only a stale
// flag lets one through.
func (m *Model) offend(s State) State {
	switch m.ServerMode {
	// T12: the server closes the connection; the query is tried again at once.
	case ServerFin:
		s = m.gone(s, Reset)
		s.Query, s.QueryIn, s.Window = Failed, 0, Off
		return s
	// T13: or it never answers again, and leaves the connection open.
	case ServerHang:
		return m.die(m.wait(s, Written))
	}
	return m.refuse(s)
}

// closedAtOnce. T12, on a connection that has just come up: the negotiation message that
// follows the query meets a closed one.
func (m *Model) closedAtOnce(s State) State {
	s.Link, s.ConnectIn = Disconnected, Off
	s.Query, s.QueryIn, s.Window = Failed, int32(m.Backoff), Off
	s.Last, s.LastAge = Reset, 0
	return s
}

// die. T13.
func (m *Model) die(s State) State {
	s.Server, s.AnswerIn, s.GiveUpIn = m.dead(), Off, Off
	return s
}

// refuse. T14: the reference server refuses the query and negotiates on. The query is
// tried again after the backoff; a refusal is an answer and ends the reset window.
func (m *Model) refuse(s State) State {
	s.Query, s.QueryIn, s.Window = Failed, int32(m.Backoff), Off
	return s
}

func answerDue(s *State) bool { return s.AnswerIn == 0 }

// answer. T15: the server answers a negotiation message, which ends the reset window.
// The client writes the next one, with a new timer if it has one for each message
// (PerMessage). T16: the last answer authenticates both ends, and what was parked is
// written and answered.
func (m *Model) answer(s State) State {
	s.Window = Off
	if int(s.Negotiation) < m.R {
		s.Negotiation++
		s.Server++
		s.AnswerIn = int32(m.D)
		if m.PerMessage {
			s.NegotiationIn = int32(m.TNeg)
		}
		return s
	}
	s.Negotiation, s.NegotiationIn = m.authenticated(), Off
	s.Server, s.AnswerIn, s.GiveUpIn = m.authenticated(), Off, Off
	s.Flag = true
	if s.Query == Parked {
		return finish(s)
	}
	return s
}

func (m *Model) giveUpDue(s *State) bool { return s.GiveUpIn == 0 && m.served(s) }

// giveUp. T17: the server's own limit has passed. It closes the connection, which ends
// the reset window; the hanging one leaves it open and never answers again.
func (m *Model) giveUp(s State) State {
	if m.ServerMode == ServerHang {
		return m.die(s)
	}
	s = m.gone(s, Reset)
	s.Window = Off
	return s
}
