// Which clause a state breaks that cannot take an event: for people. Whether it can is
// the specification's affair alone.

package conformance

import (
	"github.com/a8011091/pegasus-reference/model/session"
)

// unexplained is the reason where there is no better one: the row's own demand.
func unexplained(*moment, *possible) *objection { return nil }

func hasConnection(m *moment, p *possible) *objection {
	if c := p.state.Current; c != 0 {
		return object("P3", "the session has a connection: conn %d", p.wires[c-1].number)
	}
	return object("S7", "the specification has no slot for one more connection that its server holds")
}

func nobodyListens(m *moment, p *possible) *objection {
	c := p.slot(m.w)
	switch {
	case c == 0:
		return object("S7", "the session has given this dial up")
	case m.samePortHeld(p):
		return object("S20", "the server still holds an earlier connection from %s", m.w.local)
	case !m.t.listening && m.t.observed:
		return object("S21", "nobody listens on %s", m.t.server)
	}
	return nil
}

// samePortHeld says whether the server has an earlier connection from the same port, with
// no FIN on the way to it.
func (m *moment) samePortHeld(p *possible) bool {
	if m.w.local == "" {
		return false
	}
	for i, w := range p.wires {
		end := &p.state.Connections[i]
		if w != nil && w != m.w && w.local == m.w.local && end.Server != 0 && end.Client != session.NoEnd {
			return true
		}
	}
	return false
}

func somebodyListens(m *moment, p *possible) *objection {
	if p.slot(m.w) == 0 {
		return object("S7", "the session has no such dial")
	}
	if p.state.Up {
		return object("S21", "%s listens, and has since the client dialed", m.t.server)
	}
	return nil
}

func notDialed(m *moment, p *possible) *objection {
	if !m.t.listening {
		return object("S21", "%s does not listen", m.t.server)
	}
	return object("S21", "no client has dialed this connection and not given it up")
}

func notDue(m *moment, p *possible) *objection {
	n, negotiating := p.negotiating()
	switch {
	case !p.current(m.w):
		return object("P3", "this is not the session's connection")
	case p.authenticated():
		return object("S17", "the negotiation is over: it has succeeded")
	case negotiating && int(n) < m.w.negotiations:
		return object("S17", "answer %d has not been read", n)
	case negotiating && int(n) > m.w.negotiations:
		return object("S17", "message %d is due", n)
	}
	return nil
}

func tooEarly(m *moment, p *possible) *objection {
	n, negotiating := p.negotiating()
	switch {
	case !p.current(m.w):
		return object("P3", "this is not the session's connection")
	case negotiating && m.w.negotiations == 0:
		return object("P1", "auth-before-request: the negotiation of this connection has not begun")
	case negotiating:
		return object("P1", "auth-before-request: the negotiation of this connection waits for answer %d", n)
	}
	return nil
}

func serverForgot(m *moment, p *possible) *objection {
	return object("S30", "the server has no end of this connection")
}

func outOfOrder(m *moment, p *possible) *objection {
	c := p.slot(m.w)
	if c == 0 || p.connection(c).Server == 0 {
		return serverForgot(m, p)
	}
	waits := p.connection(c).Server
	switch {
	case waits == p.spec.rounds()+1:
		return object("S35", "the client is authenticated already")
	case waits == p.spec.rounds()+2:
		return object("S31", "this end never answers again")
	case success(m.frame) && waits < p.spec.rounds():
		return object("S34", "success comes early: answer %d of %d", waits, p.spec.rounds())
	case !success(m.frame) && waits == p.spec.rounds():
		return object("S34", "this is the last answer, which is success")
	}
	return object("S34", "the server waits for message %d", waits)
}

func notAuthenticated(m *moment, p *possible) *objection {
	c := p.slot(m.w)
	switch {
	case c == 0 || p.connection(c).Server == 0:
		return serverForgot(m, p)
	case p.connection(c).Server != p.spec.rounds()+1:
		return object("S32", "authenticated-execution: the negotiation of this connection has not succeeded")
	case m.ev.Principal == "":
		return object("S32", "authenticated-execution: the client is authenticated, and the request has no principal")
	}
	return nil
}

func neitherNor(m *moment, p *possible) *objection {
	c := p.slot(m.w)
	switch {
	case c == 0 || p.connection(c).Server == 0:
		return serverForgot(m, p)
	case m.frame.code == codeOK && !m.taken.executed:
		return object("S32", "the server has not executed the request")
	}
	return nil
}

func notWaitedFor(m *moment, p *possible) *objection {
	n, negotiating := p.negotiating()
	switch {
	case !p.current(m.w):
		return object("P3", "this is not the session's connection")
	case isNegotiation(m.ev) && p.authenticated():
		return object("S17", "the negotiation is over: it has succeeded")
	case isNegotiation(m.ev) && negotiating && m.w.answered != int(n):
		return object("S17", "the session waits for answer %d", n)
	case isNegotiation(m.ev) && !m.lastAsItShould(p):
		return object("S34", "answer %d of %d: only the last one is success", n, p.spec.rounds())
	}
	return nil
}

// lastAsItShould says whether an answer is success exactly if it is the last.
func (m *moment) lastAsItShould(p *possible) bool {
	return success(m.frame) == (p.state.Negotiation == p.spec.rounds())
}

func serverHoldsIt(m *moment, p *possible) *objection {
	switch c := p.state.Current; {
	case !p.current(m.w):
		return object("P3", "this is not the session's connection")
	case p.connection(c).Server != 0:
		return object("S14", "the server has its end open")
	case p.connection(c).ToClient != "" && m.ev.Note == "fin" && m.w.hungUp:
		return object("S24", "what the server wrote before it closed has not been read")
	}
	return nil
}

func noReason(m *moment, p *possible) *objection {
	if p.slot(m.w) == 0 {
		return object("P3", "this is not the session's connection")
	}
	return object("S19c", "the session is ready and no request waits for an answer on this connection")
}

func clientHoldsIt(m *moment, p *possible) *objection {
	if c := p.slot(m.w); c != 0 && p.connection(c).Client != session.NoEnd {
		return object("S30", "the client has its end open")
	}
	return nil
}

func noOffence(m *moment, p *possible) *objection {
	c := p.slot(m.w)
	switch {
	case c == 0 || p.connection(c).Server == 0:
		return serverForgot(m, p)
	case p.connection(c).Server == p.spec.rounds()+1:
		return object("S35", "the client is authenticated and has done nothing wrong")
	}
	return object("S33", "server %s: a request before negotiation is refused, and nothing else changes", p.spec.model.ServerMode)
}

func notAsTold(m *moment, p *possible) *objection {
	switch {
	case m.ev.State == "idle" || m.ev.State == "backoff":
		return object("S10", "the session has a connection: conn %d", p.wires[p.state.Current-1].number)
	case m.ev.State == "ready":
		return object("P2", "fresh-session: the negotiation of this connection has not succeeded")
	case m.ev.State == "dialing":
		return object("S7", "the session does not dial this connection")
	}
	return object("P2", "fresh-session: this connection does not negotiate")
}
