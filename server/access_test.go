// Who may do what, over real connections, and what the log says of it.

package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

func TestPrincipalThatIsNotAllowed(t *testing.T) {
	var log bytes.Buffer
	cfg := single()
	cfg.Auth, cfg.Mechanism, cfg.Logger = mandatory, mechanism, slog.New(slog.NewTextHandler(&log, nil))
	cfg.Access.Allowed = []Pattern{pattern(t, "somebody-else")}
	s := start(t, cfg)
	require.Error(t, quietNegotiation(dial(t, s.Addr()).conn))
	stats := s.Stats()
	require.NoError(t, s.Close())
	assert.EqualValues(t, 1, stats.Failures[node.FailureAccess])
	assert.Contains(t, log.String(), `negotiation="principal not allowed"`)
}

func TestAdministrationIsForListedPrincipals(t *testing.T) {
	for _, c := range []struct {
		admin string
		code  protocol.ErrorCode
	}{
		{"somebody-else", protocol.CodeACLDeny},
		{"*", protocol.CodeHandlerNotFound}, // granted: and there is no handler for it
	} {
		var denied []Execution
		cfg := single()
		cfg.Auth, cfg.Mechanism = mandatory, mechanism
		cfg.Hooks.Denied = func(e Execution) { denied = append(denied, e) }
		cfg.Access.May[OperationAdmin] = []Pattern{pattern(t, c.admin)}
		s := start(t, cfg)
		p := dial(t, s.Addr())
		p.authenticate()
		r := p.call(protocol.RPCControlMeta, protocol.GPID{}, []byte{0})
		require.NoError(t, s.Close())
		assert.Equal(t, c.code, r.Code)
		assert.Equal(t, c.code == protocol.CodeACLDeny, len(denied) == 1, "%v", denied)
	}
}

func pattern(t *testing.T, text string) Pattern {
	t.Helper()
	p, err := ParsePattern(text)
	require.NoError(t, err)
	return p
}

func TestDeadlinesThatDoNotGoTogether(t *testing.T) {
	for _, c := range []struct {
		server, client time.Duration
		auth           Auth
		warns          bool
	}{
		{0, 0, mandatory, false}, // the client's is not known
		{0, 5 * time.Second, mandatory, false},
		{0, 15 * time.Second, mandatory, true}, // the default is 15 s
		{5 * time.Second, 10 * time.Second, mandatory, true},
		{5 * time.Second, 10 * time.Second, Auth{}, false},
	} {
		var log bytes.Buffer
		cfg := single()
		cfg.Auth, cfg.Mechanism, cfg.Logger = c.auth, mechanism, slog.New(slog.NewTextHandler(&log, nil))
		cfg.Limits.NegotiationTimeout, cfg.ClientNegotiationTimeout = c.server, c.client
		require.NoError(t, start(t, cfg).Close())
		assert.Equal(t, c.warns, strings.Contains(log.String(), "level=WARN"), "%+v: %s", c, log.String())
		if c.warns {
			assert.Contains(t, log.String(), `"server Limits.NegotiationTimeout"=`)
			assert.Contains(t, log.String(), `"client NegotiationTimeout"=`+c.client.String())
		}
	}
}
