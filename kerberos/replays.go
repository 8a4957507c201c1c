// A replay cache that negotiations at the same time may use.

package kerberos

import (
	"errors"
	"sync"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// DefaultReplays is how many negotiations a replay cache remembers unless told otherwise:
// 100 a second for ten minutes, in about 9 MB.
const DefaultReplays = 60_000

// Replays is a gssapi.ReplayCache for one acceptor: one service key on one host, however
// many listeners of this process use it. It is bounded: at its limit negotiations are
// refused until old ones may be forgotten. A restart forgets; see docs/operations.md.
type Replays struct {
	mu    sync.Mutex
	cache *gssapi.Replays
	stats ReplayStats
}

// ReplayStats are a replay cache's numbers.
type ReplayStats struct {
	Remembered int    // now
	Limit      int    // of them
	Refused    uint64 // because seen before
	Full       uint64 // because nothing more could be remembered
}

// NewReplays makes an empty cache for limit negotiations; 0 means DefaultReplays.
func NewReplays(limit int) *Replays {
	if limit <= 0 {
		limit = DefaultReplays
	}
	return &Replays{cache: gssapi.NewReplays(limit), stats: ReplayStats{Limit: limit}}
}

// Check implements gssapi.ReplayCache.
func (r *Replays) Check(now time.Time, skew time.Duration, seen gssapi.Replay) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.cache.Check(now, skew, seen)
	switch {
	case errors.Is(err, gssapi.ErrReplay):
		r.stats.Refused++
	case errors.Is(err, gssapi.ErrReplayFull):
		r.stats.Full++
	}
	return err
}

// Stats returns the numbers.
func (r *Replays) Stats() ReplayStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats := r.stats
	stats.Remembered = r.cache.Len()
	return stats
}
