// Package exhaustive explores the implementation itself: one real client session, one
// real server node and a small network between them, in every order, under the model
// checker. What is checked is the code that runs, not a description of it; the price is
// a small bound, which Config states.
//
// Bytes travel as real frames and tokens come from the real test mechanism. Time stands
// still but where a timer fires (timers.go); machines and network are fair, the user, the
// faults and chance are not (model.go). A split or coalesced read is left to other tests.
package exhaustive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/server/node"
)

// Config bounds the world. Everything that happens is drawn from these budgets, so that
// the exploration ends; what may happen again and again (dialing, reconnecting) is not
// bounded, because its states come round.
type Config struct {
	Requests    int // that the user submits, in order, each once: put, get, put, get ...
	Crashes     int // of the node's process: its host closes its connections (FIN)
	Losses      int // of the node's power: no FIN, no answer to anything until it starts again
	Earlies     int // timers that fire although something is on its way, or before others that are due sooner
	Cancels     int // changes of the user's mind: a request given up, or the session closed
	Connections int // that exist at once, the closed ones included whose end is still on its way

	EarlyRequest node.EarlyRequest // what the node does with a request before authentication
	Mandatory    bool              // whether the node insists on authentication; it always offers it
	KeepReady    bool              // whether the session wants a connection even without a request
	Drain        bool              // whether the user may drain the session at any time
	Pairs        int               // request/response pairs of a negotiation: 4 or 5
	Deadline     time.Duration     // of a request, from submission; 0: so far away that it never decides
	NoAuth       bool              // the node has no authentication: the session, which requires it, must not take its word
	Hasty        bool              // the client is the incident's: what waits is written ahead of the negotiation

	client func(session.Config) client // nil: the reference client's session
}

// DefaultConfig bounds a world of some five thousand states: a tenth of a second.
func DefaultConfig() Config {
	return Config{
		Requests: 2, Crashes: 1, Connections: 2,
		EarlyRequest: node.EarlyRefuse, Mandatory: true, KeepReady: true, Pairs: 4,
	}
}

// LargeConfig bounds one of some four hundred thousand: half a minute, for a nightly run.
// See BenchmarkExplore. Worlds names these and others.
func LargeConfig() Config {
	cfg := DefaultConfig()
	cfg.Crashes, cfg.Losses, cfg.Earlies, cfg.Connections = 2, 1, 1, 3
	return cfg
}

// ErrConfig is wrapped by the errors of Validate.
var ErrConfig = errors.New("exhaustive exploration")

// limit of every number of Config: what fits the action table and what a machine can end.
const limit = 8

// Validate says what is wrong with the bounds, if anything.
func (c Config) Validate() error {
	for _, f := range []struct {
		name        string
		value, from int
		to          int
	}{
		{"Requests", c.Requests, 0, limit},
		{"Crashes", c.Crashes, 0, limit},
		{"Losses", c.Losses, 0, limit},
		{"Earlies", c.Earlies, 0, limit},
		{"Cancels", c.Cancels, 0, limit},
		{"Connections", c.Connections, 1, limit},
		{"Pairs", c.Pairs, 4, 5},
	} {
		if f.value < f.from || f.value > f.to {
			return fmt.Errorf("%w: %s is %d; choose %d to %d", ErrConfig, f.name, f.value, f.from, f.to)
		}
	}
	if obligations := c.obligations(); obligations > maxObligations {
		return fmt.Errorf("%w: %d requests with %d crashes, losses, early timers and cancels make %d liveness obligations, more than the %d that fit one run; lower one of them",
			ErrConfig, c.Requests, c.faults(), obligations, maxObligations)
	}
	if c.Deadline < 0 || c.Deadline >= horizon {
		return fmt.Errorf("%w: Deadline is %v; choose 0 (none that decides) or less than %v", ErrConfig, c.Deadline, horizon)
	}
	if c.NoAuth && (c.Mandatory || c.Hasty) {
		return fmt.Errorf("%w: NoAuth goes neither with Mandatory nor with Hasty, which speak of a node that negotiates", ErrConfig)
	}
	if c.EarlyRequest > node.EarlyHang {
		return fmt.Errorf("%w: EarlyRequest is %d, which is no policy", ErrConfig, c.EarlyRequest)
	}
	return nil
}

// maxObligations is what the checker looks at in one run.
const maxObligations = 32

// obligations counts the liveness formulas that Properties will state.
func (c Config) obligations() int { return 1 + c.Requests + c.Requests*(c.faults()+1) }

// faults is the number of things that can go wrong, or not be wanted any more.
func (c Config) faults() int { return c.Crashes + c.Losses + c.Earlies + c.Cancels }

// Run explores the world that cfg bounds and judges every property. See check.Run.
func Run(ctx context.Context, cfg Config, options check.Options) (*check.Result[*State], error) {
	m, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return check.Run(ctx, m, options)
}
