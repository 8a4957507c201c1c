// Package probe asks a cluster whether it serves: it opens a table, writes, reads and removes
// one row of its own, and looks at the sessions that this took. It is what an operator runs
// to see that addresses, names, keys and clocks are right.
package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/client"
)

// HashKey is the hash key of every row that a probe writes; the sort key is drawn.
const HashKey = "pegasus-reference-probe"

// ttl is how long a row stays whose removal failed.
const ttl = time.Minute

// Config describes a probe.
type Config struct {
	Client   client.Config // its Tables are not used
	Table    string
	ReadOnly bool          // only read, a row that is not there
	Rounds   int           // default 1
	Interval time.Duration // between rounds
	// Round is called after each, with its operations; may be nil.
	Round func(n int, operations []Operation)
}

// Operation is one thing that was tried.
type Operation struct {
	Name    string        `json:"op"`      // open, put, get, remove
	Outcome string        `json:"outcome"` // ok, failed: no effect; unknown: perhaps
	Error   string        `json:"error,omitempty"`
	Took    time.Duration `json:"took_ns"`
}

// Session is one session as it was in the end.
type Session struct {
	Address            string `json:"address"`
	Role               string `json:"role"` // meta, replica
	State              string `json:"state"`
	Dials              uint64 `json:"dials"`
	Ready              uint64 `json:"ready"` // how often it became ready
	NegotiationsFailed uint64 `json:"negotiations_failed"`
	InternalErrors     uint64 `json:"internal_errors"`       // connections that a bug of the client ended
	LastReason         string `json:"last_reason,omitempty"` // why the last connection or attempt ended; empty: none has
}

// Report is what was found.
type Report struct {
	Table      string      `json:"table"`
	OK         bool        `json:"ok"`               // everything succeeded
	Leader     string      `json:"leader,omitempty"` // empty: the table was not opened, so nobody has said who leads
	Rounds     int         `json:"rounds"`
	Operations []Operation `json:"operations"` // open, and those of the last round
	Sessions   []Session   `json:"sessions"`
	// InternalErrors counts bugs of the client that were recovered, on sessions and elsewhere.
	InternalErrors uint64 `json:"internal_errors"`
	Hint           string `json:"hint,omitempty"` // what to look at, where something failed
}

// ErrWrongValue says that a row did not have the value that had just been written.
var ErrWrongValue = errors.New("another value than was written")

// Run probes until the rounds are done, something fails, or ctx ends. The error is that of
// a configuration with which nothing can be tried, or what failed first.
func Run(ctx context.Context, cfg Config) (Report, error) {
	report := Report{Table: cfg.Table}
	cfg.Client.Tables = nil
	c, err := client.Open(ctx, cfg.Client)
	if err != nil {
		return report, err
	}
	err = report.run(ctx, c, &cfg)
	report.OK = err == nil
	report.look(c)
	return report, errors.Join(err, c.Close())
}

func (r *Report) run(ctx context.Context, c *client.Client, cfg *Config) error {
	opening, cancel := context.WithTimeout(ctx, openTimeout(cfg))
	defer cancel()
	opened, err := timed("open", func() error { return c.OpenTable(opening, cfg.Table) })
	r.Operations = []Operation{opened}
	for n := 0; err == nil && n < max(cfg.Rounds, 1); n++ {
		if n > 0 {
			if err = pause(ctx, cfg.Interval); err != nil {
				return fmt.Errorf("probe of table %q: %w after %d rounds", cfg.Table, err, n)
			}
		}
		var operations []Operation
		operations, err = round(ctx, c.Table(cfg.Table), cfg.ReadOnly)
		r.Operations = append(r.Operations[:1], operations...)
		r.Rounds++
		if cfg.Round != nil {
			cfg.Round(n+1, operations)
		}
	}
	return err
}

func openTimeout(cfg *Config) time.Duration {
	if t := cfg.Client.OpenTimeout; t > 0 {
		return t
	}
	return 10 * time.Second
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// round writes, reads and removes one row; what fails ends it.
func round(ctx context.Context, table *client.Table, readOnly bool) ([]Operation, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	hash, sort, value := []byte(HashKey), []byte(hex.EncodeToString(random[:8])), random[8:]
	steps := []struct {
		name string
		do   func() error
	}{
		{"put", func() error { return table.Put(ctx, hash, sort, value, ttl) }},
		{"get", func() error {
			got, err := table.Get(ctx, hash, sort)
			if err == nil && !bytes.Equal(got, value) {
				err = ErrWrongValue
			}
			return err
		}},
		{"remove", func() error { return table.Remove(ctx, hash, sort) }},
	}
	if readOnly {
		steps = steps[1:2]
	}
	var done []Operation
	for _, s := range steps {
		op, err := timed(s.name, s.do)
		if readOnly && errors.Is(err, client.ErrNotFound) {
			op.Outcome, op.Error, err = "ok", "", nil
		}
		if done = append(done, op); err != nil {
			return done, fmt.Errorf("probe, %s: %w", s.name, err)
		}
	}
	return done, nil
}

// timed does one operation.
func timed(name string, do func() error) (Operation, error) {
	start := time.Now()
	err := do()
	op := Operation{Name: name, Outcome: "ok", Took: time.Since(start)}
	switch {
	case err == nil:
		return op, nil
	case errors.Is(err, client.ErrUnknownOutcome):
		op.Outcome = "unknown"
	default:
		op.Outcome = "failed"
	}
	op.Error = err.Error()
	return op, err
}

// look writes down the sessions, and what they say about a failure.
func (r *Report) look(c *client.Client) {
	health := c.Health()
	if r.Operations[0].Error == "" { // else the client's may be a guess
		r.Leader = health.Leader.String()
	}
	r.InternalErrors = health.InternalErrors
	for _, s := range health.Sessions {
		session := Session{
			Address: s.Addr.String(), Role: "replica", State: s.State.String(),
			Dials: s.Stats.Dials, Ready: s.Stats.Connections, NegotiationsFailed: s.Stats.NegotiationsFailed,
			InternalErrors: s.Stats.Internal,
		}
		if s.Meta {
			session.Role = "meta"
		}
		if s.Reason != 0 {
			session.LastReason = s.Reason.String()
		}
		r.Sessions = append(r.Sessions, session)
	}
	if !r.OK {
		r.Hint = health.Hint()
	}
}
