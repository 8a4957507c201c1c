// The state as a value: copied, and written in canonical form.

package ticket

import (
	"encoding/binary"
	"slices"
	"time"
)

// Clone returns an independent copy.
func (c *Core) Clone() *Core {
	d := *c
	d.slots, d.waiters = slices.Clone(c.slots), slices.Clone(c.waiters)
	return &d
}

// AppendState appends the state in canonical form: two keepers with equal configurations
// and equal bytes will do the same. Instants are relative to now, identities are what they
// belong to; name gives the canonical name of each wait and is called in order of arrival.
// Left out is what a past failure says beside its kind and cause.
func (c *Core) AppendState(dst []byte, now time.Time, name func(WaiterID) uint64) []byte {
	dst = append(dst, flags(c.closed))
	dst = binary.AppendUvarint(dst, uint64(len(c.slots)))
	for i := range c.slots {
		dst = c.appendSlot(dst, now, &c.slots[i])
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.waiters)))
	for _, w := range c.waiters {
		dst = binary.AppendUvarint(dst, name(w.id))
		dst = binary.AppendVarint(dst, int64(c.find(w.name)))
		dst = appendInstant(dst, now, w.deadline)
	}
	return appendTimer(dst, now, &c.watch)
}

func (c *Core) appendSlot(dst []byte, now time.Time, s *slot) []byte {
	dst = appendText(appendText(dst, s.name.Service), s.name.Host)
	dst = append(dst, byte(s.state), byte(s.phase), byte(s.exchange), flags(s.ticket.Handle != 0, s.doubted, s.replace, s.keep, s.anew))
	if s.ticket.Handle != 0 {
		dst = appendInstant(dst, now, s.ticket.End)
		dst = appendInstant(dst, now, s.ticket.RenewTill)
		dst = binary.AppendVarint(dst, int64(min(now.Sub(s.got), c.cfg.UnreachableCap)))
	}
	rest := c.cfg.BackoffBase
	if !s.began.IsZero() {
		rest = min(rest, now.Sub(s.began))
	}
	dst = binary.AppendVarint(dst, int64(rest))
	dst = binary.AppendUvarint(dst, uint64(min(s.failures, c.capped())))
	dst = binary.AppendUvarint(dst, uint64(s.suspects))
	dst = append(dst, byte(s.failure.Kind), byte(s.failure.Cause), flags(s.failure.Of.Granting()))
	return appendTimer(appendTimer(dst, now, &s.attempt), now, &s.end)
}

// capped is the number of failures after which more change nothing.
func (c *Core) capped() int {
	most := max(c.cfg.UnreachableCap, c.cfg.RefusedCap)
	for n := range maxFailures {
		if c.cfg.BackoffBase >= most>>n {
			return n
		}
	}
	return maxFailures
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// appendTimer writes a timer that is overdue like one that is just due.
func appendTimer(dst []byte, now time.Time, t *timer) []byte {
	if t.id == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(append(dst, 1), uint64(max(0, t.due.Sub(now))))
	return binary.AppendUvarint(dst, uint64(t.spread))
}

// appendInstant writes an instant relative to now; zero is none.
func appendInstant(dst []byte, now, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, 0)
	}
	return binary.AppendVarint(append(dst, 1), int64(t.Sub(now)))
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
