// The sessions, one for each server address that is needed, in slots. A slot's number
// is in the upper half of its sessions' connection and timer identities.

package routing

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// none is the index of nothing.
const none = -1

// peer is a slot for the session to one server.
type peer struct {
	addr     netip.AddrPort
	core     *session.Core // nil: the slot is free
	ready    bool          // its last reported state
	closing  bool          // told to close
	kept     bool          // told to stay ready
	needed   bool          // it is a meta's or serves a partition
	requests int           // outstanding
	touched  uint64        // number of the Step in which it was last given an event
	lastConn uint32        // used up by the slot's sessions so far
	lastTime uint32
	why      session.Reason // why its last connection ended; told, and part of no decision
}

// owner returns the slot whose number is in the upper half of an identity.
func (c *Core) owner(id uint64) int {
	at := int(id>>protocol.OwnerShift) - 1
	if at < 0 || at >= len(c.peers) || c.peers[at].core == nil {
		return none
	}
	return at
}

// stepPeer gives a session an event. Its effects are looked at by translate.
func (c *Core) stepPeer(now time.Time, at int, ev session.Event) {
	p := &c.peers[at]
	if p.touched == c.steps {
		c.effects = p.core.Continue(now, ev, c.effects)
	} else {
		p.touched = c.steps
		c.effects = p.core.Step(now, ev, c.effects)
	}
	if ev.Kind == session.EventClose {
		p.closing = true
	}
	c.runs = append(c.runs, run{peer: at, end: len(c.effects)})
}

// peerFor returns the slot of the session to addr, which it makes if need be; none where
// MaxSessions forbids it.
func (c *Core) peerFor(addr netip.AddrPort) int {
	free := none
	for i := range c.peers {
		p := &c.peers[i]
		switch {
		case p.core == nil:
			if free == none {
				free = i
			}
		case p.addr == addr && !p.closing:
			p.needed = true
			return i
		}
	}
	if free == none {
		if len(c.peers) >= c.cfg.MaxSessions {
			return none
		}
		free = len(c.peers)
		c.peers = append(c.peers, peer{})
	}
	p := &c.peers[free]
	cfg := c.cfg.Session
	cfg.Owner = uint32(free) + 1
	cfg.LastConn, cfg.LastTimer = p.lastConn, p.lastTime
	*p = peer{addr: addr, core: session.New(cfg), needed: true, lastConn: p.lastConn, lastTime: p.lastTime}
	return free
}

// roomSoon says whether a session that nothing needs any more is about to end: when it is
// closed, or owes no answer.
func (c *Core) roomSoon() bool {
	for i := range c.peers {
		if p := &c.peers[i]; p.core != nil && !p.needed {
			return true
		}
	}
	return false
}

// request gives a session a request.
func (c *Core) request(now time.Time, at int, r session.Request) {
	c.peers[at].requests++
	c.stepPeer(now, at, session.Event{Kind: session.EventSubmit, Request: r})
}

// keep tells a session whether to stay ready.
func (c *Core) keep(now time.Time, at int, keep bool) {
	if p := &c.peers[at]; p.kept != keep && !p.closing {
		p.kept = keep
		c.stepPeer(now, at, session.Event{Kind: session.EventKeepReady, Keep: keep})
	}
}

// sessionChanged acts on a session's new state and reports it.
func (c *Core) sessionChanged(now time.Time, at int, e *session.Effect, out []Effect) []Effect {
	p := &c.peers[at]
	out = append(out, Effect{Kind: EffectSession, Addr: p.addr, Conn: e.Conn, State: e.State, Step: e.Step, Reason: e.Reason})
	was := p.ready
	p.ready = e.State == session.StateReady
	if e.Reason != session.ReasonNone {
		p.why = e.Reason
	}
	switch {
	case e.State == session.StateClosed:
		conn, timer := p.core.Used()
		*p = peer{lastConn: conn, lastTime: timer}
		if len(c.peers) >= c.cfg.MaxSessions {
			c.reconcile(now) // somebody may have waited for the slot
		}
		return out
	case p.ready:
		return c.metaReady(now, at, out)
	case was || e.State == session.StateBackoff:
		// Something is wrong with that server: what it served may have moved, and a meta
		// query that waits for it had better be asked elsewhere.
		c.metaLost(now, at)
		return c.refreshServed(now, at, out)
	case e.Reason != session.ReasonNone:
		// An attempt has failed so slowly that the next begins without a backoff. A meta query
		// has a deadline of its own, so it may wait for that.
		return c.refreshServed(now, at, out)
	}
	return out
}

// refreshServed has the tables looked up again of which the server at a slot serves a
// partition.
func (c *Core) refreshServed(now time.Time, at int, out []Effect) []Effect {
	for i := range c.tables {
		if c.tables[i].serves(at) {
			out = c.refresh(now, i, CauseUnreachable, c.peers[at].addr, out)
		}
	}
	return out
}

// reconcile decides which sessions are needed after the metas or a table changed: makes
// those that are to be kept ready, and closes those that nothing needs.
func (c *Core) reconcile(now time.Time) {
	if c.closed {
		return
	}
	if c.cfg.KeepReady {
		for i := range c.tables {
			c.connectPrimaries(&c.tables[i])
		}
	}
	for i := range c.peers {
		c.peers[i].needed = false
	}
	for i := range c.tables {
		c.tables[i].eachPeer(func(at int) { c.peers[at].needed = true })
	}
	serving := make([]bool, len(c.peers))
	for i := range c.peers {
		serving[i] = c.peers[i].needed
	}
	for i := range c.metas {
		if at := c.metas[i].peer; at != none {
			c.peers[at].needed = true
		}
	}
	for at := range c.peers {
		if c.peers[at].core != nil {
			c.keep(now, at, c.cfg.KeepReady && serving[at] || c.keepMeta(at))
			c.closeUnneeded(now, at)
		}
	}
}

// closeUnneeded closes a session that nothing needs, once it owes no answer.
func (c *Core) closeUnneeded(now time.Time, at int) {
	if p := &c.peers[at]; p.core != nil && !p.needed && p.requests == 0 && !p.closing {
		c.stepPeer(now, at, session.Event{Kind: session.EventClose})
	}
}

// connectPrimaries makes the sessions of a table's primaries.
func (c *Core) connectPrimaries(t *table) {
	for i := range t.partitions {
		if p := &t.partitions[i]; p.peer == none && p.primary.IsValid() {
			p.peer = c.peerFor(p.primary)
		}
	}
}
