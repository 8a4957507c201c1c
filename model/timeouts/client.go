// Clauses T1 to T9: the client, its query, and its two timers.

package timeouts

func (m *Model) sendDue(s *State) bool {
	return s.Query == Failed && s.QueryIn == 0 && !m.negotiationFirst(s)
}

// send tries the query.
func (m *Model) send(s State) State {
	switch {
	// T1: without a connection it is queued, and the session connects.
	case s.Link != Connected:
		if s.Link == Disconnected {
			s.Link, s.ConnectIn = Connecting, int32(m.SynDelay)
		}
		return m.wait(s, Queued)
	// T2: before the negotiation has succeeded, as far as the flag says, it is parked.
	case !s.Flag:
		return m.wait(s, Parked)
	// T3: otherwise it is written. A server that has died without telling never answers.
	case s.Server == m.dead():
		return m.wait(s, Written)
	case s.Server == m.authenticated() || !m.Mandatory:
		return finish(s)
	}
	return m.offend(s)
}

// wait starts the timer of a try.
func (m *Model) wait(s State, as Query) State {
	s.Query, s.QueryIn = as, int32(m.TQ)
	return s
}

// finish. T4: an answer ends the query, and the reset window.
func finish(s State) State {
	s.Query, s.QueryIn, s.Window = Done, Off, Off
	return s
}

func establishDue(s *State) bool { return s.Link == Connecting && s.ConnectIn == 0 }

// establish. T5: the connection is up. What was queued goes first: parked, or written
// where the flag lets it pass. Then the first negotiation message is written, and the
// negotiation's timer starts.
func (m *Model) establish(s State) State {
	early := s.Query == Queued && s.Flag
	if early && m.Mandatory && m.ServerMode == ServerFin {
		return m.closedAtOnce(s)
	}
	s.Link, s.ConnectIn, s.Age = Connected, Off, 0
	s.Negotiation, s.NegotiationIn = 1, int32(m.TNeg)
	s = m.accept(s)
	switch {
	case s.Query != Queued:
		return s
	case !early:
		s.Query = Parked
		return s
	case !m.Mandatory:
		return finish(s)
	case m.ServerMode == ServerHang:
		s.Query = Written
		return m.die(s)
	}
	return m.refuse(s)
}

func (m *Model) queryTimeoutDue(s *State) bool {
	return s.Query.waits() && s.QueryIn == 0 && !m.negotiationFirst(s)
}

// queryTimeout. T6: the timer of a try fires. The first unanswered one starts the reset
// window, and the query goes to another meta for as long as it takes there (Away). One
// that fires when the window has passed closes the session instead: a negotiation under
// way is told of a reset, and the query is tried again at once.
func (m *Model) queryTimeout(s State) State {
	if s.Window == int32(m.Win) {
		if s.Link == Connected {
			s = m.gone(s, Reset)
		}
		s.Query, s.QueryIn, s.Window = Failed, 0, Off
		return s
	}
	s.Query, s.QueryIn = Failed, int32(m.Away)
	if s.Window == Off {
		s.Window = 0
	}
	return s
}

func (m *Model) negotiationTimeoutDue(s *State) bool {
	return m.negotiating(s) && s.NegotiationIn == 0
}

// negotiationTimeout. T7: the negotiation's timer fires, and the client closes the
// connection. The negotiation has timed out, or was reset if the reset window has passed.
// It counts as an unanswered timeout too, but a query that waits is told of a reset, and
// that ends the window.
func (m *Model) negotiationTimeout(s State) State {
	full, pending := s.Window == int32(m.Win), s.Query.waits()
	by := Timeout
	if full {
		by = Reset
	}
	s = m.gone(s, by)
	switch {
	case pending || full:
		s.Window = Off
	case s.Window == Off:
		s.Window = 0
	}
	return s
}

// gone. T8: the connection is gone, at whichever end that began. A negotiation under way
// has failed at this age. A query that waits has been reset and is tried again after the
// backoff.
func (m *Model) gone(s State, by Failure) State {
	if m.negotiating(&s) {
		s.Last, s.LastAge = by, s.Age
	}
	s.Link, s.ConnectIn, s.Age = Disconnected, Off, 0
	s.Negotiation, s.NegotiationIn = 0, Off
	s.Server, s.AnswerIn, s.GiveUpIn = 0, Off, Off
	// T9: authentication goes with the connection. The older client's flag stays.
	s.Flag = s.Flag && m.Client == ClientSession
	if s.Query.waits() {
		s.Query, s.QueryIn = Failed, int32(m.Backoff)
	}
	return s
}
