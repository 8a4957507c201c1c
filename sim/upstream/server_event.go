// What goes into and comes out of a server model: ServerEvent, ServerEffect and the
// values they carry.

package upstream

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// ServerEventKind says what happened.
type ServerEventKind uint8

// Events of a server. In brackets: the fields that count beside Kind.
const (
	ServerAccepted ServerEventKind = iota + 1 // [Conn, Peer] a connection came in; the driver chose Conn
	ServerReceived                            // [Conn, Data]
	ServerClosed                              // [Conn] gone, by the peer or the network
	ServerToken                               // [Conn, Data, Done, Failed, Principal] answer to ServerAcceptToken
	ServerTimer                               // [Conn] what ServerArmTimer asked for
	ServerLeader                              // [Peer] this address leads the meta servers from now on; zero: nobody is known to
	ServerTables                              // [Tables] where partitions are from now on, as this server knows it
)

// ServerEvent is one input of Server.Step. One that names a connection that is no longer
// there is ignored.
type ServerEvent struct {
	Kind      ServerEventKind
	Done      bool // token: the mechanism is satisfied, Principal is set
	Failed    bool
	Conn      protocol.ConnID
	Peer      netip.AddrPort
	Principal string
	Data      []byte // borrowed for the duration of Step
	Tables    []Table
}

// ServerEffectKind says what the driver has to do.
type ServerEffectKind uint8

// Effects of a server. In brackets: the fields that count beside Kind.
const (
	ServerWrite       ServerEffectKind = iota + 1 // [Conn, Data]
	ServerClose                                   // [Conn, Cause] close the socket; no event is wanted for it
	ServerAcceptToken                             // [Conn, Data, Begin] give the acceptor's mechanism the token; Begin: start a new one first
	ServerArmTimer                                // [Conn, After] one for each connection
	ServerStopTimer                               // [Conn]
	ServerExecuted                                // [Conn, RPC, Principal, Authenticated] a request other than negotiation was executed: told
	ServerConn                                    // [Conn, State, Cause] a connection changed state: told
)

// ServerConnState is the state of one accepted connection.
type ServerConnState uint8

// Connection states.
const (
	ServerConnOpen          ServerConnState = iota + 1 // accepted
	ServerConnAuthenticated                            // its negotiation succeeded
	ServerConnDead                                     // hang: the session is given up, the socket stays open, is read and never written again
	ServerConnGone
)

// Cause says why a connection died.
type Cause uint8

// Causes.
const (
	CauseNone         Cause = iota
	CausePeer               // the peer or the network ended it
	CauseProtocol           // undecodable bytes
	CauseNegotiation        // a negotiation message out of order, a bad mechanism or token
	CauseEarlyRequest       // a request before the negotiation succeeded
	CauseLimit              // too many connections
	CauseDeadline           // its negotiation took too long
)

var causeNames = [...]string{"none", "peer", "protocol", "negotiation", "early request", "limit", "negotiation deadline"}

// String returns the cause in lower case.
func (c Cause) String() string {
	if int(c) >= len(causeNames) {
		return "unknown"
	}
	return causeNames[c]
}

// ServerEffect is one output of Server.Step. Data is valid until the next Step.
type ServerEffect struct {
	Kind          ServerEffectKind
	State         ServerConnState
	Cause         Cause
	Begin         bool
	Authenticated bool
	RPC           protocol.RPC
	Conn          protocol.ConnID
	After         time.Duration
	Principal     string
	Data          []byte
}
