// Connections one after another: when to dial, what follows a connection's end.

package session

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// backoff is what spaces attempts to connect. Intervals count from the beginning of one
// attempt to the beginning of the next, so that an attempt that failed slowly has waited
// already.
type backoff struct {
	failures int       // attempts in a row that came to nothing; stays where the interval reaches the cap
	last     time.Time // the last attempt began; zero: there was none
}

// wanted says whether something needs a connection.
func (c *Core) wanted() bool {
	return c.requests.waiting.n > 0 || c.keep && !c.draining
}

// connect begins an attempt, or waits for the moment when it may begin, if one is wanted
// and none is under way.
//
// The first attempt after a connection that was of use is made at once, the next at
// random times within an interval that doubles from BackoffBase to BackoffCap ("full
// jitter"; the driver draws). No two attempts begin closer than BackoffBase.
func (c *Core) connect(now time.Time, why Reason, out []Effect) []Effect {
	if c.state != StateIdle || !c.wanted() {
		return out
	}
	least, most := c.spacing(now)
	if most <= 0 {
		return c.dial(now, why, out)
	}
	out = c.enter(StateBackoff, why, out)
	return c.arm(&c.phase, now, least, most-least, out)
}

// spacing returns the shortest and longest time to wait from now.
func (c *Core) spacing(now time.Time) (least, most time.Duration) {
	if c.backoff.last.IsZero() {
		return 0, 0
	}
	elapsed := now.Sub(c.backoff.last)
	least = max(0, c.cfg.BackoffBase-elapsed)
	if c.backoff.failures == 0 {
		return least, least
	}
	return least, max(0, c.interval(c.backoff.failures)-elapsed)
}

// interval returns the longest time between attempts after so many failures in a row.
func (c *Core) interval(failures int) time.Duration {
	d := c.cfg.BackoffBase
	for range failures {
		if d *= 2; d >= c.cfg.BackoffCap {
			return c.cfg.BackoffCap
		}
	}
	return d
}

func (c *Core) backoffOver(now time.Time, out []Effect) []Effect {
	if !c.wanted() {
		return c.enter(StateIdle, ReasonNone, out)
	}
	return c.dial(now, ReasonNone, out)
}

func (c *Core) dial(now time.Time, why Reason, out []Effect) []Effect {
	c.lastConn++
	c.conn = connection{id: protocol.ConnID(c.cfg.Owner)<<protocol.OwnerShift | protocol.ConnID(c.lastConn)}
	c.backoff.last = now
	c.stats.Dials++
	out = append(out, Effect{Kind: EffectDial, Conn: c.conn.id})
	out = c.arm(&c.phase, now, c.cfg.DialTimeout, 0, out)
	return c.enter(StateDialing, why, out)
}

func (c *Core) dialed(now time.Time, ev *Event, out []Effect) []Effect {
	if !c.current(ev) || c.state != StateDialing {
		return out
	}
	out = c.stop(&c.phase, out)
	if c.cfg.Auth == AuthOff {
		return c.ready(now, out)
	}
	return c.negotiate(now, out)
}

// current says whether ev is of the current connection, and counts it if not.
func (c *Core) current(ev *Event) bool {
	if ev.Conn != 0 && ev.Conn == c.conn.id {
		return true
	}
	c.stats.StaleConns++
	return false
}

// gone takes that a dial failed or a connection ended.
func (c *Core) gone(now time.Time, ev *Event, out []Effect) []Effect {
	if !c.current(ev) {
		return out
	}
	why := ev.Reason
	if why == ReasonNone {
		why = ReasonIO
		if ev.Kind == EventDialFailed {
			why = ReasonRefused
		}
	}
	return c.lose(now, why, false, out)
}

// ready lets requests pass: the one place where a connection begins to carry them.
func (c *Core) ready(now time.Time, out []Effect) []Effect {
	out = c.stop(&c.phase, out)
	c.conn.step, c.conn.readyAt = StepNone, now
	c.stats.Connections++
	out = c.enter(StateReady, ReasonNone, out)
	return c.writeWaiting(now, out)
}

// lose ends the current connection, or the attempt to get one. What was written on it is
// unknown; what waits, waits for the next one. hangUp: this end is still open.
func (c *Core) lose(now time.Time, why Reason, hangUp bool, out []Effect) []Effect {
	if hangUp {
		out = append(out, Effect{Kind: EffectClose, Conn: c.conn.id, Reason: why})
	}
	switch {
	case why == ReasonInternal:
		c.stats.Internal++
	case c.state == StateNegotiating:
		c.stats.NegotiationsFailed++
	}
	if why == ReasonProtocol {
		c.stats.ProtocolErrors++
	}
	if c.wasOfUse(now) && why != ReasonInternal {
		c.backoff.failures = 0
	} else {
		c.failed()
	}
	out = c.stop(&c.phase, out)
	c.conn = connection{}
	c.decoder.Reset()
	out = c.abandonPending(why, out)
	c.requests.lastSeq = 0
	c.state = StateIdle
	if !c.wanted() {
		return c.tell(why, out)
	}
	return c.connect(now, why, out)
}

// failed counts an attempt that came to nothing.
func (c *Core) failed() {
	if c.interval(c.backoff.failures) < c.cfg.BackoffCap {
		c.backoff.failures++
	}
}

// Successor returns an idle session that takes the place of one whose Step panicked, and of
// which nothing can be trusted but plain numbers: it has neither connection nor requests,
// and its attempts are spaced as after a failure. Identities go on. Its owner closes the
// connection, and completes the requests.
func (c *Core) Successor() *Core {
	s := New(c.cfg)
	s.draining, s.backoff, s.lastConn, s.lastTime, s.stats = c.draining, c.backoff, c.lastConn, c.lastTime, c.stats
	s.stats.Internal++
	s.failed()
	return s
}

// wasOfUse says whether the connection deserves a successor at once. A server that lets
// everybody in and closes right afterwards is a failing one.
func (c *Core) wasOfUse(now time.Time) bool {
	return c.state == StateReady && (c.conn.answered || now.Sub(c.conn.readyAt) >= c.cfg.BackoffCap)
}

// abandonPending completes what was written and not answered.
func (c *Core) abandonPending(why Reason, out []Effect) []Effect {
	for i := c.requests.pending.head; i != none; i = c.requests.pending.head {
		out = c.finish(i, OutcomeUnknown, why, out)
	}
	return out
}
