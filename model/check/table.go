// The visited set: fingerprints of all states in open addressing, cut into partitions
// of which each has one writer at a time.

package check

import "math/bits"

// The set is cut by the upper bits of the fingerprint. A partition is small enough to
// stay in a processor's own cache while a batch of steps is entered into it, and since
// only one goroutine does so, no write needs to be atomic. Partitions grow each on its
// own; their first sizes are spread over one growth step, so that never all of them are
// sparse at once: the bytes per state stay even while the set grows.
const (
	partitionBits  = 8
	partitionCount = 1 << partitionBits
	partitionFirst = 64 // slots of the smallest first partition
	growDivisor    = 2  // a partition grows by half of its size
	fullPercent    = 80 // and does so when this full

	// maxStates is how many states can be told apart: numbers have 32 bits, and what ends
	// a piece of a level may lie a little beyond the last one.
	maxStates = 1<<32 - 1<<20
	// maxNumbered is how many where liveness is looked at: numbers with the upper bit
	// set stand for steps of the batch that is being entered.
	maxNumbered = 1 << 31
)

// partition holds the keys of one part of the set; zero is an empty slot. numbers has,
// only where they are needed, the number of each state.
type partition struct {
	keys    []uint64
	numbers []uint32
	used    int
	limit   int
	fetched uint64   // what fetch has read, so that it must read
	_       [64]byte // neighbours are written by other processors
}

// table is the visited set.
type table struct {
	numbered   bool
	partitions [partitionCount]partition
}

func newTable(numbered bool) *table {
	t := &table{numbered: numbered}
	for i := range t.partitions {
		t.partitions[i].resize(partitionFirst+partitionFirst*i/(growDivisor*partitionCount), numbered)
	}
	return t
}

// normal maps fingerprints to keys: zero marks an empty slot.
func normal(fingerprint uint64) uint64 {
	if fingerprint == 0 {
		return hashKeyC
	}
	return fingerprint
}

// partitionOf returns the index of the partition of key.
func partitionOf(key uint64) int { return int(key >> (64 - partitionBits)) }

// bytes returns the memory of the set.
func (t *table) bytes() uint64 {
	n := uint64(0)
	for i := range t.partitions {
		n += uint64(cap(t.partitions[i].keys))*8 + uint64(cap(t.partitions[i].numbers))*4
	}
	return n
}

// count returns how many keys are in the set.
func (t *table) count() uint64 {
	n := uint64(0)
	for i := range t.partitions {
		n += uint64(t.partitions[i].used)
	}
	return n
}

// number returns the number of the state with that key; noState if it has none. It may
// be asked only where the table is numbered.
func (t *table) number(key uint64) uint32 {
	p := &t.partitions[partitionOf(key)]
	if at, found := p.find(key); found {
		return p.numbers[at]
	}
	return noState
}

// add enters key and says whether it is new.
func (t *table) add(key uint64) bool {
	p := &t.partitions[partitionOf(key)]
	at, found := p.find(key)
	if found {
		return false
	}
	p.put(at, key)
	return true
}

// find returns the slot of key, or the empty slot where it belongs.
func (p *partition) find(key uint64) (at uint64, found bool) {
	keys := p.keys
	at, _ = bits.Mul64(key<<partitionBits, uint64(len(keys)))
	for {
		switch keys[at] {
		case key:
			return at, true
		case 0:
			return at, false
		}
		if at++; at == uint64(len(keys)) {
			at = 0
		}
	}
}

// put fills the empty slot at with key, and grows the partition where it is full; slots
// have then moved.
func (p *partition) put(at, key uint64) {
	p.keys[at] = key
	if p.used++; p.used > p.limit {
		p.resize(len(p.keys)+len(p.keys)/growDivisor, p.numbers != nil)
	}
}

// putNumbered is put with a number.
func (p *partition) putNumbered(at, key uint64, number uint32) {
	p.numbers[at] = number
	p.put(at, key)
}

// enter enters keys and moves to the front of steps those of which the key is new, in
// their order. It returns how many they are.
func (p *partition) enter(keys []uint64, steps []uint32) int {
	p.fetch(keys)
	fresh := 0
	for i, key := range keys {
		if at, found := p.find(key); !found {
			p.put(at, key)
			steps[fresh] = steps[i]
			fresh++
		}
	}
	return fresh
}

// enterNumbered enters keys and puts into numbers what is known of each: the number of a
// state found before, else the provisional one of the first step in the batch that leads
// to it: base and the step with the upper bit set.
func (p *partition) enterNumbered(keys []uint64, steps, numbers []uint32, base uint32) {
	p.fetch(keys)
	for i, key := range keys {
		at, found := p.find(key)
		if found {
			numbers[i] = p.numbers[at]
			continue
		}
		numbers[i] = maxNumbered | (base + steps[i])
		p.putNumbered(at, key, numbers[i])
	}
}

// fetch reads the slots at which the searches for keys will begin. No read depends on
// another, so the processor waits for all of them at once.
func (p *partition) fetch(keys []uint64) {
	sum := uint64(0)
	for _, key := range keys {
		at, _ := bits.Mul64(key<<partitionBits, uint64(len(p.keys)))
		sum += p.keys[at]
	}
	p.fetched = sum
}

func (p *partition) resize(size int, numbered bool) {
	old := *p
	p.keys = make([]uint64, size)
	if numbered {
		p.numbers = make([]uint32, size)
	}
	p.limit = size * fullPercent / 100
	for i, key := range old.keys {
		if key == 0 {
			continue
		}
		at, _ := p.find(key)
		p.keys[at] = key
		if numbered {
			p.numbers[at] = old.numbers[i]
		}
	}
}
