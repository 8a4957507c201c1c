// The fingerprint of a state: 64 bits, the same in every process and on every machine.

package check

import (
	"encoding/binary"
	"math/bits"
)

// Odd constants with about as many ones as zeroes: the leading fractional bits of the
// square roots of 2, 3, 5 and 7.
const (
	hashKeyA = 0x6a09e667f3bcc909
	hashKeyB = 0xbb67ae8584caa73b
	hashKeyC = 0x3c6ef372fe94f82b
	hashKeyD = 0xa54ff53a5f1d36f1
)

// Fingerprint hashes a canonical state. It multiplies 64 by 64 bits and folds the
// product, sixteen bytes at a time. It is not meant against an adversary.
func Fingerprint(key []byte) uint64 {
	h := uint64(len(key)) * hashKeyD
	for len(key) >= 16 {
		a := binary.LittleEndian.Uint64(key)
		b := binary.LittleEndian.Uint64(key[8:])
		h = fold(a^h^hashKeyA, b^hashKeyB) ^ bits.RotateLeft64(h, 27)
		key = key[16:]
	}
	if len(key) > 0 {
		a, b := tail(key)
		h = fold(a^h^hashKeyB, b^hashKeyC) ^ bits.RotateLeft64(h, 31)
	}
	return fold(h^hashKeyA, hashKeyD)
}

// tail reads one to fifteen bytes as two words. The words may overlap: the
// length of the key is part of the hash already.
func tail(key []byte) (a, b uint64) {
	n := len(key)
	switch {
	case n >= 8:
		return binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(key)), uint64(binary.LittleEndian.Uint32(key[n-4:]))
	}
	return uint64(key[0]), uint64(key[n/2])<<8 | uint64(key[n-1])
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
