package metrics

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/server/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerNamesAndHelpsAreAsPrometheusWantsThem(t *testing.T) {
	problems, err := testutil.CollectAndLint(NewServer(ServerSources{Nodes: func() []Node { return []Node{{Name: "meta1"}} }, Replays: kerberos.NewReplays(0)}))
	require.NoError(t, err)
	require.Empty(t, problems)
}

// Every number of the statistics has a place: each is set to a number of its own and found.
func TestServerNumbers(t *testing.T) {
	var s server.Stats
	s.Accepted, s.Conns, s.HalfOpen, s.BufferedBytes = 1, 2, 3, 4
	s.NegotiationsStarted, s.NegotiationsDone, s.Executed = 5, 6, 7
	s.Early, s.EarlyRefused, s.EarlyHeld, s.EarlyDropped = 100, 10, 20, 30
	s.Closed[node.CauseNegotiationTimeout], s.Failures[node.FailureAccess], s.Denied[node.OperationAdmin] = 8, 9, 11
	s.Panics, s.SlowPeers, s.AcceptErrors, s.Refusals = 12, 13, 14, map[string]uint64{"skew": 15}
	replays := kerberos.NewReplays(3)
	now := time.Now()
	require.NoError(t, replays.Check(now, time.Minute, gssapi.Replay{Time: now}))
	require.ErrorIs(t, replays.Check(now, time.Minute, gssapi.Replay{Time: now}), gssapi.ErrReplay)

	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewServer(ServerSources{Nodes: func() []Node { return []Node{{"meta1", s}, {"replica1", server.Stats{}}} }, Replays: replays}))
	families, err := registry.Gather()
	require.NoError(t, err)
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), serverPrefix)
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"connections_accepted_total meta1": 1, "connections meta1": 2, "negotiations_half_open meta1": 3, "buffered_bytes meta1": 4,
		"negotiations_started_total meta1": 5, "negotiations_succeeded_total meta1": 6, "requests_executed_total meta1": 7,
		"connections_closed_total negotiation-timed-out meta1": 8, "negotiations_failed_total principal-not-allowed meta1": 9,
		"early_requests_total meta1 refused": 10, "early_requests_total meta1 held": 20, "early_requests_total meta1 dropped": 30,
		"early_requests_total meta1 disconnected": 40, "requests_denied_total meta1 admin": 11, "internal_errors_total meta1": 12,
		"slow_peers_total meta1": 13, "accept_errors_total meta1": 14, "tokens_refused_total meta1 skew": 15,
		"replay_cache_entries": 1, "replay_cache_limit": 3, "replays_refused_total": 1, "replay_cache_full_total": 0,
		"internal_errors_total replica1": 0, "tokens_refused_total replica1 replay": 0,
	} {
		value, there := got[name]
		require.True(t, there, "%s is missing from %v", name, got)
		require.InDelta(t, want, value, 0, name)
	}
}

// Every metric that the page for operators names is there.
func TestDocumentedServerMetrics(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	named := regexp.MustCompile(serverPrefix+`[a-z_]+[a-z]`).FindAllString(string(page), -1)
	require.NotEmpty(t, named)
	ch := make(chan *prometheus.Desc, 100)
	NewServer(ServerSources{}).Describe(ch)
	close(ch)
	var known []string
	for d := range ch {
		_, name, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		known = append(known, name)
	}
	for _, name := range named {
		require.Contains(t, known, name)
	}
}

func TestClusterOverHTTP(t *testing.T) {
	mechanism := sasl.NewTest(sasl.TestConfig{Secret: []byte("s")})
	cluster, err := server.StartCluster(server.ClusterConfig{Auth: server.Auth{Enabled: true, Mandatory: true}, Mechanism: mechanism})
	require.NoError(t, err)
	endpoint, err := Listen(context.Background(), "127.0.0.1:0", NewServer(ServerSources{Nodes: OfCluster(cluster)}))
	require.NoError(t, err)
	_, err = Listen(context.Background(), endpoint.Addr().String())
	require.Error(t, err, "the port is taken")

	c, err := client.Open(t.Context(), client.Config{
		Metas: []string{cluster.Metas()[0].String()}, Tables: []string{"temp"}, Mechanism: mechanism, AllowTestMechanism: true, OperationTimeout: 10 * time.Second,
	})
	require.NoError(t, err)
	_, err = c.Table("temp").Get(t.Context(), []byte("k"), []byte("s"))
	require.True(t, err == nil || errors.Is(err, client.ErrNotFound), err)

	page := fetch(t, endpoint.Addr().String())
	require.Contains(t, page, `pegasus_server_negotiations_succeeded_total{node="meta1"} 1`)
	require.Contains(t, page, `pegasus_server_connections{node="meta2"} 0`)
	require.Contains(t, page, `pegasus_server_negotiations_failed_total{cause="token-refused",node="replica3"} 0`)
	require.NoError(t, c.Close())
	require.NoError(t, endpoint.Close())
	require.NoError(t, cluster.Close())
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}
