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

// What a driver says of a token gets to the session that asked for it, as it is.
func TestTokensGetToTheirSession(t *testing.T) {
	for name, test := range map[string]struct {
		says Event
		want session.Reason
		step session.Step
	}{
		"more to come": {Event{Data: []byte("x")}, session.ReasonNone, session.StepInitiate},
		"failed":       {Event{Failed: true}, session.ReasonNegotiationFailed, session.StepNone},
		"broken":       {Event{Internal: true}, session.ReasonInternal, session.StepNone},
		"done":         {Event{Data: []byte("x"), Done: true}, session.ReasonNone, session.StepInitiate},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Session.Auth, cfg.Session.Mechanism = session.AuthRequired, "MECH"
			h := newHarness(t, cfg)
			negotiation := func(status protocol.NegotiationStatus) {
				h.answer("a", 0, protocol.CodeOK, protocol.AppendNegotiationResult(nil, status, []byte("MECH")))
			}
			h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
			h.dialed("a")
			negotiation(protocol.SASLListMechanismsResp)
			negotiation(protocol.SASLSelectMechanismsResp)
			test.says.Kind, test.says.Conn = EventToken, h.must("a").id
			h.step(test.says)
			for s := range h.core.Sessions() {
				if s.Addr == addr("a") {
					require.Equal(t, test.want, s.Reason)
					require.Equal(t, test.step, s.Step)
				}
			}
			if test.step == session.StepInitiate {
				negotiation(protocol.SASLSucc)
				require.Equal(t, test.says.Done, h.core.peers[0].ready, "a success counts once the mechanism has all it needs")
			}
		})
	}
}

// What a server wants answered gets to whoever makes the token, with the server's address.
func TestChallengesGetOut(t *testing.T) {
	cfg := testConfig()
	cfg.Session.Auth, cfg.Session.Mechanism = session.AuthRequired, "MECH"
	h := newHarness(t, cfg)
	negotiation := func(status protocol.NegotiationStatus) []byte {
		return protocol.AppendNegotiationResult(nil, status, []byte("MECH"))
	}
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, negotiation(protocol.SASLListMechanismsResp))
	h.answer("a", 0, protocol.CodeOK, negotiation(protocol.SASLSelectMechanismsResp))
	h.step(Event{Kind: EventToken, Conn: h.must("a").id, Data: []byte("first")})
	w := h.must("a")
	for _, e := range h.core.Step(h.now, Event{Kind: EventReceived, Conn: w.id, Data: protocol.AppendResponse(nil, &protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: w.asked[0].Seq, Body: negotiation(protocol.SASLChallenge),
	})}, nil) {
		if e.Kind == EffectMakeToken {
			require.Equal(t, Effect{Kind: EffectMakeToken, Conn: w.id, Addr: addr("a"), Data: []byte("MECH")}, e)
			return
		}
	}
	t.Fatal("no token is asked for")
}

// Of a partition that does not serve yet nothing is known, nor of one that a table has not.
func TestPartitionsThatAreNotKnown(t *testing.T) {
	h := newHarness(t, testConfig())
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	known := func(table string, index int) bool {
		_, ok := h.core.Partition(table, index)
		return ok
	}
	require.False(t, known("temp", 0))
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 4, "c@0", "nobody@1", "nobody@-1"))
	for index, want := range map[int]bool{-1: false, 0: true, 1: true, 2: false, 3: false, 4: false} {
		require.Equal(t, want, known("temp", index), "partition %d", index)
	}
	require.False(t, known("other", 0))
	v, ok := h.core.Partition("temp", 0)
	require.True(t, ok)
	require.Equal(t, PartitionView{Ballot: 0, Primary: addr("c")}, v)
}

// The child of a split that does not serve is represented by its parent, and nobody by nobody.
func TestLocate(t *testing.T) {
	for name, test := range map[string]struct {
		ballots []int64
		want    []int
	}{
		"all serve":          {[]int64{0, 1, 2, 3}, []int{0, 1, 2, 3}},
		"children do not":    {[]int64{0, 1, -1, -1}, []int{0, 1, 0, 1}},
		"nor does a parent":  {[]int64{-1, 1, -1, -1}, []int{none, 1, none, 1}},
		"a child without it": {[]int64{-1, 1, 2, 3}, []int{none, 1, 2, 3}},
		"one partition":      {[]int64{0}, []int{0}},
		"one, unknown":       {[]int64{-1}, []int{none}},
		"no partition":       {nil, []int{none}},
	} {
		t.Run(name, func(t *testing.T) {
			var tab table
			for _, b := range test.ballots {
				tab.partitions = append(tab.partitions, partition{ballot: b})
			}
			for hash, want := range test.want {
				require.Equal(t, want, tab.locate(uint64(hash)), "hash %d", hash)
			}
		})
	}
}

// An answer that no table can have is none, and another meta is asked.
func TestAnswersThatCannotBe(t *testing.T) {
	cfg := testConfig()
	cfg.MaxPartitions = 2
	for name, answer := range map[string][]byte{
		"no application":         config(0, 2, "c", "d"),
		"no partitions":          config(3, 0),
		"fewer than none":        config(3, -1),
		"more than a table has":  config(3, 3, "c", "d", "c"),
		"what is no answer":      []byte("nonsense"),
		"another app's, and one": nil,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, cfg)
			h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
			h.dialed("a")
			if answer != nil {
				h.answer("a", 0, protocol.CodeOK, answer)
				require.Empty(t, h.done)
				require.NotNil(t, h.wire("b"))
			} else {
				mixed := protocol.QueryConfig{Err: protocol.CodeOK, AppID: 3, Count: 2, Partitions: []protocol.PartitionConfig{
					{PID: protocol.GPID{AppID: 4, Index: 0}, Ballot: 1, Primary: addr("c")},
					{PID: protocol.GPID{AppID: 3, Index: 1}, Ballot: 1, Primary: addr("d")},
				}}
				h.answer("a", 0, protocol.CodeOK, protocol.AppendQueryConfigResult(nil, &mixed, false))
				_, known := h.core.Partition("temp", 0)
				require.False(t, known)
				_, known = h.core.Partition("temp", 1)
				require.True(t, known)
			}
			require.EqualValues(t, 1, h.core.Stats().BadAnswers)
		})
	}
}

// A table that could not be found, and that nobody waits for, makes room for another.
func TestTablesThatAreNotThereMakeRoom(t *testing.T) {
	cfg := testConfig()
	cfg.MaxTables = 1
	h := newHarness(t, cfg)
	open := func(id OpID, table string) {
		h.step(Event{Kind: EventOpenTable, Op: Op{ID: id, Table: table, Deadline: h.now.Add(time.Second)}})
	}
	open(1, "nobody")
	h.dialed("a")
	open(2, "temp")
	require.Equal(t, session.LimitTables, h.done[0].Limit, "somebody waits for the other")
	h.answer("a", 0, protocol.CodeOK, queryError(protocol.CodeObjectNotFound))
	require.Equal(t, protocol.CodeObjectNotFound, h.done[1].Code)
	open(3, "temp")
	h.answer("a", 0, protocol.CodeOK, config(3, 1, "c"))
	require.Equal(t, Completion{ID: 3, Outcome: session.OutcomeOK, Code: protocol.CodeOK}, h.done[2])
	open(4, "nobody")
	require.Equal(t, session.LimitTables, h.done[3].Limit, "a table that is there stays")
}

// A table that is refused after it was known is not known any more: what is asked of it next
// waits for another look.
func TestRefusedTableIsForgotten(t *testing.T) {
	h := newHarness(t, testConfig())
	submit := func(id OpID) {
		h.step(Event{Kind: EventSubmit, Op: Op{ID: id, Table: "temp", RPC: protocol.RPCGet, Deadline: h.now.Add(time.Minute)}})
	}
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 1, "c"))
	h.dialed("c")
	submit(2)
	h.advance(time.Second)
	h.answer("c", 0, protocol.CodeObjectNotFound, nil)
	h.answer("a", 0, protocol.CodeOK, queryError(protocol.CodeAppDropped))
	require.Equal(t, protocol.CodeAppDropped, h.done[1].Code)
	_, known := h.core.Table("temp")
	require.False(t, known)
	h.advance(time.Second)
	submit(3)
	h.answer("a", 0, protocol.CodeOK, config(4, 1, "d"))
	h.dialed("d")
	h.answer("d", 0, protocol.CodeOK, []byte("value"))
	require.Equal(t, session.OutcomeOK, h.done[2].Outcome)
}

// Rounds in which nobody helps are counted as far as the pause between them grows, and the first
// already stands in for the least distance of queries.
func TestRoundsAreCountedUpToTheCap(t *testing.T) {
	for _, base := range []time.Duration{20 * time.Millisecond, time.Second} {
		cfg := testConfig()
		cfg.RetryBase, cfg.RetryCap = base, base
		h := newHarness(t, cfg)
		h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Hour)}})
		most := 0
		for range 60 {
			h.advance(cfg.RoundCap)
			most = max(most, h.core.tables[0].rounds)
			require.Equal(t, h.core.Stats().QueryRounds > 0, h.core.tables[0].rounds > 0, "%v", base)
		}
		require.LessOrEqual(t, most, 6)
		require.Greater(t, h.core.Stats().QueryRounds, uint64(10))
	}
}

// A table all of whose primaries move at once has as many sessions that end as it needs new
// ones: nothing is refused, also where an old one owes an answer still, and all are kept ready.
func TestSessionsThatEndMakeRoom(t *testing.T) {
	cfg := testConfig()
	cfg.KeepReady, cfg.MaxSessions = true, 3
	h := newHarness(t, cfg)
	submit := func(id OpID, hash uint64) {
		h.step(Event{Kind: EventSubmit, Op: Op{ID: id, Table: "temp", RPC: protocol.RPCGet, Hash: hash, Deadline: h.now.Add(5 * time.Second)}})
	}
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 2, "c", "d"))
	h.dialed("c")
	h.dialed("d")
	h.done = nil
	h.advance(time.Second)
	submit(2, 0)
	submit(3, 0)
	h.answer("c", 0, protocol.CodeInvalidState, nil)
	h.answer("a", 0, protocol.CodeOK, config(3, 2, "e@2", "f@2"))
	h.advance(100 * time.Millisecond)
	h.dialed("e") // has the place of d
	h.answer("c", 0, protocol.CodeInvalidState, nil)
	h.dialed("f") // has that of c, without being asked
	h.advance(time.Second)
	for len(h.must("e").asked) > 0 {
		h.answer("e", 0, protocol.CodeOK, nil)
	}
	require.Len(t, h.done, 2)
	for _, d := range h.done {
		require.Equal(t, session.OutcomeOK, d.Outcome)
	}
	for s := range h.core.Sessions() {
		require.Equal(t, session.StateReady, s.State, "%v", s.Addr)
	}
}
