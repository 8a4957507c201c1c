// Copies, canonical bytes and numbers of a node.

package node

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Stats are counts since New, and what is in use now. They are no part of the state.
type Stats struct {
	Accepted            uint64
	Closed              [NumCause]uint64 // connections that ended, by Cause
	Muted               uint64
	NegotiationsStarted uint64
	NegotiationsDone    uint64
	NegotiationsFailed  uint64               // connections that ended before their negotiation succeeded
	Failures            [NumFailure]uint64   // of them, by Failure
	Executed            uint64               // requests given to a handler
	Denied              [NumOperation]uint64 // requests that Access does not grant, by Operation
	Early               uint64               // requests before success, by what became of them:
	EarlyRefused        uint64
	EarlyHeld           uint64
	EarlyDropped        uint64
	BytesThrownAway     uint64 // of mute connections
	Stale               uint64 // events of connections and timers that were gone

	Conns         int // open now
	HalfOpen      int // of them, with a negotiation deadline running
	BufferedBytes int // undecoded and held
}

// Stats returns the numbers.
func (c *Core) Stats() Stats {
	s := c.stats
	s.Conns, s.HalfOpen, s.BufferedBytes = len(c.conns), c.halfOpen.all, c.buffered
	return s
}

// Clone returns an independent copy, storage included.
func (c *Core) Clone() *Core {
	d := &Core{
		auth: c.auth, mechanism: c.mechanism, access: c.access, anonymous: c.anonymous, early: c.early, earlyCode: c.earlyCode, limits: c.limits,
		conns:  make(map[protocol.ConnID]*conn, len(c.conns)),
		timers: make(map[protocol.TimerID]*conn, len(c.timers)),
		last:   c.last, halfOpen: c.halfOpen.clone(), buffered: c.buffered, closed: c.closed, stats: c.stats,
	}
	if c.meta != nil {
		d.meta = c.meta.Clone()
	}
	if c.replica != nil {
		d.replica = c.replica.Clone()
	}
	for _, id := range slices.Sorted(maps.Keys(c.conns)) {
		cn := c.conns[id].clone()
		d.conns[id] = cn
		if cn.timer != 0 {
			d.timers[cn.timer] = cn
		}
	}
	return d
}

// AppendState appends the canonical state: connections in the order in which they were
// accepted, each deadline relative to now, neither their numbers nor any count, and of peers'
// addresses which are the same; then meta and replica. Sequence numbers of requests are the
// peer's and stay.
func (c *Core) AppendState(dst []byte, now time.Time) []byte {
	dst = appendBool(dst, c.closed)
	dst = binary.AppendUvarint(dst, uint64(len(c.conns)))
	hosts := make(map[netip.Addr]int) // by first appearance, of those that may be half-open
	for _, id := range slices.Sorted(maps.Keys(c.conns)) {
		cn := c.conns[id]
		dst = cn.appendState(dst, now)
		if c.auth.Enabled && cn.step != stepDone {
			host, known := hosts[cn.peer.Addr()]
			if !known {
				host = len(hosts)
				hosts[cn.peer.Addr()] = host
			}
			dst = binary.AppendUvarint(dst, uint64(host))
		}
	}
	if c.meta != nil {
		dst = c.meta.AppendState(dst, now)
	}
	if c.replica != nil {
		dst = c.replica.AppendState(dst, now)
	}
	return dst
}

func (cn *conn) appendState(dst []byte, now time.Time) []byte {
	dst = append(dst, byte(cn.state), byte(cn.step))
	dst = binary.AppendUvarint(dst, uint64(cn.rounds))
	dst = appendText(dst, cn.principal)
	if dst = appendBool(dst, cn.tokenPending); cn.tokenPending {
		dst = binary.AppendVarint(dst, int64(cn.tokenSeq))
	}
	if dst = appendBool(dst, cn.timer != 0); cn.timer != 0 {
		dst = binary.AppendVarint(dst, int64(cn.deadline.Sub(now)))
	}
	dst = binary.AppendUvarint(dst, uint64(len(cn.held)))
	for i := range cn.held {
		dst = cn.held[i].appendState(dst, cn.heldBytes)
	}
	undecoded := cn.decoder != nil && cn.decoder.Buffered() > 0
	if dst = appendBool(dst, undecoded); undecoded {
		dst = cn.decoder.AppendState(dst)
	}
	return dst
}

func (h *heldRequest) appendState(dst, bodies []byte) []byte {
	r := &h.request
	dst = binary.AppendVarint(dst, int64(r.Header.AppID))
	dst = binary.AppendVarint(dst, int64(r.Header.Partition))
	dst = appendBool(dst, r.Header.Backup)
	dst = appendBool(dst, r.OneWay)
	dst = binary.AppendUvarint(dst, uint64(r.RPC))
	dst = appendText(dst, r.Name)
	dst = binary.AppendVarint(dst, int64(r.Seq))
	return appendText(dst, string(bodies[h.start:h.end]))
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
