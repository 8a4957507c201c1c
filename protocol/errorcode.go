// Error codes: how a node answers, by the name that travels.
// Names: upstream src/utils/error_code.h and, for what only clients say, the Java
// client's error_types.

package protocol

// ErrorCode is an rpc-level error. Its number is ours and never travels; the name does.
type ErrorCode uint16

// Error codes. CodeUnknown stands for every name that this package does not know (a
// newer server's); CodeUnknownError is the name ERR_UNKNOWN itself.
const (
	CodeUnknown ErrorCode = iota
	CodeOK
	CodeUnknownError
	CodeServiceNotFound
	CodeServiceAlreadyRunning
	CodeIOPending
	CodeTimeout
	CodeServiceNotActive
	CodeBusy
	CodeNetworkInitFailed
	CodeForwardToOthers
	CodeObjectNotFound
	CodeHandlerNotFound
	CodeLearnFileFailed
	CodeGetLearnStateFailed
	CodeInvalidVersion
	CodeInvalidParameters
	CodeCapacityExceeded
	CodeInvalidState
	CodeInactiveState
	CodeNotEnoughMember
	CodeFileOperationFailed
	CodeHandleEOF
	CodeWrongChecksum
	CodeInvalidData
	CodeInvalidHandle
	CodeIncompleteData
	CodeVersionOutdated
	CodePathNotFound
	CodePathAlreadyExist
	CodeAddressAlreadyUsed
	CodeStateFreezed
	CodeLocalAppFailure
	CodeBindIOCPFailed
	CodeNetworkStartFailed
	CodeNotImplemented
	CodeCheckpointFailed
	CodeWrongTiming
	CodeNoNeedOperate
	CodeCorruption
	CodeTryAgain
	CodeClusterNotFound
	CodeClusterAlreadyExist
	CodeServiceAlreadyExist
	CodeInjected
	CodeReplicationFailure
	CodeAppExist
	CodeAppNotExist
	CodeBusyCreating
	CodeBusyDropping
	CodeNetworkFailure
	CodeUnderRecovery
	CodeLearnerNotFound
	CodeOperationDisabled
	CodeExpired
	CodeLockAlreadyExist
	CodeHoldByOthers
	CodeRecursiveLock
	CodeNoOwner
	CodeNodeAlreadyExist
	CodeInconsistentState
	CodeArrayIndexOutOfRange
	CodeDirNotEmpty
	CodeFSInternal
	CodeIgnoreBadData
	CodeAppDropped
	CodeMockInternal
	CodeZookeeperOperation
	CodeChildRegistered
	CodeIngestionFailed
	CodeUnauthenticated
	CodeKRB5Internal
	CodeSASLInternal
	CodeSASLIncomplete
	CodeACLDeny
	CodeSplitting
	CodeParentPartitionMisused
	CodeChildNotReady
	CodeDiskInsufficient
	CodeRetryExhausted
	CodeSyncRangerPoliciesFailed
	CodeRangerParseACL
	CodeRangerPoliciesNoNeedUpdate
	CodeRDBCorruption
	CodeDiskIOError
	CodeCurlFailed
	CodeDupExist
	CodeHTTPError
	CodeNotMatched
	CodeSessionReset

	codeCount
)

// NumErrorCode is one more than the largest ErrorCode: the length of a table indexed by it.
const NumErrorCode = int(codeCount)

// codeNames is indexed by ErrorCode; nothing writes it.
var codeNames = [codeCount]string{
	CodeUnknown:                    "unknown error code",
	CodeOK:                         "ERR_OK",
	CodeUnknownError:               "ERR_UNKNOWN",
	CodeServiceNotFound:            "ERR_SERVICE_NOT_FOUND",
	CodeServiceAlreadyRunning:      "ERR_SERVICE_ALREADY_RUNNING",
	CodeIOPending:                  "ERR_IO_PENDING",
	CodeTimeout:                    "ERR_TIMEOUT",
	CodeServiceNotActive:           "ERR_SERVICE_NOT_ACTIVE",
	CodeBusy:                       "ERR_BUSY",
	CodeNetworkInitFailed:          "ERR_NETWORK_INIT_FAILED",
	CodeForwardToOthers:            "ERR_FORWARD_TO_OTHERS",
	CodeObjectNotFound:             "ERR_OBJECT_NOT_FOUND",
	CodeHandlerNotFound:            "ERR_HANDLER_NOT_FOUND",
	CodeLearnFileFailed:            "ERR_LEARN_FILE_FAILED",
	CodeGetLearnStateFailed:        "ERR_GET_LEARN_STATE_FAILED",
	CodeInvalidVersion:             "ERR_INVALID_VERSION",
	CodeInvalidParameters:          "ERR_INVALID_PARAMETERS",
	CodeCapacityExceeded:           "ERR_CAPACITY_EXCEEDED",
	CodeInvalidState:               "ERR_INVALID_STATE",
	CodeInactiveState:              "ERR_INACTIVE_STATE",
	CodeNotEnoughMember:            "ERR_NOT_ENOUGH_MEMBER",
	CodeFileOperationFailed:        "ERR_FILE_OPERATION_FAILED",
	CodeHandleEOF:                  "ERR_HANDLE_EOF",
	CodeWrongChecksum:              "ERR_WRONG_CHECKSUM",
	CodeInvalidData:                "ERR_INVALID_DATA",
	CodeInvalidHandle:              "ERR_INVALID_HANDLE",
	CodeIncompleteData:             "ERR_INCOMPLETE_DATA",
	CodeVersionOutdated:            "ERR_VERSION_OUTDATED",
	CodePathNotFound:               "ERR_PATH_NOT_FOUND",
	CodePathAlreadyExist:           "ERR_PATH_ALREADY_EXIST",
	CodeAddressAlreadyUsed:         "ERR_ADDRESS_ALREADY_USED",
	CodeStateFreezed:               "ERR_STATE_FREEZED",
	CodeLocalAppFailure:            "ERR_LOCAL_APP_FAILURE",
	CodeBindIOCPFailed:             "ERR_BIND_IOCP_FAILED",
	CodeNetworkStartFailed:         "ERR_NETWORK_START_FAILED",
	CodeNotImplemented:             "ERR_NOT_IMPLEMENTED",
	CodeCheckpointFailed:           "ERR_CHECKPOINT_FAILED",
	CodeWrongTiming:                "ERR_WRONG_TIMING",
	CodeNoNeedOperate:              "ERR_NO_NEED_OPERATE",
	CodeCorruption:                 "ERR_CORRUPTION",
	CodeTryAgain:                   "ERR_TRY_AGAIN",
	CodeClusterNotFound:            "ERR_CLUSTER_NOT_FOUND",
	CodeClusterAlreadyExist:        "ERR_CLUSTER_ALREADY_EXIST",
	CodeServiceAlreadyExist:        "ERR_SERVICE_ALREADY_EXIST",
	CodeInjected:                   "ERR_INJECTED",
	CodeReplicationFailure:         "ERR_REPLICATION_FAILURE",
	CodeAppExist:                   "ERR_APP_EXIST",
	CodeAppNotExist:                "ERR_APP_NOT_EXIST",
	CodeBusyCreating:               "ERR_BUSY_CREATING",
	CodeBusyDropping:               "ERR_BUSY_DROPPING",
	CodeNetworkFailure:             "ERR_NETWORK_FAILURE",
	CodeUnderRecovery:              "ERR_UNDER_RECOVERY",
	CodeLearnerNotFound:            "ERR_LEARNER_NOT_FOUND",
	CodeOperationDisabled:          "ERR_OPERATION_DISABLED",
	CodeExpired:                    "ERR_EXPIRED",
	CodeLockAlreadyExist:           "ERR_LOCK_ALREADY_EXIST",
	CodeHoldByOthers:               "ERR_HOLD_BY_OTHERS",
	CodeRecursiveLock:              "ERR_RECURSIVE_LOCK",
	CodeNoOwner:                    "ERR_NO_OWNER",
	CodeNodeAlreadyExist:           "ERR_NODE_ALREADY_EXIST",
	CodeInconsistentState:          "ERR_INCONSISTENT_STATE",
	CodeArrayIndexOutOfRange:       "ERR_ARRAY_INDEX_OUT_OF_RANGE",
	CodeDirNotEmpty:                "ERR_DIR_NOT_EMPTY",
	CodeFSInternal:                 "ERR_FS_INTERNAL",
	CodeIgnoreBadData:              "ERR_IGNORE_BAD_DATA",
	CodeAppDropped:                 "ERR_APP_DROPPED",
	CodeMockInternal:               "ERR_MOCK_INTERNAL",
	CodeZookeeperOperation:         "ERR_ZOOKEEPER_OPERATION",
	CodeChildRegistered:            "ERR_CHILD_REGISTERED",
	CodeIngestionFailed:            "ERR_INGESTION_FAILED",
	CodeUnauthenticated:            "ERR_UNAUTHENTICATED",
	CodeKRB5Internal:               "ERR_KRB5_INTERNAL",
	CodeSASLInternal:               "ERR_SASL_INTERNAL",
	CodeSASLIncomplete:             "ERR_SASL_INCOMPLETE",
	CodeACLDeny:                    "ERR_ACL_DENY",
	CodeSplitting:                  "ERR_SPLITTING",
	CodeParentPartitionMisused:     "ERR_PARENT_PARTITION_MISUSED",
	CodeChildNotReady:              "ERR_CHILD_NOT_READY",
	CodeDiskInsufficient:           "ERR_DISK_INSUFFICIENT",
	CodeRetryExhausted:             "ERR_RETRY_EXHAUSTED",
	CodeSyncRangerPoliciesFailed:   "ERR_SYNC_RANGER_POLICIES_FAILED",
	CodeRangerParseACL:             "ERR_RANGER_PARSE_ACL",
	CodeRangerPoliciesNoNeedUpdate: "ERR_RANGER_POLICIES_NO_NEED_UPDATE",
	CodeRDBCorruption:              "ERR_RDB_CORRUPTION",
	CodeDiskIOError:                "ERR_DISK_IO_ERROR",
	CodeCurlFailed:                 "ERR_CURL_FAILED",
	CodeDupExist:                   "ERR_DUP_EXIST",
	CodeHTTPError:                  "ERR_HTTP_ERROR",
	CodeNotMatched:                 "ERR_NOT_MATCHED",
	CodeSessionReset:               "ERR_SESSION_RESET",
}

// codeByName is the inverse of codeNames; nothing writes it.
var codeByName = func() map[string]ErrorCode {
	m := make(map[string]ErrorCode, codeCount)
	for i := CodeUnknown + 1; i < codeCount; i++ {
		m[codeNames[i]] = i
	}
	return m
}()

// LookupErrorCode returns the code of a name on the wire, CodeUnknown if there is none.
// It does not allocate.
func LookupErrorCode(name []byte) ErrorCode {
	if string(name) == "ERR_OK" {
		return CodeOK
	}
	return codeByName[string(name)]
}

// ErrorCodeByName is LookupErrorCode of a string.
func ErrorCodeByName(name string) ErrorCode { return codeByName[name] }

// IsError says that a code is one that a server can answer with, and is not success.
func (c ErrorCode) IsError() bool { return c > CodeUnknown && c < codeCount && c != CodeOK }

// String returns the name on the wire.
func (c ErrorCode) String() string {
	if c >= codeCount {
		c = CodeUnknown
	}
	return codeNames[c]
}
