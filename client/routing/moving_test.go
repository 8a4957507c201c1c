package routing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// An operation whose partition has moved is taken back from its session although a deadline
// passes there in the same instant, which lets it be written: a read goes on, since nobody has
// cancelled it, and a write that may have run is not tried again.
func TestTakenBackInTheInstantOfADeadline(t *testing.T) {
	for rpc, want := range map[protocol.RPC][]session.Outcome{
		protocol.RPCGet: nil, // goes on
		protocol.RPCPut: {session.OutcomeUnknown},
	} {
		t.Run(rpc.String(), func(t *testing.T) {
			h := takenBack(t, rpc)
			var outcomes []session.Outcome
			for _, d := range h.done {
				if d.ID == 3 {
					outcomes = append(outcomes, d.Outcome)
				}
			}
			require.Equal(t, want, outcomes)
		})
	}
}

// takenBack has operation 3 written and taken back in one instant.
func takenBack(t *testing.T, rpc protocol.RPC) *harness {
	cfg := testConfig()
	cfg.Session.MaxPending = 1
	h := newHarness(t, cfg)
	submit := func(id OpID, rpc protocol.RPC, hash uint64, within time.Duration) {
		h.step(Event{Kind: EventSubmit, Op: Op{ID: id, Table: "temp", RPC: rpc, Hash: hash, Deadline: h.now.Add(within)}})
	}
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 4, "c", "d", "c", "d"))
	h.dialed("c")
	h.dialed("d")
	submit(2, protocol.RPCGet, 0, 600*time.Millisecond) // written to c
	submit(3, rpc, 0, 5*time.Second)                    // waits for it
	submit(4, protocol.RPCGet, 1, 5*time.Second)
	h.now = h.now.Add(500 * time.Millisecond)
	h.answer("d", 0, protocol.CodeInvalidState, nil) // the table is looked up again
	h.now = h.now.Add(100 * time.Millisecond)        // no timer has fired yet
	h.answer("a", 0, protocol.CodeOK, config(3, 4, "d@2", "d", "c", "d"))
	return h
}
