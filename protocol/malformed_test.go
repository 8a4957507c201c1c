// Bodies that a Parse function refuses, and why.

package protocol_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// parsers has every Parse function of a body, with a body that it accepts.
func parsers() map[string]struct {
	good  []byte
	parse func([]byte) error
} {
	config := redirect()
	type entry = struct {
		good  []byte
		parse func([]byte) error
	}
	return map[string]entry{
		"negotiation args": {
			protocol.AppendNegotiationArgs(nil, protocol.SASLInitiate, []byte("token")),
			func(b []byte) error { _, _, err := protocol.ParseNegotiationArgs(b); return err },
		},
		"negotiation result": {
			protocol.AppendNegotiationResult(nil, protocol.SASLChallenge, []byte("token")),
			func(b []byte) error { _, _, err := protocol.ParseNegotiationResult(b); return err },
		},
		"key args": {
			protocol.AppendKeyArgs(nil, []byte("key")),
			func(b []byte) error { _, err := protocol.ParseKeyArgs(b); return err },
		},
		"put args": {
			protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: []byte("key"), Value: []byte("value"), ExpireTS: 1}),
			func(b []byte) error { _, err := protocol.ParsePutArgs(b); return err },
		},
		"read result": {
			protocol.AppendReadResult(nil, &protocol.ReadResult{Value: []byte("value"), Server: []byte("server")}),
			func(b []byte) error { _, err := protocol.ParseReadResult(b); return err },
		},
		"ttl result": {
			protocol.AppendTTLResult(nil, &protocol.TTLResult{TTLSeconds: 5, Server: []byte("server")}),
			func(b []byte) error { _, err := protocol.ParseTTLResult(b); return err },
		},
		"update result": {
			protocol.AppendUpdateResult(nil, &protocol.UpdateResult{Decree: 5, Server: []byte("server")}),
			func(b []byte) error { _, err := protocol.ParseUpdateResult(b); return err },
		},
		"query_cfg args": {
			protocol.AppendQueryConfigArgs(nil, "temp", []int32{1, 2}),
			func(b []byte) error { return protocol.ParseQueryConfigArgs(b, &protocol.QueryConfigArgs{}) },
		},
		"query_cfg result": {
			protocol.AppendQueryConfigResult(nil, &config, true),
			func(b []byte) error { return protocol.ParseQueryConfigResult(b, &protocol.QueryConfig{}) },
		},
	}
}

func TestEveryPrefixOfABodyIsRefused(t *testing.T) {
	for name, p := range parsers() {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, p.parse(p.good))
			for n := range p.good {
				err := p.parse(p.good[:n:n])
				var berr *protocol.BodyError
				require.ErrorAs(t, err, &berr, "prefix of %d bytes", n)
				assert.Contains(t, []protocol.BodyErrorKind{protocol.BodyTruncated, protocol.BodyMissing}, berr.Kind)
			}
			assert.ErrorIs(t, p.parse(append(p.good[:len(p.good):len(p.good)], 0)), protocol.BodyTrailing)
		})
	}
}

func TestEmptyStructsAreRefused(t *testing.T) {
	for name, p := range parsers() {
		assert.ErrorIs(t, p.parse([]byte{0}), protocol.BodyMissing, name)
	}
}

func TestMalformedBodies(t *testing.T) {
	for _, c := range []struct {
		name, parser, body string
		kind               protocol.BodyErrorKind
	}{
		{"argument is no struct", "put args", "0b 0001 00000000 00", protocol.BodyWrongType},
		{"argument under another number", "put args", "0c 0002 00 00", protocol.BodyMissing},
		{"second argument", "put args", "0c 0001 00 0c 0002 00 00", protocol.BodyTrailing},
		{"negative blob", "key args", "0c 0001 ffffffff 00", protocol.BodyNegativeLength},
		{"blob beyond the body", "key args", "0c 0001 7fffffff 00", protocol.BodyTruncated},
		{"status of another type", "negotiation args", "0c 0001 0a 0001 0000000000000001 00 00", protocol.BodyWrongType},
		{"token without status", "negotiation args", "0c 0001 0c 0002 00000000 00 00", protocol.BodyMissing},
		{"answer without error", "read result", "0c 0000 0c 0002 00000000 00 00", protocol.BodyMissing},
		{"unknown field of an unknown type", "read result", "0c 0000 01 0063", protocol.BodyWrongType},
		{"unknown list of negative length", "read result", "0c 0000 0f 0063 08 ffffffff 00 00", protocol.BodyNegativeLength},
		{"unknown list beyond the body", "read result", "0c 0000 0f 0063 08 7fffffff 00 00", protocol.BodyTruncated},
		{"unknown list of nothing", "read result", "0c 0000 0f 0063 00 00000001 00 00", protocol.BodyWrongType},
		{"unknown structs, nested", "read result", "0c 0000 " + strings.Repeat("0c 0063 ", 40), protocol.BodyTooDeep},
		{"ttl without status", "ttl result", "0c 0000 08 0002 00000005 00 00", protocol.BodyMissing},
		{"update without status", "update result", "0c 0000 08 0002 00000005 00 00", protocol.BodyMissing},
		{"indices of another type", "query_cfg args", "0c 0001 0f 0002 0a 00000001 0000000000000000 00 00", protocol.BodyWrongType},
		{"negative number of indices", "query_cfg args", "0c 0001 0f 0002 08 ffffffff 00 00", protocol.BodyNegativeLength},
		{"more indices than bytes", "query_cfg args", "0c 0001 0f 0002 08 3fffffff 00000000 00 00", protocol.BodyTruncated},
		{"more partitions than bytes", "query_cfg result", "0c 0000 0f 0005 0c 00000002 " + strings.Repeat("00", 60), protocol.BodyTruncated},
		{"partition without primary", "query_cfg result", "0c 0000 0f 0005 0c 00000001 0c 0001 0000000000000000 0a 0002 0000000000000000" +
			" 00" + strings.Repeat("00", 20), protocol.BodyMissing},
		{"primary that is a group", "query_cfg result", "0c 0000 0f 0005 0c 00000001 0c 0001 0000000000000000 0a 0002 0000000000000000" +
			" 0c 0004 0000000000000002 00" + strings.Repeat("00", 9), protocol.BodyBadValue},
		{"answer without err", "query_cfg result", "0c 0000 08 0002 00000001 00 00", protocol.BodyMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := parsers()[c.parser].parse(unhex(t, c.body))
			var berr *protocol.BodyError
			require.ErrorAs(t, err, &berr)
			assert.Equal(t, c.kind, berr.Kind, "%v", err)
			assert.ErrorIs(t, err, c.kind)
			assert.NotEmpty(t, berr.What)
		})
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	body := unhex(t, `0c 0000
		08 0001 00000001 0b 0063 00000002 6162 02 0064 01 03 0065 07 06 0066 0001 04 0067 0000000000000000
		0f 0068 08 00000002 00000001 00000002 0e 0069 0b 00000001 00000001 61
		0d 006a 08 0b 00000001 00000001 00000001 61 0c 006b 08 0001 00000001 00
		0c 0002 00000003 'abc' 00 00`)
	got, err := protocol.ParseReadResult(body)
	require.NoError(t, err)
	assert.Equal(t, protocol.ReadResult{Status: protocol.StatusNotFound, Value: []byte("abc")}, got)
}

// A field of a newer peer's is passed over in every body, whatever its type.
func TestUnknownFieldsOfEveryTypeAreSkipped(t *testing.T) {
	fields := map[string]string{
		"bool": "02 0063 01", "byte": "03 0063 07", "double": "04 0063 0102030405060708", "i16": "06 0063 0102", "i32": "08 0063 01020304",
		"i64": "0a 0063 0102030405060708", "string": "0b 0063 00000002 6162", "struct": "0c 0063 08 0001 00000001 00",
		"map": "0d 0063 08 0b 00000001 00000001 00000001 61", "set": "0e 0063 0b 00000001 00000001 61", "list": "0f 0063 0a 00000001 0102030405060708",
	}
	partition := []byte{0x0f, 0, 5, 0x0c, 0, 0, 0, 1} // the list of one
	for name, p := range parsers() {
		if name == "key args" {
			continue // a blob where others have a struct
		}
		places := []int{3} // within the only argument, or the result
		if name == "query_cfg result" {
			at := bytes.Index(p.good, partition)
			require.Positive(t, at)
			places = append(places, at+len(partition))
		}
		for _, at := range places {
			for kind, field := range fields {
				assert.NoError(t, p.parse(slices.Insert(bytes.Clone(p.good), at, unhex(t, field)...)), "%s: %s at %d", name, kind, at)
			}
		}
	}
}

// What is read into what has been read before is as if it were new.
func TestQueryConfigResultsAreReadOver(t *testing.T) {
	full := redirect()
	full.AppID, full.Count, full.Stateful = 3, 1, true
	var used, fresh protocol.QueryConfig
	require.NoError(t, protocol.ParseQueryConfigResult(protocol.AppendQueryConfigResult(nil, &full, false), &used))
	least := unhex(t, "0c 0000 0c 0001 00000008 4552525f42555359 00 00") // ERR_BUSY, and nothing more
	require.NoError(t, protocol.ParseQueryConfigResult(least, &used))
	require.NoError(t, protocol.ParseQueryConfigResult(least, &fresh))
	assert.Empty(t, used.Partitions)
	used.Partitions, fresh.Partitions = nil, nil
	assert.Equal(t, fresh, used)
	assert.Equal(t, protocol.CodeBusy, used.Err)
}

func TestErrorTexts(t *testing.T) {
	for kind := protocol.FrameBadMagic; kind <= protocol.FrameOverflow; kind++ {
		assert.NotEmpty(t, kind.Error())
		assert.NotContains(t, kind.Error(), "unknown kind")
	}
	for kind := protocol.BodyTruncated; kind <= protocol.BodyMalformed; kind++ {
		assert.NotEmpty(t, kind.Error())
		assert.NotContains(t, kind.Error(), "unknown kind")
	}
	assert.Contains(t, protocol.FrameErrorKind(0).Error(), "unknown kind")
	assert.Contains(t, (protocol.FrameOverflow + 1).Error(), "unknown kind")
	assert.Contains(t, (protocol.BodyMalformed + 1).Error(), "unknown kind")
	assert.Contains(t, protocol.FrameErrorKind(200).Error(), "unknown kind")
	assert.Contains(t, protocol.BodyErrorKind(0).Error(), "unknown kind")
	assert.Contains(t, protocol.BodyErrorKind(200).Error(), "unknown kind")
}
