// What an application says when it opens a client, and the defaults.

// Package client is a Pegasus client: tables of hash keys and sort keys behind a cluster
// of meta and replica servers, over sessions that negotiate and come back by themselves.
//
//	c, err := client.Open(ctx, client.Config{
//		Metas:     []string{"meta1:34601", "meta2:34601"},
//		Mechanism: mechanism,
//	})
//	...
//	defer c.Close()
//	value, err := c.Table("temp").Get(ctx, []byte("hash"), []byte("sort"))
//
// What the client does is decided by the core in client/routing; this package carries
// bytes, time and tokens to it and back.
package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/trace"
)

// What configures the cores, under the names of this package.
type (
	// Auth says what a connection must have shown before it carries requests.
	Auth = session.Auth
	// State is the state of a session.
	State = session.State
	// Reason says why a connection ended, or a call could not be answered.
	Reason = session.Reason
)

// Modes of authentication, see client/session. The zero value is the strict one.
const (
	AuthRequired  = session.AuthRequired
	AuthPreferred = session.AuthPreferred
	AuthOff       = session.AuthOff
)

// States of a session, see client/session.
const (
	StateIdle        = session.StateIdle
	StateDialing     = session.StateDialing
	StateNegotiating = session.StateNegotiating
	StateReady       = session.StateReady
	StateBackoff     = session.StateBackoff
	StateDraining    = session.StateDraining
	StateClosed      = session.StateClosed
)

// Config describes a client. Only Metas is needed, and a Mechanism unless Auth is
// AuthOff. A zero field means its default.
type Config struct {
	// Metas are the meta servers, each host:port, at most 16 addresses. Names are resolved
	// once, when the client is opened; other metas are learned from redirects. IPv4 only:
	// addresses travel as such.
	Metas []string

	// Tables are opened by Open, which fails if one of them cannot be. Others are opened
	// by their first use.
	Tables []string

	Auth      Auth
	Mechanism sasl.Mechanism
	// Credentials keeps fresh what Mechanism presents: a *kerberos.Credentials, which is also
	// the mechanism's source. A negotiation waits for its ticket, within NegotiationTimeout.
	// nil: Mechanism has what it needs. Several clients may share one; whoever opened it
	// closes it, after the clients.
	Credentials Credentials
	// AllowTestMechanism lets AuthRequired be satisfied by the test mechanism of package
	// sasl, which protects nothing.
	AllowTestMechanism bool
	// ServerName returns the name by which Mechanism knows a server; default: the host of
	// Metas that was resolved to its address, else the address itself. It is called for each
	// connection, by several goroutines at once, the one that drives the client among them: it
	// must be safe for concurrent use, must return soon (so look nothing up in it), and must
	// not call methods of the client.
	ServerName func(addr netip.AddrPort) string

	// OperationTimeout is for calls whose context has no deadline; default 1 s. It
	// travels with each request. Server counterpart: upstream drops a request unexecuted that
	// waited longer, where it is configured to; the reference server heeds it not.
	OperationTimeout time.Duration
	// OpenTimeout is for Open where its context has no deadline; default 10 s. It has no
	// server counterpart.
	OpenTimeout time.Duration
	// DialTimeout is for the TCP handshake; default 1 s. Server counterpart: none; the
	// kernel completes handshakes as long as the listen backlog has room.
	DialTimeout time.Duration
	// NegotiationTimeout is for the whole negotiation of one connection; default 5 s.
	// Server counterpart: the server's negotiation timeout, which must be longer, so that
	// it is the client that gives up, and knows (reference server: 15 s).
	NegotiationTimeout time.Duration
	// ServerNegotiationTimeout is what the servers have set, where that is known. Open warns,
	// in the log and in Health, where NegotiationTimeout is not below it: it would then be
	// the server that gives up, and the client that is left waiting.
	ServerNegotiationTimeout time.Duration
	// MetaTimeout is for one meta server to answer one query; default 1 s. Then another
	// is asked. Server counterpart: none.
	MetaTimeout time.Duration
	// SilenceTimeout closes a connection on which nothing at all was received for so long
	// after something was asked; default 10 s. Server counterpart: the longest that the
	// server takes for one request (upstream: 30 s for range reads, which this client does
	// not offer), if that is all that is asked of it.
	SilenceTimeout time.Duration
	// ReconnectCap is the most that passes between two attempts to connect to a server, and
	// between two rounds of asking all meta servers; default 1 s. The first attempt after the
	// loss of a connection that was of use is made at once. Server counterpart: its limits of
	// connections and of negotiations under way, for all clients at once.
	ReconnectCap time.Duration

	// Lazy: do not hold sessions ready that no call needs right now.
	Lazy bool

	// What is beyond a limit fails with ErrOverloaded and a *LimitError that names the limit.

	// MaxOperations is how many calls may be outstanding; default 16384. Of these one session
	// holds 4096 that are written and 4096 that wait.
	MaxOperations int
	// MaxOutstandingBytes is how large the requests of all outstanding calls may be together;
	// default 256 MiB, or MaxRequestBytes where that is more.
	MaxOutstandingBytes int
	// MaxRequestBytes is how large one request may be, keys and value; default 4 MiB. More is
	// ErrBadArgument. Server counterpart: its limit of a write (reference server:
	// Replica.MaxWriteBytes, and upstream: 1 MiB), beyond which it refuses.
	MaxRequestBytes int
	// MaxTables is how many tables may be in use; default 64. One that was found is in use
	// until the client is closed.
	MaxTables int
	// MaxSessions is how many servers may be in use, meta servers among them; default 256.
	MaxSessions int
	// MaxFrameBytes is the largest answer that is taken; default protocol.DefaultLimits,
	// 32 MiB.
	MaxFrameBytes int
	// MaxUnsentBytes is how much may wait for one server to read it beside the requests that
	// calls wait for, which MaxOutstandingBytes limits; default 32 MiB. It is what calls have
	// left behind that are over. The connection is closed beyond.
	MaxUnsentBytes int

	// OnSession is called when a session's state changes, by the goroutine that drives
	// the client: it must return soon and must not call methods of the client.
	OnSession func(SessionChange)

	// OnCredential is called when the state of a credential changes: fetched, due for
	// renewal, expired, refused, no KDC; and by Open, with the state that each has then, which
	// may be told twice. Otherwise it is called by the goroutine that drives Credentials, never
	// twice at once. It must return soon, and must call neither their methods nor the client's.
	OnCredential func(CredentialChange)

	// Logger has warnings of what somebody has to look at (a ready connection is lost, the
	// first of several negotiations fails), and sessions' other changes below that. Never
	// tokens, keys or values; default: nothing is logged.
	Logger *slog.Logger

	// Trace takes what happens to the client as events of package trace, never tokens, keys
	// or values; nil, the default, costs nothing.
	Trace *trace.Node

	// Dial opens connections; default: TCP, with keep-alive probes from 10 s of idleness
	// on, so that a connection is found out whose server lost power while nothing was asked
	// of it. It must return when its context ends.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Random is for the mechanism's nonces; default crypto/rand. It must be safe for
	// concurrent use.
	Random io.Reader
	// Jitter is what intervals between attempts are drawn from; default: seeded at random. The
	// client draws without a lock: a source of its own for each client, also where a Config is
	// used for several.
	Jitter mathrand.Source
}

// SessionChange is one change of one session's state.
type SessionChange struct {
	Addr   netip.AddrPort
	State  State
	Step   session.Step    // of the negotiation, in StateNegotiating
	Reason Reason          // why the connection before ended, if it did
	Conn   protocol.ConnID // zero: no connection
}

// ConfigError says which part of a configuration cannot work.
type ConfigError struct {
	Field string
	Why   string
	Err   error // what was found, if it is an error of its own
}

// Error implements error.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("configure client: %s %s", e.Field, e.Why)
}

// Unwrap returns the cause, if there is one.
func (e *ConfigError) Unwrap() error { return e.Err }

func (c Config) withDefaults() Config {
	if c.OperationTimeout == 0 {
		c.OperationTimeout = time.Second
	}
	if c.NegotiationTimeout == 0 {
		c.NegotiationTimeout = session.DefaultConfig().NegotiationTimeout
	}
	if c.OpenTimeout == 0 {
		c.OpenTimeout = 10 * time.Second
	}
	d := routing.DefaultConfig()
	c.MaxOperations = cmp.Or(c.MaxOperations, d.MaxOps)
	c.MaxTables = cmp.Or(c.MaxTables, d.MaxTables)
	c.MaxSessions = cmp.Or(c.MaxSessions, d.MaxSessions)
	c.MaxRequestBytes = cmp.Or(c.MaxRequestBytes, d.Session.MaxRequestBytes)
	c.MaxOutstandingBytes = cmp.Or(c.MaxOutstandingBytes, max(256<<20, c.MaxRequestBytes))
	if c.MaxUnsentBytes == 0 {
		c.MaxUnsentBytes = 32 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Dial == nil {
		keepAlive := net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}
		c.Dial = (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Jitter == nil {
		c.Jitter = mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64())
	}
	return c
}

// routing is what the core is given, now that the metas' addresses are known.
func (c *Config) routing(metas []netip.AddrPort) routing.Config {
	r := routing.Config{
		Metas:       metas,
		KeepReady:   !c.Lazy,
		MetaTimeout: c.MetaTimeout,
		MaxTables:   c.MaxTables,
		MaxSessions: c.MaxSessions,
		MaxOps:      c.MaxOperations,
		Session: session.Config{
			Auth:               c.Auth,
			HeaderVersion:      1,
			DialTimeout:        c.DialTimeout,
			NegotiationTimeout: c.NegotiationTimeout,
			Silence:            c.SilenceTimeout,
			BackoffCap:         c.ReconnectCap,
			MaxRequestBytes:    c.MaxRequestBytes,
			Limits:             protocol.Limits{MaxFrameBytes: c.MaxFrameBytes},
		},
	}
	if c.ReconnectCap > 0 {
		d := routing.DefaultConfig()
		r.RoundCap, r.RetryCap = c.ReconnectCap, min(d.RetryCap, c.ReconnectCap)
		r.RetryBase = min(d.RetryBase, c.ReconnectCap)
		r.Session.BackoffBase = min(d.Session.BackoffBase, c.ReconnectCap)
	}
	if c.Mechanism != nil {
		r.Session.Mechanism = c.Mechanism.Name()
	}
	return r
}

// resolve looks the metas up. names has the host of each address.
func (c *Config) resolve(ctx context.Context) (metas []netip.AddrPort, names map[netip.AddrPort]string, err error) {
	names = make(map[netip.AddrPort]string)
	for _, meta := range c.Metas {
		host, port, err := net.SplitHostPort(meta)
		if err != nil {
			return nil, nil, &ConfigError{Field: "Metas", Why: fmt.Sprintf("has %q, which is not host:port", meta), Err: err}
		}
		number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
		if err != nil {
			return nil, nil, &ConfigError{Field: "Metas", Why: fmt.Sprintf("has %q, whose port is none", meta), Err: err}
		}
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		if err != nil {
			return nil, nil, fmt.Errorf("open client: look up meta server %s: %w", meta, err)
		}
		for _, a := range addrs {
			at := netip.AddrPortFrom(a.Unmap(), uint16(number))
			if _, known := names[at]; !known {
				names[at] = host
				metas = append(metas, at)
			}
		}
	}
	return metas, names, nil
}
