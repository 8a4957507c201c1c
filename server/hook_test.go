package server

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// Hooks that panic, all of them and always, cost nobody a connection, and not the server.
func TestPanicsOfHooksAreContained(t *testing.T) {
	var log bytes.Buffer
	cfg := single()
	cfg.Auth, cfg.Logger = mandatory, slog.New(slog.NewTextHandler(&log, nil))
	nobody, err := ParsePattern("nobody")
	require.NoError(t, err)
	cfg.Access.May[OperationWrite] = []Pattern{nobody}
	cfg.Hooks = Hooks{
		Conn:     func(ConnChange) { panic("private") },
		Executed: func(Execution) { panic("private") },
		Denied:   func(Execution) { panic("private") },
	}
	s := start(t, cfg)
	p := dial(t, s.Addr()).authenticate()
	for range 3 {
		_, code := p.get(home, "k")
		require.Equal(t, protocol.CodeOK, code)
		require.Equal(t, protocol.CodeACLDeny, p.put(home, "k", "v"))
	}
	require.NoError(t, p.conn.Close())
	_, code := dial(t, s.Addr()).authenticate().get(home, "k")
	require.Equal(t, protocol.CodeOK, code)
	stats := s.Stats()
	assert.GreaterOrEqual(t, stats.Panics, uint64(8))
	assert.Zero(t, stats.Closed[node.CauseInternal])
	require.NoError(t, s.Close())
	for _, hook := range []string{"Hooks.Conn", "Hooks.Executed", "Hooks.Denied"} {
		assert.Contains(t, log.String(), hook)
	}
	assert.NotContains(t, log.String(), "private")
}
