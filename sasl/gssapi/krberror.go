// KRB-ERROR (RFC 4120 section 5.9.1), read, made, and in words.

package gssapi

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Error codes of RFC 4120 section 7.5.9 that have words here.
const (
	codeClientUnknown   = 6
	codeServerUnknown   = 7
	codePolicy          = 12
	codeETypeNoSupport  = 14
	codeRevoked         = 18
	codeKeyExpired      = 23
	codePreauthFailed   = 24
	codePreauthRequired = 25
	codeBadIntegrity    = 31
	codeTicketExpired   = 32
	codeTicketNotYet    = 33
	codeRepeat          = 34
	codeNotUs           = 35
	codeBadMatch        = 36
	codeSkew            = 37
	codeMessageType     = 40
	codeModified        = 41
	codeBadKeyVersion   = 44
	codeNoKey           = 45
	codeGeneric         = 60
	codeWrongRealm      = 68
)

// Error codes of a KDC that are about how it was asked, and not about the ticket.
const (
	CodeServiceUnavailable = 29 // ask another KDC
	CodeResponseTooBig     = 52 // the answer does not fit into a datagram: ask over TCP
)

const maxPeerText = 200 // bytes of a peer's own words that are passed on

// PeerError is a KRB-ERROR: of an acceptor, or of a KDC, for which a driver fills it in.
// Nothing in it is authenticated: anyone on the way can have written it.
type PeerError struct {
	Code       int32
	Text       string    // the peer's own words; may be empty
	PeerTime   time.Time // its clock
	LocalTime  time.Time // ours when it came
	ClientTime time.Time // of the request, as the peer took it; zero where it does not say
	Service    string    // whom it speaks for
}

// Unwrap makes it an ErrPeer and, where the code says as much, one of the others.
func (e *PeerError) Unwrap() []error {
	if _, meaning := explain(e.Code); meaning != nil {
		return []error{ErrPeer, meaning}
	}
	return []error{ErrPeer}
}

// Error says what it means and what to check, where.
func (e *PeerError) Error() string {
	var b strings.Builder
	words, _ := explain(e.Code)
	fmt.Fprintf(&b, "%v: %s answers Kerberos error %d: %s", ErrPeer, e.Service, e.Code, words)
	if e.Code == codeSkew {
		sent := e.ClientTime
		if sent.IsZero() {
			sent = e.LocalTime
		}
		fmt.Fprintf(&b, "; the request was of %s, its clock says %s", stamp(sent), stamp(e.PeerTime))
	}
	if e.Text != "" {
		fmt.Fprintf(&b, "; it adds %q", e.Text)
	}
	return b.String()
}

// explain says what a code means, and in words what to check.
func explain(code int32) (words string, meaning error) {
	switch code {
	case codeClientUnknown:
		return "the KDC does not know the client's principal: check its name and realm (kadmin getprinc)", ErrNoCredential
	case codeServerUnknown:
		return "the KDC does not know the service's principal: check service and host name on the client, and that the principal exists (kadmin getprinc)", ErrWrongService
	case codePolicy:
		return "policy forbids it: check flags and policy of both principals at the KDC, and the services that it accepts", ErrPolicy
	case codeETypeNoSupport:
		return "no encryption type in common: check permitted_enctypes on both hosts and the types of the service's keys (klist -ke)", ErrEType
	case codeRevoked:
		return "the principal is locked, expired or revoked: see kadmin getprinc", ErrPolicy
	case codeKeyExpired:
		return "the password or key of the principal has expired: change it", ErrExpired
	case codePreauthFailed:
		return "wrong password, or a keytab that does not hold the principal's current key: export it again", ErrIntegrity
	case codePreauthRequired:
		return "it wants a proof of who asks, of a kind that is not spoken here: check pre-authentication of the principal at the KDC", ErrPolicy
	case CodeServiceUnavailable:
		return "the KDC cannot answer now, for example because its database is locked", nil
	case CodeResponseTooBig:
		return "the answer is too large for a datagram: ask over TCP (udp_preference_limit = 1)", nil
	case codeBadIntegrity, codeModified:
		return "it could not decrypt what it got: the service's keytab does not hold the key that the KDC used (exported before a change of the key, or of another KDC), or bytes were altered on the way", ErrIntegrity
	case codeTicketExpired:
		return "the ticket has expired: get a new one (kinit), or see why its renewal stopped", ErrExpired
	case codeTicketNotYet:
		return "the ticket is not yet valid there: check the clocks of the KDC and of the service's host", ErrNotYetValid
	case codeRepeat:
		return "the service saw this very request before: retry with a new one; if it persists, someone repeats requests", ErrReplay
	case codeNotUs:
		return "the ticket is for another service: check service and host name on the client, and the principals in the service's keytab (klist -k)", ErrWrongService
	case codeBadMatch:
		return "ticket and authenticator name different clients", ErrMismatch
	case codeSkew:
		return "the clocks differ too much: check that both hosts follow the same time source", ErrSkew
	case codeMessageType:
		return "it expected another message", ErrToken
	case codeBadKeyVersion:
		return "the service's keytab does not have the version of the key that the ticket was made with: export the current key on the service's host, or get a new ticket", ErrKeyVersion
	case codeNoKey:
		return "the service has no key for the ticket: check its keytab (klist -ke) for the principal and its encryption types", ErrNoKey
	case codeWrongRealm:
		return "wrong realm: check default_realm and domain_realm in krb5.conf", ErrWrongService
	case codeGeneric:
		return "unspecified failure: its log says more", nil
	}
	return "see RFC 4120 section 7.5.9 for the code, and its log", nil
}

// codeOf is the code that tells a peer of err; ok is false where it is told nothing.
func codeOf(err error) (code int32, ok bool) {
	switch {
	case errors.Is(err, ErrInternal):
		return codeGeneric, true
	case errors.Is(err, ErrSkew):
		return codeSkew, true
	case errors.Is(err, ErrExpired):
		return codeTicketExpired, true
	case errors.Is(err, ErrNotYetValid):
		return codeTicketNotYet, true
	case errors.Is(err, ErrKeyVersion):
		return codeBadKeyVersion, true
	case errors.Is(err, ErrNoKey):
		return codeNoKey, true
	case errors.Is(err, ErrEType):
		return codeETypeNoSupport, true
	case errors.Is(err, ErrWrongService):
		return codeNotUs, true
	case errors.Is(err, ErrMismatch):
		return codeBadMatch, true
	case errors.Is(err, ErrReplay):
		return codeRepeat, true
	case errors.Is(err, ErrIntegrity):
		return codeBadIntegrity, true
	case errors.Is(err, ErrPolicy):
		return codePolicy, true
	case errors.Is(err, ErrReplayFull):
		return codeGeneric, true
	}
	return 0, false
}

// ParseKRBError reads a KDC's refusal, which came at now. Errors: ErrToken.
func ParseKRBError(message []byte, now time.Time) (*PeerError, error) {
	return parseKRBError(message, now)
}

// parseKRBError reads the message, which came at now.
func parseKRBError(b []byte, now time.Time) (*PeerError, error) {
	e, _, err := parseKRBErrorData(b, now)
	return e, err
}

// parseKRBErrorData also returns the data that a KDC adds for pre-authentication.
func parseKRBErrorData(b []byte, now time.Time) (e *PeerError, data []byte, err error) {
	f := openMessage(b, appKRBError, "KRB-ERROR")
	f.number(0, protocolVersion, "version")
	f.number(1, appKRBError, "message type")
	e = &PeerError{LocalTime: now}
	if f.has(2) {
		e.ClientTime = f.time(2, "client's time")
	}
	if f.has(3) {
		f.integer(3, "client's microseconds")
	}
	e.PeerTime = f.moment(4, 5, false, "server's time")
	e.Code = f.int32(6, "code")
	if f.has(7) {
		f.text(7, "client's realm")
	}
	if f.has(8) {
		f.raw(8, "client")
	}
	realm := f.text(9, "realm")
	e.Service = f.principal(10, realm, "service").String()
	if f.has(11) {
		e.Text = shorten(f.text(11, "text"))
	}
	if f.has(12) {
		data = f.octets(12, "data")
	}
	if err := f.end(); err != nil {
		return nil, nil, err
	}
	return e, data, nil
}

func shorten(text string) string {
	if len(text) > maxPeerText {
		return strings.ToValidUTF8(text[:maxPeerText], "") + "..."
	}
	return text
}

// marshalKRBError writes the message. It has no words of ours: who needs them has the code.
func marshalKRBError(code int32, now time.Time, service Principal) ([]byte, error) {
	return marshalKRBErrorData(code, now, service, nil)
}

func marshalKRBErrorData(code int32, now time.Time, service Principal, data []byte) ([]byte, error) {
	return message(appKRBError, 256, func(b *cryptobyte.Builder) {
		addInteger(b, 0, protocolVersion)
		addInteger(b, 1, appKRBError)
		addTime(b, 4, now)
		addInteger(b, 5, microseconds(now))
		addField(b, 6, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(code)) })
		addText(b, 9, service.Realm)
		addPrincipal(b, 10, nameTypeServiceHost, service)
		if data != nil {
			addOctets(b, 12, data)
		}
	})
}

// peerRefused says whether token is a framed KRB-ERROR, and what it says.
func peerRefused(token []byte, now time.Time) (is bool, err error) {
	s := cryptobyte.String(token)
	if !s.PeekASN1Tag(applicationTag(0)) {
		return false, nil
	}
	id, inner, err := openFrame(token)
	if err != nil || id != tokenKRBError {
		return false, nil
	}
	refusal, err := parseKRBError(inner, now)
	if err != nil {
		return true, err
	}
	return true, refusal
}

// MarshalKRBError writes a KDC's refusal of a request.
func MarshalKRBError(code int32, now time.Time, service Principal) ([]byte, error) {
	return marshalKRBError(code, now, service)
}
