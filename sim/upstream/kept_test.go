// What upstream's programs keep for ever: callers that are never told, requests that wait
// for a negotiation, sockets that a peer has closed.

package upstream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

// J12, J13: an answer that throws when it is read, or when it is used, ends the connection or
// not, and whoever opens the table waits for good.
func TestAnswerThatThrows(t *testing.T) {
	beyond := protocol.QueryConfig{Err: protocol.CodeOK, AppID: 2, Count: 1, Stateful: true, Partitions: []protocol.PartitionConfig{
		{PID: protocol.GPID{AppID: 2, Index: 1}, Ballot: 1, Primary: replicaA},
	}}
	for name, c := range map[string]struct {
		body []byte
		told bool
	}{
		"unknown error":       {configBody(protocol.CodeDiskIOError, metaB), false},
		"partition beyond":    {protocol.AppendQueryConfigResult(nil, &beyond, false), false},
		"error that it knows": {configBody(protocol.CodeBusy, metaB), true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHand(t, upstream.ClientConfig{Release: upstream.ReleaseMaster})
			h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 9, Table: "temp"})
			conn := h.dialled()
			require.NotEmpty(t, h.requests())
			h.answer(conn, protocol.RPCQueryConfig, 0, protocol.CodeOK, c.body)
			h.pass(10 * time.Minute)
			assert.Equal(t, c.told, len(h.done[9]) == 1)
			h.take(upstream.ClientWrite)
			h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 10, Table: "temp"})
			h.pass(time.Second)
			assert.Equal(t, c.told, len(h.take(upstream.ClientWrite))+len(h.take(upstream.ClientDial)) > 0, "asked again")
		})
	}
}

// J8: requests that were parked stay, whether their callers wait or not, until a negotiation succeeds.
func TestParkedRequestsStay(t *testing.T) {
	h := newHand(t, upstream.ClientConfig{Release: upstream.ReleaseMaster, Mechanism: "TEST"})
	client := h.c.(*upstream.Client)
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 1, Table: "a"})
	h.dialled()
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 2, Table: "b"})
	addr, kept := client.Parked()
	require.Equal(t, metaA, addr)
	require.Equal(t, 2, kept)
	h.pass(6 * time.Second) // both have timed out
	_, kept = client.Parked()
	assert.GreaterOrEqual(t, kept, 2)
}

// S2: a negotiation message on a dead session has its answer queued there, and the socket is
// never closed. Without one it is, and so it is where the session was never dead.
func TestServerLeaks(t *testing.T) {
	for name, c := range map[string]struct {
		mode  upstream.ServerMode
		early bool
		list  bool
		want  int
	}{
		"dead, and asked to negotiate": {upstream.ModeHang, true, true, 1},
		"dead":                         {upstream.ModeHang, true, false, 0},
		"alive":                        {upstream.ModeHang, false, true, 0},
		"closed at once":               {upstream.ModeFin, true, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, serverConfig(c.mode, upstream.AuthMandatory), nil)
			if c.early {
				n.send(get(0))
			}
			if c.list {
				n.negotiation(protocol.SASLListMechanisms, "")
			}
			assert.Zero(t, n.s.Leaked())
			n.step(upstream.ServerEvent{Kind: upstream.ServerClosed, Conn: 1})
			assert.Equal(t, c.want, n.s.Leaked())
		})
	}
}
