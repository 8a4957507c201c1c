// What the Go client does about errors: meta queries, refreshes and retries, step by step.

package upstream_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

// goAsked is a client of three metas that has asked the first for a table.
func goAsked(t *testing.T) (h *goHand, leader protocol.ConnID, query protocol.Request) {
	h = newGoHand(t, upstream.GoConfig{Metas: []netip.AddrPort{metaA, metaB, metaC}})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 1, Table: "temp"})
	leader = h.dialled()
	require.Equal(t, metaA, h.addr[leader])
	return h, leader, h.one()
}

// answerAll dials everybody who is dialled now, and returns the connections by address.
func (h *goHand) answerDials() map[netip.AddrPort]protocol.ConnID {
	h.pass(2 * time.Millisecond)
	conns := make(map[netip.AddrPort]protocol.ConnID)
	for _, e := range h.take(upstream.ClientDial) {
		conns[e.Addr] = e.Conn
		h.effects = nil
		h.hand.step(upstream.ClientEvent{Kind: upstream.ClientDialed, Conn: e.Conn})
	}
	h.pass(2 * time.Millisecond)
	return conns
}

// The leader has a second; then all others are asked at once, and whoever answers is the
// leader from then on.
func TestGoBackupMetas(t *testing.T) {
	h, _, _ := goAsked(t)
	assert.Empty(t, h.dialsTo(990*time.Millisecond))
	h.pass(20 * time.Millisecond)
	conns := h.answerDials()
	require.Len(t, conns, 2)
	require.Len(t, h.requests(), 2)
	h.answer(conns[metaC], protocol.RPCQueryConfig, 1, protocol.CodeOK, configBody(protocol.CodeOK, replicaA))
	require.Equal(t, upstream.OutcomeOK, h.completed(1).Outcome)

	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 2, Table: "other"})
	writes := h.take(upstream.ClientWrite)
	require.Len(t, writes, 1)
	assert.Equal(t, conns[metaC], writes[0].Conn)
}

// G10: a redirect to a meta that is known is not followed: the others are asked at once, the
// one that was named among them. Whoever redirects among them is not listened to.
func TestGoRedirectToKnownMetaAsksAll(t *testing.T) {
	h, leader, q := goAsked(t)
	h.answer(leader, q.RPC, q.Seq, protocol.CodeOK, configBody(protocol.CodeForwardToOthers, metaC))
	conns := h.answerDials()
	require.Len(t, conns, 2, "metaB too, which nobody named")
	h.answer(conns[metaB], protocol.RPCQueryConfig, 1, protocol.CodeOK, configBody(protocol.CodeForwardToOthers, metaC))
	h.answer(conns[metaC], protocol.RPCQueryConfig, 1, protocol.CodeOK, configBody(protocol.CodeForwardToOthers, metaA))
	assert.Empty(t, h.dialsTo(9*time.Second), "all have redirected: it waits for its deadline")
	h.pass(time.Second)
	assert.Equal(t, protocol.CodeTimeout, h.completed(1).Code)
}

// A redirect to a meta that is not known is followed, and the meta is kept.
func TestGoRedirectToUnknownMeta(t *testing.T) {
	stranger := netip.MustParseAddrPort("127.0.0.1:34609")
	h, leader, q := goAsked(t)
	h.answer(leader, q.RPC, q.Seq, protocol.CodeOK, configBody(protocol.CodeForwardToOthers, stranger))
	conns := h.answerDials()
	require.Contains(t, conns, stranger)
	require.Len(t, conns, 1)
	h.answer(conns[stranger], protocol.RPCQueryConfig, 1, protocol.CodeOK, configBody(protocol.CodeOK, replicaA))
	require.Equal(t, upstream.OutcomeOK, h.completed(1).Outcome)
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 2, Table: "other"})
	assert.Equal(t, conns[stranger], h.take(upstream.ClientWrite)[0].Conn)
}

// ERR_SERVICE_NOT_ACTIVE is an answer, not a reason to ask another.
func TestGoNotActiveIsAnAnswer(t *testing.T) {
	h, leader, q := goAsked(t)
	h.answer(leader, q.RPC, q.Seq, protocol.CodeOK, configBody(protocol.CodeServiceNotActive, netip.AddrPort{}))
	e := h.completed(1)
	assert.Equal(t, upstream.OutcomeFailed, e.Outcome)
	assert.Equal(t, protocol.CodeServiceNotActive, e.Code)
}

// G11: metas that all fail do not end a query, only its deadline does.
func TestGoQueryEndsByItsDeadlineOnly(t *testing.T) {
	h := newGoHand(t, upstream.GoConfig{OpenTimeout: time.Hour})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 1, Table: "temp"})
	for range 2 {
		h.pass(1100 * time.Millisecond)
		for _, e := range h.take(upstream.ClientDial) {
			h.hand.step(upstream.ClientEvent{Kind: upstream.ClientDialFailed, Conn: e.Conn})
		}
	}
	h.pass(59 * time.Minute)
	assert.Empty(t, h.take(upstream.ClientComplete))
	h.pass(time.Minute)
	assert.Equal(t, protocol.CodeTimeout, h.completed(1).Code)
}

// What the errors of a replica bring about: the end of the operation, a question to the
// metas, another attempt.
func TestGoErrorsOfReplicas(t *testing.T) {
	tests := []struct {
		code             protocol.ErrorCode
		ends, asks, more bool
	}{
		{protocol.CodeTimeout, true, false, false},
		{protocol.CodeNotEnoughMember, true, false, false},
		{protocol.CodeCapacityExceeded, true, false, false},
		{protocol.CodeBusy, true, false, false},
		{protocol.CodeSplitting, true, false, false},
		{protocol.CodeDiskInsufficient, true, false, false},
		{protocol.CodeInvalidState, true, true, false},
		{protocol.CodeParentPartitionMisused, true, true, false},
		{protocol.CodeObjectNotFound, false, true, true},
		{protocol.CodeInactiveState, false, true, true},
	}
	for _, tt := range tests {
		h, conn := goConnected(t)
		h.get(1, 10*time.Second)
		h.answerGet(conn, h.one().Seq, tt.code)
		h.pass(2 * time.Millisecond)
		written := map[protocol.RPC]int{}
		ended := len(h.done[1]) > 0
		for _, r := range h.requests() {
			written[r.RPC]++
		}
		h.pass(2 * time.Second)
		for _, r := range h.requests() {
			written[r.RPC]++
		}
		assert.Equal(t, tt.ends, ended, tt.code)
		assert.Equal(t, tt.asks, written[protocol.RPCQueryConfig] > 0, tt.code)
		assert.Equal(t, tt.more, written[protocol.RPCGet] > 0, tt.code)
	}
}

// G8: an operation that is tried again goes to the primary that it began with, although a
// refresh has named another meanwhile. The next operation goes to the new one.
func TestGoRetriesToStalePrimary(t *testing.T) {
	h, conn := goConnected(t)
	h.get(1, 5*time.Second)
	h.answerGet(conn, h.one().Seq, protocol.CodeObjectNotFound)
	writes := h.take(upstream.ClientWrite)
	require.Len(t, writes, 1)
	h.answer(writes[0].Conn, protocol.RPCQueryConfig, 2, protocol.CodeOK, configBody(protocol.CodeOK, replicaB))
	require.Len(t, h.take(upstream.ClientTable), 1)

	h.pass(2 * time.Second)
	writes = h.take(upstream.ClientWrite)
	require.Len(t, writes, 1)
	assert.Equal(t, conn, writes[0].Conn, "the second attempt is at the old primary")
	h.get(2, time.Second)
	assert.Equal(t, []netip.AddrPort{replicaB}, h.dialsTo(5*time.Millisecond))
}

// A table is asked for again once a second at most, however many operations want it.
func TestGoRefreshesOnceASecond(t *testing.T) {
	h, conn := goConnected(t)
	began, queries := h.now, 0
	for id := upstream.OpID(1); h.now.Sub(began) < 10*time.Second; id++ {
		h.get(id, 50*time.Millisecond)
		h.answerGet(conn, h.lastGet(&queries), protocol.CodeInvalidState)
		h.lastGet(&queries)
		h.pass(5 * time.Millisecond)
	}
	assert.InDelta(t, 10, queries, 1)
}

// lastGet answers the queries that were written, counts them, and returns the number of the
// last get that was.
func (h *goHand) lastGet(queries *int) (seq int32) {
	for _, e := range h.take(upstream.ClientWrite) {
		d := protocol.NewRequestDecoder(protocol.Limits{})
		require.NoError(h.t, d.Write(e.Data))
		var r protocol.Request
		_, err := d.Next(&r)
		require.NoError(h.t, err)
		if r.RPC == protocol.RPCGet {
			seq = r.Seq
			continue
		}
		*queries++
		h.answer(e.Conn, r.RPC, r.Seq, protocol.CodeOK, configBody(protocol.CodeOK, replicaA))
	}
	return seq
}

// G15: a primary that is connected and mute is asked for as long as it is: deadlines say
// nothing. Only the reader, which looks up every 30 s, has the table refreshed.
func TestGoDeadlinesNeverRefresh(t *testing.T) {
	h, conn := goConnected(t)
	for id := range upstream.OpID(28) {
		h.get(id, 500*time.Millisecond)
		for _, r := range h.requests() {
			require.Equal(t, protocol.RPCGet, r.RPC)
		}
		h.pass(time.Second)
	}
	require.Empty(t, h.take(upstream.ClientUnresponsive))
	h.get(100, 500*time.Millisecond)
	h.pass(3 * time.Second)
	var asked bool
	for _, e := range h.effects {
		asked = asked || e.Kind == upstream.ClientWrite && e.Conn != conn
	}
	assert.True(t, asked, "the metas are asked")
	assert.Len(t, h.take(upstream.ClientUnresponsive), 1)
	h.get(101, time.Second)
	assert.Equal(t, conn, h.take(upstream.ClientWrite)[0].Conn, "and the connection is kept")
}

// G13: a partition without a primary ends the reading of an answer; where the number of
// partitions is new, those behind it are empty. Upstream panics when one is used; the model
// fails the operation.
func TestGoEmptySlot(t *testing.T) {
	h, leader, q := goAsked(t)
	config := protocol.QueryConfig{Err: protocol.CodeOK, AppID: 2, Count: 2, Stateful: true, Partitions: []protocol.PartitionConfig{
		{PID: protocol.GPID{AppID: 2}, Ballot: 1, Primary: replicaA},
		{PID: protocol.GPID{AppID: 2, Index: 1}, Ballot: 1, Primary: replicaA},
	}}
	h.answer(leader, q.RPC, q.Seq, protocol.CodeOK, protocol.AppendQueryConfigResult(nil, &config, false))
	require.Equal(t, upstream.OutcomeOK, h.completed(1).Outcome)
	h.get(2, time.Second)
	replica := h.dialled()
	h.answerGet(replica, h.one().Seq, protocol.CodeInvalidState)
	query := h.one()
	config.Count = 4
	config.Partitions[1].Primary = netip.AddrPort{}
	h.answer(leader, query.RPC, query.Seq, protocol.CodeOK, protocol.AppendQueryConfigResult(nil, &config, false))
	h.take(upstream.ClientComplete)
	h.step(upstream.ClientEvent{Kind: upstream.ClientSubmit, ID: 3, Table: "temp", RPC: protocol.RPCGet, Hash: 3, Body: []byte{0}})
	e := h.completed(3)
	assert.Equal(t, upstream.OutcomeFailed, e.Outcome)
	assert.Equal(t, protocol.CodeInvalidData, e.Code)
}

// Configurations that cannot be used are refused with the reason.
func TestGoConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]upstream.GoConfig{
		"no meta":  {},
		"address":  {Metas: []netip.AddrPort{{}}},
		"interval": {Metas: []netip.AddrPort{metaA}, Delays: upstream.GoDelays{Poll: upstream.Interval{Min: 2, Max: 1}}},
	} {
		_, err := upstream.NewGoClient(cfg)
		require.ErrorIs(t, err, upstream.ErrConfig, name)
	}
}
