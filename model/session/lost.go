// Clauses S10 to S13, S25, S53, S54 and S58: the end of a connection, as each client takes it.

package session

// lost is the session's part of losing its connection. The caller has changed the
// requests and the window already; stillNegotiating says whether a negotiation that
// was under way has yet to be told.
func (m *Model) lost(s *State, stillNegotiating bool) {
	s.Current = 0
	if m.Client == ClientConn {
		m.lostReference(s)
		return
	}
	// S11, older clients: first the channel is dead and nobody has been told.
	s.Closing = Shut
	if !stillNegotiating {
		s.Negotiation = 0
	}
}

// lostReference. S10, reference client: in one step everything of the connection goes
// with it, authentication first. A request that was written and not answered completes
// as unknown. One that was not written waits for the next connection.
func (m *Model) lostReference(s *State) {
	s.Flag, s.Negotiation, s.Window = false, 0, 0
	waiting := m.parked(s) // S53: with parked-requests-never-purged their entries stay as well
	for r := byte(1); r <= byte(m.NReq); r++ {
		switch request := s.request(r); *request {
		case Written:
			// S58: with pending-not-failed-on-eof it goes on waiting for its timer.
			if !m.defect(PendingNotFailed) {
				*request = Unknown
				s.complete(r)
			}
		case Parked:
			*request = Queued
		}
	}
	s.Queue += waiting
	s.Link = linkFor(s.Queue)
	// S54: with retry-on-dying-session the session still believes in its connection; a
	// request that comes now is parked, and nothing connects for it.
	if m.defect(RetryOnDying) {
		s.Link, s.Closing = Connected, Notified
	}
}

// notify. S11, second step: attempts fail, the negotiation is told.
func (x *steps) notify(s State) {
	if s.Closing != Shut {
		return
	}
	if x.outstanding(&s) || s.Negotiation >= 1 && int(s.Negotiation) <= x.R {
		s.Window = 0
	}
	x.failAll(&s)
	s.Closing, s.Negotiation, s.Queue = Notified, 0, ""
	x.take(notify, 0, s)
}

// drop. S11, third step: the session knows that it has no connection.
func (x *steps) drop(s State) {
	if s.Closing != Notified {
		return
	}
	s.Closing, s.Link = NotClosing, linkFor(s.Queue)
	if x.Client == ClientReset {
		s.Errand = ResetFlag
	}
	x.take(drop, 0, s)
}

// resetFlag. S12, Client reset: the flag is reset, some time after that.
func (x *steps) resetFlag(s State) {
	if s.Errand != ResetFlag {
		return
	}
	s.Errand, s.Flag = NothingToDo, false
	x.take(resetFlag, 0, s)
}

// rebuild. S13, Rebuild async: a watcher drops the session, whatever it is doing, and
// starts a new one. Were it to wait until the close handler is through, it would be
// enabled now and then only, and weak fairness would not make it happen.
func (x *steps) rebuild(s State) {
	if s.Errand != RebuildSession {
		return
	}
	current := s.Current
	x.failAll(&s)
	s.Errand, s.Closing, s.Flag, s.Link = NothingToDo, NotClosing, false, Disconnected
	s.Current, s.Negotiation, s.Queue, s.Window = 0, 0, "", 0
	if current == 0 {
		x.take(rebuildNow, 0, s)
		return
	}
	x.closeOwn(s, current, func(t State) { x.take(rebuildNow, 0, t) })
}

// closeOwn. S25: the client closes slot c. Its FIN arrives, or it is lost.
func (m *Model) closeOwn(s State, c uint8, then func(State)) {
	end := s.connection(c)
	end.Client, end.ToClient = NoEnd, ""
	if m.defect(CloseEventOfAnother) {
		end.Client = Closed
	}
	arrives := s
	if to := arrives.connection(c); to.Server != 0 {
		to.ToServer += string([]byte{msgFIN})
	}
	arrives.connection(c).forget()
	then(arrives)
	if end.Server != 0 && s.Losses > 0 {
		s.Losses--
		then(s)
	}
}
