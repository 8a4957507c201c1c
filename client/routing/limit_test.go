package routing

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// What a limit refuses says which one it was, a session's limits too.
func TestRefusalsNameTheirLimit(t *testing.T) {
	cfg := testConfig()
	cfg.MaxOps, cfg.MaxTables, cfg.MaxSessions, cfg.Session.MaxWaiting = 4, 1, 3, 2
	h := newHarness(t, cfg)
	ids := OpID(0)
	submit := func(table string, hash uint64) {
		ids++
		h.step(Event{Kind: EventSubmit, Op: Op{ID: ids, Table: table, RPC: protocol.RPCGet, Hash: hash, Deadline: h.now.Add(time.Second)}})
	}
	submit("temp", 0)
	submit("other", 0) // 2: tables
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 2, "c", "d"))
	submit("temp", 0)
	submit("temp", 0) // 4: waiting for c
	submit("temp", 1)
	submit("temp", 1)
	submit("temp", 1) // 7: operations
	limits := make(map[OpID]session.Limit)
	for _, d := range h.done {
		require.Equal(t, session.OutcomeFailed, d.Outcome)
		require.Equal(t, session.ReasonQueueFull, d.Reason)
		limits[d.ID] = d.Limit
	}
	require.Equal(t, map[OpID]session.Limit{2: session.LimitTables, 4: session.LimitWaiting, 7: session.LimitOperations}, limits)
}

func TestRefusalForWantOfASession(t *testing.T) {
	cfg := testConfig()
	cfg.MaxSessions = 3
	h := newHarness(t, cfg)
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 3, "c", "d", "e"))
	h.done = nil
	h.step(Event{Kind: EventSubmit, Op: Op{ID: 2, Table: "temp", RPC: protocol.RPCGet, Hash: 2, Deadline: h.now.Add(time.Second)}})
	require.Len(t, h.done, 1)
	require.Equal(t, session.LimitSessions, h.done[0].Limit)
}

// A session's view keeps why its last connection ended, also while the next one is up.
func TestViewsTellTheLastReason(t *testing.T) {
	h := newHarness(t, testConfig())
	reason := func() session.Reason {
		for s := range h.core.Sessions() {
			if s.Addr == addr("a") {
				return s.Reason
			}
		}
		t.Fatal("there is no session to a")
		return 0
	}
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Minute)}})
	require.Equal(t, session.ReasonNone, reason())
	h.dialed("a")
	h.step(Event{Kind: EventClosed, Conn: h.must("a").id, Reason: session.ReasonReset})
	require.Equal(t, session.ReasonReset, reason())
}

// Identities of timers come round: none is ever that of no timer, or its firing would be ignored
// and a table never looked up again.
func TestTimersComeRound(t *testing.T) {
	h := newHarness(t, testConfig())
	h.core.lastTime = math.MaxUint32
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	require.NotEmpty(t, h.timers)
	for _, timer := range h.timers {
		require.NotZero(t, timer.id)
	}
	h.advance(time.Second)
	require.Len(t, h.done, 1)
	require.Equal(t, session.ReasonDeadline, h.done[0].Reason)
}
