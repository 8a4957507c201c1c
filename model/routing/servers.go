// Clauses R20 to R29: metas and nodes, and what happens to them.

package routing

// answer. R20: a meta that leads answers with its table, one that does not with whom it
// takes for the leader, or with nobody. R21: Odd: or with an error that the client does
// not know.
func (x *steps) answer(s State) {
	if s.Query.Stage != Asked {
		return
	}
	n := s.Query.Meta
	if x.Odd && s.Earlies > 0 {
		t := s
		t.Earlies--
		t.Query.Stage, t.Query.Answer = Answered, OddAnswer
		x.takes(answerOddly, 0, t)
	}
	s.Query.Stage = Answered
	switch {
	case n == s.Leader:
		s.Query.Answer, s.Query.Ballots = Table, x.current(&s)
	case s.leads(n):
		s.Query.Answer, s.Query.Ballots = Table, s.Frozen[n-1]
	case s.Hint[n-1] == 0:
		s.Query.Answer = NoLeader
	default:
		s.Query.Answer, s.Query.To = Redirect, s.Hint[n-1]
	}
	x.takes(answer, 0, s)
}

// current returns the ballot of every partition.
func (m *Model) current(s *State) [MaxParts]uint8 {
	var ballots [MaxParts]uint8
	for p := range m.Parts {
		ballots[p] = uint8(len(s.History[p]))
	}
	return ballots
}

// serve. R22: the primary of the partition executes a request; any other node refuses it
// and has not executed it.
func (x *steps) serve(s State, r uint8) {
	at := s.request(r)
	if at.Step != Written {
		return
	}
	at.Step = Refused
	if s.truePrimary(x.partition(r)) == at.Node {
		at.Step = Served
	}
	x.takes(serve, r, s)
}

// move. R23: the leader makes another node that is up the primary of a partition, with
// the next ballot.
func (x *steps) move(s State, p int) {
	if s.Moves == 0 || !in(s.MetaUp, s.Leader) {
		return
	}
	s.Moves--
	for n := uint8(1); n <= uint8(x.Nodes); n++ {
		if in(s.NodeUp, n) && n != s.truePrimary(p) {
			t := s
			t.History[p] += string([]byte{n})
			x.takes(move, uint8(p+1), t)
		}
	}
}

// elect. R24: another meta that is up becomes the leader, with the table as it is. The
// old one does not know it yet, and answers with the table of this moment.
func (x *steps) elect(s State, n uint8) {
	if s.Elections == 0 || n == s.Leader || !in(s.MetaUp, n) {
		return
	}
	s.Elections--
	if old := s.Leader; in(s.MetaUp, old) {
		s.Frozen[old-1] = x.current(&s)
	}
	s.Leader = n
	s.believe(n, n)
	x.takes(elect, n, s)
}

// believe makes meta n take another, or itself, for the leader.
func (s *State) believe(n, leader uint8) {
	s.Hint[n-1], s.Frozen[n-1] = leader, [MaxParts]uint8{}
}

// stepDown. R25: a meta that leads no longer hears of it.
func (x *steps) stepDown(s State, n uint8) {
	if n != s.Leader && s.leads(n) {
		s.believe(n, s.Leader)
		x.takes(stepDown, n, s)
	}
}

// learn. R26: a meta that follows hears who leads; not for certain unless Learn.
func (x *steps) learn(s State, n uint8) {
	if in(s.MetaUp, n) && n != s.Leader && !s.leads(n) && s.Hint[n-1] != s.Leader {
		s.believe(n, s.Leader)
		x.takes(learn, n, s)
	}
}

// rumour. R27: a meta that follows comes to believe in a leader that is none.
func (x *steps) rumour(s State, n uint8) {
	if s.Splits == 0 || !in(s.MetaUp, n) || n == s.Leader || s.leads(n) {
		return
	}
	s.Splits--
	for to := uint8(1); to <= uint8(x.Metas); to++ {
		if to != n && to != s.Leader && to != s.Hint[n-1] {
			t := s
			t.believe(n, to)
			x.takes(rumour, n, t)
		}
	}
}

// meta. R28: a meta crashes, and with it a query that it has not answered or whose answer
// is on its way. It comes back and knows no leader, unless it is still the leader; a
// client's connection to it is then a new one.
func (x *steps) meta(s State, n uint8) {
	if !in(s.MetaUp, n) {
		s.MetaUp = with(s.MetaUp, n)
		if in(s.Tried, n) {
			s.Again = with(s.Again, n)
		}
		if n == s.Leader {
			s.believe(n, n)
		}
		x.takes(startMeta, n, s)
		return
	}
	if s.Crashes == 0 {
		return
	}
	s.Crashes--
	s.MetaUp, s.Again = without(s.MetaUp, n), without(s.Again, n)
	s.believe(n, 0)
	if s.Query.Meta == n && (s.Query.Stage == Asked || s.Query.Stage == Answered) {
		s.Query = Query{Stage: Cut, Meta: n}
	}
	x.takes(crashMeta, n, s)
}

// node. R29: a node crashes, and with it every request that was written to it and not
// answered, or whose answer is on its way. It comes back.
func (x *steps) node(s State, n uint8) {
	if !in(s.NodeUp, n) {
		s.NodeUp = with(s.NodeUp, n)
		x.takes(startNode, n, s)
		return
	}
	if s.Crashes == 0 {
		return
	}
	s.Crashes--
	s.NodeUp = without(s.NodeUp, n)
	for r := range x.NReq {
		if at := &s.Requests[r]; at.Node == n && at.Step >= Written && at.Step <= Refused {
			at.Step = Lost
		}
	}
	x.takes(crashNode, n, s)
}
