// Frames byte for byte: worked examples, both directions.

package protocol_test

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// unhex reads hexadecimal digits in any grouping; 'text' stands for its ASCII bytes.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	var out []byte
	for _, word := range strings.Fields(s) {
		if text, ok := strings.CutPrefix(word, "'"); ok {
			out = append(out, strings.TrimSuffix(text, "'")...)
			continue
		}
		b, err := hex.DecodeString(word)
		require.NoError(tb, err)
		out = append(out, b...)
	}
	return out
}

type requestVector struct {
	name    string
	wire    string
	length  int
	request protocol.Request
}

func requestVectors() []requestVector {
	queryTemp := protocol.AppendQueryConfigArgs(nil, "temp", nil)
	return []requestVector{
		{
			name:   "a: query_cfg in a version 1 frame",
			length: 127,
			wire: `54484654 00000001 00000025 0000004a
				08 0001 ffffffff 08 0002 fffffffe 08 0003 00001388 0a 0004 0000000000000000 02 0005 00 00
				80010001 00000026 5250435f434d5f51554552595f504152544954494f4e5f434f4e4649475f42595f494e444558 00000000
				0c 0001 0b 0001 00000004 74656d70 0f 0002 08 00000000 00 00`,
			request: protocol.Request{
				Header: protocol.Header{Version: 1, AppID: -1, Partition: -2, TimeoutMillis: 5000},
				RPC:    protocol.RPCQueryConfig, Body: queryTemp,
			},
		},
		{
			name:   "b: query_cfg in a version 0 frame",
			length: 48 + 74,
			wire: `54484654 00000000 00000030 00000000 0000004a 00000000 00000000 00000000 00000bb8 00000000 0000000000000000
				80010001 00000026 5250435f434d5f51554552595f504152544954494f4e5f434f4e4649475f42595f494e444558 00000001
				0c 0001 0b 0001 00000004 74656d70 0f 0002 08 00000000 00 00`,
			request: protocol.Request{
				Header: protocol.Header{TimeoutMillis: 3000},
				RPC:    protocol.RPCQueryConfig, Seq: 1, Body: queryTemp,
			},
		},
		{
			name:   "c: LIST_MECHANISMS",
			length: 99,
			wire: `54484654 00000001 00000025 0000002e
				08 0001 00000000 08 0002 00000000 08 0003 00002710 0a 0004 0000000000000000 02 0005 00 00
				80010001 0000000f 5250435f4e45474f54494154494f4e 00000001
				0c 0001 08 0001 00000001 0c 0002 00000000 00 00`,
			request: protocol.Request{
				Header: protocol.Header{Version: 1, TimeoutMillis: 10000},
				RPC:    protocol.RPCNegotiation, Seq: 1,
				Body: protocol.AppendNegotiationArgs(nil, protocol.SASLListMechanisms, nil),
			},
		},
		{
			name:   "every field of a version 0 header",
			length: 48 + 41,
			wire: `54484654 00000000 00000030 00000000 00000029 00000000 00000002 00000003 000003e8 00003de1 0102030405060708
				80010004 0000001b 'RPC_RRDB_RRDB_CLEAR_SCANNER' ffffffff
				0a 00`,
			request: protocol.Request{
				Header: protocol.Header{
					AppID: 2, Partition: 3, TimeoutMillis: 1000,
					ThreadHash: protocol.ThreadHash(2, 3), PartitionHash: 0x0102030405060708,
				},
				RPC: protocol.RPCClearScanner, OneWay: true, Seq: -1, Body: []byte{0x0a, 0},
			},
		},
		{
			name:   "every field of a version 1 header, unknown name",
			length: 16 + 37 + 24 + 1,
			wire: `54484654 00000001 00000025 00000019
				08 0001 00000002 08 0002 00000003 08 0003 000003e8 0a 0004 ffffffffffffffff 02 0005 01 00
				80010001 0000000c 'RPC_NEW_CALL' 7fffffff 00`,
			request: protocol.Request{
				Header: protocol.Header{
					Version: 1, AppID: 2, Partition: 3, TimeoutMillis: 1000,
					PartitionHash: 1<<64 - 1, Backup: true,
				},
				Name: "RPC_NEW_CALL", Seq: 1<<31 - 1, Body: []byte{0},
			},
		},
	}
}

func TestRequestVectors(t *testing.T) {
	for _, v := range requestVectors() {
		t.Run(v.name, func(t *testing.T) {
			wire := unhex(t, v.wire)
			assert.Len(t, wire, v.length)
			assert.Equal(t, wire, protocol.AppendRequest(nil, &v.request), "encoded")

			d := protocol.NewRequestDecoder(protocol.DefaultLimits())
			require.NoError(t, d.Write(wire))
			var got protocol.Request
			ok, err := d.Next(&got)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, v.request, got, "decoded")
			assert.Zero(t, d.Buffered())
		})
	}
}

type responseVector struct {
	name     string
	wire     string
	response protocol.Response
}

// redirect is a meta server's answer that names the leader.
func redirect() protocol.QueryConfig {
	return protocol.QueryConfig{
		Err: protocol.CodeForwardToOthers,
		Partitions: []protocol.PartitionConfig{{
			Primary: netip.MustParseAddrPort("127.0.0.1:34601"),
		}},
	}
}

func responseVectors() []responseVector {
	leader := redirect()
	return []responseVector{
		{
			name: "d: LIST_MECHANISMS_RESP",
			wire: `00000046 00000006 4552525f4f4b 80010002 00000013 5250435f4e45474f54494154494f4e5f41434b 00000001
				0c 0000 08 0001 00000002 0c 0002 00000006 475353415049 00 00`,
			response: protocol.Response{
				Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: 1,
				Body: protocol.AppendNegotiationResult(nil, protocol.SASLListMechanismsResp, []byte("GSSAPI")),
			},
		},
		{
			name: "e: SASL_AUTH_DISABLE",
			wire: `00000040 00000006 4552525f4f4b 80010002 00000013 5250435f4e45474f54494154494f4e5f41434b 00000001
				0c 0000 08 0001 00000009 0c 0002 00000000 00 00`,
			response: protocol.Response{
				Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: 1,
				Body: protocol.AppendNegotiationResult(nil, protocol.SASLAuthDisable, nil),
			},
		},
		{
			name: "f: no handler",
			wire: `0000003c 00000015 'ERR_HANDLER_NOT_FOUND' 80010002 00000013 'RPC_NEGOTIATION_ACK' 00000001`,
			response: protocol.Response{
				Code: protocol.CodeHandlerNotFound, RPC: protocol.RPCNegotiation, Seq: 1,
			},
		},
		{
			name: "g: redirect to the leader",
			wire: `000000ca 00000006 'ERR_OK' 80010002 0000002a 'RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX_ACK' 00000007
				0c 0000
				0c 0001 00000015 'ERR_FORWARD_TO_OTHERS' 08 0002 00000000 08 0003 00000000 02 0004 00
				0f 0005 0c 00000001
				0c 0001 0000000000000000 0a 0002 0000000000000000 08 0003 00000000 0c 0004 7f00000187290001
				0f 0005 0c 00000000 0f 0006 0c 00000000 0a 0007 0000000000000000 08 0008 00000000 00
				00 00`,
			response: protocol.Response{
				Code: protocol.CodeOK, RPC: protocol.RPCQueryConfig, Seq: 7,
				Body: protocol.AppendQueryConfigResult(nil, &leader, false),
			},
		},
		{
			name: "names of a newer server",
			wire: `0000002c 0000000b 'ERR_NOT_YET' 80010002 0000000d 'RPC_SOMETHING' 00000002`,
			response: protocol.Response{
				CodeName: "ERR_NOT_YET", Name: "RPC_SOMETHING", Seq: 2,
			},
		},
	}
}

func TestResponseVectors(t *testing.T) {
	for _, v := range responseVectors() {
		t.Run(v.name, func(t *testing.T) {
			wire := unhex(t, v.wire)
			assert.Equal(t, wire, protocol.AppendResponse(nil, &v.response), "encoded")

			d := protocol.NewResponseDecoder(protocol.DefaultLimits())
			require.NoError(t, d.Write(wire))
			var got protocol.Response
			ok, err := d.Next(&got)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, v.response, got, "decoded")
			assert.Zero(t, d.Buffered())
		})
	}
}

func TestVectorBodies(t *testing.T) {
	requests, responses := requestVectors(), responseVectors()

	var query protocol.QueryConfigArgs
	require.NoError(t, protocol.ParseQueryConfigArgs(requests[0].request.Body, &query))
	assert.Equal(t, "temp", string(query.Table))
	assert.Empty(t, query.Indices)

	status, msg, err := protocol.ParseNegotiationArgs(requests[2].request.Body)
	require.NoError(t, err)
	assert.Equal(t, protocol.SASLListMechanisms, status)
	assert.Empty(t, msg)

	status, msg, err = protocol.ParseNegotiationResult(responses[0].response.Body)
	require.NoError(t, err)
	assert.Equal(t, protocol.SASLListMechanismsResp, status)
	assert.Equal(t, "GSSAPI", string(msg))

	var config protocol.QueryConfig
	require.NoError(t, protocol.ParseQueryConfigResult(responses[3].response.Body, &config))
	assert.Equal(t, redirect(), config)
}
