// One node of a cluster in a process of its own.

package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// StartNode starts one node of the cluster that cfg describes, named as StartCluster names
// it. Processes that are given the same configuration agree on every address and partition,
// so both ports have to be given, and the first meta leads until SetLeader says otherwise.
// cfg.Storage is this node's: nothing is shared between processes.
func StartNode(ctx context.Context, cfg ClusterConfig, name string) (*Server, error) {
	c, err := planned(cfg)
	if err != nil {
		return nil, err
	}
	m := c.find(name)
	if m == nil {
		return nil, fmt.Errorf("start %s: %w; there are %s", name, ErrNoNode, strings.Join(c.Nodes(), ", "))
	}
	l, err := c.cfg.Listen(ctx, m.name, m.addr.String())
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s, err := Start(ctx, c.config(m, l))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return s, nil
}

// Topology is where everything of the cluster is, for nodes in processes of their own: see
// StartNode. Errors: *ConfigError.
func (c ClusterConfig) Topology() (*Topology, error) {
	cluster, err := planned(c)
	if err != nil {
		return nil, err
	}
	return cluster.topology, nil
}

func planned(cfg ClusterConfig) (*Cluster, error) {
	c := &Cluster{cfg: cfg.withDefaults()}
	if err := c.cfg.validate(); err != nil {
		return nil, err
	}
	return c, c.plan()
}

// plan gives every node its address, and finds what cannot work, without opening anything.
func (c *Cluster) plan() error {
	host, err := netip.ParseAddr(c.cfg.Host)
	if err != nil || !usable(netip.AddrPortFrom(host, 1)) {
		return &ConfigError{Field: "Host", Why: fmt.Sprintf("is %q; nodes in processes of their own need an IPv4 address that clients know", c.cfg.Host)}
	}
	if c.cfg.MetaPort == 0 || c.cfg.ReplicaPort == 0 {
		return &ConfigError{Field: "MetaPort and ReplicaPort", Why: "are needed by nodes in processes of their own: how else would they know each other"}
	}
	return c.settle(func(_ int, m *member) netip.AddrPort { return netip.AddrPortFrom(host, m.port) })
}

// place names the i-th node and says which port it is to have; 0 means any.
func (c *Cluster) place(i int) *member {
	meta, n, port := true, i, c.cfg.MetaPort
	if i >= c.cfg.Metas {
		meta, n, port = false, i-c.cfg.Metas, c.cfg.ReplicaPort
	}
	if port != 0 {
		port += uint16(n)
	}
	return &member{name: nodeName(meta, n), meta: meta, port: port}
}

// address is what a node without an address yet listens on.
func (m *member) address(host string) string {
	return net.JoinHostPort(host, strconv.Itoa(int(m.port)))
}
