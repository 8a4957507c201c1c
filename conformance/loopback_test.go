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

// A machine that stops for longer than the validator lets an event be late has the drivers
// tell of instants that are not so. The run is then made again.
func TestRealDriversConform(t *testing.T) {
	const attempts = 10
	for attempt := 1; ; attempt++ {
		lateness := watchLateness(t.Context())
		text := restartUnderLoad(t)
		late := lateness()
		result, routed := readText(t, text, SpecSession), readText(t, text, SpecRouting)
		if late > lagNS/2 && attempt < attempts && (result.Verdict != Conforming || routed.Verdict != Conforming) {
			t.Logf("run %d: this machine was %s late", attempt, late)
			continue
		}
		t.Logf("%d events, %d sessions, %d connections, at most %d states", result.Events, result.Sessions, result.Connections, result.MostStates)
		requireConforming(t, &result)
		requireConforming(t, &routed)
		require.Greater(t, routed.Steps, result.Steps/10)
		require.Greater(t, result.Connections, 20)
		require.GreaterOrEqual(t, result.Sessions, 6)
		return
	}
}

// watchLateness returns what ends the watch, and by how much this machine was late at most.
func watchLateness(ctx context.Context) (stop func() time.Duration) {
	const period = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(ctx)
	most := make(chan time.Duration)
	go func() {
		var late time.Duration
		for last := time.Now(); ; last = time.Now() {
			select {
			case <-time.After(period):
				late = max(late, time.Since(last)-period)
			case <-ctx.Done():
				most <- late
				return
			}
		}
	}()
	return func() time.Duration { cancel(); return <-most }
}

func readText(t *testing.T, text []byte, spec string) Result {
	result, err := Read(t.Context(), bytes.NewReader(text), Options{Spec: spec})
	require.NoError(t, err)
	return result
}

// restartUnderLoad is the trace of a cluster that is restarted three times, and of two clients.
func restartUnderLoad(t *testing.T) []byte {
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
		require.Eventually(t, func() bool { return clients[0].Health().Ready && clients[1].Health().Ready }, 20*time.Second, time.Millisecond)
	}
	stop()
	require.Positive(t, finished())
	for _, c := range clients {
		require.NoError(t, c.Close())
	}
	require.NoError(t, cluster.Close())
	require.NoError(t, writer.Flush())
	require.NotContains(t, text.String(), "secret")
	return text.Bytes()
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
