// One ticket: what is there of it, and the attempts to get the next.

package ticket

import (
	"math/bits"
	"slices"
	"time"
)

// phase says what is going on for the next ticket. It also says what the slot's timer
// attempt is for.
type phase uint8

const (
	phaseIdle     phase = iota // nothing: nobody asked, or the last failure is long past
	phaseDue                   // an attempt begins as soon as it may
	phaseFetching              // an exchange is under way; attempt limits it
	phaseResting               // after a failure; attempt ends the rest
	phaseLater                 // there is a ticket; attempt is when it is due for renewal
)

// slot is one ticket. The zero slot is the ticket-granting ticket's before it is wanted.
type slot struct {
	name     Name
	state    State
	phase    phase
	ticket   Ticket    // Handle zero: none
	got      time.Time // when it came
	doubted  bool      // the service did not take it: nobody is given it until the next attempt ends, however it does
	replace  bool      // the service did not take it: another is worth having even if it ends no later
	suspects int       // negotiations that ended without a word since one succeeded; they outlive the ticket
	keep     bool      // there was a ticket once: another is fetched though nobody waits
	anew     bool      // of the granting ticket: renewing gains nothing, fetch an initial one
	fetch    FetchID
	exchange Exchange
	began    time.Time // the last attempt; zero: none
	failures int       // since the last ticket
	failure  Failure
	attempt  timer
	end      timer // when the ticket runs out
}

// maxFailures is as far as failures are counted: every cap is reached before.
const maxFailures = 62

// has says whether a slot has a ticket that holds now. One that came while the clock was ahead
// does not hold any more once that has been set back.
func (c *Core) has(s *slot, now time.Time) bool {
	return s.ticket.Handle != 0 && now.Before(s.ticket.End) && !s.ticket.Start.After(now.Add(c.cfg.Skew))
}

// restsBeyond says whether the next attempt may begin after the deadline only.
func (s *slot) restsBeyond(deadline time.Time) bool {
	return s.phase == phaseResting && s.attempt.due.After(deadline)
}

// enter changes the state and tells. Entering the same state again tells of a new failure
// or a new end.
func (s *slot) enter(state State, out []Effect) []Effect {
	s.state = state
	return append(out, Effect{Kind: EffectState, Name: s.name, State: state, Handle: s.ticket.Handle, Until: s.ticket.End, Failure: s.failure})
}

// empty gives back what a slot holds.
func (c *Core) empty(s *slot, out []Effect) []Effect {
	if s.ticket.Handle != 0 {
		out = append(out, Effect{Kind: EffectDrop, Handle: s.ticket.Handle})
	}
	s.ticket = Ticket{}
	return c.stop(&s.end, c.stop(&s.attempt, out))
}

// pump begins the attempts that are due, as far as the limit allows, the ticket-granting
// ticket's first.
func (c *Core) pump(now time.Time, out []Effect) []Effect {
	granting := &c.slots[0]
	for i := 1; i < len(c.slots) && granting.phase == phaseIdle; i++ {
		if c.slots[i].phase == phaseDue {
			granting.phase = phaseDue
			out = granting.enter(StateFetching, out)
		}
	}
	for i := range c.slots {
		s := &c.slots[i]
		if s.phase != phaseDue || c.fetches >= c.cfg.MaxFetches || i > 0 && !c.mayAsk(now, s) {
			continue
		}
		out = c.begin(now, s, out)
	}
	return out
}

// mayAsk says whether the ticket-granting ticket that is there can get the service's.
func (c *Core) mayAsk(now time.Time, s *slot) bool {
	granting := &c.slots[0]
	switch {
	case !c.has(granting, now) || granting.doubted:
		return false
	case c.has(s, now) && !s.replace: // one that ends no later gains nothing: wait for a newer granting ticket
		return granting.ticket.End.After(s.ticket.End)
	}
	return true
}

// begin begins an attempt, or rests until it may.
func (c *Core) begin(now time.Time, s *slot, out []Effect) []Effect {
	if rest := c.rest(now, s); rest > 0 {
		s.phase = phaseResting
		return c.arm(&s.attempt, now, rest, 0, out)
	}
	c.lastFetch++
	c.fetches++
	c.stats.Fetches++
	s.phase, s.fetch, s.began = phaseFetching, c.lastFetch, now
	e := Effect{Kind: EffectFetch, Fetch: s.fetch, Name: s.name, Limit: c.cfg.FetchLimit}
	switch {
	case !s.name.Granting():
		e.Exchange, e.Handle = ExchangeService, c.slots[0].ticket.Handle
	case c.has(s, now) && !s.anew && !s.doubted && s.ticket.RenewTill.After(s.ticket.End):
		e.Exchange, e.Handle = ExchangeRenew, s.ticket.Handle
	default:
		e.Exchange = ExchangeInitial
	}
	s.exchange = e.Exchange
	return c.arm(&s.attempt, now, c.cfg.FetchLimit, 0, append(out, e))
}

// rest is how long the next attempt has to wait for the one before.
func (c *Core) rest(now time.Time, s *slot) time.Duration {
	if s.began.IsZero() {
		return 0
	}
	return min(c.cfg.BackoffBase, s.began.Add(c.cfg.BackoffBase).Sub(now))
}

// attemptDue: the slot's timer fired.
func (c *Core) attemptDue(now time.Time, i int, out []Effect) []Effect {
	s := &c.slots[i]
	switch s.phase {
	case phaseFetching:
		out = append(out, Effect{Kind: EffectAbandon, Fetch: s.fetch})
		return c.failed(now, i, Failure{Kind: FailureUnreachable}, out)
	case phaseResting:
		s.phase = phaseDue
		if !s.keep && !s.name.Granting() && !c.awaited(s.name) {
			s.phase = phaseIdle // nobody asks any more; its failures are remembered
		}
	case phaseLater:
		s.phase = phaseDue
		out = s.enter(StateExpiring, out)
	}
	return out
}

// fetching finds the slot whose exchange it is.
func (c *Core) fetching(id FetchID) int {
	return slices.IndexFunc(c.slots, func(s slot) bool { return s.phase == phaseFetching && s.fetch == id })
}

// fetched takes a ticket.
func (c *Core) fetched(now time.Time, ev *Event, out []Effect) []Effect {
	t := ev.Ticket
	i := c.fetching(ev.Fetch)
	switch {
	case i < 0:
		c.stats.StaleFetches++
		return append(out, Effect{Kind: EffectDrop, Handle: t.Handle})
	case t.Handle == 0:
		return c.failed(now, i, Failure{Kind: FailureUnreachable, Cause: CauseAnswer}, out)
	}
	bound := t.Start
	if !t.End.After(now) {
		bound = t.End
	}
	if !t.End.After(now) || t.Start.After(now.Add(c.cfg.Skew)) {
		out = append(out, Effect{Kind: EffectDrop, Handle: t.Handle})
		return c.failed(now, i, Failure{Kind: FailureRefused, Cause: CauseLife, Local: now, Peer: bound}, out)
	}
	c.fetches--
	c.stats.Fetched++
	s := &c.slots[i]
	s.anew = s.exchange == ExchangeRenew && !t.End.After(s.ticket.End)
	out = c.empty(s, out)
	s.ticket, s.got, s.doubted, s.replace, s.keep = t, now, false, false, true
	s.failures, s.failure = 0, Failure{}
	life := t.End.Sub(now) / 100
	s.phase = phaseLater
	out = c.arm(&s.attempt, now, max(life*time.Duration(c.cfg.RenewPercent), c.cfg.BackoffBase), life*time.Duration(c.cfg.RenewSpread), out)
	out = c.arm(&s.end, now, t.End.Sub(now), 0, out)
	out = s.enter(StateValid, out)
	return c.answer(now, i, out)
}

// failedFetch takes a failure.
func (c *Core) failedFetch(now time.Time, ev *Event, out []Effect) []Effect {
	i := c.fetching(ev.Fetch)
	if i < 0 {
		c.stats.StaleFetches++
		return out
	}
	f := ev.Failure
	if f.Kind != FailureRefused {
		f.Kind = FailureUnreachable
	}
	return c.failed(now, i, f, out)
}

// failed ends an attempt without a ticket: rest, and answer who waits.
func (c *Core) failed(now time.Time, i int, f Failure, out []Effect) []Effect {
	c.fetches--
	s := &c.slots[i]
	f.Of = s.name
	s.failures = min(s.failures+1, maxFailures)
	s.failure, s.doubted, s.phase = f, false, phaseResting
	state := StateUnreachable
	if c.stats.Unreachable++; f.Kind == FailureRefused {
		c.stats.Unreachable--
		c.stats.Refused++
		state = StateRefused
		s.anew = s.anew || s.exchange == ExchangeRenew
	}
	if f.Cause == CauseInternal {
		c.stats.Internal++
	}
	if f.Cause == CauseGranting && i > 0 {
		out = c.doubt(now, c.slots[0].ticket.Handle, out)
	}
	base, most := c.cfg.BackoffBase, c.cfg.cap(f.Kind)
	if base < most>>s.failures {
		most = base << s.failures
	}
	out = c.arm(&s.attempt, now, base, max(0, most-base), out)
	if c.has(s, now) {
		state = StateExpiring
	}
	out = s.enter(state, out)
	return c.answer(now, i, out)
}

// answer ends the waits that what has become of slot i decides: those for it, and, where
// the ticket-granting ticket cannot be had, those for services that it would take.
func (c *Core) answer(now time.Time, i int, out []Effect) []Effect {
	failed := c.slots[i].failures > 0
	stranded := i == 0 && failed && !c.has(&c.slots[0], now)
	kept := c.waiters[:0]
	for _, w := range c.waiters {
		s := &c.slots[c.find(w.name)]
		switch {
		case s.name != c.slots[i].name && (!stranded || s.phase == phaseFetching):
			kept = append(kept, w)
		case c.has(s, now):
			out = c.serve(w.id, s.ticket.Handle, out)
		case failed:
			out = c.refuse(w.id, c.slots[i].failure, out)
		default:
			kept = append(kept, w)
		}
	}
	c.waiters = kept
	if stranded {
		out = c.strand(out)
	}
	return out
}

// strand tells of the services that cannot get a ticket now, for want of the granting one.
func (c *Core) strand(out []Effect) []Effect {
	granting := &c.slots[0]
	for i := 1; i < len(c.slots); i++ {
		s := &c.slots[i]
		if s.phase != phaseDue {
			continue
		}
		if s.doubted = false; !s.keep {
			s.phase = phaseIdle // until somebody asks again
		}
		if s.ticket.Handle == 0 && (s.state != granting.state || s.failure.Cause != granting.failure.Cause) {
			s.failure = granting.failure
			out = s.enter(granting.state, out)
		}
	}
	return out
}

// doubt has another ticket fetched in place of one that was not accepted. One that is
// younger than the cap is left: a fresh one would be no better, and asking for it again
// and again would be a hot retry. Where the next attempt has to wait, the doubt waits with
// it, and the ticket is given out meanwhile.
func (c *Core) doubt(now time.Time, h Handle, out []Effect) []Effect {
	for i := range c.slots {
		s := &c.slots[i]
		if h == 0 || s.ticket.Handle != h || s.phase == phaseFetching || now.Sub(s.got) < c.cfg.UnreachableCap {
			continue
		}
		s.replace = true
		if s.phase == phaseLater {
			s.phase, s.doubted = phaseDue, true
			out = c.stop(&s.attempt, out)
		}
	}
	return out
}

// suspect counts negotiations that ended without a word, and doubts at powers of two.
func (c *Core) suspect(now time.Time, h Handle, trusted bool, out []Effect) []Effect {
	i := slices.IndexFunc(c.slots, func(s slot) bool { return h != 0 && s.ticket.Handle == h })
	switch {
	case i < 0:
		return out
	case trusted:
		c.slots[i].suspects = 0
		return out
	}
	n := min(c.slots[i].suspects+1, maxSuspects)
	if c.slots[i].suspects = n; n < 2 || bits.OnesCount(uint(n)) > 1 {
		return out
	}
	return c.doubt(now, h, out)
}

// maxSuspects is as far as they are counted; from there on each is a doubt.
const maxSuspects = 1 << 10

// reload tries again what rests, and has the ticket-granting ticket fetched anew.
func (c *Core) reload(out []Effect) []Effect {
	for i := range c.slots {
		s := &c.slots[i]
		granting := s.name.Granting() && s.phase == phaseLater
		if s.phase != phaseResting && !granting {
			continue
		}
		out = c.stop(&s.attempt, out)
		s.phase, s.failures = phaseDue, 0
		s.anew = s.anew || granting
		if !s.keep && !s.name.Granting() && !c.awaited(s.name) {
			s.phase = phaseIdle
		}
	}
	return out
}
