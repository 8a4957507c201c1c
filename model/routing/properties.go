// Clauses Q1 to Q17: what must be true, and what must be reachable so that it says something.

package routing

import "github.com/a8011091/pegasus-reference/model/check"

// Names of the properties.
const (
	BallotMonotonic = "ballot-monotonic"
	Bounded         = "bounded"
	CompleteOnce    = "complete-once"
	LeaderFound     = "leader-found"
	RequestsDrain   = "requests-drain"

	CanRedirect    = "sometimes-redirected"
	CanBeTwo       = "sometimes-two-leaders"
	CanDisagree    = "sometimes-metas-disagree"
	CanBeStale     = "sometimes-table-stale"
	CanBeRefused   = "sometimes-refused"
	CanGetOlder    = "sometimes-older-answer"
	CanAllBeServed = "sometimes-all-answered"
	CanAskAgain    = "sometimes-asked-again"
)

// Properties returns the five properties, and what must be reachable.
func (m *Model) Properties() []check.Property[State] {
	drained := make([]check.Property[State], 0, 2*m.NReq)
	for r := uint8(1); r <= uint8(m.NReq); r++ {
		drained = append(drained, m.ends(r), m.succeeds(r))
	}
	moves := m.Moves > 0 && m.Nodes > 1
	elections := m.Elections > 0 && m.Metas > 1
	return []check.Property[State]{
		check.Always(BallotMonotonic, ballotMonotonic),
		check.Always(Bounded, m.bounded),
		check.Always(CompleteOnce, m.completeOnce),
		check.EventuallyAlways(LeaderFound, m.nothingToLookUp),
		check.All(RequestsDrain, drained...),
		m.sometimes(CanRedirect, m.Known > 1 || elections, m.canRedirect),
		m.sometimes(CanBeTwo, elections, m.canBeTwo),
		m.sometimes(CanDisagree, m.Splits > 0 && m.Metas > 2, m.canDisagree),
		m.sometimes(CanBeStale, moves, m.canBeStale),
		m.sometimes(CanBeRefused, moves, m.canBeRefused),
		m.sometimes(CanGetOlder, moves && elections && m.Known > 1, m.canGetOlder),
		m.sometimes(CanAllBeServed, true, m.canAllBeServed),
		m.sometimes(CanAskAgain, m.Crashes > 0, m.canAskAgain),
	}
}

// sometimes says that a state is reachable, where the constants make it possible.
func (m *Model) sometimes(name string, possible bool, wanted func(State) bool) check.Property[State] {
	return check.Sometimes(name, func(s State) bool { return !possible || wanted(s) })
}

// ballotMonotonic. Q1: the client never replaces a configuration by one of a lower ballot.
func ballotMonotonic(s State) bool { return !s.Regressed }

// bounded. Q2: within a round fewer redirects are followed than there are metas.
func (m *Model) bounded(s State) bool { return int(s.Hops) < m.Metas }

// completeOnce. Q3: a submission completes at most once, and has completed when it is over.
func (m *Model) completeOnce(s State) bool {
	for r := range m.NReq {
		if s.Told[r] > 1 || s.Requests[r].Step.over() && s.Told[r] != 1 {
			return false
		}
	}
	return true
}

// nothingToLookUp. Q4, from some point on always: the client has nothing to look up. So
// it has reached the leader, and what it was told was true.
func (m *Model) nothingToLookUp(s State) bool {
	return !m.needs(&s) && s.Query.Stage == NoQuery
}

// ends. Q5a: a request that was submitted is over sooner or later.
func (m *Model) ends(r uint8) check.Property[State] {
	return check.LeadsTo(RequestsDrain,
		func(s State) bool { return s.request(r).Step != Idle },
		func(s State) bool { return s.request(r).Step.over() })
}

// succeeds. Q5b: one that is under way after the last fault, and was not lost to it, is
// answered.
func (m *Model) succeeds(r uint8) check.Property[State] {
	return check.LeadsTo(RequestsDrain,
		func(s State) bool {
			at := s.request(r).Step
			return settled(&s) && at.underWay() && at != Lost
		},
		func(s State) bool { return s.request(r).Step == Done })
}

// settled says whether every budget is used up.
func settled(s *State) bool {
	return s.Moves == 0 && s.Elections == 0 && s.Splits == 0 && s.Crashes == 0 && s.Earlies == 0
}

// canRedirect. Q10: a redirect is followed.
func (m *Model) canRedirect(s State) bool { return s.Hops > 0 }

// canBeTwo. Q11: two metas take themselves for the leader.
func (m *Model) canBeTwo(s State) bool {
	leaders := 0
	for n := uint8(1); n <= uint8(m.Metas); n++ {
		if s.leads(n) {
			leaders++
		}
	}
	return leaders > 1
}

// canDisagree. Q12: two metas that follow believe in different leaders.
func (m *Model) canDisagree(s State) bool {
	seen := uint8(0)
	for n := uint8(1); n <= uint8(m.Metas); n++ {
		if to := s.Hint[n-1]; to != 0 && to != n {
			seen = with(seen, to)
		}
	}
	return seen&(seen-1) != 0
}

// canBeStale. Q13: the client's table says something that is no longer true.
func (m *Model) canBeStale(s State) bool {
	for p := range m.Parts {
		if s.Ballots[p] != 0 && int(s.Ballots[p]) < len(s.History[p]) {
			return true
		}
	}
	return false
}

// canBeRefused. Q14: a request is refused.
func (m *Model) canBeRefused(s State) bool {
	for r := range m.NReq {
		if s.Requests[r].Step == Refused {
			return true
		}
	}
	return false
}

// canGetOlder. Q15: an answer is on its way that is older than what the client knows.
func (m *Model) canGetOlder(s State) bool {
	for p := range m.Parts {
		if s.Query.Answer == Table && s.Query.Ballots[p] < s.Ballots[p] {
			return true
		}
	}
	return false
}

// canAllBeServed. Q16: every request is answered.
func (m *Model) canAllBeServed(s State) bool {
	for r := range m.NReq {
		if s.Requests[r].Step != Done {
			return false
		}
	}
	return true
}

// canAskAgain. Q17: a meta that was asked in this round may be asked again.
func (m *Model) canAskAgain(s State) bool { return s.Query.Stage == NoQuery && s.Again != 0 }
