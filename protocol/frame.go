// Request and response frames: what travels between a client and a node.
// Layouts: docs/spec.md, part 1; upstream src/rpc/thrift_message_parser.cpp.

package protocol

// Header is the part of a request frame that routes it.
type Header struct {
	Version       uint32 // 0: 48-byte header (Go, Python, Node); 1: 16-byte header and meta struct (Java)
	AppID         int32
	Partition     int32
	TimeoutMillis int32
	ThreadHash    int32 // version 0 only
	PartitionHash uint64
	Backup        bool // version 1 only
}

// ThreadHash returns what a version 0 header carries as thread hash for a partition.
func ThreadHash(appID, partition int32) int32 { return appID*7919 + partition }

// Request is one request frame. Body is the TBinaryProtocol args struct through its
// STOP byte; from a decoder it aliases the decoder's buffer until its next call.
type Request struct {
	Header Header
	RPC    RPC
	Name   string // the name on the wire; set only where RPC is RPCUnknown
	OneWay bool
	Seq    int32
	Body   []byte
}

// Response is one response frame. Body is the TBinaryProtocol result struct, present
// only where Code is CodeOK; it aliases the decoder's buffer until its next call.
type Response struct {
	Code     ErrorCode
	CodeName string // the name on the wire; set only where Code is CodeUnknown
	RPC      RPC    // of the request that this answers
	Name     string // the ACK's name on the wire; set only where RPC is RPCUnknown
	Seq      int32
	Body     []byte
}

// Limits bound what a decoder will hold for a peer. They are checked before allocation.
// A zero field means its default.
type Limits struct {
	MaxFrameBytes    int // one frame, header included
	MaxNameBytes     int // RPC and error names
	MaxBufferedBytes int // written and not yet returned by Next: an unfinished frame and what one read may add to it
}

// DefaultLimits allows what upstream's servers can answer (a multi_get of 30 MiB).
func DefaultLimits() Limits {
	return Limits{MaxFrameBytes: 32 << 20, MaxNameBytes: 128, MaxBufferedBytes: 33 << 20}
}

// withDefaults fills what is zero and lets a whole frame be buffered.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.MaxFrameBytes <= 0 {
		l.MaxFrameBytes = d.MaxFrameBytes
	}
	if l.MaxNameBytes <= 0 {
		l.MaxNameBytes = d.MaxNameBytes
	}
	if l.MaxBufferedBytes <= 0 {
		l.MaxBufferedBytes = l.MaxFrameBytes + d.MaxBufferedBytes - d.MaxFrameBytes
	}
	l.MaxBufferedBytes = max(l.MaxBufferedBytes, l.MaxFrameBytes)
	return l
}

// Message types of TBinaryProtocol.
const (
	messageCall   = 1
	messageReply  = 2
	messageOneWay = 4
)

// strictVersion is the upper half of the first word of a strict message beginning.
const strictVersion = 0x8001_0000

// appendMessageBegin writes the strict form: version and type, name, sequence number.
func appendMessageBegin(dst []byte, name string, messageType byte, seq int32) []byte {
	dst = append(dst, 0x80, 0x01, 0, messageType)
	dst = appendBytes(dst, name)
	return appendI32(dst, seq)
}

// message is the beginning of a message.
type message struct {
	name        []byte
	messageType byte
	seq         int32
}

// messageBegin reads the strict form and the old one: name, type byte, sequence number.
func (r *reader) messageBegin(maxName int) (message, *FrameError) {
	var m message
	first := r.i32()
	n := first
	if first < 0 {
		if uint32(first)&0xffff_0000 != strictVersion {
			return m, &FrameError{Kind: FrameBadMessage, Got: uint64(uint32(first))}
		}
		m.messageType = byte(first)
		if n = r.i32(); n < 0 {
			return m, &FrameError{Kind: FrameBadMessage, Got: uint64(uint32(n))}
		}
	}
	if int(n) > maxName {
		return m, &FrameError{Kind: FrameNameTooLong, Got: uint64(n), Limit: uint64(maxName)}
	}
	m.name = r.take(int(n))
	if first >= 0 {
		m.messageType = r.byte()
	}
	m.seq = r.i32()
	if r.err != 0 {
		return m, &FrameError{Kind: FrameBadMessage, Got: uint64(len(r.b))}
	}
	return m, nil
}
