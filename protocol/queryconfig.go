// Bodies of the query for a table's partitions (query_cfg), written and read by hand:
// what routes every request. Upstream idl/dsn.layer2.thrift.

package protocol

import "net/netip"

// QueryConfigArgs is query_cfg_request. From ParseQueryConfigArgs, Table aliases the body.
type QueryConfigArgs struct {
	Table   []byte
	Indices []int32 // partitions asked for; none: all
}

// QueryConfig is query_cfg_response.
type QueryConfig struct {
	Err        ErrorCode
	ErrName    string // the name on the wire; set only where Err is CodeUnknown
	AppID      int32
	Count      int32 // of the table's partitions, also where Partitions holds fewer
	Stateful   bool
	Partitions []PartitionConfig // with CodeForwardToOthers: none, or one whose Primary is the leader
}

// PartitionConfig is partition_configuration. The zero AddrPort stands for "none".
type PartitionConfig struct {
	PID                 GPID
	Ballot              int64 // below 0: a child of a split, not yet ready
	MaxReplicaCount     int32
	Primary             netip.AddrPort
	Secondaries         []netip.AddrPort
	LastDrops           []netip.AddrPort
	LastCommittedDecree int64
	Flags               int32
}

// The least bytes that a partition of an answer, and an address in a list, can have.
const (
	partitionMinBytes = 3*(3+8) + 1
	addressBytes      = 8
)

// AppendQueryConfigArgs appends the args struct of query_cfg.
func AppendQueryConfigArgs[T []byte | string](dst []byte, table T, indices []int32) []byte {
	dst = appendField(dst, typeStruct, argsRequestField)
	dst = appendStringField(dst, 1, table)
	dst = appendListField(dst, 2, typeI32, len(indices))
	for _, i := range indices {
		dst = appendI32(dst, i)
	}
	return appendStop(appendStop(dst))
}

// ParseQueryConfigArgs reads what AppendQueryConfigArgs writes. It reuses a.Indices.
func ParseQueryConfigArgs(body []byte, a *QueryConfigArgs) error {
	*a = QueryConfigArgs{Indices: a.Indices[:0]}
	r, seen := reader{b: body}, false
	if r.envelope(argsRequestField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeString):
				a.Table, seen = r.bytes(), true
			case id == 2 && r.is(t, typeList):
				a.Indices = a.Indices[:0]
				for n := r.list(typeI32, 4); n > 0; n-- {
					a.Indices = append(a.Indices, r.i32())
				}
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	return bodyError(r.missing(seen), "query_cfg_request")
}

// AppendQueryConfigResult appends the result struct of query_cfg. hpFields adds the
// host_port twins of the addresses, which the released Java client 2.5.0 cannot read.
func AppendQueryConfigResult(dst []byte, c *QueryConfig, hpFields bool) []byte {
	name := c.Err.String()
	if c.Err == CodeUnknown {
		if name = c.ErrName; name == "" {
			name = CodeUnknownError.String()
		}
	}
	dst = appendField(dst, typeStruct, resultSuccessField)
	dst = appendBlobField(dst, 1, name) // an error_code travels like a blob
	dst = appendI32Field(dst, 2, c.AppID)
	dst = appendI32Field(dst, 3, c.Count)
	dst = appendBoolField(dst, 4, c.Stateful)
	dst = appendListField(dst, 5, typeStruct, len(c.Partitions))
	for i := range c.Partitions {
		dst = appendPartition(dst, &c.Partitions[i], hpFields)
	}
	return appendStop(appendStop(dst))
}

func appendPartition(dst []byte, p *PartitionConfig, hpFields bool) []byte {
	dst = appendI64(appendField(dst, typeStruct, 1), p.PID.Pack())
	dst = appendI64Field(dst, 2, p.Ballot)
	dst = appendI32Field(dst, 3, p.MaxReplicaCount)
	dst = appendI64(appendField(dst, typeStruct, 4), PackAddress(p.Primary))
	dst = appendAddressList(dst, 5, p.Secondaries)
	dst = appendAddressList(dst, 6, p.LastDrops)
	dst = appendI64Field(dst, 7, p.LastCommittedDecree)
	dst = appendI32Field(dst, 8, p.Flags)
	if hpFields {
		dst = appendHostPort(appendField(dst, typeStruct, 9), p.Primary)
		dst = appendHostPortList(dst, 10, p.Secondaries)
		dst = appendHostPortList(dst, 11, p.LastDrops)
	}
	return appendStop(dst)
}

func appendListField(dst []byte, id int16, elem fieldType, n int) []byte {
	dst = append(appendField(dst, typeList, id), byte(elem))
	return appendI32(dst, int32(n))
}

func appendAddressList(dst []byte, id int16, list []netip.AddrPort) []byte {
	dst = appendListField(dst, id, typeStruct, len(list))
	for _, a := range list {
		dst = appendI64(dst, PackAddress(a))
	}
	return dst
}

func appendHostPortList(dst []byte, id int16, list []netip.AddrPort) []byte {
	dst = appendListField(dst, id, typeStruct, len(list))
	for _, a := range list {
		dst = appendHostPort(dst, a)
	}
	return dst
}

// ParseQueryConfigResult reads what AppendQueryConfigResult writes. It reuses c's slices.
// Fields without which a partition cannot be used (pid, ballot, primary), and err, must
// be there; host_port fields are passed over.
func ParseQueryConfigResult(body []byte, c *QueryConfig) error {
	*c = QueryConfig{Partitions: c.Partitions[:0]}
	r, seen := reader{b: body}, false
	if r.envelope(resultSuccessField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeStruct):
				c.setErr(r.bytes())
				seen = true
			case id == 2 && r.is(t, typeI32):
				c.AppID = r.i32()
			case id == 3 && r.is(t, typeI32):
				c.Count = r.i32()
			case id == 4 && r.is(t, typeBool):
				c.Stateful = r.bool()
			case id == 5 && r.is(t, typeList):
				c.Partitions = c.Partitions[:0]
				for n := r.list(typeStruct, partitionMinBytes); n > 0 && r.err == 0; n-- {
					r.partition(c.nextPartition())
				}
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	return bodyError(r.missing(seen), "query_cfg_response")
}

func (c *QueryConfig) setErr(name []byte) {
	c.Err, c.ErrName = LookupErrorCode(name), ""
	if c.Err == CodeUnknown {
		c.ErrName = string(name)
	}
}

// nextPartition appends a partition, reusing the slices of one that was there before.
func (c *QueryConfig) nextPartition() *PartitionConfig {
	n := len(c.Partitions)
	if n == cap(c.Partitions) {
		c.Partitions = append(c.Partitions, PartitionConfig{})
		return &c.Partitions[n]
	}
	c.Partitions = c.Partitions[:n+1]
	p := &c.Partitions[n]
	*p = PartitionConfig{Secondaries: p.Secondaries[:0], LastDrops: p.LastDrops[:0]}
	return p
}

// Bits of the fields of a partition that must be there.
const (
	partitionHasPID = 1 << iota
	partitionHasBallot
	partitionHasPrimary
	partitionHasAll = 1<<iota - 1
)

func (r *reader) partition(p *PartitionConfig) {
	has := 0
	for t, id, ok := r.field(); ok; t, id, ok = r.field() {
		switch {
		case id == 1 && r.is(t, typeStruct):
			p.PID = UnpackGPID(r.i64())
			has |= partitionHasPID
		case id == 2 && r.is(t, typeI64):
			p.Ballot = r.i64()
			has |= partitionHasBallot
		case id == 3 && r.is(t, typeI32):
			p.MaxReplicaCount = r.i32()
		case id == 4 && r.is(t, typeStruct):
			p.Primary = r.address()
			has |= partitionHasPrimary
		case id == 5 && r.is(t, typeList):
			p.Secondaries = r.addressList(p.Secondaries[:0])
		case id == 6 && r.is(t, typeList):
			p.LastDrops = r.addressList(p.LastDrops[:0])
		case id == 7 && r.is(t, typeI64):
			p.LastCommittedDecree = r.i64()
		case id == 8 && r.is(t, typeI32):
			p.Flags = r.i32()
		case id == 9 && r.is(t, typeStruct):
			r.skipHostPort()
		case (id == 10 || id == 11) && r.is(t, typeList):
			for n := r.list(typeStruct, hostPortMinBytes); n > 0 && r.err == 0; n-- {
				r.skipHostPort()
			}
		default:
			r.skip(t, 0)
		}
	}
	if r.err == 0 && has != partitionHasAll {
		r.fail(BodyMissing)
	}
}

// hostPortMinBytes is a host_port with an empty host.
const hostPortMinBytes = 4 + 2 + 1

func (r *reader) addressList(list []netip.AddrPort) []netip.AddrPort {
	for n := r.list(typeStruct, addressBytes); n > 0 && r.err == 0; n-- {
		list = append(list, r.address())
	}
	return list
}
