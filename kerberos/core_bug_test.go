package kerberos

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// A bug of the core, or of what drives it, ends the credentials: whoever waits, and whoever
// comes later, is told what happened, and nothing goes on in the background.
func TestBugOfTheCoreIsContained(t *testing.T) {
	var log bytes.Buffer
	hangs := make(chan struct{}, 8)
	c, err := OpenCredentials(ClientConfig{
		Principal: "client@TEST", Password: "private", KDCs: []string{"127.0.0.1:88"}, Settings: NewSettings(),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			hangs <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	require.NoError(t, err)
	<-hangs
	waits := make(chan error, 1)
	go func() { waits <- c.Await(t.Context(), "server") }()
	require.Eventually(t, func() bool { return c.Health().Waiting == 2 }, 10*time.Second, time.Millisecond)
	c.put(item{event: ticket.Event{Kind: ticket.EventFetched}}) // and no credential, which nobody sends
	require.ErrorIs(t, <-waits, gssapi.ErrInternal)
	require.ErrorIs(t, c.Await(t.Context(), "server"), gssapi.ErrInternal)
	require.NoError(t, c.Close())
	health := c.Health()
	require.True(t, health.Closed)
	require.EqualValues(t, 1, health.Panics)
	require.Contains(t, log.String(), "handleItem", "the stack")
	require.NotContains(t, log.String(), "private")
}
