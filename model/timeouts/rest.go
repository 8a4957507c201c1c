// Which actions may rest: with which deadlines none of them is ever due. What is due, and
// when, is what this specification is there to find out; here it is said for the first
// connection of a client that starts without authentication, as far as that is plain.

package timeouts

// mayRest says whether the action of a rule may never happen.
func (m *Model) mayRest(rule rule) bool {
	switch rule {
	case send:
		return false
	case establish:
		return !m.connects()
	case answer:
		return !m.negotiates(m.D)
	case queryTimeout:
		return m.TQ > m.SynDelay
	case negotiationTimeout:
		return m.TNeg > m.lasts() || !m.negotiates(m.TNeg)
	case giveUp:
		return m.TSrv > m.D*m.R || !m.negotiates(m.TSrv)
	}
	return !(m.connects() && m.SynDelay > 0) && !(m.D > 0 && m.negotiates(1))
}

// connects says whether there is time to connect in: where no try of the query takes any,
// none passes.
func (m *Model) connects() bool { return m.SynDelay == 0 || m.TQ > 0 || m.Away > 0 }

// lasts is how long a negotiation timer would have to run at most to fire.
func (m *Model) lasts() int {
	if m.PerMessage {
		return m.D
	}
	return m.D * m.R
}

// negotiates says whether the first negotiation can be so old: nothing has ended it, and
// the first try of the query still waits for it.
func (m *Model) negotiates(age int) bool {
	client := m.TNeg >= age || m.PerMessage && m.TNeg >= m.D
	server := m.TSrv == 0 || m.TSrv >= age
	return m.Client == ClientConn && m.connects() && client && server && m.TQ >= m.SynDelay+age
}
