// Hand-written bodies against the generated structs: equal bytes, and each reads the other's.

package protocol_test

import (
	"net/netip"
	"testing"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/base"
	"github.com/a8011091/pegasus-reference/protocol/idl/replication"
	"github.com/a8011091/pegasus-reference/protocol/idl/rrdb"
	"github.com/a8011091/pegasus-reference/protocol/idl/security"
)

func marshal(t require.TestingT, s thrift.TStruct) []byte {
	b, err := idl.Marshal(s)
	require.NoError(t, err)
	return b
}

func drawBytes(t *rapid.T, name string) []byte {
	return append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, name)...)
}

func drawAddress(t *rapid.T, name string) netip.AddrPort {
	if rapid.Bool().Draw(t, name+" is none") {
		return netip.AddrPort{}
	}
	var ip [4]byte
	copy(ip[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, name+" ip"))
	return netip.AddrPortFrom(netip.AddrFrom4(ip), rapid.Uint16().Draw(t, name+" port"))
}

func TestKeyArgsEqualGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := drawBytes(t, "key")
		body := protocol.AppendKeyArgs(nil, key)
		for _, generated := range []thrift.TStruct{
			&rrdb.RrdbGetArgs{Key: base.NewBlob(key)},
			&rrdb.RrdbTTLArgs{Key: base.NewBlob(key)},
			&rrdb.RrdbRemoveArgs{Key: base.NewBlob(key)},
			&rrdb.RrdbSortkeyCountArgs{HashKey: base.NewBlob(key)},
		} {
			assert.Equal(t, marshal(t, generated), body, "%T", generated)
		}
		got, err := protocol.ParseKeyArgs(body)
		require.NoError(t, err)
		assert.Equal(t, key, got)
	})
}

func TestPutArgsEqualGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := protocol.PutArgs{Key: drawBytes(t, "key"), Value: drawBytes(t, "value"), ExpireTS: rapid.Int32().Draw(t, "expire")}
		body := protocol.AppendPutArgs(nil, &want)
		assert.Equal(t, marshal(t, &rrdb.RrdbPutArgs{Update: &rrdb.UpdateRequest{
			Key: base.NewBlob(want.Key), Value: base.NewBlob(want.Value), ExpireTsSeconds: want.ExpireTS,
		}}), body)
		got, err := protocol.ParsePutArgs(body)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

func TestReadResultEqualsGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := protocol.ReadResult{
			Status: protocol.StorageStatus(rapid.Int32().Draw(t, "status")), Value: drawBytes(t, "value"),
			AppID: rapid.Int32().Draw(t, "app"), Partition: rapid.Int32().Draw(t, "partition"), Server: drawBytes(t, "server"),
		}
		body := protocol.AppendReadResult(nil, &want)
		assert.Equal(t, marshal(t, &rrdb.RrdbGetResult{Success: &rrdb.ReadResponse{
			Error: int32(want.Status), Value: base.NewBlob(want.Value),
			AppID: want.AppID, PartitionIndex: want.Partition, Server: string(want.Server),
		}}), body)
		got, err := protocol.ParseReadResult(body)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

func TestTTLResultEqualsGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := protocol.TTLResult{
			Status: protocol.StorageStatus(rapid.Int32().Draw(t, "status")), TTLSeconds: rapid.Int32().Draw(t, "ttl"),
			AppID: rapid.Int32().Draw(t, "app"), Partition: rapid.Int32().Draw(t, "partition"), Server: drawBytes(t, "server"),
		}
		body := protocol.AppendTTLResult(nil, &want)
		assert.Equal(t, marshal(t, &rrdb.RrdbTTLResult{Success: &rrdb.TTLResponse{
			Error: int32(want.Status), TTLSeconds: want.TTLSeconds,
			AppID: want.AppID, PartitionIndex: want.Partition, Server: string(want.Server),
		}}), body)
		got, err := protocol.ParseTTLResult(body)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

func TestUpdateResultEqualsGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := protocol.UpdateResult{
			Status: protocol.StorageStatus(rapid.Int32().Draw(t, "status")), AppID: rapid.Int32().Draw(t, "app"),
			Partition: rapid.Int32().Draw(t, "partition"), Decree: rapid.Int64().Draw(t, "decree"), Server: drawBytes(t, "server"),
		}
		body := protocol.AppendUpdateResult(nil, &want)
		response := &rrdb.UpdateResponse{
			Error: int32(want.Status), AppID: want.AppID,
			PartitionIndex: want.Partition, Decree: want.Decree, Server: string(want.Server),
		}
		assert.Equal(t, marshal(t, &rrdb.RrdbPutResult{Success: response}), body)
		assert.Equal(t, marshal(t, &rrdb.RrdbRemoveResult{Success: response}), body)
		got, err := protocol.ParseUpdateResult(body)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

func TestNegotiationEqualsGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		status, token := rapid.Int32().Draw(t, "status"), drawBytes(t, "token")
		args := protocol.AppendNegotiationArgs(nil, protocol.NegotiationStatus(status), token)
		assert.Equal(t, marshal(t, &security.SecurityNegotiateArgs{Request: &security.NegotiationRequest{
			Status: security.NegotiationStatus(status), Msg: base.NewBlob(token),
		}}), args)
		result := protocol.AppendNegotiationResult(nil, protocol.NegotiationStatus(status), token)
		assert.Equal(t, marshal(t, &security.SecurityNegotiateResult{Success: &security.NegotiationResponse{
			Status: security.NegotiationStatus(status), Msg: base.NewBlob(token),
		}}), result)

		got, msg, err := protocol.ParseNegotiationArgs(args)
		require.NoError(t, err)
		assert.Equal(t, protocol.NegotiationStatus(status), got)
		assert.Equal(t, token, msg)
		got, msg, err = protocol.ParseNegotiationResult(result)
		require.NoError(t, err)
		assert.Equal(t, protocol.NegotiationStatus(status), got)
		assert.Equal(t, token, msg)
	})
}

func TestQueryConfigArgsEqualGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := drawBytes(t, "table")
		indices := append([]int32{}, rapid.SliceOfN(rapid.Int32(), 0, 9).Draw(t, "indices")...)
		body := protocol.AppendQueryConfigArgs(nil, table, indices)
		assert.Equal(t, marshal(t, &replication.MetaQueryCfgArgs{Query: &replication.QueryCfgRequest{
			AppName: string(table), PartitionIndices: indices,
		}}), body)
		got := protocol.QueryConfigArgs{Indices: []int32{1, 2, 3}}
		require.NoError(t, protocol.ParseQueryConfigArgs(body, &got))
		assert.Equal(t, protocol.QueryConfigArgs{Table: table, Indices: indices}, got)
	})
}

func drawAddresses(t *rapid.T, name string) (list []netip.AddrPort) {
	for range rapid.IntRange(0, 3).Draw(t, name) {
		list = append(list, drawAddress(t, name))
	}
	return list
}

func drawQueryConfig(t *rapid.T) protocol.QueryConfig {
	c := protocol.QueryConfig{
		Err:   protocol.ErrorCode(rapid.IntRange(0, protocol.NumErrorCode-1).Draw(t, "err")),
		AppID: rapid.Int32().Draw(t, "app"), Count: rapid.Int32().Draw(t, "count"), Stateful: rapid.Bool().Draw(t, "stateful"),
	}
	if c.Err == protocol.CodeUnknown {
		c.ErrName = "ERR_NEWER"
	}
	for range rapid.IntRange(0, 4).Draw(t, "partitions") {
		c.Partitions = append(c.Partitions, protocol.PartitionConfig{
			PID:    protocol.GPID{AppID: rapid.Int32().Draw(t, "pid app"), Index: rapid.Int32().Draw(t, "pid index")},
			Ballot: rapid.Int64().Draw(t, "ballot"), MaxReplicaCount: rapid.Int32().Draw(t, "max"),
			Primary: drawAddress(t, "primary"), Secondaries: drawAddresses(t, "secondaries"), LastDrops: drawAddresses(t, "drops"),
			LastCommittedDecree: rapid.Int64().Draw(t, "decree"), Flags: rapid.Int32().Draw(t, "flags"),
		})
	}
	return c
}

func rpcAddresses(list []netip.AddrPort) (out []*base.RPCAddress) {
	for _, a := range list {
		out = append(out, base.NewRPCAddress(a))
	}
	return out
}

// hostPorts is never nil: the optional field is there.
func hostPorts(list []netip.AddrPort) []*base.HostPort {
	out := []*base.HostPort{}
	for _, a := range list {
		out = append(out, base.NewHostPort(a))
	}
	return out
}

func generatedQueryConfig(c *protocol.QueryConfig, hpFields bool) *replication.MetaQueryCfgResult {
	name := c.ErrName
	if c.Err != protocol.CodeUnknown {
		name = c.Err.String()
	}
	r := &replication.QueryCfgResponse{
		Err: &base.ErrorCode{Name: name}, AppID: c.AppID, PartitionCount: c.Count, IsStateful: c.Stateful,
	}
	for _, p := range c.Partitions {
		g := &replication.PartitionConfiguration{
			Pid: &base.Gpid{GPID: p.PID}, Ballot: p.Ballot, MaxReplicaCount: p.MaxReplicaCount,
			Primary: base.NewRPCAddress(p.Primary), Secondaries: rpcAddresses(p.Secondaries), LastDrops: rpcAddresses(p.LastDrops),
			LastCommittedDecree: p.LastCommittedDecree, PartitionFlags: p.Flags,
		}
		if hpFields {
			g.HpPrimary = base.NewHostPort(p.Primary)
			g.HpSecondaries, g.HpLastDrops = hostPorts(p.Secondaries), hostPorts(p.LastDrops)
		}
		r.Partitions = append(r.Partitions, g)
	}
	return &replication.MetaQueryCfgResult{Success: r}
}

func TestQueryConfigResultEqualsGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawQueryConfig(t)
		var reused protocol.QueryConfig
		for _, hpFields := range []bool{false, true} {
			body := protocol.AppendQueryConfigResult(nil, &want, hpFields)
			assert.Equal(t, marshal(t, generatedQueryConfig(&want, hpFields)), body, "hp fields: %v", hpFields)
			var got protocol.QueryConfig
			require.NoError(t, protocol.ParseQueryConfigResult(body, &got))
			assert.Equal(t, want, got)

			other := drawQueryConfig(t)
			require.NoError(t, protocol.ParseQueryConfigResult(protocol.AppendQueryConfigResult(nil, &other, true), &reused))
			require.NoError(t, protocol.ParseQueryConfigResult(body, &reused))
			assert.Equal(t, body, protocol.AppendQueryConfigResult(nil, &reused, hpFields), "what was there before leaves no mark")
		}
	})
}

func TestRequestMetaEqualsGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.Header.Version, r.Header.ThreadHash = 1, 0
		wire := protocol.AppendRequest(nil, &r)
		hash := int64(r.Header.PartitionHash)
		meta := marshal(t, &replication.RequestMeta{
			AppID: &r.Header.AppID, PartitionIndex: &r.Header.Partition, ClientTimeout: &r.Header.TimeoutMillis,
			PartitionHash: &hash, IsBackupRequest: &r.Header.Backup,
		})
		assert.Equal(t, meta, wire[16:16+len(meta)])
	})
}

func TestAddressesOnTheWire(t *testing.T) {
	for text, wire := range map[string]int64{
		"127.0.0.1:34601":       0x7f00000187290001,
		"0.0.0.0:0":             0x0000000000000001,
		"255.255.255.255:65535": -65535,
	} {
		a := netip.MustParseAddrPort(text)
		assert.Equal(t, wire, protocol.PackAddress(a), text)
		got, ok := protocol.UnpackAddress(wire)
		assert.True(t, ok)
		assert.Equal(t, a, got)
	}
	assert.Equal(t, int64(0x7f00000187290001), protocol.PackAddress(netip.MustParseAddrPort("[::ffff:127.0.0.1]:34601")))
	assert.Zero(t, protocol.PackAddress(netip.MustParseAddrPort("[::1]:34601")), "no IPv6 on this wire")
	assert.Zero(t, protocol.PackAddress(netip.AddrPort{}))
	got, ok := protocol.UnpackAddress(0x7f00000187290000)
	assert.True(t, ok)
	assert.False(t, got.IsValid())
	_, ok = protocol.UnpackAddress(2)
	assert.False(t, ok, "a group of addresses cannot be dialled")

	assert.Equal(t, int64(0x00000003_00000002), protocol.GPID{AppID: 2, Index: 3}.Pack())
	assert.Equal(t, int64(-2)<<32|0xffffffff, protocol.GPID{AppID: -1, Index: -2}.Pack())
	assert.Equal(t, protocol.GPID{AppID: -1, Index: -2}, protocol.UnpackGPID(int64(-2)<<32|0xffffffff))
}

func TestParsingDoesNotAllocate(t *testing.T) {
	config := redirect()
	config.Partitions = append(config.Partitions, config.Partitions[0])
	config.Partitions[1].Secondaries = []netip.AddrPort{config.Partitions[0].Primary, config.Partitions[0].Primary}
	result := protocol.AppendQueryConfigResult(nil, &config, true)
	negotiation := protocol.AppendNegotiationArgs(nil, protocol.SASLInitiate, make([]byte, 700))
	key := protocol.AppendKeyArgs(nil, make([]byte, 20))
	read := protocol.AppendReadResult(nil, &protocol.ReadResult{Value: make([]byte, 100)})
	ttl := protocol.AppendTTLResult(nil, &protocol.TTLResult{TTLSeconds: -1})
	query := protocol.AppendQueryConfigArgs(nil, "temp", []int32{1, 2})

	var parsed protocol.QueryConfig
	var args protocol.QueryConfigArgs
	failures := 0
	count := func(err error) {
		if err != nil {
			failures++
		}
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		count(protocol.ParseQueryConfigResult(result, &parsed))
		count(protocol.ParseQueryConfigArgs(query, &args))
		_, _, err := protocol.ParseNegotiationArgs(negotiation)
		count(err)
		_, err = protocol.ParseKeyArgs(key)
		count(err)
		_, err = protocol.ParseReadResult(read)
		count(err)
		_, err = protocol.ParseTTLResult(ttl)
		count(err)
	}))
	assert.Zero(t, failures)
}
