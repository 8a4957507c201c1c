// Bodies of administration against the generated structs, in both directions.

package protocol_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/admin"
	"github.com/a8011091/pegasus-reference/protocol/idl/base"
	"github.com/a8011091/pegasus-reference/protocol/idl/replication"
)

func TestCreateTableArgsAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		options := &admin.CreateAppOptions{
			PartitionCount: rapid.Int32().Draw(t, "partitions"), ReplicaCount: rapid.Int32().Draw(t, "replicas"),
			SuccessIfExist: rapid.Bool().Draw(t, "success"), AppType: rapid.String().Draw(t, "type"), IsStateful: rapid.Bool().Draw(t, "stateful"),
			Envs: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "envs"), AtomicIdempotent: rapid.Bool().Draw(t, "atomic"),
		}
		name := rapid.String().Draw(t, "name")
		got, err := protocol.ParseCreateTableArgs(marshal(t, &admin.AdminClientCreateAppArgs{Req: &admin.CreateAppRequest{AppName: name, Options: options}}))
		require.NoError(t, err)
		want := protocol.CreateTableArgs{
			Name: []byte(name), Partitions: options.PartitionCount, Replicas: options.ReplicaCount, SuccessIfExist: options.SuccessIfExist,
			Type: []byte(options.AppType), Stateful: options.IsStateful, Envs: len(options.Envs),
		}
		assert.Equal(t, want, got)
		assert.Equal(t, options.AppType == "pegasus", got.IsPegasus())
	})
}

func TestOtherAdminArgsAreRead(t *testing.T) {
	reserve, pattern := int64(60), "te*"
	drop, err := protocol.ParseDropTableArgs(marshal(t, &admin.AdminClientDropAppArgs{Req: &admin.DropAppRequest{
		AppName: "temp", Options: &admin.DropAppOptions{SuccessIfNotExist: true, ReserveSeconds: &reserve},
	}}))
	require.NoError(t, err)
	assert.Equal(t, protocol.DropTableArgs{Name: []byte("temp"), SuccessIfNotExist: true, ReserveSeconds: 60}, drop)
	list, err := protocol.ParseListTablesArgs(marshal(t, &admin.AdminClientListAppsArgs{Req: &admin.ListAppsRequest{
		Status: replication.AppStatus_AS_DROPPED, AppNamePattern: &pattern,
	}}))
	require.NoError(t, err)
	assert.Equal(t, protocol.ListTablesArgs{Status: protocol.TableDropped, Pattern: true}, list)
	status, err := protocol.ParseListNodesArgs(marshal(t, &admin.AdminClientListNodesArgs{Req: &admin.ListNodesRequest{Status: admin.NodeStatus_NS_ALIVE}}))
	require.NoError(t, err)
	assert.Equal(t, protocol.NodeAlive, status)
	require.NoError(t, protocol.ParseClusterInfoArgs(marshal(t, &admin.AdminClientQueryClusterInfoArgs{Req: &admin.ClusterInfoRequest{}})))
}

// Every prefix of good arguments is refused, and none is read past its end.
func TestTruncatedAdminArgsAreRefused(t *testing.T) {
	for what, c := range adminArgs(t) {
		for n := range c.good {
			require.Error(t, c.parse(c.good[:n:n]), "%s, %d bytes", what, n)
		}
		require.NoError(t, c.parse(c.good))
		require.Error(t, c.parse(append(c.good[:len(c.good):len(c.good)], 0)), "%s, a byte too many", what)
	}
}

type adminBody struct {
	good  []byte
	parse func([]byte) error
}

func adminArgs(t testing.TB) map[string]adminBody {
	return map[string]adminBody{
		"create": {
			marshal(t, &admin.AdminClientCreateAppArgs{Req: &admin.CreateAppRequest{AppName: "t", Options: &admin.CreateAppOptions{
				PartitionCount: 4, ReplicaCount: 1, AppType: "pegasus", Envs: map[string]string{"k": "v"},
			}}}), func(b []byte) error { _, err := protocol.ParseCreateTableArgs(b); return err },
		},
		"drop": {
			marshal(t, &admin.AdminClientDropAppArgs{Req: &admin.DropAppRequest{AppName: "t", Options: &admin.DropAppOptions{}}}),
			func(b []byte) error { _, err := protocol.ParseDropTableArgs(b); return err },
		},
		"list tables": {
			marshal(t, &admin.AdminClientListAppsArgs{Req: &admin.ListAppsRequest{}}),
			func(b []byte) error { _, err := protocol.ParseListTablesArgs(b); return err },
		},
		"list nodes": {
			marshal(t, &admin.AdminClientListNodesArgs{Req: &admin.ListNodesRequest{}}),
			func(b []byte) error { _, err := protocol.ParseListNodesArgs(b); return err },
		},
		"cluster info": {
			marshal(t, &admin.AdminClientQueryClusterInfoArgs{Req: &admin.ClusterInfoRequest{}}), protocol.ParseClusterInfoArgs,
		},
	}
}

// FuzzAdminArgs: a body is read or refused.
func FuzzAdminArgs(f *testing.F) {
	bodies := adminArgs(f)
	for _, b := range bodies {
		f.Add(b.good)
		f.Add(b.good[:len(b.good)/2])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, b := range bodies {
			_ = b.parse(body) // whether it is refused depends on the body
		}
		if a, err := protocol.ParseCreateTableArgs(body); err == nil {
			assert.LessOrEqual(t, len(a.Name)+len(a.Type)+a.Envs, len(body))
		}
	})
}

func TestAdminResultsAreWhatTheGeneratedStructsWrite(t *testing.T) {
	ok, busy := base.NewErrorCode(protocol.CodeOK), base.NewErrorCode(protocol.CodeAppExist)
	addr := netip.MustParseAddrPort("10.0.0.1:34801")
	info := replication.NewAppInfo()
	info.Status, info.AppType, info.AppName, info.AppID, info.PartitionCount = replication.AppStatus_AS_DROPPED, "pegasus", "temp", 3, 8
	info.Envs, info.IsStateful, info.MaxReplicaCount = map[string]string{}, true, 2
	info.ExpireSecond, info.CreateSecond, info.DropSecond = 30, 10, 20
	assert.Equal(t, marshal(t, &admin.AdminClientCreateAppResult{Success: &admin.CreateAppResponse{Err: busy, Appid: 3}}),
		protocol.AppendCreateTableResult(nil, protocol.CodeAppExist, 3))
	assert.Equal(t, marshal(t, &admin.AdminClientDropAppResult{Success: &admin.DropAppResponse{Err: ok}}), protocol.AppendDropTableResult(nil, protocol.CodeOK))
	assert.Equal(t, marshal(t, &admin.AdminClientListAppsResult{Success: &admin.ListAppsResponse{Err: ok, Infos: []*replication.AppInfo{info}}}),
		protocol.AppendListTablesResult(nil, protocol.CodeOK, []protocol.TableInfo{{
			Status: protocol.TableDropped, Name: "temp", AppID: 3, Partitions: 8, Replicas: 2, ExpireSecond: 30, CreateSecond: 10, DropSecond: 20,
		}}))
	for _, hp := range []bool{false, true} {
		node := &admin.NodeInfo{Status: admin.NodeStatus_NS_ALIVE, Node: base.NewRPCAddress(addr)}
		if hp {
			node.HpNode = base.NewHostPort(addr)
		}
		assert.Equal(t, marshal(t, &admin.AdminClientListNodesResult{Success: &admin.ListNodesResponse{Err: ok, Infos: []*admin.NodeInfo{node}}}),
			protocol.AppendListNodesResult(nil, protocol.CodeOK, []protocol.NodeInfo{{Status: protocol.NodeAlive, Addr: addr}}, hp))
	}
	assert.Equal(t, marshal(t, &admin.AdminClientQueryClusterInfoResult{Success: &admin.ClusterInfoResponse{Err: ok, Keys: []string{"a", "b"}, Values: []string{"1", "2"}}}),
		protocol.AppendClusterInfoResult(nil, protocol.CodeOK, []string{"a", "b"}, []string{"1", "2"}))
	var again admin.AdminClientListAppsResult
	require.NoError(t, idl.Unmarshal(protocol.AppendListTablesResult(nil, protocol.CodeForwardToOthers, nil), &again, protocol.Limits{}))
	assert.Equal(t, protocol.CodeForwardToOthers, again.Success.Err.Code())
}
