// What must hold of a node whatever happens: random events, copies, bytes, allocations.

package node

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/internal/allocation"
	"github.com/a8011091/pegasus-reference/protocol"
)

// observer is what an outsider knows of a node's connections.
type observer struct {
	t     require.TestingT
	cfg   Config
	core  *Core
	now   time.Time
	conns map[protocol.ConnID]*seen
	timer map[protocol.TimerID]bool
	open  []protocol.ConnID // in order of accept

	answers   uint64 // in this step, to anything but negotiation
	succeeded bool   // a negotiation, in this step
}

type seen struct {
	token     bool   // the node waits for one
	held      uint64 // early requests that the node keeps until success
	principal string // success was told to the node
	mute      bool
	noise     bool          // bytes were sent that are no frames: what it asked for is not known
	sent      map[int32]int // responses a request may get
}

func newObserver(t require.TestingT, cfg Config) *observer {
	return &observer{t: t, cfg: cfg, core: New(cfg), now: epoch, conns: map[protocol.ConnID]*seen{}, timer: map[protocol.TimerID]bool{}}
}

// step feeds one event to the node and to a copy, and judges what comes out.
func (o *observer) step(ev Event) []Effect {
	twin := o.core.Clone()
	require.Equal(o.t, o.core.AppendState(nil, o.now), twin.AppendState(nil, o.now), "a copy is in the same state")
	before := o.core.AppendState(nil, o.now)
	twinEffects := twin.Step(o.now, ev, nil)
	require.Equal(o.t, before, o.core.AppendState(nil, o.now), "a copy is independent")
	held := o.core.Stats().EarlyHeld
	effects := o.core.Step(o.now, ev, nil)
	require.Equal(o.t, fmt.Sprintf("%+v", effects), fmt.Sprintf("%+v", twinEffects), "a copy does the same")
	require.Equal(o.t, o.core.AppendState(nil, o.now), twin.AppendState(nil, o.now))
	o.answers, o.succeeded = 0, false
	for i := range effects {
		o.judge(&effects[i])
	}
	if cn := o.conns[ev.Conn]; cn != nil {
		if o.succeeded {
			require.GreaterOrEqual(o.t, o.answers, cn.held, "requests-drain: what is held is answered after success")
			cn.held = 0
		}
		cn.held += o.core.Stats().EarlyHeld - held
	}
	s, l := o.core.Stats(), o.cfg.Limits.WithDefaults()
	require.Len(o.t, o.conns, s.Conns)
	require.Len(o.t, o.timer, s.HalfOpen, "a timer for each negotiation that is not over")
	require.LessOrEqual(o.t, s.BufferedBytes, l.MaxBufferedBytes)
	require.LessOrEqual(o.t, s.HalfOpen, l.MaxHalfOpen)
	o.countHosts()
	require.LessOrEqual(o.t, s.Conns, l.MaxConns)
	return effects
}

// countHosts counts anew how many half-open connections each host has.
func (o *observer) countHosts() {
	by, most := make(map[netip.Addr]int), 0
	for _, cn := range o.core.timers {
		by[cn.peer.Addr()]++
		most = max(most, by[cn.peer.Addr()])
	}
	require.Equal(o.t, by, o.core.halfOpen.by)
	require.Equal(o.t, most, o.core.halfOpen.most)
}

func (o *observer) judge(e *Effect) {
	cn := o.conns[e.Conn]
	switch e.Kind {
	case EffectArmTimer:
		require.False(o.t, o.timer[e.Timer], "a timer is armed once")
		o.timer[e.Timer] = true
	case EffectStopTimer:
		require.True(o.t, o.timer[e.Timer], "only an armed timer is stopped")
		delete(o.timer, e.Timer)
	case EffectClose:
	case EffectConn:
		if e.ConnState == ConnMute {
			cn.mute = true
		}
		o.succeeded = o.succeeded || e.ConnState == ConnAuthenticated
		if e.ConnState == ConnGone {
			o.forget(e.Conn)
		}
	case EffectExecuted:
		require.NotNil(o.t, cn, "executed for a connection that is there")
		require.Equal(o.t, cn.principal, e.Principal, "authenticated-execution: by who authenticated on this connection")
		require.Equal(o.t, cn.principal != "", e.Authenticated)
		if o.cfg.Auth.Mandatory {
			require.True(o.t, e.Authenticated, "authenticated-execution")
		}
	case EffectToken:
		require.False(o.t, cn.token, "one token at a time")
		cn.token = true
	case EffectWrite:
		require.NotNil(o.t, cn, "written to a connection that is there")
		require.False(o.t, cn.mute, "well-formed: nothing is written to a mute connection")
		o.countAnswers(cn, e.Data)
	}
}

// countAnswers sees that no request is answered twice, or one that was not sent.
func (o *observer) countAnswers(cn *seen, data []byte) {
	d := protocol.NewResponseDecoder(protocol.Limits{})
	require.NoError(o.t, d.Write(data))
	var r protocol.Response
	for {
		ok, err := d.Next(&r)
		require.NoError(o.t, err)
		if !ok {
			break
		}
		if r.RPC != protocol.RPCNegotiation {
			o.answers++
		}
		if cn.noise {
			continue
		}
		cn.sent[r.Seq]--
		require.GreaterOrEqual(o.t, cn.sent[r.Seq], 0, "answered more than once")
	}
	require.Zero(o.t, d.Buffered(), "only whole frames are written")
}

func (o *observer) forget(id protocol.ConnID) {
	delete(o.conns, id)
	for i := range o.open {
		if o.open[i] == id {
			o.open = append(o.open[:i], o.open[i+1:]...)
			return
		}
	}
}

// TestAnyEvents: whatever arrives, in whatever order, cut anywhere.
func TestAnyEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := baseConfig()
		auth := rapid.IntRange(0, 3).Draw(t, "auth") // mandatory twice as likely
		cfg.Auth = Auth{Enabled: auth > 0, Mandatory: auth > 1}
		cfg.Early = EarlyRequest(rapid.IntRange(0, int(earlyCount)-1).Draw(t, "early"))
		cfg.Limits = Limits{
			MaxConns: 4, MaxHalfOpen: 3, MaxHeldRequests: 2, MaxHeldBytes: 100, MaxRounds: 3, MaxTokenBytes: 32,
			Frame:            protocol.Limits{MaxFrameBytes: 512, MaxNameBytes: 64, MaxBufferedBytes: 600},
			MaxBufferedBytes: 1000, MaxOutputBytes: 4096,
		}
		require.NoError(t, cfg.Validate())
		o := newObserver(t, cfg)
		next, seq, rest := protocol.ConnID(0), int32(0), map[protocol.ConnID][]byte{}
		pick := func() protocol.ConnID {
			if len(o.open) == 0 {
				return next // nobody: stale
			}
			return rapid.SampledFrom(o.open).Draw(t, "conn")
		}
		t.Repeat(map[string]func(*rapid.T){
			"accept": func(t *rapid.T) {
				next++
				o.conns[next] = &seen{sent: map[int32]int{}}
				o.open = append(o.open, next)
				host := rapid.SampledFrom([]string{"10.0.0.7:1", "10.0.0.8:1", "10.0.0.9:1"}).Draw(t, "host")
				o.step(Event{Kind: EventAccepted, Conn: next, Peer: netip.MustParseAddrPort(host)})
			},
			"send": func(t *rapid.T) {
				id := pick()
				data := rest[id]
				for range rapid.IntRange(1, 4).Draw(t, "frames") {
					seq++
					data = append(data, anyFrame(t, seq)...)
					if cn := o.conns[id]; cn != nil {
						cn.sent[seq]++
					}
				}
				cut := len(data)
				if rapid.Bool().Draw(t, "in pieces") {
					cut = rapid.IntRange(0, len(data)).Draw(t, "cut")
				}
				rest[id] = bytes.Clone(data[cut:])
				o.step(Event{Kind: EventReceived, Conn: id, Data: data[:cut]})
			},
			"authenticate": func(t *rapid.T) {
				id := pick()
				cn := o.conns[id]
				if cn == nil || len(rest[id]) > 0 {
					return
				}
				var data []byte
				for _, m := range []struct {
					status protocol.NegotiationStatus
					text   string
				}{{protocol.SASLListMechanisms, ""}, {protocol.SASLSelectMechanisms, "PEGASUS-TEST"}, {protocol.SASLInitiate, "token"}} {
					seq++
					cn.sent[seq]++
					data = append(data, negotiationFrame(seq, m.status, m.text)...)
				}
				o.step(Event{Kind: EventReceived, Conn: id, Data: data})
				if cn.token && o.conns[id] == cn {
					cn.token, cn.principal = false, "a"
					o.step(Event{Kind: EventToken, Conn: id, Done: true, Principal: "a"})
				}
			},
			"noise": func(t *rapid.T) {
				id := pick()
				if cn := o.conns[id]; cn != nil {
					cn.noise = true
				}
				o.step(Event{Kind: EventReceived, Conn: id, Data: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "bytes")})
			},
			"token": func(t *rapid.T) {
				id := pick()
				ev := Event{Kind: EventToken, Conn: id}
				switch rapid.IntRange(0, 3).Draw(t, "outcome") {
				case 0:
					ev.Failed = true
				case 1:
					ev.Data = []byte("challenge")
				default:
					ev.Done, ev.Principal = true, rapid.SampledFrom([]string{"a/h@R", "b", "@R"}).Draw(t, "principal")
				}
				if cn := o.conns[id]; cn != nil && cn.token {
					cn.token = false
					if ev.Done {
						cn.principal = Username(ev.Principal)
					}
				}
				o.step(ev)
			},
			"gone": func(t *rapid.T) {
				id := pick()
				o.step(Event{Kind: EventClosed, Conn: id})
				require.Nil(t, o.conns[id])
			},
			"deadline": func(t *rapid.T) {
				o.now = o.now.Add(15 * time.Second)
				for _, id := range append([]protocol.ConnID(nil), o.open...) {
					if cn := o.core.conns[id]; cn != nil && cn.timer != 0 {
						delete(o.timer, cn.timer)
						o.step(Event{Kind: EventTimer, Timer: cn.timer})
					}
				}
				require.Empty(t, o.timer)
			},
			"stale timer": func(t *rapid.T) {
				require.Empty(t, o.step(Event{Kind: EventTimer, Timer: 1 << 30}))
			},
		})
		o.step(Event{Kind: EventClose})
		s := o.core.Stats()
		require.Zero(t, s.Conns+s.HalfOpen+s.BufferedBytes, "nothing is left behind")
		var closed uint64
		for _, n := range s.Closed {
			closed += n
		}
		require.Equal(t, s.Accepted, closed, "every connection is accounted for")
	})
}

// anyFrame draws a request, of which many are in place in some negotiation.
func anyFrame(t *rapid.T, seq int32) []byte {
	switch rapid.IntRange(0, 9).Draw(t, "frame") {
	case 0:
		return negotiationFrame(seq, protocol.SASLListMechanisms, "")
	case 1:
		return negotiationFrame(seq, protocol.SASLSelectMechanisms, "PEGASUS-TEST")
	case 2:
		return negotiationFrame(seq, protocol.SASLInitiate, "token")
	case 3:
		return negotiationFrame(seq, protocol.SASLChallengeResp, "token")
	case 4:
		return negotiationFrame(seq, protocol.NegotiationStatus(rapid.Int32Range(-1, 12).Draw(t, "status")), "PEGASUS-TEST")
	case 5:
		return queryFrame(seq, "temp")
	case 6:
		return putFrame(seq, "k", rapid.StringN(0, 300, 300).Draw(t, "value"))
	case 7:
		return protocol.AppendRequest(nil, &protocol.Request{RPC: protocol.RPCUnknown, Name: "RPC_OF_TOMORROW", Seq: seq, Body: []byte{0}})
	case 8:
		return requestFrame(seq, protocol.RPCGet, 1, 0, []byte("garbage"))
	}
	return getFrame(seq, "k")
}

func FuzzReceived(f *testing.F) {
	whole := negotiationFrame(1, protocol.SASLListMechanisms, "")
	whole = append(whole, negotiationFrame(2, protocol.SASLSelectMechanisms, "PEGASUS-TEST")...)
	whole = append(whole, negotiationFrame(3, protocol.SASLInitiate, "token")...)
	f.Add(whole, uint8(2), uint8(0), uint16(7))
	f.Add(append(putFrame(1, "k", "v"), getFrame(2, "k")...), uint8(0), uint8(1), uint16(1000))
	f.Add(queryFrame(1, "temp"), uint8(1), uint8(4), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, auth, early uint8, chunk uint16) {
		cfg := baseConfig()
		cfg.Auth = Auth{Enabled: auth%3 > 0, Mandatory: auth%3 == 2}
		cfg.Early = EarlyRequest(early % uint8(earlyCount))
		cfg.Limits = Limits{MaxHeldRequests: 4, MaxHeldBytes: 1 << 10, MaxBufferedBytes: 4 << 10, Frame: protocol.Limits{MaxFrameBytes: 2 << 10}}
		receivedBound.Hold(t, len(data), func() { receiveAll(t, cfg, data, int(chunk)+1) })
	})
}

// receivedBound is what a node may allocate for what a peer sends before it is authenticated:
// itself, a buffer, and the answers.
var receivedBound = allocation.Bound{Base: 16 << 10, PerByte: 32}

// receiveAll gives a new node the bytes of one connection in pieces.
func receiveAll(t *testing.T, cfg Config, data []byte, piece int) {
	core := New(cfg)
	effects := core.Step(epoch, Event{Kind: EventAccepted, Conn: 1, Peer: peerAddr}, nil)
	for len(data) > 0 {
		n := min(piece, len(data))
		effects = core.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: data[:n]}, effects[:0])
		for _, e := range effects {
			if e.Kind == EffectExecuted && cfg.Auth.Mandatory {
				t.Fatal("executed without authentication")
			}
			if e.Kind == EffectToken {
				core.Step(epoch, Event{Kind: EventToken, Conn: 1, Data: []byte("challenge")}, nil)
			}
		}
		if s := core.Stats(); s.BufferedBytes > 4<<10 {
			t.Fatalf("%d bytes buffered", s.BufferedBytes)
		}
		data = data[n:]
	}
	core.Step(epoch, Event{Kind: EventClose}, nil)
	if s := core.Stats(); s.Conns+s.HalfOpen+s.BufferedBytes != 0 {
		t.Fatalf("left behind: %+v", s)
	}
}

// ready makes a node with one authenticated connection and a row.
func ready(t require.TestingT) *Core {
	core := New(mandatory(EarlyRefuse))
	core.Step(epoch, Event{Kind: EventAccepted, Conn: 1, Peer: peerAddr}, nil)
	data := negotiationFrame(1, protocol.SASLListMechanisms, "")
	data = append(data, negotiationFrame(2, protocol.SASLSelectMechanisms, "PEGASUS-TEST")...)
	data = append(data, negotiationFrame(3, protocol.SASLInitiate, "token")...)
	core.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: data}, nil)
	core.Step(epoch, Event{Kind: EventToken, Conn: 1, Done: true, Principal: "alice"}, nil)
	core.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: putFrame(4, "k", "value")}, nil)
	require.EqualValues(t, 1, core.Stats().Executed)
	return core
}

func TestNoAllocationPerRequest(t *testing.T) {
	core := ready(t)
	frames := map[string][]byte{
		"get": getFrame(5, "k"), "put": putFrame(5, "k", "other"), "query_cfg": queryFrame(5, "temp"),
	}
	for name, frame := range frames {
		out := make([]Effect, 0, 8)
		allocs := testing.AllocsPerRun(200, func() {
			out = core.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: frame}, out[:0])
		})
		assert.Len(t, out, 2, name)
		assert.Zero(t, allocs, name)
	}
}

// A connection that came and went leaves no cost behind either.
func TestConnectionsAreReused(t *testing.T) {
	core, id, out := New(mandatory(EarlyHold)), protocol.ConnID(0), make([]Effect, 0, 8)
	early := getFrame(1, "k")
	allocs := testing.AllocsPerRun(200, func() {
		id++
		out = core.Step(epoch, Event{Kind: EventAccepted, Conn: id, Peer: peerAddr}, out[:0])
		out = core.Step(epoch, Event{Kind: EventReceived, Conn: id, Data: early}, out[:0])
		out = core.Step(epoch, Event{Kind: EventClosed, Conn: id}, out[:0])
	})
	assert.Zero(t, allocs)
}

// Numbers of connections and timers, and counts, are no part of the state.
func TestStateIsCanonical(t *testing.T) {
	state := func(first protocol.ConnID, at time.Time) []byte {
		core := New(mandatory(EarlyHold))
		for id := protocol.ConnID(1); id < first; id++ { // others came and went before
			core.Step(at, Event{Kind: EventAccepted, Conn: id}, nil)
			core.Step(at, Event{Kind: EventReceived, Conn: id, Data: getFrame(1, "k")}, nil)
			core.Step(at, Event{Kind: EventClosed, Conn: id}, nil)
		}
		core.Step(at, Event{Kind: EventAccepted, Conn: first}, nil)
		core.Step(at, Event{Kind: EventReceived, Conn: first, Data: getFrame(1, "k")}, nil)
		core.Step(at, Event{Kind: EventReceived, Conn: first, Data: negotiationFrame(2, protocol.SASLListMechanisms, "")[:50]}, nil)
		return core.AppendState(nil, at.Add(time.Second))
	}
	assert.Equal(t, state(1, epoch), state(9, epoch.Add(time.Hour)))
	core := New(mandatory(EarlyHold))
	core.Step(epoch, Event{Kind: EventAccepted, Conn: 1}, nil)
	assert.NotEqual(t, core.AppendState(nil, epoch), core.AppendState(nil, epoch.Add(time.Second)), "the deadline is nearer")
}

// The state has whatever decides what a node does with a connection, and nothing else.
func TestStateHasWhatDecides(t *testing.T) {
	begun := New(mandatory(EarlyHold))
	begun.Step(epoch, Event{Kind: EventAccepted, Conn: 1, Peer: peerAddr}, nil)
	data := getFrame(1, "k")
	data = append(data, negotiationFrame(2, protocol.SASLListMechanisms, "")...)
	data = append(data, negotiationFrame(3, protocol.SASLSelectMechanisms, "PEGASUS-TEST")...)
	data = append(data, negotiationFrame(4, protocol.SASLInitiate, "token")...)
	data = append(data, getFrame(5, "k")[:10]...)
	begun.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: data}, nil)
	state := func(change func(cn *conn)) string {
		c := begun.Clone()
		change(c.conns[1])
		return string(c.AppendState(nil, epoch))
	}
	same := state(func(*conn) {})
	for name, change := range map[string]func(*conn){
		"state":        func(cn *conn) { cn.state = ConnMute },
		"step":         func(cn *conn) { cn.step = stepChallenge },
		"rounds":       func(cn *conn) { cn.rounds++ },
		"principal":    func(cn *conn) { cn.principal = "alice" },
		"no token":     func(cn *conn) { cn.tokenPending = false },
		"whose token":  func(cn *conn) { cn.tokenSeq++ },
		"deadline":     func(cn *conn) { cn.deadline = cn.deadline.Add(1) },
		"no deadline":  func(cn *conn) { cn.timer = 0 },
		"nothing held": func(cn *conn) { cn.held = nil },
		"undecoded":    func(cn *conn) { cn.decoder = nil },
		"application":  func(cn *conn) { cn.held[0].request.Header.AppID++ },
		"partition":    func(cn *conn) { cn.held[0].request.Header.Partition++ },
		"backup":       func(cn *conn) { cn.held[0].request.Header.Backup = true },
		"one way":      func(cn *conn) { cn.held[0].request.OneWay = true },
		"RPC":          func(cn *conn) { cn.held[0].request.RPC = protocol.RPCTTL },
		"its name":     func(cn *conn) { cn.held[0].request.Name = "other" },
		"sequence":     func(cn *conn) { cn.held[0].request.Seq++ },
		"body":         func(cn *conn) { cn.heldBytes[cn.held[0].start]++ },
	} {
		assert.NotEqual(t, same, state(change), name)
	}
	for name, change := range map[string]func(*conn){
		"identities": func(cn *conn) { cn.id++; cn.timer++ },
		"address":    func(cn *conn) { cn.peer = selfAddr },
		"counted":    func(cn *conn) { cn.counted++ },
	} {
		assert.Equal(t, same, state(change), name)
	}
}

func TestUsername(t *testing.T) {
	for principal, want := range map[string]string{
		"alice": "alice", "alice@R": "alice", "alice/host@R": "alice", "a@b@R": "a@b", "a/b/c@R": "a",
		"": "", "@R": "", "/host@R": "", "a@b/c@R": "a@b",
	} {
		assert.Equal(t, want, Username(principal), principal)
	}
}

func TestEarlyRequestNames(t *testing.T) {
	for e := range earlyCount {
		got, err := ParseEarlyRequest(e.String())
		require.NoError(t, err)
		assert.Equal(t, e, got)
	}
	_, err := ParseEarlyRequest("ignore")
	assert.ErrorContains(t, err, `"ignore" is unknown; choose one of refuse, hold, drop, close, hang`)
}

func BenchmarkGet(b *testing.B) {
	core, frame, out := ready(b), getFrame(5, "k"), make([]Effect, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		out = core.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: frame}, out[:0])
	}
}

func BenchmarkQueryConfig(b *testing.B) {
	core, frame, out := ready(b), queryFrame(5, "temp"), make([]Effect, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		out = core.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: frame}, out[:0])
	}
}
