// The life of an operation: submitted, routed to a session, tried again, completed.

package routing

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// submit takes an operation. open: it asks for the table only.
func (c *Core) submit(now time.Time, op *Op, open bool, out []Effect) []Effect {
	c.stats.Submitted++
	refuse := func(done Completion) []Effect {
		done.ID, done.Outcome = op.ID, session.OutcomeFailed
		return append(out, Effect{Kind: EffectComplete, Completion: done})
	}
	switch {
	case c.draining:
		return refuse(Completion{Reason: session.ReasonClosed, Code: protocol.CodeOK})
	case !op.Deadline.After(now):
		return refuse(Completion{Reason: session.ReasonDeadline, Code: protocol.CodeOK})
	case c.ops.n >= c.cfg.MaxOps:
		return refuse(Completion{Reason: session.ReasonQueueFull, Limit: session.LimitOperations, Code: protocol.CodeOK})
	case !open && (!op.RPC.IsRead() && !op.RPC.IsWrite() || op.RPC.IsOneWay()):
		return refuse(Completion{Code: protocol.CodeInvalidParameters})
	}
	t := c.tableFor(op.Table)
	if t == none {
		return refuse(Completion{Reason: session.ReasonQueueFull, Limit: session.LimitTables, Code: protocol.CodeOK})
	}
	i := c.ops.add(op, open, t)
	c.tables[t].ops++
	if !c.tables[t].known {
		c.ops.enter(i, opTable, time.Time{})
		return c.resolve(now, t, out)
	}
	return c.route(now, i, out)
}

// route gives an operation whose table is known to the session of its partition's
// primary.
func (c *Core) route(now time.Time, i int, out []Effect) []Effect {
	r := &c.ops.records[i]
	t := &c.tables[r.table]
	if r.open {
		return c.complete(i, Completion{ID: r.op.ID, Outcome: session.OutcomeOK, Code: protocol.CodeOK}, out)
	}
	k := t.locate(r.op.Hash)
	if k == none || !t.partitions[k].primary.IsValid() {
		c.retryLater(now, i)
		return c.refresh(now, int(r.table), CauseNoPrimary, netip.AddrPort{}, out)
	}
	p := &t.partitions[k]
	if p.peer == none {
		switch p.peer = c.peerFor(p.primary); {
		case p.peer == none && c.roomSoon():
			c.retryLater(now, i)
			return out
		case p.peer == none:
			return c.overloaded(i, session.LimitSessions, out)
		}
	}
	if r.primary.IsValid() {
		c.stats.Retries++
	}
	r.peer, r.partition, r.appID, r.ballot, r.primary = int32(p.peer), int32(k), t.appID, p.ballot, p.primary
	c.ops.enter(i, opSession, time.Time{})
	c.request(now, p.peer, session.Request{
		ID: session.RequestID(i),
		Header: protocol.Header{
			AppID: t.appID, Partition: int32(k), PartitionHash: r.op.Hash, ThreadHash: protocol.ThreadHash(t.appID, int32(k)),
		},
		RPC: r.op.RPC, Body: r.op.Body, Deadline: r.op.Deadline,
	})
	return out
}

// completed takes what became of a session's request.
func (c *Core) completed(now time.Time, at int, done *session.Completion, out []Effect) []Effect {
	p := &c.peers[at]
	p.requests--
	if done.ID&queryFlag != 0 {
		out = c.answered(now, int(done.ID&^queryFlag), done, out)
	} else {
		out = c.tried(now, int(done.ID), done, out)
	}
	c.closeUnneeded(now, at)
	return out
}

// tried takes what became of one try of an operation.
func (c *Core) tried(now time.Time, i int, done *session.Completion, out []Effect) []Effect {
	r := &c.ops.records[i]
	moving := r.moving
	r.moving = false
	switch {
	case done.Outcome == session.OutcomeOK && done.Code == protocol.CodeOK:
		return c.complete(i, Completion{ID: r.op.ID, Outcome: session.OutcomeOK, Code: protocol.CodeOK, Body: done.Body}, out)
	case done.Outcome == session.OutcomeOK:
		return c.refused(now, i, done.Code, out)
	case done.Outcome == session.OutcomeFailed && moving && !c.closed:
		return c.tryAgain(now, i, out)
	case done.Reason == session.ReasonQueueFull:
		return c.overloaded(i, done.Limit, out)
	case done.Outcome == session.OutcomeFailed:
		return c.finish(i, session.OutcomeFailed, done.Reason, out)
	}
	// Written and not answered.
	if done.Reason == session.ReasonDeadline && !c.closed {
		out = c.refresh(now, int(r.table), CauseUnanswered, r.primary, out)
		r = &c.ops.records[i]
	}
	canceled := done.Reason == session.ReasonCanceled && !moving // taken back because its partition moved it is the caller's still
	if r.op.RPC.Retryable() && !c.closed && r.op.Deadline.After(now) && !canceled {
		return c.tryAgain(now, i, out)
	}
	if r.op.RPC.IsWrite() {
		return c.finish(i, session.OutcomeUnknown, done.Reason, out)
	}
	return c.finish(i, session.OutcomeFailed, done.Reason, out)
}

// tryAgain routes an operation at once: its session spaces its own attempts to connect.
func (c *Core) tryAgain(now time.Time, i int, out []Effect) []Effect {
	t := int(c.ops.records[i].table)
	if !c.tables[t].known {
		c.ops.enter(i, opTable, time.Time{})
		return c.resolve(now, t, out)
	}
	return c.route(now, i, out)
}

// refused takes an error that a server answered with.
func (c *Core) refused(now time.Time, i int, code protocol.ErrorCode, out []Effect) []Effect {
	r := &c.ops.records[i]
	r.code = code
	switch judge(code) {
	case verdictReroute:
		c.retryLater(now, i)
		return c.refresh(now, int(r.table), CauseRefused, r.primary, out)
	case verdictRetry:
		c.retryLater(now, i)
		return out
	case verdictFinal:
		return c.finish(i, session.OutcomeFailed, session.ReasonNone, out)
	}
	switch {
	case r.op.RPC.IsWrite():
		return c.finish(i, session.OutcomeUnknown, session.ReasonNone, out)
	case code == protocol.CodeTimeout && r.op.RPC.Retryable():
		c.retryLater(now, i)
		return out
	}
	return c.finish(i, session.OutcomeFailed, session.ReasonNone, out)
}

// retryLater has an operation wait for its next try. Its deadline goes on.
func (c *Core) retryLater(now time.Time, i int) {
	r := &c.ops.records[i]
	after, spread := c.interval(r.waits, c.cfg.RetryCap)
	r.spread = spread
	r.waits = min(r.waits+1, maxWaits)
	c.ops.enter(i, opRetry, now.Add(after))
}

// retryDue tries again what is due.
func (c *Core) retryDue(now time.Time, out []Effect) []Effect {
	for {
		i, at, ok := c.ops.retries.First()
		if !ok || at.After(now) {
			return out
		}
		c.ops.enter(int(i), opTable, time.Time{})
		out = c.tryAgain(now, int(i), out)
	}
}

// expire completes what has reached its deadline outside a session. It comes before
// everything else that an instant brings.
func (c *Core) expire(now time.Time, out []Effect) []Effect {
	for {
		i, at, ok := c.ops.deadlines.First()
		if !ok || at.After(now) {
			return out
		}
		out = c.finish(int(i), session.OutcomeFailed, session.ReasonDeadline, out)
	}
}

// reroute takes an operation back from a session that has not written it, because its
// partition is elsewhere now.
func (c *Core) reroute(now time.Time, i int) {
	r := &c.ops.records[i]
	r.moving = true
	c.stepPeer(now, int(r.peer), session.Event{Kind: session.EventCancel, ID: session.RequestID(i)})
}

// cancel completes an operation that its caller no longer waits for.
func (c *Core) cancel(now time.Time, id OpID, out []Effect) []Effect {
	i := c.ops.byID(id)
	if i == none {
		return out
	}
	if r := &c.ops.records[i]; r.state == opSession {
		c.stepPeer(now, int(r.peer), session.Event{Kind: session.EventCancel, ID: session.RequestID(i)})
		return out
	}
	return c.finish(i, session.OutcomeFailed, session.ReasonCanceled, out)
}

// finish completes an operation without an answer that helps.
func (c *Core) finish(i int, outcome session.Outcome, why session.Reason, out []Effect) []Effect {
	r := &c.ops.records[i]
	code := r.code
	if r.state == opTable && code == protocol.CodeOK {
		code = c.tables[r.table].code
	}
	return c.complete(i, Completion{ID: r.op.ID, Outcome: outcome, Reason: why, Code: code}, out)
}

// overloaded completes an operation that a limit keeps out.
func (c *Core) overloaded(i int, limit session.Limit, out []Effect) []Effect {
	out = c.finish(i, session.OutcomeFailed, session.ReasonQueueFull, out)
	out[len(out)-1].Completion.Limit = limit
	return out
}

// complete completes an operation, by one effect: the one place where that happens.
func (c *Core) complete(i int, done Completion, out []Effect) []Effect {
	t := &c.tables[c.ops.records[i].table]
	c.ops.remove(i)
	t.ops--
	return append(out, Effect{Kind: EffectComplete, Completion: done})
}
