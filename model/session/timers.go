// Clauses S18, S19, S52 and S58: the client's timers, due or early.

package session

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
