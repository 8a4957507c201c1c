// Tables created and dropped by request, in a cluster over TCP.

package server

import (
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
			require.Eventually(t, func() bool { return dial(t, p.Primary).put(p.PID, "k", "v") == protocol.CodeOK }, 5*time.Second, time.Millisecond)
			assert.Equal(t, protocol.CodeInvalidState, dial(t, p.Secondaries[0]).put(p.PID, "k", "v"), "a copy is held there")
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
		require.Eventually(t, func() bool { return dial(t, addr).put(gone, "k", "v") == protocol.CodeObjectNotFound }, 5*time.Second, time.Millisecond)
	}
	require.Eventually(t, func() bool { return len(c.Topology().Tables) == 2 }, 5*time.Second, time.Millisecond)
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
