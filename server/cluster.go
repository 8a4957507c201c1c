// A cluster on one machine: several servers that know each other, and the means to make
// it misbehave on purpose.

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server/replica"
	"github.com/a8011091/pegasus-reference/trace"
)

// ClusterConfig describes a cluster. The zero value is two metas and three replicas with
// the table "temp" on free ports of 127.0.0.1, without authentication.
type ClusterConfig struct {
	Metas    int // default 2
	Replicas int // default 3
	// Host that all nodes listen on; default 127.0.0.1.
	Host string
	// MetaPort and ReplicaPort are the first of consecutive ports; 0 means any.
	MetaPort    uint16
	ReplicaPort uint16
	Tables      []TableConfig // default: one, "temp"
	HPFields    bool          // see Meta

	Auth      Auth
	Mechanism sasl.Mechanism
	Access    Access
	SASLHost  string // see Config.Host
	Early     EarlyRequest
	EarlyCode protocol.ErrorCode // of EarlyRefuse; zero: ERR_SESSION_RESET
	Limits    Limits
	// ClientNegotiationTimeout, see Config.
	ClientNegotiationTimeout time.Duration

	// Storage of all replica servers together; it survives their restarts. Nil means
	// memory that ends with the cluster, see replica.NewMemory.
	Storage Storage
	Logger  *slog.Logger
	// Hooks returns what tells of one node; may be nil.
	Hooks  func(node string) Hooks
	Random io.Reader
	// Trace takes what happens to every node, see Config.Trace; nil, the default, costs nothing.
	Trace *trace.Live
	// Listen opens a node's socket; nil means TCP. It is called again when a node restarts,
	// with the address that it had.
	Listen func(ctx context.Context, node, address string) (net.Listener, error)
}

func (c ClusterConfig) withDefaults() ClusterConfig {
	if c.Metas == 0 {
		c.Metas = 2
	}
	if c.Replicas == 0 {
		c.Replicas = 3
	}
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.Tables == nil {
		c.Tables = []TableConfig{{Name: "temp"}}
	}
	if c.Storage == nil {
		c.Storage = replica.NewMemory()
	}
	if c.Listen == nil {
		c.Listen = func(ctx context.Context, _, address string) (net.Listener, error) { return listen(ctx, address) }
	}
	return c
}

func (c *ClusterConfig) validate() error {
	switch {
	case c.Metas < 1 || c.Metas > maxNodes:
		return &ConfigError{Field: "Metas", Why: fmt.Sprintf("is %d; choose 1 to %d", c.Metas, maxNodes)}
	case c.Replicas < 1 || c.Replicas > maxNodes:
		return &ConfigError{Field: "Replicas", Why: fmt.Sprintf("is %d; choose 1 to %d", c.Replicas, maxNodes)}
	case c.MetaPort != 0 && int(c.MetaPort)+c.Metas > 1<<16:
		return &ConfigError{Field: "MetaPort", Why: fmt.Sprintf("is %d, which leaves no room for %d metas", c.MetaPort, c.Metas)}
	case c.ReplicaPort != 0 && int(c.ReplicaPort)+c.Replicas > 1<<16:
		return &ConfigError{Field: "ReplicaPort", Why: fmt.Sprintf("is %d, which leaves no room for %d replicas", c.ReplicaPort, c.Replicas)}
	case c.MetaPort != 0 && c.ReplicaPort != 0 && int(c.MetaPort) < int(c.ReplicaPort)+c.Replicas && int(c.ReplicaPort) < int(c.MetaPort)+c.Metas:
		return &ConfigError{Field: "ReplicaPort", Why: "gives a meta and a replica the same port"}
	}
	return nil
}

// ErrNoNode is returned for a node that the cluster does not have.
var ErrNoNode = errors.New("no such node")

// Cluster is a running cluster. Its methods may be called from anywhere, but for its hooks.
type Cluster struct {
	cfg        ClusterConfig
	storage    sync.Mutex // of cfg.Storage
	changeable bool       // requests may change tables
	spreading  sync.WaitGroup

	mu       sync.Mutex // of what follows, and held while nodes start and stop
	nodes    []*member  // metas first
	leader   netip.AddrPort
	topology *Topology // replaced, not changed
	registry Registry  // the last that a meta told of
	closed   bool
}

// member is one node of a cluster.
type member struct {
	name   string
	meta   bool
	port   uint16 // that it is to have; 0: any
	addr   netip.AddrPort
	server *Server // nil while the node is down
}

// StartCluster starts every node and returns when all accept connections. The first meta
// leads. Nodes are named meta1, meta2 .. and replica1, replica2 ..
func StartCluster(cfg ClusterConfig) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg.withDefaults(), changeable: true}
	listeners, err := c.listen()
	if err != nil {
		return nil, err
	}
	if err = c.assign(); err != nil {
		return nil, errors.Join(err, closeAll(listeners))
	}
	for i, m := range c.nodes {
		if m.server, err = Start(context.Background(), c.config(m, listeners[i])); err != nil {
			return nil, errors.Join(fmt.Errorf("start %s: %w", m.name, err), closeAll(listeners[i+1:]), c.Close())
		}
	}
	return c, nil
}

// Validate finds what cannot work without opening anything, with addresses that stand for
// those that listening will tell. StartCluster does so first. Errors: *ConfigError.
func (c ClusterConfig) Validate() error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	if host, err := netip.ParseAddr(c.Host); err == nil && !usable(netip.AddrPortFrom(host, 1)) {
		return &ConfigError{Field: "Host", Why: fmt.Sprintf("is %q, which clients cannot be told; give an IPv4 address of this machine", c.Host)}
	}
	r := &Cluster{cfg: c, changeable: true}
	return r.settle(func(i int, _ *member) netip.AddrPort { return netip.AddrPortFrom(anywhere.Addr(), uint16(i+1)) })
}

// settle gives every node an address and every table its place, and finds what cannot work
// then: of the first meta and the first replica, which the others are like.
func (c *Cluster) settle(address func(i int, m *member) netip.AddrPort) error {
	for i := range c.cfg.Metas + c.cfg.Replicas {
		m := c.place(i)
		m.addr = address(i, m)
		c.nodes = append(c.nodes, m)
	}
	if err := c.assign(); err != nil {
		return err
	}
	for _, m := range []*member{c.nodes[0], c.nodes[c.cfg.Metas]} {
		cfg := c.duties(m)
		cfg.Listen = m.addr.String()
		cfg = cfg.withDefaults()
		if err := cfg.validate(); err != nil {
			return fmt.Errorf("start %s: %w", m.name, err)
		}
	}
	return nil
}

// assign spreads the tables, now that nodes have addresses. The first meta leads.
func (c *Cluster) assign() (err error) {
	c.leader = c.nodes[0].addr
	c.topology, err = NewTopology(c.Metas(), c.Replicas(), c.cfg.Tables)
	return err
}

// listen opens every node's socket, so that all addresses are known before any node starts.
func (c *Cluster) listen() ([]net.Listener, error) {
	var listeners []net.Listener
	for i := range c.cfg.Metas + c.cfg.Replicas {
		m := c.place(i)
		l, err := c.cfg.Listen(context.Background(), m.name, m.address(c.cfg.Host))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start %s: %w", m.name, err), closeAll(listeners))
		}
		listeners = append(listeners, l)
		if m.addr = addrPort(l.Addr()); !usable(m.addr) {
			return nil, errors.Join(&ConfigError{Field: "Host", Why: fmt.Sprintf("is %q, where %s listens on %v, which clients cannot be told; give an IPv4 address", c.cfg.Host, m.name, l.Addr())}, closeAll(listeners))
		}
		c.nodes = append(c.nodes, m)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// config is what a node is started with.
func (c *Cluster) config(m *member, l net.Listener) Config {
	cfg := c.duties(m)
	cfg.Listener = l
	if c.cfg.Logger != nil {
		cfg.Logger = c.cfg.Logger.With("node", m.name)
	}
	if c.cfg.Hooks != nil {
		cfg.Hooks = c.cfg.Hooks(m.name)
	}
	if c.cfg.Trace != nil {
		cfg.Trace = c.cfg.Trace.Node(m.name)
	}
	return cfg
}

// duties are what a node does, and for whom; who is told of it is left out.
func (c *Cluster) duties(m *member) Config {
	cfg := Config{
		Advertise: m.addr,
		Auth:      c.cfg.Auth, Mechanism: c.cfg.Mechanism, Access: c.cfg.Access, Host: c.cfg.SASLHost, Early: c.cfg.Early, EarlyCode: c.cfg.EarlyCode, Limits: c.cfg.Limits,
		ClientNegotiationTimeout: c.cfg.ClientNegotiationTimeout, Random: c.cfg.Random,
	}
	if m.meta {
		cfg.Meta = &Meta{
			Leader: c.leader, Tables: c.topology.Tables, HPFields: c.cfg.HPFields,
			Nodes: c.Replicas(), Metas: c.Metas(), Registry: c.registry,
		}
		if c.changeable {
			cfg.Meta.OnTables = c.tablesChanged
		}
	} else {
		cfg.Replica = &Replica{Partitions: c.topology.Held(m.addr), Storage: &sharedStorage{mu: &c.storage, storage: c.cfg.Storage}}
	}
	return cfg
}

// Metas returns the meta servers' addresses.
func (c *Cluster) Metas() []netip.AddrPort { return c.addresses(true) }

// Replicas returns the replica servers' addresses.
func (c *Cluster) Replicas() []netip.AddrPort { return c.addresses(false) }

func (c *Cluster) addresses(meta bool) []netip.AddrPort {
	var out []netip.AddrPort
	for _, m := range c.nodes {
		if m.meta == meta {
			out = append(out, m.addr)
		}
	}
	return out
}

// Nodes returns the nodes' names, metas first.
func (c *Cluster) Nodes() []string {
	var out []string
	for _, m := range c.nodes {
		out = append(out, m.name)
	}
	return out
}

// Topology returns where everything is now. It is not to be changed.
func (c *Cluster) Topology() *Topology {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.topology
}

// Addr returns a node's address; the zero AddrPort where there is no such node.
func (c *Cluster) Addr(node string) netip.AddrPort {
	if m := c.find(node); m != nil {
		return m.addr
	}
	return netip.AddrPort{}
}

func (c *Cluster) find(node string) *member {
	if i := slices.IndexFunc(c.nodes, func(m *member) bool { return m.name == node }); i >= 0 {
		return c.nodes[i]
	}
	return nil
}

// Stats returns a node's numbers since it started; zero while it is down.
func (c *Cluster) Stats(node string) (Stats, error) {
	m := c.find(node)
	if m == nil {
		return Stats{}, fmt.Errorf("numbers of %q: %w; there are %s", node, ErrNoNode, strings.Join(c.Nodes(), ", "))
	}
	c.mu.Lock()
	s := m.server
	c.mu.Unlock()
	if s == nil {
		return Stats{}, nil
	}
	return s.Stats(), nil
}

// Kill ends nodes as the death of their process would: sockets close, sessions are
// forgotten, rows are kept. A node that is down stays down.
func (c *Cluster) Kill(nodes ...string) error { return c.each("kill", nodes, c.kill) }

// Restart kills nodes that are up and starts them again, at the same addresses, all down
// before the first is up.
func (c *Cluster) Restart(nodes ...string) error {
	return errors.Join(c.each("restart", nodes, c.kill), c.each("restart", nodes, c.revive))
}

func (c *Cluster) kill(m *member) error {
	if m.server == nil {
		return nil
	}
	err := m.server.Kill()
	m.server = nil
	return err
}

func (c *Cluster) revive(m *member) error {
	if m.server != nil {
		return nil
	}
	cfg := c.config(m, nil)
	traceStart(cfg.Trace, m.addr)
	cfg.announced = true
	var err error
	if cfg.Listener, err = c.cfg.Listen(context.Background(), m.name, m.addr.String()); err != nil {
		traceEnd(cfg.Trace, "cannot listen")
		return err
	}
	m.server, err = Start(context.Background(), cfg)
	return err
}

// SetLeader makes a meta lead, and tells every meta that is up; one that starts later
// learns it then. Leadership moves in no other way: a leader that is down is still named.
func (c *Cluster) SetLeader(node string) error {
	return c.each("make leader", []string{node}, func(m *member) error {
		if !m.meta {
			return fmt.Errorf("%w among the metas", ErrNoNode)
		}
		c.leader = m.addr
		for _, other := range c.nodes {
			if other.meta && other.server != nil {
				if err := other.server.SetLeader(c.leader); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// each does one thing to nodes, one after another.
func (c *Cluster) each(what string, nodes []string, f func(*member) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, name := range nodes {
		m, err := c.find(name), ErrClosed
		switch {
		case m == nil:
			err = fmt.Errorf("%w; there are %s", ErrNoNode, strings.Join(c.Nodes(), ", "))
		case !c.closed:
			err = f(m)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", what, name, err))
		}
	}
	return errors.Join(errs...)
}

// Close ends every node, and the cluster. It returns why nodes had ended by themselves.
func (c *Cluster) Close() error {
	err := c.closeNodes()
	c.spreading.Wait() // nobody begins any more
	return err
}

func (c *Cluster) closeNodes() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, m := range c.nodes {
		if m.server != nil {
			errs = append(errs, m.server.Close())
			m.server = nil
		}
	}
	return errors.Join(errs...)
}
