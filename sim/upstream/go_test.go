// The defects of the Go client one by one, each as an order of steps.

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

var replicaB = netip.MustParseAddrPort("127.0.0.1:34802")

// goHand is a hand that drives the model of the Go client, whose delays are a millisecond.
type goHand struct {
	*hand
	c *upstream.GoClient
}

func newGoHand(t tester, cfg upstream.GoConfig) *goHand {
	i := upstream.Interval{Min: time.Millisecond, Max: time.Millisecond}
	cfg.Delays = upstream.GoDelays{Timer: i, Wakeup: i, Dial: i, Poll: i}
	if cfg.Metas == nil {
		cfg.Metas = []netip.AddrPort{metaA, metaB}
	}
	c, err := upstream.NewGoClient(cfg)
	require.NoError(t, err)
	return &goHand{hand: handOf(t, c), c: c}
}

// goOpened has a table whose one partition is at replicaA, and one meta connected.
func goOpened(t *testing.T) (h *goHand, meta protocol.ConnID) {
	h = newGoHand(t, upstream.GoConfig{})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 1000, Table: "temp"})
	meta = h.dialled()
	query := h.one()
	h.answer(meta, query.RPC, query.Seq, protocol.CodeOK, configBody(protocol.CodeOK, replicaA))
	require.Equal(t, upstream.OutcomeOK, h.completed(1000).Outcome)
	return h, meta
}

// goConnected has in addition answered one get, so that there is a connection to replicaA.
func goConnected(t *testing.T) (h *goHand, conn protocol.ConnID) {
	h, _ = goOpened(t)
	h.get(999, time.Second)
	conn = h.dialled()
	r := h.one()
	h.answerGet(conn, r.Seq, protocol.CodeOK)
	require.Equal(t, upstream.OutcomeOK, h.completed(999).Outcome)
	return h, conn
}

func (h *goHand) get(id upstream.OpID, timeout time.Duration) {
	h.step(upstream.ClientEvent{Kind: upstream.ClientSubmit, ID: id, Table: "temp", RPC: protocol.RPCGet, Timeout: timeout, Body: []byte{0}})
}

func (h *goHand) answerGet(conn protocol.ConnID, seq int32, code protocol.ErrorCode) {
	h.answer(conn, protocol.RPCGet, seq, code, protocol.AppendReadResult(nil, &protocol.ReadResult{}))
}

// one is the one request that was written.
func (h *goHand) one() protocol.Request {
	requests := h.requests()
	require.Len(h.t, requests, 1)
	return requests[0]
}

// completed lets a moment pass and returns how an operation ended.
func (h *goHand) completed(id upstream.OpID) upstream.ClientEffect {
	h.pass(2 * time.Millisecond)
	for _, e := range h.take(upstream.ClientComplete) {
		if e.ID == id {
			return e
		}
	}
	require.Failf(h.t, "not completed", "operation %d", id)
	return upstream.ClientEffect{}
}

// closed ends a connection as its peer does.
func (h *goHand) closed(conn protocol.ConnID) {
	h.step(upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: conn})
}

// dialsTo lets time pass and returns where the client dialled meanwhile.
func (h *goHand) dialsTo(d time.Duration) []netip.AddrPort {
	h.pass(d)
	var to []netip.AddrPort
	for _, e := range h.take(upstream.ClientDial) {
		to = append(to, e.Addr)
	}
	return to
}

// The first frame is a request in the old form; it has no partition to go to.
func TestGoFirstFrameIsARequest(t *testing.T) {
	h := newGoHand(t, upstream.GoConfig{})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 1, Table: "temp"})
	h.dialled()
	q := h.one()
	assert.Equal(t, protocol.RPCQueryConfig, q.RPC)
	assert.Zero(t, q.Header.Version)
	assert.Zero(t, q.Header.AppID)
	assert.Zero(t, q.Header.Partition)
	assert.EqualValues(t, 1, q.Seq)
}

// G1: an answer that the client cannot decode ends the reader, and the session is still
// taken for ready: nothing on it is answered again, and nobody dials.
func TestGoZombieAfterDecodeError(t *testing.T) {
	for name, frame := range map[string][]byte{
		"unknown error":   protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeUnknown, CodeName: "ERR_FROM_THE_FUTURE", RPC: protocol.RPCGet, Seq: 2}),
		"disk error":      protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeDiskIOError, RPC: protocol.RPCGet, Seq: 2}),
		"session reset":   protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeSessionReset, RPC: protocol.RPCGet, Seq: 2}),
		"clear_scanner":   protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCClearScanner, Seq: 2, Body: []byte{0}}),
		"batch_get":       protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCBatchGet, Seq: 2, Body: []byte{0}}),
		"check_and_muta.": protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCCheckAndMutate, Seq: 2, Body: []byte{0}}),
		"no frame":        {0, 0, 0, 1, 0, 0, 0, 0},
	} {
		h, conn := goConnected(t)
		h.get(1, time.Second)
		require.EqualValues(t, 2, h.one().Seq, name)
		h.step(upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: conn, Data: frame})
		require.Len(t, h.take(upstream.ClientZombie), 1, name)
		h.pass(time.Second)
		assert.Equal(t, protocol.CodeTimeout, h.completed(1).Code, name)

		h.pass(2 * time.Minute)
		h.get(2, time.Second)
		r := h.one()
		h.answerGet(conn, r.Seq, protocol.CodeOK)
		h.pass(time.Second)
		assert.Equal(t, upstream.OutcomeUnknown, h.completed(2).Outcome, "%s: the answer came, and nobody read it", name)
		assert.Empty(t, h.dialsTo(2*time.Minute), name)
	}
}

// A zombie whose server has gone is found out by the second write: the first draws the reset.
func TestGoZombieEndsWithItsServer(t *testing.T) {
	h, conn := goConnected(t)
	h.get(1, time.Second)
	h.answerGet(conn, h.one().Seq, protocol.CodeDiskIOError)
	h.pass(2 * time.Minute)
	h.closed(conn)
	h.get(2, time.Second)
	assert.Empty(t, h.requests())
	assert.Empty(t, h.dialsTo(2*time.Second))
	h.get(3, 5*time.Second)
	assert.Equal(t, []netip.AddrPort{replicaA, metaB}, h.dialsTo(3*time.Second), "the failed write is tried again, which dials; metaA has not answered")
}

// G2: whoever finds the session gone within a minute of its last dial waits for another
// minute, from then on.
func TestGoRedialAfter60s(t *testing.T) {
	tests := []struct {
		name  string
		quiet time.Duration // from the end of the connection to the next call
		wait  time.Duration // from that call to the dial
	}{
		{"at once", 0, time.Minute},
		{"half a minute later", 30 * time.Second, time.Minute},
		{"a minute later", 61 * time.Second, 0},
	}
	for _, tt := range tests {
		h, conn := goConnected(t)
		h.closed(conn)
		h.pass(tt.quiet)
		h.get(1, time.Second)
		if tt.wait > 0 {
			assert.Empty(t, h.dialsTo(tt.wait-10*time.Millisecond), tt.name)
		}
		assert.Equal(t, []netip.AddrPort{replicaA}, h.dialsTo(20*time.Millisecond), tt.name)
	}
}

// G2: a dial that is refused starts the minute anew, and only the next call has it dialled again.
func TestGoRefusedDialCostsAMinute(t *testing.T) {
	h, _ := goOpened(t)
	h.get(1, time.Second)
	h.pass(2 * time.Millisecond)
	refused := h.take(upstream.ClientDial)
	require.Len(t, refused, 1)
	h.step(upstream.ClientEvent{Kind: upstream.ClientDialFailed, Conn: refused[0].Conn})
	assert.Empty(t, h.dialsTo(2*time.Minute), "nobody asks: nobody dials")
	h.get(2, time.Second)
	h.pass(2 * time.Millisecond)
	refused = h.take(upstream.ClientDial)
	require.Len(t, refused, 1)
	h.step(upstream.ClientEvent{Kind: upstream.ClientDialFailed, Conn: refused[0].Conn})
	h.get(3, time.Second)
	assert.Empty(t, h.dialsTo(59*time.Second))
	assert.Equal(t, []netip.AddrPort{replicaA}, h.dialsTo(2*time.Second))
}

// A dial that nobody answers is given up after 3 s.
func TestGoDialTimeout(t *testing.T) {
	h, _ := goOpened(t)
	h.get(1, 5*time.Second)
	h.pass(3*time.Second - time.Millisecond)
	assert.Empty(t, h.take(upstream.ClientClose))
	h.pass(10 * time.Millisecond)
	assert.Len(t, h.take(upstream.ClientClose), 1)
}

// G3: the end of a connection fails nothing: what was written on it waits for its deadline.
func TestGoPendingNotFailedOnEOF(t *testing.T) {
	h, conn := goConnected(t)
	h.get(1, 5*time.Second)
	h.one()
	h.closed(conn)
	h.pass(5*time.Second - time.Millisecond)
	assert.Empty(t, h.take(upstream.ClientComplete))
	h.pass(2 * time.Millisecond)
	e := h.completed(1)
	assert.Equal(t, upstream.OutcomeUnknown, e.Outcome)
	assert.Equal(t, protocol.CodeTimeout, e.Code)
}

// G4: a request whose caller has stopped waiting is remembered for as long as the session.
func TestGoAbandonedRequestsLeak(t *testing.T) {
	h, conn := goConnected(t)
	require.Zero(t, h.c.Unanswered())
	for id := range upstream.OpID(100) {
		h.get(id, 10*time.Millisecond)
	}
	h.pass(time.Hour)
	assert.Equal(t, 100, h.c.Unanswered())
	addr, kept := h.c.Parked()
	assert.Equal(t, replicaA, addr)
	assert.Equal(t, 100, kept)
	h.closed(conn)
	assert.Equal(t, 100, h.c.Unanswered())
}

// G4 has a bound in the model, which a real process has not.
func TestGoLeakIsBoundedInTheModel(t *testing.T) {
	h := newGoHand(t, upstream.GoConfig{MaxAbandoned: 10, OpenTimeout: time.Second})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 1000, Table: "temp"})
	h.dialled()
	for id := range upstream.OpID(50) {
		h.pass(2 * time.Second)
		h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: id, Table: "temp"})
	}
	h.pass(2 * time.Second)
	assert.LessOrEqual(t, h.c.Unanswered(), 2*10)
}

// G5: the time-out in the header is the nanoseconds that are left, modulo 2^32.
func TestGoTimeoutFieldIsTruncated(t *testing.T) {
	for timeout, millis := range map[time.Duration]int32{
		time.Second: 1000, 4 * time.Second: 4000, 5 * time.Second: 705, 10 * time.Second: 1410, time.Minute: 4165,
	} {
		h, _ := goConnected(t)
		h.get(1, timeout)
		assert.Equal(t, millis, h.one().Header.TimeoutMillis, timeout)
	}
}

// G6: a reader that looks up in the middle of an answer forgets the part that it has, and
// takes what follows for the beginning of the next.
func TestGoPartialAnswerIsForgotten(t *testing.T) {
	h, conn := goConnected(t)
	h.get(1, time.Minute)
	answer := protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: h.one().Seq, Body: []byte{0}})
	h.step(upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: conn, Data: answer[:2]})
	h.pass(31 * time.Second)
	h.step(upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: conn, Data: answer[2:]})
	assert.Empty(t, h.take(upstream.ClientComplete))
	h.pass(time.Minute)
	assert.Equal(t, protocol.CodeTimeout, h.completed(1).Code)
}
