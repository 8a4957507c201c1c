// The replay cache of an acceptor: which authenticators it has accepted, for as long as
// they could be accepted again. What a restart forgets, see docs/decisions.

package gssapi

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Replay identifies an accepted AP-REQ.
type Replay struct {
	Client, Service Principal
	Time            time.Time         // the authenticator's, in microseconds
	Authenticator   [sha256.Size]byte // hash of its ciphertext
}

// ReplayCache remembers what an acceptor accepted. Check records r, or returns ErrReplay
// where it was recorded before, or ErrReplayFull. An entry is needed until twice skew later
// at most: by then its authenticator is too old.
type ReplayCache interface {
	Check(now time.Time, skew time.Duration, r Replay) error
}

// Replays is a ReplayCache in memory: plain data, without a lock. It is for one acceptor,
// or several of one service that are not stepped at the same time.
type Replays struct {
	limit int
	known map[replayID]struct{}
	queue []remembered // in order of arrival, from first on; a ring once it is full
	first int
}

type replayID [sha256.Size]byte

type remembered struct {
	id    replayID
	until time.Time // still needed then: a time is acceptable that is off by all of the skew
}

// NewReplays makes an empty cache for limit entries. It needs about 150 bytes for each
// that it holds; limit is negotiations per second times twice the skew in seconds. At the
// limit Check refuses: to forget early would let a replay in.
func NewReplays(limit int) *Replays {
	return &Replays{limit: max(limit, 1), known: make(map[replayID]struct{})}
}

// Len is the number of entries that are remembered, those that have run out included until
// the next Check.
func (c *Replays) Len() int { return len(c.known) }

// Check implements ReplayCache.
func (c *Replays) Check(now time.Time, skew time.Duration, r Replay) error {
	now = now.Round(0) // without the monotonic reading: a clock that is set back makes authenticators new again
	for len(c.known) > 0 && now.After(c.queue[c.first].until) {
		c.forgetFirst()
	}
	id := r.id()
	if _, seen := c.known[id]; seen {
		return fmt.Errorf("%w: %s sent it before, for %s, at %s", ErrReplay, r.Client, r.Service, stamp(r.Time))
	}
	if len(c.known) == c.limit {
		return fmt.Errorf("%w: it holds %d: raise its limit, or find out who negotiates so often", ErrReplayFull, c.limit)
	}
	c.remember(remembered{id: id, until: now.Add(2 * skew)})
	return nil
}

func (c *Replays) remember(r remembered) {
	if at := c.first + len(c.known); len(c.queue) < c.limit && at == len(c.queue) {
		c.queue = append(c.queue, r)
	} else {
		c.queue[at%len(c.queue)] = r
	}
	c.known[r.id] = struct{}{}
}

func (c *Replays) forgetFirst() {
	delete(c.known, c.queue[c.first].id)
	if c.first++; c.first == len(c.queue) {
		c.first = 0
	}
	if len(c.known) == 0 {
		c.queue, c.first = c.queue[:0], 0
	}
}

// Clone returns an independent copy.
func (c *Replays) Clone() *Replays {
	return &Replays{limit: c.limit, known: maps.Clone(c.known), queue: slices.Clone(c.queue), first: c.first}
}

// AppendState appends what is remembered, with times relative to now: equal bytes, equal
// answers from now on.
func (c *Replays) AppendState(dst []byte, now time.Time) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.limit))
	for i := range len(c.known) {
		r := c.queue[(c.first+i)%len(c.queue)]
		if left := r.until.Sub(now); left >= 0 {
			dst = binary.BigEndian.AppendUint64(append(dst, r.id[:]...), uint64(left))
		}
	}
	return dst
}

// id is one hash over all that identifies the request, every part with its length.
func (r Replay) id() replayID {
	b := make([]byte, 0, 256)
	for _, text := range [...]string{r.Client.String(), r.Service.String()} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(r.Time.UnixMicro()))
	return sha256.Sum256(append(b, r.Authenticator[:]...))
}
