// The visited set: fingerprints, numbers and parents of all states, in open addressing, for several writers.

package check

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The set is cut into segments by the upper bits of the fingerprint, and each segment
// grows on its own. Their first sizes are spread over one growth step, so that never
// all of them are sparse at once: the bytes per state stay even while the set grows.
const (
	segmentBits  = 8
	segmentCount = 1 << segmentBits
	segmentFirst = 256           // slots of the smallest first segment; the quarter that stays free is more than maxWorkers
	growDivisor  = 2             // a segment grows by half of its size
	fullPercent  = 75            // and does so when this full,
	nearPercent  = 92            // or this near to being so full when another has to: growing stops everybody
	maxStates    = 1<<32 - 1<<24 // what is found beyond, until all goroutines have stopped, still has a number
)

// slot holds one state: sixteen bytes, so that four share a cache line. word has in
// its upper half the number of the state plus one, zero while its level is being
// searched; in its lower half the number of its parent plus one, zero for none.
type slot struct {
	key  uint64
	word uint64
}

const slotSize = uint64(unsafe.Sizeof(slot{}))

type segment struct {
	slots []slot
	used  atomic.Int64
	limit int64
	_     [24]byte // to the size of a cache line: used is written often
}

// table is the visited set. Searching goroutines hold guard for reading; the one that
// makes a segment grow holds it for writing.
type table struct {
	guard    sync.RWMutex
	wanted   atomic.Bool // some segment is to grow: let go of guard
	bytes    atomic.Uint64
	segments [segmentCount]segment
}

func newTable() *table {
	t := new(table)
	for i := range t.segments {
		size := segmentFirst + segmentFirst*i/(growDivisor*segmentCount)
		t.segments[i].reset(make([]slot, size))
		t.bytes.Add(uint64(size) * slotSize)
	}
	return t
}

func (s *segment) reset(slots []slot) {
	s.slots = slots
	s.limit = int64(len(slots)) * fullPercent / 100
}

// found says what insert or find knows of a state.
type found uint8

const (
	foundOld     found = iota + 1 // it has a number
	foundPending                  // on the level that is being searched, with a parent at least as early
	foundBetter                   // on that level, and the given parent is the earliest so far
	foundNothing                  // not in the set
)

// normal maps fingerprints to keys: zero marks an empty slot.
func normal(fingerprint uint64) uint64 {
	if fingerprint == 0 {
		return hashKeyC
	}
	return fingerprint
}

// home returns the segment of key and the slot at which its search begins.
func (t *table) home(key uint64) (*segment, uint64) {
	seg := &t.segments[key>>(64-segmentBits)]
	at, _ := bits.Mul64(key<<segmentBits, uint64(len(seg.slots)))
	return seg, at
}

// touch reads the slot at which a search for key will begin. Touching several keys
// before inserting them lets the processor wait for all of them at once.
func (t *table) touch(key uint64) uint64 {
	seg, at := t.home(key)
	return atomic.LoadUint64(&seg.slots[at].key)
}

// insert enters key as found from parent. Among the parents of one level the one with
// the lowest number wins, whatever the order of the calls. The caller holds guard for
// reading; after an answer with grow it must call makeRoom before the next insert.
func (t *table) insert(key uint64, parent uint32) (what found, number uint32, grow bool) {
	seg, at := t.home(key)
	slots := seg.slots
	for {
		s := &slots[at]
		k := atomic.LoadUint64(&s.key)
		if k == 0 {
			if atomic.CompareAndSwapUint64(&s.key, 0, key) {
				grow = seg.used.Add(1) > seg.limit
				k = key
			} else {
				k = atomic.LoadUint64(&s.key)
			}
		}
		if k == key {
			what, number = s.offer(parent)
			return what, number, grow
		}
		if at++; at == uint64(len(slots)) {
			at = 0
		}
	}
}

// offer makes parent the parent of the state in s if it is the earliest so far.
func (s *slot) offer(parent uint32) (found, uint32) {
	for {
		w := atomic.LoadUint64(&s.word)
		if w>>32 != 0 {
			return foundOld, uint32(w>>32) - 1
		}
		if w != 0 && w <= uint64(parent)+1 {
			return foundPending, 0
		}
		if atomic.CompareAndSwapUint64(&s.word, w, uint64(parent)+1) {
			return foundBetter, 0
		}
	}
}

// lookup returns the slot of key, nil if there is none. Nothing may grow meanwhile.
func (t *table) lookup(key uint64) *slot {
	seg, at := t.home(key)
	for {
		s := &seg.slots[at]
		switch atomic.LoadUint64(&s.key) {
		case key:
			return s
		case 0:
			return nil
		}
		if at++; at == uint64(len(seg.slots)) {
			at = 0
		}
	}
}

// foundFrom says whether the state in s waits for a number and parent is its parent.
func (s *slot) foundFrom(parent uint32) bool {
	return atomic.LoadUint64(&s.word) == uint64(parent)+1
}

// number returns the number that the state in s was given, and whether it has one.
func (s *slot) number() (uint32, bool) {
	w := atomic.LoadUint64(&s.word)
	return uint32(w>>32) - 1, w>>32 != 0
}

// parent returns the number of the state's parent, and whether it has one.
func (s *slot) parent() (uint32, bool) {
	w := uint32(atomic.LoadUint64(&s.word))
	return w - 1, w != 0
}

// enter numbers an initial state: it has no parent.
func (s *slot) enter(number uint32) {
	atomic.StoreUint64(&s.word, (uint64(number)+1)<<32)
}

// setNumber numbers the state in s. Its parent is final from now on.
func (s *slot) setNumber(number uint32) {
	w := atomic.LoadUint64(&s.word)
	atomic.StoreUint64(&s.word, w&(1<<32-1)|(uint64(number)+1)<<32)
}

// makeRoom lets every segment that is too full grow. The caller holds guard for
// reading, and holds it again when makeRoom returns.
func (t *table) makeRoom() {
	t.wanted.Store(true)
	t.guard.RUnlock()
	t.guard.Lock()
	for i := range t.segments {
		if seg := &t.segments[i]; seg.used.Load()*100 > seg.limit*nearPercent {
			t.grow(seg, len(seg.slots)+len(seg.slots)/growDivisor)
		}
	}
	t.wanted.Store(false)
	t.guard.Unlock()
	t.guard.RLock()
}

// giveWay lets another goroutine make room, if one wants to.
func (t *table) giveWay() {
	if t.wanted.Load() {
		t.guard.RUnlock()
		t.guard.RLock()
	}
}

// reserve makes room in segment i for its share of as many more states. Nobody else
// may use that segment meanwhile.
func (t *table) reserve(i int, more uint64) {
	seg := &t.segments[i]
	wanted := seg.used.Load() + int64(more/segmentCount)
	size := len(seg.slots)
	for int64(size)*fullPercent/100 <= wanted {
		size += size / growDivisor
	}
	if size > len(seg.slots) {
		t.grow(seg, size)
	}
}

func (t *table) grow(seg *segment, size int) {
	old := seg.slots
	seg.reset(make([]slot, size))
	for _, s := range old {
		if s.key == 0 {
			continue
		}
		at, _ := bits.Mul64(s.key<<segmentBits, uint64(size))
		for seg.slots[at].key != 0 {
			if at++; at == uint64(size) {
				at = 0
			}
		}
		seg.slots[at] = s
	}
	t.bytes.Add(uint64(size-len(old)) * slotSize)
}

// parents returns for each of count states the number of its parent; a state without
// one is its own parent.
func (t *table) parents(count int) []uint32 {
	parents := make([]uint32, count)
	for i := range t.segments {
		for j := range t.segments[i].slots {
			s := &t.segments[i].slots[j]
			number, numbered := s.number()
			if s.key == 0 || !numbered {
				continue
			}
			parents[number] = number
			if parent, ok := s.parent(); ok {
				parents[number] = parent
			}
		}
	}
	return parents
}
