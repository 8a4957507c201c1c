// The event schema: what a trace can say.

// Package trace is the event schema that the simulator, the real drivers and whoever
// records another client all write: versioned, hashed, one JSON object a line. It depends
// on protocol's identities only.
package trace

// FormatVersion is the version of the event schema, of its hash and of scenario files.
// A reader refuses another one.
const FormatVersion = 1

// Kind says what happened. Its text form is what files and reports show.
type Kind uint8

// Kinds. In brackets: the fields that count beside At, Node and Kind. A real driver numbers
// its own end of a connection and cannot know the other end's number: Peer and Addr of
// connected and accept tell which belong together. It writes no bytes.
const (
	KindNone        Kind = iota
	KindNodeUp           // a process started on Node
	KindNodeDown         // [Note] it was killed, or its host lost power
	KindListen           // [Addr]
	KindDial             // [Conn, Peer]
	KindConnected        // [Conn, Peer, Addr] the handshake completed, client side
	KindDialFailed       // [Conn, Peer, Note]
	KindAccept           // [Conn, Peer, Addr] server side
	KindBytes            // [Conn, Size, Data] bytes delivered to Node
	KindFrameOut         // [Conn, RPC, Seq, Neg, Code, Size, First, App, Partition, Table, Answer, WithinNS] a frame was written
	KindFrameIn          // [the same] a frame was read
	KindClose            // [Conn, AgeNS, Note] Node closed its end
	KindClosed           // [Conn, AgeNS, Note] Node learned that the other end is gone
	KindTimer            // [Timer] a timer fired
	KindSession          // [Conn, Peer, State, Note] a client session changed state
	KindNegotiation      // [Conn, Peer, State, Code, AgeNS, Note] a negotiation ended: State ok or failed
	KindExecute          // [Conn, RPC, Principal] a server executed a request; Principal empty: not authenticated
	KindInvoke           // [Op, RPC, Key, WithinNS] an application called
	KindReturn           // [Op, RPC, State, Code, Note] it got an answer: State ok, failed or unknown
	KindFault            // [Note, State] the simulator did something to the world; State begins or ends where it lasts
	KindVerdict          // [State, Note]
	KindPost             // something that was posted for this instant was handed to Node
	KindCredential       // [Key, State, Note] what a client has of the ticket for Key changed
	KindTable            // [Table, Answer] what a client knows of a table from now on, or the meta that leads has decided
	KindLeader           // [Peer] whom a meta server takes for the leader from now on; no Peer: nobody
	KindChallenge        // [Conn, Peer, Addr, Note] the kernel of Node answered a dial with a challenge ACK; the simulator only
	KindQuery            // [Table, State, Peer, WithinNS, Note] how a client's looking a table up goes on: State wanted, asked, in-vain or pause
	kindEnd
)

// Event is one thing that happened, at a simulated or real instant. Text fields are
// UTF-8; a field that does not count for its kind is zero and is left out of files.
type Event struct {
	AtNS      int64  `json:"at_ns"`          // since the run began
	Node      string `json:"node,omitempty"` // who it happened to
	Kind      Kind   `json:"kind"`
	Conn      uint64 `json:"conn,omitempty"` // unique in the run; both ends show the same number where one writer sees both
	Peer      string `json:"peer,omitempty"` // address:port
	Addr      string `json:"addr,omitempty"` // address:port of Node's own end
	RPC       string `json:"rpc,omitempty"`
	Seq       int32  `json:"seq,omitempty"`
	Neg       string `json:"neg,omitempty"`  // negotiation status of a RPC_NEGOTIATION frame
	Code      string `json:"code,omitempty"` // error name
	Size      int    `json:"size,omitempty"` // bytes
	First     bool   `json:"first,omitempty"`
	State     string `json:"state,omitempty"`
	Principal string `json:"principal,omitempty"`
	AgeNS     int64  `json:"age_ns,omitempty"` // of the connection
	Timer     uint64 `json:"timer,omitempty"`  // as its owner names it
	Op        uint64 `json:"op,omitempty"`
	Key       string `json:"key,omitempty"`       // of a generated workload only; a real driver leaves it empty
	App       int32  `json:"app,omitempty"`       // of a request to a replica: the application, as tables' answers number it
	Partition int32  `json:"partition,omitempty"` // of a request to a replica
	Table     string `json:"table,omitempty"`     // name, of a query for one
	Answer    string `json:"answer,omitempty"`    // what the answer to such a query says, see Answer's String
	WithinNS  int64  `json:"within_ns,omitempty"` // how long whoever waits will: of a call, of a query, of a table that is wanted
	Note      string `json:"note,omitempty"`
	Data      []byte `json:"-"` // hashed, never written: may hold tokens and values
}
