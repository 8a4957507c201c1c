// Requests: submitted, written, answered, given up.

package session

import (
	"math"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// submit queues a request, and writes it if that is possible now.
func (c *Core) submit(now time.Time, r *Request, out []Effect) []Effect {
	t := &c.requests
	switch {
	case c.draining:
		return refuse(r.ID, ReasonClosed, LimitNone, out)
	case !r.Deadline.After(now):
		return refuse(r.ID, ReasonDeadline, LimitNone, out)
	case len(r.Body) > c.cfg.MaxRequestBytes:
		return refuse(r.ID, ReasonQueueFull, LimitRequestBytes, out)
	case int(t.waiting.n) >= c.cfg.MaxWaiting:
		return refuse(r.ID, ReasonQueueFull, LimitWaiting, out)
	}
	t.add(r)
	if c.state == StateReady {
		return c.writeWaiting(now, out)
	}
	return c.connect(now, ReasonNone, out)
}

// refuse completes a request that never got in.
func refuse(id RequestID, why Reason, limit Limit, out []Effect) []Effect {
	return append(out, Effect{Kind: EffectComplete, Completion: Completion{ID: id, Outcome: OutcomeFailed, Reason: why, Limit: limit}})
}

// cancel completes a request that its owner no longer waits for; if it is still there.
func (c *Core) cancel(now time.Time, id RequestID, out []Effect) []Effect {
	if i := c.requests.byID(id); i != none {
		out = c.giveUp(i, ReasonCanceled, out)
		return c.writeWaiting(now, out)
	}
	return out
}

// writeWaiting writes what waits, in order, as far as MaxPending allows.
func (c *Core) writeWaiting(now time.Time, out []Effect) []Effect {
	t := &c.requests
	if c.state != StateReady || t.waiting.n == 0 || int(t.pending.n) >= c.cfg.MaxPending {
		return out
	}
	start := len(c.scratch)
	for t.waiting.n > 0 && int(t.pending.n) < c.cfg.MaxPending {
		i := t.waiting.head
		t.markWritten(i)
		c.appendFrame(now, &t.records[i])
		c.stats.Written++
	}
	if c.conn.unanswered.IsZero() {
		c.conn.unanswered = now
	}
	return append(out, Effect{Kind: EffectWrite, Conn: c.conn.id, Data: c.scratch[start:len(c.scratch):len(c.scratch)]})
}

func (c *Core) appendFrame(now time.Time, r *record) {
	q := protocol.Request{Header: r.request.Header, RPC: r.request.RPC, Seq: r.seq, Body: r.request.Body}
	q.Header.Version = c.cfg.HeaderVersion
	q.Header.TimeoutMillis = millis(r.request.Deadline.Sub(now))
	c.scratch = protocol.AppendRequest(c.scratch, &q)
}

// millis rounds up, so that what is left of a deadline never becomes "none".
func millis(d time.Duration) int32 {
	const most = math.MaxInt32 * time.Millisecond
	return int32((min(d, most) + time.Millisecond - 1) / time.Millisecond)
}

// received takes bytes of the current connection.
func (c *Core) received(now time.Time, ev *Event, out []Effect) []Effect {
	if !c.current(ev) {
		return out
	}
	if c.state == StateDialing { // the driver's order is broken, or it is not TCP
		return c.lose(now, ReasonProtocol, true, out)
	}
	if c.state == StateNegotiating && c.decoder.Buffered()+len(ev.Data) > maxNegotiationBytes {
		return c.lose(now, ReasonProtocol, true, out)
	}
	c.conn.unanswered = time.Time{}
	err := c.decoder.Write(ev.Data)
	for err == nil && c.conn.id == ev.Conn {
		var r protocol.Response
		var ok bool
		if ok, err = c.decoder.Next(&r); !ok {
			break
		}
		out = c.reply(now, &r, out)
	}
	if err != nil && c.conn.id == ev.Conn {
		return c.lose(now, ReasonProtocol, true, out)
	}
	if c.state == StateReady && c.requests.pending.n > 0 {
		c.conn.unanswered = now
	}
	return c.writeWaiting(now, out)
}

// reply takes one frame of the server.
func (c *Core) reply(now time.Time, r *protocol.Response, out []Effect) []Effect {
	if r.RPC == protocol.RPCNegotiation {
		return c.negotiated(now, r, out)
	}
	i := c.requests.find(r.Seq)
	if i == none {
		c.stats.LateReplies++
		return out
	}
	request := &c.requests.records[i].request
	if r.RPC != request.RPC {
		return c.lose(now, ReasonProtocol, true, out)
	}
	done := Completion{ID: request.ID, Outcome: OutcomeOK, Code: r.Code, RPC: r.RPC}
	if r.Code == protocol.CodeOK {
		done.Body = c.keepBytes(r.Body)
	}
	c.requests.remove(i)
	c.conn.answered = true
	c.stats.Answered++
	return append(out, Effect{Kind: EffectComplete, Completion: done})
}

// expire completes what has reached its deadline. It comes before everything else that
// an instant brings, so that nothing succeeds after its deadline.
func (c *Core) expire(now time.Time, out []Effect) []Effect {
	expired := false
	for {
		i, deadline, ok := c.requests.deadlines.First()
		if !ok || deadline.After(now) {
			break
		}
		out = c.giveUp(i, ReasonDeadline, out)
		expired = true
	}
	if expired {
		out = c.writeWaiting(now, out)
	}
	return out
}

// giveUp completes a request without an answer: what was written may run.
func (c *Core) giveUp(i int32, why Reason, out []Effect) []Effect {
	if c.requests.records[i].seq != 0 {
		return c.finish(i, OutcomeUnknown, why, out)
	}
	return c.finish(i, OutcomeFailed, why, out)
}

// finish completes and frees a request without an answer.
func (c *Core) finish(i int32, outcome Outcome, why Reason, out []Effect) []Effect {
	if outcome == OutcomeUnknown {
		c.stats.Unknown++
	}
	id := c.requests.records[i].request.ID
	c.requests.remove(i)
	return append(out, Effect{Kind: EffectComplete, Completion: Completion{ID: id, Outcome: outcome, Reason: why}})
}

// checkSilence closes a connection on which requests were written and nothing has come
// back for too long, whether they have been given up meanwhile or not: short deadlines
// must not hide a connection that leads nowhere.
func (c *Core) checkSilence(now time.Time, out []Effect) []Effect {
	if !c.conn.unanswered.IsZero() && now.Sub(c.conn.unanswered) >= c.cfg.Silence {
		return c.lose(now, ReasonSilence, true, out)
	}
	return out
}

// armWatch sees to it that the watch timer fires when something is next due. It does not
// put the timer off when what it was armed for is gone: it fires for nothing then, once,
// which is cheaper than arming it anew for every request.
func (c *Core) armWatch(now time.Time, out []Effect) []Effect {
	_, due, some := c.requests.deadlines.First()
	if !c.conn.unanswered.IsZero() {
		if silent := c.conn.unanswered.Add(c.cfg.Silence); !some || silent.Before(due) {
			due, some = silent, true
		}
	}
	if !some || c.watch.id != 0 && !due.Before(c.watch.due) {
		return out
	}
	return c.arm(&c.watch, now, due.Sub(now), 0, out)
}
