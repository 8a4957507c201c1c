package trace

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/a8011091/pegasus-reference/protocol"
)

// What an event says of a request is what its kind needs, and nothing of what it carries.
func TestWhatIsSaidOfARequest(t *testing.T) {
	header := protocol.Header{AppID: 2, Partition: 3, TimeoutMillis: 1500, PartitionHash: 7}
	within := int64(1500 * time.Millisecond)
	for rpc, want := range map[protocol.RPC]Event{
		protocol.RPCNegotiation: {Neg: "SASL_INITIATE"},
		protocol.RPCQueryConfig: {Table: "temp", WithinNS: within},
		protocol.RPCGet:         {App: 2, Partition: 3, WithinNS: within},
		protocol.RPCPut:         {App: 2, Partition: 3, WithinNS: within},
		protocol.RPCListApps:    {},
	} {
		r := protocol.Request{Header: header, RPC: rpc, Body: []byte("unreadable")}
		var ev Event
		switch rpc {
		case protocol.RPCNegotiation:
			ev.OfRequest(&r)
			assert.Equal(t, Event{}, ev, "what cannot be read stays empty")
			r.Body = protocol.AppendNegotiationArgs(nil, protocol.SASLInitiate, []byte("secret"))
		case protocol.RPCQueryConfig:
			ev.OfRequest(&r)
			assert.Equal(t, Event{}, ev, "what cannot be read stays empty")
			r.Body = protocol.AppendQueryConfigArgs(nil, "temp", nil)
		}
		ev.OfRequest(&r)
		assert.Equal(t, want, ev, "%v", rpc)
	}
}

// Of an answer it says where a negotiation stands, and what a meta server answered.
func TestWhatIsSaidOfAnAnswer(t *testing.T) {
	config := protocol.QueryConfig{Err: protocol.CodeForwardToOthers, Partitions: []protocol.PartitionConfig{{Primary: netip.MustParseAddrPort("10.0.1.2:34601")}}}
	negotiation := protocol.AppendNegotiationResult(nil, protocol.SASLChallenge, []byte("secret"))
	query := protocol.AppendQueryConfigResult(nil, &config, false)
	for name, tc := range map[string]struct {
		answer protocol.Response
		want   Event
	}{
		"negotiation":            {protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Body: negotiation}, Event{Neg: "SASL_CHALLENGE"}},
		"negotiation, refused":   {protocol.Response{Code: protocol.CodeBusy, RPC: protocol.RPCNegotiation, Body: negotiation}, Event{}},
		"negotiation, no answer": {protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Body: []byte("?")}, Event{}},
		"query":                  {protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCQueryConfig, Body: query}, Event{Answer: "ERR_FORWARD_TO_OTHERS 10.0.1.2:34601"}},
		"query, refused":         {protocol.Response{Code: protocol.CodeBusy, RPC: protocol.RPCQueryConfig, Body: query}, Event{}},
		"query, no answer":       {protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCQueryConfig, Body: []byte("?")}, Event{}},
		"read":                   {protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Body: []byte("secret")}, Event{}},
	} {
		var ev Event
		ev.OfAnswer(&tc.answer)
		assert.Equal(t, tc.want, ev, name)
	}
}

// The byte of First also tells which fields follow that most events do not have.
func TestFirstsByteTellsWhatFollows(t *testing.T) {
	for want, ev := range []Event{
		{}, {First: true}, {App: 1}, {First: true, Table: "temp"},
		{WithinNS: 1}, {First: true, WithinNS: 1}, {Partition: 1, WithinNS: 1}, {First: true, Answer: "ERR_OK", WithinNS: 1},
	} {
		assert.EqualValues(t, want, appendNumbers(nil, &ev)[2], "%+v", ev)
	}
}

// Events of several nodes go into one recording, with their node's name and in order of time;
// no two connections have one number.
func TestLiveRecording(t *testing.T) {
	var events []Event
	live := NewLive(sinkFunc(func(ev *Event) { events = append(events, *ev) }))
	client, server := live.Node("client"), live.Node("server")
	for range 3 {
		client.Emit(&Event{Kind: KindDial, Conn: client.NextConn()})
		server.Emit(&Event{Kind: KindAccept, Conn: server.NextConn()})
	}
	assert.Len(t, events, 6)
	for i, ev := range events {
		assert.Equal(t, []string{"client", "server"}[i%2], ev.Node)
		assert.EqualValues(t, i+1, ev.Conn)
		assert.GreaterOrEqual(t, ev.AtNS, events[max(i-1, 0)].AtNS)
		assert.Less(t, ev.AtNS, int64(time.Hour), "since the recording began")
	}
}

type sinkFunc func(ev *Event)

func (f sinkFunc) Emit(ev *Event) { f(ev) }
