package upstream_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

var (
	metaA    = netip.MustParseAddrPort("127.0.0.1:34601")
	metaB    = netip.MustParseAddrPort("127.0.0.1:34602")
	metaC    = netip.MustParseAddrPort("127.0.0.1:34603")
	replicaA = netip.MustParseAddrPort("127.0.0.1:34801")
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	require.TestingT
	Helper()
}

// core is a client model, Java's or Go's.
type core interface {
	Step(now time.Time, ev upstream.ClientEvent, out []upstream.ClientEffect) []upstream.ClientEffect
}

// hand drives one client by hand. Timers fire as soon as they may.
type hand struct {
	t       tester
	c       core
	now     time.Time
	timers  []armed
	effects []upstream.ClientEffect // since the last call of take
	addr    map[protocol.ConnID]netip.AddrPort
	done    map[upstream.OpID][]time.Time // when an operation completed
}

type armed struct {
	id protocol.TimerID
	at time.Time
}

func newHand(t tester, cfg upstream.ClientConfig) *hand {
	i := upstream.Interval{Min: time.Millisecond, Max: time.Millisecond}
	cfg.Delays = upstream.Delays{Timer: i, Wakeup: i, Caller: i, Dial: i, Active: i, Close: i, Inactive: i, Log: i, Retry: i, Failure: i}
	if cfg.Metas == nil {
		cfg.Metas = []netip.AddrPort{metaA, metaB}
	}
	c, err := upstream.NewClient(cfg)
	require.NoError(t, err)
	return handOf(t, c)
}

func handOf(t tester, c core) *hand {
	return &hand{t: t, c: c, now: epoch, addr: make(map[protocol.ConnID]netip.AddrPort), done: make(map[upstream.OpID][]time.Time)}
}

func (h *hand) step(ev upstream.ClientEvent) {
	for _, e := range h.c.Step(h.now, ev, nil) {
		e.Data, e.Body = append([]byte(nil), e.Data...), append([]byte(nil), e.Body...)
		switch e.Kind {
		case upstream.ClientArmTimer:
			h.timers = append(h.timers, armed{e.Timer, h.now.Add(e.After)})
			continue
		case upstream.ClientStopTimer:
			for i := range h.timers {
				if h.timers[i].id == e.Timer {
					h.timers = append(h.timers[:i], h.timers[i+1:]...)
					break
				}
			}
			continue
		case upstream.ClientDial:
			h.addr[e.Conn] = e.Addr
		case upstream.ClientComplete:
			h.done[e.ID] = append(h.done[e.ID], h.now)
		}
		h.effects = append(h.effects, e)
	}
}

// pass lets time go by.
func (h *hand) pass(d time.Duration) {
	until := h.now.Add(d)
	for {
		next := -1
		for i, a := range h.timers {
			if !a.at.After(until) && (next < 0 || a.at.Before(h.timers[next].at)) {
				next = i
			}
		}
		if next < 0 {
			h.now = until
			return
		}
		a := h.timers[next]
		h.timers = append(h.timers[:next], h.timers[next+1:]...)
		h.now = a.at
		h.step(upstream.ClientEvent{Kind: upstream.ClientTimer, Timer: a.id})
	}
}

// take returns the effects of one kind since the last call, and forgets all.
func (h *hand) take(kind upstream.ClientEffectKind) []upstream.ClientEffect {
	var of []upstream.ClientEffect
	for _, e := range h.effects {
		if e.Kind == kind {
			of = append(of, e)
		}
	}
	h.effects = nil
	return of
}

// dialled answers the one dial that is under way.
func (h *hand) dialled() protocol.ConnID {
	h.t.Helper()
	h.pass(2 * time.Millisecond)
	dials := h.take(upstream.ClientDial)
	require.Len(h.t, dials, 1)
	h.step(upstream.ClientEvent{Kind: upstream.ClientDialed, Conn: dials[0].Conn})
	h.pass(2 * time.Millisecond)
	return dials[0].Conn
}

func (h *hand) requests() []protocol.Request {
	var out []protocol.Request
	for _, e := range h.take(upstream.ClientWrite) {
		d := protocol.NewRequestDecoder(protocol.Limits{})
		require.NoError(h.t, d.Write(e.Data))
		var r protocol.Request
		ok, err := d.Next(&r)
		require.NoError(h.t, err)
		require.True(h.t, ok)
		out = append(out, r)
	}
	return out
}

func (h *hand) answer(conn protocol.ConnID, rpc protocol.RPC, seq int32, code protocol.ErrorCode, body []byte) {
	frame := protocol.AppendResponse(nil, &protocol.Response{Code: code, RPC: rpc, Seq: seq, Body: body})
	h.step(upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: conn, Data: frame})
}

func negotiationBody(status protocol.NegotiationStatus, msg string) []byte {
	return protocol.AppendNegotiationResult(nil, status, []byte(msg))
}

func configBody(code protocol.ErrorCode, primary netip.AddrPort) []byte {
	q := protocol.QueryConfig{Err: code}
	if primary.IsValid() {
		q.Partitions = []protocol.PartitionConfig{{PID: protocol.GPID{AppID: 2}, Ballot: 1, Primary: primary}}
	}
	if code == protocol.CodeOK {
		q.AppID, q.Count, q.Stateful = 2, 1, true
	}
	return protocol.AppendQueryConfigResult(nil, &q, false)
}

func frame(t *testing.T, text string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	require.NoError(t, err)
	return b
}

// TestFrames pins two frames of the real client byte for byte.
func TestFrames(t *testing.T) {
	h := newHand(t, upstream.ClientConfig{Release: upstream.Release250})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, Table: "temp"})
	h.dialled()
	writes := h.take(upstream.ClientWrite)
	require.Len(t, writes, 1)
	assert.Equal(t, frame(t, `
		54484654 00000001 00000025 0000004a
		08 0001 ffffffff 08 0002 fffffffe 08 0003 00001388 0a 0004 0000000000000000 02 0005 00 00
		80010001 00000026 5250435f434d5f51554552595f504152544954494f4e5f434f4e4649475f42595f494e444558 00000000
		0c 0001 0b 0001 00000004 74656d70 0f 0002 08 00000000 00 00`), writes[0].Data, "query of table temp, 127 bytes")
	assert.Len(t, writes[0].Data, 127)

	h = newHand(t, upstream.ClientConfig{Release: upstream.Release250, Mechanism: "GSSAPI"})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, Table: "temp"})
	h.dialled()
	writes = h.take(upstream.ClientWrite)
	require.Len(t, writes, 1, "the query is parked: the session never negotiated")
	assert.Equal(t, frame(t, `
		54484654 00000001 00000025 0000002e
		08 0001 00000000 08 0002 00000000 08 0003 00002710 0a 0004 0000000000000000 02 0005 00 00
		80010001 0000000f 5250435f4e45474f54494154494f4e 00000001
		0c 0001  08 0001 00000001  0c 0002 00000000  00  00`), writes[0].Data, "LIST_MECHANISMS, 99 bytes")
	assert.Len(t, writes[0].Data, 99)
}

// negotiate plays the server's part on a connection whose LIST has the given number.
func (h *hand) negotiate(conn protocol.ConnID, seq int32) {
	h.answer(conn, protocol.RPCNegotiation, seq, protocol.CodeOK, negotiationBody(protocol.SASLListMechanismsResp, "OTHER,GSSAPI"))
	h.answer(conn, protocol.RPCNegotiation, seq+1, protocol.CodeOK, negotiationBody(protocol.SASLSelectMechanismsResp, ""))
	h.step(upstream.ClientEvent{Kind: upstream.ClientToken, Conn: conn, Data: []byte("one")})
	h.answer(conn, protocol.RPCNegotiation, seq+2, protocol.CodeOK, negotiationBody(protocol.SASLChallenge, "challenge"))
	h.step(upstream.ClientEvent{Kind: upstream.ClientToken, Conn: conn, Data: []byte("two")})
	h.answer(conn, protocol.RPCNegotiation, seq+3, protocol.CodeOK, negotiationBody(protocol.SASLSucc, ""))
}

// TestNegotiationSequence: four pairs, then what was parked; the flag stays when the
// connection ends, and the next connection begins with a request.
func TestNegotiationSequence(t *testing.T) {
	h := newHand(t, upstream.ClientConfig{Release: upstream.ReleaseSnapshot, Mechanism: "GSSAPI", Metas: []netip.AddrPort{metaA}})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, Table: "temp"})
	conn := h.dialled()
	h.negotiate(conn, 1)
	var said []string
	for _, r := range h.requests() {
		said = append(said, say(t, &r))
	}
	assert.Equal(t, []string{
		"1 SASL_LIST_MECHANISMS", "2 SASL_SELECT_MECHANISMS GSSAPI", "3 SASL_INITIATE one", "4 SASL_CHALLENGE_RESP two",
		"0 RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX",
	}, said)

	h.step(upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: conn})
	h.pass(4 * time.Millisecond) // told, and retried
	h.dialled()
	said = nil
	for _, r := range h.requests() {
		said = append(said, say(t, &r))
	}
	assert.Equal(t, []string{"5 RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX", "6 SASL_LIST_MECHANISMS"}, said)
}

func say(t *testing.T, r *protocol.Request) string {
	name := r.RPC.String()
	if r.RPC == protocol.RPCNegotiation {
		status, msg, err := protocol.ParseNegotiationArgs(r.Body)
		require.NoError(t, err)
		name = strings.TrimSpace(status.String() + " " + string(msg))
	}
	return fmt.Sprintf("%d %s", r.Seq, name)
}

// TestNegotiationEnds: what counts as success, and what fails.
func TestNegotiationEnds(t *testing.T) {
	tests := []struct {
		name string
		code protocol.ErrorCode
		body []byte
		want protocol.ErrorCode // of the failure; CodeOK: success
	}{
		{"disabled", protocol.CodeOK, negotiationBody(protocol.SASLAuthDisable, ""), protocol.CodeOK},
		{"no handler", protocol.CodeHandlerNotFound, nil, protocol.CodeOK},
		{"refused", protocol.CodeBusy, nil, protocol.CodeBusy},
		{"another mechanism", protocol.CodeOK, negotiationBody(protocol.SASLListMechanismsResp, "PLAIN,GSSAPI2"), protocol.CodeSASLInternal},
		{"success too early", protocol.CodeOK, negotiationBody(protocol.SASLSucc, ""), protocol.CodeSASLInternal},
		{"not a negotiation", protocol.CodeOK, []byte{1, 2, 3}, protocol.CodeInvalidData},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHand(t, upstream.ClientConfig{Release: upstream.ReleaseSnapshot, Mechanism: "GSSAPI"})
			h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, Table: "temp"})
			conn := h.dialled()
			h.effects = nil
			h.answer(conn, protocol.RPCNegotiation, 1, tt.code, tt.body)
			effects := h.effects
			if failed := h.take(upstream.ClientNegotiationFailed); tt.want != protocol.CodeOK {
				require.Len(t, failed, 1)
				assert.Equal(t, tt.want, failed[0].Code)
				h.pass(2 * time.Millisecond)
				closes := h.take(upstream.ClientClose)
				require.Len(t, closes, 1)
				assert.Equal(t, conn, closes[0].Conn)
				return
			}
			h.effects = effects
			assert.Len(t, h.requests(), 1, "the parked query follows")
		})
	}
}

// TestMetaRotation: which meta server is asked next, and how often in all.
func TestMetaRotation(t *testing.T) {
	ok, forward, inactive := protocol.CodeOK, protocol.CodeForwardToOthers, protocol.CodeServiceNotActive
	type reply struct {
		from  netip.AddrPort // who is asked
		rpc   protocol.ErrorCode
		inner protocol.ErrorCode
		to    netip.AddrPort
	}
	tests := []struct {
		name    string
		replies []reply
		want    protocol.ErrorCode
	}{
		{"leader", []reply{{metaA, ok, ok, replicaA}}, ok},
		{"redirect", []reply{{metaA, ok, forward, metaB}, {metaB, ok, ok, replicaA}}, ok},
		{"redirect to one that is not configured", []reply{{metaA, ok, forward, metaC}, {metaC, ok, ok, replicaA}}, ok},
		{"redirect without an address", []reply{{metaA, ok, forward, netip.AddrPort{}}, {metaB, ok, ok, replicaA}}, ok},
		{"not active asks the same again", []reply{{metaA, ok, inactive, netip.AddrPort{}}, {metaA, ok, ok, replicaA}}, ok},
		{"reset goes on", []reply{{metaA, protocol.CodeSessionReset, ok, netip.AddrPort{}}, {metaB, ok, ok, replicaA}}, ok},
		{"time-out goes on", []reply{{metaA, protocol.CodeTimeout, ok, netip.AddrPort{}}, {metaB, ok, ok, replicaA}}, ok},
		{"anything else ends it", []reply{{metaA, protocol.CodeACLDeny, ok, netip.AddrPort{}}}, protocol.CodeACLDeny},
		{"unknown table", []reply{{metaA, ok, protocol.CodeObjectNotFound, netip.AddrPort{}}}, protocol.CodeObjectNotFound},
		{"five tries", []reply{
			{metaA, ok, forward, metaB}, {metaB, ok, forward, metaA}, {metaA, ok, forward, metaB}, {metaB, ok, forward, metaA}, {metaA, ok, forward, metaB},
		}, forward},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHand(t, upstream.ClientConfig{Release: upstream.ReleaseSnapshot})
			h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 9, Table: "temp"})
			seqs, conns := make(map[netip.AddrPort]int32), make(map[netip.AddrPort]protocol.ConnID)
			for i, r := range tt.replies {
				if conns[r.from] == 0 {
					conns[r.from] = h.dialled()
				} else {
					h.pass(1002 * time.Millisecond)
				}
				require.Equal(t, r.from, h.addr[conns[r.from]], "try %d", i)
				require.NotEmpty(t, h.requests(), "try %d", i)
				var body []byte
				if r.rpc == ok {
					body = configBody(r.inner, r.to)
				}
				h.answer(conns[r.from], protocol.RPCQueryConfig, seqs[r.from], r.rpc, body)
				seqs[r.from]++
			}
			if tt.want == ok {
				assert.Equal(t, replicaA, h.addr[h.dialled()], "the primary is dialled")
			}
			h.pass(time.Minute)
			require.Len(t, h.done[9], 1)
			if tt.want == ok {
				return
			}
			done := h.take(upstream.ClientComplete)
			require.Len(t, done, 1)
			assert.Equal(t, tt.want, done[0].Code)
			assert.Equal(t, upstream.OutcomeFailed, done[0].Outcome)
		})
	}
}

// opened returns a client without credentials that has its table and is connected to the
// only replica server.
func opened(t *testing.T, release upstream.Release) (h *hand, replica protocol.ConnID) {
	h = newHand(t, upstream.ClientConfig{Release: release})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 9, Table: "temp"})
	h.answer(h.dialled(), protocol.RPCQueryConfig, 0, protocol.CodeOK, configBody(protocol.CodeOK, replicaA))
	h.pass(2 * time.Millisecond)
	dials := h.take(upstream.ClientDial)
	require.Len(t, dials, 1)
	replica = dials[0].Conn
	h.step(upstream.ClientEvent{Kind: upstream.ClientDialed, Conn: replica})
	h.pass(2 * time.Millisecond)
	done := h.take(upstream.ClientComplete)
	require.Len(t, done, 1)
	require.Equal(t, protocol.CodeOK, done[0].Code)
	h.pass(time.Second) // past the gate of the next query
	return h, replica
}

// TestRetries: which answers are final, which are retried, after how long, and which ask
// for the partitions again.
func TestRetries(t *testing.T) {
	tests := []struct {
		code           protocol.ErrorCode
		retried, query bool
	}{
		{protocol.CodeOK, false, false},
		{protocol.CodeACLDeny, false, false},
		{protocol.CodeBusy, false, false},
		{protocol.CodeTimeout, true, false},
		{protocol.CodeNotEnoughMember, true, false},
		{protocol.CodeCapacityExceeded, true, false},
		{protocol.CodeSessionReset, true, true},
		{protocol.CodeObjectNotFound, true, true},
		{protocol.CodeInvalidState, true, true},
		{protocol.CodeParentPartitionMisused, true, true},
	}
	for _, release := range []upstream.Release{upstream.Release250, upstream.ReleaseSnapshot} {
		for _, tt := range tests {
			t.Run(release.String()+" "+tt.code.String(), func(t *testing.T) {
				h, conn := opened(t, release)
				h.step(upstream.ClientEvent{Kind: upstream.ClientSubmit, ID: 1, Table: "temp", RPC: protocol.RPCGet, Hash: 5, Body: []byte{0}})
				require.Len(t, h.requests(), 1)
				h.answer(conn, protocol.RPCGet, 0, tt.code, []byte{0})
				h.pass(2 * time.Millisecond)
				early := h.requests()
				h.pass(340 * time.Millisecond)
				late := h.requests()
				var gets, queries, soon int
				for i, r := range append(early, late...) {
					switch r.RPC {
					case protocol.RPCGet:
						gets++
						if i < len(early) {
							soon++
						}
						assert.EqualValues(t, 1000, r.Header.TimeoutMillis, "every attempt has the full time-out")
					case protocol.RPCQueryConfig:
						queries++
					}
				}
				assert.Equal(t, tt.retried, gets == 1)
				assert.Equal(t, tt.query, queries == 1)
				if tt.retried {
					assert.Equal(t, release == upstream.ReleaseSnapshot, soon == 1, "333 ns, or 333 ms")
				}
			})
		}
	}
}

// TestCallerGivesUp: the application's wait ends before the request's own timer, and an
// answer after that changes nothing.
func TestCallerGivesUp(t *testing.T) {
	h, conn := opened(t, upstream.ReleaseSnapshot)
	h.step(upstream.ClientEvent{Kind: upstream.ClientSubmit, ID: 1, Table: "temp", RPC: protocol.RPCPut, Hash: 5, Body: []byte{0}})
	h.pass(1001 * time.Millisecond)
	done := h.take(upstream.ClientComplete)
	require.Len(t, done, 1)
	assert.Equal(t, protocol.CodeTimeout, done[0].Code)
	assert.Equal(t, upstream.OutcomeUnknown, done[0].Outcome)
	h.answer(conn, protocol.RPCPut, 0, protocol.CodeOK, []byte{0})
	h.pass(2 * time.Second)
	assert.Empty(t, h.take(upstream.ClientComplete))
}

// TestOutcomes: what a failure says about the effect.
func TestOutcomes(t *testing.T) {
	submit := upstream.ClientEvent{Kind: upstream.ClientSubmit, ID: 1, Table: "temp", RPC: protocol.RPCPut, Hash: 5, Body: []byte{0}}
	completed := func(h *hand) upstream.ClientEffect {
		h.pass(3 * time.Second)
		done := h.take(upstream.ClientComplete)
		require.Len(t, done, 1)
		return done[0]
	}
	h, conn := opened(t, upstream.Release250)
	h.step(submit)
	h.answer(conn, protocol.RPCPut, 0, protocol.CodeACLDeny, nil)
	assert.Equal(t, upstream.OutcomeFailed, completed(h).Outcome, "refused")

	h, conn = opened(t, upstream.Release250)
	h.step(submit)
	h.step(upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: conn})
	h.pass(10 * time.Millisecond)
	assert.Equal(t, upstream.OutcomeUnknown, completed(h).Outcome, "written and lost")

	h, _ = opened(t, upstream.Release250)
	submit.Table = "other"
	h.step(submit)
	done := completed(h)
	assert.Equal(t, upstream.OutcomeFailed, done.Outcome, "no such table was opened")
	assert.Equal(t, protocol.CodeObjectNotFound, done.Code)
}

// TestBadBytes: what is no answer, and an error name that the client does not know, ends
// the connection.
func TestBadBytes(t *testing.T) {
	unknown := protocol.AppendResponse(nil, &protocol.Response{CodeName: "ERR_OF_A_NEWER_SERVER", RPC: protocol.RPCGet})
	for name, data := range map[string][]byte{"no frame": {0, 0, 0, 1, 0}, "unknown error": unknown} {
		t.Run(name, func(t *testing.T) {
			h, conn := opened(t, upstream.ReleaseSnapshot)
			h.step(upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: conn, Data: data})
			closes := h.take(upstream.ClientClose)
			require.Len(t, closes, 1)
			assert.Equal(t, conn, closes[0].Conn)
		})
	}
}

// TestConnectTimeout: an attempt that is not answered is given up, and its requests reset.
func TestConnectTimeout(t *testing.T) {
	h := newHand(t, upstream.ClientConfig{Release: upstream.ReleaseSnapshot})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, Table: "temp"})
	h.pass(1005 * time.Millisecond)
	var dials []netip.AddrPort
	effects := h.effects
	for _, e := range h.take(upstream.ClientDial) {
		dials = append(dials, e.Addr)
	}
	assert.Equal(t, []netip.AddrPort{metaA, metaB}, dials, "the next meta server is asked")
	h.effects = effects
	assert.Len(t, h.take(upstream.ClientClose), 1)
}

// TestClientLimits: beyond its limits the model answers at once.
func TestClientLimits(t *testing.T) {
	h := newHand(t, upstream.ClientConfig{Release: upstream.ReleaseSnapshot, MaxTables: 1, MaxOperations: 1})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 1, Table: "temp"})
	h.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, ID: 2, Table: "other"})
	done := h.take(upstream.ClientComplete)
	require.Len(t, done, 1)
	assert.Equal(t, upstream.OpID(2), done[0].ID)
	assert.Equal(t, protocol.CodeCapacityExceeded, done[0].Code)
}

// TestClientConfig: what cannot be used is refused, with the reason.
func TestClientConfig(t *testing.T) {
	for _, cfg := range []upstream.ClientConfig{
		{},
		{Release: upstream.Release250},
		{Release: upstream.Release250, Metas: []netip.AddrPort{{}}},
		{Release: upstream.Release250, Metas: []netip.AddrPort{metaA}, Delays: upstream.Delays{Log: upstream.Interval{Min: 2, Max: 1}}},
	} {
		_, err := upstream.NewClient(cfg)
		assert.ErrorIs(t, err, upstream.ErrConfig)
	}
}
