// Why negotiations fail, to be counted and told.

package node

// Failure says why a negotiation failed.
type Failure uint8

// Failures.
const (
	FailureNone      Failure = iota
	FailureMessage           // a negotiation message that cannot be read, or wants no answer
	FailureOrder             // another message than the step waits for, or one after success
	FailureMechanism         // a mechanism was selected that was not offered
	FailureTokenSize         // a token above Limits.MaxTokenBytes
	FailureRounds            // more tokens than Limits.MaxRounds
	FailureToken             // the mechanism refused a token: the peer's credentials do not hold
	FailureNoName            // the mechanism was satisfied without a principal, or with a token that success cannot carry
	FailureAccess            // the principal is not in Access.Allowed
	FailureInternal          // a bug of ours: it says nothing of the peer's credentials
	FailureTimeout           // Limits.NegotiationTimeout passed
	FailureHalfOpen          // Limits.MaxHalfOpen negotiations ran, and most of them of this address
	FailureAbandoned         // the connection ended for another reason before success

	failureCount
)

// NumFailure is the length of a table indexed by Failure.
const NumFailure = int(failureCount)

// failureNames is indexed by Failure; nothing writes it.
var failureNames = [failureCount]string{
	"none", "unreadable message", "message out of order", "mechanism not offered", "token too large", "too many rounds",
	"token refused", "no principal", "principal not allowed", "internal error", "timed out", "too many half-open", "abandoned",
}

// String returns the failure in words.
func (f Failure) String() string {
	if f >= failureCount {
		return "unknown failure"
	}
	return failureNames[f]
}

// cause is what a connection ends with because of a failure.
func (f Failure) cause() Cause {
	switch f {
	case FailureInternal:
		return CauseInternal
	case FailureTimeout:
		return CauseNegotiationTimeout
	case FailureHalfOpen:
		return CauseLimit
	}
	return CauseNegotiation
}

// failNegotiation ends a connection whose negotiation failed.
func (c *Core) failNegotiation(cn *conn, why Failure) {
	cn.failure = why
	c.closeConn(cn, why.cause())
}

// countFailure counts a connection that ends before its negotiation succeeded.
func (c *Core) countFailure(cn *conn) {
	if cn.failure == FailureNone && cn.state == ConnNegotiating {
		cn.failure = FailureAbandoned
	}
	if cn.failure != FailureNone {
		c.stats.NegotiationsFailed++
		c.stats.Failures[cn.failure]++
	}
}
