// Clauses T20 and T21: time. T22 is in model.go.

package timeouts

// due. T20: time does not go on while anything is due.
func (m *Model) due(s *State) bool {
	return s.Query == Failed && s.QueryIn == 0 ||
		establishDue(s) ||
		answerDue(s) ||
		s.Query.waits() && s.QueryIn == 0 ||
		m.negotiationTimeoutDue(s) ||
		m.giveUpDue(s)
}

// negotiationFirst says that a negotiation timer that is due keeps the query and its timer
// waiting (NegFirst). T20: without it they go in every order.
func (m *Model) negotiationFirst(s *State) bool {
	return m.NegFirst && m.negotiationTimeoutDue(s)
}

// tick. T21: a second passes. The reset window and the time itself are counted only as
// far as they matter.
func (m *Model) tick(s State) State {
	for _, countdown := range [...]*int32{&s.ConnectIn, &s.QueryIn, &s.NegotiationIn, &s.AnswerIn, &s.GiveUpIn} {
		if *countdown > 0 {
			*countdown--
		}
	}
	if s.Link == Connected {
		s.Age++
	}
	if s.Window != Off && s.Window < int32(m.Win) {
		s.Window++
	}
	if s.Now < int32(m.Cap) {
		s.Now++
	}
	return s
}
