// What a replica server keeps. It outlives the Server that uses it.

package upstream

import (
	"maps"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Record is one stored value. ExpireTS is in protocol.EpochSeconds; 0: never.
type Record struct {
	Value    []byte
	ExpireTS int32
}

// Storage keeps the records of the partitions of one replica server. Put copies what it
// is given; what Get returns is valid until the next Put or Remove.
type Storage interface {
	Get(id protocol.GPID, key []byte) (r Record, ok bool)
	Put(id protocol.GPID, key []byte, r Record)
	Remove(id protocol.GPID, key []byte) // one that is absent, too
	Decree(id protocol.GPID) int64       // of the last Put or Remove; 0: none
}

// Memory is a Storage in memory.
type Memory struct {
	records map[string]Record
	decrees map[protocol.GPID]int64
	name    []byte
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{records: make(map[string]Record), decrees: make(map[protocol.GPID]int64)}
}

// Get implements Storage.
func (m *Memory) Get(id protocol.GPID, key []byte) (Record, bool) {
	r, ok := m.records[string(m.key(id, key))]
	return r, ok
}

// Put implements Storage.
func (m *Memory) Put(id protocol.GPID, key []byte, r Record) {
	r.Value = slices.Clone(r.Value)
	m.records[string(m.key(id, key))] = r
	m.decrees[id]++
}

// Remove implements Storage.
func (m *Memory) Remove(id protocol.GPID, key []byte) {
	delete(m.records, string(m.key(id, key)))
	m.decrees[id]++
}

// Decree implements Storage.
func (m *Memory) Decree(id protocol.GPID) int64 { return m.decrees[id] }

// CopyPartition gives another Memory this one's records of a partition in place of its own:
// what a replica that has learned from the primary begins with.
func (m *Memory) CopyPartition(id protocol.GPID, to *Memory) {
	prefix := string(to.key(id, nil))
	for _, name := range slices.Sorted(maps.Keys(to.records)) {
		if strings.HasPrefix(name, prefix) {
			delete(to.records, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.records)) {
		if r := m.records[name]; strings.HasPrefix(name, prefix) {
			to.records[name] = Record{Value: slices.Clone(r.Value), ExpireTS: r.ExpireTS}
		}
	}
	to.decrees[id] = m.decrees[id]
}

func (m *Memory) key(id protocol.GPID, key []byte) []byte {
	m.name = append(m.name[:0],
		byte(id.AppID>>24), byte(id.AppID>>16), byte(id.AppID>>8), byte(id.AppID),
		byte(id.Index>>24), byte(id.Index>>16), byte(id.Index>>8), byte(id.Index))
	m.name = append(m.name, key...)
	return m.name
}
