package routing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// A server that answers no handshake is as unreachable as one that refuses it: an attempt that
// has taken as long as the backoff would is followed by the next at once, and the table is
// looked up again all the same, since what the server served may have moved meanwhile. R4.
func TestUnreachableWithoutAWordIsLookedUpAgain(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		cfg := testConfig()
		cfg.KeepReady = !lazy
		h := newHarness(t, cfg)
		get := func(id OpID) {
			h.step(Event{Kind: EventSubmit, Op: Op{ID: id, Table: "temp", RPC: protocol.RPCGet, Deadline: h.now.Add(900 * time.Millisecond)}})
		}
		get(1)
		h.dialed("a")
		h.answer("a", 0, protocol.CodeOK, config(3, 4, "c", "c", "c", "c"))
		h.dialed("c")
		h.lose("c", session.ReasonReset)
		h.advance(600 * time.Millisecond)                                   // RefreshInterval
		h.answer("a", 0, protocol.CodeOK, config(3, 4, "c", "c", "c", "c")) // nobody has found out yet
		require.NotNil(t, h.wire("c"), "it is dialed anew")
		for id := OpID(2); h.now.Before(epoch.Add(3*time.Second)) && len(h.must("a").asked) == 0; id++ {
			get(id)
			h.advance(time.Second)
		}
		require.Len(t, h.must("a").asked, 1, "lazy %v: the table is not looked up again\n%s", lazy, h.log.String())
		h.answer("a", 0, protocol.CodeOK, config(3, 4, "d@2", "d@2", "d@2", "d@2"))
		get(99)
		h.dialed("d")
		assert.Len(t, h.must("d").asked, 1, "lazy %v", lazy)
	}
}
