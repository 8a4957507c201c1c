// The disks of the replicas: what a server has written is there after a restart and after a
// loss of power, unless the disk did not keep what it was told to sync. Then the last writes
// are undone, which the history has as writes of the old values by the disk.

package sim

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/replica"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

// disk is what a replica's host keeps, for either kind of server, and, where a fault may
// undo it, what was there before each write.
type disk struct {
	reference *replica.Memory
	upstream  *upstream.Memory
	now       func() time.Time
	journal   []before // oldest first; nil where no fault undoes anything
	journaled bool
}

// before is what a write replaced.
type before struct {
	at    time.Time
	pid   protocol.GPID
	key   string
	found bool
	value string
	ttl   int32
}

func newDisk(now func() time.Time, journaled bool) *disk {
	return &disk{reference: replica.NewMemory(), upstream: upstream.NewMemory(), now: now, journaled: journaled}
}

// note keeps what is about to be replaced.
func (d *disk) note(pid protocol.GPID, key []byte, found bool, value []byte, ttl int32) {
	d.journal = append(d.journal, before{d.now(), pid, string(key), found, string(value), ttl})
}

// referenceStorage and upstreamStorage are the disk as each kind of server sees it.
func (d *disk) referenceStorage() replica.Storage {
	if !d.journaled {
		return d.reference
	}
	return &journaledReference{d.reference, d}
}

func (d *disk) upstreamStorage() upstream.Storage {
	if !d.journaled {
		return d.upstream
	}
	return &journaledUpstream{d.upstream, d}
}

type journaledReference struct {
	replica.Storage
	disk *disk
}

// Put implements replica.Storage.
func (s *journaledReference) Put(p protocol.GPID, key, value []byte, expireTS int32) (int64, protocol.StorageStatus) {
	s.note(p, key)
	return s.Storage.Put(p, key, value, expireTS)
}

// Remove implements replica.Storage.
func (s *journaledReference) Remove(p protocol.GPID, key []byte) (int64, protocol.StorageStatus) {
	s.note(p, key)
	return s.Storage.Remove(p, key)
}

func (s *journaledReference) note(p protocol.GPID, key []byte) {
	row, status := s.Storage.Get(p, key)
	s.disk.note(p, key, status == protocol.StatusOK, row.Value, row.ExpireTS)
}

type journaledUpstream struct {
	upstream.Storage
	disk *disk
}

// Put implements upstream.Storage.
func (s *journaledUpstream) Put(p protocol.GPID, key []byte, r upstream.Record) {
	s.note(p, key)
	s.Storage.Put(p, key, r)
}

// Remove implements upstream.Storage.
func (s *journaledUpstream) Remove(p protocol.GPID, key []byte) {
	s.note(p, key)
	s.Storage.Remove(p, key)
}

func (s *journaledUpstream) note(p protocol.GPID, key []byte) {
	r, found := s.Storage.Get(p, key)
	s.disk.note(p, key, found, r.Value, r.ExpireTS)
}

// undo takes back, newest first, what was written after an instant. It returns what is
// there now, of each record once, in the order in which they were first written.
func (d *disk) undo(after time.Time) []before {
	first := len(d.journal)
	for first > 0 && d.journal[first-1].at.After(after) {
		first--
	}
	for i := len(d.journal) - 1; i >= first; i-- {
		d.restore(&d.journal[i])
	}
	var undone []before
	type record struct {
		pid protocol.GPID
		key string
	}
	seen := make(map[record]bool)
	for _, b := range d.journal[first:] {
		if name := (record{b.pid, b.key}); !seen[name] {
			seen[name] = true
			undone = append(undone, b)
		}
	}
	d.journal = d.journal[:first]
	return undone
}

func (d *disk) restore(b *before) {
	key := []byte(b.key)
	if !b.found {
		d.reference.Remove(b.pid, key)
		d.upstream.Remove(b.pid, key)
		return
	}
	d.reference.Put(b.pid, key, []byte(b.value), b.ttl)
	d.upstream.Put(b.pid, key, upstream.Record{Value: []byte(b.value), ExpireTS: b.ttl})
}

// give copies a partition to another disk, whatever was there of it. What is known to two
// disks is not lost with what one of them did not keep: neither takes a write to it back.
func (d *disk) give(pid protocol.GPID, to *disk) {
	d.reference.CopyPartition(pid, to.reference)
	d.upstream.CopyPartition(pid, to.upstream)
	for _, at := range []*disk{d, to} {
		at.journal = slices.DeleteFunc(at.journal, func(b before) bool { return b.pid == pid })
	}
}

// diskClient is who the history says wrote the old values back.
const diskClient = -1

// lost puts what a disk did not keep into the history.
func (o *operations) lost(now time.Time, undone []before) {
	at := int64(now.Sub(o.judge.epoch))
	for _, b := range undone {
		hashKey, sortKey, err := protocol.ParseKey([]byte(b.key))
		must(err)
		op := linearizability.Operation{
			Client: diskClient, ID: uint64(1)<<62 + uint64(len(o.undone)), Kind: linearizability.Remove,
			HashKey: string(hashKey), SortKey: string(sortKey), InvokeNS: at, ReturnNS: at, Outcome: linearizability.OK,
		}
		if b.found {
			op.Kind, op.Value = linearizability.Put, b.value
		}
		o.undone = append(o.undone, op)
	}
}
