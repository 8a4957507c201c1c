// The client over TCP against the reference server: the same load and restarts as on the
// fake clock, and what an operation costs.

package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/server/node"
)

var mechanism = sasl.NewTest(sasl.TestConfig{Secret: []byte("secret")})

// startServers starts a cluster with mandatory authentication, and opens a client.
func startServers(tb testing.TB, change func(*client.Config)) (*server.Cluster, *client.Client) {
	cluster, err := server.StartCluster(server.ClusterConfig{Auth: node.Auth{Enabled: true, Mandatory: true}, Mechanism: mechanism})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, cluster.Close()) })
	cfg := client.Config{Tables: []string{"temp"}, Mechanism: mechanism, AllowTestMechanism: true, OperationTimeout: 10 * time.Second}
	for _, m := range cluster.Metas() {
		cfg.Metas = append(cfg.Metas, m.String())
	}
	if change != nil {
		change(&cfg)
	}
	c, err := client.Open(tb.Context(), cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, c.Close()) })
	return cluster, c
}

// requireRestart restarts every node. The ports are ephemeral, so an outgoing connection may have
// one as its own for a moment.
func requireRestart(t *testing.T, cluster *server.Cluster) {
	t.Helper()
	err := cluster.Restart(cluster.Nodes()...)
	for deadline := time.Now().Add(20 * time.Second); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		err = cluster.Restart(cluster.Nodes()...)
	}
	require.NoError(t, err)
}

func TestLoopback(t *testing.T) {
	_, c := startServers(t, nil)
	table := c.Table("temp")
	for i := range 20 {
		key := fmt.Appendf(nil, "key %d", i)
		require.NoError(t, table.Put(t.Context(), key, []byte("s"), key, time.Hour))
		value, err := table.Get(t.Context(), key, []byte("s"))
		require.NoError(t, err)
		require.Equal(t, key, value)
		ttl, err := table.TTL(t.Context(), key, []byte("s"))
		require.NoError(t, err)
		require.InDelta(t, time.Hour, ttl, float64(time.Minute))
		require.NoError(t, table.Remove(t.Context(), key, []byte("s")))
		_, err = table.Get(t.Context(), key, []byte("s"))
		require.ErrorIs(t, err, client.ErrNotFound)
	}
}

// TestLoopbackRestart kills and restarts every node under load; each time everything works
// within the reconnect bound of the last node serving, with room for a busy machine.
func TestLoopbackRestart(t *testing.T) {
	cluster, c := startServers(t, func(cfg *client.Config) { cfg.ReconnectCap = 200 * time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	var done, failed atomic.Int64
	for caller := range 8 {
		callers.Go(func() {
			table := c.Table("temp")
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Appendf(nil, "%d.%d", caller, i)
				if err := table.Put(t.Context(), key, nil, key, 0); err != nil {
					failed.Add(1)
					continue
				}
				value, err := table.Get(t.Context(), key, nil)
				if err == nil && string(value) != string(key) {
					t.Errorf("got %q instead of %q", value, key)
				}
				done.Add(1)
			}
		})
	}
	for range 5 {
		time.Sleep(50 * time.Millisecond)
		require.NoError(t, cluster.Kill(cluster.Nodes()...))
		require.Eventually(t, func() bool { return !c.Health().Ready }, 10*time.Second, time.Millisecond)
		requireRestart(t, cluster)
		require.Eventually(t, func() bool { return c.Health().Ready }, 10*time.Second, time.Millisecond)
		require.NoError(t, c.Table("temp").Put(t.Context(), []byte("after"), nil, nil, 0))
	}
	stop()
	callers.Wait()
	require.Positive(t, done.Load())
	t.Logf("%d calls, %d failed", done.Load(), failed.Load())
}

// TestLoopbackNoServer: nobody listens where the metas should be; a port in the ephemeral
// range may connect to itself.
func TestLoopbackNoServer(t *testing.T) {
	cluster, err := server.StartCluster(server.ClusterConfig{})
	require.NoError(t, err)
	gone := cluster.Metas()[0].String()
	require.NoError(t, cluster.Close())
	_, err = client.Open(t.Context(), client.Config{
		Metas: []string{gone}, Tables: []string{"temp"}, Auth: client.AuthOff, OpenTimeout: 300 * time.Millisecond,
	})
	require.ErrorIs(t, err, client.ErrDeadline)
}

// TestLoopbackDowngrade: a cluster without authentication is none for a client that
// requires it, and is for one that prefers it.
func TestLoopbackDowngrade(t *testing.T) {
	cluster, err := server.StartCluster(server.ClusterConfig{})
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Close()) }()
	var downgraded atomic.Bool
	cfg := client.Config{
		Metas: []string{cluster.Metas()[0].String()}, Tables: []string{"temp"},
		Mechanism: mechanism, AllowTestMechanism: true, OperationTimeout: 10 * time.Second, OpenTimeout: 300 * time.Millisecond,
		OnSession: func(s client.SessionChange) {
			if s.Reason.String() == "downgrade" {
				downgraded.Store(true)
			}
		},
	}
	for ; !downgraded.Load() && cfg.OpenTimeout < 10*time.Second; cfg.OpenTimeout *= 2 { // a busy machine may need longer
		_, err = client.Open(t.Context(), cfg)
		require.ErrorIs(t, err, client.ErrDeadline)
	}
	require.True(t, downgraded.Load())
	cfg.Auth, cfg.OpenTimeout = client.AuthPreferred, 10*time.Second
	c, err := client.Open(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, c.Table("temp").Put(t.Context(), []byte("k"), nil, nil, 0))
	require.NoError(t, c.Close())
}

// BenchmarkGet is gets of 100-byte values by callers that do one after another; server and
// client share the machine.
func BenchmarkGet(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			_, c := startServers(b, nil)
			table := c.Table("temp")
			value := make([]byte, 100)
			for i := range 64 {
				require.NoError(b, table.Put(b.Context(), fmt.Appendf(nil, "key %d", i), nil, value, 0))
			}
			latencies := make([][]time.Duration, callers)
			var left atomic.Int64
			left.Store(int64(b.N))
			var all sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for caller := range callers {
				all.Go(func() {
					key := fmt.Appendf(nil, "key %d", caller)
					for left.Add(-1) >= 0 {
						begin := time.Now()
						if _, err := table.Get(b.Context(), key, nil); err != nil {
							b.Error(errors.Join(err))
							return
						}
						latencies[caller] = append(latencies[caller], time.Since(begin))
					}
				})
			}
			all.Wait()
			b.StopTimer()
			sorted := slices.Concat(latencies...)
			slices.Sort(sorted)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "gets/s")
			b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds()), "p99-us")
		})
	}
}
