// A client's conversation with a KDC for one ticket, as a state machine: requests go out,
// replies come in, whoever carries them. RFC 4120 sections 3.1 and 3.3. Pre-authentication
// is by encrypted timestamp; referrals, FAST and PKINIT are not spoken.

package gssapi

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/jcmturner/gokrb5/v8/crypto"
)

// Secret is what a principal proves itself with to a KDC: keys or a password. No verb shows it.
type Secret struct {
	Keys     *Keytab
	Password string
}

// String implements fmt.Stringer without the secret.
func (s Secret) String() string {
	if s.Keys != nil {
		return s.Keys.String()
	}
	return "password (not shown)"
}

// Format implements fmt.Formatter, so that no verb shows the secret.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText implements encoding.TextMarshaler with the same words, for logs as JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Limits of the iterations that a KDC may ask for: what it says is not protected, so few
// would make the password easy to guess for who listens, and many would keep us busy.
const (
	minIterations = 4096
	maxIterations = 1 << 20
)

// TicketRequest describes a conversation.
type TicketRequest struct {
	// Client and Secret are for an initial ticket; with Granting, both are its.
	Client Principal
	Secret Secret
	// Granting is the ticket-granting ticket that a service's ticket is asked for with, or
	// that is to be renewed.
	Granting *Credential
	Renew    bool
	// Service is whom the ticket is for; zero: the ticket-granting service of Client's realm.
	Service Principal
	// Life and RenewLife are asked for; the KDC cuts them. Defaults: a day; none.
	Life, RenewLife time.Duration
	ETypes          []int32 // the best first; default 20, 19, 18, 17
	Skew            time.Duration
	Random          io.Reader
}

// TicketExchange is one conversation. Its requests go to one KDC.
type TicketExchange struct {
	cfg     TicketRequest
	entropy [2]entropy // of each request
	round   int
	kind    uint8
	nonce   uint32
	key     Key   // of the reply
	derived []Key // of the password
	proven  bool
	info    []etypeInfo
}

// NewTicketExchange begins a conversation; all entropy is drawn now. Errors: ErrConfig.
func NewTicketExchange(cfg TicketRequest) (*TicketExchange, error) {
	x := &TicketExchange{kind: appASReq}
	if cfg.Granting != nil {
		x.kind, cfg.Client = appTGSReq, cfg.Granting.Client
	}
	if len(cfg.Service.Components) == 0 {
		cfg.Service = GrantingService(cfg.Client.Realm)
	}
	if len(cfg.ETypes) == 0 {
		cfg.ETypes = []int32{ETypeAES256SHA384, ETypeAES128SHA256, ETypeAES256SHA1, ETypeAES128SHA1}
	}
	if cfg.Skew == 0 {
		cfg.Skew = DefaultSkew
	}
	if cfg.Life == 0 {
		cfg.Life = 24 * time.Hour
	}
	x.cfg = cfg
	switch {
	case !cfg.Client.valid() || !cfg.Service.valid():
		return nil, fmt.Errorf("ask for a ticket: %w: client %q or service %q is no principal", ErrConfig, cfg.Client, cfg.Service)
	case cfg.Granting == nil && cfg.Secret.Keys == nil && cfg.Secret.Password == "":
		return nil, fmt.Errorf("ask for a ticket of %s: %w: neither keys nor password", cfg.Client, ErrConfig)
	case cfg.Renew && cfg.Granting == nil:
		return nil, fmt.Errorf("renew a ticket of %s: %w: there is none", cfg.Client, ErrConfig)
	}
	for i := range x.entropy {
		if err := x.entropy[i].draw(cfg.Random); err != nil {
			return nil, fmt.Errorf("ask for a ticket: %w", err)
		}
	}
	return x, nil
}

// Wipe overwrites what was secret of the conversation, which is over then. Keys of a keytab
// and of a credential are their owners'.
func (x *TicketExchange) Wipe() {
	for i := range x.derived {
		x.derived[i].wipe()
	}
	x.key, x.derived = Key{}, nil
	for i := range x.entropy {
		x.entropy[i].wipe()
	}
	x.round = len(x.entropy)
}

// GrantingService is the principal of a realm's ticket-granting service.
func GrantingService(realm string) Principal { return ServicePrincipal("krbtgt", realm, realm) }

// Request makes the next message to the KDC.
func (x *TicketExchange) Request(now time.Time) (message []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			message, err = nil, &InternalError{Doing: "asking a KDC", Value: p, Stack: debug.Stack()}
		}
	}()
	if x.round == len(x.entropy) {
		return nil, fmt.Errorf("%w: the conversation with the KDC is over", ErrState)
	}
	x.nonce = x.entropy[x.round].firstSequence()
	r := kdcRequest{
		kind: x.kind, options: kdcRenewableOK, realm: x.cfg.Service.Realm, service: x.cfg.Service,
		till: now.Add(x.cfg.Life), nonce: x.nonce, etypes: x.cfg.ETypes,
	}
	switch {
	case x.cfg.Renew:
		r.options |= kdcRenew
	case x.cfg.RenewLife > 0:
		r.options |= kdcRenewable
		r.renewTill = now.Add(x.cfg.RenewLife)
	}
	if x.kind == appASReq {
		r.client = x.cfg.Client
	}
	if err := r.marshalBody(); err != nil {
		return nil, fmt.Errorf("ask for a ticket: %w", err)
	}
	if err := x.prove(now, &r); err != nil {
		return nil, fmt.Errorf("ask for a ticket of %s: %w", x.cfg.Client, err)
	}
	x.round++
	return r.marshal()
}

// prove adds what shows the KDC who asks.
func (x *TicketExchange) prove(now time.Time, r *kdcRequest) error {
	confounder := &x.entropy[x.round].confounder
	if x.kind == appTGSReq {
		value, err := x.grantingRequest(now, confounder, r.body)
		r.preauths = append(r.preauths, preauth{kind: paTGSReq, value: value})
		return err
	}
	if !x.proven {
		return nil
	}
	plain, err := marshalTimestamp(now)
	if err != nil {
		return err
	}
	sealed, err := x.key.encrypt(usageTimestamp, confounder, plain)
	if err != nil {
		return err
	}
	value, err := marshalEncrypted(encrypted{etype: x.key.etype, sealed: sealed})
	r.preauths = append(r.preauths, preauth{kind: paTimestamp, value: value})
	return err
}

// grantingRequest is an AP-REQ for the ticket-granting service whose authenticator protects
// the body of the request.
func (x *TicketExchange) grantingRequest(now time.Time, confounder *[confounderBytes]byte, body []byte) ([]byte, error) {
	c := x.cfg.Granting
	sum, err := c.Key.checksum(usageRequestChecksum, body)
	if err != nil {
		return nil, err
	}
	kind, err := checksumType(c.Key.etype)
	if err != nil {
		return nil, err
	}
	plain, err := message(appAuthenticator, 384, func(b *cryptobyte.Builder) {
		addInteger(b, 0, protocolVersion)
		addText(b, 1, c.Client.Realm)
		addPrincipal(b, 2, nameTypePrincipal, c.Client)
		addField(b, 3, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addInteger(b, 0, kind)
				addOctets(b, 1, sum)
			})
		})
		addInteger(b, 4, microseconds(now))
		addTime(b, 5, now)
	})
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	sealed, err := c.Key.encrypt(usageRequestAuthenticator, confounder, plain)
	if err != nil {
		return nil, err
	}
	return apReq{ticket: c.Ticket, authenticator: encrypted{etype: c.Key.etype, sealed: sealed}}.marshal()
}

// Reply takes the KDC's answer. Without credential and error, Request has to be sent again,
// now with a proof. Errors: a *PeerError for a KRB-ERROR, ErrToken, ErrIntegrity, ErrSkew,
// ErrNoKey.
func (x *TicketExchange) Reply(now time.Time, reply []byte) (c *Credential, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, &InternalError{Doing: "reading a KDC's answer", Value: p, Stack: debug.Stack()}
		}
		if err != nil {
			err = fmt.Errorf("ticket of %s for %s: %w", x.cfg.Client, x.cfg.Service, err)
		}
	}()
	if s := cryptobyte.String(reply); s.PeekASN1Tag(applicationTag(appKRBError)) {
		return nil, x.refused(now, reply)
	}
	r, err := parseKDCReply(x.kind+1, reply)
	if err != nil {
		return nil, err
	}
	key, usage, err := x.replyKey(&r)
	if err != nil {
		return nil, err
	}
	if r.part.etype != key.etype {
		return nil, fmt.Errorf("%w: KDC-REP is encrypted with type %d, the key has type %d", ErrToken, r.part.etype, key.etype)
	}
	plain, err := key.decrypt(usage, r.part.sealed)
	if errors.Is(err, ErrIntegrity) {
		return nil, fmt.Errorf("%w: the KDC's answer does not decrypt: wrong password, or a keytab that does not hold the principal's current key", err)
	} else if err != nil {
		return nil, err
	}
	defer clear(plain)
	part, err := parseKDCReplyPart(plain)
	if err != nil {
		return nil, err
	}
	return x.check(now, &r, &part)
}

// check holds the reply against the request: RFC 4120 sections 3.1.5 and 3.3.4.
func (x *TicketExchange) check(now time.Time, r *kdcReply, p *kdcReplyPart) (*Credential, error) {
	switch {
	case !r.client.Equal(x.cfg.Client):
		return nil, fmt.Errorf("%w: the KDC answers for client %s", ErrMismatch, r.client)
	case p.nonce != x.nonce:
		return nil, fmt.Errorf("%w: the KDC answers another request: its nonce is another", ErrMismatch)
	case !p.service.Equal(x.cfg.Service):
		return nil, fmt.Errorf("%w: the KDC gives a ticket for %s: referrals to other realms are not followed", ErrWrongService, p.service)
	}
	if x.kind == appASReq {
		if apart := p.authTime.Sub(now); apart > x.cfg.Skew || apart < -x.cfg.Skew-time.Second { // it counts whole seconds
			return nil, &SkewError{Local: now, Peer: p.authTime, Allowed: x.cfg.Skew}
		}
	}
	c := &Credential{Client: x.cfg.Client, Service: p.service, Ticket: slices.Clone(r.ticket), Key: p.key, Start: p.start, End: p.end}
	if p.flags&ticketRenewable != 0 {
		c.RenewTill = p.renewTill
	}
	return c, nil
}

// refused reads a KRB-ERROR. One that asks for a proof is none the first time.
func (x *TicketExchange) refused(now time.Time, reply []byte) error {
	e, data, err := parseKRBErrorData(reply, now)
	if err != nil {
		return err
	}
	if e.Code != codePreauthRequired || x.kind != appASReq || x.proven {
		return e
	}
	methods, ok := parsePreauths(data)
	if !ok {
		return malformed("KRB-ERROR", "list of ways to prove who asks")
	}
	if x.key, err = x.keyFor(methods, 0, 0); err != nil {
		return err
	}
	x.proven = true
	return nil
}

// replyKey is the key that the reply is encrypted with, and its usage. Where no proof was
// asked for, the reply says how the key is made.
func (x *TicketExchange) replyKey(r *kdcReply) (key Key, usage uint32, err error) {
	switch {
	case x.kind == appTGSReq:
		return x.cfg.Granting.Key, usageGrantingReply, nil
	case x.proven && x.key.etype == r.part.etype:
		return x.key, usageInitialReply, nil
	}
	key, err = x.keyFor(r.preauths, r.part.etype, r.part.version)
	return key, usageInitialReply, err
}

// keyFor makes the client's key of etype, 0 being the best that both sides have, as
// ETYPE-INFO2 among methods says.
func (x *TicketExchange) keyFor(methods []preauth, etype int32, version uint32) (Key, error) {
	info := x.info
	for _, m := range methods {
		if m.kind == paETypeInfo2 {
			var err error
			if info, err = parseETypeInfo(m.value); err != nil {
				return Key{}, err
			}
			x.info = info
			break
		}
	}
	for _, want := range x.cfg.ETypes {
		if etype != 0 && want != etype {
			continue
		}
		at := slices.IndexFunc(info, func(e etypeInfo) bool { return e.etype == want })
		if at < 0 && len(info) > 0 {
			continue
		}
		hint := etypeInfo{etype: want}
		if at >= 0 {
			hint = info[at]
		}
		key, err := x.secretKey(hint, version)
		if errors.Is(err, ErrNoKey) && etype == 0 {
			continue
		}
		if x.cfg.Secret.Keys == nil {
			x.derived = append(x.derived, key)
		}
		return key, err
	}
	return Key{}, fmt.Errorf("%w: neither side's keys of %s fit the other's encryption types: export all types (kadmin ktadd), or check permitted_enctypes", ErrEType, x.cfg.Client)
}

// secretKey is the key out of the keytab, or made of the password.
func (x *TicketExchange) secretKey(hint etypeInfo, version uint32) (Key, error) {
	if x.cfg.Secret.Keys != nil {
		entry, err := x.cfg.Secret.Keys.newest(x.cfg.Client, version, hint.etype)
		if err != nil && version != 0 {
			entry, err = x.cfg.Secret.Keys.newest(x.cfg.Client, 0, hint.etype)
		}
		return entry.Key, err
	}
	if !hint.salted && len(hint.params) == 0 {
		return KeyFromPassword(hint.etype, x.cfg.Secret.Password, x.cfg.Client)
	}
	e, err := crypto.GetEtype(hint.etype)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrEType, err)
	}
	params := e.GetDefaultStringToKeyParams()
	if len(hint.params) > 0 {
		if n := iterations(hint.params); n < minIterations || n > maxIterations {
			return Key{}, fmt.Errorf("%w: the KDC wants %d iterations for the password; between %d and %d are", ErrPolicy, n, minIterations, maxIterations)
		}
		params = hex.EncodeToString(hint.params)
	}
	salt := hint.salt
	if !hint.salted {
		salt = defaultSalt(x.cfg.Client)
	}
	value, err := e.StringToKey(x.cfg.Secret.Password, salt, params)
	if err != nil {
		return Key{}, fmt.Errorf("derive a key of type %d for %s: %w", hint.etype, x.cfg.Client, err)
	}
	defer clear(value)
	return NewKey(hint.etype, value)
}

// iterations are the parameters of the four types: RFC 3962 section 4, RFC 8009 section 4.
// Any other length is none.
func iterations(params []byte) uint32 {
	if len(params) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(params)
}

// checksumType is the checksum that belongs to an encryption type.
func checksumType(etype int32) (int64, error) {
	switch etype {
	case ETypeAES128SHA1:
		return 15, nil
	case ETypeAES256SHA1:
		return 16, nil
	case ETypeAES128SHA256:
		return 19, nil
	case ETypeAES256SHA384:
		return 20, nil
	}
	_, err := suiteOf(etype)
	return 0, err
}
