// What goes into and comes out of a session: Event, Effect and the values they carry.

package session

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// RequestID is chosen by the owner and unique among the session's outstanding requests.
type RequestID uint64

// Request is one request to one server. The session does not look into Body.
type Request struct {
	ID       RequestID
	Header   protocol.Header // Version and TimeoutMillis are set by the session
	RPC      protocol.RPC
	Body     []byte // args struct; the session keeps it until completion, the owner must not change it
	Deadline time.Time
}

// EventKind says what happened.
type EventKind uint8

// Events. In brackets: the fields that count beside Kind.
const (
	EventSubmit     EventKind = iota + 1 // [Request] the owner wants a request sent
	EventCancel                          // [ID] the owner no longer waits
	EventDialed                          // [Conn] the connection is up
	EventDialFailed                      // [Conn, Reason] it will not come up
	EventReceived                        // [Conn, Data] bytes from the server
	EventClosed                          // [Conn, Reason] gone, by the peer or the network
	EventTimer                           // [Timer] an armed timer fired
	EventToken                           // [Conn, Data, Done, Failed, Internal] answer to EffectMakeToken
	EventDrain                           // finish what is outstanding, accept nothing new, then close
	EventClose                           // close now; what is outstanding completes
	EventKeepReady                       // [Keep] hold a connection ready even while no request needs one, or no longer
)

// Reason says why a connection ended or a request could not be answered.
type Reason uint8

// Reasons.
const (
	ReasonNone               Reason = iota
	ReasonFIN                       // peer closed
	ReasonReset                     // peer or network reset
	ReasonIO                        // any other error of the socket
	ReasonRefused                   // dial: nobody listens
	ReasonDialTimeout               // dial: no answer in time
	ReasonNegotiationTimeout        // negotiation deadline passed
	ReasonNegotiationFailed         // peer broke the negotiation's rules or the mechanism failed
	ReasonDowngrade                 // peer offered less than is required
	ReasonProtocol                  // undecodable bytes
	ReasonSilence                   // nothing received for too long: with requests outstanding, or with keep-alive probes that the owner sends
	ReasonDeadline                  // request: its deadline passed
	ReasonCanceled                  // request: canceled by the owner
	ReasonQueueFull                 // request: a limit was reached, nothing was written
	ReasonClosed                    // session is closed or draining
	ReasonInternal                  // a bug of ours, recovered: it says nothing of the peer or of anybody's credentials
)

// Event is one input of Step. It names the connection or timer that it concerns; one
// that names another than the current is counted and ignored.
type Event struct {
	Kind     EventKind
	Conn     protocol.ConnID
	Timer    protocol.TimerID
	ID       RequestID
	Reason   Reason
	Done     bool // token: the mechanism has all it needs
	Failed   bool // token: the mechanism could not make one; Reason of the close is ReasonNegotiationFailed
	Internal bool // token: the mechanism broke, which is our bug and no verdict; Reason of the close is ReasonInternal
	Keep     bool
	Data     []byte // received bytes or token; borrowed for the duration of Step
	Request  Request
}

// EffectKind says what the driver has to do.
type EffectKind uint8

// Effects. In brackets: the fields that count beside Kind.
const (
	EffectDial      EffectKind = iota + 1 // [Conn] connect to the session's address
	EffectWrite                           // [Conn, Data]
	EffectClose                           // [Conn, Reason] close, or give up dialing; no event is wanted for it
	EffectArmTimer                        // [Timer, After, Spread] fire once, at After plus a draw from [0, Spread]
	EffectStopTimer                       // [Timer]
	EffectMakeToken                       // [Conn, Data] give the mechanism the challenge Data and answer with EventToken; nil: begin, empty: an empty challenge
	EffectComplete                        // [Completion]
	EffectState                           // [Conn, State, Step, Reason] the session's state changed; Conn is zero where it has no connection
)

// Outcome is what is known of a request's effect on the server.
type Outcome uint8

// Outcomes.
const (
	OutcomeOK      Outcome = iota + 1 // answered by the server; Code says how
	OutcomeFailed                     // definitely without effect
	OutcomeUnknown                    // written and not answered: may have run, may still run
)

// Completion ends one request. Every request is completed exactly once.
type Completion struct {
	ID      RequestID
	Outcome Outcome
	Reason  Reason             // where Outcome is not OutcomeOK
	Limit   Limit              // where Reason is ReasonQueueFull
	Code    protocol.ErrorCode // where Outcome is OutcomeOK
	RPC     protocol.RPC       // of the answer
	Body    []byte             // result struct; valid until the next Step
}

// Limit is what refused a request with ReasonQueueFull.
type Limit uint8

// Limits. In brackets: the field of the configuration.
const (
	LimitNone         Limit = iota
	LimitWaiting            // [Config.MaxWaiting] requests not yet written
	LimitRequestBytes       // [Config.MaxRequestBytes] of one request: it would be refused again
	LimitOperations         // [MaxOps of the owner] operations outstanding
	LimitTables             // [MaxTables of the owner] tables known
	LimitSessions           // [MaxSessions of the owner] sessions
)

// State of a session.
type State uint8

// States.
const (
	StateIdle State = iota
	StateDialing
	StateNegotiating
	StateReady
	StateBackoff
	StateDraining
	StateClosed
)

// Effect is one output of Step. Data and Completion.Body are valid until the next Step.
type Effect struct {
	Kind       EffectKind
	State      State
	Step       Step // of the negotiation
	Reason     Reason
	Conn       protocol.ConnID
	Timer      protocol.TimerID
	After      time.Duration
	Spread     time.Duration
	Data       []byte
	Completion Completion
}

// Step of a negotiation: what the client waits for.
type Step uint8

// Steps.
const (
	StepNone      Step = iota
	StepList           // LIST_MECHANISMS sent
	StepSelect         // SELECT_MECHANISMS sent
	StepToken          // a token is being made
	StepInitiate       // INITIATE sent
	StepChallenge      // CHALLENGE_RESP sent
)
