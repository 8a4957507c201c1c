// Stored keys, the hash that picks a partition, and the clock of expiry.
// Upstream src/base/pegasus_key_schema.h, src/utils/crc.cpp, src/base/pegasus_utils.h.

package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"time"
)

// MaxHashKeyBytes is the longest hash key that a stored key can hold.
const MaxHashKeyBytes = 1<<16 - 2

// Errors of keys, for errors.Is.
var (
	// ErrHashKeyTooLong refuses a hash key longer than MaxHashKeyBytes.
	ErrHashKeyTooLong = errors.New("hash key is longer than 65534 bytes")
	// ErrMalformedKey refuses bytes that are no stored key.
	ErrMalformedKey = errors.New("stored key is shorter than the length that it begins with")
)

// AppendKey appends the stored key: length of the hash key (16 bits, big-endian), hash
// key, sort key. It fails with ErrHashKeyTooLong.
func AppendKey(dst, hashKey, sortKey []byte) ([]byte, error) {
	if len(hashKey) > MaxHashKeyBytes {
		return dst, fmt.Errorf("encode key: %w: it has %d; use a shorter one", ErrHashKeyTooLong, len(hashKey))
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(hashKey)))
	dst = append(dst, hashKey...)
	return append(dst, sortKey...), nil
}

// ParseKey takes a stored key apart; both results alias key. It fails with ErrMalformedKey.
func ParseKey(key []byte) (hashKey, sortKey []byte, err error) {
	if len(key) < 2 {
		return nil, nil, fmt.Errorf("decode key of %d bytes: %w", len(key), ErrMalformedKey)
	}
	n := int(binary.BigEndian.Uint16(key))
	if n > MaxHashKeyBytes || 2+n > len(key) {
		return nil, nil, fmt.Errorf("decode key of %d bytes whose hash key has %d: %w", len(key), n, ErrMalformedKey)
	}
	return key[2 : 2+n : 2+n], key[2+n:], nil
}

// AppendNextKey appends the first stored key behind every key of hashKey whose sort key
// begins with sortPrefix: an exclusive upper bound for ranges. It appends nothing where
// every byte is 0xff and no such key exists. It fails with ErrHashKeyTooLong.
func AppendNextKey(dst, hashKey, sortPrefix []byte) ([]byte, error) {
	start := len(dst)
	dst, err := AppendKey(dst, hashKey, sortPrefix)
	if err != nil {
		return dst, err
	}
	for i := len(dst) - 1; i >= start; i-- {
		if dst[i] != 0xff {
			dst[i]++
			return dst[:i+1], nil
		}
	}
	return dst[:start], nil
}

// crcTable is for the reflected polynomial of upstream; nothing writes it.
var crcTable = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// CRC64 is upstream's: reflected, all ones in and out.
func CRC64(data []byte) uint64 { return crc64.Checksum(data, crcTable) }

// PartitionHash returns the hash that picks a partition: of the hash key, or of the sort
// key where the hash key is empty.
func PartitionHash(hashKey, sortKey []byte) uint64 {
	if len(hashKey) == 0 {
		return CRC64(sortKey)
	}
	return CRC64(hashKey)
}

// KeyHash is PartitionHash of a stored key. It fails with ErrMalformedKey.
func KeyHash(key []byte) (uint64, error) {
	hashKey, sortKey, err := ParseKey(key)
	if err != nil {
		return 0, err
	}
	return PartitionHash(hashKey, sortKey), nil
}

// PartitionIndex returns the partition of a hash in a table of count partitions; -1
// where count is not positive.
func PartitionIndex(hash uint64, count int32) int32 {
	if count <= 0 {
		return -1
	}
	return int32(hash % uint64(count))
}

// epochUnix is 2016-01-01T00:00:00Z, from which expiry is counted, in Unix seconds.
const epochUnix = 1451606400

// EpochSeconds converts an instant to what expire_ts_seconds carries: whole seconds
// since 2016, at least 1 (0 means never) and at most what 32 bits hold.
func EpochSeconds(t time.Time) int32 {
	return int32(min(max(t.Unix()-epochUnix, 1), 1<<31-1))
}

// EpochTime is the inverse of EpochSeconds, in UTC.
func EpochTime(seconds int32) time.Time { return time.Unix(epochUnix+int64(seconds), 0).UTC() }

// ExpireTS returns the expire_ts_seconds of a record written at now that is to live for
// ttl, in whole seconds rounded up; 0, never, where ttl is not positive.
func ExpireTS(now time.Time, ttl time.Duration) int32 {
	if ttl <= 0 {
		return 0
	}
	seconds := int64(ttl / time.Second)
	if ttl%time.Second != 0 {
		seconds++
	}
	return int32(min(max(now.Unix()-epochUnix, 0)+seconds, 1<<31-1))
}

// Expired says that a record with this expire_ts_seconds reads as absent at now.
func Expired(expireTS int32, now time.Time) bool {
	return expireTS > 0 && int64(expireTS) <= now.Unix()-epochUnix
}

// RemainingTTL returns what ttl answers for a record that has not expired: seconds
// left, or -1 where it never expires.
func RemainingTTL(expireTS int32, now time.Time) int32 {
	if expireTS <= 0 {
		return -1
	}
	return int32(min(max(int64(expireTS)-(now.Unix()-epochUnix), 0), 1<<31-1))
}
