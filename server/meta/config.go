// What a meta server knows when it starts: itself, the leader, the tables.

// Package meta is the core of a meta server: who leads, and which replica serves what.
// It is a function of requests and of what its owner sets.
package meta

import (
	"fmt"
	"net/netip"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Table is one table and where its partitions are.
type Table struct {
	Name  string
	AppID int32 // positive
	// Partitions, all of them, in order of index. PID may be left zero: New sets it.
	// The zero Primary means that the partition has none at the moment.
	Partitions []protocol.PartitionConfig
	// CreateSecond is when it was created, in Unix seconds; 0: before anybody counted.
	CreateSecond int64
}

// Config describes a meta server.
type Config struct {
	Self   netip.AddrPort
	Leader netip.AddrPort // Self where this server leads; zero where nobody is known to
	Tables []Table
	// Nodes are the replica servers, which tables that requests create are spread over; and
	// Metas the meta servers. Both are told to who asks.
	Nodes, Metas []netip.AddrPort
	// Changeable: requests may create and drop tables. Whoever says so carries every change
	// to the replica servers and the other meta servers, see Core.Version.
	Changeable bool
	// Registry, where its Version is not zero, has the tables instead of Tables: those of a
	// meta server before it was restarted.
	Registry Registry
	// HPFields adds the host_port fields to answers, as servers since March 2024 do. The
	// released Java client 2.5.0 cannot read such an answer.
	HPFields bool
}

// ConfigError says which part of a configuration cannot work.
type ConfigError struct {
	Field string
	Why   string
}

// Error implements error.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("configure meta server: %s %s", e.Field, e.Why)
}

// Validate returns a *ConfigError for the first thing that cannot work.
func (c *Config) Validate() error {
	if !c.Self.IsValid() {
		return &ConfigError{Field: "Self", Why: "is missing; give the address that clients know"}
	}
	for _, f := range [...]struct {
		field string
		list  []netip.AddrPort
	}{{"Leader", named(c.Leader)}, {"Nodes", c.Nodes}, {"Metas", c.Metas}} {
		if why := untold(f.list); why != "" {
			return &ConfigError{Field: f.field, Why: why}
		}
	}
	if err := validateTables("Tables", c.Tables); err != nil {
		return err
	}
	return c.Registry.Validate()
}

// named is the list of an address, empty where there is none.
func named(a netip.AddrPort) []netip.AddrPort {
	if !a.IsValid() {
		return nil
	}
	return []netip.AddrPort{a}
}

// untold says which address has no form on the wire, if one has not. It would be told as none,
// and a partition with it never be served.
func untold(list []netip.AddrPort) (why string) {
	for _, a := range list {
		if !a.Addr().Unmap().Is4() || a.Port() == 0 {
			return fmt.Sprintf("has %v, which clients cannot be told: addresses travel as IPv4 and port", a)
		}
	}
	return ""
}

// Validate returns a *ConfigError for the first thing that a meta server could not serve.
func (r *Registry) Validate() error { return validateTables("Registry.Tables", r.Tables) }

func validateTables(field string, tables []Table) error {
	names, ids := make(map[string]bool), make(map[int32]bool)
	for i := range tables {
		t := &tables[i]
		if err := t.validate(field); err != nil {
			return err
		}
		if names[t.Name] || ids[t.AppID] {
			return &ConfigError{Field: field, Why: fmt.Sprintf("has name %q or id %d twice", t.Name, t.AppID)}
		}
		names[t.Name], ids[t.AppID] = true, true
	}
	return nil
}

func (t *Table) validate(field string) error {
	switch {
	case t.Name == "":
		return &ConfigError{Field: field, Why: "has a table without a name"}
	case t.AppID <= 0:
		return &ConfigError{Field: field, Why: fmt.Sprintf("gives table %q the id %d; it must be positive", t.Name, t.AppID)}
	case len(t.Partitions) == 0:
		return &ConfigError{Field: field, Why: fmt.Sprintf("gives table %q no partitions", t.Name)}
	}
	for i := range t.Partitions {
		p := &t.Partitions[i]
		want := protocol.GPID{AppID: t.AppID, Index: int32(i)}
		why := untold(append(named(p.Primary), p.Secondaries...))
		switch {
		case why != "":
			return &ConfigError{Field: field, Why: fmt.Sprintf("%s (partition %d of table %q)", why, i, t.Name)}
		case p.PID != want && p.PID != protocol.GPID{}:
			return &ConfigError{Field: field, Why: fmt.Sprintf("puts partition %d.%d at place %d of table %q", p.PID.AppID, p.PID.Index, i, t.Name)}
		case p.Ballot < 1:
			return &ConfigError{Field: field, Why: fmt.Sprintf("gives partition %d of table %q the ballot %d; the first is 1", i, t.Name, p.Ballot)}
		}
	}
	return nil
}
