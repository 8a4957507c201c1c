// What a server model can be told: mode, authentication, and its place in the cluster.

package upstream

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// ServerMode says what a server does with a session that it gives up.
type ServerMode uint8

// Server modes.
const (
	ModeFin  ServerMode = iota + 1 // close the socket at once: every release up to 2.5.0
	ModeHang                       // leave it open, read on, never write again: master since #2111
)

var modeNames = [...]string{ModeFin: "fin", ModeHang: "hang"}

// String returns the name that command lines and reports use.
func (m ServerMode) String() string {
	if m == 0 || int(m) >= len(modeNames) {
		return "unknown"
	}
	return modeNames[m]
}

// Auth is the authentication that a server asks for (enable_auth and mandatory_auth).
type Auth uint8

// Authentication. Optional serves who did not negotiate, too.
const (
	AuthOff Auth = iota
	AuthOptional
	AuthMandatory
)

// Table is what a meta server knows of a table, and a replica server serves of it.
type Table struct {
	Name       string
	AppID      int32 // above 0
	Partitions []Partition
}

// Partition is one partition of a table; its index is its place in Table.Partitions.
type Partition struct {
	Ballot      int64
	Primary     netip.AddrPort
	Secondaries []netip.AddrPort
}

// ServerConfig is what a server model can be told. It is not changed while a server uses it.
type ServerConfig struct {
	Mode      ServerMode
	Auth      Auth
	Mechanism string // offered to LIST_MECHANISMS; the only one that SELECT_MECHANISMS may name
	HPFields  bool   // write the host_port fields of a configuration (since 802d2c257, March 2024)

	Self netip.AddrPort
	Meta bool // a meta server; else a replica server

	// Leader is the meta server that answers; another one redirects to it. Not valid: no
	// leader is known, which is answered without an address.
	Leader netip.AddrPort
	Tables []Table

	// NegotiationTimeout is the incident's cause C3: the server gives a negotiation up, from
	// accept where authentication is mandatory, else from its first message. No release has
	// it. Zero: none.
	NegotiationTimeout time.Duration

	MaxConnections int // 65,536; a connection over the limit is closed at once
	Limits         protocol.Limits
}

func (cfg *ServerConfig) withDefaults() error {
	if cfg.Mode != ModeFin && cfg.Mode != ModeHang {
		return fmt.Errorf("%w: mode %d is neither ModeFin nor ModeHang", ErrConfig, cfg.Mode)
	}
	if cfg.Auth > AuthMandatory {
		return fmt.Errorf("%w: authentication %d is none of AuthOff, AuthOptional, AuthMandatory", ErrConfig, cfg.Auth)
	}
	if cfg.Auth != AuthOff && cfg.Mechanism == "" {
		return fmt.Errorf("%w: authentication is on and Mechanism is empty; name the mechanism to offer", ErrConfig)
	}
	if !cfg.Self.IsValid() {
		return fmt.Errorf("%w: Self is not a valid address", ErrConfig)
	}
	for i := range cfg.Tables {
		if cfg.Tables[i].AppID <= 0 || len(cfg.Tables[i].Partitions) == 0 {
			return fmt.Errorf("%w: table %d needs an AppID above 0 and at least one partition", ErrConfig, i)
		}
	}
	setCount(&cfg.MaxConnections, 1<<16)
	return nil
}
