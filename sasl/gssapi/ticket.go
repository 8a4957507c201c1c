// Tickets: RFC 4120 section 5.3.

package gssapi

import (
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Ticket flags, the first bit highest.
const (
	ticketInvalid           = 1 << (31 - 7)
	ticketInitial           = 1 << (31 - 9)
	ticketTransitedChecked  = 1 << (31 - 12)
	authDataIfRelevant      = 1
	transitedDomainCompress = 1
)

// ticket is what everyone can read of a Ticket.
type ticket struct {
	service Principal
	part    encrypted
}

// ticketPart is what the service can read of it: EncTicketPart.
type ticketPart struct {
	flags      uint32
	key        Key
	client     Principal
	auth       time.Time // of authentication; written as start where it is zero
	start, end time.Time
	renewTill  time.Time // zero: not renewable
	critical   bool      // carries restrictions that must be understood
}

func parseTicket(b []byte) (t ticket, err error) {
	f := openMessage(b, appTicket, "ticket")
	f.number(0, protocolVersion, "version")
	realm := f.text(1, "realm")
	t.service = f.principal(2, realm, "service")
	t.part = f.encrypted(3, "encrypted part")
	return t, f.end()
}

func (t ticket) marshal() ([]byte, error) {
	return message(appTicket, len(t.part.sealed)+256, func(b *cryptobyte.Builder) {
		addInteger(b, 0, protocolVersion)
		addText(b, 1, t.service.Realm)
		addPrincipal(b, 2, nameTypeServiceHost, t.service)
		addEncrypted(b, 3, t.part)
	})
}

func parseTicketPart(b []byte) (p ticketPart, err error) {
	f := openMessage(b, appEncTicketPart, "encrypted part of the ticket")
	p.flags = f.flags(0, "flags")
	p.key = f.key(1, "session key")
	realm := f.text(2, "client's realm")
	p.client = f.principal(3, realm, "client")
	f.raw(4, "transited realms")
	p.auth = f.time(5, "time of authentication")
	p.start = p.auth
	if f.has(6) { // left out where it is the time of authentication
		p.start = f.time(6, "start")
	}
	p.end = f.time(7, "end")
	if f.has(8) {
		p.renewTill = f.time(8, "limit of renewal")
	}
	if f.has(9) { // addresses: none is known here to compare them with
		f.raw(9, "addresses")
	}
	if f.has(10) {
		p.critical = f.restrictions(10, "authorization data")
	}
	return p, f.end()
}

// marshal writes the part.
func (p ticketPart) marshal() ([]byte, error) {
	return message(appEncTicketPart, 512, func(b *cryptobyte.Builder) {
		addFlags(b, 0, p.flags)
		addKey(b, 1, p.key)
		addText(b, 2, p.client.Realm)
		addPrincipal(b, 3, nameTypePrincipal, p.client)
		addField(b, 4, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addInteger(b, 0, transitedDomainCompress)
				addOctets(b, 1, nil)
			})
		})
		if p.auth.IsZero() {
			addTime(b, 5, p.start)
		} else {
			addTime(b, 5, p.auth)
			addTime(b, 6, p.start)
		}
		addTime(b, 7, p.end)
		if !p.renewTill.IsZero() {
			addTime(b, 8, p.renewTill)
		}
	})
}

// restrictions says whether AuthorizationData has an element outside AD-IF-RELEVANT, which
// a server that does not know it has to refuse (RFC 4120 section 5.2.6).
func (f *fields) restrictions(n uint8, part string) (critical bool) {
	s := f.raw(n, part)
	var list cryptobyte.String
	if f.err != nil || !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() {
		f.fail(part)
		return false
	}
	for !list.Empty() {
		var element cryptobyte.String
		if !list.ReadASN1Element(&element, asn1.SEQUENCE) {
			f.fail(part)
			return false
		}
		inner := openSequence(element, f.message)
		kind := inner.int32(0, part)
		inner.octets(1, part)
		if inner.end() != nil {
			f.fail(part)
			return false
		}
		critical = critical || kind != authDataIfRelevant
	}
	return critical
}

// validity says whether the ticket holds now, give or take skew. RFC 4120 section 3.2.3.
func (p ticketPart) validity(now time.Time, skew time.Duration, service Principal) error {
	if p.flags&ticketInvalid == 0 && !p.start.After(now.Add(skew)) && !now.After(p.end.Add(skew)) {
		return nil
	}
	if p.flags&ticketInvalid != 0 {
		return fmt.Errorf("%w: postdated ticket of %s for %s was not validated by its KDC", ErrPolicy, p.client, service)
	}
	return &ValidityError{Client: p.client, Service: service, Start: p.start, End: p.end, Now: now, Skew: skew}
}
