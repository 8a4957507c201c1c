// What cannot work in a configuration, by the name of the field that is to be changed.

package client

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/sasl"
)

// validate finds what cannot work before anything is opened.
func (c *Config) validate() error {
	switch {
	case len(c.Metas) == 0:
		return &ConfigError{Field: "Metas", Why: "is empty; give the host:port of at least one meta server"}
	case c.Auth > AuthOff:
		return &ConfigError{Field: "Auth", Why: "is none of AuthRequired, AuthPreferred and AuthOff"}
	case c.Auth != AuthOff && c.Mechanism == nil:
		return &ConfigError{Field: "Mechanism", Why: "is missing; give one, or say AuthOff if the cluster has no authentication"}
	case c.Auth == AuthRequired && isTest(c.Mechanism) && !c.AllowTestMechanism:
		return &ConfigError{Field: "Mechanism", Why: "is the test mechanism, which protects nothing; give a real one, or set AllowTestMechanism in a test"}
	case c.Auth == AuthOff && c.Credentials != nil:
		return &ConfigError{Field: "Credentials", Why: "is given with AuthOff, which never presents them; leave one out"}
	case c.OnCredential != nil && c.Credentials == nil:
		return &ConfigError{Field: "OnCredential", Why: "is given without Credentials, so nothing would call it"}
	}
	return c.validateNumbers()
}

// The most that a limit may be.
const (
	mostCounted      = 1 << 24 // calls, tables, sessions: what the cores can number
	mostRequestBytes = 1 << 30 // a frame's length has 31 bits
)

// validateNumbers names the field of a number that cannot work.
func (c *Config) validateNumbers() error {
	for _, f := range [...]struct {
		field string
		value time.Duration
	}{
		{"ServerNegotiationTimeout", c.ServerNegotiationTimeout},
		{"OperationTimeout", c.OperationTimeout},
		{"OpenTimeout", c.OpenTimeout},
		{"DialTimeout", c.DialTimeout},
		{"NegotiationTimeout", c.NegotiationTimeout},
		{"MetaTimeout", c.MetaTimeout},
		{"SilenceTimeout", c.SilenceTimeout},
		{"ReconnectCap", c.ReconnectCap},
	} {
		if f.value < 0 {
			return &ConfigError{Field: f.field, Why: "is negative"}
		}
	}
	for _, f := range [...]struct {
		field       string
		value, most int
	}{
		{"MaxOperations", c.MaxOperations, mostCounted},
		{"MaxTables", c.MaxTables, mostCounted},
		{"MaxSessions", c.MaxSessions, mostCounted},
		{"MaxRequestBytes", c.MaxRequestBytes, mostRequestBytes},
		{"MaxOutstandingBytes", c.MaxOutstandingBytes, math.MaxInt},
		{"MaxUnsentBytes", c.MaxUnsentBytes, math.MaxInt},
		{"MaxFrameBytes", c.MaxFrameBytes, math.MaxInt},
	} {
		switch {
		case f.value < 0:
			return &ConfigError{Field: f.field, Why: "is negative"}
		case f.value > f.most:
			return &ConfigError{Field: f.field, Why: fmt.Sprintf("is %d; at most %d works", f.value, f.most)}
		}
	}
	if c.MaxOutstandingBytes < c.MaxRequestBytes {
		return &ConfigError{Field: "MaxOutstandingBytes", Why: fmt.Sprintf("is %d, below MaxRequestBytes, which is %d: the largest request would never be sent", c.MaxOutstandingBytes, c.MaxRequestBytes)}
	}
	return nil
}

// validateMetas finds what cannot work now that the metas' addresses are known.
func (c *Config) validateMetas(metas []netip.AddrPort) error {
	most := routing.DefaultConfig().MaxMetas
	switch err := c.routing(metas).Validate(); {
	case len(metas) > most:
		return &ConfigError{Field: "Metas", Why: fmt.Sprintf("has %d addresses; at most %d work", len(metas), most), Err: err}
	case errors.Is(err, routing.ErrBadMeta), errors.Is(err, routing.ErrNoMetas):
		return &ConfigError{Field: "Metas", Why: "cannot work: " + err.Error(), Err: err}
	case c.MaxSessions <= len(metas):
		return &ConfigError{Field: "MaxSessions", Why: fmt.Sprintf("is %d; it must be above the number of meta servers, which is %d", c.MaxSessions, len(metas)), Err: err}
	case err != nil:
		return &ConfigError{Field: "Config", Why: "cannot work: " + err.Error(), Err: err}
	}
	return nil
}

// isTest goes by type: the test mechanism's name is whatever its peer wants.
func isTest(m sasl.Mechanism) bool {
	return reflect.TypeOf(m) == reflect.TypeOf(sasl.NewTest(sasl.TestConfig{}))
}
