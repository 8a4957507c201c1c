// Clauses S1 to S6, S14 to S19, S45, S46, S52, S55 to S58: what the user submits, what the client
// does with an attempt and with a message, and its timers, due or early.

package session

// submit. S1: the user submits a request, each once, or where Cyclic again when the
// last submission is over.
func (x *steps) submit(s State, r byte) {
	at := *s.request(r)
	if at == Idle || x.Cyclic && at.over() {
		s.Completions[r-1] = 0
		x.take(submit, r, x.send(s, r))
	}
}

// retry. S2: an attempt that failed without effect is made again.
func (x *steps) retry(s State, r byte) {
	if *s.request(r) == Failed {
		x.take(retry, r, x.send(s, r))
	}
}

// send makes one attempt.
func (m *Model) send(s State, r byte) State {
	request := s.request(r)
	switch {
	// S3: without a connection it waits in the queue, and the session connects.
	case s.Link != Connected:
		*request = Queued
		s.Queue += string([]byte{r})
		s.Link = Connecting
	// S4: while the flag does not let it pass it is parked until the negotiation succeeds.
	case !s.Flag:
		*request = Parked
	// S5: otherwise it is written.
	case s.Current != 0:
		*request = Written
		m.write(&s, s.Current, string([]byte{r}))
	// S6, older clients only: the channel is dead and the session does not know it yet.
	default:
		*request = Failed
	}
	return s
}

// outstanding says whether any request waits with a timer running.
func (m *Model) outstanding(s *State) bool {
	for r := range m.NReq {
		if s.Requests[r].waits() {
			return true
		}
	}
	return false
}

// failAll makes every outstanding attempt one that failed.
func (m *Model) failAll(s *State) {
	for r := range m.NReq {
		if s.Requests[r].waits() {
			s.Requests[r] = Failed
		}
	}
}

// parked returns the parked requests as messages, in ascending order.
func (m *Model) parked(s *State) string {
	var list []byte
	for r := byte(1); r <= byte(m.NReq); r++ {
		if *s.request(r) == Parked {
			list = append(list, r)
		}
	}
	return string(list)
}

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

// negotiationTimeouts. S18: a negotiation that is under way on a connection has a
// timer. It is due when nothing is on its way in either direction.
func (x *steps) negotiationTimeouts(s State) {
	if !s.connected() || !x.negotiating(&s) {
		return
	}
	end := func(by rule, s State) {
		// S52: with failure-closes-newer-connection the failure is told later.
		if x.defect(FailureClosesNewer) {
			s.Negotiation, s.Errand = 0, CloseCurrent
			x.take(by, 0, s)
			return
		}
		x.closeOwn(s, s.Current, func(t State) {
			x.lost(&t, false)
			x.take(by, 0, t)
		})
	}
	if s.connection(s.Current).quiet() {
		end(negotiationTimeout, s)
	}
	if s.Earlies > 0 {
		s.Earlies--
		end(negotiationTimeoutEarly, s)
	}
}

// negotiating says whether the client waits for an answer to a negotiation message.
func (m *Model) negotiating(s *State) bool {
	return s.Negotiation >= 1 && int(s.Negotiation) <= m.R
}

// requestTimeouts. S19: an attempt that waits has a timer.
func (x *steps) requestTimeouts(s State, r byte) {
	if !s.request(r).waits() {
		return
	}
	if x.hopeless(&s, r) {
		x.requestTimeout(requestTimeout, s, r)
	}
	if s.Earlies > 0 {
		s.Earlies--
		x.requestTimeout(requestTimeoutEarly, s, r)
	}
}

// hopeless says whether the timer of r is due: nothing is on its way on the connection
// that it was written to or is parked for, or there is none any more.
func (m *Model) hopeless(s *State, r byte) bool {
	switch *s.request(r) {
	case Written:
		if !s.connected() {
			return m.defect(PendingNotFailed)
		}
		return s.connection(s.Current).quiet()
	case Parked:
		return s.connected() && s.connection(s.Current).quiet() || s.Link == Disconnected
	}
	return false
}

// requestTimeout. S19a: the attempt ends. With the reference client the request is
// over: as unknown if it was written, as expired if not. S19b: the timeout counts
// towards those that make the client close its session; with the reference client only
// that of a request that was written does. S19c: when there are W of them the client
// closes its connection.
func (x *steps) requestTimeout(by rule, s State, r byte) {
	counts := true
	if x.Client == ClientConn {
		counts = *s.request(r) == Written
		x.give(&s, r)
	} else {
		*s.request(r) = Failed
	}
	full := counts && int(s.Window)+1 >= x.W
	if full && s.connected() {
		s.Window = 0
		x.closeOwn(s, s.Current, func(t State) {
			x.lost(&t, true)
			x.take(by, r, t)
		})
		return
	}
	s.dequeue(r)
	switch {
	case full:
		s.Window = 0
	case counts:
		s.Window++
	}
	x.take(by, r, s)
}

// give completes a request whose deadline has passed.
func (m *Model) give(s *State, r byte) {
	if *s.request(r) == Written {
		*s.request(r) = Unknown
	} else {
		*s.request(r) = Expired
	}
	s.complete(r)
}
