// Tables created and dropped by request, in a cluster over TCP.

package server

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/admin"
)

func (p *peer) createTable(name string) (protocol.ErrorCode, int32) {
	body, err := idl.Marshal(&admin.AdminClientCreateAppArgs{Req: &admin.CreateAppRequest{AppName: name, Options: &admin.CreateAppOptions{
		PartitionCount: 4, ReplicaCount: 2, AppType: "pegasus", IsStateful: true,
	}}})
	require.NoError(p.t, err)
	var result admin.AdminClientCreateAppResult
	require.NoError(p.t, idl.Unmarshal(p.call(protocol.RPCCreateApp, protocol.GPID{}, body).Body, &result, protocol.Limits{}))
	return result.Success.Err.Code(), result.Success.Appid
}

func (p *peer) dropTable(name string) protocol.ErrorCode {
	body, err := idl.Marshal(&admin.AdminClientDropAppArgs{Req: &admin.DropAppRequest{AppName: name, Options: &admin.DropAppOptions{}}})
	require.NoError(p.t, err)
	var result admin.AdminClientDropAppResult
	require.NoError(p.t, idl.Unmarshal(p.call(protocol.RPCDropApp, protocol.GPID{}, body).Body, &result, protocol.Limits{}))
	return result.Success.Err.Code()
}

// requirePut waits until a put is answered by code: the nodes are told of tables one after
// another, in the background.
func requirePut(t *testing.T, addr netip.AddrPort, pid protocol.GPID, code protocol.ErrorCode) {
	t.Helper()
	var got protocol.ErrorCode
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if got = dial(t, addr).put(pid, "k", "v"); got == code || time.Now().After(deadline) {
			break
		}
	}
	require.Equal(t, code, got, "%v at %v", pid, addr)
}

func TestTablesComeAndGoByRequest(t *testing.T) {
	c, err := StartCluster(ClusterConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	code, id := dial(t, c.Metas()[0]).createTable("new")
	require.Equal(t, protocol.CodeOK, code)
	code, _ = dial(t, c.Metas()[1]).createTable("other")
	require.Equal(t, protocol.CodeForwardToOthers, code)

	// Every partition is served where the metas say, and still after all have restarted.
	for round := range 2 {
		q := dial(t, c.Metas()[0]).query("new")
		require.Len(t, q.Partitions, 4)
		for _, p := range q.Partitions {
			requirePut(t, p.Primary, p.PID, protocol.CodeOK)
			requirePut(t, p.Secondaries[0], p.PID, protocol.CodeInvalidState) // a copy is held there
		}
		if round == 0 {
			require.NoError(t, c.Restart(c.Nodes()...))
		}
	}

	// Another leader knows it, and goes on with the next id.
	require.NoError(t, c.SetLeader("meta2"))
	code, next := dial(t, c.Metas()[1]).createTable("newer")
	require.Equal(t, protocol.CodeOK, code)
	assert.Equal(t, id+1, next)
	require.Equal(t, protocol.CodeOK, dial(t, c.Metas()[1]).dropTable("new"))
	gone := protocol.GPID{AppID: id}
	for _, addr := range c.Replicas() {
		requirePut(t, addr, gone, protocol.CodeObjectNotFound)
	}
	require.Eventually(t, func() bool { return len(c.Topology().Tables) == 2 }, 20*time.Second, time.Millisecond)
}

// Nodes in processes of their own have nobody who would tell the others.
func TestTablesOfNodesOfTheirOwnAreFixed(t *testing.T) {
	base := freePorts(t, 2)
	cfg := ClusterConfig{Metas: 1, Replicas: 1, MetaPort: base, ReplicaPort: base + 1}
	s, err := StartNode(t.Context(), cfg, "meta1")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	code, _ := dial(t, s.Addr()).createTable("new")
	assert.Equal(t, protocol.CodeOperationDisabled, code)
}
