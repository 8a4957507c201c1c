// What an error code means for an operation or a meta query: may it be tried again, and
// is it certain that nothing happened. Upstream src/replica (protocol conditions of each
// code), section 2.3 of docs/spec.md.

package routing

import "github.com/a8011091/pegasus-reference/protocol"

// verdict on a code that answered an operation.
type verdict uint8

const (
	verdictFinal     verdict = iota // refused for good, without effect
	verdictReroute                  // refused by a server that does not serve the partition: refresh, then again
	verdictRetry                    // refused for now, without effect
	verdictAmbiguous                // may have had an effect
)

// judge says what a code other than CodeOK means.
func judge(code protocol.ErrorCode) verdict {
	switch code {
	case protocol.CodeObjectNotFound, protocol.CodeInvalidState, protocol.CodeInactiveState,
		protocol.CodeParentPartitionMisused, protocol.CodeChildNotReady:
		return verdictReroute
	case protocol.CodeBusy, protocol.CodeNotEnoughMember, protocol.CodeCapacityExceeded,
		protocol.CodeSplitting, protocol.CodeSessionReset, protocol.CodeServiceNotActive:
		return verdictRetry
	case protocol.CodeACLDeny, protocol.CodeInvalidData, protocol.CodeInvalidParameters,
		protocol.CodeOperationDisabled, protocol.CodeHandlerNotFound, protocol.CodeInvalidVersion,
		protocol.CodeAppNotExist, protocol.CodeAppDropped, protocol.CodeDiskInsufficient,
		protocol.CodeNotImplemented, protocol.CodeUnauthenticated:
		return verdictFinal
	}
	return verdictAmbiguous
}

// queryFinal says that a meta's answer to a query for a table will not change by asking
// again.
func queryFinal(code protocol.ErrorCode) bool {
	switch code {
	case protocol.CodeObjectNotFound, protocol.CodeAppNotExist, protocol.CodeAppDropped,
		protocol.CodeACLDeny, protocol.CodeInvalidParameters:
		return true
	}
	return false
}
