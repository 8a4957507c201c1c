// The operations: checks in upstream's order, then storage.
// Order of the checks: upstream src/replica/replica.cpp, replica_2pc.cpp, replica_stub.cpp.

package replica

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Core is the state of one replica server. It is made by New.
type Core struct {
	server   []byte
	maxWrite int
	held     map[protocol.GPID]Partition
	storage  Storage
}

// New makes a core. The configuration must be valid, see Config.Validate.
func New(cfg Config) *Core {
	c := &Core{
		server:   []byte(cfg.Server),
		maxWrite: cfg.MaxWriteBytes,
		held:     make(map[protocol.GPID]Partition, len(cfg.Partitions)),
		storage:  cfg.Storage,
	}
	if c.maxWrite == 0 {
		c.maxWrite = DefaultMaxWriteBytes
	}
	if c.storage == nil {
		c.storage = NewMemory()
	}
	for _, p := range cfg.Partitions {
		c.held[p.PID] = p
	}
	return c
}

// SetPartition gives the node a partition, or another role for one that it has. It returns
// false, and changes nothing, where the ballot is older than the one that the node knows.
func (c *Core) SetPartition(p Partition) bool {
	if p.Ballot < c.held[p.PID].Ballot {
		return false
	}
	c.held[p.PID] = p
	return true
}

// SetPartitions gives the node these partitions and no others; rows of those that it had
// stay in storage.
func (c *Core) SetPartitions(list []Partition) {
	clear(c.held)
	for _, p := range list {
		c.held[p.PID] = p
	}
}

// DropPartition takes a partition away from the node; its rows stay in storage.
func (c *Core) DropPartition(p protocol.GPID) { delete(c.held, p) }

// Storage returns where the rows are.
func (c *Core) Storage() Storage { return c.storage }

// Execute runs one request and appends its result struct to dst. A code other than
// CodeOK is a refusal: nothing was done, dst is returned as it was.
func (c *Core) Execute(now time.Time, r *protocol.Request, dst []byte) (protocol.ErrorCode, []byte) {
	p := protocol.GPID{AppID: r.Header.AppID, Index: r.Header.Partition}
	if code := c.admit(r, p); code != protocol.CodeOK {
		return code, dst
	}
	switch r.RPC {
	case protocol.RPCGet:
		return c.get(now, p, r.Body, dst)
	case protocol.RPCTTL:
		return c.ttl(now, p, r.Body, dst)
	case protocol.RPCPut:
		return c.put(now, p, r.Body, dst)
	case protocol.RPCRemove:
		return c.remove(p, r.Body, dst)
	}
	return protocol.CodeHandlerNotFound, dst
}

// served says that a replica server of ours has a handler for the operation.
func served(rpc protocol.RPC) bool {
	switch rpc {
	case protocol.RPCGet, protocol.RPCTTL, protocol.RPCPut, protocol.RPCRemove:
		return true
	}
	return false
}

// admit decides whether a request may touch the partition.
func (c *Core) admit(r *protocol.Request, p protocol.GPID) protocol.ErrorCode {
	held, here := c.held[p]
	switch {
	case !served(r.RPC):
		return protocol.CodeHandlerNotFound
	case !here:
		return protocol.CodeObjectNotFound
	case r.RPC.IsWrite() && len(r.Body) > c.maxWrite:
		return protocol.CodeInvalidData
	case held.Role != RolePrimary && !(r.Header.Backup && r.RPC.IsRead()):
		return protocol.CodeInvalidState
	}
	return protocol.CodeOK
}

func (c *Core) get(now time.Time, p protocol.GPID, body, dst []byte) (protocol.ErrorCode, []byte) {
	key, err := protocol.ParseKeyArgs(body)
	if err != nil {
		return protocol.CodeInvalidData, dst
	}
	record, status := c.read(now, p, key)
	return protocol.CodeOK, protocol.AppendReadResult(dst, &protocol.ReadResult{
		Status: status, Value: record.Value, AppID: p.AppID, Partition: p.Index, Server: c.server,
	})
}

func (c *Core) ttl(now time.Time, p protocol.GPID, body, dst []byte) (protocol.ErrorCode, []byte) {
	key, err := protocol.ParseKeyArgs(body)
	if err != nil {
		return protocol.CodeInvalidData, dst
	}
	result := protocol.TTLResult{AppID: p.AppID, Partition: p.Index, Server: c.server}
	record, status := c.read(now, p, key)
	if result.Status = status; status == protocol.StatusOK {
		result.TTLSeconds = protocol.RemainingTTL(record.ExpireTS, now)
	}
	return protocol.CodeOK, protocol.AppendTTLResult(dst, &result)
}

// read finds a row that has not expired.
func (c *Core) read(now time.Time, p protocol.GPID, key []byte) (Record, protocol.StorageStatus) {
	if _, _, err := protocol.ParseKey(key); err != nil {
		return Record{}, protocol.StatusInvalidArgument
	}
	record, status := c.storage.Get(p, key)
	if status != protocol.StatusOK {
		return Record{}, status
	}
	if protocol.Expired(record.ExpireTS, now) {
		return Record{}, protocol.StatusNotFound
	}
	return record, protocol.StatusOK
}

func (c *Core) put(now time.Time, p protocol.GPID, body, dst []byte) (protocol.ErrorCode, []byte) {
	args, err := protocol.ParsePutArgs(body)
	if err != nil {
		return protocol.CodeInvalidData, dst
	}
	if _, _, err := protocol.ParseKey(args.Key); err != nil {
		return c.updated(dst, p, 0, protocol.StatusInvalidArgument)
	}
	decree, status := c.storage.Put(p, args.Key, args.Value, args.ExpireTS)
	if status == protocol.StatusIOError {
		c.storage.Reclaim(now)
		decree, status = c.storage.Put(p, args.Key, args.Value, args.ExpireTS)
	}
	return c.updated(dst, p, decree, status)
}

// remove succeeds also where there is no such row.
func (c *Core) remove(p protocol.GPID, body, dst []byte) (protocol.ErrorCode, []byte) {
	key, err := protocol.ParseKeyArgs(body)
	if err != nil {
		return protocol.CodeInvalidData, dst
	}
	if _, _, err := protocol.ParseKey(key); err != nil {
		return c.updated(dst, p, 0, protocol.StatusInvalidArgument)
	}
	decree, status := c.storage.Remove(p, key)
	return c.updated(dst, p, decree, status)
}

func (c *Core) updated(dst []byte, p protocol.GPID, decree int64, status protocol.StorageStatus) (protocol.ErrorCode, []byte) {
	return protocol.CodeOK, protocol.AppendUpdateResult(dst, &protocol.UpdateResult{
		Status: status, AppID: p.AppID, Partition: p.Index, Decree: decree, Server: c.server,
	})
}

// Clone returns an independent copy, storage included.
func (c *Core) Clone() *Core {
	d := *c
	d.held = maps.Clone(c.held)
	d.storage = c.storage.Clone()
	return &d
}

// AppendState appends the canonical state: roles and ballots, then storage.
func (c *Core) AppendState(dst []byte, now time.Time) []byte {
	pids := slices.SortedFunc(maps.Keys(c.held), func(a, b protocol.GPID) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), cmp.Compare(a.Index, b.Index))
	})
	dst = binary.AppendUvarint(dst, uint64(len(pids)))
	for _, p := range pids {
		dst = append(binary.AppendVarint(dst, p.Pack()), byte(c.held[p].Role))
		dst = binary.AppendVarint(dst, c.held[p].Ballot)
	}
	return c.storage.AppendState(dst, now)
}
