// Addresses and partition ids as they travel: each in the place of a struct.

package protocol

import (
	"encoding/binary"
	"net/netip"
)

// GPID names one partition of one table.
type GPID struct {
	AppID int32
	Index int32
}

// Pack returns what travels: partition index in the upper half, table in the lower.
func (g GPID) Pack() int64 { return int64(g.Index)<<32 | int64(uint32(g.AppID)) }

// UnpackGPID is the inverse of GPID.Pack.
func UnpackGPID(v int64) GPID { return GPID{AppID: int32(v), Index: int32(v >> 32)} }

// Kinds of an rpc_address and of a host_port.
const (
	addressInvalid = 0
	addressIPv4    = 1
)

// PackAddress returns what travels for an address: IPv4 address, port, kind. What has no
// such form becomes the invalid address, which says "none".
func PackAddress(a netip.AddrPort) int64 {
	ip := a.Addr().Unmap()
	if !ip.Is4() {
		return addressInvalid
	}
	b := ip.As4()
	return int64(uint64(binary.BigEndian.Uint32(b[:]))<<32 | uint64(a.Port())<<16 | addressIPv4)
}

// UnpackAddress is the inverse of PackAddress; the zero AddrPort is "none". ok is false
// for a kind of address that cannot be dialled.
func UnpackAddress(v int64) (a netip.AddrPort, ok bool) {
	switch uint16(v) {
	case addressInvalid:
		return netip.AddrPort{}, true
	case addressIPv4:
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(uint64(v)>>32))
		return netip.AddrPortFrom(netip.AddrFrom4(b), uint16(uint64(v)>>16)), true
	}
	return netip.AddrPort{}, false
}

// appendHostPort writes the host_port of an address: its text, port and kind.
func appendHostPort(dst []byte, a netip.AddrPort) []byte {
	if !a.Addr().Unmap().Is4() {
		dst = appendI32(dst, 0)
		return append(dst, 0, 0, addressInvalid)
	}
	lengthAt := len(dst)
	dst = appendI32(dst, 0)
	dst = a.Addr().Unmap().AppendTo(dst)
	binary.BigEndian.PutUint32(dst[lengthAt:], uint32(len(dst)-lengthAt-4))
	dst = binary.BigEndian.AppendUint16(dst, a.Port())
	return append(dst, addressIPv4)
}

func (r *reader) skipHostPort() {
	r.bytes()
	r.take(3)
}

// address reads one rpc_address.
func (r *reader) address() netip.AddrPort {
	a, ok := UnpackAddress(r.i64())
	if !ok {
		r.fail(BodyBadValue)
	}
	return a
}
