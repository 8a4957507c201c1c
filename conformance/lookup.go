// Looking a table up, as a client tells of it: why, whom it asks, and what comes of it.
// With this a trace shows what its frames do not: metas that are asked and never reached,
// redirects that nobody follows, and look-ups that have no reason (R4, R5, R10 to R15).

package conformance

import (
	"slices"

	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/trace"
)

// Words of a query event: its states, why a table is wanted, and why a meta has not helped.
const (
	stepWanted = "wanted"
	stepAsked  = "asked"
	stepInVain = "in-vain"
	stepPause  = "pause"

	causeUnknown     = "unknown"
	causeNoPrimary   = "no-primary"
	causeUnreachable = "unreachable"
	causeRefused     = "refused"
	causeUnanswered  = "unanswered"

	reasonNone     = "none" // of the client's: a server has answered
	reasonDeadline = "deadline"
	outcomeOK      = "ok"
	outcomeFailed  = "failed"
	outcomeUnknown = "unknown"
)

// looks: the client tells how looking a table up goes on.
func (t *traffic) looks(ev *trace.Event) *Refusal {
	key := useKey{ev.Node, ev.Table}
	u := t.uses[key]
	if u == nil {
		u = t.newUse(key)
		t.uses[key] = u
	}
	k := t.looker(ev.Node)
	k.tells, u.tells = true, true
	k.pays(u)
	switch ev.State {
	case stepWanted:
		return t.wants(ev, u, k)
	case stepAsked:
		k.patienceNS = ev.WithinNS
		return t.isAsked(ev, u)
	case stepInVain:
		return t.inVain(ev, u, k)
	case stepPause:
		return t.pauses(ev, u, k)
	}
	return t.refuse(ev, u, rowWants, object("R10", "a client does not tell of %q", ev.State), nil)
}

// wants: the table is to be looked up.
func (t *traffic) wants(ev *trace.Event, u *use, k *looker) *Refusal {
	told := k.unsteady(ev)
	k.boundNS = ev.WithinNS
	again := u.wanted && !(u.paused && ev.Note == causeUnknown)
	u.wanted, u.paused = true, false
	t.wishes(ev, u)
	if u.lost || u.many {
		return nil
	}
	o := told
	if o == nil {
		o = t.unfounded(ev, u, k)
	}
	if again {
		o = object("R10", "the client looks this table up already")
	}
	if o == nil {
		o = t.restless(ev, u, k)
	}
	if o != nil {
		return t.refuse(ev, u, rowWants, o, u.whole.set)
	}
	if o, states := t.each(u, func(l *line, s routing.State) ([]routing.State, *objection) {
		return []routing.State{t.x.stale(t.catchUp(l, s))}, nil
	}); o != nil || states != nil {
		return t.refuse(ev, u, rowWants, o, states)
	}
	t.heard(u)
	return nil
}

// unfounded objects to a look-up for a reason that the trace does not show. R10.
func (t *traffic) unfounded(ev *trace.Event, u *use, k *looker) *objection {
	switch ev.Note {
	case causeUnknown:
		if u.known {
			return object("R10", "the client knows this table")
		}
	case causeNoPrimary:
		if !u.holes {
			return object("R10", "the table that the client knows names a primary of every partition")
		}
	case causeUnreachable:
		switch {
		case !k.late && !slices.Contains(k.unreachable, ev.Peer):
			return object("R10", "the client's session with %s has not failed", ev.Peer)
		case !u.serves(ev.Peer):
			return object("R10", "%s serves no partition in the table that the client knows", ev.Peer)
		}
	case causeRefused:
		if !k.late && !slices.Contains(k.refused, ev.Peer) {
			return object("R10", "%s has not just refused a request", ev.Peer)
		}
	case causeUnanswered:
		if !k.late && !t.waitsAt(ev.Node, ev.Peer, u.app) {
			return object("R10", "no request of this table waits for an answer of %s", ev.Peer)
		}
	default:
		return object("R10", "%q is no reason to look a table up", ev.Note)
	}
	return nil
}

// serves says whether a server is a primary in the table that the client may know.
func (u *use) serves(addr string) bool {
	at := addrOf(addr)
	for _, l := range u.lines {
		for i := range l.set {
			if n := l.set[i].Ballots[0]; n != 0 && int(n) <= len(l.ballots.list) && l.ballots.list[n-1].addr == at {
				return true
			}
		}
	}
	return false
}

// waitsAt says whether a request of a table has been written to a server and not answered.
func (t *traffic) waitsAt(client, addr string, app int32) bool {
	for _, l := range t.links {
		if l.client != client || l.peer != addr {
			continue
		}
		for _, w := range l.waiting {
			if w.use == nil && w.app == app {
				return true
			}
		}
	}
	return false
}

// isAsked: a meta is asked, or will be as soon as its session can write.
func (t *traffic) isAsked(ev *trace.Event, u *use) *Refusal {
	n, named := t.meta(ev.Peer)
	if !named {
		u.many = true
	}
	waits, read, leads := u.asked, u.read, u.lastTo
	u.read = 0
	u.asked, u.askedAt, u.query = n, ev.Peer, query{atNS: ev.AtNS, withinNS: ev.WithinNS}
	if u.many {
		return nil
	}
	u.heardOf |= 1 << (n - 1)
	o := u.hasty(ev, t.looker(ev.Node))
	u.pauseNS = 0
	if o == nil {
		o = t.hop(ev, u, n)
	}
	if o != nil {
		return t.refuse(ev, u, rowAsked, o, u.whole.set)
	}
	o, states := t.each(u, func(l *line, s routing.State) ([]routing.State, *objection) {
		s = t.catchUp(l, s)
		switch {
		case waits != 0:
			return nil, object("R11", "meta %d has been asked and is waited for", waits)
		case s.Query.Stage != routing.NoQuery && s.Query.Meta == n:
			return []routing.State{s}, nil // the redirect is followed
		case s.Query.Stage != routing.NoQuery:
			return nil, object("R14", "the redirect to meta %d is not followed", s.Query.Meta)
		case read != 0 && leads == n:
			return nil, object("R14", "the redirect to meta %d is followed, which has been asked in this round", n)
		case read != 0:
			return nil, object("R15", "the client has not told that what meta %d answered does not help", read)
		}
		return t.mayAsk(u, s, n)
	})
	t.heard(u)
	if o != nil || states != nil {
		return t.refuse(ev, u, rowAsked, o, states)
	}
	t.due(ev.AtNS + overdue(ev.WithinNS))
	return nil
}

// mayAsk takes the specification's own step: something is to be looked up, and the meta has
// not been asked in this round.
func (t *traffic) mayAsk(u *use, s routing.State, n uint8) ([]routing.State, *objection) {
	if u.lost {
		asked, ok := t.x.ask(s, n)
		if !ok {
			return []routing.State{s}, nil
		}
		return []routing.State{asked}, nil
	}
	if asked, ok := t.x.one(s, to{"ask", n}); ok {
		return []routing.State{asked}, nil
	}
	if s.Tried&(1<<(n-1)) != 0 {
		return nil, object("R11", "meta %d has been asked in this round", n)
	}
	return nil, object("R10", "the client has nothing to look up")
}

// inVain: the meta that was asked has not helped.
func (t *traffic) inVain(ev *trace.Event, u *use, k *looker) *Refusal {
	n, waits, q := t.metas[ev.Peer], u.asked, u.query
	read := u.read
	u.asked, u.read, u.query, u.askedAt = 0, 0, query{}, ""
	k.owe(u, rowInVain, "R15", "%s has not helped, and no other meta is asked, and there is no pause before a next round", ev.Peer)
	if u.lost || u.many {
		return nil
	}
	if o := u.tooSoon(ev, n, waits, read, &q); o != nil {
		return t.refuse(ev, u, rowInVain, o, u.whole.set)
	}
	o, states := t.each(u, func(l *line, s routing.State) ([]routing.State, *objection) {
		s = t.catchUp(l, s)
		switch {
		case waits != 0:
			return []routing.State{t.giveUp(s)}, nil
		case s.Query.Stage != routing.NoQuery:
			return nil, object("R14", "the redirect to meta %d is not followed", s.Query.Meta)
		case s.Tried == 0:
			return nil, object("R13", "the table that meta %d answered with is taken", n)
		}
		return []routing.State{s}, nil
	})
	t.heard(u)
	if o != nil || states != nil {
		return t.refuse(ev, u, rowInVain, o, states)
	}
	return nil
}

// tooSoon objects to a meta that has not helped although it was not asked, or had time.
func (u *use) tooSoon(ev *trace.Event, n, waits, read uint8, q *query) *objection {
	switch {
	case n == 0 || waits != n && (waits != 0 || read != n):
		return object("R15", "the client does not wait for %s", ev.Peer)
	case waits == n && ev.Note == reasonDeadline && !q.isLate(ev.AtNS):
		return object("R15", "%s had %d ms to answer, and is given up after %d", ev.Peer, q.withinNS/1e6, (ev.AtNS-q.atNS)/1e6)
	}
	return nil
}

// pauses: a round is over, in which no meta has helped. A meta that was not asked in it
// cannot be reached.
func (t *traffic) pauses(ev *trace.Event, u *use, k *looker) *Refusal {
	u.hops, u.lastTo, u.paused = 0, 0, true
	u.pausedNS, u.pauseNS = ev.AtNS, ev.WithinNS
	t.rests(ev, u)
	if u.lost || u.many {
		return nil
	}
	o, states := t.each(u, func(l *line, s routing.State) ([]routing.State, *objection) {
		s = t.catchUp(l, s)
		if s.Query.Stage != routing.NoQuery {
			return nil, object("R12", "the round is not over: meta %d is asked", s.Query.Meta)
		}
		for n := uint8(1); n <= namedMetas; n++ {
			if s.Tried&(1<<(n-1)) != 0 {
				continue
			}
			if u.heardOf&(1<<(n-1)) != 0 && k.sessions[t.metaAddr(n)] != stateBackoff {
				return nil, object("R12", "the round is not over: meta %d has not been asked in it, and its session does not wait to reconnect", n)
			}
			if asked, ok := t.x.one(s, to{"ask", n}); ok {
				s = t.giveUp(asked)
			}
		}
		next, ok := t.x.one(s, to{"next-round", 0})
		if !ok {
			return nil, object("R12", "there is no round that could be over")
		}
		return []routing.State{next}, nil
	})
	t.heard(u)
	if o != nil || states != nil {
		return t.refuse(ev, u, rowPauses, o, states)
	}
	return nil
}

func (t *traffic) metaAddr(n uint8) string {
	for addr, number := range t.metas {
		if number == n {
			return addr
		}
	}
	return ""
}
