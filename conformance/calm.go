// What must come sooner or later: Q4, Q5a and Q5b, judged on a trace that ends. The
// specification says "once no fault is left"; here that is a time in which nothing goes
// wrong, as long as the client itself says that it needs. What a call or a query is given
// is in the trace too, so that no interval is guessed.

package conformance

import (
	"cmp"

	"github.com/a8011091/pegasus-reference/trace"
)

// calm is how long nothing has gone wrong, and what is waited for.
type calm struct {
	nowNS   int64
	lastNS  int64 // when something went wrong last: any budget of the specification
	inForce int   // faults that last
	down    map[string]bool
	leads   map[string]string // by meta that runs: whom it takes for the leader
	calls   map[callKey]call
	dueNS   int64 // before then nothing is overdue

	failedNS map[string]int64 // by client: when a call ended last that was not answered
}

// call is one of an application.
type call struct {
	rpc            string
	atNS, withinNS int64
}

func newCalm() calm {
	return calm{down: make(map[string]bool), leads: make(map[string]string), calls: make(map[callKey]call), failedNS: make(map[string]int64), dueNS: never}
}

const never = 1<<63 - 1

// overdue is the longest that something may take which ends by itself within a time: a
// machine that has much to do is late, but not as late as this.
func overdue(withinNS int64) int64 { return 2*withinNS + 1_000_000_000 }

// due has the calm look again at a time.
func (t *traffic) due(atNS int64) { t.calm.dueNS = min(t.calm.dueNS, atNS) }

// isTrouble says whether an event is one for which the specification has a budget.
func isTrouble(ev *trace.Event) bool {
	switch ev.Kind {
	case trace.KindFault, trace.KindNodeUp, trace.KindNodeDown, trace.KindListen, trace.KindLeader, trace.KindCredential,
		trace.KindDialFailed, trace.KindClose, trace.KindClosed:
		return true
	case trace.KindQuery:
		return ev.State == stepInVain && ev.Note != reasonNone || ev.Note == causeNoPrimary
	}
	return false
}

// feel takes an event for what goes wrong.
func (c *calm) feel(ev *trace.Event, server bool) {
	c.nowNS = ev.AtNS
	if !isTrouble(ev) {
		return
	}
	c.lastNS = ev.AtNS
	switch {
	case ev.Kind == trace.KindFault && ev.State == "begins":
		c.inForce++
	case ev.Kind == trace.KindFault && ev.State == "ends":
		c.inForce = max(c.inForce-1, 0)
	case ev.Kind == trace.KindNodeDown && server:
		c.down[ev.Node] = true
		delete(c.leads, ev.Node)
	case ev.Kind == trace.KindLeader:
		c.leads[ev.Node] = ev.Peer
	case ev.Kind == trace.KindListen:
		delete(c.down, ev.Node)
	}
}

// since says from when on nothing has gone wrong; false: something still does.
func (c *calm) since() (int64, bool) {
	return c.lastNS, c.inForce == 0 && len(c.down) == 0 && c.agreed()
}

// agreed says whether all metas take the same one for the leader, as far as they tell.
func (c *calm) agreed() bool {
	var first string
	for _, leader := range c.leads {
		if leader == "" || first != "" && leader != first {
			return false
		}
		first = leader
	}
	return true
}

// settled says whether by an instant nothing had gone wrong for longer than bound.
func (c *calm) settled(atNS, boundNS int64) bool {
	last, quiet := c.since()
	return quiet && boundNS > 0 && atNS-last > boundNS
}

// restless objects to a table that is looked up although nothing has gone wrong for so long
// that nothing is left to be looked up. Q4.
func (t *traffic) restless(ev *trace.Event, u *use, k *looker) *objection {
	if u.learnedNS < t.calm.lastNS && ev.Note == causeRefused { // what it knows may have been outdated ever since
		return nil
	}
	if ev.Note != causeUnknown && t.calm.settled(ev.AtNS, k.boundNS) {
		return object("Q4", "leader-found: nothing has gone wrong for %d ms, and the client looks its table up again", (ev.AtNS-t.calm.lastNS)/1e6)
	}
	return nil
}

// wishes: a table is to be looked up from now on, or still.
func (t *traffic) wishes(ev *trace.Event, u *use) {
	if !u.wishes || u.lapsesNS != 0 && ev.AtNS > u.lapsesNS {
		u.wishNS = ev.AtNS
	}
	u.wishes, u.lapsesNS, u.wishWithinNS = true, 0, ev.WithinNS
	t.due(ev.AtNS + ev.WithinNS)
}

// rests: the next round is due by the end of a pause. A table of which nothing is known is
// wanted no more when nobody waits for it then.
func (t *traffic) rests(ev *trace.Event, u *use) {
	if !u.known {
		u.lapsesNS = ev.AtNS + overdue(ev.WithinNS)
	}
}

// called takes what an application asks for, and is told.
func (t *traffic) called(ev *trace.Event) (bool, *Refusal) {
	key := callKey{ev.Node, ev.Op}
	if ev.Kind == trace.KindInvoke {
		k := t.looker(ev.Node)
		k.timed, k.untimed = k.timed || ev.WithinNS != 0, k.untimed || ev.WithinNS == 0
		if ev.WithinNS <= 0 {
			return false, nil
		}
		t.calm.calls[key] = call{rpc: ev.RPC, atNS: ev.AtNS, withinNS: ev.WithinNS}
		t.due(ev.AtNS + overdue(ev.WithinNS))
		return true, nil
	}
	c, waits := t.calm.calls[key]
	delete(t.calm.calls, key)
	if ev.State != outcomeOK && ev.State != outcomeFailed && ev.State != outcomeUnknown {
		return true, t.refuse(ev, nil, rowReturns, object("R7", "a call does not return %q", ev.State), nil)
	}
	if o := t.untold(ev); o != nil {
		return true, t.refuse(ev, nil, rowReturns, o, nil)
	}
	if ev.State == outcomeOK {
		return waits, nil
	}
	var refused *Refusal
	k := t.looker(ev.Node)
	if waits && k.tells && c.withinNS >= k.patienceNS && !isAnswer(ev) && t.calm.settled(c.atNS, k.boundNS) {
		refused = t.refuse(ev, nil, rowReturns, object("Q5b", "requests-drain: call %d was made %d ms after the last thing that went wrong, and is not answered",
			ev.Op, (c.atNS-t.calm.lastNS)/1e6), nil)
	}
	t.calm.lastNS, t.calm.failedNS[ev.Node] = ev.AtNS, ev.AtNS
	return waits, refused
}

// isAnswer says whether a call that failed was told so by a server, or by the client's own
// limits: then it has its answer.
func isAnswer(ev *trace.Event) bool {
	if ev.Code != "" && ev.Code != codeOK && !isElsewhere(ev.Code) {
		return true
	}
	switch ev.Note {
	case reasonNone, "queue-full", "canceled", closedByUser:
		return true
	}
	return false
}

// late is the first thing that is overdue.
type late struct {
	dueNS   int64
	client  string
	op      uint64
	table   string
	refuses func() *Refusal
}

func (l *late) before(m *late) bool {
	if m.refuses == nil {
		return true
	}
	return cmp.Or(cmp.Compare(l.dueNS, m.dueNS), cmp.Compare(l.client, m.client), cmp.Compare(l.op, m.op), cmp.Compare(l.table, m.table)) < 0
}

// overdueAt refuses what has not come by the time of an event, and finds out when to look next.
func (t *traffic) overdueAt(ev *trace.Event) *Refusal {
	var first late
	next := int64(never)
	found := func(l late) {
		switch {
		case l.dueNS >= ev.AtNS:
			next = min(next, l.dueNS)
		case l.before(&first):
			first = l
		}
	}
	for key, c := range t.calm.calls {
		found(late{c.atNS + overdue(c.withinNS), key.client, key.op, "", func() *Refusal {
			delete(t.calm.calls, key)
			return t.refuse(ev, nil, rowReturns, object("Q5a", "requests-drain: call %d of %s had %d ms, and has not returned after %d",
				key.op, key.client, c.withinNS/1e6, (ev.AtNS-c.atNS)/1e6), nil)
		}})
	}
	for _, u := range t.uses {
		if u.lost || u.many {
			continue
		}
		t.lateUse(ev, u, found)
	}
	t.calm.dueNS = next
	if first.refuses == nil {
		return nil
	}
	t.calm.dueNS = ev.AtNS // there may be more
	return first.refuses()
}

// lateUse finds what is overdue of one use: a meta's answer, and the table.
func (t *traffic) lateUse(ev *trace.Event, u *use, found func(late)) {
	if u.tells && u.asked != 0 {
		found(late{u.query.atNS + overdue(u.query.withinNS), u.client, 0, u.table, func() *Refusal {
			return t.refuse(ev, u, rowInVain, object("R15", "meta %d has not answered in time, and is waited for", u.asked), u.whole.set)
		}})
	}
	if !u.wishes || u.lapsesNS != 0 {
		return
	}
	last, quiet := t.calm.since()
	from := max(last, u.wishNS)
	if !quiet {
		from = ev.AtNS
	}
	found(late{from + u.wishWithinNS, u.client, 0, u.table, func() *Refusal {
		return t.refuse(ev, u, rowLooksOn, object("Q4", "leader-found: nothing has gone wrong for %d ms, and %s has not found its table", (ev.AtNS-from)/1e6, u.client), u.whole.set)
	}})
}
