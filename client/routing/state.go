// The state as a value: copied, and written in canonical form.

package routing

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
)

// Clone returns an independent copy. It shares the bodies of operations and queries,
// which nobody changes.
func (c *Core) Clone() *Core {
	d := *c
	d.peers = slices.Clone(c.peers)
	for i := range d.peers {
		if d.peers[i].core != nil {
			d.peers[i].core = d.peers[i].core.Clone()
		}
	}
	d.metas = slices.Clone(c.metas)
	d.tables = slices.Clone(c.tables)
	for i := range d.tables {
		d.tables[i].partitions = slices.Clone(d.tables[i].partitions)
	}
	d.ops = c.ops.clone()
	d.effects, d.runs = nil, nil
	return &d
}

// AppendState appends the state in canonical form: two clients with equal
// configurations and equal bytes will do the same. Instants are relative to now,
// operations are named by their order.
func (c *Core) AppendState(dst []byte, now time.Time) []byte {
	order := uint64(0)
	return c.AppendStateNamed(dst, now, func(OpID) uint64 { order++; return order })
}

// AppendStateNamed is AppendState for an owner that needs to tell its operations apart:
// name gives the canonical name of each, and is called in order of submission.
func (c *Core) AppendStateNamed(dst []byte, now time.Time, name func(OpID) uint64) []byte {
	dst = append(dst, flags(c.draining, c.closed))
	dst = appendTimer(dst, now, &c.deadline)
	dst = appendTimer(dst, now, &c.retry)
	dst = binary.AppendUvarint(dst, uint64(c.leader))
	dst = binary.AppendUvarint(dst, uint64(len(c.metas)))
	for i := range c.metas {
		dst = appendAddr(dst, c.metas[i].addr)
		dst = append(dst, flags(c.metas[i].learned))
		dst = binary.AppendVarint(dst, int64(c.metas[i].peer))
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.tables)))
	for i := range c.tables {
		dst = c.appendTable(dst, now, &c.tables[i])
	}
	rank := make(map[session.RequestID]uint64, c.ops.n)
	dst = binary.AppendUvarint(dst, uint64(c.ops.n))
	for i := c.ops.first(); i != none; i = int(c.ops.records[i].next) {
		rank[session.RequestID(i)] = uint64(len(rank)) + 1
		dst = c.appendOp(dst, now, i, name)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.peers)))
	for i := range c.peers {
		dst = appendPeer(dst, now, &c.peers[i], rank)
	}
	return dst
}

func (c *Core) appendTable(dst []byte, now time.Time, t *table) []byte {
	dst = appendBytes(dst, t.name)
	dst = append(dst, flags(t.known, t.stale), byte(t.phase))
	dst = binary.AppendVarint(dst, int64(t.appID))
	dst = binary.AppendUvarint(dst, uint64(t.code))
	if t.phase == queryAsked {
		dst = binary.AppendUvarint(dst, uint64(t.meta))
		dst = binary.AppendUvarint(dst, uint64(t.redirects))
	}
	if t.phase == queryAsked || t.phase == queryBackoff {
		dst = binary.AppendUvarint(dst, t.tried)
	}
	dst = binary.AppendUvarint(dst, uint64(t.rounds))
	dst = binary.AppendUvarint(dst, uint64(min(now.Sub(t.asked), c.cfg.RefreshInterval))) // never is long ago
	dst = appendTimer(dst, now, &t.wait)
	dst = binary.AppendUvarint(dst, uint64(len(t.partitions)))
	for i := range t.partitions {
		p := &t.partitions[i]
		dst = binary.AppendVarint(dst, p.ballot)
		dst = appendAddr(dst, p.primary)
		dst = binary.AppendVarint(dst, int64(p.peer))
	}
	return dst
}

func (c *Core) appendOp(dst []byte, now time.Time, i int, name func(OpID) uint64) []byte {
	r := &c.ops.records[i]
	dst = binary.AppendUvarint(dst, name(r.op.ID))
	dst = append(dst, byte(r.state), flags(r.open))
	dst = binary.AppendUvarint(dst, uint64(r.table))
	dst = binary.AppendUvarint(dst, uint64(r.op.RPC))
	dst = binary.AppendUvarint(dst, r.op.Hash)
	dst = binary.AppendVarint(dst, int64(r.op.Deadline.Sub(now)))
	dst = appendBytes(dst, r.op.Body)
	dst = binary.AppendUvarint(dst, uint64(r.code))
	dst = binary.AppendUvarint(dst, uint64(r.waits))
	if at, ok := c.ops.retries.When(int32(i)); ok {
		dst = binary.AppendVarint(dst, int64(at.Sub(now)))
	}
	dst = binary.AppendVarint(dst, int64(r.peer))
	dst = binary.AppendVarint(dst, int64(r.partition))
	dst = binary.AppendVarint(dst, int64(r.appID))
	dst = binary.AppendVarint(dst, r.ballot)
	return appendAddr(dst, r.primary)
}

func appendPeer(dst []byte, now time.Time, p *peer, rank map[session.RequestID]uint64) []byte {
	if p.core == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1, flags(p.ready, p.closing, p.kept, p.needed))
	dst = appendAddr(dst, p.addr)
	return p.core.AppendStateNamed(dst, now, func(id session.RequestID) uint64 {
		if id&queryFlag != 0 {
			return uint64(id) // names its table
		}
		return rank[id]
	})
}

// appendTimer writes a timer that is overdue like one that is just due.
func appendTimer(dst []byte, now time.Time, t *timer) []byte {
	if t.id == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(append(dst, 1), uint64(max(0, t.due.Sub(now))))
	return binary.AppendUvarint(dst, uint64(t.spread))
}

func appendAddr(dst []byte, a netip.AddrPort) []byte {
	b, err := a.MarshalBinary()
	if err != nil { // no address has one
		b = nil
	}
	return appendBytes(dst, b)
}

func appendBytes[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func flags(set ...bool) byte {
	var b byte
	for i, on := range set {
		if on {
			b |= 1 << i
		}
	}
	return b
}
