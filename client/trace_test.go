// What a client's trace tells, and what a call costs with and without one.

package client_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/trace"
)

// TestTraceOfACall: a call, its frame, its answer and its return are told in this order, on
// a connection whose addresses and negotiation are told before, and without key or value.
func TestTraceOfACall(t *testing.T) {
	recorder := trace.NewRecorder(1 << 16)
	live := trace.NewLive(recorder)
	_, c := startServers(t, func(cfg *client.Config) { cfg.Trace = live.Node("client1") })
	table := c.Table("temp")
	require.NoError(t, table.Put(t.Context(), []byte("hash"), []byte("sort"), []byte("value"), 0))
	require.NoError(t, c.Close())

	events := recorder.Events()
	require.Zero(t, recorder.Dropped())
	require.Equal(t, trace.KindNodeUp, events[0].Kind)
	require.Equal(t, trace.KindNodeDown, events[len(events)-1].Kind)
	invoke := slices.IndexFunc(events, func(ev trace.Event) bool { return ev.Kind == trace.KindInvoke })
	require.NotEqual(t, -1, invoke)
	at := func(kind trace.Kind, rpc string) int {
		return slices.IndexFunc(events, func(ev trace.Event) bool { return ev.Kind == kind && ev.RPC == rpc })
	}
	out, in := at(trace.KindFrameOut, "RPC_RRDB_RRDB_PUT"), at(trace.KindFrameIn, "RPC_RRDB_RRDB_PUT_ACK")
	back := at(trace.KindReturn, "RPC_RRDB_RRDB_PUT")
	require.Less(t, invoke, out)
	require.Less(t, out, in)
	require.Less(t, in, back)
	require.Equal(t, "ok", events[back].State)
	require.Equal(t, events[invoke].Op, events[back].Op)
	conn := events[out].Conn
	for _, kind := range []trace.Kind{trace.KindDial, trace.KindConnected, trace.KindFrameOut, trace.KindSession} {
		i := slices.IndexFunc(events, func(ev trace.Event) bool { return ev.Conn == conn && ev.Kind == kind })
		require.Less(t, i, out, "%v comes before the request", kind)
	}
	require.Positive(t, events[invoke].WithinNS)
	for _, kind := range []trace.Kind{trace.KindQuery, trace.KindTable} { // how the table was looked up
		i := slices.IndexFunc(events, func(ev trace.Event) bool { return ev.Kind == kind })
		require.NotEqual(t, -1, i, "no %v", kind)
		require.Equal(t, "temp", events[i].Table)
		require.Less(t, i, out)
	}
	for i := range events {
		require.Equal(t, "client1", events[i].Node)
		if i > 0 {
			require.GreaterOrEqual(t, events[i].AtNS, events[i-1].AtNS)
		}
		text := fmt.Sprintf("%+v", events[i])
		require.NotContains(t, text, "hash")
		require.NotContains(t, text, "value")
	}
}

// BenchmarkTrace is one get over loopback without a trace, and with one that goes nowhere.
func BenchmarkTrace(b *testing.B) {
	for name, live := range map[string]*trace.Live{"off": nil, "on": trace.NewLive(trace.Fanout{})} {
		b.Run(name, func(b *testing.B) {
			_, c := startServers(b, func(cfg *client.Config) {
				if live != nil {
					cfg.Trace = live.Node("client")
				}
			})
			table := c.Table("temp")
			require.NoError(b, table.Put(b.Context(), []byte("hash"), []byte("sort"), []byte("value"), 0))
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := table.Get(b.Context(), []byte("hash"), []byte("sort")); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
