// Package session is the core that holds one client's session to one server address: its
// connections one after another, the negotiation on each, and the requests. It is a pure
// state machine: Step takes an event and returns effects, and nothing else happens.
package session

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Core is one session. It is made by New and used by one goroutine.
//
// Authentication belongs to the connection: what is known of it is in connection, which
// starts from zero with every dial, so no flag outlives what it speaks of.
type Core struct {
	cfg      Config
	state    State // never StateDraining, see State
	draining bool
	keep     bool
	conn     connection
	backoff  backoff
	requests table
	decoder  *protocol.ResponseDecoder
	phase    timer // of the state: dial, negotiation or backoff
	watch    timer // of the requests: the earliest deadline, or silence
	lastConn uint32
	lastTime uint32 // lower half of the last TimerID
	scratch  []byte
	stats    Stats
}

// connection is all that is known of the current connection; zero if there is none.
type connection struct {
	id         protocol.ConnID
	step       Step
	satisfied  bool  // the mechanism reported that it has all it needs
	challenges int   // answered so far
	seq        int32 // of the negotiation message that waits for its answer
	readyAt    time.Time
	answered   bool      // a request was answered on it
	unanswered time.Time // the first request written since something was last received; zero: none
}

// timer is one arming of a timer; zero if it is not armed.
type timer struct {
	id     protocol.TimerID
	due    time.Time // earliest
	spread time.Duration
}

// Stats counts what is not part of the state.
type Stats struct {
	Dials              uint64 // attempts to connect
	Connections        uint64 // that became ready
	NegotiationsFailed uint64 // for whatever reason of the peer's or the mechanism's, time-out included
	Written            uint64 // requests
	Answered           uint64 // requests
	Unknown            uint64 // requests written and completed without an answer
	LateReplies        uint64 // and answers that nobody ever waited for: a sequence number does not tell which
	StaleConns         uint64 // events that named another connection than the current one, tokens nobody had asked for
	StaleTimers        uint64 // firings of a timer that was stopped or armed again
	ProtocolErrors     uint64 // connections closed for what the server sent
	Internal           uint64 // connections closed for a bug of ours, recovered
}

// scratchKeep is the largest scratch buffer that is kept from one Step to the next.
const scratchKeep = 1 << 20

// New returns an idle session. Zero fields of cfg become DefaultConfig's; what
// Config.Validate would refuse makes a session that cannot become ready.
func New(cfg Config) *Core {
	cfg = cfg.WithDefaults()
	return &Core{
		cfg:      cfg,
		requests: newTable(),
		decoder:  protocol.NewResponseDecoder(cfg.Limits),
		lastConn: cfg.LastConn,
		lastTime: cfg.LastTimer,
	}
}

// State returns the session's state.
func (c *Core) State() State {
	if c.draining && c.state != StateClosed {
		return StateDraining
	}
	return c.state
}

// Ready says whether a request submitted now would be written at once, limits aside.
func (c *Core) Ready() bool { return c.state == StateReady && !c.draining }

// Conn returns the current connection, zero if there is none.
func (c *Core) Conn() protocol.ConnID { return c.conn.id }

// NegotiationStep returns what the negotiation waits for, StepNone where none is under way.
func (c *Core) NegotiationStep() Step { return c.conn.step }

// Outstanding returns the number of requests that wait and that are written.
func (c *Core) Outstanding() (waiting, pending int) {
	return int(c.requests.waiting.n), int(c.requests.pending.n)
}

// Waits says whether a request is outstanding and not written.
func (c *Core) Waits(id RequestID) bool {
	i := c.requests.byID(id)
	return i != none && c.requests.records[i].seq == 0
}

// Awaits tells what an answer with sequence number seq would answer: the n-th request
// (from 1) in order of writing, or, n being 0, the negotiation message last sent; ok is
// false if nobody waits for it.
func (c *Core) Awaits(seq int32) (n int, ok bool) {
	if c.state == StateNegotiating {
		return 0, seq != 0 && seq == c.conn.seq
	}
	found := c.requests.find(seq)
	if found == none {
		return 0, false
	}
	n = 1
	for i := c.requests.pending.head; i != found; i = c.requests.records[i].next {
		n++
	}
	return n, true
}

// Stats returns the counters.
func (c *Core) Stats() Stats { return c.stats }

// Used returns the lower halves of the last ConnID and TimerID, for the LastConn and
// LastTimer of a session that follows under the same owner.
func (c *Core) Used() (conn, timer uint32) { return c.lastConn, c.lastTime }

// Step takes one event at the instant now, which never goes back, and appends the
// effects to out. What earlier effects referred to is no longer valid.
func (c *Core) Step(now time.Time, ev Event, out []Effect) []Effect {
	if cap(c.scratch) > scratchKeep {
		c.scratch = nil
	}
	c.scratch = c.scratch[:0]
	return c.Continue(now, ev, out)
}

// Continue is Step for an owner that has not yet carried out the effects of the Step
// before: they stay valid.
func (c *Core) Continue(now time.Time, ev Event, out []Effect) []Effect {
	if c.state == StateClosed {
		return c.stepClosed(&ev, out)
	}
	out = c.expire(now, out)
	switch ev.Kind {
	case EventSubmit:
		out = c.submit(now, &ev.Request, out)
	case EventCancel:
		out = c.cancel(now, ev.ID, out)
	case EventDialed:
		out = c.dialed(now, &ev, out)
	case EventDialFailed, EventClosed:
		out = c.gone(now, &ev, out)
	case EventReceived:
		out = c.received(now, &ev, out)
	case EventTimer:
		out = c.fired(now, ev.Timer, out)
	case EventToken:
		out = c.token(now, &ev, out)
	case EventKeepReady:
		c.keep = ev.Keep
		out = c.connect(now, ReasonNone, out)
	case EventDrain:
		out = c.drain(out)
	case EventClose:
		return c.close(out)
	}
	if c.draining && c.requests.deadlines.Len() == 0 {
		return c.close(out)
	}
	return c.armWatch(now, out)
}

// stepClosed refuses requests and ignores the rest.
func (c *Core) stepClosed(ev *Event, out []Effect) []Effect {
	switch ev.Kind {
	case EventSubmit:
		return refuse(ev.Request.ID, ReasonClosed, LimitNone, out)
	case EventDialed, EventDialFailed, EventClosed, EventReceived, EventToken:
		c.stats.StaleConns++
	case EventTimer:
		c.stats.StaleTimers++
	}
	return out
}

// fired tells which timer it was.
func (c *Core) fired(now time.Time, id protocol.TimerID, out []Effect) []Effect {
	switch {
	case id == 0:
	case id == c.watch.id:
		c.watch = timer{}
		return c.checkSilence(now, out)
	case id == c.phase.id:
		c.phase = timer{}
		switch c.state {
		case StateDialing:
			return c.lose(now, ReasonDialTimeout, true, out)
		case StateNegotiating:
			return c.lose(now, ReasonNegotiationTimeout, true, out)
		case StateBackoff:
			return c.backoffOver(now, out)
		}
	}
	c.stats.StaleTimers++
	return out
}

// drain stops accepting. The end of Continue closes once nothing is outstanding.
func (c *Core) drain(out []Effect) []Effect {
	if c.draining {
		return out
	}
	c.draining = true
	return c.tell(ReasonNone, out)
}

// close ends everything: what is written is unknown, what is not has failed.
func (c *Core) close(out []Effect) []Effect {
	if c.conn.id != 0 {
		out = append(out, Effect{Kind: EffectClose, Conn: c.conn.id, Reason: ReasonClosed})
	}
	out = c.stop(&c.phase, out)
	out = c.stop(&c.watch, out)
	c.conn = connection{}
	c.decoder.Reset()
	out = c.abandonPending(ReasonClosed, out)
	for i := c.requests.waiting.head; i != none; i = c.requests.waiting.head {
		out = c.finish(i, OutcomeFailed, ReasonClosed, out)
	}
	c.state = StateClosed
	return c.tell(ReasonClosed, out)
}

// enter changes the state and tells.
func (c *Core) enter(s State, why Reason, out []Effect) []Effect {
	c.state = s
	return c.tell(why, out)
}

// tell reports the current state.
func (c *Core) tell(why Reason, out []Effect) []Effect {
	return append(out, Effect{Kind: EffectState, Conn: c.conn.id, State: c.State(), Step: c.conn.step, Reason: why})
}

// arm arms t anew.
func (c *Core) arm(t *timer, now time.Time, after, spread time.Duration, out []Effect) []Effect {
	out = c.stop(t, out)
	c.lastTime++
	id := protocol.TimerID(c.cfg.Owner)<<protocol.OwnerShift | protocol.TimerID(c.lastTime)
	*t = timer{id: id, due: now.Add(after), spread: spread}
	return append(out, Effect{Kind: EffectArmTimer, Timer: id, After: after, Spread: spread})
}

// stop stops t if it is armed.
func (c *Core) stop(t *timer, out []Effect) []Effect {
	if t.id != 0 {
		out = append(out, Effect{Kind: EffectStopTimer, Timer: t.id})
		*t = timer{}
	}
	return out
}

// keepBytes copies p to the scratch buffer. The result is not nil.
func (c *Core) keepBytes(p []byte) []byte {
	start := len(c.scratch)
	c.scratch = append(c.scratch, p...)
	if c.scratch == nil {
		c.scratch = make([]byte, 0, 64)
	}
	return c.scratch[start:len(c.scratch):len(c.scratch)]
}
