package routing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// An operation whose partition has moved is taken back from its session although a deadline
// passes there in the same instant, which lets it be written: nobody has cancelled it.
func TestTakenBackInTheInstantOfADeadline(t *testing.T) {
	cfg := testConfig()
	cfg.Session.MaxPending = 1
	h := newHarness(t, cfg)
	submit := func(id OpID, hash uint64, within time.Duration) {
		h.step(Event{Kind: EventSubmit, Op: Op{ID: id, Table: "temp", RPC: protocol.RPCGet, Hash: hash, Deadline: h.now.Add(within)}})
	}
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 4, "c", "d", "c", "d"))
	h.dialed("c")
	h.dialed("d")
	submit(2, 0, 600*time.Millisecond) // written to c
	submit(3, 0, 5*time.Second)        // waits for it
	submit(4, 1, 5*time.Second)
	h.now = h.now.Add(500 * time.Millisecond)
	h.answer("d", 0, protocol.CodeInvalidState, nil) // the table is looked up again
	h.done = nil
	h.now = h.now.Add(100 * time.Millisecond) // no timer has fired yet
	h.answer("a", 0, protocol.CodeOK, config(3, 4, "d@2", "d", "c", "d"))
	for _, d := range h.done {
		require.NotEqual(t, session.ReasonCanceled, d.Reason, "operation %d", d.ID)
	}
}
