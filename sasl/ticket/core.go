// Package ticket is the core that keeps a client's Kerberos tickets: it decides when the
// ticket-granting ticket and those for services are fetched, renewed ahead of their end,
// and tried again, and answers the sessions that wait for them. It is a pure state machine:
// Step takes an event and returns effects; tickets, keys and KDCs are its driver's.
//
// What it promises: a wait is answered once and by its deadline; a ticket that holds is
// given out whether a KDC answers or not; there is one exchange for all who wait for the
// same ticket; two attempts at one ticket never begin within Config.BackoffBase.
package ticket

import (
	"slices"
	"time"
)

// Core keeps the tickets of one client principal. It is made by New and used by one
// goroutine.
type Core struct {
	cfg       Config
	closed    bool
	slots     []slot // the ticket-granting ticket's first, then the services', the least recently wanted first
	waiters   []waiter
	watch     timer // the earliest deadline of a wait
	fetches   int   // under way
	lastFetch FetchID
	lastTimer TimerID
	stats     Stats
}

// waiter is one wait, in order of arrival.
type waiter struct {
	id       WaiterID
	name     Name
	deadline time.Time
}

// timer is one arming of a timer; zero if it is not armed.
type timer struct {
	id     TimerID
	due    time.Time // earliest
	spread time.Duration
}

// Stats counts what is not part of the state.
type Stats struct {
	Fetches      uint64 // begun, whatever for
	Fetched      uint64
	Unreachable  uint64 // fetches that failed so
	Refused      uint64 // fetches that failed so
	Internal     uint64 // fetches that failed for a bug on our side; they count as refused too
	Expired      uint64 // tickets that ran out before another could be had
	Served       uint64 // waits answered with a ticket
	Unserved     uint64 // waits answered without one
	StaleFetches uint64 // answers to fetches that were over
	StaleTimers  uint64
	Evicted      uint64 // tickets that made room for others
}

// New returns a keeper without tickets. Zero fields of cfg become DefaultConfig's.
func New(cfg Config) *Core { return &Core{cfg: cfg.withDefaults(), slots: make([]slot, 1)} }

// Stats returns the counters.
func (c *Core) Stats() Stats { return c.stats }

// Closed says whether EventClose has come.
func (c *Core) Closed() bool { return c.closed }

// Waiting returns the number of waits that are not answered.
func (c *Core) Waiting() int { return len(c.waiters) }

// Step takes one event and appends the effects to out. A clock that is set back delays
// what is due and breaks nothing.
func (c *Core) Step(now time.Time, ev Event, out []Effect) []Effect {
	if c.closed {
		return c.stepClosed(&ev, out)
	}
	fired := noSlot
	if ev.Kind == EventTimer {
		fired = c.takeTimer(ev.Timer)
	}
	c.noteSetBack(now)
	out = c.expire(now, out)
	switch ev.Kind {
	case EventWant:
		out = c.want(now, &ev, out)
	case EventCancel:
		c.waiters = slices.DeleteFunc(c.waiters, func(w waiter) bool { return w.id == ev.Waiter })
	case EventFetched:
		out = c.fetched(now, &ev, out)
	case EventFailed:
		out = c.failedFetch(now, &ev, out)
	case EventTimer:
		out = c.fired(now, fired, out)
	case EventDoubt:
		out = c.doubt(now, ev.Handle, out)
	case EventSuspect, EventTrust:
		out = c.suspect(now, ev.Handle, ev.Kind == EventTrust, out)
	case EventReload:
		out = c.reload(out)
	case EventClose:
		return c.close(out)
	}
	return c.armWatch(now, c.pump(now, out))
}

// stepClosed refuses waits and ignores the rest.
func (c *Core) stepClosed(ev *Event, out []Effect) []Effect {
	switch ev.Kind {
	case EventWant:
		return c.refuse(ev.Waiter, Failure{Kind: FailureClosed, Of: ev.Name}, out)
	case EventFetched:
		c.stats.StaleFetches++
		return append(out, Effect{Kind: EffectDrop, Handle: ev.Ticket.Handle})
	case EventFailed:
		c.stats.StaleFetches++
	case EventTimer:
		c.stats.StaleTimers++
	}
	return out
}

// noteSetBack has what was before now, by a clock that has been set back since, happen now:
// else nothing would be due until that clock has caught up.
func (c *Core) noteSetBack(now time.Time) {
	for i := range c.slots {
		for _, past := range [...]*time.Time{&c.slots[i].began, &c.slots[i].got} {
			if past.After(now) {
				*past = now
			}
		}
	}
}

// want answers at once where it can; else it waits, unless the next attempt is too far off
// to be waited for.
func (c *Core) want(now time.Time, ev *Event, out []Effect) []Effect {
	if !ev.Deadline.After(now) {
		return c.refuse(ev.Waiter, Failure{Kind: FailureDeadline, Of: ev.Name}, out)
	}
	i, out, ok := c.use(now, ev.Name, out)
	if !ok {
		return c.refuse(ev.Waiter, Failure{Kind: FailureFull, Of: ev.Name}, out)
	}
	s := &c.slots[i]
	full := len(c.waiters) >= c.cfg.MaxWaiters
	switch {
	case c.has(s, now) && (!s.doubted || full):
		return c.serve(ev.Waiter, s.ticket.Handle, out)
	case full:
		return c.refuse(ev.Waiter, Failure{Kind: FailureFull, Of: ev.Name}, out)
	}
	failure, hopeless := c.hopeless(now, s, ev.Deadline)
	switch {
	case hopeless && c.has(s, now): // a doubted one is better than none
		return c.serve(ev.Waiter, s.ticket.Handle, out)
	case hopeless:
		return c.refuse(ev.Waiter, failure, out)
	}
	c.waiters = append(c.waiters, waiter{id: ev.Waiter, name: ev.Name, deadline: ev.Deadline})
	if s.phase == phaseIdle {
		s.phase = phaseDue
	}
	if s.state == StateNone {
		out = s.enter(StateFetching, out)
	}
	return out
}

// hopeless says whether neither the ticket nor the ticket-granting one that it takes will
// be tried for before the deadline.
func (c *Core) hopeless(now time.Time, s *slot, deadline time.Time) (Failure, bool) {
	resting := s
	if granting := &c.slots[0]; !c.has(granting, now) && granting.restsBeyond(deadline) {
		resting = granting
	}
	f := resting.failure
	if f.Kind == FailureNone { // it rests after a success: the answer could only come too late
		f = Failure{Kind: FailureDeadline, Of: resting.name}
	}
	return f, resting.restsBeyond(deadline)
}

// use finds the slot of name, or makes it, and moves a service's behind the others. Where
// the table is full, the first that nobody needs makes room, unless it was tried for just
// now: its return would be a hot retry.
func (c *Core) use(now time.Time, name Name, out []Effect) (int, []Effect, bool) {
	last := len(c.slots) - 1
	switch i := c.find(name); {
	case i == 0:
		return 0, out, true
	case i > 0:
		s := c.slots[i]
		copy(c.slots[i:], c.slots[i+1:])
		c.slots[last] = s
		return last, out, true
	}
	if last >= c.cfg.MaxServices {
		idle := slices.IndexFunc(c.slots, func(s slot) bool {
			return !s.name.Granting() && s.phase != phaseFetching && !c.awaited(s.name) && c.rest(now, &s) <= 0
		})
		if idle < 0 {
			return 0, out, false
		}
		c.stats.Evicted++
		s := c.slots[idle]
		out = c.empty(&s, out)
		out = s.enter(StateNone, out)
		c.slots = slices.Delete(c.slots, idle, idle+1)
	}
	c.slots = append(c.slots, slot{name: name})
	return len(c.slots) - 1, out, true
}

// find returns the place of name's slot, or noSlot.
func (c *Core) find(name Name) int {
	return slices.IndexFunc(c.slots, func(s slot) bool { return s.name == name })
}

// awaited says whether somebody waits for name.
func (c *Core) awaited(name Name) bool {
	return slices.ContainsFunc(c.waiters, func(w waiter) bool { return w.name == name })
}

// serve and refuse end a wait.
func (c *Core) serve(w WaiterID, h Handle, out []Effect) []Effect {
	c.stats.Served++
	return append(out, Effect{Kind: EffectAnswer, Waiter: w, Handle: h})
}

func (c *Core) refuse(w WaiterID, f Failure, out []Effect) []Effect {
	c.stats.Unserved++
	return append(out, Effect{Kind: EffectAnswer, Waiter: w, Failure: f})
}

// expire ends what has run out: tickets, and waits.
func (c *Core) expire(now time.Time, out []Effect) []Effect {
	for i := range c.slots {
		s := &c.slots[i]
		if s.ticket.Handle == 0 || c.has(s, now) {
			continue
		}
		c.stats.Expired++
		out = append(out, Effect{Kind: EffectDrop, Handle: s.ticket.Handle})
		out = c.stop(&s.end, out)
		s.ticket, s.doubted, s.replace = Ticket{}, false, false
		if s.phase == phaseLater {
			s.phase = phaseDue
			out = c.stop(&s.attempt, out)
		}
		out = s.enter(StateExpired, out)
	}
	kept := c.waiters[:0]
	for _, w := range c.waiters {
		if w.deadline.After(now) {
			kept = append(kept, w)
			continue
		}
		out = c.refuse(w.id, Failure{Kind: FailureDeadline, Of: w.name}, out)
	}
	c.waiters = kept
	return out
}

// takeTimer tells whose timer fired: a slot's, by its place, or the watch's, noSlot; stale
// ones are counted. The timer is no longer armed.
func (c *Core) takeTimer(id TimerID) int {
	if id != 0 && id == c.watch.id {
		c.watch = timer{}
		return noSlot
	}
	for i := range c.slots {
		for _, t := range [...]*timer{&c.slots[i].end, &c.slots[i].attempt} {
			if id != 0 && id == t.id {
				*t = timer{}
				return i
			}
		}
	}
	c.stats.StaleTimers++
	return noSlot
}

const noSlot = -1

// fired does what is due of a slot, now that what has run out is gone.
func (c *Core) fired(now time.Time, i int, out []Effect) []Effect {
	if i == noSlot {
		return out
	}
	s := &c.slots[i]
	if s.ticket.Handle != 0 && s.end.id == 0 { // the clock was set back
		out = c.arm(&s.end, now, max(s.ticket.End.Sub(now), c.cfg.BackoffBase), 0, out)
	}
	if s.attempt.id == 0 {
		out = c.attemptDue(now, i, out)
	}
	return out
}

// close ends everything.
func (c *Core) close(out []Effect) []Effect {
	c.closed = true
	for _, w := range c.waiters {
		out = c.refuse(w.id, Failure{Kind: FailureClosed, Of: w.name}, out)
	}
	c.waiters = nil
	out = c.stop(&c.watch, out)
	for i := range c.slots {
		s := &c.slots[i]
		if s.phase == phaseFetching {
			out = append(out, Effect{Kind: EffectAbandon, Fetch: s.fetch})
		}
		out = c.empty(s, out)
		out = s.enter(StateClosed, out)
	}
	c.slots, c.fetches = nil, 0
	return out
}

// armWatch has the watch timer at the earliest deadline.
func (c *Core) armWatch(now time.Time, out []Effect) []Effect {
	var first time.Time
	for i := range c.waiters {
		if d := c.waiters[i].deadline; first.IsZero() || d.Before(first) {
			first = d
		}
	}
	switch {
	case first.IsZero():
		return c.stop(&c.watch, out)
	case c.watch.id != 0 && c.watch.due.Equal(first):
		return out
	}
	return c.arm(&c.watch, now, first.Sub(now), 0, out)
}

// arm arms t anew.
func (c *Core) arm(t *timer, now time.Time, after, spread time.Duration, out []Effect) []Effect {
	out = c.stop(t, out)
	c.lastTimer++
	*t = timer{id: c.lastTimer, due: now.Add(after), spread: spread}
	return append(out, Effect{Kind: EffectArm, Timer: t.id, After: after, Spread: spread})
}

// stop stops t if it is armed.
func (c *Core) stop(t *timer, out []Effect) []Effect {
	if t.id != 0 {
		out = append(out, Effect{Kind: EffectStop, Timer: t.id})
		*t = timer{}
	}
	return out
}
