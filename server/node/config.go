// What a node is, whom it lets in, and how much it takes: Config, with defaults.

// Package node is the core of a whole server node: it accepts connections, keeps the gate
// in front of every request, negotiates, and composes a meta and a replica server.
package node

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/server/replica"
)

// Auth says whether a node negotiates, and whether it insists.
type Auth struct {
	// Enabled: negotiation is offered. Where it is not, RPC_NEGOTIATION is answered with
	// SASL_AUTH_DISABLE and everything is served.
	Enabled bool
	// Mandatory: nothing but negotiation is executed before it succeeded. It needs Enabled.
	Mandatory bool
}

// EarlyRequest says what happens to a request that comes before its connection's
// negotiation succeeded, where authentication is mandatory.
type EarlyRequest uint8

// Policies. The first three negotiate on, which cures clients that send too early.
const (
	EarlyRefuse EarlyRequest = iota // answered with Config.EarlyCode; ERR_SESSION_RESET, which clients retry, unless told otherwise
	EarlyHold                       // kept, within limits, and executed after success; refused at the limit
	EarlyDrop                       // forgotten without an answer
	EarlyClose                      // the connection is closed, as released upstream servers do
	EarlyHang                       // the connection is read and thrown away for ever, never written to, as upstream's master does

	earlyCount
)

// earlyNames is indexed by EarlyRequest; nothing writes it.
var earlyNames = [earlyCount]string{"refuse", "hold", "drop", "close", "hang"}

// String returns the policy's name on the command line.
func (e EarlyRequest) String() string {
	if e >= earlyCount {
		return "unknown policy"
	}
	return earlyNames[e]
}

// ParseEarlyRequest is the inverse of String.
func ParseEarlyRequest(name string) (EarlyRequest, error) {
	for e := range earlyCount {
		if earlyNames[e] == name {
			return e, nil
		}
	}
	return 0, fmt.Errorf("early-request policy %q is unknown; choose one of %s", name, strings.Join(earlyNames[:], ", "))
}

// Limits bound a node. A zero field means its default.
type Limits struct {
	// MaxConns open at once, mute ones included; one more is closed as it comes. Default 10,000.
	MaxConns int
	// MaxHalfOpen connections whose negotiation deadline runs; for one more the oldest of the
	// address that has most of them is closed, or that one, where its own has as many. Default 4,096.
	MaxHalfOpen int
	// NegotiationTimeout is one deadline for the whole negotiation: from accept where
	// authentication is mandatory, else from the first negotiation message, to success.
	// It is the counterpart of the client's negotiation deadline and has to be longer, so
	// that the client, which knows why it waits, gives up first. Default 15 s, beyond the
	// 10 s after which upstream's clients give a message up.
	NegotiationTimeout time.Duration
	// MaxTokenBytes of one token from the peer; a larger one fails its negotiation. Default 64 KiB.
	MaxTokenBytes int
	// MaxRounds of tokens in one negotiation. Default 8.
	MaxRounds int
	// MaxHeldRequests and MaxHeldBytes of one connection, under EarlyHold. What does not
	// fit is refused as under EarlyRefuse. Default 128 and 4 MiB.
	MaxHeldRequests int
	MaxHeldBytes    int
	// Frame bounds the requests and the undecoded bytes of one connection, which is closed
	// beyond. Default: frames of 4 MiB, names of 128 bytes, 8 MiB in all.
	Frame protocol.Limits
	// MaxBufferedBytes, undecoded and held, of all connections together; beyond, the connection
	// that has most of them is closed, of those first that have not authenticated. Default 256 MiB.
	MaxBufferedBytes int
	// MaxOutputBytes that one event may make the node write to one connection; it is
	// closed beyond, as a peer that does not read is. Default 64 MiB.
	MaxOutputBytes int
}

// WithDefaults returns the limits that will be in force.
func (l Limits) WithDefaults() Limits {
	l.MaxConns = orDefault(l.MaxConns, 10_000)
	l.MaxHalfOpen = orDefault(l.MaxHalfOpen, 4_096)
	l.NegotiationTimeout = orDefault(l.NegotiationTimeout, 15*time.Second)
	l.MaxTokenBytes = orDefault(l.MaxTokenBytes, 64<<10)
	l.MaxRounds = orDefault(l.MaxRounds, 8)
	l.MaxHeldRequests = orDefault(l.MaxHeldRequests, 128)
	l.MaxHeldBytes = orDefault(l.MaxHeldBytes, 4<<20)
	l.Frame.MaxFrameBytes = orDefault(l.Frame.MaxFrameBytes, 4<<20)
	l.Frame.MaxNameBytes = orDefault(l.Frame.MaxNameBytes, 128)
	l.Frame.MaxBufferedBytes = orDefault(l.Frame.MaxBufferedBytes, 2*l.Frame.MaxFrameBytes)
	l.MaxBufferedBytes = orDefault(l.MaxBufferedBytes, 256<<20)
	l.MaxOutputBytes = orDefault(l.MaxOutputBytes, 64<<20)
	return l
}

func orDefault[T int | time.Duration | protocol.ErrorCode](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Config describes a node.
type Config struct {
	Self      netip.AddrPort // as clients know it
	Auth      Auth
	Mechanism string // name of the only SASL mechanism, where authentication is enabled
	Access    Access // who may do what
	Early     EarlyRequest
	EarlyCode protocol.ErrorCode // what EarlyRefuse answers; CodeUnknown, its zero value: ERR_SESSION_RESET
	Limits    Limits
	Meta      *meta.Config    // nil: not a meta server
	Replica   *replica.Config // nil: not a replica server
}

// ConfigError says which part of a configuration cannot work.
type ConfigError struct {
	Field string
	Why   string
}

// Error implements error.
func (e *ConfigError) Error() string { return fmt.Sprintf("configure node: %s %s", e.Field, e.Why) }

// Validate returns a *ConfigError, or one of meta's or replica's, for the first thing
// that cannot work.
func (c *Config) Validate() error {
	switch {
	case c.Meta == nil && c.Replica == nil:
		return &ConfigError{Field: "Meta and Replica", Why: "are both missing; the node would serve nothing"}
	case c.Auth.Mandatory && !c.Auth.Enabled:
		return &ConfigError{Field: "Auth", Why: "is mandatory but not enabled; nobody could get in"}
	case c.Auth.Enabled && c.Mechanism == "":
		return &ConfigError{Field: "Mechanism", Why: "is missing; authentication is enabled and needs one"}
	case c.Early >= earlyCount:
		return &ConfigError{Field: "Early", Why: fmt.Sprintf("is %d, which is no policy", c.Early)}
	case !c.EarlyCode.IsError() && c.EarlyCode != protocol.CodeUnknown:
		return &ConfigError{Field: "EarlyCode", Why: fmt.Sprintf("is %v; a request that is refused is answered with an error that has a name", c.EarlyCode)}
	}
	if err := c.Access.validate(c.Auth, c.Mechanism); err != nil {
		return err
	}
	if err := c.Limits.validate(); err != nil {
		return err
	}
	if c.Meta != nil {
		if err := c.Meta.Validate(); err != nil {
			return err
		}
	}
	if c.Replica != nil {
		return c.Replica.Validate()
	}
	return nil
}

func (l *Limits) validate() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxConns", int64(l.MaxConns)},
		{"MaxHalfOpen", int64(l.MaxHalfOpen)},
		{"NegotiationTimeout", int64(l.NegotiationTimeout)},
		{"MaxTokenBytes", int64(l.MaxTokenBytes)},
		{"MaxRounds", int64(l.MaxRounds)},
		{"MaxHeldRequests", int64(l.MaxHeldRequests)},
		{"MaxHeldBytes", int64(l.MaxHeldBytes)},
		{"Frame.MaxFrameBytes", int64(l.Frame.MaxFrameBytes)},
		{"Frame.MaxNameBytes", int64(l.Frame.MaxNameBytes)},
		{"Frame.MaxBufferedBytes", int64(l.Frame.MaxBufferedBytes)},
		{"MaxBufferedBytes", int64(l.MaxBufferedBytes)},
		{"MaxOutputBytes", int64(l.MaxOutputBytes)},
	} {
		if f.value < 0 {
			return &ConfigError{Field: "Limits." + f.name, Why: fmt.Sprintf("is %d; choose a positive number, or 0 for the default", f.value)}
		}
	}
	if d := l.WithDefaults(); d.Frame.MaxBufferedBytes < d.Frame.MaxFrameBytes {
		return &ConfigError{Field: "Limits.Frame.MaxBufferedBytes", Why: "is below MaxFrameBytes; no frame of that size could arrive"}
	}
	return nil
}
