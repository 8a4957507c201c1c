// What goes into and comes out of a node: Event, Effect and the values they carry.

package node

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// EventKind says what happened.
type EventKind uint8

// Events. In brackets: the fields that count beside Kind.
const (
	EventAccepted EventKind = iota + 1 // [Conn, Peer] a connection came in; the driver chose Conn
	EventReceived                      // [Conn, Data]
	EventClosed                        // [Conn, Cause] gone, by the peer or the network; Cause: why the driver gave it up, where it did
	EventTimer                         // [Timer]
	EventToken                         // [Conn, Data, Done, Failed, Internal, Principal] answer to EffectToken
	EventClose                         // stop serving: close every connection
	EventLeader                        // [Peer] this address leads the meta servers from now on; zero: nobody is known to
)

// Event is one input of Step. One that names a connection or timer that is no longer
// there is counted and ignored.
type Event struct {
	Kind      EventKind
	Conn      protocol.ConnID
	Timer     protocol.TimerID
	Peer      netip.AddrPort
	Done      bool // token: the mechanism is satisfied, Principal is set
	Failed    bool
	Internal  bool  // token: the mechanism broke, which is our bug and no verdict
	Cause     Cause // closed: CauseNone means CausePeer
	Principal string
	Data      []byte // borrowed for the duration of Step
}

// EffectKind says what the driver has to do.
type EffectKind uint8

// Effects. In brackets: the fields that count beside Kind.
const (
	EffectWrite     EffectKind = iota + 1 // [Conn, Data]
	EffectClose                           // [Conn, Cause] close the socket; no event is wanted for it
	EffectArmTimer                        // [Timer, After]
	EffectStopTimer                       // [Timer]
	EffectToken                           // [Conn, Data, Begin] give the acceptor's mechanism the token; Begin: start a new one first. Answer with EventToken
	EffectExecuted                        // [Conn, RPC, Code, Principal, Authenticated] a request other than negotiation passed the gate and was given to its handler, which answered Code: told, nothing to do
	EffectDenied                          // [Conn, RPC, Code, Principal, Authenticated] a request passed the gate and was refused, because Access does not grant it: told, nothing to do
	EffectTables                          // [Conn] a request of this connection has changed the tables: tell the cluster's other servers, see meta.Core.Registry
	EffectConn                            // [Conn, ConnState, Cause, Failure, Principal] a connection's state changed: told, nothing to do
)

// ConnState is the state of one accepted connection.
type ConnState uint8

// Connection states.
const (
	ConnOpen          ConnState = iota + 1 // accepted, not authenticated
	ConnNegotiating                        // a negotiation message was accepted
	ConnAuthenticated                      // negotiation succeeded
	ConnMute                               // early request answered by silence: read and thrown away for ever
	ConnGone
)

// Cause says why a connection was closed or muted, or a request refused.
type Cause uint8

// Causes.
const (
	CauseNone               Cause = iota
	CausePeer                     // the peer or the network ended it
	CauseProtocol                 // undecodable bytes
	CauseNegotiation              // negotiation out of order, bad token, bad mechanism
	CauseNegotiationTimeout       // took longer than the configured deadline
	CauseEarlyRequest             // request before authentication
	CauseLimit                    // a configured limit was reached
	CauseClosed                   // the node stops
	CauseInternal                 // a bug of ours, recovered

	causeCount
)

// NumCause is one more than the largest Cause: the length of a table indexed by it.
const NumCause = int(causeCount)

// stateNames and causeNames are indexed by what they name; nothing writes them.
var (
	stateNames = [...]string{
		ConnOpen: "open", ConnNegotiating: "negotiating", ConnAuthenticated: "authenticated",
		ConnMute: "mute", ConnGone: "gone",
	}
	causeNames = [causeCount]string{
		CauseNone: "none", CausePeer: "peer", CauseProtocol: "protocol error",
		CauseNegotiation: "negotiation failed", CauseNegotiationTimeout: "negotiation timed out",
		CauseEarlyRequest: "request before negotiation", CauseLimit: "limit reached", CauseClosed: "node closed",
		CauseInternal: "internal error",
	}
)

// String returns the state in words.
func (s ConnState) String() string {
	if s == 0 || int(s) >= len(stateNames) {
		return "no state"
	}
	return stateNames[s]
}

// String returns the cause in words.
func (c Cause) String() string {
	if c >= causeCount {
		return "unknown cause"
	}
	return causeNames[c]
}

// Effect is one output of Step. Data is valid until the next Step.
type Effect struct {
	Kind          EffectKind
	ConnState     ConnState
	Cause         Cause
	Failure       Failure // why a connection that is gone did not authenticate, where it tried
	RPC           protocol.RPC
	Code          protocol.ErrorCode // executed: CodeOK, or the handler's refusal
	Begin         bool
	Authenticated bool
	Conn          protocol.ConnID
	Timer         protocol.TimerID
	After         time.Duration
	Principal     string // whole, as the mechanism proved it; see Username
	Data          []byte
}
