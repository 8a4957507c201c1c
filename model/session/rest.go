// Which actions may rest: with which constants no state need be able to take them, so that
// an exploration in which they never happen is complete all the same.

package session

// mayRest says whether the action of a rule, for a request or slot where it is of one, may
// never happen. Where it says no, a way to it is known, and more of any budget, slot, port
// or request leaves that way open.
func (m *Model) mayRest(rule rule, of int) bool {
	switch rule {
	case retry:
		return !m.fails()
	case requestTimeout:
		return !m.silent() && (m.Crashes == 0 || !m.strands())
	case negotiationTimeout:
		return !m.silent()
	case notify, drop, resetFlag:
		return !m.loses()
	case rebuildNow:
		return m.Crashes == 0 // a watcher sees what the server ends, not what the client does
	case closeCurrent:
		return m.Earlies == 0 && !m.silent()
	case glue, challenge:
		return !m.meetsOld(of)
	case giveUp, answerOddly, answerDisabled:
		return of > 1 && (!m.reaches(of) || m.Earlies < of)
	case accept, refused, receive, serve:
		return !m.reaches(of)
	case late:
		return of > 1
	case closeEvent:
		return m.Earlies < of || m.NPorts < of
	case orphan:
		return true // whether a connection is left over hangs on the order of ends and dials
	}
	return false
}

// loses says whether a client can lose its connection: with its server, or by a timer.
func (m *Model) loses() bool { return m.Crashes > 0 || m.Earlies > 0 }

// fails says whether an attempt can fail without effect, so that it is made again: in an
// older client with its connection, in any where it is refused.
func (m *Model) fails() bool {
	refused := m.defect(Downgrade) && m.Rogue && m.Earlies > 0 && m.Mandatory && m.ServerMode == ServerReference
	return m.Client != ClientConn && m.loses() || refused
}

// strands says whether a request can wait with its timer although its connection has ended:
// in an older client, and with two defects, one of which needs a request that comes later.
func (m *Model) strands() bool {
	later := m.Cyclic || m.NReq > 1
	return m.Client != ClientConn || m.defect(PendingNotFailed) || m.defect(RetryOnDying) && later
}

// silent says whether a connection can fall silent without an end: a crash that is not
// noticed.
func (m *Model) silent() bool { return m.Crashes > 0 && m.Losses > 0 }

// reaches says whether a slot is dialled from: each before it is taken up by a connection
// that the client closed at an early timer, from a port of its own, and whose FIN is lost.
func (m *Model) reaches(slot int) bool {
	return slot == 1 || m.NPorts >= slot && m.Losses >= slot-1 && m.Earlies >= slot-1
}

// meetsOld says whether a dial from a slot finds an earlier connection on its port. That
// was in slot 1, closed at an early timer, for a dial from slot 2, and back again for one
// from slot 1. Its FIN is on the way, or where that counts lost.
func (m *Model) meetsOld(slot int) bool {
	closed := 3 - slot
	return m.K > 1 && closed > 0 && m.Earlies >= closed && (m.OldConn != OldConnGlued || m.Losses >= closed)
}

// mayRest says whether an action of one of a pair's sessions may never happen. Meta 2 is
// asked when the query has failed at meta 1. Beyond what a session's first connection
// brings, an older client's attempts, which fail with a connection, go to the other meta.
func (p *Pair) mayRest(meta, action int) bool {
	m := p.session
	if meta > 0 && !m.loses() || m.actions[action].MayRest {
		return true
	}
	what := m.meaning[action]
	if m.Client == ClientConn {
		return meta > 0 && what.rule == submit
	}
	switch what.rule {
	case requestTimeout, glue, challenge:
		return true
	}
	return what.of > 1 && what.rule != submit
}
