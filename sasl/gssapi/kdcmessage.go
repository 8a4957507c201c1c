// The messages between a client and a KDC: KDC-REQ, KDC-REP with its encrypted part, and
// what pre-authentication needs. RFC 4120 sections 5.2.7 and 5.4.

package gssapi

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const (
	appASReq         = 10
	appASRep         = 11
	appTGSReq        = 12
	appTGSRep        = 13
	appEncASRepPart  = 25
	appEncTGSRepPart = 26
)

// Types of pre-authentication data: RFC 4120 section 7.5.2.
const (
	paTGSReq     = 1
	paTimestamp  = 2
	paETypeInfo2 = 19
)

// Options of a KDC-REQ, the first bit highest.
const (
	kdcRenewable   = 1 << (31 - 8)
	kdcRenewableOK = 1 << (31 - 27)
	kdcRenew       = 1 << (31 - 30)
)

const ticketRenewable = 1 << (31 - 8)

const (
	maxPreauth = 32 // elements of pre-authentication data that are looked at
	maxETypes  = 64
)

// preauth is PA-DATA.
type preauth struct {
	kind  int32
	value []byte
}

// kdcRequest is KDC-REQ. body is what was read, or is to be written, of its body.
type kdcRequest struct {
	kind       uint8 // appASReq or appTGSReq
	preauths   []preauth
	body       []byte
	options    uint32
	client     Principal // without components: left out
	realm      string
	service    Principal
	till       time.Time
	renewTill  time.Time // zero: left out
	nonce      uint32
	etypes     []int32
	additional bool // asks for what is not offered here
}

func parseKDCRequest(b []byte) (r kdcRequest, err error) {
	r.kind = appASReq
	if s := cryptobyte.String(b); s.PeekASN1Tag(applicationTag(appTGSReq)) {
		r.kind = appTGSReq
	}
	f := openMessage(b, r.kind, "KDC-REQ")
	f.number(1, protocolVersion, "version")
	f.number(2, int64(r.kind), "message type")
	if f.has(3) {
		r.preauths = f.preauths(3, "pre-authentication data")
	}
	r.body = f.raw(4, "body")
	if err := f.end(); err != nil {
		return r, err
	}
	return r, r.readBody()
}

func (r *kdcRequest) readBody() error {
	f := openSequence(r.body, "body of KDC-REQ")
	r.options = f.flags(0, "options")
	var client cryptobyte.String
	if f.has(1) {
		client = f.raw(1, "client")
	}
	r.realm = f.text(2, "realm")
	if client != nil { // its realm comes after it
		var ok bool
		if r.client, ok = parseName(client, r.realm); !ok {
			f.fail("client")
		}
	}
	if f.has(3) {
		r.service = f.principal(3, r.realm, "service")
	}
	if f.has(4) {
		f.time(4, "start")
	}
	r.till = f.time(5, "end")
	if f.has(6) {
		r.renewTill = f.time(6, "limit of renewal")
	}
	r.nonce = f.uint32(7, "nonce")
	r.etypes = f.numbers(8, "encryption types")
	if f.has(9) {
		f.raw(9, "addresses")
	}
	for n := uint8(10); n <= 11; n++ {
		if f.has(n) {
			f.raw(n, "additional tickets")
			r.additional = true
		}
	}
	return f.end()
}

// marshalBody writes the body, which a TGS exchange protects before it is sent.
func (r *kdcRequest) marshalBody() error {
	b := cryptobyte.NewBuilder(make([]byte, 0, 256))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addFlags(b, 0, r.options)
		if len(r.client.Components) > 0 {
			addPrincipal(b, 1, nameTypePrincipal, r.client)
		}
		addText(b, 2, r.realm)
		addPrincipal(b, 3, nameTypeService, r.service)
		addTime(b, 5, r.till)
		if !r.renewTill.IsZero() {
			addTime(b, 6, r.renewTill)
		}
		addInteger(b, 7, int64(r.nonce))
		addField(b, 8, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, e := range r.etypes {
					b.AddASN1Int64(int64(e))
				}
			})
		})
	})
	var err error
	r.body, err = b.Bytes()
	return err
}

func (r *kdcRequest) marshal() ([]byte, error) {
	return message(r.kind, len(r.body)+1024, func(b *cryptobyte.Builder) {
		addInteger(b, 1, protocolVersion)
		addInteger(b, 2, int64(r.kind))
		if len(r.preauths) > 0 {
			addPreauths(b, 3, r.preauths)
		}
		addField(b, 4, func(b *cryptobyte.Builder) { b.AddBytes(r.body) })
	})
}

// kdcReply is KDC-REP. ticket is the Ticket's DER.
type kdcReply struct {
	kind     uint8 // appASRep or appTGSRep
	preauths []preauth
	client   Principal
	ticket   []byte
	part     encrypted
}

func parseKDCReply(kind uint8, b []byte) (r kdcReply, err error) {
	r.kind = kind
	f := openMessage(b, kind, "KDC-REP")
	f.number(0, protocolVersion, "version")
	f.number(1, int64(kind), "message type")
	if f.has(2) {
		r.preauths = f.preauths(2, "pre-authentication data")
	}
	realm := f.text(3, "client's realm")
	r.client = f.principal(4, realm, "client")
	r.ticket = f.raw(5, "ticket")
	r.part = f.encrypted(6, "encrypted part")
	return r, f.end()
}

func (r *kdcReply) marshal() ([]byte, error) {
	return message(r.kind, len(r.ticket)+len(r.part.sealed)+256, func(b *cryptobyte.Builder) {
		addInteger(b, 0, protocolVersion)
		addInteger(b, 1, int64(r.kind))
		if len(r.preauths) > 0 {
			addPreauths(b, 2, r.preauths)
		}
		addText(b, 3, r.client.Realm)
		addPrincipal(b, 4, nameTypePrincipal, r.client)
		addField(b, 5, func(b *cryptobyte.Builder) { b.AddBytes(r.ticket) })
		addEncrypted(b, 6, r.part)
	})
}

// kdcReplyPart is EncKDCRepPart.
type kdcReplyPart struct {
	key       Key
	nonce     uint32
	flags     uint32
	authTime  time.Time
	start     time.Time
	end       time.Time
	renewTill time.Time
	service   Principal
}

// parseKDCReplyPart takes either tag: some KDCs write that of a TGS reply into an AS reply
// (RFC 4120 section 5.4.2).
func parseKDCReplyPart(b []byte) (p kdcReplyPart, err error) {
	tag := uint8(appEncASRepPart)
	if s := cryptobyte.String(b); s.PeekASN1Tag(applicationTag(appEncTGSRepPart)) {
		tag = appEncTGSRepPart
	}
	f := openMessage(b, tag, "encrypted part of KDC-REP")
	p.key = f.key(0, "session key")
	f.raw(1, "last requests")
	p.nonce = f.uint32(2, "nonce")
	if f.has(3) {
		f.time(3, "expiration of the key")
	}
	p.flags = f.flags(4, "flags")
	p.authTime = f.time(5, "time of authentication")
	p.start = p.authTime
	if f.has(6) {
		p.start = f.time(6, "start")
	}
	p.end = f.time(7, "end")
	if f.has(8) {
		p.renewTill = f.time(8, "limit of renewal")
	}
	realm := f.text(9, "service's realm")
	p.service = f.principal(10, realm, "service")
	if f.has(11) {
		f.raw(11, "addresses")
	}
	if f.has(12) {
		f.raw(12, "encrypted pre-authentication data")
	}
	return p, f.end()
}

func (p *kdcReplyPart) marshal(tag uint8) ([]byte, error) {
	return message(tag, 512, func(b *cryptobyte.Builder) {
		addKey(b, 0, p.key)
		addField(b, 1, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addInteger(b, 0, 0)
					addTime(b, 1, p.authTime)
				})
			})
		})
		addInteger(b, 2, int64(p.nonce))
		addFlags(b, 4, p.flags)
		addTime(b, 5, p.authTime)
		addTime(b, 6, p.start)
		addTime(b, 7, p.end)
		if !p.renewTill.IsZero() {
			addTime(b, 8, p.renewTill)
		}
		addText(b, 9, p.service.Realm)
		addPrincipal(b, 10, nameTypeService, p.service)
	})
}

// preauths is a SEQUENCE OF PA-DATA.
func (f *fields) preauths(n uint8, part string) []preauth {
	s := f.raw(n, part)
	if f.err != nil {
		return nil
	}
	list, ok := parsePreauths(s)
	if !ok {
		f.fail(part)
	}
	return list
}

// parsePreauths reads METHOD-DATA, which is the same.
func parsePreauths(s cryptobyte.String) (all []preauth, ok bool) {
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() {
		return nil, false
	}
	for !list.Empty() {
		var element cryptobyte.String
		if len(all) == maxPreauth || !list.ReadASN1Element(&element, asn1.SEQUENCE) {
			return nil, false
		}
		inner := openSequence(element, "PA-DATA")
		p := preauth{kind: inner.int32(1, "type"), value: inner.octets(2, "value")}
		if inner.end() != nil {
			return nil, false
		}
		all = append(all, p)
	}
	return all, true
}

func addPreauths(b *cryptobyte.Builder, n uint8, all []preauth) {
	addField(b, n, func(b *cryptobyte.Builder) { addPreauthList(b, all) })
}

func addPreauthList(b *cryptobyte.Builder, all []preauth) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, p := range all {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addInteger(b, 1, int64(p.kind))
				addOctets(b, 2, p.value)
			})
		}
	})
}

// numbers is a SEQUENCE OF Int32 of which no more than maxETypes are taken.
func (f *fields) numbers(n uint8, part string) (all []int32) {
	s := f.raw(n, part)
	var list cryptobyte.String
	if f.err != nil || !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() {
		f.fail(part)
		return nil
	}
	for !list.Empty() {
		var v int32
		if len(all) == maxETypes || !list.ReadASN1Integer(&v) {
			f.fail(part)
			return nil
		}
		all = append(all, v)
	}
	return all
}

// etypeInfo is an entry of ETYPE-INFO2: how a key is made of a password. RFC 4120 section
// 5.2.7.5. Nothing protects it on its way.
type etypeInfo struct {
	etype  int32
	salt   string
	salted bool
	params []byte
}

func parseETypeInfo(value []byte) (all []etypeInfo, err error) {
	s := cryptobyte.String(value)
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() {
		return nil, malformed("ETYPE-INFO2", "its sequence")
	}
	for !list.Empty() {
		var element cryptobyte.String
		if len(all) == maxETypes || !list.ReadASN1Element(&element, asn1.SEQUENCE) {
			return nil, malformed("ETYPE-INFO2", "an entry")
		}
		f := openSequence(element, "ETYPE-INFO2")
		e := etypeInfo{etype: f.int32(0, "type")}
		if e.salted = f.has(1); e.salted {
			e.salt = f.text(1, "salt")
		}
		if f.has(2) {
			e.params = f.octets(2, "parameters")
		}
		if err := f.end(); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func marshalETypeInfo(all []etypeInfo) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range all {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addInteger(b, 0, int64(e.etype))
				if e.salted {
					addText(b, 1, e.salt)
				}
				if e.params != nil {
					addOctets(b, 2, e.params)
				}
			})
		}
	})
	return b.Bytes()
}

// marshalTimestamp writes PA-ENC-TS-ENC, parseTimestamp reads it.
func marshalTimestamp(now time.Time) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addTime(b, 0, now)
		addInteger(b, 1, microseconds(now))
	})
	return b.Bytes()
}

func parseTimestamp(plain []byte) (time.Time, error) {
	f := openSequence(plain, "PA-ENC-TS-ENC")
	t := f.time(0, "time")
	if f.has(1) {
		f.integer(1, "microseconds")
	}
	return t, f.end()
}

// marshalEncrypted writes EncryptedData on its own, parseEncrypted reads it.
func marshalEncrypted(e encrypted) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(e.sealed)+32))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addInteger(b, 0, int64(e.etype))
		if e.version != 0 {
			addInteger(b, 1, int64(e.version))
		}
		addOctets(b, 2, e.sealed)
	})
	return b.Bytes()
}

func parseEncrypted(value []byte) (e encrypted, err error) {
	f := openSequence(value, "EncryptedData")
	e.etype = f.int32(0, "type")
	if f.has(1) {
		e.version = f.uint32(1, "version")
	}
	e.sealed = f.octets(2, "ciphertext")
	return e, f.end()
}
