package upstream_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

// node drives one server by hand.
type node struct {
	t       *testing.T
	s       *upstream.Server
	now     time.Time
	effects []upstream.ServerEffect // since the last call of answers
}

func serverConfig(mode upstream.ServerMode, auth upstream.Auth) upstream.ServerConfig {
	return upstream.ServerConfig{
		Mode: mode, Auth: auth, Mechanism: "TEST", Self: replicaA, Leader: metaA,
		Tables: []upstream.Table{{Name: "temp", AppID: 2, Partitions: []upstream.Partition{
			{Ballot: 3, Primary: replicaA}, {Ballot: 3, Primary: metaC, Secondaries: []netip.AddrPort{replicaA}}, {Ballot: 3, Primary: metaC},
		}}},
	}
}

func newNode(t *testing.T, cfg upstream.ServerConfig, storage upstream.Storage) *node {
	s, err := upstream.NewServer(cfg, storage)
	require.NoError(t, err)
	n := &node{t: t, s: s, now: epoch}
	n.step(upstream.ServerEvent{Kind: upstream.ServerAccepted, Conn: 1})
	n.effects = nil
	return n
}

func (n *node) step(ev upstream.ServerEvent) {
	for _, e := range n.s.Step(n.now, ev, nil) {
		e.Data = append([]byte(nil), e.Data...)
		n.effects = append(n.effects, e)
	}
}

func (n *node) send(r protocol.Request) {
	n.step(upstream.ServerEvent{Kind: upstream.ServerReceived, Conn: 1, Data: protocol.AppendRequest(nil, &r)})
}

func (n *node) negotiation(status protocol.NegotiationStatus, msg string) {
	n.send(protocol.Request{
		Header: protocol.Header{Version: 1}, RPC: protocol.RPCNegotiation, Seq: 7,
		Body: protocol.AppendNegotiationArgs(nil, status, []byte(msg)),
	})
}

// answers returns what happened since the last call, in words.
func (n *node) answers() []string {
	var out []string
	for _, e := range n.effects {
		switch e.Kind {
		case upstream.ServerWrite:
			out = append(out, n.response(e.Data))
		case upstream.ServerClose:
			out = append(out, "close: "+e.Cause.String())
		case upstream.ServerAcceptToken:
			out = append(out, fmt.Sprintf("token %s begin=%v", e.Data, e.Begin))
		case upstream.ServerExecuted:
			out = append(out, fmt.Sprintf("executed by %q", e.Principal))
		case upstream.ServerConn:
			if e.State == upstream.ServerConnDead {
				out = append(out, "dead: "+e.Cause.String())
			}
		}
	}
	n.effects = nil
	return out
}

func (n *node) response(data []byte) string {
	d := protocol.NewResponseDecoder(protocol.Limits{})
	require.NoError(n.t, d.Write(data))
	var r protocol.Response
	ok, err := d.Next(&r)
	require.NoError(n.t, err)
	require.True(n.t, ok)
	if r.RPC != protocol.RPCNegotiation {
		return r.Code.String()
	}
	require.EqualValues(n.t, 7, r.Seq)
	status, msg, err := protocol.ParseNegotiationResult(r.Body)
	require.NoError(n.t, err)
	return status.String() + " " + string(msg)
}

func get(partition int32) protocol.Request {
	return protocol.Request{
		Header: protocol.Header{Version: 1, AppID: 2, Partition: partition}, RPC: protocol.RPCGet,
		Body: protocol.AppendKeyArgs(nil, []byte("\x00\x01k")),
	}
}

// authenticate plays a client that does everything right.
func (n *node) authenticate() {
	n.negotiation(protocol.SASLListMechanisms, "")
	n.negotiation(protocol.SASLSelectMechanisms, "TEST")
	n.negotiation(protocol.SASLInitiate, "one")
	n.step(upstream.ServerEvent{Kind: upstream.ServerToken, Conn: 1, Data: []byte("challenge")})
	n.negotiation(protocol.SASLChallengeResp, "two")
	n.step(upstream.ServerEvent{Kind: upstream.ServerToken, Conn: 1, Done: true, Principal: "user"})
}

// TestServerNegotiation: the whole exchange, and a request after it.
func TestServerNegotiation(t *testing.T) {
	for _, mode := range []upstream.ServerMode{upstream.ModeFin, upstream.ModeHang} {
		n := newNode(t, serverConfig(mode, upstream.AuthMandatory), nil)
		n.authenticate()
		n.send(get(0))
		assert.Equal(t, []string{
			"SASL_LIST_MECHANISMS_RESP TEST", "SASL_SELECT_MECHANISMS_RESP ", "token one begin=true", "SASL_CHALLENGE challenge",
			"token two begin=false", "SASL_SUCC ", `executed by "user"`, "ERR_OK",
		}, n.answers())
		n.negotiation(protocol.SASLListMechanisms, "")
		want := map[upstream.ServerMode]string{upstream.ModeFin: "close: negotiation", upstream.ModeHang: "dead: negotiation"}
		assert.Equal(t, []string{want[mode]}, n.answers(), "negotiating again kills the session")
	}
}

// TestServerPunishes: what costs a session its life, in both modes. A dead session of
// hang swallows everything until the peer closes.
func TestServerPunishes(t *testing.T) {
	offences := map[string]struct {
		cause string
		do    func(n *node)
	}{
		"early request":        {"early request", func(n *node) { n.send(get(0)) }},
		"early unknown rpc":    {"early request", func(n *node) { n.send(protocol.Request{Name: "RPC_NEW"}) }},
		"select before list":   {"negotiation", func(n *node) { n.negotiation(protocol.SASLSelectMechanisms, "TEST") }},
		"initiate before list": {"negotiation", func(n *node) { n.negotiation(protocol.SASLInitiate, "one") }},
		"list twice": {"negotiation", func(n *node) {
			n.negotiation(protocol.SASLListMechanisms, "")
			n.effects = nil
			n.negotiation(protocol.SASLListMechanisms, "")
		}},
		"another mechanism": {"negotiation", func(n *node) {
			n.negotiation(protocol.SASLListMechanisms, "")
			n.effects = nil
			n.negotiation(protocol.SASLSelectMechanisms, "PLAIN")
		}},
		"bad token": {"negotiation", func(n *node) {
			n.negotiation(protocol.SASLListMechanisms, "")
			n.negotiation(protocol.SASLSelectMechanisms, "TEST")
			n.negotiation(protocol.SASLInitiate, "bad")
			n.effects = nil
			n.step(upstream.ServerEvent{Kind: upstream.ServerToken, Conn: 1, Failed: true})
		}},
		"message while a token is looked at": {"negotiation", func(n *node) {
			n.negotiation(protocol.SASLListMechanisms, "")
			n.negotiation(protocol.SASLSelectMechanisms, "TEST")
			n.negotiation(protocol.SASLInitiate, "one")
			n.effects = nil
			n.negotiation(protocol.SASLInitiate, "again")
		}},
		"no frame": {"protocol", func(n *node) {
			n.step(upstream.ServerEvent{Kind: upstream.ServerReceived, Conn: 1, Data: []byte("GET / HTTP/1.1")})
		}},
	}
	for name, o := range offences {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, serverConfig(upstream.ModeFin, upstream.AuthMandatory), nil)
			o.do(n)
			assert.Equal(t, []string{"close: " + o.cause}, n.answers())
			n.negotiation(protocol.SASLListMechanisms, "")
			assert.Empty(t, n.answers(), "the connection is gone")

			n = newNode(t, serverConfig(upstream.ModeHang, upstream.AuthMandatory), nil)
			o.do(n)
			assert.Equal(t, []string{"dead: " + o.cause}, n.answers())
			n.negotiation(protocol.SASLListMechanisms, "")
			n.send(get(0))
			n.step(upstream.ServerEvent{Kind: upstream.ServerToken, Conn: 1, Done: true, Principal: "user"})
			assert.Empty(t, n.answers(), "swallowed")
			n.step(upstream.ServerEvent{Kind: upstream.ServerClosed, Conn: 1})
			n.step(upstream.ServerEvent{Kind: upstream.ServerAccepted, Conn: 1})
			n.negotiation(protocol.SASLListMechanisms, "")
			assert.Equal(t, []string{"SASL_LIST_MECHANISMS_RESP TEST"}, n.answers(), "another connection is another session")
		})
	}
}

// TestServerPipelined: a request and LIST_MECHANISMS in one segment; hang swallows both,
// fin closes.
func TestServerPipelined(t *testing.T) {
	r := get(0)
	data := protocol.AppendRequest(nil, &r)
	data = protocol.AppendRequest(data, &protocol.Request{RPC: protocol.RPCNegotiation, Body: protocol.AppendNegotiationArgs(nil, protocol.SASLListMechanisms, nil)})
	for mode, want := range map[upstream.ServerMode]string{upstream.ModeFin: "close: early request", upstream.ModeHang: "dead: early request"} {
		n := newNode(t, serverConfig(mode, upstream.AuthMandatory), nil)
		for _, b := range data { // byte by byte
			n.step(upstream.ServerEvent{Kind: upstream.ServerReceived, Conn: 1, Data: []byte{b}})
		}
		assert.Equal(t, []string{want}, n.answers())
	}
}

// TestServerAuthSwitches: what an early request gets, by what authentication is asked for.
func TestServerAuthSwitches(t *testing.T) {
	for auth, list := range map[upstream.Auth]string{upstream.AuthOff: "SASL_AUTH_DISABLE ", upstream.AuthOptional: "SASL_LIST_MECHANISMS_RESP TEST"} {
		n := newNode(t, serverConfig(upstream.ModeHang, auth), nil)
		n.send(get(0))
		n.negotiation(protocol.SASLListMechanisms, "")
		assert.Equal(t, []string{`executed by ""`, "ERR_OK", list}, n.answers())
	}
}

// TestServerReplica: where a request is refused, and the four operations.
func TestServerReplica(t *testing.T) {
	storage := upstream.NewMemory()
	n := newNode(t, serverConfig(upstream.ModeFin, upstream.AuthOff), storage)
	call := func(rpc protocol.RPC, partition int32, body []byte) protocol.Response {
		n.effects = nil
		n.send(protocol.Request{Header: protocol.Header{AppID: 2, Partition: partition}, RPC: rpc, Body: body})
		var r protocol.Response
		for _, e := range n.effects {
			if e.Kind == upstream.ServerWrite {
				d := protocol.NewResponseDecoder(protocol.Limits{})
				require.NoError(t, d.Write(e.Data))
				ok, err := d.Next(&r)
				require.NoError(t, err)
				require.True(t, ok)
			}
		}
		return r
	}
	key := protocol.AppendKeyArgs(nil, []byte("\x00\x01k"))
	put := protocol.AppendPutArgs(nil, &protocol.PutArgs{
		Key: []byte("\x00\x01k"), Value: []byte("v"), ExpireTS: protocol.ExpireTS(n.now, 10*time.Second),
	})
	assert.Equal(t, protocol.CodeObjectNotFound, call(protocol.RPCGet, 2, key).Code, "not on this node")
	assert.Equal(t, protocol.CodeObjectNotFound, call(protocol.RPCGet, 3, key).Code, "no such partition")
	assert.Equal(t, protocol.CodeInvalidState, call(protocol.RPCGet, 1, key).Code, "secondary")
	assert.Equal(t, protocol.CodeHandlerNotFound, call(protocol.RPCQueryConfig, 0, key).Code, "not a meta server")
	assert.Equal(t, protocol.CodeHandlerNotFound, call(protocol.RPCMultiGet, 0, key).Code)
	assert.Equal(t, protocol.CodeInvalidData, call(protocol.RPCPut, 0, []byte{1}).Code)
	assert.Equal(t, protocol.CodeInvalidData, call(protocol.RPCPut, 0, make([]byte, 1<<20+1)).Code, "too large")

	read := func() protocol.ReadResult {
		r, err := protocol.ParseReadResult(call(protocol.RPCGet, 0, key).Body)
		require.NoError(t, err)
		return r
	}
	assert.Equal(t, protocol.StatusNotFound, read().Status)
	u, err := protocol.ParseUpdateResult(call(protocol.RPCPut, 0, put).Body)
	require.NoError(t, err)
	assert.EqualValues(t, 1, u.Decree)
	assert.Equal(t, "v", string(read().Value))
	ttl, err := protocol.ParseTTLResult(call(protocol.RPCTTL, 0, key).Body)
	require.NoError(t, err)
	assert.EqualValues(t, 10, ttl.TTLSeconds)

	n = newNode(t, serverConfig(upstream.ModeFin, upstream.AuthOff), storage)
	assert.Equal(t, "v", string(read().Value), "kept over a restart")
	n.now = n.now.Add(11 * time.Second)
	assert.Equal(t, protocol.StatusNotFound, read().Status, "expired")
	n.now = epoch
	require.Equal(t, protocol.CodeOK, call(protocol.RPCRemove, 0, key).Code)
	assert.Equal(t, protocol.StatusNotFound, read().Status)
}

// TestServerMeta: the leader answers, another one names it.
func TestServerMeta(t *testing.T) {
	ask := func(self, leader netip.AddrPort, table string, indices ...int32) protocol.QueryConfig {
		cfg := serverConfig(upstream.ModeFin, upstream.AuthOff)
		cfg.Meta, cfg.Self, cfg.Leader = true, self, leader
		n := newNode(t, cfg, nil)
		n.send(protocol.Request{RPC: protocol.RPCQueryConfig, Body: protocol.AppendQueryConfigArgs(nil, table, indices)})
		var q protocol.QueryConfig
		for _, e := range n.effects {
			if e.Kind == upstream.ServerWrite {
				d := protocol.NewResponseDecoder(protocol.Limits{})
				require.NoError(t, d.Write(e.Data))
				var r protocol.Response
				ok, err := d.Next(&r)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, protocol.CodeOK, r.Code)
				require.NoError(t, protocol.ParseQueryConfigResult(r.Body, &q))
			}
		}
		return q
	}
	q := ask(metaA, metaA, "temp")
	assert.Equal(t, protocol.CodeOK, q.Err)
	assert.True(t, q.Stateful)
	require.Len(t, q.Partitions, 3)
	assert.Equal(t, replicaA, q.Partitions[0].Primary)
	assert.Equal(t, []netip.AddrPort{replicaA}, q.Partitions[1].Secondaries)
	q = ask(metaA, metaA, "temp", 2, 99)
	require.Len(t, q.Partitions, 1)
	assert.EqualValues(t, 3, q.Count)
	assert.Equal(t, protocol.CodeObjectNotFound, ask(metaA, metaA, "other").Err)
	q = ask(metaB, metaA, "temp")
	assert.Equal(t, protocol.CodeForwardToOthers, q.Err)
	require.Len(t, q.Partitions, 1)
	assert.Equal(t, metaA, q.Partitions[0].Primary)
	q = ask(metaB, netip.AddrPort{}, "temp")
	assert.Equal(t, protocol.CodeForwardToOthers, q.Err)
	assert.Empty(t, q.Partitions)
}

// TestServerLimits: a connection over the limit is closed at once.
func TestServerLimits(t *testing.T) {
	cfg := serverConfig(upstream.ModeHang, upstream.AuthMandatory)
	cfg.MaxConnections = 1
	n := newNode(t, cfg, nil)
	n.step(upstream.ServerEvent{Kind: upstream.ServerAccepted, Conn: 2})
	assert.Equal(t, []string{"close: limit"}, n.answers())
}

// TestServerConfig: what cannot be used is refused, with the reason.
func TestServerConfig(t *testing.T) {
	for _, spoil := range []func(*upstream.ServerConfig){
		func(c *upstream.ServerConfig) { c.Mode = 0 },
		func(c *upstream.ServerConfig) { c.Auth = 9 },
		func(c *upstream.ServerConfig) { c.Mechanism = "" },
		func(c *upstream.ServerConfig) { c.Self = netip.AddrPort{} },
		func(c *upstream.ServerConfig) { c.Tables[0].AppID = 0 },
	} {
		cfg := serverConfig(upstream.ModeFin, upstream.AuthMandatory)
		spoil(&cfg)
		_, err := upstream.NewServer(cfg, nil)
		assert.ErrorIs(t, err, upstream.ErrConfig)
	}
}

// C3: a server gives a negotiation up by its own clock as it gives up any session, from
// accept where authentication is mandatory, and never one that has succeeded.
func TestServerDeadline(t *testing.T) {
	deadline := upstream.ServerEvent{Kind: upstream.ServerTimer, Conn: 1}
	armed := func(n *node) bool {
		return slices.ContainsFunc(n.effects, func(e upstream.ServerEffect) bool {
			return e.Kind == upstream.ServerArmTimer && e.After == 5*time.Second
		})
	}
	for mode, gone := range map[upstream.ServerMode]string{upstream.ModeFin: "close: negotiation deadline", upstream.ModeHang: "dead: negotiation deadline"} {
		for _, auth := range []upstream.Auth{upstream.AuthOptional, upstream.AuthMandatory} {
			cfg := serverConfig(mode, auth)
			cfg.NegotiationTimeout = 5 * time.Second
			s, err := upstream.NewServer(cfg, nil)
			require.NoError(t, err)
			n := &node{t: t, s: s, now: epoch}
			n.step(upstream.ServerEvent{Kind: upstream.ServerAccepted, Conn: 1})
			assert.Equal(t, auth == upstream.AuthMandatory, armed(n))
			n.negotiation(protocol.SASLListMechanisms, "")
			assert.True(t, armed(n))
			n.answers()
			n.step(deadline)
			assert.Equal(t, []string{gone}, n.answers())
			n.step(deadline)
			assert.Empty(t, n.answers())

			n = newNode(t, cfg, nil)
			n.authenticate()
			n.answers()
			n.step(deadline)
			assert.Empty(t, n.effects)
		}
	}
}
