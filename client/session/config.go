// What a session is told once: authentication, limits and timeouts.

package session

import (
	"errors"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Auth says what a connection must have shown before it carries requests.
type Auth uint8

// Modes of authentication. The zero value is the strict one.
const (
	AuthRequired  Auth = iota // nothing but success of the negotiation makes a connection ready
	AuthPreferred             // negotiate, but take a server's word that it has no authentication
	AuthOff                   // no negotiation
)

// Config is the configuration of a session. New replaces a zero number or duration by
// DefaultConfig's.
type Config struct {
	Owner     uint32 // upper half of every ConnID and TimerID
	LastConn  uint32 // lower halves that an earlier session of the same Owner has used up
	LastTimer uint32

	Auth      Auth
	Mechanism string // name for SELECT_MECHANISMS; needed unless Auth is AuthOff

	HeaderVersion uint32 // of request frames: 0 or 1

	DialTimeout        time.Duration // for the TCP handshake
	NegotiationTimeout time.Duration // for the whole exchange; below the server's
	Silence            time.Duration // a request was written and nothing at all came back for so long: the connection is dead
	BackoffBase        time.Duration // least time between the beginnings of two attempts to connect
	BackoffCap         time.Duration // most time between them, see Core.connect

	MaxWaiting      int // requests not yet written
	MaxPending      int // requests written and not answered
	MaxChallenges   int // rounds of one negotiation
	MaxRequestBytes int // args struct of one request
	Limits          protocol.Limits
}

// DefaultConfig returns the defaults. DialTimeout is what upstream's Java client takes
// at its default operation timeout; NegotiationTimeout stays below the 15 s after which
// the reference server gives up.
func DefaultConfig() Config {
	return Config{
		Auth:               AuthRequired,
		HeaderVersion:      1,
		DialTimeout:        time.Second,
		NegotiationTimeout: 5 * time.Second,
		Silence:            10 * time.Second,
		BackoffBase:        20 * time.Millisecond,
		BackoffCap:         time.Second,
		MaxWaiting:         4096,
		MaxPending:         4096,
		MaxChallenges:      16,
		MaxRequestBytes:    4 << 20,
	}
}

// Errors of Validate, for errors.Is.
var (
	ErrNoMechanism   = errors.New("authentication is wanted but no mechanism is configured: name one, or turn authentication off")
	ErrBadTimeouts   = errors.New("a timeout or interval is negative, or the backoff's base exceeds its cap")
	ErrBadLimits     = errors.New("a limit is negative or beyond 2^24")
	ErrHeaderVersion = errors.New("the header version is neither 0 nor 1")
)

// maxLimit keeps sequence numbers apart: a slot of the pending table comes round again
// only after 2^31 requests of one connection.
const maxLimit = 1 << 24

// Validate says what is wrong with the configuration, if anything.
func (c Config) Validate() error {
	if c.Auth != AuthOff && c.Mechanism == "" {
		return ErrNoMechanism
	}
	for _, d := range [...]time.Duration{c.DialTimeout, c.NegotiationTimeout, c.Silence, c.BackoffBase, c.BackoffCap} {
		if d < 0 {
			return ErrBadTimeouts
		}
	}
	if c = c.WithDefaults(); c.BackoffBase > c.BackoffCap {
		return ErrBadTimeouts
	}
	for _, n := range [...]int{c.MaxWaiting, c.MaxPending, c.MaxChallenges} {
		if n < 0 || n > maxLimit {
			return ErrBadLimits
		}
	}
	if c.MaxRequestBytes < 0 {
		return ErrBadLimits
	}
	if c.HeaderVersion > 1 {
		return ErrHeaderVersion
	}
	return nil
}

// WithDefaults fills what is zero. HeaderVersion 0 is a version and stays.
func (c Config) WithDefaults() Config {
	d := DefaultConfig()
	for _, f := range [...]struct{ have, want *time.Duration }{
		{&c.DialTimeout, &d.DialTimeout},
		{&c.NegotiationTimeout, &d.NegotiationTimeout},
		{&c.Silence, &d.Silence},
		{&c.BackoffBase, &d.BackoffBase},
		{&c.BackoffCap, &d.BackoffCap},
	} {
		if *f.have == 0 {
			*f.have = *f.want
		}
	}
	for _, f := range [...]struct{ have, want *int }{
		{&c.MaxWaiting, &d.MaxWaiting},
		{&c.MaxPending, &d.MaxPending},
		{&c.MaxChallenges, &d.MaxChallenges},
		{&c.MaxRequestBytes, &d.MaxRequestBytes},
	} {
		if *f.have == 0 {
			*f.have = *f.want
		}
	}
	return c
}
