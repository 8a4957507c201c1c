// The visited set, the origins of states, and the fingerprint.

package check

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testKey(i int) uint64 {
	return normal(Fingerprint(binary.BigEndian.AppendUint64(nil, uint64(i))))
}

func TestTable(t *testing.T) {
	const states = 200_000
	for _, numbered := range []bool{false, true} {
		table := newTable(numbered)
		for i := range states {
			part := &table.partitions[partitionOf(testKey(i))]
			at, found := part.find(testKey(i))
			require.False(t, found)
			if numbered {
				part.putNumbered(at, testKey(i), uint32(i))
			} else {
				part.put(at, testKey(i))
			}
			require.False(t, table.add(testKey(i)))
		}
		assert.Equal(t, uint64(states), table.count())
		limit := 8 * 2.0 // at least half full
		if numbered {
			limit = 12 * 2.0
			for i := range states {
				require.Equal(t, uint32(i), table.number(testKey(i)))
			}
			assert.Equal(t, uint32(noState), table.number(testKey(states)))
		}
		assert.LessOrEqual(t, float64(table.bytes())/states, limit)
		assert.True(t, table.add(testKey(states)))
	}
}

// Of the steps of a batch that lead to the same state the first one wins, and what was
// there before a batch never does.
func TestFirstStepWins(t *testing.T) {
	const steps = 50_000
	random := rand.New(rand.NewPCG(3, 4))
	plain, numbered := newTable(false), newTable(true)
	first := map[int]int{}
	keys, order := make([]uint64, 0, steps), make([]uint32, 0, steps)
	for i := range steps {
		state := random.IntN(steps / 3)
		keys, order = append(keys, testKey(state)), append(order, uint32(i))
		if _, seen := first[state]; !seen {
			first[state] = i
		}
	}
	winners := map[uint32]bool{}
	for _, i := range first {
		winners[uint32(i)] = true
	}
	numbers := make([]uint32, steps)
	// All keys into one partition: any will do.
	fresh := plain.partitions[7].enter(keys, order)
	require.Len(t, winners, fresh)
	for _, step := range order[:fresh] {
		assert.True(t, winners[step])
	}
	for i := range order {
		order[i] = uint32(i)
	}
	numbered.partitions[7].enterNumbered(keys, order, numbers, 1000)
	for i, number := range numbers {
		require.GreaterOrEqual(t, number, uint32(maxNumbered))
		winner := number - maxNumbered - 1000
		require.True(t, winners[winner])
		require.Equal(t, keys[i], keys[winner])
	}
	assert.Zero(t, plain.partitions[7].enter(keys, order))
}

func TestOrigins(t *testing.T) {
	var o origins
	o.extend(3)
	o.extend(2 * originPage)
	last := uint32(o.count - 1)
	o.set(0, 0, 0)
	for number := uint32(1); number <= last; number++ {
		o.set(number, number/2, int(number%7))
	}
	way := o.way(last)
	assert.Equal(t, uint32(0), way[0])
	assert.Equal(t, last, way[len(way)-1])
	for i := 1; i < len(way); i++ {
		assert.Equal(t, way[i-1], way[i]/2)
	}
	parent, ordinal := o.of(last)
	assert.Equal(t, last/2, parent)
	assert.Equal(t, int(last%7), ordinal)
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
