// Queries for tables, their answers, and what a client makes of them: R11 to R15, R20 to R28.

package conformance

import (
	"slices"

	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// asks: the client writes a query to a meta; it may have begun to wait
// for a connection at sinceNS.
func (t *traffic) asks(ev *trace.Event, u *use, peer string, sinceNS int64) *Refusal {
	n, named := t.meta(peer)
	if !named {
		u.many = true
	}
	if u.many {
		return nil
	}
	if o := t.hop(ev, u, n); o != nil {
		return t.refuse(ev, u, rowAsks, o, u.whole.set)
	}
	q := u.query
	o, states := t.each(u, func(l *line, s routing.State) ([]routing.State, *objection) {
		s = t.catchUp(l, s)
		switch {
		case s.Query.Stage == routing.NoQuery:
		case q.conn == 0 && s.Query.Meta == n:
			return []routing.State{s}, nil // the redirect is followed
		case q.conn == 0 && t.canAsk(u, s.Query.Meta):
			return nil, object("R14", "the redirect to meta %d is not followed, although there is a connection to it", s.Query.Meta)
		case q.conn != 0 && !q.isLate(ev.AtNS):
			return nil, object("R11", "meta %d has been asked and has not answered", s.Query.Meta)
		}
		var next []routing.State
		s = t.giveUp(s)
		if asked, ok := t.x.ask(s, n); ok {
			next = addState(next, asked)
		}
		s, o := t.nextRound(u, s, n)
		if o == nil {
			if asked, ok := t.x.ask(s, n); ok {
				next = addState(next, asked)
			}
		}
		return next, o
	})
	t.heard(u)
	u.query = query{conn: ev.Conn, seq: ev.Seq, atNS: sinceNS, withinNS: ev.WithinNS}
	if o != nil || states != nil {
		return t.refuse(ev, u, rowAsks, o, states)
	}
	return nil
}

// hop counts redirects that are followed, one upon the other. Q2.
func (t *traffic) hop(ev *trace.Event, u *use, n uint8) *objection {
	if u.lastTo != n || ev.AtNS-u.lastNS >= leastPauseNS {
		u.hops = 0
		return nil
	}
	u.lastTo = 0
	if u.hops++; u.hops >= max(len(t.metas), 2) {
		return object("Q2", "bounded: %d redirects have been followed in one round, and there are %d metas", u.hops, len(t.metas))
	}
	return nil
}

// leastPauseNS is the least that can be called a pause between two rounds of a client that
// does not tell of any. R12.
const leastPauseNS = 1_000_000

// nextRound ends a round that has asked meta n before. Metas to which there is no
// connection are asked in vain, unseen.
func (t *traffic) nextRound(u *use, s routing.State, n uint8) (routing.State, *objection) {
	if s.Tried&(1<<(n-1)) == 0 {
		return s, nil
	}
	for k := uint8(1); k <= namedMetas; k++ {
		if s.Tried&(1<<(k-1)) != 0 {
			continue
		}
		if t.canAsk(u, k) {
			return s, object("R11", "meta %d has been asked on this connection in this round, and meta %d, to which there is a connection, has not", n, k)
		}
		if asked, ok := t.x.ask(s, k); ok {
			s = t.giveUp(asked)
		}
	}
	s, _ = t.x.one(s, to{"next-round", 0})
	return s, nil
}

// answered: the client reads what a meta says.
func (t *traffic) answered(ev *trace.Event, u *use, peer string) (bool, *Refusal) {
	a, err := trace.ParseAnswer(ev.Answer)
	if ev.Code != codeOK {
		a, err = trace.Answer{Err: ev.Code}, nil
	}
	if err != nil {
		if ev.Answer != "" {
			return true, t.refuse(ev, u, rowReads, object("R20", "%v", err), nil)
		}
		u.many = true // the trace does not show answers
		return false, nil
	}
	if o := t.sees(u, &a); o != nil {
		return true, t.refuse(ev, u, rowReads, o, u.whole.set)
	}
	if u.many || u.query.conn != ev.Conn || u.query.seq != ev.Seq {
		return false, nil // late, and thrown away
	}
	late := !u.tells && u.query.isLate(ev.AtNS)
	o, states := t.each(u, func(l *line, s routing.State) ([]routing.State, *objection) {
		if s.Query.Stage == routing.NoQuery {
			return []routing.State{s}, nil
		}
		next := t.says(l, s, u, &a)
		if len(next) == 0 {
			return nil, object("R20", "meta %d (%s) would not answer %s", s.Query.Meta, peer, a.Err)
		}
		if late || u.tells && a.Err == codeOK { // it may be one that the client throws away: it tells
			next = addState(next, t.giveUp(t.catchUp(l, s)))
		}
		return next, nil
	})
	t.heard(u)
	t.concludes(ev, u, &a, peer)
	if o != nil || states != nil {
		return true, t.refuse(ev, u, rowReads, o, states)
	}
	if a.Err == codeOK {
		u.lost, u.learnedNS = false, ev.AtNS
	}
	return true, nil
}

// concludes takes what a client makes of an answer, and has still to tell of.
func (t *traffic) concludes(ev *trace.Event, u *use, a *trace.Answer, peer string) {
	u.query, u.read, u.asked, u.askedAt = query{}, t.metas[peer], 0, ""
	u.lastTo = 0
	k := t.looker(u.client)
	switch {
	case a.Err == codeOK:
		u.hops = 0
		k.owe(u, rowKnows, "R13", "the client makes nothing of the table that it has read")
	case isFinal(a.Err):
		u.known, u.wanted, u.wishes = false, false, false
	case a.Err == forwardCode && a.To.IsValid():
		u.lastTo, u.lastNS = t.metas[a.To.String()], ev.AtNS
		if u.lastTo != 0 {
			u.heardOf |= 1 << (u.lastTo - 1)
		}
		k.owe(u, rowAsked, "R14", "a redirect to %v has been read, and is not followed", a.To)
	default:
		k.owe(u, rowInVain, "R15", "an answer that does not help has been read, and no other meta is asked")
	}
}

// writesAsked: a client that tells whom it asks writes that query.
func (t *traffic) writesAsked(ev *trace.Event, u *use, peer string) *Refusal {
	if u.askedAt != peer || u.query.conn != 0 {
		return t.refuse(ev, u, rowAsks, object("R11", "the client has not told that it asks %s", peer), u.whole.set)
	}
	if o := u.timelyQuery(ev); o != nil {
		return t.refuse(ev, u, rowAsks, o, u.whole.set)
	}
	u.query.conn, u.query.seq = ev.Conn, ev.Seq
	return nil
}

// sees takes what an answer says of ballots, and makes a line of each partition that is new.
func (t *traffic) sees(u *use, a *trace.Answer) *objection {
	if a.Err != codeOK {
		return nil
	}
	if a.App != u.app {
		u.app, u.lines = a.App, make(map[int32]*line) // another table of that name: nothing is known of it
		for i := range u.whole.set {
			u.whole.set[i].Ballots[0] = 0
		}
	}
	t.byApp[appKey{u.client, a.App}], t.readers[u.client] = u, true
	for _, c := range a.Configs {
		if c.Ballot < 0 {
			continue // a split's child, not ready
		}
		b := t.ballotsOf(partitionID{a.App, c.Partition})
		known := len(b.list)
		if !b.sees(c) {
			return object("R23", "partition %d has another primary with ballot %d", c.Partition, c.Ballot)
		}
		if len(b.list) > known && known > 0 {
			t.calm.lastNS = t.calm.nowNS // a partition has moved
		}
		if u.lines[c.Partition] == nil {
			u.lines[c.Partition] = &line{set: slices.Clone(u.whole.set), believe: u.whole.believe, ballots: b}
		}
	}
	return nil
}

// says has the meta that is asked answer a, with what it believed, and where the partition
// was, at some point since, and the client take it.
func (t *traffic) says(l *line, s routing.State, u *use, a *trace.Answer) (next []routing.State) {
	for heard := l.believe; ; heard++ {
		for known := range t.moves(l, s) {
			for _, answered := range t.answers(l, known, u, a) {
				taken, ok := t.x.one(t.hear(answered, heard, len(t.beliefs)), to{"take-answer", 0})
				if ok {
					if isFinal(a.Err) { // a table that is dropped is not in the specification: the round is over
						taken.Tried, taken.Again, taken.Hops = 0, 0, 0
					}
					next = addState(next, taken)
				}
			}
		}
		if heard == len(t.beliefs) {
			return next
		}
		s = t.hear(s, heard, heard+1)
	}
}

// answers returns the states in which the meta's answer says what a does.
func (t *traffic) answers(l *line, s routing.State, u *use, a *trace.Answer) []routing.State {
	want := routing.Query{Stage: routing.Answered, Meta: s.Query.Meta}
	switch a.Err {
	case codeOK:
		want.Answer, want.Ballots = routing.Table, s.Ballots
		if c := configOf(l, u, a); c != nil {
			want.Ballots[0] = uint8(l.ballots.rank(c.Ballot))
		} else if l.ballots == nil {
			want.Ballots[0] = 1
		}
	case forwardCode:
		want.Answer = routing.NoLeader
		if a.To.IsValid() {
			want.Answer = routing.Redirect
			if want.To = t.metas[a.To.String()]; want.To == 0 {
				n, named := t.meta(a.To.String())
				if u.many = !named; u.many {
					n = unseenMeta
				}
				want.To = n
			}
		}
	default:
		return t.x.walk(s, to{"answer-oddly", 0})
	}
	if !t.told[want.Meta] { // whatever a meta says where the trace does not show whom it believes
		if want.Answer == routing.Table && int(want.Ballots[0]) > len(s.History[0]) {
			return nil // not before the partition has moved there
		}
		s.Query = want
		return []routing.State{s}
	}
	said, ok := t.x.one(s, to{"answer", 0})
	if !ok || said.Query.Answer != want.Answer || said.Query.To != want.To {
		return nil
	}
	if want.Answer == routing.Table && said.Query.Ballots != want.Ballots {
		current := uint8(len(said.History[0]))
		deposed := said.Leader != want.Meta && want.Ballots[0] >= said.Query.Ballots[0] && want.Ballots[0] <= current
		if l.ballots != nil && configOf(l, u, a) != nil && !deposed {
			return nil
		}
		said.Query.Ballots = want.Ballots // of the moment when it was deposed, which no trace shows; or not of this partition
	}
	return []routing.State{said}
}

var forwardCode = protocol.CodeForwardToOthers.String()

// isFinal says whether an answer ends a query for good.
func isFinal(err string) bool {
	switch err {
	case protocol.CodeObjectNotFound.String(), protocol.CodeAppNotExist.String(), protocol.CodeAppDropped.String(),
		protocol.CodeACLDeny.String(), protocol.CodeInvalidParameters.String():
		return true
	}
	return false
}

// configOf is what an answer says of a line's partition; nil: nothing.
func configOf(l *line, u *use, a *trace.Answer) *trace.Config {
	for i := range a.Configs {
		if c := &a.Configs[i]; c.Ballot >= 0 && u.lines[c.Partition] == l {
			return c
		}
	}
	return nil
}

// taken leaves the states in which the client has taken a table that it read.
func (t *traffic) taken(_ *line, s routing.State) ([]routing.State, *objection) {
	if s.Tried != 0 || s.Stale || s.Query.Stage != routing.NoQuery {
		return nil, object("R13", "the client has read no table since it began to look this one up")
	}
	return []routing.State{t.x.known(s)}, nil
}

// knows: the client tells what it knows of a table.
func (t *traffic) knows(ev *trace.Event) (bool, *Refusal) {
	u := t.uses[useKey{ev.Node, ev.Table}]
	a, err := trace.ParseAnswer(ev.Answer)
	if err != nil || u == nil {
		return false, nil
	}
	t.looker(ev.Node).pays(u)
	u.known, u.wanted, u.wishes, u.read = true, false, false, 0
	u.holes = int(a.Count) > len(a.Configs) || slices.ContainsFunc(a.Configs, func(c trace.Config) bool { return !c.Primary.IsValid() })
	if u.many || u.lost {
		return false, nil
	}
	if u.tells {
		if o, states := t.each(u, t.taken); states != nil {
			return true, t.refuse(ev, u, rowKnows, o, states)
		}
	}
	for _, c := range a.Configs {
		l := u.lines[c.Partition]
		if l == nil || a.App != u.app {
			return true, t.refuse(ev, u, rowKnows, object("R13", "no answer that the client read names partition %d of table %d", c.Partition, a.App), u.whole.set)
		}
		kept := slices.DeleteFunc(slices.Clone(l.set), func(s routing.State) bool {
			if s.Ballots[0] == 0 {
				return true
			}
			p := l.ballots.list[s.Ballots[0]-1]
			return c.Ballot < p.first || c.Ballot > p.last || c.Primary != p.addr
		})
		if len(kept) == 0 {
			return true, t.refuse(ev, u, rowKnows, object("R13", "the client does not know partition %d with ballot %d and primary %v", c.Partition, c.Ballot, c.Primary), l.set)
		}
		l.set, l.routed = kept, nil
	}
	return true, nil
}
