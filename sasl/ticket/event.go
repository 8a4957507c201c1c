// What goes into and comes out of a keeper of tickets: Event, Effect and the values they
// carry. Whoever drives it, or plays its KDC, needs nothing but this file.
//
//	a session wants to authenticate  EventWant    -> EffectAnswer, at once or by its deadline
//	                                 EffectFetch  -> EventFetched or EventFailed
//	                                 EffectArm    -> EventTimer
//
// A ticket itself never comes in here: the driver keeps it under a Handle of its choice,
// until EffectDrop.

package ticket

import "time"

// Identities. None is used twice, and zero is none.
type (
	// WaiterID is a wait; the driver chooses it.
	WaiterID uint64
	// Handle is a ticket; the driver chooses it.
	Handle uint64
	// FetchID is an exchange.
	FetchID uint64
	// TimerID is one arming of a timer.
	TimerID uint64
)

// Name says what a ticket is for: a service on a host. The zero Name is the
// ticket-granting ticket.
type Name struct{ Service, Host string }

// Granting says whether it is the ticket-granting ticket.
func (n Name) Granting() bool { return n == Name{} }

// Ticket is what the keeper knows of a ticket. RenewTill is zero where the KDC would not
// renew it; Start is zero where the ticket holds from now on.
type Ticket struct {
	Handle                Handle
	Start, End, RenewTill time.Time
}

// EventKind says what happened.
type EventKind uint8

// Events. In brackets: the fields that count beside Kind.
const (
	// EventWant asks for a ticket on behalf of a session. It is answered exactly once, by
	// Deadline. A ticket that was asked for once is kept fresh from then on.
	EventWant EventKind = iota + 1 // [Waiter, Name, Deadline]
	// EventCancel: the session no longer waits; there will be no answer.
	EventCancel // [Waiter]
	// EventFetched ends a fetch with a ticket.
	EventFetched // [Fetch, Ticket]
	// EventFailed ends a fetch without one.
	EventFailed // [Fetch, Failure]: of the failure Kind, Cause, Local and Peer
	// EventTimer: an armed timer fired.
	EventTimer // [Timer]
	// EventDoubt: a service did not accept the ticket, which may have been made with a key
	// that the service has no more. Another is fetched, unless this one is young.
	EventDoubt // [Handle]
	// EventSuspect: a negotiation with the ticket ended without a word, as it does where a
	// service does not accept it, and where a server is restarted. It is a doubt the second
	// time without EventTrust in between, the fourth, the eighth and so on: a restart of all
	// servers is not to become a rush to the KDC.
	EventSuspect // [Handle]
	// EventTrust: the service accepted the ticket.
	EventTrust // [Handle]
	// EventReload: what the driver authenticates with has changed (a keytab or a cache was
	// written). What was refused before is tried again.
	EventReload // []
	// EventClose ends everything; who waits is answered.
	EventClose // []
)

// Event is one input of Step. A fetch or a timer that is no longer current is counted and
// ignored; the ticket of such a fetch is dropped.
type Event struct {
	Kind     EventKind
	Waiter   WaiterID
	Fetch    FetchID
	Timer    TimerID
	Handle   Handle
	Name     Name
	Deadline time.Time
	Ticket   Ticket
	Failure  Failure
}

// EffectKind says what the driver has to do.
type EffectKind uint8

// Effects. In brackets: the fields that count beside Kind.
const (
	// EffectFetch: ask the KDC, and answer with EventFetched or EventFailed within Limit.
	EffectFetch EffectKind = iota + 1 // [Fetch, Exchange, Name, Handle (the ticket-granting ticket), Limit]
	// EffectAbandon: nobody waits for this exchange any more.
	EffectAbandon // [Fetch]
	// EffectArm: fire once, at After plus a draw from [0, Spread].
	EffectArm // [Timer, After, Spread]
	// EffectStop: do not fire.
	EffectStop // [Timer]
	// EffectAnswer ends a wait: with a ticket, or, where Handle is zero, with a failure.
	EffectAnswer // [Waiter, Handle, Failure]
	// EffectState: what is known of a ticket changed. Handle and Until are the ticket and its
	// end, where there is one.
	EffectState // [Name, State, Handle, Until, Failure]
	// EffectDrop: the keeper will not speak of this ticket again.
	EffectDrop // [Handle]
)

// Exchange is what to ask a KDC for.
type Exchange uint8

// Exchanges.
const (
	ExchangeInitial Exchange = iota + 1 // a ticket-granting ticket, with key or password, or from a cache (AS exchange)
	ExchangeRenew                       // a later end of the ticket-granting ticket Handle (TGS exchange with RENEW)
	ExchangeService                     // a ticket for Name, with the ticket-granting ticket Handle (TGS exchange)
)

// Effect is one output of Step.
type Effect struct {
	Kind     EffectKind
	Exchange Exchange
	State    State
	Waiter   WaiterID
	Fetch    FetchID
	Timer    TimerID
	Handle   Handle
	Name     Name
	After    time.Duration
	Spread   time.Duration
	Limit    time.Duration
	Until    time.Time
	Failure  Failure
}

// State of one ticket.
type State uint8

// States.
const (
	StateNone        State = iota // not wanted yet
	StateFetching                 // there is none, and it is being fetched
	StateValid                    // there is one
	StateExpiring                 // there is one; it is due for renewal, or the last attempt failed (then Failure says why)
	StateExpired                  // it has run out before another could be had
	StateUnreachable              // there is none: no KDC answered
	StateRefused                  // there is none: a KDC refused, for the cause in Failure
	StateClosed                   // the keeper is closed
)

// FailureKind says what kind of obstacle it is.
type FailureKind uint8

// Kinds of failure. The first two are of exchanges, the others of waits.
const (
	FailureNone        FailureKind = iota
	FailureUnreachable             // no KDC answered, or what it said cannot be read
	FailureRefused                 // the KDC, or what there is to authenticate with, says no
	FailureDeadline                // the wait's deadline passed
	FailureFull                    // too many waits, or too many services
	FailureClosed                  // the keeper is closed
)

// Cause says why a ticket is refused.
type Cause uint8

// Causes.
const (
	CauseNone           Cause = iota
	CauseSkew                 // clocks differ too much; Local and Peer have both
	CauseClientUnknown        // the KDC does not know the client's principal
	CauseServiceUnknown       // the KDC does not know the service's principal
	CauseBadKey               // wrong password, or a keytab without the current key
	CauseKeyExpired           // the password or key has expired
	CauseRevoked              // the principal is locked or expired
	CausePolicy               // policy forbids it
	CauseEType                // no encryption type in common
	CauseGranting             // the KDC does not take the ticket-granting ticket
	CauseNoSource             // keytab, cache or password cannot be read or has nothing for the principal
	CauseLife                 // the ticket that came does not hold now; Local is our time, Peer its start or end
	CauseAnswer               // the KDC's answer cannot be read, or does not belong to the question
	CauseOther                // anything else
	CauseInternal             // a bug on our side, recovered: it says nothing of anybody's credentials
)

// Failure is why there is no ticket. Of names the ticket whose exchange failed: a service's
// may be missing for want of the ticket-granting ticket.
type Failure struct {
	Kind        FailureKind
	Cause       Cause
	Of          Name
	Local, Peer time.Time
}
