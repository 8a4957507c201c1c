package session

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Awaits names what is on its way: the negotiation message last sent, then requests in the
// order in which they were written; Waits, what is not written yet.
func TestWhatIsAwaited(t *testing.T) {
	cfg := testConfig()
	cfg.MaxPending = 2
	h := newHarness(t, cfg)
	awaits := func(seq int32, wantN int, want bool) {
		t.Helper()
		n, ok := h.core.Awaits(seq)
		require.Equal(t, want, ok)
		require.Equal(t, wantN, n)
	}
	awaits(0, 0, false)
	awaits(1, 0, false)
	for id := range RequestID(3) {
		h.submit(id, time.Second)
	}
	require.True(t, h.core.Waits(0))
	h.dialed()
	awaits(h.seq, 0, true)
	awaits(h.seq+1, 0, false)
	h.sasl(protocol.SASLListMechanismsResp, testMechanism)
	h.sasl(protocol.SASLSelectMechanismsResp, "")
	awaits(h.seq, 0, false) // a token is being made
	awaits(0, 0, false)
	h.token("all", true)
	h.sasl(protocol.SASLSucc, "")

	awaits(h.seq-1, 1, true)
	awaits(h.seq, 2, true)
	awaits(h.seq+1, 0, false)
	for id, waits := range []bool{false, false, true, false} {
		require.Equal(t, waits, h.core.Waits(RequestID(id)), "request %d", id)
	}
	h.answer(protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: h.seq - 1})
	require.False(t, h.core.Waits(2))
	awaits(h.seq-1, 1, true)
	awaits(h.seq, 2, true)
}

// However many requests are written, each gets its own answer.
func TestManyPending(t *testing.T) {
	const many = 200
	cfg := testConfig()
	cfg.Auth, cfg.MaxPending = AuthOff, many
	h := newHarness(t, cfg)
	for id := range RequestID(many) {
		h.submit(id, time.Minute)
	}
	h.dialed()
	_, pending := h.core.Outstanding()
	require.Equal(t, many, pending)
	for seq := int32(many); seq > 0; seq-- {
		h.answer(protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: seq, Body: []byte{byte(seq)}})
	}
	for id := range RequestID(many) {
		require.Equal(t, []byte{byte(id + 1)}, h.outcome(id).Body)
	}
}

// An empty challenge is not the beginning of a negotiation, whatever buffers there were, and
// neither is one that leaves its message out.
func TestEmptyChallengeIsNotTheBeginning(t *testing.T) {
	without := []byte{0x0c, 0, 0, 0x08, 0, 1, 0, 0, 0, byte(protocol.SASLChallenge), 0, 0}
	status, msg, err := protocol.ParseNegotiationResult(without)
	require.NoError(t, err)
	require.Equal(t, protocol.SASLChallenge, status)
	require.Nil(t, msg)
	for _, body := range [][]byte{without, protocol.AppendNegotiationResult(nil, protocol.SASLChallenge, nil)} {
		emptyChallenge(t, body)
	}
}

func emptyChallenge(t *testing.T, body []byte) {
	h := newHarness(t, testConfig())
	h.step(Event{Kind: EventKeepReady, Keep: true})
	h.dialed()
	h.sasl(protocol.SASLListMechanismsResp, testMechanism)
	h.sasl(protocol.SASLSelectMechanismsResp, "")
	require.Contains(t, h.log.String(), "token c1 begin")
	h.token("first", false)
	h.core = h.core.Clone() // which begins without a buffer
	h.answer(protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: h.seq, Body: body})
	require.Contains(t, h.log.String(), `token c1 ""`)
}

// What comes to a session that is closed changes nothing and is counted, and requests are
// refused.
func TestClosedSession(t *testing.T) {
	h := newHarness(t, testConfig())
	h.connect()
	conn := h.core.Conn()
	h.step(Event{Kind: EventClose})
	before := h.core.AppendState(nil, h.now)
	h.log.Reset()
	for i, kind := range []EventKind{EventDialed, EventDialFailed, EventClosed, EventReceived, EventToken} {
		h.step(Event{Kind: kind, Conn: conn})
		require.EqualValues(t, i+1, h.core.Stats().StaleConns)
	}
	h.step(Event{Kind: EventTimer})
	require.EqualValues(t, 1, h.core.Stats().StaleTimers)
	h.step(Event{Kind: EventKeepReady, Keep: true})
	h.step(Event{Kind: EventDrain})
	h.step(Event{Kind: EventClose})
	require.Empty(t, h.log.String())
	require.Equal(t, before, h.core.AppendState(nil, h.now))
	h.submit(1, time.Second)
	require.Equal(t, Completion{ID: 1, Outcome: OutcomeFailed, Reason: ReasonClosed}, h.outcome(1))
}

// What takes the place of a broken session goes on with its identities and spaces its
// attempts as after one that failed.
func TestSuccessor(t *testing.T) {
	h := newHarness(t, testConfig())
	h.connect()
	conn, timer := h.core.Used()
	h.core = h.core.Successor()
	require.Equal(t, StateIdle, h.core.State())
	require.Zero(t, h.core.Conn())
	usedConn, usedTimer := h.core.Used()
	require.Equal(t, []uint32{conn, timer}, []uint32{usedConn, usedTimer})
	require.EqualValues(t, 1, h.core.Stats().Internal)
	require.EqualValues(t, 1, h.core.Stats().Connections)
	h.log.Reset()
	h.step(Event{Kind: EventKeepReady, Keep: true})
	require.Equal(t, "state backoff\narm 20ms..40ms\n", h.log.String())

	h.step(Event{Kind: EventClose})
	drained := newHarness(t, testConfig())
	drained.submit(1, time.Second)
	drained.step(Event{Kind: EventDrain})
	require.Equal(t, StateDraining, drained.core.Successor().State())
}

// Each message of the negotiation counts at its own step and ends the connection at any other.
func TestEachMessageHasItsStep(t *testing.T) {
	steps := []struct {
		step  Step
		reach func(h *harness)
		goOn  []protocol.NegotiationStatus
	}{
		{StepList, func(h *harness) { h.dialed() }, []protocol.NegotiationStatus{protocol.SASLListMechanismsResp}},
		{StepSelect, func(h *harness) { h.sasl(protocol.SASLListMechanismsResp, testMechanism) }, []protocol.NegotiationStatus{protocol.SASLSelectMechanismsResp}},
		{StepToken, func(h *harness) { h.sasl(protocol.SASLSelectMechanismsResp, "") }, nil},
		{StepInitiate, func(h *harness) { h.token("one", false) }, []protocol.NegotiationStatus{protocol.SASLChallenge}},
		{StepToken, func(h *harness) { h.sasl(protocol.SASLChallenge, "") }, nil},
		{StepChallenge, func(h *harness) { h.token("two", true) }, []protocol.NegotiationStatus{protocol.SASLSucc}},
	}
	for i, step := range steps {
		for status := protocol.SASLInvalid; status.Known(); status++ {
			h := newHarness(t, testConfig())
			h.step(Event{Kind: EventKeepReady, Keep: true})
			for _, s := range steps[:i+1] {
				s.reach(h)
			}
			require.Equal(t, step.step, h.core.NegotiationStep())
			h.sasl(status, testMechanism)
			require.Equal(t, slices.Contains(step.goOn, status), h.core.Conn() != 0, "%v while in %v", status, step.step)
		}
	}
}

// A buffer that one large answer needed is not kept for ever.
func TestLargeBuffersAreNotKept(t *testing.T) {
	cfg := testConfig()
	cfg.Auth = AuthOff
	h := newHarness(t, cfg)
	h.submit(1, time.Second)
	h.dialed()
	h.answer(protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: 1, Body: make([]byte, 2*scratchKeep)})
	require.Len(t, h.outcome(1).Body, 2*scratchKeep)
	h.submit(2, time.Second)
	require.LessOrEqual(t, cap(h.core.scratch), scratchKeep)
}

// A session goes on with the identities that an earlier one of its owner has used up.
func TestIdentitiesGoOn(t *testing.T) {
	cfg := testConfig()
	cfg.Owner, cfg.LastConn, cfg.LastTimer = 3, 7, 9
	c := New(cfg)
	out := c.Step(epoch, Event{Kind: EventKeepReady, Keep: true}, nil)
	require.Equal(t, protocol.ConnID(3)<<protocol.OwnerShift|8, out[0].Conn)
	require.Equal(t, protocol.TimerID(3)<<protocol.OwnerShift|10, out[1].Timer)
	conn, timer := c.Used()
	require.Equal(t, []uint32{8, 10}, []uint32{conn, timer})
}
