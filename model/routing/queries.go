// Clauses R10 to R15: how the client looks its table up.

package routing

// queries adds the steps that concern the client's query.
func (x *steps) queries(s State) {
	x.ask(s)
	x.nextRound(s)
	x.answer(s)
	x.takeAnswer(s)
	x.queryFails(s)
}

// needs says whether the client has something to look up. R10: when its table is stale,
// when a request waits for a partition that it does not know, and until a round that has
// begun is over.
func (m *Model) needs(s *State) bool {
	if s.Stale || s.Tried != 0 {
		return true
	}
	for r := uint8(1); r <= uint8(m.NReq); r++ {
		if s.request(r).Step == Unrouted && s.Ballots[m.partition(r)] == 0 {
			return true
		}
	}
	return false
}

// ask. R11: one query at a time; each meta that the client knows is asked at most once in
// a round, in any order, and once more where its connection is a new one since: what it
// was asked before is lost, and that it is back makes it the likeliest to answer.
func (x *steps) ask(s State) {
	if s.Query.Stage != NoQuery || !x.needs(&s) {
		return
	}
	for n := uint8(1); n <= uint8(x.Metas); n++ {
		if in(s.Known, n) && !in(s.Tried&^s.Again, n) {
			t := s
			t.query(n)
			x.takes(ask, n, t)
		}
	}
}

// query asks meta n.
func (s *State) query(n uint8) {
	s.Tried, s.Again = with(s.Tried, n), without(s.Again, n)
	s.Query = Query{Stage: Asked, Meta: n}
	if !in(s.MetaUp, n) {
		s.Query.Stage = Cut
	}
}

// nextRound. R12: when every meta has been asked in vain the client pauses, and begins a
// new round.
func (x *steps) nextRound(s State) {
	if s.Query.Stage == NoQuery && s.Tried != 0 && s.Known&^s.Tried == 0 {
		s.Tried, s.Again, s.Hops = 0, 0, 0
		x.takes(nextRound, 0, s)
	}
}

// takeAnswer: the client reads what a meta said.
func (x *steps) takeAnswer(s State) {
	if s.Query.Stage != Answered {
		return
	}
	said := s.Query
	s.Query = Query{}
	switch said.Answer {
	case Table:
		x.learnTable(&s, said.Ballots)
	case Redirect:
		x.redirected(&s, said.To)
	case OddAnswer:
		// R15: an error that the client does not know is an answer like any other that does
		// not help: the next meta is asked. With lost-callback-on-unknown-error nobody is told.
		if x.has(LostCallback) {
			s.Query = Query{Stage: Open, Meta: said.Meta}
		}
	}
	x.takes(takeAnswer, 0, s)
}

// learnTable. R13: the configuration of each partition replaces the one that is known,
// unless its ballot is lower. Requests that were not written go to the new primary.
func (m *Model) learnTable(s *State, ballots [MaxParts]uint8) {
	for p := range m.Parts {
		if ballots[p] < s.Ballots[p] {
			if !m.has(OlderBallotAccepted) {
				continue
			}
			s.Regressed = true
		}
		s.Ballots[p] = ballots[p]
	}
	s.Stale, s.Tried, s.Again, s.Hops = false, 0, 0, 0
	if m.has(RetryToStalePrimary) {
		return
	}
	for r := uint8(1); r <= uint8(m.NReq); r++ {
		if at := s.request(r); at.Step == Waiting {
			at.Node = s.primary(m.partition(r))
		}
	}
}

// redirected. R14: a redirect is followed, unless that meta has been asked in this round:
// then the next one is, which can be that one by R11. With forward-ping-pong it is followed whatever has been asked.
func (m *Model) redirected(s *State, to uint8) {
	s.Known = with(s.Known, to)
	if in(s.Tried, to) && !m.has(ForwardPingPong) {
		return
	}
	if int(s.Hops) < m.Metas {
		s.Hops++
	}
	s.query(to)
}

// queryFails. R15: a meta that is down, or goes down before it has answered, has not
// helped: the next one is asked. So it is when the query's time is over.
func (x *steps) queryFails(s State) {
	switch s.Query.Stage {
	case Cut:
		s.Query = Query{}
		x.takes(queryFails, 0, s)
	case Asked, Answered:
		if s.Earlies > 0 {
			s.Earlies--
			s.Query = Query{}
			x.takes(queryTimeoutEarly, 0, s)
		}
	}
}
