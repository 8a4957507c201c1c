// Clauses S50 to S53 and S56: defects that need a state or a step of their own. The others are where
// the clause is that they break.

package session

// aftermath keeps what belongs to defects. S53: with parked-requests-never-purged an entry
// stays for each request that is parked no more, until a negotiation succeeds. S56: what
// reads nothing is the connection, so the next one reads again.
func (m *Model) aftermath(from, to *State) {
	to.Zombie = to.Zombie && to.Current == from.Current
	if !m.defect(ParkedNeverPurged) {
		return
	}
	if to.Negotiation == m.authenticated() && from.Negotiation != m.authenticated() {
		to.Kept = 0
		return
	}
	for r := range m.NReq {
		if from.Requests[r] == Parked && to.Requests[r] != Parked && int(to.Kept) <= m.NReq {
			to.Kept++
		}
	}
}

// closeEvent. S50, close-event-of-another-connection: the client is told that a connection
// is closed which it has closed itself, and takes it for the one that it has now.
func (x *steps) closeEvent(s State, c uint8) {
	end := s.connection(c)
	if end.Client != Closed {
		return
	}
	end.Client = NoEnd
	end.forget()
	x.confused(&s)
	x.take(closeEvent, c, s)
}

// confused loses the session's connection, which stays open and is nobody's.
func (m *Model) confused(s *State) {
	if s.connected() {
		s.connection(s.Current).Client = Orphan
		s.Foreign = true
		m.lost(s, false)
	}
}

// orphan. S50, S51: nobody reads a connection that is not the session's; its end is seen.
func (x *steps) orphan(s State, c uint8) {
	end := s.connection(c)
	if end.Client != Orphan || end.ToClient == "" {
		return
	}
	m := end.ToClient[0]
	end.ToClient = end.ToClient[1:]
	if m == msgFIN {
		end.Client, end.ToClient = NoEnd, ""
		end.forget()
		if x.defect(CloseEventOfAnother) {
			x.confused(&s)
		}
	}
	x.take(orphan, c, s)
}

// giveUpDial. S51, negotiate-before-state-check: the client gives up an attempt to connect
// and does not cancel it. The timer is early.
func (x *steps) giveUpDial(s State) {
	if !x.defect(NegotiateBeforeCheck) || s.Earlies == 0 || s.Link != Connecting || s.Current == 0 {
		return
	}
	s.Earlies--
	s.connection(s.Current).Client = Late
	s.Current = 0
	s.Link = linkFor(s.Queue)
	x.take(giveUpDial, 0, s)
}

// late. S51: it comes up all the same. A negotiation begins before anybody looks whether it
// is wanted, and its first message goes to the connection that the session has.
func (x *steps) late(s State, c uint8) {
	end := s.connection(c)
	if end.Client != Late {
		return
	}
	if !s.Up {
		end.Client = NoEnd
		end.forget()
		x.take(late, c, s)
		return
	}
	end.Client, end.Server = Orphan, 1
	if s.connected() {
		s.Foreign = true
		x.write(&s, s.Current, string([]byte{msgNeg + 1}))
	}
	x.take(late, c, s)
}

// closeCurrent. S52, failure-closes-newer-connection: the failure of a negotiation closes
// whichever connection there is by then.
func (x *steps) closeCurrent(s State) {
	if s.Errand != CloseCurrent {
		return
	}
	s.Errand = NothingToDo
	if !s.connected() {
		x.take(closeCurrent, 0, s)
		return
	}
	s.Foreign = s.Foreign || s.Negotiation != 0
	x.closeOwn(s, s.Current, func(t State) {
		x.lost(&t, false)
		x.take(closeCurrent, 0, t)
	})
}
