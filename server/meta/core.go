// Who leads, and the query that routes every client.
// Semantics of query_cfg: upstream src/meta/meta_service.cpp, server_state.cpp.

package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Core is the state of one meta server. It is made by New.
type Core struct {
	self     netip.AddrPort
	leader   netip.AddrPort
	hpFields bool
	tables   map[string]*Table
	nodes    []netip.AddrPort
	metas    []netip.AddrPort

	changeable bool
	version    uint64 // of the tables
	lastID     int32  // the highest that a table ever had
	dropped    []protocol.TableInfo

	args     protocol.QueryConfigArgs // scratch
	answer   protocol.QueryConfig     // scratch
	selected []protocol.PartitionConfig
	seen     []bool // scratch: indices of this query
}

// New makes a core. The configuration must be valid, see Config.Validate.
func New(cfg Config) *Core {
	c := &Core{
		self: cfg.Self, leader: cfg.Leader, hpFields: cfg.HPFields, tables: make(map[string]*Table, len(cfg.Tables)),
		nodes: slices.Clone(cfg.Nodes), metas: slices.Clone(cfg.Metas), changeable: cfg.Changeable,
	}
	for i := range cfg.Tables {
		t := cloneTable(&cfg.Tables[i])
		c.tables[t.Name] = t
		c.lastID = max(c.lastID, t.AppID)
	}
	c.SetRegistry(cfg.Registry)
	return c
}

// names returns the tables' names in order.
func (c *Core) names() []string { return slices.Sorted(maps.Keys(c.tables)) }

// SetLeader says who leads from now on; zero: nobody is known to.
func (c *Core) SetLeader(leader netip.AddrPort) { c.leader = leader }

// Leader returns who leads, as this server believes.
func (c *Core) Leader() netip.AddrPort { return c.leader }

// Leads says that this server leads.
func (c *Core) Leads() bool { return c.leader == c.self }

// ErrNoPartition is returned for a table or partition that is not there.
var ErrNoPartition = errors.New("no such table or partition")

// Reconfigure moves a partition; its ballot rises by one, and so does the tables' version.
func (c *Core) Reconfigure(table string, index int32, primary netip.AddrPort, secondaries []netip.AddrPort) error {
	t := c.tables[table]
	if t == nil || index < 0 || int(index) >= len(t.Partitions) {
		return fmt.Errorf("move partition %d of table %q: %w", index, table, ErrNoPartition)
	}
	p := &t.Partitions[index]
	p.Ballot++
	c.version++
	p.Primary, p.Secondaries = primary, slices.Clone(secondaries)
	return nil
}

// Execute runs one request and appends its result struct to dst. A code other than
// CodeOK is a refusal: dst is returned as it was.
func (c *Core) Execute(now time.Time, r *protocol.Request, dst []byte) (protocol.ErrorCode, []byte) {
	switch r.RPC {
	case protocol.RPCQueryConfig:
		return c.query(r, dst)
	case protocol.RPCCreateApp:
		return c.createTable(now, r.Body, dst)
	case protocol.RPCDropApp:
		return c.dropTable(now, r.Body, dst)
	case protocol.RPCListApps:
		return c.listTables(now, r.Body, dst)
	case protocol.RPCListNodes:
		return c.listNodes(r.Body, dst)
	case protocol.RPCClusterInfo:
		return c.clusterInfo(r.Body, dst)
	}
	return protocol.CodeHandlerNotFound, dst
}

func (c *Core) query(r *protocol.Request, dst []byte) (protocol.ErrorCode, []byte) {
	if protocol.ParseQueryConfigArgs(r.Body, &c.args) != nil {
		return protocol.CodeInvalidData, dst
	}
	c.answer = protocol.QueryConfig{}
	switch t := c.tables[string(c.args.Table)]; {
	case !c.Leads():
		c.redirect()
	case t == nil:
		c.answer.Err = protocol.CodeObjectNotFound
	default:
		c.answer = protocol.QueryConfig{
			Err: protocol.CodeOK, AppID: t.AppID, Count: int32(len(t.Partitions)), Stateful: true,
			Partitions: c.choose(t, c.args.Indices),
		}
	}
	return protocol.CodeOK, protocol.AppendQueryConfigResult(dst, &c.answer, c.hpFields)
}

// redirect answers with the leader, where one is known, as the primary of the only
// partition. Clients dereference every field of it, so all are written.
func (c *Core) redirect() {
	c.answer.Err = protocol.CodeForwardToOthers
	if c.leader.IsValid() {
		c.selected = append(c.selected[:0], protocol.PartitionConfig{Primary: c.leader})
		c.answer.Partitions = c.selected
	}
}

// choose returns the partitions asked for, in that order: all where none is named,
// unknown indices left out, and each once, so that no query makes an answer larger than
// the table.
func (c *Core) choose(t *Table, indices []int32) []protocol.PartitionConfig {
	if len(indices) == 0 {
		return t.Partitions
	}
	c.selected = c.selected[:0]
	c.seen = slices.Grow(c.seen[:0], len(t.Partitions))[:len(t.Partitions)]
	clear(c.seen)
	for _, i := range indices {
		if i >= 0 && int(i) < len(t.Partitions) && !c.seen[i] {
			c.seen[i] = true
			c.selected = append(c.selected, t.Partitions[i])
		}
	}
	return c.selected
}

// Clone returns an independent copy.
func (c *Core) Clone() *Core {
	d := &Core{
		self: c.self, leader: c.leader, hpFields: c.hpFields, tables: make(map[string]*Table, len(c.tables)),
		nodes: c.nodes, metas: c.metas, changeable: c.changeable, version: c.version, lastID: c.lastID, dropped: slices.Clone(c.dropped),
	}
	for _, name := range c.names() {
		d.tables[name] = cloneTable(c.tables[name])
	}
	return d
}

// cloneTable returns an independent copy, in which every partition says which it is.
func cloneTable(t *Table) *Table {
	d := &Table{Name: t.Name, AppID: t.AppID, Partitions: slices.Clone(t.Partitions), CreateSecond: t.CreateSecond}
	for i := range d.Partitions {
		p := &d.Partitions[i]
		p.PID = protocol.GPID{AppID: t.AppID, Index: int32(i)}
		p.Secondaries, p.LastDrops = slices.Clone(p.Secondaries), slices.Clone(p.LastDrops)
	}
	return d
}

// AppendState appends the canonical state: the leader and every table, the dropped ones
// with their times. How often the tables have changed is not in it.
func (c *Core) AppendState(dst []byte, _ time.Time) []byte {
	dst = appendAddress(dst, c.leader)
	dst = binary.AppendUvarint(dst, uint64(len(c.tables)))
	for _, name := range c.names() {
		t := c.tables[name]
		dst = binary.AppendUvarint(dst, uint64(len(name)))
		dst = append(dst, name...)
		dst = binary.AppendVarint(dst, int64(t.AppID))
		dst = binary.AppendUvarint(dst, uint64(len(t.Partitions)))
		for i := range t.Partitions {
			p := &t.Partitions[i]
			dst = binary.AppendVarint(dst, p.Ballot)
			dst = appendAddress(dst, p.Primary)
			dst = binary.AppendUvarint(dst, uint64(len(p.Secondaries)))
			for _, a := range p.Secondaries {
				dst = appendAddress(dst, a)
			}
		}
		dst = binary.AppendVarint(dst, t.CreateSecond)
	}
	return c.appendDropped(binary.AppendVarint(dst, int64(c.lastID)))
}

func (c *Core) appendDropped(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.dropped)))
	for i := range c.dropped {
		d := &c.dropped[i]
		dst = binary.AppendUvarint(dst, uint64(len(d.Name)))
		dst = append(dst, d.Name...)
		for _, v := range [...]int64{int64(d.AppID), int64(d.Partitions), int64(d.Replicas), d.CreateSecond, d.DropSecond, d.ExpireSecond} {
			dst = binary.AppendVarint(dst, v)
		}
	}
	return dst
}

func appendAddress(dst []byte, a netip.AddrPort) []byte {
	b := a.Addr().As16()
	return binary.BigEndian.AppendUint16(append(dst, b[:]...), a.Port())
}
