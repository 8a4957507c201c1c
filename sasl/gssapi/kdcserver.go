// A KDC's side of the conversation, as a function of its arguments: for tests, the
// simulator and development. It has no database but a keytab, no replay cache and no
// policy; whoever has the keytab is the realm.

package gssapi

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Issuer answers requests for tickets.
type Issuer struct {
	Realm string
	// Keys has every principal of the realm: clients, services, and GrantingService(Realm).
	Keys *Keytab
	// Life and RenewLife limit tickets; default 10 h and 7 d.
	Life, RenewLife time.Duration
	Skew            time.Duration // default DefaultSkew
}

// Limits of tickets where an Issuer says nothing.
const (
	defaultLife      = 10 * time.Hour
	defaultRenewLife = 7 * 24 * time.Hour
)

// refusal is a KRB-ERROR that is an answer.
type refusal struct {
	code int32
	data []byte
	why  string
}

func (r *refusal) Error() string { return fmt.Sprintf("Kerberos error %d: %s", r.code, r.why) }

// Answer answers one message. err says why a ticket was refused, for a log; the answer to
// the client is in reply then too, unless there is none because it sent no request.
func (i *Issuer) Answer(now time.Time, request []byte, random io.Reader) (reply []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			reply, err = nil, &InternalError{Doing: "answering as a KDC", Value: p, Stack: debug.Stack()}
		}
	}()
	r, err := parseKDCRequest(request)
	if err != nil {
		return nil, err
	}
	var e entropy
	if err := e.draw(random); err != nil {
		return nil, fmt.Errorf("answer as a KDC: %w", err)
	}
	defer e.wipe()
	reply, err = i.answer(now, &r, &e)
	var no *refusal
	if errors.As(err, &no) {
		service := r.service
		if !service.valid() {
			service = GrantingService(i.Realm)
		}
		reply, _ = marshalKRBErrorData(no.code, now, service, no.data)
	}
	return reply, err
}

func (i *Issuer) answer(now time.Time, r *kdcRequest, e *entropy) ([]byte, error) {
	if r.realm != i.Realm {
		return nil, &refusal{code: codeWrongRealm, why: "realm " + r.realm}
	}
	if _, err := i.Keys.newest(r.service, 0, 0); err != nil {
		return nil, &refusal{code: codeServerUnknown, why: "no service " + r.service.String()}
	}
	if r.kind == appASReq {
		return i.initial(now, r, e)
	}
	return i.granting(now, r, e)
}

// initial answers AS-REQ. Without a proof the client is told how to make one.
func (i *Issuer) initial(now time.Time, r *kdcRequest, e *entropy) ([]byte, error) {
	if _, err := i.Keys.newest(r.client, 0, 0); err != nil {
		return nil, &refusal{code: codeClientUnknown, why: "no client " + r.client.String()}
	}
	var keys []KeytabEntry
	for _, etype := range r.etypes {
		if k, err := i.Keys.newest(r.client, 0, etype); err == nil {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, &refusal{code: codeETypeNoSupport, why: "no encryption type in common with " + r.client.String()}
	}
	at := slices.IndexFunc(r.preauths, func(p preauth) bool { return p.kind == paTimestamp })
	if at < 0 {
		return nil, i.wantProof(keys)
	}
	sealed, err := parseEncrypted(r.preauths[at].value)
	if err != nil {
		return nil, err
	}
	with := slices.IndexFunc(keys, func(k KeytabEntry) bool { return k.Key.etype == sealed.etype })
	if with < 0 {
		return nil, &refusal{code: codeETypeNoSupport, why: "proof of an encryption type that was not offered"}
	}
	plain, err := keys[with].Key.decrypt(usageTimestamp, sealed.sealed)
	if err != nil {
		return nil, &refusal{code: codePreauthFailed, why: "proof of " + r.client.String() + " does not decrypt"}
	}
	then, err := parseTimestamp(plain)
	if err != nil {
		return nil, err
	}
	if apart := then.Sub(now); apart > i.skew() || apart < -i.skew() {
		return nil, &refusal{code: codeSkew, why: "clock of " + r.client.String()}
	}
	part := ticketPart{flags: ticketInitial, client: r.client, auth: now.Truncate(time.Second), start: now.Truncate(time.Second)}
	part.end = i.end(now, r.till)
	if r.options&kdcRenewable != 0 {
		part.renewTill = now.Truncate(time.Second).Add(i.renewLife())
		if !r.renewTill.IsZero() && r.renewTill.Before(part.renewTill) {
			part.renewTill = r.renewTill.Truncate(time.Second)
		}
		part.flags |= ticketRenewable
	}
	return i.reply(r, part, keys[with], usageInitialReply, e)
}

// wantProof lists the client's keys, the one it likes best first.
func (i *Issuer) wantProof(keys []KeytabEntry) error {
	var info []etypeInfo
	for _, k := range keys {
		info = append(info, etypeInfo{etype: k.Key.etype, salt: defaultSalt(k.Principal), salted: true})
	}
	value, err := marshalETypeInfo(info)
	if err != nil {
		return err
	}
	b := cryptobyte.NewBuilder(nil)
	addPreauthList(b, []preauth{{kind: paETypeInfo2, value: value}, {kind: paTimestamp}})
	data, err := b.Bytes()
	if err != nil {
		return err
	}
	return &refusal{code: codePreauthRequired, data: data, why: "a proof is wanted"}
}

// granting answers TGS-REQ, for a service or a renewal.
func (i *Issuer) granting(now time.Time, r *kdcRequest, e *entropy) ([]byte, error) {
	at := slices.IndexFunc(r.preauths, func(p preauth) bool { return p.kind == paTGSReq })
	if at < 0 || r.additional {
		return nil, &refusal{code: codePolicy, why: "no ticket-granting ticket, or more than is offered"}
	}
	old, err := i.openGranting(now, r.preauths[at].value, r.body)
	if err != nil {
		return nil, err
	}
	part := ticketPart{flags: old.flags &^ ticketInitial, client: old.client, auth: old.auth, start: now.Truncate(time.Second), end: i.end(now, r.till)}
	part.end = earlier(part.end, old.end)
	if r.options&kdcRenew != 0 {
		if old.flags&ticketRenewable == 0 || !old.renewTill.After(now) || !r.service.Equal(GrantingService(i.Realm)) {
			return nil, &refusal{code: codePolicy, why: "the ticket of " + old.client.String() + " cannot be renewed"}
		}
		part.end, part.renewTill = earlier(i.end(now, r.till), old.renewTill), old.renewTill
	} else {
		part.flags &^= ticketRenewable
	}
	return i.reply(r, part, KeytabEntry{Key: old.key}, usageGrantingReply, e)
}

// openGranting opens the AP-REQ of a TGS-REQ whose authenticator protects body.
func (i *Issuer) openGranting(now time.Time, value, body []byte) (p ticketPart, err error) {
	ap, err := parseAPReq(value)
	if err != nil {
		return p, err
	}
	t, err := parseTicket(ap.ticket)
	if err != nil {
		return p, err
	}
	if !t.service.Equal(GrantingService(i.Realm)) {
		return p, &refusal{code: codeNotUs, why: "ticket for " + t.service.String()}
	}
	entry, err := i.Keys.newest(t.service, t.part.version, t.part.etype)
	if err != nil {
		return p, &refusal{code: codeBadKeyVersion, why: "ticket of another key"}
	}
	plain, err := entry.Key.decrypt(usageTicket, t.part.sealed)
	if err != nil {
		return p, &refusal{code: codeBadIntegrity, why: "ticket does not decrypt"}
	}
	defer clear(plain)
	if p, err = parseTicketPart(plain); err != nil {
		return p, err
	}
	if now.After(p.end) {
		return p, &refusal{code: codeTicketExpired, why: "ticket of " + p.client.String() + " has expired"}
	}
	return p, i.verify(now, &p, ap.authenticator, body)
}

// verify holds the authenticator against ticket and body.
func (i *Issuer) verify(now time.Time, p *ticketPart, sealed encrypted, body []byte) error {
	if sealed.etype != p.key.etype {
		return &refusal{code: codeBadIntegrity, why: "authenticator of another type"}
	}
	plain, err := p.key.decrypt(usageRequestAuthenticator, sealed.sealed)
	if err != nil {
		return &refusal{code: codeBadIntegrity, why: "authenticator does not decrypt"}
	}
	f := openMessage(plain, appAuthenticator, "authenticator")
	f.number(0, protocolVersion, "version")
	realm := f.text(1, "client's realm")
	client := f.principal(2, realm, "client")
	sum := f.raw(3, "checksum")
	then := f.moment(5, 4, true, "client's time")
	for n := uint8(6); n <= 8; n++ { // subkey, sequence number, authorization data: of no use here
		if f.has(n) {
			f.raw(n, "what is optional")
		}
	}
	if err := f.end(); err != nil {
		return err
	}
	inner := openSequence(sum, "authenticator")
	inner.int32(0, "type of the checksum")
	mac := inner.octets(1, "checksum")
	if err := inner.end(); err != nil {
		return err
	}
	switch apart := then.Sub(now); {
	case !client.Equal(p.client):
		return &refusal{code: codeBadMatch, why: "ticket and authenticator name different clients"}
	case apart > i.skew() || apart < -i.skew():
		return &refusal{code: codeSkew, why: "clock of " + client.String()}
	case p.key.verify(usageRequestChecksum, body, mac) != nil:
		return &refusal{code: codeModified, why: "request was altered"}
	}
	return nil
}

// reply seals the ticket for the service and what the client has to know of it with key.
func (i *Issuer) reply(r *kdcRequest, part ticketPart, key KeytabEntry, usage uint32, e *entropy) ([]byte, error) {
	etype := key.Key.etype
	for _, want := range r.etypes {
		if _, err := suiteOf(want); err == nil {
			etype = want
			break
		}
	}
	var err error
	if part.key, err = e.newSubkey(etype); err != nil {
		return nil, err
	}
	service, err := i.Keys.newest(r.service, 0, 0)
	if err != nil {
		return nil, err
	}
	part.flags |= ticketTransitedChecked
	out := kdcReply{kind: r.kind + 1, client: part.client}
	if out.ticket, err = part.seal(r.service, service, &e.confounder); err != nil {
		return nil, err
	}
	known := kdcReplyPart{key: part.key, nonce: r.nonce, flags: part.flags, authTime: part.auth, start: part.start, end: part.end,
		renewTill: part.renewTill, service: r.service}
	tag := uint8(appEncASRepPart)
	if r.kind == appTGSReq {
		tag = appEncTGSRepPart
	}
	plain, err := known.marshal(tag)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	confounder := e.confounder
	confounder[0] ^= 1 // two keys, and yet: no confounder twice
	sealed, err := key.Key.encrypt(usage, &confounder, plain)
	if err != nil {
		return nil, err
	}
	out.part = encrypted{etype: key.Key.etype, version: key.Version, sealed: sealed}
	return out.marshal()
}

// end is the end that is asked for, or the latest there is; the epoch is the latest.
func (i *Issuer) end(now, till time.Time) time.Time {
	life := i.Life
	if life == 0 {
		life = defaultLife
	}
	latest := now.Truncate(time.Second).Add(life)
	if till.Unix() <= 0 {
		return latest
	}
	return earlier(till.Truncate(time.Second), latest)
}

func (i *Issuer) renewLife() time.Duration {
	if i.RenewLife == 0 {
		return defaultRenewLife
	}
	return i.RenewLife
}

func (i *Issuer) skew() time.Duration {
	if i.Skew == 0 {
		return DefaultSkew
	}
	return i.Skew
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
