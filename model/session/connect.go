// Clauses S7 to S9 and S20 to S24: a connection comes up, or does not, and carries bytes.

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
