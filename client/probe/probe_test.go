package probe

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mechanism(secret string) sasl.Mechanism {
	return sasl.NewTest(sasl.TestConfig{Principal: "probe", Secret: []byte(secret)})
}

// served is a cluster, and a probe of it that would succeed.
func served(t *testing.T, access server.Access) Config {
	t.Helper()
	cluster, err := server.StartCluster(server.ClusterConfig{
		Auth: server.Auth{Enabled: true, Mandatory: true}, Mechanism: mechanism("s"), Access: access,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	cfg := Config{Table: "temp", Client: client.Config{
		Mechanism: mechanism("s"), AllowTestMechanism: true, OpenTimeout: 10 * time.Second, OperationTimeout: 10 * time.Second,
	}}
	for _, m := range cluster.Metas() {
		cfg.Client.Metas = append(cfg.Client.Metas, m.String())
	}
	return cfg
}

func names(operations []Operation) (list []string) {
	for _, o := range operations {
		list = append(list, o.Name+" "+o.Outcome)
	}
	return list
}

// allReady: every session is.
func allReady(sessions []Session) bool {
	return !slices.ContainsFunc(sessions, func(s Session) bool { return s.State != "ready" })
}

// A probe waits for no session that its rows do not need, so on a busy machine it is repeated
// with more time between the rounds.
func TestServingCluster(t *testing.T) {
	cfg := served(t, server.Access{})
	cfg.Rounds, cfg.Interval = 3, time.Millisecond
	report := serving(t, cfg)
	for ; !allReady(report.Sessions) && cfg.Interval < 5*time.Second; report = serving(t, cfg) {
		cfg.Interval *= 4
	}
	require.True(t, allReady(report.Sessions), "%+v", report.Sessions)
}

// serving runs the probe, of which everything succeeds.
func serving(t *testing.T, cfg Config) Report {
	t.Helper()
	var rounds [][]string
	cfg.Round = func(n int, operations []Operation) {
		require.Len(t, rounds, n-1)
		rounds = append(rounds, names(operations))
	}
	report, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.True(t, report.OK)
	require.Equal(t, cfg.Client.Metas[0], report.Leader)
	require.Equal(t, 3, report.Rounds)
	require.Equal(t, []string{"open ok", "put ok", "get ok", "remove ok"}, names(report.Operations))
	require.Equal(t, [][]string{{"put ok", "get ok", "remove ok"}, {"put ok", "get ok", "remove ok"}, {"put ok", "get ok", "remove ok"}}, rounds)
	require.NotEmpty(t, report.Sessions)
	require.Empty(t, report.Hint)
	return report
}

func TestReadOnlyProbeWritesNothing(t *testing.T) {
	nobody, err := server.ParsePattern("nobody")
	require.NoError(t, err)
	access := server.Access{}
	access.May[server.OperationWrite] = []server.Pattern{nobody}
	cfg := served(t, access)

	cfg.ReadOnly = true
	report, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, []string{"open ok", "get ok"}, names(report.Operations))

	cfg.ReadOnly = false
	report, err = Run(t.Context(), cfg)
	require.ErrorIs(t, err, client.ErrDenied)
	require.False(t, report.OK)
	require.Equal(t, []string{"open ok", "put failed"}, names(report.Operations))
}

// untilRefused is long enough for a busy machine to be refused.
const untilRefused = 3 * time.Second

func TestHints(t *testing.T) {
	t.Parallel()
	cfg := served(t, server.Access{})
	cfg.Client.Mechanism, cfg.Client.OpenTimeout = mechanism("another"), untilRefused
	report, err := Run(t.Context(), cfg)
	require.ErrorIs(t, err, client.ErrDeadline)
	require.Equal(t, []string{"open failed"}, names(report.Operations))
	require.Contains(t, report.Hint, "negotiations failed")

	cfg.Client.Metas, cfg.Client.OpenTimeout = []string{"127.0.0.1:1"}, time.Second
	report, err = Run(t.Context(), cfg)
	require.Error(t, err)
	require.Contains(t, report.Hint, "no server could be reached")
	require.Empty(t, report.Leader, "nobody has said who leads")

	cfg.Client.Metas = []string{"nonsense"}
	_, err = Run(t.Context(), cfg)
	var bad *client.ConfigError
	require.ErrorAs(t, err, &bad)
}

func TestInterruptedProbe(t *testing.T) {
	cfg := served(t, server.Access{})
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Rounds, cfg.Interval = 2, time.Hour
	cfg.Round = func(int, []Operation) { cancel() }
	report, err := Run(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, report.Rounds)
}

// A bug of the client is told as one, and not as somebody's credentials.
func TestBugIsNoRefusal(t *testing.T) {
	t.Parallel()
	cfg := served(t, server.Access{})
	cfg.Client.OpenTimeout = untilRefused
	cfg.Client.ServerName = func(netip.AddrPort) string { panic("private") }
	report, err := Run(t.Context(), cfg)
	require.ErrorIs(t, err, client.ErrDeadline)
	require.False(t, report.OK)
	require.Positive(t, report.InternalErrors)
	require.Contains(t, report.Hint, "a bug of this client")
	for _, s := range report.Sessions {
		require.Zero(t, s.NegotiationsFailed)
	}
}
