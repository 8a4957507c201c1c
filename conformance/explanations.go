// The refinement map's explanations of what happens at a client: the steps of the
// specification that an event is in one possible state.

package conformance

import "github.com/a8011091/pegasus-reference/model/session"

// stays leaves every state as it is.
func stays(_ *moment, p *possible) []possible { return []possible{*p} }

// only is stays where ok.
func only(p *possible, ok bool) []possible {
	if ok {
		return []possible{*p}
	}
	return nil
}

func dies(m *moment, p *possible) []possible {
	order := []action{actCrash, actCrashUnnoticed}
	if m.ev.Note == "power off" {
		order = []action{actCrashUnnoticed, actCrash}
	}
	for _, a := range order {
		if list := m.x.after(p, a, 0); len(list) > 0 {
			return list
		}
	}
	return only(p, !p.state.Up) // it was not up long enough to accept
}

// dials takes the lowest port that the specification allows: which one a client has shows
// only when it is connected.
func dials(m *moment, p *possible) []possible {
	list := m.x.after(p, actDial, 0)
	if len(list) == 0 {
		return nil
	}
	q := list[0]
	q.wires[q.state.Current-1] = m.w
	return []possible{q}
}

func comesUp(m *moment, p *possible) []possible {
	return only(p, p.current(m.w) && !m.samePortHeld(p))
}

func dialFails(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	if c == 0 {
		return nil
	}
	list := m.x.after(p, actRefused, c)
	if m.ev.Note != "timeout" && m.ev.Note != "dial-timeout" && m.ev.Note != noteNoPort && !m.w.torn {
		return list
	}
	return append(list, m.givesUpDial(p, c)...)
}

// givesUpDial: the handshake was done as far as the server knows, and the client has gone.
func (m *moment) givesUpDial(p *possible, c uint8) []possible {
	var list []possible
	for _, q := range m.x.after(p, actAccept, c) {
		list = append(list, m.first(m.x.after(&q, actNegotiationTimeoutEarly, 0))...)
	}
	return list
}

// first keeps the first of an action's states: where a FIN arrives or is lost, that it
// arrives, which includes that it never does.
func (m *moment) first(list []possible) []possible {
	if len(list) > 1 {
		return list[:1]
	}
	return list
}

func isHeld(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	return only(p, c != 0 && p.connection(c).Server != 0)
}

func isDue(m *moment, p *possible) []possible {
	n, ok := p.negotiating()
	return only(p, ok && p.current(m.w) && int(n) == m.w.negotiations)
}

// submitted: the specification's user submits the request in the moment in which it is
// written; that it waited before is not told apart from that it was not there. A request
// without a name of its own takes that of one that is over, or whose time runs out (S19a).
func submitted(m *moment, p *possible) []possible {
	if !p.current(m.w) {
		return nil
	}
	q := p
	by, r := actSubmit, freeName(&p.state)
	if r == 0 {
		by, r = actRetry, failedName(&p.state)
	}
	if r == 0 {
		given := m.x.after(p, actRequestTimeoutEarly, 1+byte(m.w.up.len()+m.w.read.len())%(wish-1))
		if len(given) == 0 {
			return nil
		}
		q = &given[0]
		by, r = actSubmit, freeName(&q.state)
	}
	var list []possible
	for _, to := range m.x.after(q, by, r) {
		if to.state.Requests[r-1] == session.Written {
			list = append(list, to)
		}
	}
	return list
}

// freeName is a request of the specification that may be submitted; 0 where there is none.
func freeName(s *session.State) byte {
	for r := byte(1); r < wish; r++ {
		switch s.Requests[r-1] {
		case session.Idle, session.Done, session.Unknown, session.Expired:
			return r
		}
	}
	return 0
}

// failedName is a request that was refused and may be tried again; 0 where there is none.
func failedName(s *session.State) byte {
	for r := byte(1); r < wish; r++ {
		if s.Requests[r-1] == session.Failed {
			return r
		}
	}
	return 0
}

// negotiates: what waited for success is submitted when it is written, so the wish that
// stood for it is over by then.
func negotiates(m *moment, p *possible) []possible {
	n, ok := p.negotiating()
	if !ok || !p.current(m.w) || m.w.answered != int(n) {
		return nil
	}
	if success(m.frame) {
		p = p.lasting(n, m.specs)
	}
	if !m.lastAsItShould(p) {
		return nil
	}
	c := p.state.Current
	if p.state.Requests[wish-1] == session.Parked && p.state.Negotiation == p.spec.rounds() {
		given := m.x.after(p, actRequestTimeoutEarly, wish)
		if len(given) == 0 {
			return nil
		}
		p = &given[0]
	}
	var list []possible
	for _, q := range m.x.after(p, actReceive, c) {
		if q.state.Negotiation == p.state.Negotiation+1 {
			list = append(list, q)
		}
	}
	return list
}

// answered: an answer completes a request, or tells that it was refused.
func answered(m *moment, p *possible) []possible {
	if !p.current(m.w) {
		return nil
	}
	var list []possible
	for _, q := range m.x.after(p, actReceive, p.state.Current) {
		if q.current(m.w) && q.state.Negotiation == p.state.Negotiation {
			list = append(list, q)
		}
	}
	return list
}

func ends(m *moment, p *possible) []possible {
	if !p.current(m.w) {
		return nil
	}
	c := p.state.Current
	if p.headFIN(c) {
		return m.x.after(p, actReceive, c)
	}
	if m.ev.Note == "fin" && m.w.hungUp { // a server that died may have had answers that it had not sent
		return nil
	}
	if p.connection(c).Server == 0 {
		return m.readsReset(p, c)
	}
	if m.ev.Note != "timeout" && m.ev.Note != "io" && !m.w.torn {
		return nil
	}
	if list := m.closesItself(p); len(list) > 0 {
		return list
	}
	// No timer of the session runs: the kernel's keep-alive has found out.
	var list []possible
	for _, q := range m.forgets(p) {
		list = append(list, m.readsReset(&q, c)...)
	}
	return list
}

// readsReset: a reset overtakes what was on its way, and comes late where bytes had to be
// sent again: the specification's FIN (S24), with nothing in front of it.
func (m *moment) readsReset(p *possible, c uint8) []possible {
	q := *p
	q.connection(c).ToClient = string([]byte{0})
	return m.x.after(&q, actReceive, c)
}

// headFIN says whether the next thing that the client reads is the end.
func (p *possible) headFIN(c uint8) bool {
	to := p.connection(c).ToClient
	return to != "" && to[0] == 0
}

func gaveUp(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	if c == 0 || c != p.state.Current {
		return nil
	}
	if p.connection(c).Client == session.Dialing {
		return append(m.x.after(p, actRefused, c), m.givesUpDial(p, c)...)
	}
	return m.closesItself(p)
}

// closesItself: a timer of the client ends its connection, due or early.
func (m *moment) closesItself(p *possible) []possible {
	if _, ok := p.negotiating(); ok {
		for _, a := range []action{actNegotiationTimeout, actNegotiationTimeoutEarly} {
			if list := m.first(m.x.after(p, a, 0)); len(list) > 0 {
				return list
			}
		}
		return nil
	}
	return m.silence(p)
}

// silence: after so many timeouts, or so long a time, without an answer (S19c).
func (m *moment) silence(p *possible) []possible {
	q := *p
	q.state.Window = patience - 1
	for r := byte(1); r < wish; r++ {
		if q.state.Requests[r-1] != session.Written {
			continue
		}
		for _, a := range []action{actRequestTimeout, actRequestTimeoutEarly} {
			for _, to := range m.x.after(&q, a, r) {
				if to.state.Current == 0 {
					return []possible{to}
				}
			}
		}
	}
	return nil
}

func isAsTold(m *moment, p *possible) []possible {
	s := &p.state
	_, negotiating := p.negotiating()
	switch m.ev.State {
	case "dialing":
		return only(p, s.Current != 0 && p.wires[s.Current-1] == m.w)
	case "negotiating":
		return only(p, p.current(m.w) && negotiating)
	case "ready":
		return only(p, p.current(m.w) && p.authenticated() && s.Flag)
	case "idle", "backoff":
		return only(p, s.Current == 0)
	}
	return only(p, true)
}
