// What goes into and comes out of the whole client: Event, Effect and the values they
// carry. Connections and timers of every session pass through with their owner in the
// upper bits, so a driver needs to know nothing of sessions.

package routing

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// OpID is chosen by the caller and unique among outstanding operations.
type OpID uint64

// Op is one operation on one hash key of a table.
type Op struct {
	ID       OpID
	Table    string
	RPC      protocol.RPC // RPCGet, RPCTTL, RPCPut, RPCRemove, ...
	Hash     uint64       // partition hash, protocol.PartitionHash
	Body     []byte       // args struct; kept until completion, the caller must not change it
	Deadline time.Time
}

// EventKind says what happened.
type EventKind uint8

// Events. In brackets: the fields that count beside Kind.
const (
	EventSubmit     EventKind = iota + 1 // [Op]
	EventCancel                          // [ID]
	EventOpenTable                       // [Op] resolve Op.Table and complete Op.ID when it is known; of Op only these and Op.Deadline count
	EventDialed                          // [Conn]
	EventDialFailed                      // [Conn, Reason]
	EventReceived                        // [Conn, Data]
	EventClosed                          // [Conn, Reason]
	EventTimer                           // [Timer]
	EventToken                           // [Conn, Data, Done, Failed, Internal]
	EventDrain                           // finish what is outstanding, accept nothing new, then close
	EventClose                           // close now
)

// Event is one input of Step.
type Event struct {
	Kind     EventKind
	Conn     protocol.ConnID
	Timer    protocol.TimerID
	ID       OpID
	Reason   session.Reason
	Done     bool
	Failed   bool
	Internal bool
	Data     []byte // borrowed for the duration of Step
	Op       Op
}

// EffectKind says what the driver has to do.
type EffectKind uint8

// Effects. In brackets: the fields that count beside Kind.
const (
	EffectDial      EffectKind = iota + 1 // [Conn, Addr]
	EffectWrite                           // [Conn, Data]
	EffectClose                           // [Conn, Reason]
	EffectArmTimer                        // [Timer, After, Spread]
	EffectStopTimer                       // [Timer]
	EffectMakeToken                       // [Conn, Addr, Data]
	EffectComplete                        // [Completion]
	EffectSession                         // [Addr, Conn, State, Step, Reason] a session's state changed
	EffectTable                           // [Table] a table's partitions were learned or refreshed
	EffectQuery                           // [Table, Query, and of each what it says] how looking a table up goes on; nothing is to be done
)

// Completion ends one operation. Every operation is completed exactly once, by its deadline.
type Completion struct {
	ID      OpID
	Outcome session.Outcome    // of an operation that only reads never OutcomeUnknown: it has no effect
	Reason  session.Reason     // last obstacle, where Outcome is not OutcomeOK; ReasonNone where Code was final
	Limit   session.Limit      // where Reason is ReasonQueueFull
	Code    protocol.ErrorCode // rpc-level answer; CodeOK where Outcome is OutcomeOK, else the last refusal or CodeOK if there was none
	Body    []byte             // result struct; valid until the next Step
}

// Effect is one output of Step. Data and Completion.Body are valid until the next Step.
type Effect struct {
	Kind       EffectKind
	State      session.State
	Step       session.Step
	Reason     session.Reason
	Conn       protocol.ConnID
	Timer      protocol.TimerID
	Addr       netip.AddrPort
	After      time.Duration
	Spread     time.Duration
	Data       []byte
	Table      string
	Query      QueryStep
	Cause      Cause
	Completion Completion
}
