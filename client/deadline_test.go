// Deadlines: whatever a context or a configuration has, the core gets an instant that clocks
// which are set cannot move.

package client

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A deadline without a monotonic reading would be ordered among others by a clock that can be
// set: one that others hide behind would not be noticed in time.
func TestDeadlinesAreMonotonic(t *testing.T) {
	for name, c := range map[string]struct {
		timeout time.Duration
		at      time.Time // zero: the context has none
		left    time.Duration
	}{
		"monotonic":     {time.Minute, time.Now().Add(time.Hour), time.Hour},
		"wall clock":    {time.Minute, time.Now().Add(time.Hour).Round(0), time.Hour},
		"end of time":   {time.Minute, time.Unix(1<<40, 0), longestCall},
		"none":          {time.Minute, time.Time{}, time.Minute},
		"none, endless": {math.MaxInt64, time.Time{}, longestCall},
	} {
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if !c.at.IsZero() {
			ctx, cancel = context.WithDeadline(ctx, c.at)
		}
		t.Cleanup(cancel)
		cfg := Config{OperationTimeout: c.timeout}
		deadline, limited := cfg.deadline(ctx)
		require.Equal(t, !c.at.IsZero(), limited, name)
		require.NotEqual(t, deadline.Round(0), deadline, "%s: the monotonic reading is gone", name)
		require.InDelta(t, c.left, time.Until(deadline), float64(time.Second), name)
	}
}

// An error is the context's, also where a cause was given, and then it is that too; and a
// deadline that has passed is ErrDeadline, wherever that was noticed.
func TestContextsErrors(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		cluster.with(func() { cluster.mute = true })
		why := errors.New("the user went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Millisecond, func() { cancel(why) })
		for range 2 { // on its way, and before
			_, err := c.Table("temp").Get(ctx, hashKey, sortKey)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, why)
			require.ErrorContains(t, err, why.Error())
			require.NotErrorIs(t, err, ErrDeadline)
		}
		limited, end := context.WithTimeoutCause(t.Context(), time.Millisecond, why)
		defer end()
		for range 2 {
			_, err := c.Table("temp").Get(limited, hashKey, sortKey)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, ErrDeadline)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "deadline", e.Reason.String())
		}
	})
}
