package upstream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

// TestClientTotal gives a client any events in any order, garbage among them. Whatever
// comes, it does not panic, uses only connections that it opened and has not closed, and
// completes every operation once, no later than its time-out and the caller's lateness.
func TestClientTotal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		release := rapid.SampledFrom([]upstream.Release{upstream.Release250, upstream.ReleaseSnapshot}).Draw(rt, "release")
		mech := rapid.SampledFrom([]string{"", "GSSAPI"}).Draw(rt, "mechanism")
		f := newFuzzed(rt, upstream.ClientConfig{Release: release, Mechanism: mech})
		rt.Repeat(map[string]func(*rapid.T){
			"open":    func(*rapid.T) { f.open() },
			"submit":  func(*rapid.T) { f.submit() },
			"dial":    func(rt *rapid.T) { f.dial(rt) },
			"answer":  func(rt *rapid.T) { f.reply(rt) },
			"garbage": func(rt *rapid.T) { f.receive(f.conn(rt), rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "bytes")) },
			"close": func(rt *rapid.T) {
				if id := f.conn(rt); f.conns[id] == established {
					f.conns[id] = ended
					f.step(upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: id})
				}
			},
			"token": func(rt *rapid.T) {
				f.step(upstream.ClientEvent{
					Kind: upstream.ClientToken, Conn: f.conn(rt), Data: []byte("token"), Failed: rapid.Bool().Draw(rt, "failed"),
				})
			},
			"pass": func(rt *rapid.T) {
				f.pass(time.Duration(rapid.IntRange(1, 12_000).Draw(rt, "ms")) * time.Millisecond)
			},
		})
		f.pass(time.Minute)
		for id, deadline := range f.deadline {
			require.Len(rt, f.done[id], 1, "operation %d", id)
			require.False(rt, f.done[id][0].After(deadline), "operation %d completed at its time", id)
		}
	})
}

type connState uint8

const (
	dialling connState = iota + 1
	established
	ended
)

// fuzzed keeps books on what a client does.
type fuzzed struct {
	*hand
	conns    map[protocol.ConnID]connState
	written  map[protocol.ConnID][]protocol.Request
	deadline map[upstream.OpID]time.Time
	last     upstream.OpID
	lastConn protocol.ConnID
}

func newFuzzed(rt *rapid.T, cfg upstream.ClientConfig) *fuzzed {
	return &fuzzed{
		hand: newHand(rt, cfg), conns: make(map[protocol.ConnID]connState),
		written: make(map[protocol.ConnID][]protocol.Request), deadline: make(map[upstream.OpID]time.Time),
	}
}

// open wants an answer when the last of five tries has failed at the latest.
func (f *fuzzed) open() {
	f.last++
	f.deadline[f.last] = f.now.Add(5*5*time.Second + 2*time.Second)
	f.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: f.last, Table: "temp"})
}

func (f *fuzzed) submit() {
	f.last++
	f.deadline[f.last] = f.now.Add(time.Second + 2*time.Millisecond)
	f.step(upstream.ClientEvent{Kind: upstream.ClientSubmit, ID: f.last, Table: "temp", RPC: protocol.RPCPut, Hash: uint64(f.last), Body: []byte{0}})
}

// conn draws any connection, there or not.
func (f *fuzzed) conn(rt *rapid.T) protocol.ConnID {
	return protocol.ConnID(rapid.Uint64Range(1, uint64(f.lastConn)+1).Draw(rt, "conn"))
}

func (f *fuzzed) dial(rt *rapid.T) {
	f.pass(2 * time.Millisecond)
	id := f.conn(rt)
	if f.conns[id] != dialling {
		rt.Skip("not dialling")
	}
	if rapid.Bool().Draw(rt, "refused") {
		f.conns[id] = ended
		f.step(upstream.ClientEvent{Kind: upstream.ClientDialFailed, Conn: id})
		return
	}
	f.conns[id] = established
	f.step(upstream.ClientEvent{Kind: upstream.ClientDialed, Conn: id})
	f.pass(2 * time.Millisecond)
}

// reply answers something that was written, sensibly or not.
func (f *fuzzed) reply(rt *rapid.T) {
	id := f.conn(rt)
	if f.conns[id] != established || len(f.written[id]) == 0 {
		rt.Skip("nothing to answer")
	}
	r := f.written[id][rapid.IntRange(0, len(f.written[id])-1).Draw(rt, "which")]
	code := rapid.SampledFrom([]protocol.ErrorCode{
		protocol.CodeOK, protocol.CodeOK, protocol.CodeOK, protocol.CodeInvalidState, protocol.CodeTimeout, protocol.CodeSessionReset, protocol.CodeBusy,
	}).Draw(rt, "code")
	status := protocol.NegotiationStatus(rapid.Int32Range(0, 10).Draw(rt, "status"))
	body := map[protocol.RPC][]byte{
		protocol.RPCNegotiation: negotiationBody(status, "GSSAPI"),
		protocol.RPCQueryConfig: configBody(rapid.SampledFrom([]protocol.ErrorCode{
			protocol.CodeOK, protocol.CodeForwardToOthers, protocol.CodeServiceNotActive, protocol.CodeObjectNotFound,
		}).Draw(rt, "inner"), replicaA),
		protocol.RPCPut: protocol.AppendUpdateResult(nil, &protocol.UpdateResult{}),
	}[r.RPC]
	f.receive(id, protocol.AppendResponse(nil, &protocol.Response{Code: code, RPC: r.RPC, Seq: r.Seq, Body: body}))
}

func (f *fuzzed) receive(id protocol.ConnID, data []byte) {
	if f.conns[id] == established {
		f.step(upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: id, Data: data})
	}
}

func (f *fuzzed) step(ev upstream.ClientEvent) {
	f.hand.step(ev)
	f.books()
}

func (f *fuzzed) pass(d time.Duration) {
	f.hand.pass(d)
	f.books()
}

// books checks and forgets the effects since the last call.
func (f *fuzzed) books() {
	for _, e := range f.effects {
		switch e.Kind {
		case upstream.ClientDial:
			require.Greater(f.t, e.Conn, f.lastConn, "a connection's number is never reused")
			f.lastConn = e.Conn
			f.conns[e.Conn] = dialling
		case upstream.ClientWrite:
			require.Equal(f.t, established, f.conns[e.Conn], "write on connection %d", e.Conn)
			d := protocol.NewRequestDecoder(protocol.Limits{})
			require.NoError(f.t, d.Write(e.Data))
			var r protocol.Request
			ok, err := d.Next(&r)
			require.NoError(f.t, err)
			require.True(f.t, ok)
			f.written[e.Conn] = append(f.written[e.Conn], r)
		case upstream.ClientClose:
			require.Contains(f.t, []connState{dialling, established}, f.conns[e.Conn], "close of connection %d", e.Conn)
			f.conns[e.Conn] = ended
		}
	}
	f.effects = nil
}

// FuzzServer gives a server any bytes before its negotiation. It does not panic, and
// executes nothing.
func FuzzServer(f *testing.F) {
	r := get(0)
	f.Add(protocol.AppendRequest(nil, &r))
	f.Add(protocol.AppendRequest(nil, &protocol.Request{RPC: protocol.RPCNegotiation, Body: protocol.AppendNegotiationArgs(nil, protocol.SASLListMechanisms, nil)}))
	f.Add([]byte("THFT"))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mode := range []upstream.ServerMode{upstream.ModeFin, upstream.ModeHang} {
			n := newNode(t, serverConfig(mode, upstream.AuthMandatory), nil)
			n.step(upstream.ServerEvent{Kind: upstream.ServerReceived, Conn: 1, Data: data})
			for _, e := range n.effects {
				require.NotEqual(t, upstream.ServerExecuted, e.Kind)
			}
		}
	})
}
