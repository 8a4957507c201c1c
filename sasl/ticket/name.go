// Names of states, exchanges, failures and causes, as traces, logs and metrics show them.

package ticket

import (
	"fmt"
	"time"
)

// Tables of names, indexed by their constants; nothing writes them.
var (
	stateNames = [...]string{
		StateNone: "none", StateFetching: "fetching", StateValid: "valid", StateExpiring: "expiring",
		StateExpired: "expired", StateUnreachable: "kdc-unreachable", StateRefused: "refused", StateClosed: "closed",
	}
	exchangeNames = [...]string{0: "none", ExchangeInitial: "initial", ExchangeRenew: "renew", ExchangeService: "service"}
	failureNames  = [...]string{
		FailureNone: "none", FailureUnreachable: "kdc-unreachable", FailureRefused: "refused",
		FailureDeadline: "deadline", FailureFull: "full", FailureClosed: "closed",
	}
	causeNames = [...]string{
		CauseNone: "none", CauseSkew: "clock-skew", CauseClientUnknown: "client-unknown", CauseServiceUnknown: "service-unknown",
		CauseBadKey: "bad-key", CauseKeyExpired: "key-expired", CauseRevoked: "revoked", CausePolicy: "policy",
		CauseEType: "encryption-type", CauseGranting: "granting-ticket-refused", CauseNoSource: "no-source",
		CauseLife: "not-valid-now", CauseAnswer: "bad-answer", CauseOther: "other",
		CauseInternal: "internal-error",
	}
)

// undefined is the name of a value that is none of its type's constants.
const undefined = "undefined"

// String returns the state's name.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return undefined
}

// String returns the exchange's name.
func (e Exchange) String() string {
	if int(e) < len(exchangeNames) {
		return exchangeNames[e]
	}
	return undefined
}

// String returns the kind's name.
func (k FailureKind) String() string {
	if int(k) < len(failureNames) {
		return failureNames[k]
	}
	return undefined
}

// String returns the cause's name.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return undefined
}

// States returns every state, in order, for whoever counts by state.
func States() []State {
	return []State{StateNone, StateFetching, StateValid, StateExpiring, StateExpired, StateUnreachable, StateRefused, StateClosed}
}

// String writes a name as service/host; the ticket-granting ticket's as krbtgt.
func (n Name) String() string {
	if n.Granting() {
		return "krbtgt"
	}
	return n.Service + "/" + n.Host
}

// String says what failed, whose, and why, in the words of logs.
func (f Failure) String() string {
	if f.Kind == FailureNone {
		return "none"
	}
	text := f.Kind.String() + " (ticket of " + f.Of.String()
	if f.Cause != CauseNone {
		text += ", " + f.Cause.String()
	}
	if !f.Local.IsZero() && !f.Peer.IsZero() {
		text += fmt.Sprintf(": ours %s, the KDC's %s", f.Local.UTC().Format(time.RFC3339), f.Peer.UTC().Format(time.RFC3339))
	}
	return text + ")"
}
