// Clauses R1 to R7: the life of a request, from the user to a node and back.

package routing

// submit. R1: the user submits a request, each once, or where Cyclic again when the last
// submission is over.
func (x *steps) submit(s State, r uint8) {
	at := s.request(r)
	if at.Step == Idle || x.Cyclic && at.Step.over() {
		s.Told[r-1] = 0
		*at = Request{Step: Unrouted}
		x.takes(submit, r, s)
	}
}

// route. R2: a request whose partition is known goes to the session of its primary. With
// retry-to-stale-primary a retry goes where the first try went.
func (x *steps) route(s State, r uint8) {
	at := s.request(r)
	to := s.primary(x.partition(r))
	if at.Step != Unrouted || to == 0 {
		return
	}
	if at.Node != 0 {
		to = at.Node
	}
	*at = Request{Step: Waiting, Node: to}
	x.takes(route, r, s)
}

// write. R3: the session of a node that is up writes it.
func (x *steps) write(s State, r uint8) {
	if at := s.request(r); at.Step == Waiting && in(s.NodeUp, at.Node) {
		at.Step = Written
		x.takes(write, r, s)
	}
}

// nodeDown. R4: at a node that is down it goes on waiting, and the client looks the table
// up again: what the node served may have moved.
func (x *steps) nodeDown(s State, r uint8) {
	if at := s.request(r); at.Step == Waiting && !in(s.NodeUp, at.Node) && !s.Stale {
		s.Stale = true
		x.takes(nodeDown, r, s)
	}
}

// take. R5: an answer completes the request. A refusal says that it was not executed: the
// client looks the table up again and tries the request again.
func (x *steps) take(s State, r uint8) {
	switch at := s.request(r); at.Step {
	case Served:
		x.end(&s, r, Done)
	case Refused:
		at.Step = Unrouted
		if !x.has(RetryToStalePrimary) {
			at.Node = 0
		}
		s.Stale = true
	default:
		return
	}
	x.takes(take, r, s)
}

// lose. R6: a request that was written to a node which then went down completes as
// unknown and is not sent again; the client looks the table up again.
func (x *steps) lose(s State, r uint8) {
	if s.request(r).Step == Lost {
		x.end(&s, r, Unknown)
		s.Stale = true
		x.takes(lose, r, s)
	}
}

// requestTimeout. R7: when its time is over a request completes, as unknown if it was
// written and as failed if not. The timer is early: nothing here waits for ever otherwise.
func (x *steps) requestTimeout(s State, r uint8) {
	at := s.request(r)
	if !at.Step.underWay() || s.Earlies == 0 {
		return
	}
	s.Earlies--
	if at.Step == Unrouted || at.Step == Waiting {
		x.end(&s, r, Expired)
	} else {
		x.end(&s, r, Unknown)
	}
	x.takes(requestTimeoutEarly, r, s)
}

// end completes request r.
func (m *Model) end(s *State, r uint8, how Step) {
	*s.request(r) = Request{Step: how}
	s.tell(r)
}
