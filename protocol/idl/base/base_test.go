// Each scalar byte for byte, nil pointers, and what Read refuses.

package base_test

import (
	"context"
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/base"
)

func TestScalarsOnTheWire(t *testing.T) {
	address := netip.MustParseAddrPort("127.0.0.1:34601")
	for _, c := range []struct {
		value, zero thrift.TStruct
		wire, text  string
	}{
		{base.NewBlob([]byte("GSSAPI")), &base.Blob{}, "00000006475353415049", "blob of 6 bytes"},
		{base.NewErrorCode(protocol.CodeOK), &base.ErrorCode{}, "000000064552525f4f4b", "ERR_OK"},
		{&base.TaskCode{Name: "RPC"}, &base.TaskCode{}, "00000003525043", "RPC"},
		{&base.Gpid{GPID: protocol.GPID{AppID: 2, Index: 3}}, &base.Gpid{}, "0000000300000002", "2.3"},
		{&base.Gpid{GPID: protocol.GPID{AppID: -1, Index: -2}}, &base.Gpid{}, "fffffffeffffffff", "-1.-2"},
		{base.NewRPCAddress(address), &base.RPCAddress{}, "7f00000187290001", "127.0.0.1:34601"},
		{&base.RPCAddress{}, &base.RPCAddress{}, "0000000000000000", "no address"},
		{base.NewHostPort(address), &base.HostPort{}, "000000093132372e302e302e31872901", "127.0.0.1:34601"},
		{&base.HostPort{Host: "meta-1", Port: 1, Kind: base.HostGroup}, &base.HostPort{}, "000000066d6574612d31000102", "meta-1:1"},
		{base.NewHostPort(netip.AddrPort{}), &base.HostPort{}, "00000000000000", ":0"},
	} {
		t.Run(c.wire, func(t *testing.T) {
			body, err := idl.Marshal(c.value)
			require.NoError(t, err)
			assert.Equal(t, c.wire, hex.EncodeToString(body))
			require.NoError(t, idl.Unmarshal(body, c.zero, protocol.DefaultLimits()))
			assert.Equal(t, c.value, c.zero)
			assert.Equal(t, c.text, c.zero.(interface{ String() string }).String())
			for n := range body {
				assert.ErrorIs(t, idl.Unmarshal(body[:n], c.zero, protocol.DefaultLimits()), protocol.BodyMalformed)
			}
		})
	}
}

func TestOnlyAddressesThatCanBeDialledAreRead(t *testing.T) {
	err := idl.Unmarshal([]byte{0x7f, 0, 0, 1, 0x87, 0x29, 0, 2}, &base.RPCAddress{}, protocol.DefaultLimits())
	assert.ErrorIs(t, err, protocol.BodyMalformed)
	assert.ErrorContains(t, err, "kind 2")
}

func TestNilIsZero(t *testing.T) {
	var (
		blob *base.Blob
		code *base.ErrorCode
		task *base.TaskCode
		gpid *base.Gpid
		addr *base.RPCAddress
		host *base.HostPort
	)
	assert.True(t, blob.Equals(&base.Blob{}))
	assert.True(t, code.Equals(base.NewErrorCode(protocol.CodeUnknownError)))
	assert.True(t, task.Equals(&base.TaskCode{}))
	assert.True(t, gpid.Equals(&base.Gpid{}))
	assert.True(t, addr.Equals(&base.RPCAddress{}))
	assert.True(t, host.Equals(&base.HostPort{}))
	assert.Nil(t, blob.Bytes())
	assert.Equal(t, protocol.CodeUnknown, code.Code())
	for want, scalar := range map[string]thrift.TStruct{
		"00000000": blob, "0000000b4552525f554e4b4e4f574e": code, "0000000000000000": gpid, "00000000000000": host,
	} {
		buffer := thrift.NewTMemoryBuffer()
		require.NoError(t, scalar.Write(context.Background(), thrift.NewTBinaryProtocolConf(buffer, nil)))
		assert.Equal(t, want, hex.EncodeToString(buffer.Bytes()))
	}
}

func TestEquals(t *testing.T) {
	a, b := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2")
	assert.False(t, base.NewBlob([]byte("a")).Equals(base.NewBlob([]byte("b"))))
	assert.False(t, base.NewErrorCode(protocol.CodeOK).Equals(base.NewErrorCode(protocol.CodeBusy)))
	assert.False(t, (&base.TaskCode{Name: "a"}).Equals(nil))
	assert.False(t, (&base.Gpid{GPID: protocol.GPID{AppID: 1}}).Equals(nil))
	assert.False(t, base.NewRPCAddress(a).Equals(base.NewRPCAddress(b)))
	assert.False(t, base.NewHostPort(a).Equals(base.NewHostPort(b)))
	assert.Equal(t, protocol.CodeBusy, base.NewErrorCode(protocol.CodeBusy).Code())
	assert.Equal(t, protocol.CodeUnknown, (&base.ErrorCode{Name: "ERR_NEWER"}).Code())
}
