package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

func TestWarningsOfASecond(t *testing.T) {
	var w warnings
	now := time.Now()
	for i := range 25 {
		level, left := w.next(now.Add(time.Duration(i) * time.Millisecond))
		require.Equal(t, i < maxWarnings, level == slog.LevelWarn)
		require.Zero(t, left)
	}
	level, left := w.next(now.Add(time.Second))
	require.Equal(t, slog.LevelWarn, level)
	require.Equal(t, 15, left)
	_, left = w.next(now.Add(time.Second))
	require.Zero(t, left)
}

// Who only has a connection costs one line with the reason, and no more than a few a second.
func TestRefusedTokensDoNotFloodTheLog(t *testing.T) {
	var log bytes.Buffer
	cfg := single()
	cfg.Auth, cfg.Logger = mandatory, slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, cfg)
	const peers = 10 * maxWarnings
	began := time.Now()
	for range peers {
		p := dial(t, s.Addr())
		p.negotiation(protocol.SASLListMechanisms, nil)
		p.negotiation(protocol.SASLSelectMechanisms, []byte(mechanism.Name()))
		p.write(protocol.RPCNegotiation, protocol.GPID{}, protocol.AppendNegotiationArgs(nil, protocol.SASLInitiate, []byte("token")))
		p.requireEnd()
	}
	seconds := int(time.Since(began)/time.Second) + 2
	require.NoError(t, s.Close())
	require.EqualValues(t, peers, s.Stats().TokenErrors)
	lines := strings.Count(log.String(), "level=WARN")
	require.Positive(t, lines)
	require.LessOrEqual(t, lines, min(peers, seconds*maxWarnings))
	require.Equal(t, lines, strings.Count(log.String(), `msg="token refused"`), "one line for each")
}
