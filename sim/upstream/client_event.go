// What goes into and comes out of a client model, Java's or Go's: ClientEvent, ClientEffect and the
// values they carry.

package upstream

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// OpID names an operation or the opening of a table. It is chosen by the caller and
// unique among those that have not completed.
type OpID uint64

// ClientEventKind says what happened.
type ClientEventKind uint8

// Events of a client. In brackets: the fields that count beside Kind.
const (
	ClientOpenTable  ClientEventKind = iota + 1 // [ID, Table] find the partitions, connect to their primaries, then complete ID
	ClientSubmit                                // [ID, Table, RPC, Hash, Body, Timeout]
	ClientDialed                                // [Conn]
	ClientDialFailed                            // [Conn]
	ClientReceived                              // [Conn, Data]
	ClientClosed                                // [Conn] by the peer or the network
	ClientTimer                                 // [Timer]
	ClientToken                                 // [Conn, Data, Done, Failed] answer to ClientMakeToken
)

// ClientEvent is one input of Client.Step. One that names a connection or timer that is
// no longer there is ignored.
type ClientEvent struct {
	Kind    ClientEventKind
	RPC     protocol.RPC
	Done    bool // token: the mechanism is satisfied; upstream does not look at it
	Failed  bool // token: the mechanism could not make one
	Conn    protocol.ConnID
	Timer   protocol.TimerID
	ID      OpID
	Hash    uint64        // partition hash of the key
	Timeout time.Duration // of the operation; zero: ClientConfig.OperationTimeout
	Table   string
	Data    []byte // received bytes or token; borrowed for the duration of Step
	Body    []byte // args struct; copied
}

// ClientEffectKind says what the driver has to do.
type ClientEffectKind uint8

// Effects of a client. In brackets: the fields that count beside Kind.
const (
	ClientDial              ClientEffectKind = iota + 1 // [Conn, Addr]
	ClientWrite                                         // [Conn, Data]
	ClientClose                                         // [Conn] close, or give up dialling; no event is wanted for it
	ClientArmTimer                                      // [Timer, After, Spread] fire once, at After plus a draw from [0, Spread]
	ClientStopTimer                                     // [Timer]
	ClientMakeToken                                     // [Conn, Addr, Data, Begin] give the initiator's mechanism the challenge (Begin: start a new one, without), answer with ClientToken
	ClientComplete                                      // [ID, Outcome, Code, Body]
	ClientNegotiated                                    // [Conn, Addr, Age] a negotiation succeeded: told, nothing to do
	ClientNegotiationFailed                             // [Conn, Addr, Code, Age] what upstream logs as "Negotiation failed": told
	ClientUnresponsive                                  // [Conn, Addr, Age] a session is closed because it has not answered since its first time-out, Age ago: told
	ClientSession                                       // [Conn, Addr, State, Authenticated] a session changed state: told
	ClientTable                                         // [Table] the partitions of a table were learned or refreshed: told
	ClientZombie                                        // [Conn, Addr] upstream-go only: nobody reads the connection any more, and the session is held for ready: told
)

// Outcome is what is known of an operation's effect on the server. Upstream's client
// itself reports an error code only.
type Outcome uint8

// Outcomes.
const (
	OutcomeOK      Outcome = iota + 1 // answered with ERR_OK
	OutcomeFailed                     // certainly without effect: never written, or refused each time
	OutcomeUnknown                    // some attempt was written and not answered, or may still be
)

// SessionState is the connection state that a session object of upstream's client shows.
type SessionState uint8

// Session states.
const (
	SessionDisconnected SessionState = iota
	SessionConnecting
	SessionConnected
)

var sessionStateNames = [...]string{"disconnected", "connecting", "connected"}

// String returns the state in lower case.
func (s SessionState) String() string {
	if int(s) >= len(sessionStateNames) {
		return "unknown"
	}
	return sessionStateNames[s]
}

// ClientEffect is one output of Client.Step. Data and Body are valid until the next Step.
type ClientEffect struct {
	Kind          ClientEffectKind
	Outcome       Outcome
	State         SessionState
	Begin         bool
	Authenticated bool // the session's flag
	Code          protocol.ErrorCode
	Conn          protocol.ConnID
	Timer         protocol.TimerID
	ID            OpID
	Addr          netip.AddrPort
	After         time.Duration
	Spread        time.Duration
	Age           time.Duration // since the connection came up, or as the kind says
	Table         string
	Data          []byte
	Body          []byte // result struct, where Outcome is OutcomeOK
}
