// Real clients and servers over TCP, restarted under load: their own traces conform.

package conformance

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/trace"
)

// load calls a client from several goroutines until ctx ends.
func load(ctx context.Context, c *client.Client, callers int) (wait func() int64) {
	var group sync.WaitGroup
	var done atomic.Int64
	for caller := range callers {
		group.Go(func() {
			table := c.Table("temp")
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Appendf(nil, "%d.%d", caller, i)
				if table.Put(context.Background(), key, nil, []byte("secret value"), 0) == nil {
					done.Add(1)
				}
			}
		})
	}
	return func() int64 { group.Wait(); return done.Load() }
}

func TestRealDriversConform(t *testing.T) {
	mechanism := sasl.NewTest(sasl.TestConfig{Secret: []byte("secret"), Principal: "somebody"})
	var text bytes.Buffer
	writer, err := trace.NewWriter(&text, trace.Header{Tool: "test"})
	require.NoError(t, err)
	live := trace.NewLive(writer)
	cluster, err := server.StartCluster(server.ClusterConfig{
		Auth: server.Auth{Enabled: true, Mandatory: true}, Mechanism: mechanism, Trace: live,
	})
	require.NoError(t, err)
	var metas []string
	for _, m := range cluster.Metas() {
		metas = append(metas, m.String())
	}
	var clients []*client.Client
	for i := range 2 {
		c, err := client.Open(t.Context(), client.Config{
			Metas: metas, Tables: []string{"temp"}, Mechanism: mechanism, AllowTestMechanism: true,
			ReconnectCap: 100 * time.Millisecond, Trace: live.Node(fmt.Sprintf("client%d", i+1)),
		})
		require.NoError(t, err)
		clients = append(clients, c)
	}
	ctx, stop := context.WithCancel(t.Context())
	finished := load(ctx, clients[0], 12)
	for range 3 {
		time.Sleep(20 * time.Millisecond)
		require.NoError(t, cluster.Kill(cluster.Nodes()...))
		time.Sleep(10 * time.Millisecond)
		require.NoError(t, cluster.Restart(cluster.Nodes()...))
		require.Eventually(t, func() bool { return clients[0].Health().Ready && clients[1].Health().Ready }, 5*time.Second, time.Millisecond)
	}
	stop()
	require.Positive(t, finished())
	for _, c := range clients {
		require.NoError(t, c.Close())
	}
	require.NoError(t, cluster.Close())
	require.NoError(t, writer.Flush())
	require.NotContains(t, text.String(), "secret")

	result, err := Read(t.Context(), bytes.NewReader(text.Bytes()), Options{})
	require.NoError(t, err)
	t.Logf("%d events, %d sessions, %d connections, at most %d states", result.Events, result.Sessions, result.Connections, result.MostStates)
	requireConforming(t, &result)
	routed, err := Read(t.Context(), bytes.NewReader(text.Bytes()), Options{Spec: SpecRouting})
	require.NoError(t, err)
	requireConforming(t, &routed)
	require.Greater(t, routed.Steps, result.Steps/10)
	require.Greater(t, result.Connections, 20)
	require.GreaterOrEqual(t, result.Sessions, 6)
}

// requireConforming shows what was refused.
func requireConforming(t testing.TB, r *Result) {
	t.Helper()
	var why bytes.Buffer
	if r.First != nil {
		require.NoError(t, r.First.Tell(&why))
	}
	require.Equal(t, Conforming, r.Verdict, "%s\n%s", r.Reason, why.String())
}
