// The state as a value: copied, and written in canonical form.

package session

import (
	"encoding/binary"
	"math"
	"time"
)

// endless is the horizon of an owner that has none.
const endless time.Duration = math.MaxInt64

// Clone returns an independent copy. It shares the bodies of requests, which nobody
// changes.
func (c *Core) Clone() *Core {
	d := *c
	d.requests = c.requests.clone()
	d.decoder = c.decoder.Clone()
	d.scratch = nil
	return &d
}

// AppendState appends the state in canonical form: two sessions with equal
// configurations and equal bytes will do the same. Instants are relative to now,
// requests are named by their order, the current connection and its timers by what they
// are. Sequence numbers are left out: whoever holds answers that are on their way names
// them by Awaits.
func (c *Core) AppendState(dst []byte, now time.Time) []byte {
	order := uint64(0)
	return c.AppendStateNamed(dst, now, func(RequestID) uint64 { order++; return order })
}

// AppendStateNamed is AppendState for an owner that needs to tell its requests apart:
// name gives the canonical name of each, and is called in order of submission.
func (c *Core) AppendStateNamed(dst []byte, now time.Time, name func(RequestID) uint64) []byte {
	return c.AppendStateWithin(dst, now, endless, name)
}

// AppendStateWithin is AppendStateNamed for an owner that lets no timer fire that is due
// beyond a horizon: instants beyond it are written alike, so that a deadline that never
// decides does not tell apart what time has passed.
func (c *Core) AppendStateWithin(dst []byte, now time.Time, horizon time.Duration, name func(RequestID) uint64) []byte {
	dst = append(dst, byte(c.state), flags(c.draining, c.keep))
	dst = c.appendBackoff(dst, now)
	dst = c.appendConnection(dst, now)
	dst = appendTimer(dst, now, horizon, &c.phase)
	dst = appendTimer(dst, now, horizon, &c.watch)
	dst = binary.AppendUvarint(dst, uint64(c.requests.pending.n))
	dst = c.appendRequests(dst, now, horizon, &c.requests.pending, name)
	dst = binary.AppendUvarint(dst, uint64(c.requests.waiting.n))
	return c.appendRequests(dst, now, horizon, &c.requests.waiting, name)
}

// appendBackoff leaves out how long ago the last attempt began once that no longer
// delays the next.
func (c *Core) appendBackoff(dst []byte, now time.Time) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.backoff.failures))
	if c.state == StateClosed || c.backoff.last.IsZero() {
		return append(dst, 0)
	}
	elapsed := min(now.Sub(c.backoff.last), c.cfg.BackoffCap)
	return binary.AppendUvarint(append(dst, 1), uint64(elapsed))
}

func (c *Core) appendConnection(dst []byte, now time.Time) []byte {
	n := &c.conn
	dst = append(dst, flags(n.id != 0, n.satisfied, n.answered, n.seq != 0), byte(n.step))
	dst = binary.AppendUvarint(dst, uint64(n.challenges))
	if c.state == StateReady {
		dst = binary.AppendUvarint(dst, uint64(min(now.Sub(n.readyAt), c.cfg.BackoffCap)))
	}
	dst = appendInstant(dst, now, endless, n.unanswered)
	return c.decoder.AppendState(dst)
}

func (c *Core) appendRequests(dst []byte, now time.Time, horizon time.Duration, l *list, name func(RequestID) uint64) []byte {
	for i := l.head; i != none; i = c.requests.records[i].next {
		r := &c.requests.records[i].request
		dst = binary.AppendUvarint(dst, name(r.ID))
		dst = binary.AppendUvarint(dst, uint64(r.RPC))
		dst = binary.AppendVarint(dst, int64(r.Header.AppID))
		dst = binary.AppendVarint(dst, int64(r.Header.Partition))
		dst = binary.AppendVarint(dst, int64(r.Header.ThreadHash))
		dst = binary.AppendUvarint(dst, r.Header.PartitionHash)
		dst = append(dst, flags(r.Header.Backup))
		dst = appendInstant(dst, now, horizon, r.Deadline)
		dst = binary.AppendUvarint(dst, uint64(len(r.Body)))
		dst = append(dst, r.Body...)
	}
	return dst
}

// appendTimer writes a timer that is overdue like one that is just due.
func appendTimer(dst []byte, now time.Time, horizon time.Duration, t *timer) []byte {
	if t.id == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(append(dst, 1), uint64(min(max(0, t.due.Sub(now)), horizon)))
	return binary.AppendUvarint(dst, uint64(t.spread))
}

// appendInstant writes an instant relative to now, one beyond the horizon like one at it;
// zero is none.
func appendInstant(dst []byte, now time.Time, horizon time.Duration, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, 0)
	}
	return binary.AppendVarint(append(dst, 1), int64(min(t.Sub(now), horizon)))
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
