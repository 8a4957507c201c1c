// What can go wrong, as errors that a caller can tell apart with errors.Is and errors.As.
// No error carries a token, a key or a part of one.

package gssapi

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Sentinels, for errors.Is.
var (
	// ErrConfig refuses a Config, host or keytab that cannot work.
	ErrConfig = errors.New("gssapi: bad configuration")
	// ErrToken refuses bytes that are no token of the kind that is due.
	ErrToken = errors.New("gssapi: malformed token")
	// ErrState refuses a step that is not due: the negotiation is over, or not begun.
	ErrState = errors.New("gssapi: no token is due")
	// ErrFormat refuses a keytab, credential cache or credential that cannot be read.
	ErrFormat = errors.New("gssapi: unreadable key material")
	// ErrEType refuses an encryption type other than the four of AES.
	ErrEType = errors.New("gssapi: encryption type not supported")
	// ErrNoKey says that the keytab has no key for the ticket.
	ErrNoKey = errors.New("gssapi: no key for this ticket")
	// ErrKeyVersion says that the keytab has other versions of the key; see KeyVersionError.
	ErrKeyVersion = errors.New("gssapi: no key of this version")
	// ErrIntegrity says that something does not decrypt: another key, or altered bytes.
	ErrIntegrity = errors.New("gssapi: decryption integrity check failed")
	// ErrNoCredential says that there is no ticket for the service.
	ErrNoCredential = errors.New("gssapi: no credential")
	// ErrWrongService says that a ticket is for another service or host.
	ErrWrongService = errors.New("gssapi: ticket is for another service")
	// ErrExpired and ErrNotYetValid are about a ticket's life; see ValidityError.
	ErrExpired     = errors.New("gssapi: ticket expired")
	ErrNotYetValid = errors.New("gssapi: ticket not yet valid")
	// ErrSkew says that two clocks are too far apart; see SkewError.
	ErrSkew = errors.New("gssapi: clocks differ too much")
	// ErrReplay refuses an AP-REQ that was seen before.
	ErrReplay = errors.New("gssapi: request is a replay")
	// ErrReplayFull refuses because the replay cache cannot remember more.
	ErrReplayFull = errors.New("gssapi: replay cache is full")
	// ErrMismatch says that ticket and authenticator name different clients.
	ErrMismatch = errors.New("gssapi: ticket and authenticator do not match")
	// ErrPolicy refuses a ticket for a reason other than its proof: a path through realms
	// that nobody checked, restrictions that are not understood, user-to-user.
	ErrPolicy = errors.New("gssapi: ticket not acceptable")
	// ErrMutual says that the acceptor did not prove who it is.
	ErrMutual = errors.New("gssapi: mutual authentication failed")
	// ErrSequence refuses a wrap token out of sequence.
	ErrSequence = errors.New("gssapi: token out of sequence")
	// ErrLayer says that the ends have no security layer in common.
	ErrLayer = errors.New("gssapi: no common security layer")
	// ErrAuthzID refuses an authorization identity that is not the principal.
	ErrAuthzID = errors.New("gssapi: authorization identity is not the principal")
	// ErrPeer says that the peer refused and said why; see PeerError.
	ErrPeer = errors.New("gssapi: refused by the peer")
	// ErrInternal is a bug in this end, found by recovering from a panic: an alarm, and
	// never a verdict on the peer's credentials; see InternalError.
	ErrInternal = errors.New("gssapi: internal error")
)

// SkewError has both times of clocks that are too far apart.
type SkewError struct {
	Local, Peer time.Time
	Allowed     time.Duration
}

// Error says how far apart, and what to look at.
func (e *SkewError) Error() string {
	apart, who := e.Peer.Sub(e.Local), "ahead of"
	if apart < 0 {
		apart, who = -apart, "behind"
	}
	return fmt.Sprintf("%v: peer's %s is %v %s ours, %s; at most %v is allowed: check that both hosts follow the same time source (chronyc tracking, timedatectl)",
		ErrSkew, stamp(e.Peer), apart.Round(time.Millisecond), who, stamp(e.Local), e.Allowed)
}

// Unwrap makes it an ErrSkew.
func (e *SkewError) Unwrap() error { return ErrSkew }

// ValidityError has the life of a ticket that does not hold now.
type ValidityError struct {
	Client, Service Principal
	Start, End, Now time.Time
	Skew            time.Duration // that was allowed for; zero at the end of our own ticket
}

// Unwrap makes it an ErrExpired or an ErrNotYetValid.
func (e *ValidityError) Unwrap() error {
	if e.Now.Before(e.Start) {
		return ErrNotYetValid
	}
	return ErrExpired
}

// Error says which ticket and what to do.
func (e *ValidityError) Error() string {
	advice := "get a new one (kinit, or see why its renewal stopped)"
	if e.Now.Before(e.Start) {
		advice = "check the clocks of this host and of the KDC"
	}
	return fmt.Sprintf("%v: ticket of %s for %s holds from %s to %s, now it is %s, skew of %v allowed for: %s",
		e.Unwrap(), e.Client, e.Service, stamp(e.Start), stamp(e.End), stamp(e.Now), e.Skew, advice)
}

// KeyVersionError has the version that a ticket was made with, and those that are here.
type KeyVersionError struct {
	Service Principal
	Want    uint32
	Have    []uint32
}

// Unwrap makes it an ErrKeyVersion.
func (e *KeyVersionError) Unwrap() error { return ErrKeyVersion }

// Error says which versions.
func (e *KeyVersionError) Error() string {
	return fmt.Sprintf("%v: the ticket for %s was made with version %d, the keytab has %s: export the current key into the keytab (kadmin ktadd; klist -k shows what it has), or, where the keytab is newer, have the client get a new ticket",
		ErrKeyVersion, e.Service, e.Want, strings.Trim(fmt.Sprint(e.Have), "[]"))
}

// InternalError is what was recovered. Stack is for whoever mends it.
type InternalError struct {
	Doing string
	Value any
	Stack []byte
}

// Unwrap makes it an ErrInternal.
func (e *InternalError) Unwrap() error { return ErrInternal }

// Error says what was being done; it asks for a report.
func (e *InternalError) Error() string {
	thrown := fmt.Sprintf("%T", e.Value) // what is no error of the runtime's own could hold a secret
	if err, ok := e.Value.(interface {
		error
		RuntimeError()
	}); ok {
		thrown = err.Error()
	}
	return fmt.Sprintf("%v while %s: %s: this is a bug of this program and says nothing of the credentials; please report it with the stack", ErrInternal, e.Doing, thrown)
}

// stamp writes a time as a reader of logs expects it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// malformed says which part of what message cannot be read.
func malformed(message, part string) error {
	return fmt.Errorf("%w: %s: %s is missing or malformed", ErrToken, message, part)
}
