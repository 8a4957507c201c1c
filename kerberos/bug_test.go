package kerberos_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// A bug between the client and a KDC is a state of the ticket, is logged with its stack, and
// ends once it does not show any more.
func TestBugOfAFetchIsContained(t *testing.T) {
	r := newDevRealm(t)
	seen, log := &changes{}, &sharedLog{}
	cfg := r.configured(seen)
	cfg.Password, cfg.Logger = password, log.logger()
	var mended atomic.Bool
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if !mended.Load() {
			panic("private")
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	c := open(t, cfg)
	require.ErrorIs(t, c.Await(within(t, patience), hostName), gssapi.ErrInternal)
	require.True(t, seen.has(ticket.Name{}, ticket.StateRefused, ticket.CauseInternal))
	require.Positive(t, c.Health().Stats.Internal)
	require.Contains(t, log.String(), "level=ERROR")
	require.Contains(t, log.String(), "TestBugOfAFetchIsContained", "the stack")
	require.NotContains(t, log.String(), "private")
	mended.Store(true)
	require.Eventually(t, func() bool { return c.Await(within(t, time.Second), hostName) == nil }, patience, 10*time.Millisecond)
}

// A function of the application's that panics costs nobody a ticket.
func TestBugOfAnObserverIsContained(t *testing.T) {
	r := newDevRealm(t)
	var log bytes.Buffer
	cfg := r.configured(&changes{})
	cfg.Password, cfg.Logger = password, slog.New(slog.NewTextHandler(&log, nil))
	cfg.OnTicket = func(ticket.Change) { panic("private") }
	c := open(t, cfg)
	var told atomic.Int64
	c.Observe(func(ticket.Change) { told.Add(1); panic("private") })
	require.NoError(t, c.Await(within(t, patience), hostName))
	r.accepted(c)
	require.Positive(t, told.Load(), "the next one is called nevertheless")
	require.Greater(t, c.Health().Panics, uint64(told.Load()))
	require.NoError(t, c.Close())
	require.Contains(t, log.String(), "TestBugOfAnObserverIsContained", "the stack")
	require.NotContains(t, log.String(), "private")
}
