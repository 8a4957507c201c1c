// Clauses S1 to S6: what the user submits, and what the client does with an attempt.

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
