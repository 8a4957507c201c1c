package server

import (
	"bytes"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// A trace watches: where it fails on what a peer sent, that costs neither the peer nor the server.
func TestPanicsOfTheTraceAreContained(t *testing.T) {
	var log bytes.Buffer
	cfg := single()
	cfg.Auth, cfg.Logger = mandatory, slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, cfg)
	require.NoError(t, s.call(func() { s.tracer = &tracer{} })) // everything in it panics
	p := dial(t, s.Addr()).authenticate()
	require.Equal(t, protocol.CodeOK, p.put(home, "k", "v"))
	p.write(protocol.RPCNegotiation, protocol.GPID{}, nil) // out of order: it ends the connection
	_, err := p.read()
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, dial(t, s.Addr()).authenticate().conn.Close())
	stats := s.Stats()
	assert.Positive(t, stats.Panics)
	assert.Zero(t, stats.Closed[node.CauseInternal])
	require.NoError(t, s.Close())
	assert.Contains(t, log.String(), "in=trace")
}
