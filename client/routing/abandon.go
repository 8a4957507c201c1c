// What becomes of a client whose Step panicked: its effects are lost, and what had part in
// it cannot be trusted.

package routing

import (
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
)

// Abandon follows a Step that panicked on ev, in place of its effects. Every session that
// had part in it begins anew, after a wait as after any failure; what it held goes the way
// of what is written when a connection is lost. The others notice nothing. Of the
// connections that are to be closed the owner may not have heard; it ends those that no
// session names, and completes operations that Outstanding does not name: Step may have
// completed them without a word. A panic of Abandon, or of a Step that
// no connection, no session's timer and no operation was given, leaves nothing to go on with.
func (c *Core) Abandon(now time.Time, ev *Event, out []Effect) []Effect {
	suspect := make([]bool, len(c.peers))
	for at := range c.peers {
		suspect[at] = c.peers[at].core != nil && c.peers[at].touched == c.steps
	}
	for _, at := range [...]int{c.owner(uint64(ev.Conn)), c.owner(uint64(ev.Timer))} {
		if at != none {
			suspect[at] = true
		}
	}
	c.steps++
	c.effects, c.runs = c.effects[:0], c.runs[:0]
	for at := range suspect {
		if suspect[at] {
			out = c.renew(at, out)
		}
	}
	out = c.takeBack(now, suspect, out)
	for at := range suspect {
		if suspect[at] && c.peers[at].core != nil {
			c.stepPeer(now, at, session.Event{Kind: session.EventKeepReady, Keep: c.peers[at].kept})
			out = c.refreshServed(now, at, out)
		}
	}
	c.reconcile(now)
	for i := range c.tables {
		out = c.rearm(&c.tables[i].wait, now, out)
		out = c.resolve(now, i, out)
	}
	out = c.rearm(&c.deadline, now, out)
	out = c.rearm(&c.retry, now, out)
	return c.armTimers(now, c.translate(now, out))
}

// renew puts a session's successor into its slot. One that was to close has closed.
func (c *Core) renew(at int, out []Effect) []Effect {
	p := &c.peers[at]
	state := session.StateIdle
	if p.closing {
		state = session.StateClosed
	}
	conn := p.core.Conn()
	if conn != 0 {
		out = append(out, Effect{Kind: EffectClose, Conn: conn, Reason: session.ReasonInternal})
	}
	out = append(out, Effect{Kind: EffectSession, Addr: p.addr, Conn: conn, State: state, Reason: session.ReasonInternal})
	if p.closing {
		lastConn, lastTime := p.core.Used()
		*p = peer{lastConn: lastConn, lastTime: lastTime}
		return out
	}
	p.core = p.core.Successor()
	p.ready, p.requests, p.why = false, 0, session.ReasonInternal
	return out
}

// takeBack completes, or tries again, what sessions held that were renewed, as if it had
// been written and the connection lost.
func (c *Core) takeBack(now time.Time, renewed []bool, out []Effect) []Effect {
	lost := session.Completion{Outcome: session.OutcomeUnknown, Reason: session.ReasonInternal}
	for i := c.ops.first(); i != none; {
		r := &c.ops.records[i]
		next := int(r.next)
		switch {
		case r.state == opFree: // it had not got anywhere yet
			out = c.finish(i, session.OutcomeFailed, session.ReasonInternal, out)
		case r.state == opSession && renewed[r.peer]:
			out = c.tried(now, i, &lost, out)
		}
		i = next
	}
	for i := range c.tables {
		if t := &c.tables[i]; t.phase == queryAsked && renewed[c.metas[t.meta].peer] {
			out = c.answered(now, i, &lost, out)
		}
	}
	return out
}

// rearm arms a timer again that is armed: the effect that did may be among those lost.
func (c *Core) rearm(t *timer, now time.Time, out []Effect) []Effect {
	if t.id == 0 {
		return out
	}
	return c.arm(t, now, max(0, t.due.Sub(now)), t.spread, out)
}
