// Bodies of the operations on one record, written and read by hand: get, ttl, put and
// remove. The others go through the generated structs of protocol/idl/rrdb.
// Upstream idl/rrdb.thrift.

package protocol

// StorageStatus is how the storage of a replica answers. It travels as a number inside
// an answer whose ErrorCode is CodeOK.
type StorageStatus int32

// Storage statuses.
const (
	StatusOK StorageStatus = iota
	StatusNotFound
	StatusCorruption
	StatusNotSupported
	StatusInvalidArgument
	StatusIOError
	StatusMergeInProgress
	StatusIncomplete
	StatusShutdownInProgress
	StatusTimedOut
	StatusAborted
	StatusBusy
	StatusExpired
	StatusTryAgain
)

// statusNames is indexed by StorageStatus; nothing writes it.
var statusNames = [...]string{
	"ok", "not found", "corruption", "not supported", "invalid argument", "I/O error",
	"merge in progress", "incomplete", "shutdown in progress", "timed out", "aborted",
	"busy", "expired", "try again",
}

// String returns the status in words.
func (s StorageStatus) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return "unknown storage status"
	}
	return statusNames[s]
}

// PutArgs is update_request. From ParsePutArgs its slices alias the body.
type PutArgs struct {
	Key      []byte // stored key, see AppendKey
	Value    []byte
	ExpireTS int32 // seconds since 2016, see EpochSeconds; 0: never
}

// ReadResult is read_response, the answer to get. Slices alias the body.
type ReadResult struct {
	Status    StorageStatus
	Value     []byte
	AppID     int32
	Partition int32
	Server    []byte // informative: who answered
}

// TTLResult is ttl_response, the answer to ttl. Server aliases the body.
type TTLResult struct {
	Status     StorageStatus
	TTLSeconds int32 // left; -1: never expires
	AppID      int32
	Partition  int32
	Server     []byte
}

// UpdateResult is update_response, the answer to put and remove. Server aliases the body.
type UpdateResult struct {
	Status    StorageStatus
	AppID     int32
	Partition int32
	Decree    int64 // of the mutation
	Server    []byte
}

// AppendKeyArgs appends the args struct of get, ttl and remove (and of sortkey_count,
// whose key is a hash key): one stored key.
func AppendKeyArgs(dst, key []byte) []byte {
	return appendStop(appendBlobField(dst, argsRequestField, key))
}

// ParseKeyArgs reads what AppendKeyArgs writes. key aliases body.
func ParseKeyArgs(body []byte) (key []byte, err error) {
	r := reader{b: body}
	if r.envelope(argsRequestField) {
		key = r.bytes()
		r.closeEnvelope()
	}
	if r.err != 0 {
		return nil, bodyError(r.err, "key argument")
	}
	return key, nil
}

// AppendPutArgs appends the args struct of put.
func AppendPutArgs(dst []byte, a *PutArgs) []byte {
	dst = appendField(dst, typeStruct, argsRequestField)
	dst = appendBlobField(dst, 1, a.Key)
	dst = appendBlobField(dst, 2, a.Value)
	dst = appendI32Field(dst, 3, a.ExpireTS)
	return appendStop(appendStop(dst))
}

// ParsePutArgs reads what AppendPutArgs writes.
func ParsePutArgs(body []byte) (PutArgs, error) {
	var a PutArgs
	r := reader{b: body}
	if r.envelope(argsRequestField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeStruct):
				a.Key = r.bytes()
			case id == 2 && r.is(t, typeStruct):
				a.Value = r.bytes()
			case id == 3 && r.is(t, typeI32):
				a.ExpireTS = r.i32()
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	if r.err != 0 {
		return PutArgs{}, bodyError(r.err, "update_request")
	}
	return a, nil
}

// AppendReadResult appends the result struct of get.
func AppendReadResult(dst []byte, a *ReadResult) []byte {
	dst = appendField(dst, typeStruct, resultSuccessField)
	dst = appendI32Field(dst, 1, int32(a.Status))
	dst = appendBlobField(dst, 2, a.Value)
	dst = appendI32Field(dst, 3, a.AppID)
	dst = appendI32Field(dst, 4, a.Partition)
	dst = appendStringField(dst, 6, a.Server)
	return appendStop(appendStop(dst))
}

// ParseReadResult reads what AppendReadResult writes.
func ParseReadResult(body []byte) (ReadResult, error) {
	var a ReadResult
	r, seen := reader{b: body}, false
	if r.envelope(resultSuccessField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeI32):
				a.Status, seen = StorageStatus(r.i32()), true
			case id == 2 && r.is(t, typeStruct):
				a.Value = r.bytes()
			case id == 3 && r.is(t, typeI32):
				a.AppID = r.i32()
			case id == 4 && r.is(t, typeI32):
				a.Partition = r.i32()
			case id == 6 && r.is(t, typeString):
				a.Server = r.bytes()
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	if kind := r.missing(seen); kind != 0 {
		return ReadResult{}, bodyError(kind, "read_response")
	}
	return a, nil
}

// AppendTTLResult appends the result struct of ttl.
func AppendTTLResult(dst []byte, a *TTLResult) []byte {
	dst = appendField(dst, typeStruct, resultSuccessField)
	dst = appendI32Field(dst, 1, int32(a.Status))
	dst = appendI32Field(dst, 2, a.TTLSeconds)
	dst = appendI32Field(dst, 3, a.AppID)
	dst = appendI32Field(dst, 4, a.Partition)
	dst = appendStringField(dst, 6, a.Server)
	return appendStop(appendStop(dst))
}

// ParseTTLResult reads what AppendTTLResult writes.
func ParseTTLResult(body []byte) (TTLResult, error) {
	var a TTLResult
	r, seen := reader{b: body}, false
	if r.envelope(resultSuccessField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeI32):
				a.Status, seen = StorageStatus(r.i32()), true
			case id == 2 && r.is(t, typeI32):
				a.TTLSeconds = r.i32()
			case id == 3 && r.is(t, typeI32):
				a.AppID = r.i32()
			case id == 4 && r.is(t, typeI32):
				a.Partition = r.i32()
			case id == 6 && r.is(t, typeString):
				a.Server = r.bytes()
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	if kind := r.missing(seen); kind != 0 {
		return TTLResult{}, bodyError(kind, "ttl_response")
	}
	return a, nil
}

// AppendUpdateResult appends the result struct of put and remove.
func AppendUpdateResult(dst []byte, a *UpdateResult) []byte {
	dst = appendField(dst, typeStruct, resultSuccessField)
	dst = appendI32Field(dst, 1, int32(a.Status))
	dst = appendI32Field(dst, 2, a.AppID)
	dst = appendI32Field(dst, 3, a.Partition)
	dst = appendI64Field(dst, 4, a.Decree)
	dst = appendStringField(dst, 5, a.Server)
	return appendStop(appendStop(dst))
}

// ParseUpdateResult reads what AppendUpdateResult writes.
func ParseUpdateResult(body []byte) (UpdateResult, error) {
	var a UpdateResult
	r, seen := reader{b: body}, false
	if r.envelope(resultSuccessField) {
		for t, id, ok := r.field(); ok; t, id, ok = r.field() {
			switch {
			case id == 1 && r.is(t, typeI32):
				a.Status, seen = StorageStatus(r.i32()), true
			case id == 2 && r.is(t, typeI32):
				a.AppID = r.i32()
			case id == 3 && r.is(t, typeI32):
				a.Partition = r.i32()
			case id == 4 && r.is(t, typeI64):
				a.Decree = r.i64()
			case id == 5 && r.is(t, typeString):
				a.Server = r.bytes()
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	if kind := r.missing(seen); kind != 0 {
		return UpdateResult{}, bodyError(kind, "update_response")
	}
	return a, nil
}
