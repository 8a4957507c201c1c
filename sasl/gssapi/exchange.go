// The messages of the AP exchange: AP-REQ with its authenticator, AP-REP with its encrypted
// part (RFC 4120 section 5.5), and the checksum that carries GSS-API's flags (RFC 4121
// section 4.1.1).

package gssapi

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// AP options.
const (
	optionUseSessionKey = 1 << (31 - 1)
	optionMutual        = 1 << (31 - 2)
)

// GSS-API's flags of a context: RFC 4121 section 4.1.1.1.
const (
	flagMutual   = 2
	flagReplay   = 4
	flagSequence = 8
	flagInteg    = 32
)

const (
	checksumGSS      = 0x8003
	bindingBytes     = 16
	checksumGSSBytes = 4 + bindingBytes + 4
)

// apReq is AP-REQ. ticket is the Ticket's DER.
type apReq struct {
	options       uint32
	ticket        []byte
	authenticator encrypted
}

func parseAPReq(b []byte) (r apReq, err error) {
	f := openMessage(b, appAPReq, "AP-REQ")
	f.number(0, protocolVersion, "version")
	f.number(1, appAPReq, "message type")
	r.options = f.flags(2, "options")
	r.ticket = f.raw(3, "ticket")
	r.authenticator = f.encrypted(4, "authenticator")
	return r, f.end()
}

func (r apReq) marshal() ([]byte, error) {
	return message(appAPReq, len(r.ticket)+len(r.authenticator.sealed)+64, func(b *cryptobyte.Builder) {
		addInteger(b, 0, protocolVersion)
		addInteger(b, 1, appAPReq)
		addFlags(b, 2, r.options)
		addField(b, 3, func(b *cryptobyte.Builder) { b.AddBytes(r.ticket) })
		addEncrypted(b, 4, r.authenticator)
	})
}

// authenticator is Authenticator. gssFlags are those of its checksum.
type authenticator struct {
	client   Principal
	gssFlags uint32
	time     time.Time // in microseconds
	subkey   Key       // not set: none
	sequence uint32    // 0 also where it is left out
	critical bool
}

func parseAuthenticator(b []byte) (a authenticator, err error) {
	f := openMessage(b, appAuthenticator, "authenticator")
	f.number(0, protocolVersion, "version")
	realm := f.text(1, "client's realm")
	a.client = f.principal(2, realm, "client")
	a.gssFlags = f.gssChecksum(3)
	a.time = f.moment(5, 4, true, "client's time")
	if f.has(6) {
		a.subkey = f.key(6, "subkey")
	}
	if f.has(7) {
		a.sequence = f.uint32(7, "sequence number")
	}
	if f.has(8) {
		a.critical = f.restrictions(8, "authorization data")
	}
	return a, f.end()
}

func (a authenticator) marshal() ([]byte, error) {
	return message(appAuthenticator, 384, func(b *cryptobyte.Builder) {
		addInteger(b, 0, protocolVersion)
		addText(b, 1, a.client.Realm)
		addPrincipal(b, 2, nameTypePrincipal, a.client)
		addField(b, 3, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addInteger(b, 0, checksumGSS)
				var sum [checksumGSSBytes]byte // no channel is bound, nothing is delegated
				binary.LittleEndian.PutUint32(sum[:], bindingBytes)
				binary.LittleEndian.PutUint32(sum[4+bindingBytes:], a.gssFlags)
				addOctets(b, 1, sum[:])
			})
		})
		addInteger(b, 4, microseconds(a.time))
		addTime(b, 5, a.time)
		if a.subkey.isSet() {
			addKey(b, 6, a.subkey)
		}
		addInteger(b, 7, int64(a.sequence))
	})
}

// gssChecksum takes the flags out of the checksum. Bindings of the initiator's are no
// concern of an acceptor without any; a delegated credential that follows is not wanted.
func (f *fields) gssChecksum(n uint8) uint32 {
	const part = "GSS-API's checksum"
	s := f.raw(n, part)
	if f.err != nil {
		return 0
	}
	inner := openSequence(s, f.message)
	kind := inner.int32(0, part)
	sum := inner.octets(1, part)
	switch {
	case inner.end() != nil,
		len(sum) < checksumGSSBytes, binary.LittleEndian.Uint32(sum) != bindingBytes:
		f.fail(part)
		return 0
	case kind != checksumGSS:
		f.err, f.rest = fmt.Errorf("%w: the authenticator's checksum is of type %d, not GSS-API's: the peer speaks Kerberos but not GSS-API", ErrToken, kind), nil
		return 0
	}
	return binary.LittleEndian.Uint32(sum[4+bindingBytes:])
}

// apRep is the encrypted part of AP-REP.
type apRep struct {
	time     time.Time // of the authenticator that it answers
	subkey   Key       // not set: none
	sequence uint32
}

// parseAPRep returns what AP-REP has encrypted.
func parseAPRep(b []byte) (e encrypted, err error) {
	f := openMessage(b, appAPRep, "AP-REP")
	f.number(0, protocolVersion, "version")
	f.number(1, appAPRep, "message type")
	e = f.encrypted(2, "encrypted part")
	return e, f.end()
}

func marshalAPRep(e encrypted) ([]byte, error) {
	return message(appAPRep, len(e.sealed)+64, func(b *cryptobyte.Builder) {
		addInteger(b, 0, protocolVersion)
		addInteger(b, 1, appAPRep)
		addEncrypted(b, 2, e)
	})
}

func parseAPRepPart(b []byte) (r apRep, err error) {
	f := openMessage(b, appEncAPRepPart, "encrypted part of AP-REP")
	r.time = f.moment(0, 1, false, "client's time")
	if f.has(2) {
		r.subkey = f.key(2, "subkey")
	}
	if f.has(3) {
		r.sequence = f.uint32(3, "sequence number")
	}
	return r, f.end()
}

func (r apRep) marshal() ([]byte, error) {
	return message(appEncAPRepPart, 128, func(b *cryptobyte.Builder) {
		addTime(b, 0, r.time)
		addInteger(b, 1, microseconds(r.time))
		if r.subkey.isSet() {
			addKey(b, 2, r.subkey)
		}
		addInteger(b, 3, int64(r.sequence))
	})
}
