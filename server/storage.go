// One storage for the nodes of a cluster in one process.

package server

import (
	"sync"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/replica"
)

// sharedStorage is one node's way to a storage that others use at the same time.
type sharedStorage struct {
	mu      *sync.Mutex
	storage Storage
	value   []byte // a copy of the last row read: others may overwrite it in place
}

// Get implements Storage.
func (s *sharedStorage) Get(p protocol.GPID, key []byte) (replica.Record, protocol.StorageStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, status := s.storage.Get(p, key)
	s.value = append(s.value[:0], record.Value...)
	record.Value = s.value
	return record, status
}

// Put implements Storage.
func (s *sharedStorage) Put(p protocol.GPID, key, value []byte, expireTS int32) (int64, protocol.StorageStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storage.Put(p, key, value, expireTS)
}

// Remove implements Storage.
func (s *sharedStorage) Remove(p protocol.GPID, key []byte) (int64, protocol.StorageStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storage.Remove(p, key)
}

// Reclaim implements Storage.
func (s *sharedStorage) Reclaim(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storage.Reclaim(now)
}

// Clone implements Storage: the copy is nobody else's.
func (s *sharedStorage) Clone() Storage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storage.Clone()
}

// AppendState implements Storage.
func (s *sharedStorage) AppendState(dst []byte, now time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storage.AppendState(dst, now)
}
