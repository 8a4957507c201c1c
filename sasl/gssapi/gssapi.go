// Package gssapi is SASL GSSAPI (RFC 4752) over Kerberos V5 (RFC 4120, 4121), initiator and
// acceptor, as a state machine: clock and entropy come in, tokens go out, and one seed gives
// one transcript. It reads no file, asks no KDC and keeps no state between negotiations;
// tickets, keys and a replay cache are handed to it. The only layer it speaks is "auth":
// what follows the negotiation travels as it is.
//
// This file has the configuration and the mechanism that both ends start from.
package gssapi

import (
	"fmt"
	"io"
	"time"

	"github.com/a8011091/pegasus-reference/sasl"
)

// Name is what LIST_MECHANISMS and SELECT_MECHANISMS carry.
const Name = "GSSAPI"

// Defaults of a Config.
const (
	DefaultSkew          = 5 * time.Minute // RFC 4120 section 1.6 and every implementation
	DefaultMaxTokenBytes = 64 << 10
)

// Config describes one end, or both. The zero value of a switch is the strongest choice.
type Config struct {
	// Service is the first component of the service's principal: SERVICE/host@REALM.
	Service string

	// Credentials finds the initiator's ticket; nil where only acceptors are made.
	Credentials CredentialSource
	// WithoutMutual lets the initiator be content with an acceptor that proves nothing.
	// It is for acceptors that cannot; upstream's Java client never asks for a proof.
	WithoutMutual bool
	// AuthzID is the authorization identity that the initiator asks for; empty (usual)
	// means its own. An acceptor refuses any other than the principal.
	AuthzID string

	// Keys has the acceptor's long-term keys; nil where only initiators are made.
	Keys KeySource
	// Replays refuses what was seen before; an acceptor needs one. The caller guards it
	// where its acceptors run at the same time.
	Replays ReplayCache
	// EmptyFirst has the acceptor answer an initiator that wants no proof with an empty
	// challenge before the offer, as Cyrus SASL does: one more round.
	EmptyFirst bool

	// WithoutSubkey has this end bring no key of its own; the session key of the ticket
	// then protects the exchange, or the peer's subkey.
	WithoutSubkey bool
	// Skew is how far the peer's clock may be off; default DefaultSkew.
	Skew time.Duration
	// MaxTokenBytes refuses longer tokens unread; default DefaultMaxTokenBytes.
	MaxTokenBytes int
}

// CredentialSource finds the credential that an initiator presents to service on host. It is
// asked once per negotiation and must not wait: whoever fetches tickets does so before.
type CredentialSource interface {
	Lookup(service, host string) (*Credential, error)
}

// KeySource has the keytab that holds now. It is asked once per negotiation, so a rotated
// keytab takes effect with the next. A Keytab is its own source.
type KeySource interface {
	Keys() *Keytab
}

// mechanism implements sasl.Mechanism. Nothing writes it after New.
type mechanism struct {
	cfg Config
	err error // of the configuration; every end's start returns it
}

// New makes the mechanism. A bad configuration is reported, as ErrConfig, by Client and Server.
func New(cfg Config) sasl.Mechanism {
	if cfg.Skew == 0 {
		cfg.Skew = DefaultSkew
	}
	if cfg.MaxTokenBytes == 0 {
		cfg.MaxTokenBytes = DefaultMaxTokenBytes
	}
	m := &mechanism{cfg: cfg}
	switch {
	case !validComponent(cfg.Service):
		m.err = fmt.Errorf("%w: the service name %q is no component of a principal; upstream's default is \"pegasus\"", ErrConfig, cfg.Service)
	case cfg.Skew < 0:
		m.err = fmt.Errorf("%w: allowed clock skew %v is negative", ErrConfig, cfg.Skew)
	case cfg.MaxTokenBytes < 0:
		m.err = fmt.Errorf("%w: limit of %d bytes for a token is negative", ErrConfig, cfg.MaxTokenBytes)
	case len(cfg.AuthzID) > maxPrincipalBytes:
		m.err = fmt.Errorf("%w: the authorization identity has %d bytes; at most %d", ErrConfig, len(cfg.AuthzID), maxPrincipalBytes)
	}
	return m
}

// Name implements sasl.Mechanism.
func (m *mechanism) Name() string { return Name }

// Client implements sasl.Mechanism: it looks the credential up and draws all entropy now.
// Errors: ErrConfig, or what the CredentialSource returned.
func (m *mechanism) Client(cfg sasl.ClientConfig) (sasl.Session, error) {
	switch {
	case m.err != nil:
		return nil, fmt.Errorf("start initiator: %w", m.err)
	case m.cfg.Credentials == nil:
		return nil, fmt.Errorf("start initiator: %w: no source of credentials", ErrConfig)
	case !validComponent(cfg.Host):
		return nil, fmt.Errorf("start initiator: %w: %q is no host name for a principal", ErrConfig, cfg.Host)
	}
	credential, err := m.cfg.Credentials.Lookup(m.cfg.Service, cfg.Host)
	if err != nil {
		return nil, fmt.Errorf("credential for %s on %s: %w", m.cfg.Service, cfg.Host, err)
	}
	if err := credential.fits(m.cfg.Service, cfg.Host); err != nil {
		return nil, fmt.Errorf("credential for %s on %s: %w", m.cfg.Service, cfg.Host, err)
	}
	i := &initiator{cfg: &m.cfg, credential: credential}
	if err := i.entropy.draw(cfg.Random); err != nil {
		return nil, fmt.Errorf("start initiator: %w", err)
	}
	return i, nil
}

// Server implements sasl.Mechanism: it takes the keytab that holds now and draws all entropy.
// Where cfg.Host is empty, the service's name with any host that has a key will do.
// Errors: ErrConfig.
func (m *mechanism) Server(cfg sasl.ServerConfig) (sasl.ServerSession, error) {
	switch {
	case m.err != nil:
		return nil, fmt.Errorf("start acceptor: %w", m.err)
	case m.cfg.Keys == nil:
		return nil, fmt.Errorf("start acceptor: %w: no source of keys", ErrConfig)
	case m.cfg.Replays == nil:
		return nil, fmt.Errorf("start acceptor: %w: no replay cache", ErrConfig)
	case cfg.Host != "" && !validComponent(cfg.Host):
		return nil, fmt.Errorf("start acceptor: %w: %q is no host name for a principal", ErrConfig, cfg.Host)
	}
	keys := m.cfg.Keys.Keys()
	if keys == nil || len(keys.entries) == 0 {
		return nil, fmt.Errorf("start acceptor: %w: the keytab is empty; export the key of %s/%s into it", ErrConfig, m.cfg.Service, cfg.Host)
	}
	a := &acceptor{cfg: &m.cfg, host: cfg.Host, keys: keys}
	if err := a.entropy.draw(cfg.Random); err != nil {
		return nil, fmt.Errorf("start acceptor: %w", err)
	}
	return a, nil
}

// entropy is all that one end of one negotiation needs, drawn when it starts, so that no
// later step can fail for want of it and a copy of an end has the same future.
type entropy struct {
	confounder [confounderBytes]byte
	sequence   [4]byte
	subkey     [maxKeyBytes]byte
}

func (e *entropy) draw(random io.Reader) error {
	if random == nil {
		return fmt.Errorf("%w: no source of randomness", ErrConfig)
	}
	for _, part := range [][]byte{e.confounder[:], e.sequence[:], e.subkey[:]} {
		if _, err := io.ReadFull(random, part); err != nil {
			return fmt.Errorf("draw entropy: %w", err)
		}
	}
	return nil
}

// firstSequence is a first sequence number. It has 30 bits, because some peers read the
// field as a signed number of 32.
func (e *entropy) firstSequence() uint32 {
	s := e.sequence
	return (uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])) & 0x3fffffff
}

// newSubkey is a key of etype of this end's own.
func (e *entropy) newSubkey(etype int32) (Key, error) {
	s, err := suiteOf(etype)
	if err != nil {
		return Key{}, err
	}
	return NewKey(etype, e.subkey[:s.keyBytes])
}

func (e *entropy) wipe() { *e = entropy{} }
