// What a server is given: address, roles, whom it lets in, limits, hooks.

// Package server runs a Pegasus meta or replica server, or both in one, over real
// connections, and whole clusters of them in one process for tests.
//
// What a server does is decided by the core in server/node; this package carries bytes,
// time and tokens to it and back.
package server

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/server/replica"
	"github.com/a8011091/pegasus-reference/trace"
)

// What configures the core, under the names of this package.
type (
	// Auth says whether a server negotiates, and whether it insists.
	Auth = node.Auth
	// EarlyRequest says what happens to a request that comes before its connection's
	// negotiation succeeded.
	EarlyRequest = node.EarlyRequest
	// Access says who may do what.
	Access = node.Access
	// Pattern is a set of principals; ParsePattern makes one.
	Pattern = node.Pattern
	// Limits bound a server. A zero field means its default.
	Limits = node.Limits
	// Registry is what the meta servers of a cluster agree on.
	Registry = meta.Registry
	// Table is one table and where its partitions are.
	Table = meta.Table
	// Partition is one partition that a replica server holds.
	Partition = replica.Partition
	// Storage keeps a replica server's rows.
	Storage = replica.Storage
)

// Rows of Access.May.
const (
	OperationQuery = node.OperationQuery
	OperationRead  = node.OperationRead
	OperationWrite = node.OperationWrite
	OperationAdmin = node.OperationAdmin
)

// ParsePattern reads a pattern of principals: name@REALM, name/host@REALM, name/*@REALM or
// *; see server/node. Errors: *node.PatternError.
func ParsePattern(text string) (Pattern, error) { return node.ParsePattern(text) }

// Policies for early requests, see server/node.
const (
	EarlyRefuse = node.EarlyRefuse
	EarlyHold   = node.EarlyHold
	EarlyDrop   = node.EarlyDrop
	EarlyClose  = node.EarlyClose
	EarlyHang   = node.EarlyHang
)

// Meta makes a server a meta server.
type Meta struct {
	Leader netip.AddrPort // zero: this server leads
	Tables []Table
	// Nodes are the replica servers, and Metas the meta servers: told to who asks for them.
	Nodes, Metas []netip.AddrPort
	// OnTables is called, as a hook is, when a request has changed the tables, with all of
	// them: the other servers have to be told, see Server.SetTables. Nil: tables cannot be
	// changed by requests.
	OnTables func(Registry)
	// Registry has the tables instead of Tables where its Version is not zero.
	Registry Registry
	HPFields bool // adds host_port fields, which the released Java client 2.5.0 cannot read
}

// Replica makes a server a replica server.
type Replica struct {
	Partitions []Partition
	// Storage that outlives the server; used by the server's one goroutine only. Nil
	// means memory that ends with the server, see replica.NewMemory.
	Storage Storage
	// MaxWriteBytes is the largest body of a write; default 1 MiB.
	MaxWriteBytes int
}

// Hooks tell what happens. They are called by the goroutine that owns the core: they
// must return soon, and must not call methods of the same Server. A nil hook is not called;
// one that panics is a bug that is logged and counted in Stats.Panics, and the server goes on.
type Hooks struct {
	// Conn: a connection's state changed.
	Conn func(ConnChange)
	// Executed: a request other than negotiation passed the gate and was answered.
	Executed func(Execution)
	// Denied: a request passed the gate and was refused, because Config.Access does not
	// grant it.
	Denied func(Execution)
}

// ConnChange is one change of one connection's state.
type ConnChange struct {
	Conn      protocol.ConnID
	Peer      netip.AddrPort
	State     node.ConnState
	Cause     node.Cause   // of ConnGone and ConnMute
	Failure   node.Failure // of ConnGone: why its negotiation failed, where it did
	Principal string       // whole, once the mechanism has proved it
}

// Execution is one request that a handler was given, or that was denied.
type Execution struct {
	Conn          protocol.ConnID
	RPC           protocol.RPC
	Code          protocol.ErrorCode // of the answer
	Principal     string             // whole, as the mechanism proved it; empty where not authenticated
	User          string             // the same as upstream cuts it, see node.Username
	Authenticated bool
}

// Config describes one server.
type Config struct {
	// Listen is host:port; port 0 means any. IPv4 only: addresses travel as such.
	// Not used where Listener is given.
	Listen string
	// Listener to accept from; the server closes it, also where Start fails.
	Listener net.Listener
	// Advertise is the address that clients know; default: the listener's. It is needed
	// where the server listens on all interfaces.
	Advertise netip.AddrPort

	Meta    *Meta    // nil: not a meta server
	Replica *Replica // nil: not a replica server

	Auth      Auth
	Mechanism sasl.Mechanism // needed where Auth.Enabled
	Access    Access         // who may do what; it needs Auth.Enabled
	Host      string         // as SASL names this server; empty: whatever the client calls it
	Early     EarlyRequest
	EarlyCode protocol.ErrorCode // what EarlyRefuse answers; zero: ERR_SESSION_RESET

	Limits Limits // MaxOutputBytes, where it is zero, is MaxWriteQueue
	// ClientNegotiationTimeout is how long this cluster's clients give a whole negotiation,
	// where that is known: NegotiationTimeout of our client's Config. The server warns where
	// its own deadline, Limits.NegotiationTimeout, is not above it.
	ClientNegotiationTimeout time.Duration
	// MaxWriteQueue is how many bytes may wait for one peer to read them; it is
	// disconnected beyond. Default 32 MiB.
	MaxWriteQueue int
	// MaxWriteQueues is how many bytes may wait for all peers together; beyond, the peer for
	// which most of them wait is disconnected. Default 256 MiB, or MaxWriteQueue where that is
	// more.
	MaxWriteQueues int
	// WriteTimeout is how long one write may take; the peer is disconnected then.
	// Default 30 s.
	WriteTimeout time.Duration
	// FlushTimeout is how long a connection that is being closed may take to take what
	// was written to it. Default 1 s.
	FlushTimeout time.Duration

	Logger *slog.Logger // default: nothing is logged
	Hooks  Hooks
	Random io.Reader // of nonces; default crypto/rand. Must be safe for concurrent use

	// Trace takes what happens to the server as events of package trace, never tokens, keys
	// or values; nil, the default, costs nothing.
	Trace     *trace.Node
	announced bool // the trace has this start already
}

// ConfigError says which part of a configuration cannot work.
type ConfigError struct {
	Field string
	Why   string
	Err   error // what server/node, server/meta or server/replica refused; then Field and Why are empty
}

// Error implements error.
func (e *ConfigError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("configure server: %v", e.Err)
	}
	return fmt.Sprintf("configure server: %s %s", e.Field, e.Why)
}

// Unwrap returns what a core refused.
func (e *ConfigError) Unwrap() error { return e.Err }

func (c Config) withDefaults() Config {
	if c.MaxWriteQueue == 0 {
		c.MaxWriteQueue = 32 << 20
	}
	if c.MaxWriteQueues == 0 {
		c.MaxWriteQueues = max(256<<20, c.MaxWriteQueue)
	}
	if c.Limits.MaxOutputBytes == 0 {
		c.Limits.MaxOutputBytes = c.MaxWriteQueue
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 30 * time.Second
	}
	if c.FlushTimeout == 0 {
		c.FlushTimeout = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return c
}

// anywhere stands for an address that listening will tell.
var anywhere = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1)

// validate finds what cannot work before anything is opened.
func (c *Config) validate() error {
	switch {
	case c.Listen == "" && c.Listener == nil:
		return &ConfigError{Field: "Listen", Why: "is missing; give host:port, or a Listener"}
	case c.MaxWriteQueue < 0:
		return &ConfigError{Field: "MaxWriteQueue", Why: "is negative"}
	case c.MaxWriteQueues < c.MaxWriteQueue:
		return &ConfigError{Field: "MaxWriteQueues", Why: fmt.Sprintf("is %d, below MaxWriteQueue, which is %d", c.MaxWriteQueues, c.MaxWriteQueue)}
	case c.WriteTimeout < 0:
		return &ConfigError{Field: "WriteTimeout", Why: "is negative"}
	case c.ClientNegotiationTimeout < 0:
		return &ConfigError{Field: "ClientNegotiationTimeout", Why: "is negative"}
	case c.FlushTimeout < 0:
		return &ConfigError{Field: "FlushTimeout", Why: "is negative"}
	case c.Auth.Enabled && c.Mechanism == nil:
		return &ConfigError{Field: "Mechanism", Why: "is missing; authentication is enabled and needs one"}
	case c.Advertise.IsValid() && !usable(c.Advertise):
		return &ConfigError{Field: "Advertise", Why: fmt.Sprintf("is %v; clients need an IPv4 address and a port", c.Advertise)}
	}
	n := c.nodeConfig(cmp.Or(c.Advertise, anywhere))
	if err := n.Validate(); err != nil {
		return &ConfigError{Err: err}
	}
	return nil
}

// usable says that clients can be told this address.
func usable(a netip.AddrPort) bool {
	ip := a.Addr().Unmap()
	return ip.Is4() && !ip.IsUnspecified() && a.Port() != 0
}

// warnOfTimeouts compares the two deadlines of a negotiation, where the client's is known. A
// server that gives up first leaves its client with a closed connection and no reason; in
// docs/timeouts.md is what comes of it.
func warnOfTimeouts(c *Config) {
	own := c.Limits.WithDefaults().NegotiationTimeout
	if client := c.ClientNegotiationTimeout; c.Auth.Enabled && client > 0 && own <= client {
		c.Logger.Warn("the server's negotiation deadline is not above the client's: raise Limits.NegotiationTimeout here, or lower NegotiationTimeout in the client's configuration",
			"server Limits.NegotiationTimeout", own, "client NegotiationTimeout", client)
	}
}

// nodeConfig is what the core is given, now that the address is known.
func (c *Config) nodeConfig(self netip.AddrPort) node.Config {
	n := node.Config{Self: self, Auth: c.Auth, Access: c.Access, Early: c.Early, EarlyCode: c.EarlyCode, Limits: c.Limits}
	if c.Mechanism != nil {
		n.Mechanism = c.Mechanism.Name()
	}
	if m := c.Meta; m != nil {
		n.Meta = &meta.Config{Self: self, Leader: m.Leader, Tables: m.Tables, HPFields: m.HPFields,
			Nodes: m.Nodes, Metas: m.Metas, Changeable: m.OnTables != nil, Registry: m.Registry}
		if !m.Leader.IsValid() {
			n.Meta.Leader = self
		}
	}
	if r := c.Replica; r != nil {
		n.Replica = &replica.Config{Server: self.String(), Partitions: r.Partitions, Storage: r.Storage, MaxWriteBytes: r.MaxWriteBytes}
	}
	return n
}
