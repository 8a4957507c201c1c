// Tables that requests create and drop: one meta server decides, the cluster carries it to
// the others. In upstream the meta server does, by requests of its own.

package server

import (
	"errors"
)

// tablesChanged is told by a meta server's goroutine, which must not wait for the cluster.
func (c *Cluster) tablesChanged(r Registry) {
	c.spreading.Go(func() { c.spread(r) })
}

// spread tells every node that is up: replica servers first, so that a client that learns of
// a partition finds it served. A node that is down learns it when it starts.
func (c *Cluster) spread(r Registry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || r.Version <= c.registry.Version {
		return
	}
	c.registry = r
	c.topology = &Topology{Metas: c.topology.Metas, Replicas: c.topology.Replicas, Tables: r.Tables}
	for _, meta := range [...]bool{false, true} {
		for _, m := range c.nodes {
			if m.meta != meta || m.server == nil {
				continue
			}
			if err := c.tell(m, r); err != nil && !errors.Is(err, ErrClosed) && c.cfg.Logger != nil {
				c.cfg.Logger.Error("a node was not told that tables have changed", "node", m.name, "err", err)
			}
		}
	}
}

func (c *Cluster) tell(m *member, r Registry) error {
	if m.meta {
		return m.server.SetTables(r)
	}
	return m.server.SetPartitions(c.topology.Held(m.addr))
}
