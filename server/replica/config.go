// What a replica server serves, and how much.

// Package replica is the core of a replica server: the partitions that one node serves,
// and the operations on one row. It is a function of requests, time and storage.
package replica

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Role of this node for one partition.
type Role uint8

// Roles.
const (
	RolePrimary   Role = iota + 1 // serves everything
	RoleSecondary                 // serves backup reads only
)

// Partition is one partition that this node holds.
type Partition struct {
	PID  protocol.GPID
	Role Role
	// Ballot of the configuration that says so; it only rises.
	Ballot int64
}

// DefaultMaxWriteBytes is upstream's limit of a write's body.
const DefaultMaxWriteBytes = 1 << 20

// Config describes a replica server.
type Config struct {
	// Server is how the node calls itself in its answers: informative.
	Server string
	// Partitions that it holds; at most one entry for each.
	Partitions []Partition
	// Storage keeps the rows; nil means a NewMemory of the core's own.
	Storage Storage
	// MaxWriteBytes is the largest body (args struct) of a write; a larger one is refused
	// with ERR_INVALID_DATA. Default DefaultMaxWriteBytes.
	MaxWriteBytes int
}

// ConfigError says which part of a configuration cannot work.
type ConfigError struct {
	Field string
	Why   string
}

// Error implements error.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("configure replica server: %s %s", e.Field, e.Why)
}

// Validate returns a *ConfigError for the first thing that cannot work.
func (c *Config) Validate() error {
	if c.MaxWriteBytes < 0 {
		return &ConfigError{Field: "MaxWriteBytes", Why: fmt.Sprintf("is %d; choose a positive number, or 0 for the default", c.MaxWriteBytes)}
	}
	seen := make(map[protocol.GPID]bool, len(c.Partitions))
	for _, p := range c.Partitions {
		switch {
		case p.PID.AppID <= 0 || p.PID.Index < 0:
			return &ConfigError{Field: "Partitions", Why: fmt.Sprintf("has %d.%d; a table's id is positive and an index not negative", p.PID.AppID, p.PID.Index)}
		case p.Role != RolePrimary && p.Role != RoleSecondary:
			return &ConfigError{Field: "Partitions", Why: fmt.Sprintf("gives %d.%d no role", p.PID.AppID, p.PID.Index)}
		case seen[p.PID]:
			return &ConfigError{Field: "Partitions", Why: fmt.Sprintf("has %d.%d twice", p.PID.AppID, p.PID.Index)}
		}
		seen[p.PID] = true
	}
	return nil
}
