// Request and response frames: what travels between a client and a node.
// Layouts: docs/spec.md; upstream src/rpc/thrift_message_parser.cpp.

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
type Limits struct {
	MaxFrameBytes int // one frame, header included
	MaxNameBytes  int // RPC and error names
}
