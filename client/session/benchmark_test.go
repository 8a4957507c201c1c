// What a request costs the core, and that it allocates nothing.

package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// requester submits a request to a ready session and answers it.
type requester struct {
	core   *Core
	now    time.Time
	body   []byte
	reply  []byte
	effect []Effect
	seq    int32
}

func newRequester(tb testing.TB, outstanding int) *requester {
	cfg := testConfig()
	cfg.Auth = AuthOff
	r := &requester{core: New(cfg), now: epoch, body: make([]byte, 100)}
	r.core.Step(r.now, Event{Kind: EventKeepReady, Keep: true}, nil)
	r.core.Step(r.now, Event{Kind: EventDialed, Conn: r.core.Conn()}, nil)
	require.True(tb, r.core.Ready())
	for range outstanding {
		r.submit(protocol.RPCTTL, time.Hour)
	}
	return r
}

func (r *requester) submit(rpc protocol.RPC, timeout time.Duration) {
	r.seq++
	r.effect = r.core.Step(r.now, Event{Kind: EventSubmit, Request: Request{
		ID: RequestID(r.seq), RPC: rpc, Body: r.body, Deadline: r.now.Add(timeout),
	}}, r.effect[:0])
}

func (r *requester) request() (ok bool) {
	r.now = r.now.Add(time.Microsecond)
	r.submit(protocol.RPCGet, time.Second)
	r.reply = protocol.AppendResponse(r.reply[:0], &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: r.seq, Body: r.body})
	r.effect = r.core.Step(r.now, Event{Kind: EventReceived, Conn: r.core.Conn(), Data: r.reply}, r.effect[:0])
	return len(r.effect) == 1 && r.effect[0].Kind == EffectComplete && r.effect[0].Completion.Outcome == OutcomeOK
}

func TestRequestAllocatesNothing(t *testing.T) {
	r := newRequester(t, 0)
	for range 100 {
		require.True(t, r.request())
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() { r.request() }))
}

func BenchmarkRequest(b *testing.B) {
	for _, bench := range []struct {
		name        string
		outstanding int
	}{{"alone", 0}, {"among64", 64}, {"among4000", 4000}} {
		b.Run(bench.name, func(b *testing.B) {
			r := newRequester(b, bench.outstanding)
			b.ReportAllocs()
			for b.Loop() {
				r.request()
			}
		})
	}
}
