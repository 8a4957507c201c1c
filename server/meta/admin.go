// Administration: tables created, dropped and listed, nodes listed.
// Semantics: upstream src/meta/server_state.cpp (create_app, drop_app, list_apps).

package meta

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Limits of what requests can make a meta server hold.
const (
	maxTables     = 1000
	maxPartitions = 1 << 16 // of all tables together
	maxNameBytes  = 128
	maxDropped    = 100 // remembered, the oldest forgotten first
)

// reserveSeconds is how long a dropped table is remembered where a request does not say,
// upstream's hold_seconds_for_dropped_app.
const reserveSeconds = 7 * 24 * 3600

// Registry is what the meta servers of a cluster have to agree on.
type Registry struct {
	Version uint64 // rises with every change
	LastID  int32  // the highest that a table ever had
	Tables  []Table
	Dropped []protocol.TableInfo
}

// NewTable spreads a table over nodes: partition i's primary is node i modulo their number,
// its other copies the nodes that follow. Ballots begin at 1.
func NewTable(name string, appID, partitions, copies int32, nodes []netip.AddrPort) Table {
	t := Table{Name: name, AppID: appID, Partitions: make([]protocol.PartitionConfig, partitions)}
	for i := range t.Partitions {
		p := &t.Partitions[i]
		p.PID = protocol.GPID{AppID: appID, Index: int32(i)}
		p.Ballot, p.MaxReplicaCount = 1, copies
		p.Primary = nodes[i%len(nodes)]
		for c := 1; c < int(copies); c++ {
			p.Secondaries = append(p.Secondaries, nodes[(i+c)%len(nodes)])
		}
	}
	return t
}

// Version rises whenever a request, or Reconfigure, has changed the tables.
func (c *Core) Version() uint64 { return c.version }

// Registry returns a copy of what the meta servers have to agree on.
func (c *Core) Registry() Registry {
	r := Registry{Version: c.version, LastID: c.lastID, Dropped: slices.Clone(c.dropped)}
	for _, name := range c.names() {
		r.Tables = append(r.Tables, *cloneTable(c.tables[name]))
	}
	return r
}

// SetRegistry takes over what another meta server has changed, unless it is older than what
// is here. It must be valid, see Registry.Validate.
func (c *Core) SetRegistry(r Registry) {
	if r.Version <= c.version {
		return
	}
	c.version, c.lastID, c.dropped = r.Version, r.LastID, slices.Clone(r.Dropped)
	c.tables = make(map[string]*Table, len(r.Tables))
	for i := range r.Tables {
		t := cloneTable(&r.Tables[i])
		c.tables[t.Name] = t
		c.lastID = max(c.lastID, t.AppID) // no id is given out twice, whatever r says
	}
}

func (c *Core) createTable(now time.Time, body, dst []byte) (protocol.ErrorCode, []byte) {
	args, err := protocol.ParseCreateTableArgs(body)
	if err != nil {
		return protocol.CodeInvalidData, dst
	}
	id, code := int32(0), c.mayChange()
	if code == protocol.CodeOK {
		id, code = c.create(now, &args)
	}
	return protocol.CodeOK, protocol.AppendCreateTableResult(dst, code, id)
}

// mayChange says that tables can be changed here.
func (c *Core) mayChange() protocol.ErrorCode {
	switch {
	case !c.Leads():
		return protocol.CodeForwardToOthers
	case !c.changeable:
		return protocol.CodeOperationDisabled
	}
	return protocol.CodeOK
}

// create makes a table. Settings (envs) are refused: nothing here would heed them.
func (c *Core) create(now time.Time, args *protocol.CreateTableArgs) (int32, protocol.ErrorCode) {
	if t := c.tables[string(args.Name)]; t != nil {
		same := int(args.Partitions) == len(t.Partitions) && args.Replicas == t.Partitions[0].MaxReplicaCount
		if args.SuccessIfExist && same {
			return t.AppID, protocol.CodeOK
		}
		return 0, protocol.CodeAppExist
	}
	count := int64(args.Partitions)
	switch {
	case len(args.Name) == 0 || len(args.Name) > maxNameBytes, !args.IsPegasus(), !args.Stateful, args.Envs > 0,
		count < 1 || count&(count-1) != 0, args.Replicas < 1 || int(args.Replicas) > len(c.nodes):
		return 0, protocol.CodeInvalidParameters
	case len(c.tables) >= maxTables || c.partitions()+count > maxPartitions, c.lastID == math.MaxInt32:
		return 0, protocol.CodeCapacityExceeded
	}
	c.lastID++
	c.version++
	t := NewTable(string(args.Name), c.lastID, args.Partitions, args.Replicas, c.nodes)
	t.CreateSecond = now.Unix()
	c.tables[t.Name] = &t
	return t.AppID, protocol.CodeOK
}

func (c *Core) partitions() (n int64) {
	for _, name := range c.names() {
		n += int64(len(c.tables[name].Partitions))
	}
	return n
}

func (c *Core) dropTable(now time.Time, body, dst []byte) (protocol.ErrorCode, []byte) {
	args, err := protocol.ParseDropTableArgs(body)
	if err != nil {
		return protocol.CodeInvalidData, dst
	}
	code := c.mayChange()
	if code == protocol.CodeOK {
		code = c.drop(now, &args)
	}
	return protocol.CodeOK, protocol.AppendDropTableResult(dst, code)
}

// drop takes a table away and remembers for a while that there was one.
func (c *Core) drop(now time.Time, args *protocol.DropTableArgs) protocol.ErrorCode {
	t := c.tables[string(args.Name)]
	switch {
	case t == nil && args.SuccessIfNotExist:
		return protocol.CodeOK
	case t == nil:
		return protocol.CodeAppNotExist
	}
	reserve := args.ReserveSeconds
	if reserve <= 0 {
		reserve = reserveSeconds
	}
	info := t.info()
	info.Status, info.DropSecond = protocol.TableDropped, now.Unix()
	info.ExpireSecond = info.DropSecond + min(reserve, 1<<40)
	if c.dropped = append(c.dropped, info); len(c.dropped) > maxDropped {
		c.dropped = slices.Delete(c.dropped, 0, 1)
	}
	delete(c.tables, t.Name)
	c.version++
	return protocol.CodeOK
}

func (t *Table) info() protocol.TableInfo {
	return protocol.TableInfo{
		Status: protocol.TableAvailable, Name: t.Name, AppID: t.AppID, Partitions: int32(len(t.Partitions)),
		Replicas: t.Partitions[0].MaxReplicaCount, CreateSecond: t.CreateSecond,
	}
}

// listTables answers with the tables of one status, or all, in order of their ids. Choosing
// by name is not offered.
func (c *Core) listTables(now time.Time, body, dst []byte) (protocol.ErrorCode, []byte) {
	args, err := protocol.ParseListTablesArgs(body)
	switch {
	case err != nil:
		return protocol.CodeInvalidData, dst
	case !c.Leads():
		return protocol.CodeOK, protocol.AppendListTablesResult(dst, protocol.CodeForwardToOthers, nil)
	case args.Pattern:
		return protocol.CodeOK, protocol.AppendListTablesResult(dst, protocol.CodeInvalidParameters, nil)
	}
	var infos []protocol.TableInfo
	for _, name := range c.names() {
		infos = append(infos, c.tables[name].info())
	}
	for _, d := range c.dropped {
		if d.ExpireSecond > now.Unix() {
			infos = append(infos, d)
		}
	}
	infos = slices.DeleteFunc(infos, func(t protocol.TableInfo) bool {
		return args.Status != protocol.TableAll && args.Status != t.Status
	})
	slices.SortFunc(infos, func(a, b protocol.TableInfo) int { return int(a.AppID) - int(b.AppID) })
	return protocol.CodeOK, protocol.AppendListTablesResult(dst, protocol.CodeOK, infos)
}

// listNodes answers with the replica servers. This meta server does not watch them: all
// that are configured count as alive.
func (c *Core) listNodes(body, dst []byte) (protocol.ErrorCode, []byte) {
	status, err := protocol.ParseListNodesArgs(body)
	switch {
	case err != nil:
		return protocol.CodeInvalidData, dst
	case !c.Leads():
		return protocol.CodeOK, protocol.AppendListNodesResult(dst, protocol.CodeForwardToOthers, nil, c.hpFields)
	}
	var infos []protocol.NodeInfo
	if status == protocol.NodeAll || status == protocol.NodeAlive {
		for _, n := range c.nodes {
			infos = append(infos, protocol.NodeInfo{Status: protocol.NodeAlive, Addr: n})
		}
	}
	return protocol.CodeOK, protocol.AppendListNodesResult(dst, protocol.CodeOK, infos, c.hpFields)
}

// clusterInfo answers with those of upstream's keys that mean something here.
func (c *Core) clusterInfo(body, dst []byte) (protocol.ErrorCode, []byte) {
	switch {
	case protocol.ParseClusterInfoArgs(body) != nil:
		return protocol.CodeInvalidData, dst
	case !c.Leads():
		return protocol.CodeOK, protocol.AppendClusterInfoResult(dst, protocol.CodeForwardToOthers, nil, nil)
	}
	metas := ""
	for i, m := range c.metas {
		if i > 0 {
			metas += ","
		}
		metas += m.String()
	}
	return protocol.CodeOK, protocol.AppendClusterInfoResult(dst, protocol.CodeOK,
		[]string{"meta_servers", "primary_meta_server"}, []string{metas, c.leader.String()})
}
