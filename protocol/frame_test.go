// Decoders under everything that a stream and a peer can do to them.

package protocol_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
)

// decodeRequests writes wire piece by piece and returns what came out, with bodies of their own.
func decodeRequests(d *protocol.RequestDecoder, pieces ...[]byte) (out []protocol.Request, err error) {
	for _, piece := range pieces {
		if err = d.Write(piece); err != nil {
			return out, err
		}
		for {
			var r protocol.Request
			ok, err := d.Next(&r)
			if err != nil {
				return out, err
			}
			if !ok {
				break
			}
			r.Body = bytes.Clone(r.Body)
			out = append(out, r)
		}
	}
	return out, nil
}

func decodeResponses(d *protocol.ResponseDecoder, pieces ...[]byte) (out []protocol.Response, err error) {
	for _, piece := range pieces {
		if err = d.Write(piece); err != nil {
			return out, err
		}
		for {
			var r protocol.Response
			ok, err := d.Next(&r)
			if err != nil {
				return out, err
			}
			if !ok {
				break
			}
			r.Body = bytes.Clone(r.Body)
			out = append(out, r)
		}
	}
	return out, nil
}

func TestRequestFrameErrors(t *testing.T) {
	limits := protocol.Limits{MaxFrameBytes: 256, MaxNameBytes: 40, MaxBufferedBytes: 512}
	meta := "08 0001 00000000 08 0002 00000000 08 0003 00002710 0a 0004 0000000000000000 02 0005 00 00"
	begin := "80010001 0000000f 'RPC_NEGOTIATION' 00000001"
	v1 := "54484654 00000001 00000025 0000001b " + meta
	for _, c := range []struct {
		name, wire string
		kind       protocol.FrameErrorKind
	}{
		{"native magic", "'RDSN'", protocol.FrameBadMagic},
		{"http", "'GET' 202f20 'HTTP/1.1'", protocol.FrameBadMagic},
		{"version 2", "'THFT' 00000002", protocol.FrameBadVersion},
		{"negative version", "'THFT' ffffffff", protocol.FrameBadVersion},
		{"version 0, header of 47 bytes", "'THFT' 00000000 0000002f", protocol.FrameBadHeaderLength},
		{"version 0, header of 49 bytes", "'THFT' 00000000 00000031", protocol.FrameBadHeaderLength},
		{"version 0, body beyond limit", "'THFT' 00000000 00000030 00000000 000000d1", protocol.FrameTooLarge},
		{"version 0, body of 4 GiB", "'THFT' 00000000 00000030 00000000 ffffffff", protocol.FrameTooLarge},
		{"version 1, meta beyond limit", "'THFT' 00000001 ffffffff 00000000", protocol.FrameTooLarge},
		{"version 1, body beyond limit", "'THFT' 00000001 00000000 000000f1", protocol.FrameTooLarge},
		{"version 1, both at their largest", "'THFT' 00000001 ffffffff ffffffff", protocol.FrameTooLarge},
		{"version 1, empty meta", "'THFT' 00000001 00000000 0000001b " + begin, protocol.FrameBadMeta},
		{"version 1, bytes behind meta", "'THFT' 00000001 00000002 0000001b 0000 " + begin, protocol.FrameBadMeta},
		{"version 1, meta field of another type", "'THFT' 00000001 00000006 0000001b 060001 0001 00 " + begin, protocol.FrameBadMeta},
		{"version 1, meta cut off", "'THFT' 00000001 00000006 0000001b 080001 000000 " + begin, protocol.FrameBadMeta},
		{"empty body", "'THFT' 00000001 00000025 00000000 " + meta, protocol.FrameBadMessage},
		{"begin cut off", "'THFT' 00000001 00000025 0000000a " + meta + " 80010001 0000000f 5a5a", protocol.FrameBadMessage},
		{"neither strict nor old", v1 + " 80020001 0000000f 'RPC_NEGOTIATION' 00000001", protocol.FrameBadMessage},
		{"negative name length", v1 + " 80010001 ffffffff 'RPC_NEGOTIATION' 00000001", protocol.FrameBadMessage},
		{"name beyond limit", v1 + " 80010001 00000029 'RPC_NEGOTIATION' 00000001", protocol.FrameNameTooLong},
		{"name beyond the frame", v1 + " 80010001 00000010 'RPC_NEGOTIATION' 00000001", protocol.FrameBadMessage},
		{"type REPLY", v1 + " 80010002 0000000f 'RPC_NEGOTIATION' 00000001", protocol.FrameBadMessageType},
		{"type EXCEPTION", v1 + " 80010003 0000000f 'RPC_NEGOTIATION' 00000001", protocol.FrameBadMessageType},
		{"type 0", v1 + " 80010000 0000000f 'RPC_NEGOTIATION' 00000001", protocol.FrameBadMessageType},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := protocol.NewRequestDecoder(limits)
			got, err := decodeRequests(d, unhex(t, c.wire))
			assert.Empty(t, got)
			requireFrameError(t, err, c.kind)
			requireBroken(t, err, d.Buffered(), d.Write([]byte{1}), func() error { _, err := d.Next(&protocol.Request{}); return err }())
			d.Reset()
			v := requestVectors()[2]
			got, err = decodeRequests(d, unhex(t, v.wire))
			require.NoError(t, err, "after Reset a new stream begins")
			assert.Len(t, got, 1)
		})
	}
}

func TestResponseFrameErrors(t *testing.T) {
	limits := protocol.Limits{MaxFrameBytes: 256, MaxNameBytes: 40, MaxBufferedBytes: 512}
	for _, c := range []struct {
		name, wire string
		kind       protocol.FrameErrorKind
	}{
		{"length 0", "00000000", protocol.FrameBadLength},
		{"length 3", "00000003", protocol.FrameBadLength},
		{"length of the shortest answer less one", "00000010", protocol.FrameBadLength},
		{"negative length", "ffffffff", protocol.FrameBadLength},
		{"beyond limit", "00000101", protocol.FrameTooLarge},
		{"negative length of error name", "00000011 ffffffff 00000000 02 00000000", protocol.FrameBadLength},
		{"error name beyond the frame", "00000011 0000000a 00000000 02 00000000", protocol.FrameBadLength},
		{"error name beyond limit", "00000040 00000029 " + "'" + string(bytes.Repeat([]byte{'x'}, 56)) + "'", protocol.FrameNameTooLong},
		{"ack name beyond limit", "00000017 00000006 'ERR_OK' 00000029 02 00000000", protocol.FrameNameTooLong},
		{"begin cut off", "00000017 00000006 'ERR_OK' 80010002 00000005 'A'", protocol.FrameBadMessage},
		{"neither strict nor old", "00000017 00000006 'ERR_OK' ff010002 00000000 00", protocol.FrameBadMessage},
		{"type CALL", "0000001a 00000006 'ERR_OK' 80010001 00000000 00000001", protocol.FrameBadMessageType},
		{"type EXCEPTION", "0000001a 00000006 'ERR_OK' 80010003 00000000 00000001", protocol.FrameBadMessageType},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := protocol.NewResponseDecoder(limits)
			got, err := decodeResponses(d, unhex(t, c.wire))
			assert.Empty(t, got)
			requireFrameError(t, err, c.kind)
			requireBroken(t, err, d.Buffered(), d.Write([]byte{1}), func() error { _, err := d.Next(&protocol.Response{}); return err }())
			d.Reset()
			got, err = decodeResponses(d, unhex(t, responseVectors()[0].wire))
			require.NoError(t, err, "after Reset a new stream begins")
			assert.Len(t, got, 1)
		})
	}
}

func requireFrameError(t *testing.T, err error, kind protocol.FrameErrorKind) {
	t.Helper()
	var ferr *protocol.FrameError
	require.ErrorAs(t, err, &ferr)
	assert.Equal(t, kind, ferr.Kind, "%v", err)
	assert.ErrorIs(t, err, kind)
	assert.Contains(t, err.Error(), kind.Error())
}

// requireBroken asserts that a broken stream stays broken and holds nothing.
func requireBroken(t *testing.T, first error, buffered int, write, next error) {
	t.Helper()
	assert.Zero(t, buffered)
	assert.Equal(t, first, write)
	assert.Equal(t, first, next)
}

func TestOldMessageBeginning(t *testing.T) {
	wire := unhex(t, `'THFT' 00000000 00000030 00000000 0000001d 00000000 00000001 00000000 00000000 00000000 0000000000000000
		00000011 'RPC_RRDB_RRDB_GET' 01 00000009 0c 00 00`)
	got, err := decodeRequests(protocol.NewRequestDecoder(protocol.DefaultLimits()), wire)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, protocol.RPCGet, got[0].RPC)
	assert.Equal(t, int32(9), got[0].Seq)
	assert.Equal(t, []byte{0x0c, 0, 0}, got[0].Body)

	wire = unhex(t, "0000002c 00000006 'ERR_OK' 00000015 'RPC_RRDB_RRDB_GET_ACK' 02 00000009")
	answers, err := decodeResponses(protocol.NewResponseDecoder(protocol.DefaultLimits()), wire)
	require.NoError(t, err)
	require.Len(t, answers, 1)
	assert.Equal(t, protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: 9, Body: []byte{}}, answers[0])
}

func TestMetaFieldsAreOptionalAndUnknownOnesSkipped(t *testing.T) {
	wire := unhex(t, `'THFT' 00000001 00000030 0000001b
		08 0002 00000004 0f 0063 08 00000002 00000001 00000002 0d 0064 0b 06 00000001 00000001 61 0001 0c 0065 02 0001 01 00 00
		80010001 0000000f 'RPC_NEGOTIATION' 00000001`)
	got, err := decodeRequests(protocol.NewRequestDecoder(protocol.DefaultLimits()), wire)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, protocol.Header{Version: 1, Partition: 4}, got[0].Header)
}

func TestWriteRefusesBeforeAllocating(t *testing.T) {
	limits := protocol.Limits{MaxFrameBytes: 1 << 10, MaxBufferedBytes: 2 << 10}
	big := make([]byte, 2<<10+1)
	d := protocol.NewRequestDecoder(limits)
	requireFrameError(t, d.Write(big), protocol.FrameOverflow)
	assert.Zero(t, d.Buffered())

	d.Reset()
	require.NoError(t, d.Write(big[:1<<10]))
	require.NoError(t, d.Write(big[:1<<10]))
	requireFrameError(t, d.Write(big[:1]), protocol.FrameOverflow)
	assert.Zero(t, d.Buffered())
}

func TestLimitsAreFrameLimitsExactly(t *testing.T) {
	r := protocol.Request{RPC: protocol.RPCPut, Body: make([]byte, 100)}
	wire := protocol.AppendRequest(nil, &r)
	got, err := decodeRequests(protocol.NewRequestDecoder(protocol.Limits{MaxFrameBytes: len(wire)}), wire)
	require.NoError(t, err)
	assert.Len(t, got, 1)
	_, err = decodeRequests(protocol.NewRequestDecoder(protocol.Limits{MaxFrameBytes: len(wire) - 1}), wire)
	requireFrameError(t, err, protocol.FrameTooLarge)

	a := protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCPut, Body: make([]byte, 100)}
	wire = protocol.AppendResponse(nil, &a)
	answers, err := decodeResponses(protocol.NewResponseDecoder(protocol.Limits{MaxFrameBytes: len(wire)}), wire)
	require.NoError(t, err)
	assert.Len(t, answers, 1)
	_, err = decodeResponses(protocol.NewResponseDecoder(protocol.Limits{MaxFrameBytes: len(wire) - 1}), wire)
	requireFrameError(t, err, protocol.FrameTooLarge)
}

func TestErrorBodyIsDropped(t *testing.T) {
	r := protocol.Response{Code: protocol.CodeBusy, RPC: protocol.RPCPut, Seq: 3, Body: []byte("never written")}
	wire := protocol.AppendResponse(nil, &r)
	got, err := decodeResponses(protocol.NewResponseDecoder(protocol.DefaultLimits()), wire)
	require.NoError(t, err)
	assert.Equal(t, []protocol.Response{{Code: protocol.CodeBusy, RPC: protocol.RPCPut, Seq: 3}}, got)
}

func TestNoNameIsWrittenAsErrUnknown(t *testing.T) {
	wire := protocol.AppendResponse(nil, &protocol.Response{RPC: protocol.RPCGet})
	got, err := decodeResponses(protocol.NewResponseDecoder(protocol.DefaultLimits()), wire)
	require.NoError(t, err)
	assert.Equal(t, []protocol.Response{{Code: protocol.CodeUnknownError, RPC: protocol.RPCGet}}, got)
}

// drawRequest draws any request that can be told apart on the wire.
func drawRequest(t *rapid.T) protocol.Request {
	r := protocol.Request{
		Header: protocol.Header{
			Version:       rapid.Uint32Range(0, 1).Draw(t, "version"),
			AppID:         rapid.Int32().Draw(t, "app"),
			Partition:     rapid.Int32().Draw(t, "partition"),
			TimeoutMillis: rapid.Int32().Draw(t, "timeout"),
			PartitionHash: rapid.Uint64().Draw(t, "hash"),
		},
		RPC:    protocol.RPC(rapid.IntRange(0, protocol.NumRPC-1).Draw(t, "rpc")),
		OneWay: rapid.Bool().Draw(t, "oneway"),
		Seq:    rapid.Int32().Draw(t, "seq"),
		Body:   rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "body"),
	}
	if r.Header.Version == 0 {
		r.Header.ThreadHash = rapid.Int32().Draw(t, "thread")
	} else {
		r.Header.Backup = rapid.Bool().Draw(t, "backup")
	}
	if r.RPC == protocol.RPCUnknown {
		r.Name = "NEW_" + rapid.StringMatching(`[A-Z_]{0,20}`).Draw(t, "name")
	}
	return r
}

func drawResponse(t *rapid.T) protocol.Response {
	r := protocol.Response{
		Code: protocol.ErrorCode(rapid.IntRange(0, protocol.NumErrorCode-1).Draw(t, "code")),
		RPC:  protocol.RPC(rapid.IntRange(0, protocol.NumRPC-1).Draw(t, "rpc")),
		Seq:  rapid.Int32().Draw(t, "seq"),
	}
	if r.Code == protocol.CodeUnknown {
		r.CodeName = "ERR_NEW_" + rapid.StringMatching(`[A-Z_]{0,20}`).Draw(t, "codename")
	}
	if r.RPC == protocol.RPCUnknown {
		r.Name = "NEW_" + rapid.StringMatching(`[A-Z_]{0,20}`).Draw(t, "name")
	}
	if r.Code == protocol.CodeOK {
		r.Body = append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "body")...)
	}
	return r
}

// split cuts wire at drawn places.
func split(t *rapid.T, wire []byte) (pieces [][]byte) {
	cuts := rapid.SliceOfN(rapid.IntRange(0, len(wire)), 0, 12).Draw(t, "cuts")
	slices.Sort(cuts)
	last := 0
	for _, cut := range append(cuts, len(wire)) {
		pieces = append(pieces, wire[last:cut])
		last = cut
	}
	return pieces
}

func TestRequestsRoundTripHoweverTheStreamIsSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(drawRequest), 1, 6).Draw(t, "requests")
		var wire []byte
		for i := range want {
			want[i].Body = append([]byte{}, want[i].Body...)
			wire = protocol.AppendRequest(wire, &want[i])
		}
		d := protocol.NewRequestDecoder(protocol.DefaultLimits())
		got, err := decodeRequests(d, split(t, wire)...)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Zero(t, d.Buffered())
	})
}

func TestResponsesRoundTripHoweverTheStreamIsSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(drawResponse), 1, 6).Draw(t, "responses")
		var wire []byte
		for i := range want {
			wire = protocol.AppendResponse(wire, &want[i])
		}
		d := protocol.NewResponseDecoder(protocol.DefaultLimits())
		got, err := decodeResponses(d, split(t, wire)...)
		require.NoError(t, err)
		for i := range got {
			if want[i].Body == nil {
				got[i].Body = nil
			}
		}
		assert.Equal(t, want, got)
		assert.Zero(t, d.Buffered())
	})
}

// TestStateIsWhatTheFutureDependsOn: a clone has the same state, equal states have equal
// futures, and neither disturbs the other.
func TestStateIsWhatTheFutureDependsOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requests := rapid.SliceOfN(rapid.Custom(drawRequest), 2, 4).Draw(t, "requests")
		var wire []byte
		for i := range requests {
			wire = protocol.AppendRequest(wire, &requests[i])
		}
		cut := rapid.IntRange(0, len(wire)).Draw(t, "cut")
		whole := protocol.NewRequestDecoder(protocol.DefaultLimits())
		_, err := decodeRequests(whole, wire[:cut])
		require.NoError(t, err)

		fresh := protocol.NewRequestDecoder(protocol.DefaultLimits())
		require.NoError(t, fresh.Write(wire[cut-whole.Buffered():cut]))
		clone := whole.Clone()
		state := whole.AppendState(nil)
		assert.Equal(t, state, clone.AppendState(nil))
		assert.Equal(t, state, fresh.AppendState(nil), "history leaves no mark")

		want, err := decodeRequests(whole, wire[cut:])
		require.NoError(t, err)
		assert.Equal(t, state, clone.AppendState(nil), "a clone is independent")
		for _, d := range []*protocol.RequestDecoder{clone, fresh} {
			got, err := decodeRequests(d, wire[cut:])
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
	})
}

func TestStateTellsBrokenStreamsApart(t *testing.T) {
	states := map[string]bool{}
	for _, wire := range []string{"", "'THF'", "'RDSN'", "'THFT' 00000002"} {
		d := protocol.NewRequestDecoder(protocol.DefaultLimits())
		_, err := decodeRequests(d, unhex(t, wire))
		state := d.AppendState([]byte("prefix"))
		require.True(t, bytes.HasPrefix(state, []byte("prefix")))
		states[string(state)] = true
		clone := d.Clone()
		assert.Equal(t, state, clone.AppendState([]byte("prefix")))
		_, again := clone.Next(&protocol.Request{})
		assert.Equal(t, err, again)
	}
	assert.Len(t, states, 4)

	d := protocol.NewResponseDecoder(protocol.DefaultLimits())
	require.NoError(t, d.Write(unhex(t, "00000003")))
	unread := d.AppendState(nil)
	_, err := d.Next(&protocol.Response{})
	require.Error(t, err)
	assert.NotEqual(t, unread, d.AppendState(nil))
	assert.Equal(t, d.AppendState(nil), d.Clone().AppendState(nil))
}

func TestThreadHashWraps(t *testing.T) {
	assert.Equal(t, int32(2*7919+3), protocol.ThreadHash(2, 3))
	assert.Equal(t, int32(-7919), protocol.ThreadHash(math.MaxInt32, math.MinInt32), "as 32-bit arithmetic has it")
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	value := bytes.Repeat([]byte{7}, 300)
	request := protocol.Request{Header: protocol.Header{Version: 1}, RPC: protocol.RPCPut}
	response := protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCPut}
	requests := protocol.NewRequestDecoder(protocol.DefaultLimits())
	responses := protocol.NewResponseDecoder(protocol.DefaultLimits())
	var body, wire []byte
	var err error
	allocations := testing.AllocsPerRun(200, func() {
		body = protocol.AppendPutArgs(body[:0], &protocol.PutArgs{Key: value[:20], Value: value})
		request.Body = body
		wire = protocol.AppendRequest(wire[:0], &request)
		var r protocol.Request
		for _, piece := range [][]byte{wire[:11], wire[11:200], wire[200:]} {
			err = errors.Join(err, requests.Write(piece))
			ok, nextErr := requests.Next(&r)
			err = errors.Join(err, nextErr)
			if ok {
				_, parseErr := protocol.ParsePutArgs(r.Body)
				err = errors.Join(err, parseErr)
			}
		}
		body = protocol.AppendUpdateResult(body[:0], &protocol.UpdateResult{Decree: 9})
		response.Body = body
		wire = protocol.AppendResponse(wire[:0], &response)
		err = errors.Join(err, responses.Write(wire))
		var a protocol.Response
		_, nextErr := responses.Next(&a)
		err = errors.Join(err, nextErr)
		_, parseErr := protocol.ParseUpdateResult(a.Body)
		err = errors.Join(err, parseErr)
	})
	require.NoError(t, err)
	assert.Zero(t, allocations)
}

func TestBuffersAreReturnedAfterALargeFrame(t *testing.T) {
	large := protocol.AppendRequest(nil, &protocol.Request{RPC: protocol.RPCPut, Body: make([]byte, 4<<20)})
	small := protocol.AppendRequest(nil, &protocol.Request{RPC: protocol.RPCGet})
	d := protocol.NewRequestDecoder(protocol.DefaultLimits())
	got, err := decodeRequests(d, large, small, small)
	require.NoError(t, err)
	assert.Len(t, got, 3)
	assert.Less(t, d.Retained(), 2<<20)
	_, err = decodeRequests(d, large)
	require.NoError(t, err)
	d.Reset() // a server keeps such decoders for its next connections
	assert.Less(t, d.Retained(), 2<<20)
}
