// Storage in memory: what tests, the simulator and an unconfigured cluster keep rows in.

package replica

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// DefaultMemoryBytes is the limit of a Memory made by NewMemory.
const DefaultMemoryBytes = 1 << 30

// recordOverhead is charged for each row beside its key and value.
const recordOverhead = 64

// Memory is a Storage that lives as long as its owner keeps it. It is not safe for
// concurrent use: a driver that shares one between nodes wraps it.
type Memory struct {
	limit      int64
	used       int64
	partitions map[protocol.GPID]*memoryPartition
	soonest    int32 // no row expires before, as expireTS; 0: none expires
}

type memoryPartition struct {
	rows   map[string]*memoryRow
	decree int64
}

type memoryRow struct {
	value    []byte
	expireTS int32
}

// NewMemory makes an empty Memory of at most DefaultMemoryBytes.
func NewMemory() *Memory { return NewMemoryOf(DefaultMemoryBytes) }

// NewMemoryOf makes an empty Memory of at most limit bytes, keys, values and a fixed
// charge for each row counted. A Put beyond that answers StatusIOError.
func NewMemoryOf(limit int64) *Memory {
	return &Memory{limit: limit, partitions: make(map[protocol.GPID]*memoryPartition)}
}

// Get implements Storage.
func (m *Memory) Get(p protocol.GPID, key []byte) (Record, protocol.StorageStatus) {
	if part := m.partitions[p]; part != nil {
		if row := part.rows[string(key)]; row != nil {
			return Record{Value: row.value, ExpireTS: row.expireTS}, protocol.StatusOK
		}
	}
	return Record{}, protocol.StatusNotFound
}

// Put implements Storage.
func (m *Memory) Put(p protocol.GPID, key, value []byte, expireTS int32) (int64, protocol.StorageStatus) {
	part := m.partition(p)
	row := part.rows[string(key)]
	grow := int64(len(value))
	if row == nil {
		grow += int64(len(key)) + recordOverhead
	} else {
		grow -= int64(len(row.value))
	}
	if m.used+grow > m.limit {
		return part.decree, protocol.StatusIOError
	}
	m.used += grow
	if row == nil {
		row = &memoryRow{}
		part.rows[string(key)] = row
	}
	if cap(row.value) > 2*len(value)+recordOverhead {
		row.value = nil // what is not counted is not kept
	}
	row.value = append(row.value[:0], value...)
	row.expireTS = expireTS
	m.soonest = sooner(m.soonest, expireTS)
	part.decree++
	return part.decree, protocol.StatusOK
}

// Remove implements Storage.
func (m *Memory) Remove(p protocol.GPID, key []byte) (int64, protocol.StorageStatus) {
	part := m.partition(p)
	if row := part.rows[string(key)]; row != nil {
		m.used -= int64(len(key)+len(row.value)) + recordOverhead
		delete(part.rows, string(key))
	}
	part.decree++
	return part.decree, protocol.StatusOK
}

// Reclaim implements Storage. It looks at the rows only where one may have expired: of a full
// Memory it is asked with every Put.
func (m *Memory) Reclaim(now time.Time) {
	if !protocol.Expired(m.soonest, now) {
		return
	}
	m.soonest = 0
	for _, p := range m.sorted() {
		part := m.partitions[p]
		for _, key := range slices.Sorted(maps.Keys(part.rows)) {
			row := part.rows[key]
			if !protocol.Expired(row.expireTS, now) {
				m.soonest = sooner(m.soonest, row.expireTS)
				continue
			}
			m.used -= int64(len(key)+len(row.value)) + recordOverhead
			delete(part.rows, key)
		}
	}
}

// sooner is the earlier of two times of expiry, of which 0 is never.
func sooner(a, b int32) int32 {
	if a <= 0 || b > 0 && b < a {
		return max(b, 0)
	}
	return a
}

// CopyPartition gives another Memory this one's rows of a partition in place of its own, and
// the decree with them: what a replica that has learned from the primary begins with. The
// other's limit does not count.
func (m *Memory) CopyPartition(p protocol.GPID, to *Memory) {
	to.used -= to.partition(p).size()
	delete(to.partitions, p)
	if from := m.partitions[p]; from != nil {
		to.partitions[p] = from.clone()
		to.used += from.size()
		to.soonest = sooner(to.soonest, m.soonest)
	}
}

// size is what a partition is charged for.
func (p *memoryPartition) size() (bytes int64) {
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		row := p.rows[key]
		bytes += int64(len(key)+len(row.value)) + recordOverhead
	}
	return bytes
}

func (p *memoryPartition) clone() *memoryPartition {
	to := &memoryPartition{rows: make(map[string]*memoryRow, len(p.rows)), decree: p.decree}
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		row := p.rows[key]
		to.rows[key] = &memoryRow{value: slices.Clone(row.value), expireTS: row.expireTS}
	}
	return to
}

// Clone implements Storage.
func (m *Memory) Clone() Storage {
	c := NewMemoryOf(m.limit)
	c.used, c.soonest = m.used, m.soonest
	for _, p := range m.sorted() {
		c.partitions[p] = m.partitions[p].clone()
	}
	return c
}

// AppendState implements Storage. The bytes in use count too: they decide whether a
// later Put is refused.
func (m *Memory) AppendState(dst []byte, now time.Time) []byte {
	dst = binary.AppendVarint(dst, m.limit-m.used)
	for _, p := range m.sorted() {
		rows := m.partitions[p].rows
		for _, key := range slices.Sorted(maps.Keys(rows)) {
			row := rows[key]
			if protocol.Expired(row.expireTS, now) {
				continue
			}
			dst = binary.AppendVarint(dst, p.Pack())
			dst = binary.AppendUvarint(dst, uint64(len(key)))
			dst = append(dst, key...)
			dst = binary.AppendUvarint(dst, uint64(len(row.value)))
			dst = append(dst, row.value...)
			left := time.Duration(-1)
			if row.expireTS > 0 {
				left = protocol.EpochTime(row.expireTS).Sub(now)
			}
			dst = binary.AppendVarint(dst, int64(left))
		}
	}
	return dst
}

// partition returns p's rows, making room for them.
func (m *Memory) partition(p protocol.GPID) *memoryPartition {
	part := m.partitions[p]
	if part == nil {
		part = &memoryPartition{rows: make(map[string]*memoryRow)}
		m.partitions[p] = part
	}
	return part
}

// sorted returns the partitions in order.
func (m *Memory) sorted() []protocol.GPID {
	return slices.SortedFunc(maps.Keys(m.partitions), func(a, b protocol.GPID) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), cmp.Compare(a.Index, b.Index))
	})
}
