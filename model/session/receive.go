// Clauses S14 to S17, S45, S46, S55 to S57: what the client does with a message.

package session

// receive takes the next message of the session's connection.
func (x *steps) receive(s State, c uint8) {
	end := s.connection(c)
	if end.Client != Open || c != s.Current || end.ToClient == "" {
		return
	}
	m := end.ToClient[0]
	if s.Zombie {
		x.discard(s, c)
		return
	}
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
	case isOdd(m):
		x.oddReply(&s, m-msgOdd)
	case m == msgDisabled && x.negotiating(&s) && x.Client == ClientConn && !x.defect(Downgrade):
		x.disabled(s, c)
		return
	case m == msgDisabled && x.negotiating(&s):
		x.succeed(&s, c)
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
	if int(answer) < x.R {
		s.Negotiation++
		s.Window = 0
		x.write(s, c, string([]byte{msgNeg + answer + 1}))
		return
	}
	x.succeed(s, c)
}

// succeed opens the flag and writes what is parked.
func (x *steps) succeed(s *State, c uint8) {
	s.Negotiation, s.Window, s.Flag = x.authenticated(), 0, true
	waiting := x.parked(s)
	for _, r := range []byte(waiting) {
		*s.request(r) = Written
	}
	x.write(s, c, waiting)
}

// oddReply. S45: an answer with an error that the client does not know completes the
// request as unknown; the older clients fail the attempt.
func (x *steps) oddReply(s *State, r byte) {
	request := s.request(r)
	switch {
	case *request != Written:
	case x.Client != ClientConn:
		*request = Failed
		s.Window = 0
	// S56: with zombie-after-decode-error the client stops reading, and goes on writing.
	case x.defect(ZombieAfterError):
		s.Zombie = true
	// S57: with lost-callback-on-unknown-error nobody is told, and no timer is left.
	case x.defect(LostCallback):
		*request = Forgotten
		s.Window = 0
	default:
		*request = Unknown
		s.complete(r)
		s.Window = 0
	}
}

// discard: what comes to a connection that nobody reads.
func (x *steps) discard(s State, c uint8) {
	end := s.connection(c)
	end.ToClient = end.ToClient[1:]
	x.take(receive, c, s)
}

// disabled. S46: "no authentication here" is no success for a client that requires it: it
// closes the connection. S55: with downgrade, and for the older clients, it is one.
func (x *steps) disabled(s State, c uint8) {
	x.closeOwn(s, c, func(t State) {
		x.lost(&t, false)
		x.take(receive, c, t)
	})
}
