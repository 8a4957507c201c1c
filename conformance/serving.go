// The refinement map's explanations of what a server does.

package conformance

import "github.com/a8011091/pegasus-reference/model/session"

func servesNegotiation(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	if c == 0 {
		return nil
	}
	waits := p.connection(c).Server
	if success(m.frame) && waits <= maxRounds {
		p = p.lasting(waits, m.specs)
	}
	if waits < 1 || waits > p.spec.rounds() || int(waits) != m.w.answers || (waits == p.spec.rounds()) != success(m.frame) {
		return nil
	}
	var list []possible
	for _, q := range m.x.after(p, actServe, c) {
		if at := q.slot(m.w); at != 0 && q.connection(at).Server == waits+1 {
			list = append(list, q)
		}
	}
	return list
}

// success says whether an answer ends a negotiation well: by SASL_SUCC, or because the
// server has no authentication.
func success(f frame) bool {
	return f.neg == "SASL_SUCC" || f.neg == "SASL_AUTH_DISABLE" || f.code != codeOK
}

func servesRequest(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	if c == 0 || p.connection(c).Server != p.spec.rounds()+1 || (m.ev.Principal == "") != m.w.anonymous {
		return nil
	}
	return m.x.after(p, actServe, c)
}

func answersOrRefuses(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	switch {
	case c == 0 || p.connection(c).Server == 0:
		return nil
	case m.taken.executed:
		return []possible{*p}
	case m.frame.code == codeOK:
		return nil
	}
	return m.x.after(p, actServe, c)
}

// readsFIN: what the client sent before it closed its end is read to nobody's benefit.
func readsFIN(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	if c == 0 || p.connection(c).Server == 0 {
		return only(p, m.w.clientOver)
	}
	if p.connection(c).Client != session.NoEnd {
		if m.ev.Note == "timeout" || m.w.torn {
			return m.forgets(p)
		}
		return nil
	}
	q := *p
	for q.slot(m.w) != 0 && q.connection(c).Server != 0 {
		list := m.x.after(&q, actServe, c)
		if len(list) == 0 {
			return nil
		}
		q = list[0]
	}
	return []possible{q}
}

// forgets: to one session, a server that drops its connection at a limit is like one that
// died and came back.
func (m *moment) forgets(p *possible) []possible {
	var list []possible
	for _, q := range m.x.after(p, actCrash, 0) {
		list = append(list, m.x.after(&q, actStart, 0)...)
	}
	return list
}

func hangsUp(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	if c == 0 || p.connection(c).Server == 0 {
		return only(p, m.w.clientOver || !m.t.listening)
	}
	list := m.x.after(p, actGiveUp, c)
	for _, q := range m.x.after(p, actServe, c) {
		if at := q.slot(m.w); at == 0 || q.connection(at).Server == 0 {
			list = append(list, q)
		}
	}
	if len(list) == 0 && m.ev.Note == "limit reached" {
		return m.forgets(p)
	}
	return list
}

func fallsSilent(m *moment, p *possible) []possible {
	c := p.slot(m.w)
	if c == 0 {
		return nil
	}
	var list []possible
	for _, q := range m.x.after(p, actServe, c) {
		if at := q.slot(m.w); at != 0 && q.connection(at).Server == q.spec.rounds()+2 {
			list = append(list, q)
		}
	}
	return list
}
