// Package routing is the core of the whole client: it finds the leader among the meta
// servers, knows each table's partitions, gives operations to the session of the right
// server and tries again within their deadlines. It owns the sessions. It is a pure state
// machine: Step takes an event and returns effects, and nothing else happens.
package routing

import (
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// Core is one client. It is made by New and used by one goroutine.
type Core struct {
	cfg      Config
	draining bool
	closed   bool
	peers    []peer
	metas    []meta
	leader   int // index of the meta that answered last, or was said to be the leader
	tables   []table
	ops      ops
	deadline timer  // of operations that no session holds
	retry    timer  // of operations that wait for their next try
	lastTime uint32 // lower half of the last TimerID of the core's own
	steps    uint64
	stats    Stats

	lookUpBound time.Duration // the configuration's

	// Effects of sessions that have not been looked at yet: runs[i] is of one session and
	// goes up to its end in effects.
	effects []session.Effect
	runs    []run
}

// run is the end of one session's effects in Core.effects.
type run struct{ peer, end int }

// timer is one arming of one of the core's own timers; zero if it is not armed.
type timer struct {
	id     protocol.TimerID
	due    time.Time // earliest
	spread time.Duration
}

// Stats counts what is not part of the state.
type Stats struct {
	Submitted     uint64 // operations
	Retries       uint64 // tries beyond the first
	Queries       uint64 // to metas, for a table
	Redirects     uint64 // followed
	QueryRounds   uint64 // in which no meta had an answer
	Refreshes     uint64 // tables learned or learned again
	OlderConfigs  uint64 // partitions whose answered configuration was older than the known one
	BadAnswers    uint64 // of metas, that cannot be used
	StaleSessions uint64 // events of sessions that are gone
	StaleTimers   uint64 // firings of the core's own timers that were stopped or armed again
}

// New returns a client that knows its metas and nothing else. Zero fields of cfg become
// DefaultConfig's; cfg must have passed Validate.
func New(cfg Config) *Core {
	c := &Core{cfg: cfg.withDefaults(), lookUpBound: cfg.LookUpBound()}
	for _, a := range cfg.Metas {
		if c.findMeta(a) < 0 && len(c.metas) < c.cfg.MaxMetas {
			c.metas = append(c.metas, meta{addr: a, peer: none})
		}
	}
	return c
}

// Step takes one event at the instant now, which never goes back, and appends the
// effects to out. What earlier effects referred to is no longer valid.
func (c *Core) Step(now time.Time, ev Event, out []Effect) []Effect {
	c.steps++
	c.effects, c.runs = c.effects[:0], c.runs[:0]
	out = c.expire(now, out)
	switch ev.Kind {
	case EventSubmit:
		out = c.submit(now, &ev.Op, false, out)
	case EventOpenTable:
		out = c.submit(now, &ev.Op, true, out)
	case EventCancel:
		out = c.cancel(now, ev.ID, out)
	case EventDialed, EventDialFailed, EventReceived, EventClosed, EventToken:
		c.sessionEvent(now, &ev)
	case EventTimer:
		out = c.fired(now, &ev, out)
	case EventDrain:
		c.draining = true
	case EventClose:
		out = c.close(now, out)
	}
	out = c.translate(now, out)
	if c.draining && !c.closed && c.ops.n == 0 {
		out = c.translate(now, c.close(now, out))
	}
	return c.armTimers(now, out)
}

// sessionEvent hands an event of a connection to its session.
func (c *Core) sessionEvent(now time.Time, ev *Event) {
	at := c.owner(uint64(ev.Conn))
	if at == none {
		c.stats.StaleSessions++
		return
	}
	kinds := [...]session.EventKind{
		EventDialed: session.EventDialed, EventDialFailed: session.EventDialFailed,
		EventReceived: session.EventReceived, EventClosed: session.EventClosed, EventToken: session.EventToken,
	}
	c.stepPeer(now, at, session.Event{
		Kind: kinds[ev.Kind], Conn: ev.Conn, Reason: ev.Reason, Done: ev.Done, Failed: ev.Failed, Internal: ev.Internal, Data: ev.Data,
	})
}

// fired tells whose timer it was.
func (c *Core) fired(now time.Time, ev *Event, out []Effect) []Effect {
	if uint64(ev.Timer)>>protocol.OwnerShift != 0 {
		if at := c.owner(uint64(ev.Timer)); at != none {
			c.stepPeer(now, at, session.Event{Kind: session.EventTimer, Timer: ev.Timer})
		} else {
			c.stats.StaleSessions++
		}
		return out
	}
	switch ev.Timer {
	case 0:
	case c.deadline.id:
		c.deadline = timer{} // what is due has been completed before
		return out
	case c.retry.id:
		c.retry = timer{}
		return c.retryDue(now, out)
	default:
		for i := range c.tables {
			if t := &c.tables[i]; t.wait.id == ev.Timer {
				t.wait = timer{}
				t.phase = queryIdle
				return c.resolve(now, i, out)
			}
		}
	}
	c.stats.StaleTimers++
	return out
}

// translate turns sessions' effects into the client's, and acts on those that concern
// it, until none is left.
func (c *Core) translate(now time.Time, out []Effect) []Effect {
	at := 0
	for i := 0; i < len(c.runs); i++ {
		for ; at < c.runs[i].end; at++ {
			e := c.effects[at]
			out = c.translateOne(now, c.runs[i].peer, &e, out)
		}
	}
	c.effects, c.runs = c.effects[:0], c.runs[:0]
	return out
}

func (c *Core) translateOne(now time.Time, at int, e *session.Effect, out []Effect) []Effect {
	switch e.Kind {
	case session.EffectDial:
		return append(out, Effect{Kind: EffectDial, Conn: e.Conn, Addr: c.peers[at].addr})
	case session.EffectWrite:
		return append(out, Effect{Kind: EffectWrite, Conn: e.Conn, Data: e.Data})
	case session.EffectClose:
		return append(out, Effect{Kind: EffectClose, Conn: e.Conn, Reason: e.Reason})
	case session.EffectArmTimer:
		return append(out, Effect{Kind: EffectArmTimer, Timer: e.Timer, After: e.After, Spread: e.Spread})
	case session.EffectStopTimer:
		return append(out, Effect{Kind: EffectStopTimer, Timer: e.Timer})
	case session.EffectMakeToken:
		return append(out, Effect{Kind: EffectMakeToken, Conn: e.Conn, Addr: c.peers[at].addr, Data: e.Data})
	case session.EffectComplete:
		return c.completed(now, at, &e.Completion, out)
	case session.EffectState:
		return c.sessionChanged(now, at, e, out)
	}
	return out
}

// close completes every operation and closes every session.
func (c *Core) close(now time.Time, out []Effect) []Effect {
	if c.closed {
		return out
	}
	c.closed, c.draining = true, true
	out = c.stop(&c.deadline, out)
	out = c.stop(&c.retry, out)
	for i := range c.tables {
		out = c.stop(&c.tables[i].wait, out)
		c.tables[i].phase = queryIdle
	}
	for i := c.ops.first(); i != none; {
		r := &c.ops.records[i]
		next := int(r.next)
		if r.state != opSession { // sessions complete theirs
			out = c.finish(i, session.OutcomeFailed, session.ReasonClosed, out)
		}
		i = next
	}
	for at := range c.peers {
		if c.peers[at].core != nil {
			c.stepPeer(now, at, session.Event{Kind: session.EventClose})
		}
	}
	return out
}

// armTimers sees to it that the core's own timers fire when something is next due.
func (c *Core) armTimers(now time.Time, out []Effect) []Effect {
	if c.closed {
		return out
	}
	if _, due, ok := c.ops.deadlines.First(); ok && (c.deadline.id == 0 || due.Before(c.deadline.due)) {
		out = c.arm(&c.deadline, now, max(0, due.Sub(now)), 0, out)
	}
	if i, due, ok := c.ops.retries.First(); ok && (c.retry.id == 0 || due.Before(c.retry.due)) {
		out = c.arm(&c.retry, now, max(0, due.Sub(now)), c.ops.records[i].spread, out)
	}
	return out
}

// arm arms t anew. The core's own timers have no owner in their upper half.
func (c *Core) arm(t *timer, now time.Time, after, spread time.Duration, out []Effect) []Effect {
	out = c.stop(t, out)
	if c.lastTime++; c.lastTime == 0 {
		c.lastTime = 1 // 0 is no timer
	}
	*t = timer{id: protocol.TimerID(c.lastTime), due: now.Add(after), spread: spread}
	return append(out, Effect{Kind: EffectArmTimer, Timer: t.id, After: after, Spread: spread})
}

// stop stops t if it is armed.
func (c *Core) stop(t *timer, out []Effect) []Effect {
	if t.id != 0 {
		out = append(out, Effect{Kind: EffectStopTimer, Timer: t.id})
		*t = timer{}
	}
	return out
}

// interval returns the interval before another try after so many, from RetryBase
// doubling to limit, as the timer takes it: its second half is to be drawn from.
func (c *Core) interval(tries int, limit time.Duration) (after, spread time.Duration) {
	d := c.cfg.RetryBase
	for range tries {
		if d *= 2; d >= limit {
			d = limit
			break
		}
	}
	return d - d/2, d / 2
}
