package meta

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/admin"
	"github.com/a8011091/pegasus-reference/protocol/idl/replication"
)

var noon = time.Unix(1_700_000_000, 0)

func changeable() Config {
	cfg := config()
	cfg.Changeable, cfg.Nodes, cfg.Metas = true, []netip.AddrPort{replica, spare}, []netip.AddrPort{self, second}
	return cfg
}

// ask sends a request as the generated structs write it and reads the answer into result.
func ask(t testing.TB, c *Core, rpc protocol.RPC, args, result thrift.TStruct) {
	t.Helper()
	body, err := idl.Marshal(args)
	require.NoError(t, err)
	code, answer := c.Execute(noon, &protocol.Request{RPC: rpc, Body: body}, nil)
	require.Equal(t, protocol.CodeOK, code)
	require.NoError(t, idl.Unmarshal(answer, result, protocol.Limits{}))
}

func create(t testing.TB, c *Core, name string, change func(*admin.CreateAppOptions)) (protocol.ErrorCode, int32) {
	t.Helper()
	options := &admin.CreateAppOptions{PartitionCount: 4, ReplicaCount: 2, AppType: "pegasus", IsStateful: true}
	if change != nil {
		change(options)
	}
	var result admin.AdminClientCreateAppResult
	ask(t, c, protocol.RPCCreateApp, &admin.AdminClientCreateAppArgs{Req: &admin.CreateAppRequest{AppName: name, Options: options}}, &result)
	return result.Success.Err.Code(), result.Success.Appid
}

func drop(t testing.TB, c *Core, name string, missingIsFine bool, reserve int64) protocol.ErrorCode {
	t.Helper()
	var result admin.AdminClientDropAppResult
	options := &admin.DropAppOptions{SuccessIfNotExist: missingIsFine, ReserveSeconds: &reserve}
	ask(t, c, protocol.RPCDropApp, &admin.AdminClientDropAppArgs{Req: &admin.DropAppRequest{AppName: name, Options: options}}, &result)
	return result.Success.Err.Code()
}

func list(t testing.TB, c *Core, status replication.AppStatus) (protocol.ErrorCode, []string) {
	t.Helper()
	var result admin.AdminClientListAppsResult
	ask(t, c, protocol.RPCListApps, &admin.AdminClientListAppsArgs{Req: &admin.ListAppsRequest{Status: status}}, &result)
	var names []string
	for _, i := range result.Success.Infos {
		names = append(names, fmt.Sprintf("%d %s %v %dx%d", i.AppID, i.AppName, i.Status, i.PartitionCount, i.MaxReplicaCount))
	}
	return result.Success.Err.Code(), names
}

func TestCreatedTableIsSpreadOverTheNodes(t *testing.T) {
	c := New(changeable())
	code, id := create(t, c, "new", nil)
	require.Equal(t, protocol.CodeOK, code)
	assert.EqualValues(t, 3, id, "above every id that there was")
	assert.EqualValues(t, 1, c.Version())
	q := query(t, c, "new")
	require.Len(t, q.Partitions, 4)
	for i, p := range q.Partitions {
		nodes := []netip.AddrPort{replica, spare}
		assert.Equal(t, protocol.GPID{AppID: 3, Index: int32(i)}, p.PID)
		assert.Equal(t, nodes[i%2], p.Primary)
		assert.Equal(t, []netip.AddrPort{nodes[(i+1)%2]}, p.Secondaries)
		assert.EqualValues(t, 1, p.Ballot)
		assert.EqualValues(t, 2, p.MaxReplicaCount)
	}
}

func TestTablesThatCannotBeCreated(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*admin.CreateAppOptions)
		want   protocol.ErrorCode
	}{
		{"", nil, protocol.CodeInvalidParameters},
		{string(make([]byte, 129)), nil, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.PartitionCount = 0 }, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.PartitionCount = -4 }, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.PartitionCount = 3 }, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.PartitionCount = 1 << 17 }, protocol.CodeCapacityExceeded},
		{"x", func(o *admin.CreateAppOptions) { o.ReplicaCount = 0 }, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.ReplicaCount = 3 }, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.AppType = "simple_kv" }, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.IsStateful = false }, protocol.CodeInvalidParameters},
		{"x", func(o *admin.CreateAppOptions) { o.Envs = map[string]string{"k": "v"} }, protocol.CodeInvalidParameters},
		{"temp", nil, protocol.CodeAppExist},
		{"temp", func(o *admin.CreateAppOptions) { o.SuccessIfExist = true }, protocol.CodeAppExist}, // of another shape
	} {
		c := New(changeable())
		code, id := create(t, c, tc.name, tc.change)
		assert.Equal(t, tc.want, code, "%+v", tc)
		assert.Zero(t, id)
		assert.Zero(t, c.Version())
	}
}

func TestCreatingTwice(t *testing.T) {
	c := New(changeable())
	_, id := create(t, c, "new", nil)
	code, again := create(t, c, "new", func(o *admin.CreateAppOptions) { o.SuccessIfExist = true })
	assert.Equal(t, protocol.CodeOK, code)
	assert.Equal(t, id, again)
	assert.EqualValues(t, 1, c.Version(), "nothing has changed")
}

func TestTablesAreLimited(t *testing.T) {
	c := New(changeable())
	one := func(o *admin.CreateAppOptions) { o.PartitionCount, o.ReplicaCount = 1, 1 }
	for n := 1; n < maxTables; n++ { // and the one that there was
		code, _ := create(t, c, fmt.Sprint(n), one)
		require.Equal(t, protocol.CodeOK, code)
	}
	code, _ := create(t, c, "one too many", one)
	assert.Equal(t, protocol.CodeCapacityExceeded, code)
	for n := 1; n < maxTables; n++ {
		require.Equal(t, protocol.CodeOK, drop(t, c, fmt.Sprint(n), false, 60))
	}
	_, names := list(t, c, replication.AppStatus_AS_DROPPED)
	assert.Len(t, names, maxDropped)
	assert.Equal(t, "1001 999 AS_DROPPED 1x1", names[maxDropped-1], "the oldest are forgotten")
}

// The longest name that a table can have is one, and where tables do not change none is made.
func TestNamesAndTablesThatStay(t *testing.T) {
	code, _ := create(t, New(changeable()), string(make([]byte, maxNameBytes)), nil)
	assert.Equal(t, protocol.CodeOK, code)
	cfg := changeable()
	cfg.Changeable = false
	c := New(cfg)
	code, _ = create(t, c, "new", nil)
	assert.Equal(t, protocol.CodeOperationDisabled, code)
	assert.Equal(t, protocol.CodeOperationDisabled, drop(t, c, "temp", false, 0))
	assert.Zero(t, c.Version())
}

// So many partitions fit, and not one more, in whatever tables.
func TestPartitionsAreLimited(t *testing.T) {
	cfg := changeable()
	cfg.Tables = nil
	c := New(cfg)
	of := func(count int32) func(*admin.CreateAppOptions) {
		return func(o *admin.CreateAppOptions) { o.PartitionCount, o.ReplicaCount = count, 1 }
	}
	for name, count := range map[string]int32{"half": maxPartitions / 2, "the other half": maxPartitions / 2} {
		code, _ := create(t, c, name, of(count))
		require.Equal(t, protocol.CodeOK, code)
	}
	code, _ := create(t, c, "one too many", of(1))
	assert.Equal(t, protocol.CodeCapacityExceeded, code)
	require.Equal(t, protocol.CodeOK, drop(t, c, "half", false, 60))
	code, _ = create(t, c, "there is room again", of(1))
	assert.Equal(t, protocol.CodeOK, code)
}

// Who does not say how long a dropped table is to be remembered means a week.
func TestDroppedTablesAreRememberedForAWeek(t *testing.T) {
	for asked, want := range map[int64]int64{-1: 7 * 24 * 3600, 0: 7 * 24 * 3600, 1: 1, math.MaxInt64: 1 << 40} {
		c := New(changeable())
		require.Equal(t, protocol.CodeOK, drop(t, c, "temp", false, asked))
		dropped := c.Registry().Dropped[0]
		assert.Equal(t, noon.Unix(), dropped.DropSecond)
		assert.Equal(t, want, dropped.ExpireSecond-dropped.DropSecond, "asked for %d", asked)
	}
}

// A copy of a meta server answers every request as it does.
func TestCopiesAnswerAlike(t *testing.T) {
	cfg := changeable()
	cfg.HPFields = true
	c := New(cfg)
	_, _ = create(t, c, "new", nil)
	require.Equal(t, protocol.CodeOK, drop(t, c, "temp", false, 60))
	d := c.Clone()
	for rpc, args := range map[protocol.RPC]thrift.TStruct{
		protocol.RPCListNodes:   &admin.AdminClientListNodesArgs{Req: &admin.ListNodesRequest{}},
		protocol.RPCClusterInfo: &admin.AdminClientQueryClusterInfoArgs{Req: &admin.ClusterInfoRequest{}},
		protocol.RPCListApps:    &admin.AdminClientListAppsArgs{Req: &admin.ListAppsRequest{}},
		protocol.RPCCreateApp: &admin.AdminClientCreateAppArgs{Req: &admin.CreateAppRequest{
			AppName: "newer", Options: &admin.CreateAppOptions{PartitionCount: 4, ReplicaCount: 2, AppType: "pegasus", IsStateful: true},
		}},
	} {
		body, err := idl.Marshal(args)
		require.NoError(t, err)
		_, have := d.Execute(noon, &protocol.Request{RPC: rpc, Body: body}, nil)
		_, want := c.Execute(noon, &protocol.Request{RPC: rpc, Body: body}, nil)
		assert.Equal(t, want, have, rpc.String())
	}
	assert.Equal(t, query(t, c, "newer"), query(t, d, "newer"))
	assert.Equal(t, c.Version(), d.Version())
}

func TestDroppedTables(t *testing.T) {
	c := New(changeable())
	require.Equal(t, protocol.CodeAppNotExist, drop(t, c, "nobody", false, 0))
	require.Equal(t, protocol.CodeOK, drop(t, c, "nobody", true, 0))
	_, _ = create(t, c, "new", nil)
	require.Equal(t, protocol.CodeOK, drop(t, c, "new", false, 60))
	assert.Equal(t, protocol.CodeObjectNotFound, query(t, c, "new").Err)
	code, names := list(t, c, replication.AppStatus_AS_INVALID)
	assert.Equal(t, protocol.CodeOK, code)
	assert.Equal(t, []string{"2 temp AS_AVAILABLE 3x2", "3 new AS_DROPPED 4x2"}, names)
	_, names = list(t, c, replication.AppStatus_AS_AVAILABLE)
	assert.Equal(t, []string{"2 temp AS_AVAILABLE 3x2"}, names)
	code, id := create(t, c, "new", nil)
	require.Equal(t, protocol.CodeOK, code)
	assert.EqualValues(t, 4, id, "an id is never used again: rows of the table before are nobody's")

	later, body := noon.Add(time.Hour), []byte(nil)
	args, err := idl.Marshal(&admin.AdminClientListAppsArgs{Req: &admin.ListAppsRequest{Status: replication.AppStatus_AS_DROPPED}})
	require.NoError(t, err)
	_, body = c.Execute(later, &protocol.Request{RPC: protocol.RPCListApps, Body: args}, body)
	var result admin.AdminClientListAppsResult
	require.NoError(t, idl.Unmarshal(body, &result, protocol.Limits{}))
	assert.Empty(t, result.Success.Infos, "its minute is over")
}

func TestListingByNameIsNotOffered(t *testing.T) {
	var result admin.AdminClientListAppsResult
	pattern := "te"
	ask(t, New(changeable()), protocol.RPCListApps, &admin.AdminClientListAppsArgs{Req: &admin.ListAppsRequest{AppNamePattern: &pattern}}, &result)
	assert.Equal(t, protocol.CodeInvalidParameters, result.Success.Err.Code())
}

func TestNodesAndClusterInfo(t *testing.T) {
	cfg := changeable()
	cfg.HPFields = true
	c := New(cfg)
	var nodes admin.AdminClientListNodesResult
	ask(t, c, protocol.RPCListNodes, &admin.AdminClientListNodesArgs{Req: &admin.ListNodesRequest{}}, &nodes)
	require.Len(t, nodes.Success.Infos, 2)
	assert.Equal(t, replica, nodes.Success.Infos[0].Node.AddrPort)
	assert.Equal(t, "10.0.0.4:34801", nodes.Success.Infos[1].HpNode.String())
	for status, want := range map[admin.NodeStatus]int{admin.NodeStatus_NS_ALIVE: 2, admin.NodeStatus_NS_UNALIVE: 0} {
		ask(t, c, protocol.RPCListNodes, &admin.AdminClientListNodesArgs{Req: &admin.ListNodesRequest{Status: status}}, &nodes)
		assert.Len(t, nodes.Success.Infos, want)
	}
	var info admin.AdminClientQueryClusterInfoResult
	ask(t, c, protocol.RPCClusterInfo, &admin.AdminClientQueryClusterInfoArgs{Req: &admin.ClusterInfoRequest{}}, &info)
	assert.Equal(t, []string{"meta_servers", "primary_meta_server"}, info.Success.Keys)
	assert.Equal(t, []string{"10.0.0.1:34601,10.0.0.2:34601", "10.0.0.1:34601"}, info.Success.Values)
}

func TestWhoDoesNotLeadSaysSo(t *testing.T) {
	c := New(changeable())
	c.SetLeader(second)
	code, _ := create(t, c, "new", nil)
	assert.Equal(t, protocol.CodeForwardToOthers, code)
	assert.Equal(t, protocol.CodeForwardToOthers, drop(t, c, "temp", false, 0))
	code, _ = list(t, c, replication.AppStatus_AS_INVALID)
	assert.Equal(t, protocol.CodeForwardToOthers, code)
	var nodes admin.AdminClientListNodesResult
	ask(t, c, protocol.RPCListNodes, &admin.AdminClientListNodesArgs{Req: &admin.ListNodesRequest{}}, &nodes)
	assert.Equal(t, protocol.CodeForwardToOthers, nodes.Success.Err.Code())
	var info admin.AdminClientQueryClusterInfoResult
	ask(t, c, protocol.RPCClusterInfo, &admin.AdminClientQueryClusterInfoArgs{Req: &admin.ClusterInfoRequest{}}, &info)
	assert.Equal(t, protocol.CodeForwardToOthers, info.Success.Err.Code())
	assert.Zero(t, c.Version())
}

// What one meta server changed, another takes over, and goes on from there.
func TestRegistryTravels(t *testing.T) {
	c, d := New(changeable()), New(changeable())
	_, _ = create(t, c, "new", nil)
	require.Equal(t, protocol.CodeOK, drop(t, c, "temp", false, 60))
	d.SetRegistry(c.Registry())
	assert.Equal(t, c.AppendState(nil, noon), d.AppendState(nil, noon))
	assert.Equal(t, c.AppendState(nil, noon), c.Clone().AppendState(nil, noon))
	code, id := create(t, d, "newer", nil)
	require.Equal(t, protocol.CodeOK, code)
	assert.EqualValues(t, 4, id)
	d.SetRegistry(c.Registry())
	assert.Equal(t, protocol.CodeOK, query(t, d, "newer").Err, "old news change nothing")
	cfg := changeable()
	cfg.Registry = d.Registry()
	assert.Equal(t, d.AppendState(nil, noon), New(cfg).AppendState(nil, noon), "a restart")
}

// A registry comes from outside: what it lacks is refused or made up for, and no table is given
// the id of another one.
func TestRegistryOfSomebodyElse(t *testing.T) {
	for why, table := range map[string]Table{
		"no partitions":    {Name: "t", AppID: 1},
		"without a name":   {AppID: 1, Partitions: make([]protocol.PartitionConfig, 1)},
		"must be positive": {Name: "t", AppID: -1, Partitions: make([]protocol.PartitionConfig, 1)},
		"the ballot 0":     {Name: "t", AppID: 1, Partitions: make([]protocol.PartitionConfig, 1)},
	} {
		cfg := config()
		cfg.Registry = Registry{Version: 1, Tables: []Table{table}}
		var e *ConfigError
		require.ErrorAs(t, cfg.Validate(), &e, why)
		assert.Equal(t, "Registry.Tables", e.Field)
		assert.ErrorContains(t, e, why)
	}

	cfg := changeable()
	cfg.Registry = Registry{Version: 1, Tables: []Table{{Name: "t", AppID: 7, Partitions: []protocol.PartitionConfig{{Ballot: 1}, {Ballot: 1}}}}}
	require.NoError(t, cfg.Validate())
	c := New(cfg)
	assert.Equal(t, protocol.GPID{AppID: 7, Index: 1}, query(t, c, "t").Partitions[1].PID)
	_, id := create(t, c, "another", nil)
	assert.EqualValues(t, 8, id)

	c.SetRegistry(Registry{Version: 100, LastID: math.MaxInt32})
	code, _ := create(t, c, "one too many", nil)
	assert.Equal(t, protocol.CodeCapacityExceeded, code)
}
