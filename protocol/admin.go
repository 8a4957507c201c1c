// Bodies of administration: tables and nodes. Upstream idl/meta_admin.thrift. A server reads
// the arguments and writes the results; the other direction is the generated structs'.

package protocol

import "net/netip"

// TableStatus is app_status.
type TableStatus int32

// States of a table. In a request the zero value asks for all.
const (
	TableAll       TableStatus = 0
	TableAvailable TableStatus = 1
	TableDropped   TableStatus = 6
)

// NodeStatus is node_status.
type NodeStatus int32

// States of a node. In a request the zero value asks for all.
const (
	NodeAll   NodeStatus = 0
	NodeAlive NodeStatus = 1
)

// CreateTableArgs is create_app_request. Name and Type alias the body.
type CreateTableArgs struct {
	Name           []byte
	Partitions     int32
	Replicas       int32
	SuccessIfExist bool
	Type           []byte
	Stateful       bool
	Envs           int // number of settings that the table is to have
}

// DropTableArgs is drop_app_request. Name aliases the body.
type DropTableArgs struct {
	Name              []byte
	SuccessIfNotExist bool
	ReserveSeconds    int64
}

// ListTablesArgs is list_apps_request.
type ListTablesArgs struct {
	Status  TableStatus
	Pattern bool // tables are to be chosen by name
}

// TableInfo is app_info.
type TableInfo struct {
	Status       TableStatus
	Name         string
	AppID        int32
	Partitions   int32
	Replicas     int32
	ExpireSecond int64 // of a dropped table: not to be had back after; Unix seconds, as the next two
	CreateSecond int64
	DropSecond   int64
}

// NodeInfo is node_info.
type NodeInfo struct {
	Status NodeStatus
	Addr   netip.AddrPort
}

// tableType is what every table of Pegasus has as app_type.
const tableType = "pegasus"

// IsPegasus says that a table of this type is meant.
func (a *CreateTableArgs) IsPegasus() bool { return string(a.Type) == tableType }

// ParseCreateTableArgs reads the args struct of RPC_CM_CREATE_APP.
func ParseCreateTableArgs(body []byte) (a CreateTableArgs, err error) {
	r, seen := reader{b: body}, 0
	if r.envelope(argsRequestField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeString):
				a.Name = r.bytes()
				seen |= 1
			case id == 2 && r.is(t, typeStruct):
				r.createOptions(&a)
				seen |= 2
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	return a, bodyError(r.missing(seen == 3), "create_app_request")
}

func (r *reader) createOptions(a *CreateTableArgs) {
	for t, id, ok := r.field(); ok; t, id, ok = r.field() {
		switch {
		case id == 1 && r.is(t, typeI32):
			a.Partitions = r.i32()
		case id == 2 && r.is(t, typeI32):
			a.Replicas = r.i32()
		case id == 3 && r.is(t, typeBool):
			a.SuccessIfExist = r.bool()
		case id == 4 && r.is(t, typeString):
			a.Type = r.bytes()
		case id == 5 && r.is(t, typeBool):
			a.Stateful = r.bool()
		case id == 6 && r.is(t, typeMap):
			a.Envs = r.mapLength()
		default:
			r.skip(t, 0)
		}
	}
}

// mapLength skips a map and returns how many entries it has.
func (r *reader) mapLength() int {
	ahead := *r
	ahead.byte()
	ahead.byte()
	n := ahead.i32()
	if r.skip(typeMap, 0); r.err != 0 {
		return 0
	}
	return int(n)
}

// ParseDropTableArgs reads the args struct of RPC_CM_DROP_APP.
func ParseDropTableArgs(body []byte) (a DropTableArgs, err error) {
	r, seen := reader{b: body}, false
	if r.envelope(argsRequestField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeString):
				a.Name, seen = r.bytes(), true
			case id == 2 && r.is(t, typeStruct):
				r.dropOptions(&a)
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	return a, bodyError(r.missing(seen), "drop_app_request")
}

func (r *reader) dropOptions(a *DropTableArgs) {
	for t, id, ok := r.field(); ok; t, id, ok = r.field() {
		switch {
		case id == 1 && r.is(t, typeBool):
			a.SuccessIfNotExist = r.bool()
		case id == 2 && r.is(t, typeI64):
			a.ReserveSeconds = r.i64()
		default:
			r.skip(t, 0)
		}
	}
}

// ParseListTablesArgs reads the args struct of RPC_CM_LIST_APPS.
func ParseListTablesArgs(body []byte) (a ListTablesArgs, err error) {
	r := reader{b: body}
	if r.envelope(argsRequestField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeI32):
				a.Status = TableStatus(r.i32())
			case id == 2 && r.is(t, typeString):
				a.Pattern = len(r.bytes()) > 0
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	return a, bodyError(r.err, "list_apps_request")
}

// ParseListNodesArgs reads the args struct of RPC_CM_LIST_NODES.
func ParseListNodesArgs(body []byte) (status NodeStatus, err error) {
	r := reader{b: body}
	if r.envelope(argsRequestField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			if id == 1 && r.is(t, typeI32) {
				status = NodeStatus(r.i32())
			} else {
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	return status, bodyError(r.err, "list_nodes_request")
}

// ParseClusterInfoArgs reads the args struct of RPC_CM_CLUSTER_INFO, which says nothing.
func ParseClusterInfoArgs(body []byte) error {
	r := reader{b: body}
	if r.envelope(argsRequestField) {
		for t, _, ok := r.field(); ok; t, _, ok = r.field() {
			r.skip(t, 0)
		}
		r.closeEnvelope()
	}
	return bodyError(r.err, "cluster_info_request")
}

// AppendCreateTableResult appends the result struct of RPC_CM_CREATE_APP.
func AppendCreateTableResult(dst []byte, code ErrorCode, appID int32) []byte {
	dst = appendResult(dst, code)
	return appendStop(appendStop(appendI32Field(dst, 2, appID)))
}

// AppendDropTableResult appends the result struct of RPC_CM_DROP_APP.
func AppendDropTableResult(dst []byte, code ErrorCode) []byte {
	return appendStop(appendStop(appendResult(dst, code)))
}

// AppendListTablesResult appends the result struct of RPC_CM_LIST_APPS.
func AppendListTablesResult(dst []byte, code ErrorCode, tables []TableInfo) []byte {
	dst = appendListField(appendResult(dst, code), 2, typeStruct, len(tables))
	for i := range tables {
		dst = appendTableInfo(dst, &tables[i])
	}
	return appendStop(appendStop(dst))
}

func appendTableInfo(dst []byte, t *TableInfo) []byte {
	dst = appendI32Field(dst, 1, int32(t.Status))
	dst = appendStringField(dst, 2, tableType)
	dst = appendStringField(dst, 3, t.Name)
	dst = appendI32Field(dst, 4, t.AppID)
	dst = appendI32Field(dst, 5, t.Partitions)
	dst = appendI32(append(appendField(dst, typeMap, 6), byte(typeString), byte(typeString)), 0) // envs
	dst = appendBoolField(dst, 7, true)
	dst = appendI32Field(dst, 8, t.Replicas)
	dst = appendI64Field(dst, 9, t.ExpireSecond)
	dst = appendI64Field(dst, 10, t.CreateSecond)
	dst = appendI64Field(dst, 11, t.DropSecond)
	return appendStop(appendI32Field(dst, 13, -1)) // no split has doubled its partitions
}

// AppendListNodesResult appends the result struct of RPC_CM_LIST_NODES. hpFields as in
// AppendQueryConfigResult.
func AppendListNodesResult(dst []byte, code ErrorCode, nodes []NodeInfo, hpFields bool) []byte {
	dst = appendListField(appendResult(dst, code), 2, typeStruct, len(nodes))
	for _, n := range nodes {
		dst = appendI32Field(dst, 1, int32(n.Status))
		dst = appendI64(appendField(dst, typeStruct, 2), PackAddress(n.Addr))
		if hpFields {
			dst = appendHostPort(appendField(dst, typeStruct, 3), n.Addr)
		}
		dst = appendStop(dst)
	}
	return appendStop(appendStop(dst))
}

// AppendClusterInfoResult appends the result struct of RPC_CM_CLUSTER_INFO: keys[i] has the
// value values[i].
func AppendClusterInfoResult(dst []byte, code ErrorCode, keys, values []string) []byte {
	dst = appendResult(dst, code)
	for i, list := range [...][]string{keys, values} {
		dst = appendListField(dst, int16(2+i), typeString, len(list))
		for _, text := range list {
			dst = appendBytes(dst, text)
		}
	}
	return appendStop(appendStop(dst))
}

// appendResult begins a result struct with its err.
func appendResult(dst []byte, code ErrorCode) []byte {
	return appendBlobField(appendField(dst, typeStruct, resultSuccessField), 1, code.String())
}
