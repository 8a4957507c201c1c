// What a frame costs. Each loop is one request or answer of 1,000 bytes of value.

package protocol_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/base"
	"github.com/a8011091/pegasus-reference/protocol/idl/rrdb"
)

var benchValue = bytes.Repeat([]byte("v"), 1000)

func BenchmarkRequestEncode(b *testing.B) {
	r := protocol.Request{Header: protocol.Header{Version: 1, AppID: 2}, RPC: protocol.RPCPut}
	put := protocol.PutArgs{Key: benchValue[:20], Value: benchValue}
	var body, wire []byte
	b.ReportAllocs()
	for b.Loop() {
		body = protocol.AppendPutArgs(body[:0], &put)
		r.Body = body
		wire = protocol.AppendRequest(wire[:0], &r)
	}
	b.SetBytes(int64(len(wire)))
}

func BenchmarkRequestDecode(b *testing.B) {
	for _, version := range []uint32{0, 1} {
		b.Run([]string{"v0", "v1"}[version], func(b *testing.B) {
			wire := protocol.AppendRequest(nil, &protocol.Request{
				Header: protocol.Header{Version: version}, RPC: protocol.RPCPut,
				Body: protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: benchValue[:20], Value: benchValue}),
			})
			d := protocol.NewRequestDecoder(protocol.DefaultLimits())
			b.ReportAllocs()
			b.SetBytes(int64(len(wire)))
			for b.Loop() {
				var r protocol.Request
				if err := d.Write(wire); err != nil {
					b.Fatal(err)
				}
				ok, err := d.Next(&r)
				if !ok || err != nil {
					b.Fatal(ok, err)
				}
				if _, err = protocol.ParsePutArgs(r.Body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResponseDecode(b *testing.B) {
	wire := protocol.AppendResponse(nil, &protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCGet,
		Body: protocol.AppendReadResult(nil, &protocol.ReadResult{Value: benchValue}),
	})
	d := protocol.NewResponseDecoder(protocol.DefaultLimits())
	b.ReportAllocs()
	b.SetBytes(int64(len(wire)))
	for b.Loop() {
		var r protocol.Response
		if err := d.Write(wire); err != nil {
			b.Fatal(err)
		}
		ok, err := d.Next(&r)
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
		if _, err = protocol.ParseReadResult(r.Body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGeneratedDecode is what ParsePutArgs stands in for.
func BenchmarkGeneratedDecode(b *testing.B) {
	body, err := idl.Marshal(&rrdb.RrdbPutArgs{Update: &rrdb.UpdateRequest{
		Key: base.NewBlob(benchValue[:20]), Value: base.NewBlob(benchValue),
	}})
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := idl.Unmarshal(body, &rrdb.RrdbPutArgs{}, protocol.DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}
