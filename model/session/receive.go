// Clauses S14 to S17: what the client does with a message.

package session

// receive takes the next message of the session's connection.
func (x *steps) receive(s State, c uint8) {
	end := s.connection(c)
	if end.Client != Open || c != s.Current || end.ToClient == "" {
		return
	}
	m := end.ToClient[0]
	if m == msgFIN {
		x.take(receive, c, x.receiveFIN(s, c))
		return
	}
	end.ToClient = end.ToClient[1:]
	switch {
	case isRequest(m):
		x.reply(&s, m)
	case isRefusal(m):
		refusal(&s, m-msgRefusal)
	case isNeg(m):
		x.negotiate(&s, c, m-msgNeg)
	}
	x.take(receive, c, s)
}

// receiveFIN. S14: the server has closed, or its host has reset the connection.
func (x *steps) receiveFIN(s State, c uint8) State {
	end := s.connection(c)
	end.Client, end.ToClient = NoEnd, ""
	end.forget()
	x.lost(&s, true)
	switch x.Rebuild {
	case RebuildSync:
		s.Flag = false
	case RebuildAsync:
		s.Errand = RebuildSession
	}
	return s
}

// reply. S15: an answer completes the request that was written. One that nobody waits
// for is ignored, unless the client looks requests up without removing them.
func (x *steps) reply(s *State, r byte) {
	waiting := *s.request(r) == Written
	if waiting {
		*s.request(r) = Done
		s.Window = 0
	}
	if waiting || !x.ByRemoval {
		s.complete(r)
	}
}

// refusal. S16: the server has not executed the request. It can be tried again.
func refusal(s *State, r byte) {
	if *s.request(r) == Written {
		*s.request(r) = Failed
		s.Window = 0
	}
}

// negotiate. S17: the answer that is waited for leads to the next message, or, the
// last one, to success: then the flag lets requests pass and the parked ones are
// written. Any other answer is ignored.
func (x *steps) negotiate(s *State, c, answer uint8) {
	if s.Negotiation != answer {
		return
	}
	s.Negotiation++
	s.Window = 0
	if int(answer) < x.R {
		x.write(s, c, string([]byte{msgNeg + answer + 1}))
		return
	}
	s.Flag = true
	waiting := x.parked(s)
	for _, r := range []byte(waiting) {
		*s.request(r) = Written
	}
	x.write(s, c, waiting)
}
