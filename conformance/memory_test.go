// Memory grows with what is open, not with the trace.

package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

// What is known of a connection goes with it, also where the server is not in the trace, where
// it never came up, and where its client is gone.
func TestConnectionsAreForgotten(t *testing.T) {
	for _, spec := range Specs() {
		v, err := New(Options{Spec: spec})
		require.NoError(t, err)
		for conn := uint64(1); conn <= 300; conn += 3 {
			k := &talk{passed: int64(conn) * 1_000_000_000}
			k.add("client", trace.KindDial, trace.Event{Conn: conn, Peer: serverAddr})
			k.add("client", trace.KindConnected, trace.Event{Conn: conn, Peer: serverAddr, Addr: clientAddr})
			k.add("client", trace.KindClosed, trace.Event{Conn: conn, Note: "reset"})
			k.add("client", trace.KindDial, trace.Event{Conn: conn + 1, Peer: serverAddr})
			k.add("client", trace.KindDialFailed, trace.Event{Conn: conn + 1, Peer: serverAddr, Note: "refused"})
			k.add("other", trace.KindNodeUp, trace.Event{})
			k.add("other", trace.KindDial, trace.Event{Conn: conn + 2, Peer: serverAddr})
			k.add("other", trace.KindNodeDown, trace.Event{Note: "killed"})
			for i := range k.events {
				v.Emit(&k.events[i])
			}
		}
		result := v.Result()
		require.NotEqual(t, NotConforming, result.Verdict, result.Reason)
		require.Empty(t, v.wires, spec)
		if v.lives != nil {
			require.Empty(t, v.lives.wires)
			require.Empty(t, v.traffic.links)
			require.Empty(t, v.crashes.dialed)
		}
	}
}

// The ends of a connection of two real drivers have a number each, and both go with it.
func TestBothEndsAreForgotten(t *testing.T) {
	v, err := New(Options{})
	require.NoError(t, err)
	k := conversation()
	k.add("client", trace.KindClose, trace.Event{Conn: 2, Note: closedByUser})
	k.add("server", trace.KindClosed, trace.Event{Conn: 2, Note: "fin"})
	for i := range k.events {
		if ev := &k.events[i]; ev.Node == "server" && ev.Conn == 2 {
			ev.Conn = 200
		}
		v.Emit(&k.events[i])
	}
	result := v.Result()
	requireConforming(t, &result)
	for number := range v.wires {
		require.NotContains(t, []uint64{2, 200}, number)
	}
}
