// What the nodes of a cluster agree on: who is where, and who serves which partition.
// It is a function of the configuration and the addresses, so that nodes in one process
// each, given the same, agree as well.

package server

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/server/replica"
)

// TableConfig is one table of a cluster.
type TableConfig struct {
	Name       string
	AppID      int32 // 0: its place in the list, counted from 1
	Partitions int   // 0: 8
	Copies     int   // of each partition, the primary's included; 0: 1
}

const (
	defaultPartitions = 8
	maxPartitions     = 1 << 16
	maxNodes          = 1 << 10
)

// Topology is where a cluster's nodes are and what they serve.
type Topology struct {
	Metas    []netip.AddrPort
	Replicas []netip.AddrPort
	Tables   []Table
}

// NewTopology spreads tables over replicas, see meta.NewTable.
func NewTopology(metas, replicas []netip.AddrPort, tables []TableConfig) (*Topology, error) {
	t := &Topology{Metas: metas, Replicas: replicas}
	for i, cfg := range tables {
		table, err := newTable(cfg, i, replicas)
		if err != nil {
			return nil, err
		}
		t.Tables = append(t.Tables, table)
	}
	return t, nil
}

func newTable(cfg TableConfig, place int, replicas []netip.AddrPort) (Table, error) {
	if cfg.AppID == 0 {
		cfg.AppID = int32(place + 1)
	}
	if cfg.Partitions == 0 {
		cfg.Partitions = defaultPartitions
	}
	if cfg.Copies == 0 {
		cfg.Copies = 1
	}
	refuse := func(why string, args ...any) (Table, error) {
		return Table{}, &ConfigError{Field: "Tables", Why: fmt.Sprintf("cannot have table %q: ", cfg.Name) + fmt.Sprintf(why, args...)}
	}
	switch {
	case cfg.Partitions < 0 || cfg.Partitions > maxPartitions:
		return refuse("%d partitions; choose 1 to %d", cfg.Partitions, maxPartitions)
	case cfg.Partitions&(cfg.Partitions-1) != 0:
		return refuse("%d partitions; choose a power of two", cfg.Partitions)
	case cfg.Copies < 0 || cfg.Copies > len(replicas):
		return refuse("%d copies of a partition on %d replica servers", cfg.Copies, len(replicas))
	}
	return meta.NewTable(cfg.Name, cfg.AppID, int32(cfg.Partitions), int32(cfg.Copies), replicas), nil
}

// Held returns the partitions that the replica server at addr holds.
func (t *Topology) Held(addr netip.AddrPort) []Partition {
	var held []Partition
	for _, table := range t.Tables {
		for i := range table.Partitions {
			p := &table.Partitions[i]
			if p.Primary == addr {
				held = append(held, Partition{PID: p.PID, Role: replica.RolePrimary})
			}
			for _, s := range p.Secondaries {
				if s == addr {
					held = append(held, Partition{PID: p.PID, Role: replica.RoleSecondary})
				}
			}
		}
	}
	return held
}

// nodeName names a node: meta1, meta2 .., replica1 ..
func nodeName(meta bool, place int) string {
	if meta {
		return "meta" + strconv.Itoa(place+1)
	}
	return "replica" + strconv.Itoa(place+1)
}
