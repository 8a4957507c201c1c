// DER of Kerberos messages: a SEQUENCE of fields, each in an explicit context tag, in an
// application tag. RFC 4120 section 5 and appendix A.

package gssapi

import (
	"encoding/binary"
	"math"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Application tags, which are also message types for those that travel.
const (
	appTicket        = 1
	appAuthenticator = 2
	appEncTicketPart = 3
	appAPReq         = 14
	appAPRep         = 15
	appEncAPRepPart  = 27
	appKRBError      = 30
)

const protocolVersion = 5

func applicationTag(n uint8) asn1.Tag { return asn1.Tag(0x60 | n) }

func contextTag(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// encrypted is EncryptedData. version is 0 where it is left out.
type encrypted struct {
	etype   int32
	version uint32
	sealed  []byte
}

// fields reads a SEQUENCE field by field and remembers the first that is wrong. What it
// returns lies in the message; text and numbers are copies.
type fields struct {
	rest    cryptobyte.String
	message string // for errors
	err     error
}

// openMessage reads the application tag, which must be all that b is, and its SEQUENCE.
func openMessage(b []byte, app uint8, message string) fields {
	s := cryptobyte.String(b)
	var inner cryptobyte.String
	f := fields{message: message}
	if !s.ReadASN1(&inner, applicationTag(app)) || !s.Empty() {
		f.err = malformed(message, "its frame")
		return f
	}
	return openSequence(inner, message)
}

// openSequence reads a SEQUENCE that must be all that b is.
func openSequence(s cryptobyte.String, message string) fields {
	f := fields{message: message}
	if !s.ReadASN1(&f.rest, asn1.SEQUENCE) || !s.Empty() {
		f.err = malformed(message, "its sequence")
	}
	return f
}

func (f *fields) fail(part string) {
	if f.err == nil {
		f.err = malformed(f.message, part)
	}
	f.rest = nil
}

// end returns the first failure, or that something follows the last field.
func (f *fields) end() error {
	if f.err == nil && !f.rest.Empty() {
		f.fail("what follows its last field")
	}
	return f.err
}

// has says whether the next field is n.
func (f *fields) has(n uint8) bool { return f.err == nil && f.rest.PeekASN1Tag(contextTag(n)) }

// raw takes field n.
func (f *fields) raw(n uint8, part string) (s cryptobyte.String) {
	if f.err != nil || !f.rest.ReadASN1(&s, contextTag(n)) {
		f.fail(part)
		return nil
	}
	return s
}

func (f *fields) integer(n uint8, part string) (v int64) {
	s := f.raw(n, part)
	if f.err == nil && (!s.ReadASN1Integer(&v) || !s.Empty()) {
		f.fail(part)
		return 0
	}
	return v
}

// int32 is Int32 of RFC 4120.
func (f *fields) int32(n uint8, part string) int32 {
	v := f.integer(n, part)
	if v < math.MinInt32 || v > math.MaxInt32 {
		f.fail(part)
		return 0
	}
	return int32(v)
}

// uint32 is UInt32 of RFC 4120, and the negative number that some write instead of one
// whose highest bit is set.
func (f *fields) uint32(n uint8, part string) uint32 {
	v := f.integer(n, part)
	if v < math.MinInt32 || v > math.MaxUint32 {
		f.fail(part)
		return 0
	}
	return uint32(v)
}

// number takes field n, which is always the same.
func (f *fields) number(n uint8, want int64, part string) {
	if f.integer(n, part) != want {
		f.fail(part)
	}
}

func (f *fields) octets(n uint8, part string) (b []byte) {
	s := f.raw(n, part)
	if f.err == nil && (!s.ReadASN1Bytes(&b, asn1.OCTET_STRING) || !s.Empty()) {
		f.fail(part)
		return nil
	}
	return b
}

// flags is KerberosFlags: the first 32 bits, the first of them highest.
func (f *fields) flags(n uint8, part string) uint32 {
	s := f.raw(n, part)
	var b []byte
	if f.err == nil && (!s.ReadASN1BitStringAsBytes(&b) || !s.Empty() || len(b) < 4) {
		f.fail(part)
		return 0
	}
	if f.err != nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func (f *fields) time(n uint8, part string) (t time.Time) {
	s := f.raw(n, part)
	if f.err == nil && (!s.ReadASN1GeneralizedTime(&t) || !s.Empty()) {
		f.fail(part)
		return time.Time{}
	}
	return t
}

// moment is a time and, in the field named next, its microseconds.
func (f *fields) moment(seconds, micros uint8, microsFirst bool, part string) time.Time {
	var us int64
	if microsFirst {
		us = f.integer(micros, part)
	}
	t := f.time(seconds, part)
	if !microsFirst {
		us = f.integer(micros, part)
	}
	if us < 0 || us >= 1e6 {
		f.fail(part)
		return time.Time{}
	}
	return t.Add(time.Duration(us) * time.Microsecond)
}

// text is a KerberosString of a name: valid, and short enough to be one.
func (f *fields) text(n uint8, part string) string {
	s := f.raw(n, part)
	var b []byte
	if f.err == nil && (!s.ReadASN1Bytes(&b, asn1.GeneralString) || !s.Empty()) {
		f.fail(part)
		return ""
	}
	return string(b)
}

// principal is a PrincipalName with its realm read already.
func (f *fields) principal(n uint8, realm, part string) Principal {
	s := f.raw(n, part)
	if f.err != nil {
		return Principal{}
	}
	p, ok := parseName(s, realm)
	if !ok {
		f.fail(part)
		return Principal{}
	}
	return p
}

// parseName reads a PrincipalName that must be all that s is.
func parseName(s cryptobyte.String, realm string) (Principal, bool) {
	inner := openSequence(s, "name")
	inner.int32(0, "type")
	list := inner.raw(1, "components")
	var names cryptobyte.String
	if inner.end() != nil || !list.ReadASN1(&names, asn1.SEQUENCE) || !list.Empty() {
		return Principal{}, false
	}
	p := Principal{Realm: realm, Components: make([]string, 0, 2)}
	for !names.Empty() {
		var b []byte
		if len(p.Components) == maxComponents || !names.ReadASN1Bytes(&b, asn1.GeneralString) {
			return Principal{}, false
		}
		p.Components = append(p.Components, string(b))
	}
	return p, p.valid()
}

func (f *fields) encrypted(n uint8, part string) (e encrypted) {
	s := f.raw(n, part)
	if f.err != nil {
		return e
	}
	inner := openSequence(s, f.message)
	e.etype = inner.int32(0, part)
	if inner.has(1) {
		e.version = inner.uint32(1, part)
	}
	e.sealed = inner.octets(2, part)
	if inner.end() != nil {
		f.fail(part)
		return encrypted{}
	}
	return e
}

// key is EncryptionKey; one of another type than ours is an error of its own.
func (f *fields) key(n uint8, part string) Key {
	s := f.raw(n, part)
	if f.err != nil {
		return Key{}
	}
	inner := openSequence(s, f.message)
	id := inner.int32(0, part)
	value := inner.octets(1, part)
	if inner.end() != nil {
		f.fail(part)
		return Key{}
	}
	k, err := NewKey(id, value)
	if err != nil {
		f.err, f.rest = err, nil
		return Key{}
	}
	return k
}

// Writing. A Builder's failure is a length that does not fit, which its Bytes reports.

// message writes the application tag and SEQUENCE around what write adds.
func message(app uint8, size int, write func(b *cryptobyte.Builder)) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, size))
	b.AddASN1(applicationTag(app), func(b *cryptobyte.Builder) { b.AddASN1(asn1.SEQUENCE, write) })
	return b.Bytes()
}

func addField(b *cryptobyte.Builder, n uint8, write func(b *cryptobyte.Builder)) {
	b.AddASN1(contextTag(n), write)
}

func addInteger(b *cryptobyte.Builder, n uint8, v int64) {
	addField(b, n, func(b *cryptobyte.Builder) { b.AddASN1Int64(v) })
}

func addOctets(b *cryptobyte.Builder, n uint8, v []byte) {
	addField(b, n, func(b *cryptobyte.Builder) { b.AddASN1OctetString(v) })
}

func addFlags(b *cryptobyte.Builder, n uint8, v uint32) {
	addField(b, n, func(b *cryptobyte.Builder) {
		b.AddASN1BitString([]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	})
}

func addTime(b *cryptobyte.Builder, n uint8, t time.Time) {
	addField(b, n, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(t.UTC()) })
}

func addText(b *cryptobyte.Builder, n uint8, text string) {
	addField(b, n, func(b *cryptobyte.Builder) { addGeneralString(b, text) })
}

func addGeneralString(b *cryptobyte.Builder, text string) {
	b.AddASN1(asn1.GeneralString, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
}

func addPrincipal(b *cryptobyte.Builder, n uint8, nameType int64, p Principal) {
	addField(b, n, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addInteger(b, 0, nameType)
			addField(b, 1, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					for _, c := range p.Components {
						addGeneralString(b, c)
					}
				})
			})
		})
	})
}

func addEncrypted(b *cryptobyte.Builder, n uint8, e encrypted) {
	addField(b, n, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addInteger(b, 0, int64(e.etype))
			if e.version != 0 {
				addInteger(b, 1, int64(e.version))
			}
			addOctets(b, 2, e.sealed)
		})
	})
}

func addKey(b *cryptobyte.Builder, n uint8, k Key) {
	addField(b, n, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addInteger(b, 0, int64(k.etype))
			addOctets(b, 1, k.value)
		})
	})
}

// microseconds are what a time has beyond its second.
func microseconds(t time.Time) int64 { return t.UnixMicro() - t.Unix()*1e6 }
