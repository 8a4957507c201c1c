// The tables of names: rpc codes, error codes, negotiation and storage statuses.

package protocol_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl/security"
)

func TestRPCNamesAreTheirOwnInverse(t *testing.T) {
	seen := map[string]bool{}
	for i := 1; i < protocol.NumRPC; i++ {
		rpc := protocol.RPC(i)
		name := rpc.String()
		assert.True(t, strings.HasPrefix(name, "RPC_"), name)
		assert.False(t, seen[name], "%s twice", name)
		seen[name] = true
		assert.Equal(t, name+"_ACK", rpc.AckName())
		assert.Equal(t, rpc, protocol.LookupRPC([]byte(name)))
		assert.Equal(t, rpc, protocol.RPCByName(name))
		assert.Equal(t, rpc, protocol.LookupAck([]byte(rpc.AckName())))
		assert.Equal(t, protocol.RPCUnknown, protocol.LookupAck([]byte(name)), "a request's name is no answer's")
	}
	for _, name := range []string{"", "_ACK", "RPC_UNKNOWN", "RPC_RRDB_RRDB_TEST_PUT", "RPC_RRDB_RRDB_GET_ACK"} {
		assert.Equal(t, protocol.RPCUnknown, protocol.LookupRPC([]byte(name)), name)
	}
	assert.Equal(t, protocol.RPCUnknown, protocol.LookupAck([]byte("RPC_UNKNOWN_ACK")))
	assert.Equal(t, "RPC_UNKNOWN", protocol.RPC(protocol.NumRPC).String(), "a number beyond the table")
}

func TestRPCTraits(t *testing.T) {
	for i := 1; i < protocol.NumRPC; i++ {
		rpc := protocol.RPC(i)
		kinds := 0
		for _, is := range []bool{rpc.IsRead(), rpc.IsWrite(), rpc.IsMeta()} {
			if is {
				kinds++
			}
		}
		neither := rpc == protocol.RPCNegotiation || rpc == protocol.RPCCli
		assert.Equal(t, neither, kinds == 0, "%v", rpc)
		assert.LessOrEqual(t, kinds, 1, "%v", rpc)
		assert.False(t, rpc.IsWrite() && rpc.Retryable(), "a write is never sent twice: %v", rpc)
		assert.Equal(t, rpc == protocol.RPCClearScanner, rpc.IsOneWay(), "%v", rpc)
	}
	for _, rpc := range []protocol.RPC{protocol.RPCGet, protocol.RPCTTL, protocol.RPCQueryConfig, protocol.RPCMultiGet} {
		assert.True(t, rpc.Retryable(), "%v", rpc)
	}
	for _, rpc := range []protocol.RPC{
		protocol.RPCUnknown, protocol.RPCNegotiation, protocol.RPCScan, protocol.RPCCreateApp, protocol.RPCDropApp,
	} {
		assert.False(t, rpc.Retryable(), "%v", rpc)
	}
	for _, rpc := range []protocol.RPC{protocol.RPCPut, protocol.RPCRemove, protocol.RPCIncr, protocol.RPCCheckAndMutate} {
		assert.True(t, rpc.IsWrite(), "%v", rpc)
	}
	assert.True(t, protocol.RPCQueryConfig.IsMeta())
}

func TestErrorCodeNamesAreTheirOwnInverse(t *testing.T) {
	seen := map[string]bool{}
	for i := 1; i < protocol.NumErrorCode; i++ {
		code := protocol.ErrorCode(i)
		assert.True(t, strings.HasPrefix(code.String(), "ERR_"), code.String())
		assert.False(t, seen[code.String()], "%s twice", code)
		seen[code.String()] = true
		assert.Equal(t, code, protocol.LookupErrorCode([]byte(code.String())))
		assert.Equal(t, code, protocol.ErrorCodeByName(code.String()))
	}
	for _, name := range []string{"", "ERR_", "ERR_OK ", "unknown error code", "err_ok"} {
		assert.Equal(t, protocol.CodeUnknown, protocol.LookupErrorCode([]byte(name)), name)
	}
	assert.Equal(t, protocol.CodeUnknown.String(), protocol.ErrorCode(protocol.NumErrorCode).String())
}

// TestErrorCodesOfTheProtocol pins the names that the sessions and servers here decide
// on, and those that upstream's servers send and its Java client does not know.
func TestErrorCodesOfTheProtocol(t *testing.T) {
	for code, name := range map[protocol.ErrorCode]string{
		protocol.CodeOK:                         "ERR_OK",
		protocol.CodeUnknownError:               "ERR_UNKNOWN",
		protocol.CodeTimeout:                    "ERR_TIMEOUT",
		protocol.CodeSessionReset:               "ERR_SESSION_RESET",
		protocol.CodeHandlerNotFound:            "ERR_HANDLER_NOT_FOUND",
		protocol.CodeForwardToOthers:            "ERR_FORWARD_TO_OTHERS",
		protocol.CodeServiceNotActive:           "ERR_SERVICE_NOT_ACTIVE",
		protocol.CodeObjectNotFound:             "ERR_OBJECT_NOT_FOUND",
		protocol.CodeInvalidState:               "ERR_INVALID_STATE",
		protocol.CodeInactiveState:              "ERR_INACTIVE_STATE",
		protocol.CodeInvalidData:                "ERR_INVALID_DATA",
		protocol.CodeInvalidParameters:          "ERR_INVALID_PARAMETERS",
		protocol.CodeACLDeny:                    "ERR_ACL_DENY",
		protocol.CodeBusy:                       "ERR_BUSY",
		protocol.CodeBusyCreating:               "ERR_BUSY_CREATING",
		protocol.CodeBusyDropping:               "ERR_BUSY_DROPPING",
		protocol.CodeNotEnoughMember:            "ERR_NOT_ENOUGH_MEMBER",
		protocol.CodeCapacityExceeded:           "ERR_CAPACITY_EXCEEDED",
		protocol.CodeSplitting:                  "ERR_SPLITTING",
		protocol.CodeParentPartitionMisused:     "ERR_PARENT_PARTITION_MISUSED",
		protocol.CodeOperationDisabled:          "ERR_OPERATION_DISABLED",
		protocol.CodeUnderRecovery:              "ERR_UNDER_RECOVERY",
		protocol.CodeRetryExhausted:             "ERR_RETRY_EXHAUSTED",
		protocol.CodeSyncRangerPoliciesFailed:   "ERR_SYNC_RANGER_POLICIES_FAILED",
		protocol.CodeRangerParseACL:             "ERR_RANGER_PARSE_ACL",
		protocol.CodeRangerPoliciesNoNeedUpdate: "ERR_RANGER_POLICIES_NO_NEED_UPDATE",
		protocol.CodeRDBCorruption:              "ERR_RDB_CORRUPTION",
		protocol.CodeDiskIOError:                "ERR_DISK_IO_ERROR",
		protocol.CodeCurlFailed:                 "ERR_CURL_FAILED",
		protocol.CodeDupExist:                   "ERR_DUP_EXIST",
		protocol.CodeHTTPError:                  "ERR_HTTP_ERROR",
		protocol.CodeNotMatched:                 "ERR_NOT_MATCHED",
	} {
		assert.Equal(t, name, code.String())
	}
}

func TestNegotiationStatusesAreTheIDLs(t *testing.T) {
	for s := protocol.SASLInvalid; s <= protocol.SASLAuthFail; s++ {
		assert.True(t, s.Known())
		assert.Equal(t, security.NegotiationStatus(s).String(), s.String())
	}
	for _, s := range []protocol.NegotiationStatus{-1, protocol.SASLAuthFail + 1, 1 << 30} {
		assert.False(t, s.Known())
		assert.Equal(t, "SASL_UNKNOWN_STATUS", s.String())
	}
}

func TestStorageStatuses(t *testing.T) {
	assert.EqualValues(t, 13, protocol.StatusTryAgain)
	assert.Equal(t, "not found", protocol.StatusNotFound.String())
	assert.Equal(t, "try again", protocol.StatusTryAgain.String())
	assert.Equal(t, "unknown storage status", (protocol.StatusTryAgain + 1).String())
	assert.Equal(t, "unknown storage status", protocol.StorageStatus(-1).String())
}
