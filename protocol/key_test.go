// Stored keys, partition hash and expiry.

package protocol_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
)

func TestKeysRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hashKey, sortKey := drawBytes(t, "hash key"), drawBytes(t, "sort key")
		key, err := protocol.AppendKey([]byte("x"), hashKey, sortKey)
		require.NoError(t, err)
		require.Len(t, key, 1+2+len(hashKey)+len(sortKey))
		gotHash, gotSort, err := protocol.ParseKey(key[1:])
		require.NoError(t, err)
		assert.Equal(t, hashKey, gotHash)
		assert.Equal(t, sortKey, gotSort)
		hash, err := protocol.KeyHash(key[1:])
		require.NoError(t, err)
		assert.Equal(t, protocol.PartitionHash(hashKey, sortKey), hash)
	})
}

func TestKeyOnTheWire(t *testing.T) {
	key, err := protocol.AppendKey(nil, []byte("hash"), []byte("sort"))
	require.NoError(t, err)
	assert.Equal(t, unhex(t, "0004 'hash' 'sort'"), key)
}

func TestKeyLimits(t *testing.T) {
	key, err := protocol.AppendKey(nil, make([]byte, protocol.MaxHashKeyBytes), []byte("s"))
	require.NoError(t, err)
	hashKey, sortKey, err := protocol.ParseKey(key)
	require.NoError(t, err)
	assert.Len(t, hashKey, protocol.MaxHashKeyBytes)
	assert.Equal(t, "s", string(sortKey))

	_, err = protocol.AppendKey(nil, make([]byte, protocol.MaxHashKeyBytes+1), nil)
	assert.ErrorIs(t, err, protocol.ErrHashKeyTooLong)
	_, err = protocol.AppendNextKey(nil, make([]byte, protocol.MaxHashKeyBytes+1), nil)
	assert.ErrorIs(t, err, protocol.ErrHashKeyTooLong)

	for _, bad := range [][]byte{nil, {0}, {0, 1}, {0, 3, 'a', 'b'}, append([]byte{0xff, 0xff}, make([]byte, 0xffff)...)} {
		_, _, err := protocol.ParseKey(bad)
		assert.ErrorIs(t, err, protocol.ErrMalformedKey)
		_, err = protocol.KeyHash(bad)
		assert.ErrorIs(t, err, protocol.ErrMalformedKey)
	}
}

func TestNextKey(t *testing.T) {
	for _, c := range []struct{ hashKey, sortPrefix, want string }{
		{"'a'", "", "0001 'b'"},
		{"'a'", "'xy'", "0001 'a' 'xz'"},
		{"'a'", "61ff", "0001 'a' 62"},
		{"61ff", "", "0002 62"},
		{"ffff", "ff", "0003"},
	} {
		got, err := protocol.AppendNextKey([]byte("p"), unhex(t, c.hashKey), unhex(t, c.sortPrefix))
		require.NoError(t, err)
		assert.Equal(t, append([]byte("p"), unhex(t, c.want)...), got)
	}
}

// TestNextKeyBoundsTheRange: it is above every key with the prefix, and no key without
// it lies between.
func TestNextKeyBoundsTheRange(t *testing.T) {
	few := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x61, 0xfe, 0xff}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		hashKey, prefix, rest := few.Draw(t, "hash key"), few.Draw(t, "prefix"), few.Draw(t, "rest")
		next, err := protocol.AppendNextKey(nil, hashKey, prefix)
		require.NoError(t, err)
		first, err := protocol.AppendKey(nil, hashKey, prefix)
		require.NoError(t, err)
		inside := append(bytes.Clone(first), rest...)
		assert.Negative(t, bytes.Compare(inside, next))

		otherHash, otherSort := few.Draw(t, "other hash key"), few.Draw(t, "other sort key")
		other, err := protocol.AppendKey(nil, otherHash, otherSort)
		require.NoError(t, err)
		if bytes.Compare(other, first) >= 0 && bytes.Compare(other, next) < 0 {
			assert.True(t, bytes.HasPrefix(other, first), "%x lies between %x and %x", other, first, next)
		}
	})
}

// bitwiseCRC is the checksum by its definition, a bit at a time.
func bitwiseCRC(data []byte) uint64 {
	crc := ^uint64(0)
	for _, b := range data {
		crc ^= uint64(b)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x9a6c9329ac4bc9b5
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}

func TestCRC64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		assert.Equal(t, bitwiseCRC(data), protocol.CRC64(data))
	})
	assert.Zero(t, protocol.CRC64(nil))
}

func TestPartitionHashAndIndex(t *testing.T) {
	h := protocol.CRC64([]byte("hash"))
	assert.Equal(t, h, protocol.PartitionHash([]byte("hash"), []byte("sort")))
	assert.Equal(t, protocol.CRC64([]byte("sort")), protocol.PartitionHash(nil, []byte("sort")), "an empty hash key leaves the sort key")
	assert.Equal(t, int32(math.MaxUint64%8), protocol.PartitionIndex(math.MaxUint64, 8))
	assert.Equal(t, int32(6), protocol.PartitionIndex(math.MaxUint64-1, 8))
	assert.Equal(t, int32(0), protocol.PartitionIndex(math.MaxUint64, 3))
	assert.Equal(t, int32(-1), protocol.PartitionIndex(h, 0))
	assert.Equal(t, int32(-1), protocol.PartitionIndex(h, -8))
}

func TestExpiry(t *testing.T) {
	epoch := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	now := epoch.Add(1000*time.Second + 700*time.Millisecond)
	assert.Equal(t, int32(1000), protocol.EpochSeconds(now))
	assert.Equal(t, epoch.Add(1000*time.Second), protocol.EpochTime(1000))
	assert.Equal(t, int32(1), protocol.EpochSeconds(epoch.Add(-time.Hour)), "0 would mean never")
	assert.Equal(t, int32(math.MaxInt32), protocol.EpochSeconds(epoch.AddDate(200, 0, 0)))

	assert.Equal(t, int32(0), protocol.ExpireTS(now, 0))
	assert.Equal(t, int32(0), protocol.ExpireTS(now, -time.Second))
	assert.Equal(t, int32(1005), protocol.ExpireTS(now, 5*time.Second))
	assert.Equal(t, int32(1006), protocol.ExpireTS(now, 5*time.Second+1))
	assert.Equal(t, int32(math.MaxInt32), protocol.ExpireTS(now, math.MaxInt64))
	assert.Equal(t, int32(5), protocol.ExpireTS(epoch.Add(-time.Hour), 5*time.Second))

	assert.False(t, protocol.Expired(0, now), "never")
	assert.False(t, protocol.Expired(1001, now))
	assert.True(t, protocol.Expired(1000, now))
	assert.True(t, protocol.Expired(1, now))

	assert.Equal(t, int32(-1), protocol.RemainingTTL(0, now))
	assert.Equal(t, int32(5), protocol.RemainingTTL(1005, now))
	assert.Equal(t, int32(0), protocol.RemainingTTL(900, now))
}
