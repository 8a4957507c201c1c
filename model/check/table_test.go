// The visited set under several writers, and the fingerprint.

package check

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTableWithSeveralWriters(t *testing.T) {
	const states, writers = 200_000, 8
	table := newTable()
	var better, wrong atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 0))
			table.guard.RLock()
			defer table.guard.RUnlock()
			for _, i := range random.Perm(states) {
				key := normal(Fingerprint(binary.BigEndian.AppendUint64(nil, uint64(i))))
				what, _, grow := table.insert(key, uint32(i%1000+w))
				switch what {
				case foundBetter:
					better.Add(1)
				case foundPending:
				default:
					wrong.Add(1)
				}
				if grow {
					table.makeRoom()
				}
				table.giveWay()
			}
		})
	}
	all.Wait()
	assert.Zero(t, wrong.Load())
	assert.GreaterOrEqual(t, better.Load(), int64(states))
	used := int64(0)
	for i := range table.segments {
		used += table.segments[i].used.Load()
	}
	assert.Equal(t, int64(states), used)
	for i := range states {
		s := table.lookup(normal(Fingerprint(binary.BigEndian.AppendUint64(nil, uint64(i)))))
		require.NotNil(t, s)
		require.True(t, s.foundFrom(uint32(i%1000)), "the lowest parent wins")
		s.setNumber(uint32(i))
	}
	assert.Nil(t, table.lookup(12345))
	parents := table.parents(states)
	for i, p := range parents {
		require.Equal(t, uint32(i%1000), p)
	}
	assert.LessOrEqual(t, float64(table.bytes.Load())/states, 40.0)
}

func TestTableReserves(t *testing.T) {
	table := newTable()
	for i := range segmentCount {
		table.reserve(i, 1_000_000)
	}
	assert.GreaterOrEqual(t, table.bytes.Load(), uint64(1_000_000)*slotSize)
	_, _, grow := table.insert(99, 1)
	assert.False(t, grow)
}

// The fingerprint is part of what others may store: it never changes.
func TestFingerprintIsStable(t *testing.T) {
	text := []byte("the same in every process and on every machine")
	got := map[int]uint64{}
	for _, n := range []int{0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 46} {
		got[n] = Fingerprint(text[:n])
	}
	assert.Equal(t, map[int]uint64{
		0: 0x176e296fa5747c7e, 1: 0xe373ba3a0188b4af, 2: 0x06565b4bdea8e0c9, 3: 0x9b30b8d39b8c2861,
		4: 0xb31c4acefbb1e624, 7: 0x190ef3c075bce9a4, 8: 0xc5be8fa697948a80, 15: 0x575567b316954ca3,
		16: 0xf784000092316cd5, 17: 0xd9a4a1112069eb81, 31: 0xf3c33c55622e9083, 32: 0x18f289d37118f136,
		46: 0x281916deea5fd2be,
	}, got)
}

func TestFingerprintSpreads(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 3, 5, 8, 13, 16, 24, 40, 100} {
		flips := 0
		const tries = 2000
		for range tries {
			key := make([]byte, n)
			for i := range key {
				key[i] = byte(random.Uint32())
			}
			before := Fingerprint(key)
			bit := random.IntN(n * 8)
			key[bit/8] ^= 1 << (bit % 8)
			flips += bits.OnesCount64(before ^ Fingerprint(key))
		}
		assert.InDelta(t, 32, float64(flips)/tries, 0.5, "bits that change with one bit of %d bytes", n)
	}
}

func TestFingerprintTellsApart(t *testing.T) {
	seen := map[uint64]bool{}
	add := func(key []byte) {
		f := Fingerprint(key)
		require.False(t, seen[f])
		seen[f] = true
	}
	for n := range 64 {
		add(make([]byte, n))
	}
	for i := range 1 << 16 {
		add(append([]byte{1}, byte(i), byte(i>>8)))
		add(append(make([]byte, 20), byte(i), 1, byte(i>>8)))
	}
}
