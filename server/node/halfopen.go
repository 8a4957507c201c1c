// Half-open connections, whose negotiation deadline runs: how many each address has, and which
// gives way where there are too many. Otherwise one host that connects and says nothing would
// keep everybody out.

package node

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// halfOpen counts half-open connections.
type halfOpen struct {
	all   int
	by    map[netip.Addr]int // of each address that has some
	sizes []int              // how many addresses have so many
	most  int                // of one address
}

func newHalfOpen() halfOpen { return halfOpen{by: make(map[netip.Addr]int)} }

func (h *halfOpen) clone() halfOpen {
	return halfOpen{all: h.all, by: maps.Clone(h.by), sizes: slices.Clone(h.sizes), most: h.most}
}

// change counts one more of an address, or one less.
func (h *halfOpen) change(of netip.Addr, by int) {
	before := h.by[of]
	after := before + by
	h.all += by
	for len(h.sizes) <= after {
		h.sizes = append(h.sizes, 0)
	}
	if before > 0 {
		h.sizes[before]--
	}
	if after > 0 {
		h.sizes[after]++
		h.by[of] = after
	} else {
		delete(h.by, of)
	}
	if h.most = max(h.most, after); h.most > 0 && h.sizes[h.most] == 0 {
		h.most--
	}
}

// startDeadline starts the negotiation's one deadline; false where too many run.
func (c *Core) startDeadline(now time.Time, cn *conn) bool {
	if c.halfOpen.all >= c.limits.MaxHalfOpen && !c.giveWay(cn) {
		return false
	}
	c.halfOpen.change(cn.peer.Addr(), 1)
	c.last++
	cn.timer, cn.deadline = c.last, now.Add(c.limits.NegotiationTimeout)
	c.timers[cn.timer] = cn
	c.emit(Effect{Kind: EffectArmTimer, Timer: cn.timer, After: c.limits.NegotiationTimeout})
	return true
}

// giveWay closes the oldest half-open connection of the address that has most of them, so that
// there is room for cn; false where none has more than cn's address would have then: of one
// host's connections those that came first go on, or nobody would finish where many come at once.
func (c *Core) giveWay(cn *conn) bool {
	if c.halfOpen.most <= c.halfOpen.by[cn.peer.Addr()]+1 {
		return false
	}
	c.flush(cn)
	for _, id := range slices.Sorted(maps.Keys(c.timers)) {
		if other := c.timers[id]; c.halfOpen.by[other.peer.Addr()] == c.halfOpen.most {
			c.failNegotiation(other, FailureHalfOpen)
			return true
		}
	}
	return false
}

// stopDeadline ends it.
func (c *Core) stopDeadline(cn *conn) {
	if cn.timer != 0 {
		c.emit(Effect{Kind: EffectStopTimer, Timer: cn.timer})
		c.forgetDeadline(cn)
	}
}

func (c *Core) forgetDeadline(cn *conn) {
	delete(c.timers, cn.timer)
	cn.timer, cn.deadline = 0, time.Time{}
	c.halfOpen.change(cn.peer.Addr(), -1)
}

// deadlinePassed ends the connection whose negotiation took too long.
func (c *Core) deadlinePassed(timer protocol.TimerID) {
	cn := c.timers[timer]
	if cn == nil {
		c.stats.Stale++
		return
	}
	c.forgetDeadline(cn)
	c.failNegotiation(cn, FailureTimeout)
}
