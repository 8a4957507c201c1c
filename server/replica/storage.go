// What a replica server needs of its storage.

package replica

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Record is one stored row.
type Record struct {
	Value    []byte // valid until the storage is called again
	ExpireTS int32  // seconds since 2016, see protocol.EpochSeconds; 0: never
}

// Storage keeps the rows of one node's partitions. It outlives the node: what was
// written is there after a restart. It answers with a status, as the storage of a
// replica does: a status other than StatusOK changed nothing, and travels to the client.
//
// Keys are stored keys (protocol.AppendKey), opaque here. An implementation keeps copies
// of what it is given. It knows nothing of time: expiry is the caller's business, but for
// Reclaim.
type Storage interface {
	// Get returns the row, or StatusNotFound.
	Get(p protocol.GPID, key []byte) (Record, protocol.StorageStatus)
	// Put writes the row and returns the partition's decree: its number of writes so far.
	Put(p protocol.GPID, key, value []byte, expireTS int32) (decree int64, status protocol.StorageStatus)
	// Remove deletes the row, if there is one, and returns the partition's decree.
	Remove(p protocol.GPID, key []byte) (decree int64, status protocol.StorageStatus)
	// Reclaim may drop rows that have expired at now. It is called when Put answers
	// StatusIOError, before Put is tried once more.
	Reclaim(now time.Time)
	// Clone returns an independent copy. A storage that cannot be copied returns itself:
	// then it does not serve a checker.
	Clone() Storage
	// AppendState appends what the answers to every later call depend on, rows that have
	// expired left out, expiry relative to now, decrees left out: they are informative.
	AppendState(dst []byte, now time.Time) []byte
}
