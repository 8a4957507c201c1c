// Package trace is the event schema that the simulator, the real drivers and the
// recording proxy all write: versioned, hashed, one JSON object a line. It depends on
// protocol's identities only.
package trace

// FormatVersion is the version of the event schema, of its hash and of scenario files.
// A reader refuses another one.
const FormatVersion = 1

// Kind says what happened. Its text form is what files and reports show.
type Kind uint8

// Kinds. In brackets: the fields that count beside At, Node and Kind.
const (
	KindNone        Kind = iota
	KindNodeUp           // a process started on Node
	KindNodeDown         // [Note] it was killed, or its host lost power
	KindListen           // [Addr]
	KindDial             // [Conn, Peer]
	KindConnected        // [Conn, Peer] the handshake completed, client side
	KindDialFailed       // [Conn, Peer, Note]
	KindAccept           // [Conn, Peer] server side
	KindBytes            // [Conn, Size, Data] bytes delivered to Node
	KindFrameOut         // [Conn, RPC, Seq, Neg, Code, Size, First] a frame was written
	KindFrameIn          // [Conn, RPC, Seq, Neg, Code, Size, First] a frame was read
	KindClose            // [Conn, Note] Node closed its end
	KindClosed           // [Conn, Note] Node learned that the other end is gone
	KindTimer            // [Note] a timer fired
	KindSession          // [Conn, Peer, State, Note] a client session changed state
	KindNegotiation      // [Conn, Peer, State, Code, AgeNS, Note] a negotiation ended: State ok or failed
	KindExecute          // [Conn, RPC, Principal] a server executed a request; Principal empty: not authenticated
	KindInvoke           // [Op, RPC, Key] an application called
	KindReturn           // [Op, State, Code] it got an answer: State ok, failed or unknown
	KindFault            // [Note] the simulator did something to the world
	KindVerdict          // [State, Note]
)

// Event is one thing that happened, at a simulated or real instant.
type Event struct {
	AtNS      int64  // since the run began
	Node      string // who it happened to
	Kind      Kind
	Conn      uint64 // unique in the run; both ends show the same number
	Peer      string
	RPC       string
	Seq       int32
	Neg       string // negotiation status of a RPC_NEGOTIATION frame
	Code      string // error name
	Size      int
	First     bool // first frame of its connection in its direction
	State     string
	Principal string
	AgeNS     int64 // of the connection
	Op        uint64
	Key       string
	Note      string
	Data      []byte // hashed, never written: may hold tokens and values
}
