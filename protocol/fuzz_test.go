// Fuzz targets: no input may panic, hold more than the limits, or decode to something
// that does not encode to the same meaning. Seeds: testdata/fuzz.

package protocol_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/allocation"
	"github.com/a8011091/pegasus-reference/protocol"
)

// fuzzLimits are small, so that inputs reach them.
var fuzzLimits = protocol.Limits{MaxFrameBytes: 1 << 12, MaxNameBytes: 64, MaxBufferedBytes: 1 << 14}

// What reading may allocate, whatever lengths an input claims: a frame is buffered, a body is
// read where it stands, and of its lists only what is there.
var (
	frameBound = allocation.Bound{Base: 4 << 10, PerByte: 8}
	bodyBound  = allocation.Bound{Base: 1 << 10, PerByte: 16}
)

// fuzzRequests feeds stream in pieces of step bytes, then again whole: the outcome must
// be the same, and what came out must survive being written again.
func fuzzRequests(t *testing.T, version uint32, stream []byte, step uint8) {
	if len(stream) > fuzzLimits.MaxBufferedBytes {
		return
	}
	whole, wholeErr := decodeRequests(protocol.NewRequestDecoder(fuzzLimits), stream)
	frameBound.Hold(t, len(stream), func() {
		var r protocol.Request
		d := protocol.NewRequestDecoder(fuzzLimits)
		for ok, err := true, d.Write(stream); ok && err == nil; ok, err = d.Next(&r) {
		}
	})
	d := protocol.NewRequestDecoder(fuzzLimits)
	pieces, piecesErr := decodeRequests(d, cut(stream, int(step)+1)...)
	assert.Equal(t, whole, pieces)
	assert.Equal(t, wholeErr, piecesErr)
	assert.LessOrEqual(t, d.Buffered(), fuzzLimits.MaxFrameBytes)
	for _, r := range whole {
		if r.Header.Version != version {
			return
		}
		again, err := decodeRequests(protocol.NewRequestDecoder(protocol.DefaultLimits()), protocol.AppendRequest(nil, &r))
		require.NoError(t, err)
		assert.Equal(t, []protocol.Request{r}, again)
	}
}

func cut(stream []byte, step int) (pieces [][]byte) {
	for len(stream) > step {
		pieces = append(pieces, stream[:step])
		stream = stream[step:]
	}
	return append(pieces, stream)
}

func FuzzRequestDecoderV0(f *testing.F) {
	addRequestSeeds(f, 0)
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) { fuzzRequests(t, 0, stream, step) })
}

func FuzzRequestDecoderV1(f *testing.F) {
	addRequestSeeds(f, 1)
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) { fuzzRequests(t, 1, stream, step) })
}

func addRequestSeeds(f *testing.F, version uint32) {
	var all []byte
	for _, v := range requestVectors() {
		if v.request.Header.Version == version {
			wire := unhex(f, v.wire)
			f.Add(wire, uint8(len(wire)/2))
			all = append(all, wire...)
		}
	}
	f.Add(all, uint8(13))
}

func FuzzResponseDecoder(f *testing.F) {
	var all []byte
	for _, v := range responseVectors() {
		wire := unhex(f, v.wire)
		f.Add(wire, uint8(5))
		all = append(all, wire...)
	}
	f.Add(all, uint8(17))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		if len(stream) > fuzzLimits.MaxBufferedBytes {
			return
		}
		whole, wholeErr := decodeResponses(protocol.NewResponseDecoder(fuzzLimits), stream)
		frameBound.Hold(t, len(stream), func() {
			var r protocol.Response
			d := protocol.NewResponseDecoder(fuzzLimits)
			for ok, err := true, d.Write(stream); ok && err == nil; ok, err = d.Next(&r) {
			}
		})
		d := protocol.NewResponseDecoder(fuzzLimits)
		pieces, piecesErr := decodeResponses(d, cut(stream, int(step)+1)...)
		assert.Equal(t, whole, pieces)
		assert.Equal(t, wholeErr, piecesErr)
		assert.LessOrEqual(t, d.Buffered(), fuzzLimits.MaxFrameBytes)
		for _, r := range whole {
			if r.Code == protocol.CodeUnknown && r.CodeName == "" {
				return // an answer without a name for its error is written as ERR_UNKNOWN
			}
			again, err := decodeResponses(protocol.NewResponseDecoder(protocol.DefaultLimits()), protocol.AppendResponse(nil, &r))
			require.NoError(t, err)
			assert.Equal(t, []protocol.Response{r}, again)
		}
	})
}

// fuzzBody seeds with a good body of that kind and checks that reading one stays within its
// bound, and that what parses is written to something that parses to the same.
func fuzzBody(f *testing.F, kind string, rewrite func(body []byte) (again []byte, err error)) {
	good, parse := parsers()[kind].good, parsers()[kind].parse
	f.Add(good)
	f.Add([]byte{0})
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		bodyBound.Hold(t, len(body), func() { _ = parse(body) })
		once, err := rewrite(body)
		assert.Equal(t, before, body, "a body is only read")
		if err != nil {
			return
		}
		twice, err := rewrite(once)
		require.NoError(t, err)
		assert.Equal(t, once, twice)
	})
}

func FuzzNegotiationArgs(f *testing.F) {
	fuzzBody(f, "negotiation args", func(body []byte) ([]byte, error) {
		status, msg, err := protocol.ParseNegotiationArgs(body)
		return protocol.AppendNegotiationArgs(nil, status, msg), err
	})
}

func FuzzNegotiationResult(f *testing.F) {
	fuzzBody(f, "negotiation result", func(body []byte) ([]byte, error) {
		status, msg, err := protocol.ParseNegotiationResult(body)
		return protocol.AppendNegotiationResult(nil, status, msg), err
	})
}

func FuzzKeyArgs(f *testing.F) {
	fuzzBody(f, "key args", func(body []byte) ([]byte, error) {
		key, err := protocol.ParseKeyArgs(body)
		return protocol.AppendKeyArgs(nil, key), err
	})
}

func FuzzPutArgs(f *testing.F) {
	fuzzBody(f, "put args", func(body []byte) ([]byte, error) {
		a, err := protocol.ParsePutArgs(body)
		return protocol.AppendPutArgs(nil, &a), err
	})
}

func FuzzReadResult(f *testing.F) {
	fuzzBody(f, "read result", func(body []byte) ([]byte, error) {
		a, err := protocol.ParseReadResult(body)
		return protocol.AppendReadResult(nil, &a), err
	})
}

func FuzzTTLResult(f *testing.F) {
	fuzzBody(f, "ttl result", func(body []byte) ([]byte, error) {
		a, err := protocol.ParseTTLResult(body)
		return protocol.AppendTTLResult(nil, &a), err
	})
}

func FuzzUpdateResult(f *testing.F) {
	fuzzBody(f, "update result", func(body []byte) ([]byte, error) {
		a, err := protocol.ParseUpdateResult(body)
		return protocol.AppendUpdateResult(nil, &a), err
	})
}

func FuzzQueryConfigArgs(f *testing.F) {
	fuzzBody(f, "query_cfg args", func(body []byte) ([]byte, error) {
		var a protocol.QueryConfigArgs
		err := protocol.ParseQueryConfigArgs(body, &a)
		return protocol.AppendQueryConfigArgs(nil, a.Table, a.Indices), err
	})
}

func FuzzQueryConfigResult(f *testing.F) {
	fuzzBody(f, "query_cfg result", func(body []byte) ([]byte, error) {
		var c protocol.QueryConfig
		err := protocol.ParseQueryConfigResult(body, &c)
		return protocol.AppendQueryConfigResult(nil, &c, true), err
	})
}

func FuzzKey(f *testing.F) {
	f.Add([]byte{0, 1, 'h', 's'})
	f.Add([]byte{0, 0})
	f.Add([]byte{0xff, 0xff, 'x'})
	f.Fuzz(func(t *testing.T, key []byte) {
		hashKey, sortKey, err := protocol.ParseKey(key)
		if err != nil {
			require.ErrorIs(t, err, protocol.ErrMalformedKey)
			return
		}
		again, err := protocol.AppendKey(nil, hashKey, sortKey)
		require.NoError(t, err)
		assert.Equal(t, key, again)
		next, err := protocol.AppendNextKey(nil, hashKey, sortKey)
		require.NoError(t, err)
		assert.Positive(t, bytes.Compare(next, key))
	})
}
