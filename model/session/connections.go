// Clauses S7 to S13, S20 to S25, S53, S54, S58: a connection comes up, or does not, and carries
// bytes; and its end, as each client takes it.

package session

import "strings"

// dial. S7: a session that is connecting and has no connection dials, from the lowest
// free slot and from any port that is allowed. S20: a port on which the server still
// holds a connection is not used, unless PortReuse.
func (x *steps) dial(s State) {
	if s.Link != Connecting || s.Current != 0 {
		return
	}
	c := x.freeSlot(&s)
	if c == 0 {
		return
	}
	for port := uint8(1); port <= uint8(x.NPorts); port++ {
		if x.bound(&s, port) || !x.PortReuse && x.held(&s, port) {
			continue
		}
		t := s
		t.Current = c
		t.connection(c).Client = Dialing
		t.connection(c).Port = port
		x.take(dial, 0, t)
	}
}

func (m *Model) freeSlot(s *State) uint8 {
	for c := uint8(1); c <= uint8(m.K); c++ {
		if end := s.connection(c); end.Client == NoEnd && end.Server == 0 {
			return c
		}
	}
	return 0
}

// bound says whether an end of the client's has that port already.
func (m *Model) bound(s *State, port uint8) bool {
	for c := range m.K {
		if s.Connections[c].Client != NoEnd && s.Connections[c].Port == port {
			return true
		}
	}
	return false
}

func (m *Model) held(s *State, port uint8) bool {
	for c := range m.K {
		if s.Connections[c].Server != 0 && s.Connections[c].Port == port {
			return true
		}
	}
	return false
}

// handshake: what becomes of a dial.
func (x *steps) handshake(s State, c uint8) {
	if s.connection(c).Client != Dialing {
		return
	}
	if !s.Up {
		x.refused(s, c)
		return
	}
	old := x.olds(&s, c)
	// S21: with no earlier connection on its ports it comes up.
	if len(old) == 0 {
		x.established(accept, s, c, 1)
		return
	}
	for _, d := range old {
		if x.OldConn == OldConnTCP {
			x.challenge(s, c, d)
		} else {
			x.glue(s, c, d)
		}
	}
}

// olds returns the slots of the connections that the server still holds on c's port.
func (m *Model) olds(s *State, c uint8) []uint8 {
	var list []uint8
	for d := uint8(1); d <= uint8(m.K); d++ {
		if d != c && s.connection(d).Server != 0 && s.connection(d).Port == s.connection(c).Port {
			list = append(list, d)
		}
	}
	return list
}

// challenge. S22, OldConn tcp: challenge ACK, RST, the old connection is gone; the SYN
// is sent again later.
func (x *steps) challenge(s State, c, d uint8) {
	old := s.connection(d)
	old.Server, old.ToServer = 0, ""
	old.forget()
	x.take(challenge, c, s)
}

// glue. S23, the other values of OldConn: the server takes the dial for the old
// connection and goes on where that was.
func (x *steps) glue(s State, c, d uint8) {
	old := s.connection(d)
	if x.OldConn == OldConnGlued && has(old.ToServer, msgFIN) {
		return
	}
	server := old.Server
	old.Server, old.ToServer = 0, ""
	old.forget()
	x.established(glue, s, c, server)
}

// established. S8: the handshake is done. What was queued is written first where the
// flag lets it pass, and parked where not; then the negotiation begins.
func (x *steps) established(by rule, s State, c, server uint8) {
	end := s.connection(c)
	end.Client, end.Server = Open, server
	queue := s.Queue
	next := Parked
	if s.Flag {
		end.ToServer = queue
		next = Written
	}
	end.ToServer += string([]byte{msgNeg + 1})
	for _, r := range []byte(queue) {
		*s.request(r) = next
	}
	s.Queue = ""
	s.Link, s.Negotiation = Connected, 1
	x.take(by, c, s)
}

// refused. S9: nobody listens. The reference client's requests go on waiting; the
// older clients fail every attempt.
func (x *steps) refused(s State, c uint8) {
	end := s.connection(c)
	end.Client = NoEnd
	end.forget()
	s.Current = 0
	if x.Client == ClientConn {
		s.Link = linkFor(s.Queue)
		x.take(refused, c, s)
		return
	}
	if x.outstanding(&s) {
		s.Window = 0
	}
	x.failAll(&s)
	s.Link, s.Queue = Disconnected, ""
	if x.Client == ClientReset {
		s.Errand = ResetFlag
	}
	x.take(refused, c, s)
}

// linkFor returns what a session without a connection does: it connects for as long as
// anything waits for it.
func linkFor(queue string) Link {
	if queue == "" {
		return Disconnected
	}
	return Connecting
}

// dequeue removes request r from the queue.
func (s *State) dequeue(r byte) {
	s.Queue = strings.ReplaceAll(s.Queue, string([]byte{r}), "")
}

// write. S24: what the client writes goes on its way; a server end that is gone
// answers with a reset if its host is up, and with nothing if not.
func (m *Model) write(s *State, c uint8, messages string) {
	end := s.connection(c)
	if end.Server != 0 {
		end.ToServer += messages
	} else if s.Up && messages != "" && !has(end.ToClient, msgFIN) {
		end.ToClient += string([]byte{msgFIN})
	}
}

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
