// The canonical state has whatever decides what a client does, and nothing else.

package routing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// busyClient has a table that is being looked up again, one operation that waits for its next
// try, one that a session has, and one that waits for a table that nobody knows.
func busyClient(t *testing.T) *harness {
	return busyClientAt(t, epoch)
}

func busyClientAt(t *testing.T, begin time.Time) *harness {
	h := newHarness(t, testConfig())
	h.now = begin
	submit := func(id OpID, table string, hash uint64) {
		h.step(Event{Kind: EventSubmit, Op: Op{ID: id, Table: table, RPC: protocol.RPCGet, Hash: hash, Deadline: h.now.Add(30 * time.Second)}})
	}
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 2, "c", "d"))
	h.dialed("c")
	h.dialed("d")
	submit(2, "temp", 0)
	submit(3, "temp", 1)
	submit(4, "other", 0)
	h.advance(time.Second)
	submit(5, "temp", 0)
	h.answer("c", 0, protocol.CodeInvalidState, nil)
	c := h.core
	require.Equal(t, queryAsked, c.tables[0].phase)
	require.Equal(t, []opState{opRetry, opSession, opTable, opSession}, states(c))
	require.NotZero(t, c.retry.id)
	require.NotZero(t, c.deadline.id)
	return h
}

func states(c *Core) []opState {
	var all []opState
	for i := c.ops.first(); i != none; i = int(c.ops.records[i].next) {
		all = append(all, c.ops.records[i].state)
	}
	return all
}

func TestCanonicalStateHasWhatDecides(t *testing.T) {
	h := busyClient(t)
	op := func(c *Core) *opRecord { return &c.ops.records[c.ops.first()] }
	state := func(change func(*Core)) string {
		c := h.core.Clone()
		change(c)
		return string(c.AppendState(nil, h.now))
	}
	same := state(func(*Core) {})
	for name, change := range map[string]func(*Core){
		"draining":           func(c *Core) { c.draining = true },
		"closed":             func(c *Core) { c.closed = true },
		"leader":             func(c *Core) { c.leader = 1 },
		"deadline":           func(c *Core) { c.deadline.due = c.deadline.due.Add(1) },
		"no deadline":        func(c *Core) { c.deadline = timer{} },
		"retry":              func(c *Core) { c.retry.due = c.retry.due.Add(1) },
		"spread of retry":    func(c *Core) { c.retry.spread++ },
		"meta":               func(c *Core) { c.metas[1].addr = addr("x") },
		"meta learned":       func(c *Core) { c.metas[1].learned = true },
		"meta's session":     func(c *Core) { c.metas[0].peer = none },
		"fewer metas":        func(c *Core) { c.metas = c.metas[:1] },
		"fewer tables":       func(c *Core) { c.tables = c.tables[:1] },
		"table":              func(c *Core) { c.tables[0].name = "tempo" },
		"known":              func(c *Core) { c.tables[0].known = false },
		"stale":              func(c *Core) { c.tables[0].stale = false },
		"application":        func(c *Core) { c.tables[0].appID++ },
		"refusal of query":   func(c *Core) { c.tables[0].code = protocol.CodeBusy },
		"phase":              func(c *Core) { c.tables[0].phase = queryBackoff },
		"asked meta":         func(c *Core) { c.tables[0].meta++ },
		"tried metas":        func(c *Core) { c.tables[0].tried ^= 2 },
		"redirects":          func(c *Core) { c.tables[0].redirects++ },
		"rounds":             func(c *Core) { c.tables[0].rounds++ },
		"last query":         func(c *Core) { c.tables[0].asked = c.tables[0].asked.Add(-1) },
		"pause":              func(c *Core) { c.tables[0].wait = timer{id: 1, due: h.now} },
		"ballot":             func(c *Core) { c.tables[0].partitions[1].ballot++ },
		"primary":            func(c *Core) { c.tables[0].partitions[1].primary = addr("x") },
		"primary's session":  func(c *Core) { c.tables[0].partitions[1].peer = none },
		"fewer partitions":   func(c *Core) { c.tables[0].partitions = c.tables[0].partitions[:1] },
		"operation's state":  func(c *Core) { op(c).state = opTable },
		"asks for the table": func(c *Core) { op(c).open = true },
		"operation's table":  func(c *Core) { op(c).table = 1 },
		"RPC":                func(c *Core) { op(c).op.RPC = protocol.RPCPut },
		"hash":               func(c *Core) { op(c).op.Hash++ },
		"op's deadline":      func(c *Core) { op(c).op.Deadline = op(c).op.Deadline.Add(1) },
		"body":               func(c *Core) { op(c).op.Body = []byte("x") },
		"refusal":            func(c *Core) { op(c).code = protocol.CodeBusy },
		"tries":              func(c *Core) { op(c).waits++ },
		"next try":           func(c *Core) { c.ops.enter(c.ops.first(), opRetry, h.now) },
		"sent to":            func(c *Core) { op(c).peer++ },
		"sent for":           func(c *Core) { op(c).partition++ },
		"sent for table":     func(c *Core) { op(c).appID++ },
		"sent at ballot":     func(c *Core) { op(c).ballot++ },
		"sent to address":    func(c *Core) { op(c).primary = addr("x") },
		"session to":         func(c *Core) { c.peers[0].addr = addr("x") },
		"session ready":      func(c *Core) { c.peers[0].ready = !c.peers[0].ready },
		"session closing":    func(c *Core) { c.peers[0].closing = true },
		"session kept":       func(c *Core) { c.peers[0].kept = !c.peers[0].kept },
		"session needed":     func(c *Core) { c.peers[0].needed = !c.peers[0].needed },
		"no session":         func(c *Core) { c.peers[0].core = nil },
		"session's state":    func(c *Core) { c.peers[0].core = session.New(c.cfg.Session) },
	} {
		require.NotEqual(t, same, state(change), name)
	}
	for name, change := range map[string]func(*Core){
		"name of operation":     func(c *Core) { op(c).op.ID++ },
		"identities of timers":  func(c *Core) { c.lastTime++; c.deadline.id++ },
		"steps":                 func(c *Core) { c.steps++ },
		"counters":              func(c *Core) { c.stats.Queries++ },
		"reason that is told":   func(c *Core) { c.peers[0].why = session.ReasonReset },
		"tries of what is over": func(c *Core) { c.tables[1].redirects = 0 },
	} {
		require.Equal(t, same, state(change), name)
	}
}

// A query that is long ago is as one that is just long enough ago, a timer that is overdue as
// one that is just due.
func TestCanonicalStateForgetsWhatDecidesNoMore(t *testing.T) {
	h := newHarness(t, testConfig())
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 1, "nobody"))
	h.advance(2 * time.Second)
	core := h.core.Clone()
	core.peers = nil // a session's own state has its own clock
	at := func(since time.Duration) []byte { return core.AppendState(nil, epoch.Add(since)) }
	limit := core.cfg.RefreshInterval
	require.NotEqual(t, at(limit-1), at(limit))
	require.Equal(t, at(limit), at(limit+1))
	never := h.core.Clone()
	never.peers, never.tables[0].asked = nil, time.Time{}
	require.Equal(t, at(limit), never.AppendState(nil, epoch))
	core.retry = timer{id: 1, due: epoch.Add(2 * limit)}
	require.NotEqual(t, at(2*limit-1), at(2*limit))
	require.Equal(t, at(2*limit), at(2*limit+1))
}

func TestCanonicalStateDependsOnNoClock(t *testing.T) {
	now, later := busyClient(t), busyClientAt(t, epoch.Add(time.Hour))
	require.Equal(t, now.core.AppendState(nil, now.now), later.core.AppendState(nil, later.now))
}

// Where the records of operations lie says nothing.
func TestCanonicalStateNamesOperationsByTheirOrder(t *testing.T) {
	state := func(before bool) []byte {
		h := newHarness(t, testConfig())
		submit := func(id OpID) {
			h.step(Event{Kind: EventSubmit, Op: Op{ID: id, Table: "temp", RPC: protocol.RPCGet, Deadline: h.now.Add(time.Second)}})
		}
		h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
		h.dialed("a")
		h.answer("a", 0, protocol.CodeOK, config(3, 1, "c"))
		h.dialed("c")
		submit(2)
		if before {
			submit(3)
		}
		h.answer("c", 0, protocol.CodeOK, nil)
		if !before {
			submit(3)
		}
		return h.core.AppendState(nil, h.now)
	}
	require.Equal(t, state(true), state(false))
}
