// Bytes of a server are whatever they are: no panic, and the promises of a session hold.

package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/allocation"
	"github.com/a8011091/pegasus-reference/protocol"
)

// FuzzReceived gives a session bytes while it negotiates, and then, ready and with
// requests written, the same bytes again.
func FuzzReceived(f *testing.F) {
	for _, r := range seedFrames() {
		f.Add(protocol.AppendResponse(nil, &r), uint8(3))
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0}, uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		negotiating := newHarness(t, testConfig())
		negotiating.step(Event{Kind: EventKeepReady, Keep: true})
		negotiating.dialed()
		before := negotiating.core.Clone()
		negotiatingBound.Hold(t, len(data), func() { feedCore(before.Clone(), data, cut) })
		feed(negotiating, data, cut)
		require.NotEqual(t, StateReady, negotiating.core.State(), "no mechanism was ever satisfied")

		ready := newHarness(t, testConfig())
		ready.connect()
		for id := range RequestID(4) {
			ready.submit(id, time.Minute)
		}
		feed(ready, data, cut)
		ready.step(Event{Kind: EventClose})
		for id := range RequestID(4) {
			ready.outcome(id) // exactly one
		}
	})
}

// negotiatingBound is what a session may allocate for what a server sends before it is
// authenticated, whatever lengths it claims.
var negotiatingBound = allocation.Bound{Base: 16 << 10, PerByte: 16}

// feedCore is feed without a harness: nothing is allocated but by the session.
func feedCore(core *Core, data []byte, cut uint8) {
	conn, n := core.Conn(), int(cut)+1
	var effects []Effect
	for len(data) > 0 {
		n = min(n, len(data))
		effects = core.Step(epoch, Event{Kind: EventReceived, Conn: conn, Data: data[:n]}, effects[:0])
		data = data[n:]
	}
}

// feed delivers data in pieces of cut bytes to the connection that is current at first.
func feed(h *harness, data []byte, cut uint8) {
	conn := h.core.Conn()
	for n := int(cut) + 1; len(data) > 0; {
		n = min(n, len(data))
		h.step(Event{Kind: EventReceived, Conn: conn, Data: data[:n]})
		data = data[n:]
	}
}

func seedFrames() []protocol.Response {
	negotiation := func(s protocol.NegotiationStatus, seq int32, msg string) protocol.Response {
		return protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: seq,
			Body: protocol.AppendNegotiationResult(nil, s, []byte(msg))}
	}
	return []protocol.Response{
		negotiation(protocol.SASLListMechanismsResp, 1, testMechanism),
		negotiation(protocol.SASLSelectMechanismsResp, 2, ""),
		negotiation(protocol.SASLSucc, 1, ""),
		negotiation(protocol.SASLAuthDisable, 1, ""),
		{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: 5, Body: []byte("value")},
		{Code: protocol.CodeInvalidState, RPC: protocol.RPCGet, Seq: 6},
		{Code: protocol.CodeHandlerNotFound, RPC: protocol.RPCNegotiation, Seq: 1},
	}
}
