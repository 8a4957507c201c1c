// Package campaign runs very many seeds of one scenario over several processes, and keeps
// what each came to in a ledger that survives whatever ends the campaign: a campaign that
// is started again goes on where it was. Every hundredth seed is followed by a canary, a
// run that is known to violate: a campaign that does not see it proves nothing.
//
// The parts: Run (this file), the workers' processes (pool.go, worker.go), the ledger
// (ledger.go, ledger_read.go, span.go), what one seed came to (outcome.go), and what they
// come to together (summary.go, junit.go).
package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/sim"
)

// CanaryEvery is how many seeds there are to a canary.
const CanaryEvery = 100

// Setup is what all seeds of a campaign have in common: words of package sim.
type Setup struct {
	Scenario     string `json:"scenario"`
	Client       string `json:"client"`
	Server       string `json:"server"`
	Auth         string `json:"auth"`
	EarlyRequest string `json:"early_request"`
}

// String is the setup in words.
func (s Setup) String() string {
	return fmt.Sprintf("%s, client %s, server %s, authentication %s, early requests %s", s.Scenario, s.Client, s.Server, s.Auth, s.EarlyRequest)
}

// Config describes a campaign.
type Config struct {
	Setup Setup
	First uint64 // seed
	Seeds uint64 // how many, from First on
	// Workers is the number of processes.
	Workers int
	// Command starts a worker: a program that calls Work.
	Command []string
	// Ledger is the file's path. Seeds that are in it already are not run again, unless to
	// validate them.
	Ledger string
	// ValidateEvery has the trace of each so-manieth seed held against the specifications,
	// which takes longer than to make it; 0: of none.
	ValidateEvery uint64
	// SeedTimeout is how long one seed may take; then its worker is killed, which counts as a
	// bug until a later sitting has run it. 0: a minute.
	SeedTimeout time.Duration
	// Progress is called after each seed; may be nil.
	Progress func(Progress)
}

// Progress is where a campaign stands.
type Progress struct {
	Done, Total uint64 // of the seeds that were asked for, those of earlier sittings included
	Now         uint64 // seeds of this sitting
	Failures    int    // that differ by signature
	Elapsed     time.Duration
}

const (
	maxWorkers  = 256
	seedTimeout = time.Minute
)

// Validate says what cannot work, as a *sim.UsageError, or nil.
func (c *Config) Validate() error {
	switch {
	case c.Seeds == 0:
		return &sim.UsageError{Text: "a campaign of no seeds proves nothing: give --seeds"}
	case c.First+c.Seeds < c.First:
		return &sim.UsageError{Text: fmt.Sprintf("%d seeds from %#x on: there are not so many", c.Seeds, c.First)}
	case c.Workers < 1 || c.Workers > maxWorkers:
		return &sim.UsageError{Text: fmt.Sprintf("%d workers: it must be 1 to %d", c.Workers, maxWorkers)}
	case c.SeedTimeout < 0:
		return &sim.UsageError{Text: fmt.Sprintf("%v for one seed: it must be more than nothing", c.SeedTimeout)}
	case c.Ledger == "":
		return &sim.UsageError{Text: "a campaign needs a ledger: give --ledger FILE"}
	}
	_, err := c.Setup.scenario(c.First)
	return err
}

// scenario is what a seed plays.
func (s *Setup) scenario(seed uint64) (sim.Scenario, error) {
	scenario, err := sim.Generate(s.Scenario, seed)
	if err != nil {
		return sim.Scenario{}, err
	}
	if s.Auth != sim.AuthDrawn && !slices.Contains(sim.RunAuthNames, s.Auth) {
		return sim.Scenario{}, &sim.UsageError{Text: fmt.Sprintf("unknown authentication %q%s", s.Auth, sim.DidYouMean(s.Auth, sim.SeedAuthNames))}
	}
	scenario.Client, scenario.Server, scenario.EarlyRequest = s.Client, s.Server, s.EarlyRequest
	scenario.SetAuth(s.Auth)
	return scenario, scenario.Validate()
}

// Canary is the setup of runs that are known to violate reconnect-converges: a client that
// keeps "authenticated" over connections, against servers that fall silent.
func (s *Setup) Canary() Setup {
	return Setup{Scenario: sim.ScenarioFullRestart, Client: sim.ClientUpstreamSnapshot, Server: sim.ServerHang, Auth: sim.AuthMandatory, EarlyRequest: s.EarlyRequest}
}

// Run runs the seeds that the ledger does not have, and summarises all that it has then.
// The end of ctx ends it with what is known; nothing but the seeds under way is lost. Seeds
// whose workers died are run once more, and one that the ledger has, to see that this
// program still simulates what the ledger's did.
// Errors: *sim.UsageError, *LedgerError, *WorkerError.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	if err := cfg.Validate(); err != nil {
		return Summary{}, err
	}
	if cfg.SeedTimeout == 0 {
		cfg.SeedTimeout = seedTimeout
	}
	tally := newTally(cfg.Setup)
	ledger, err := openLedger(cfg.Ledger, cfg.Setup, tally.add)
	if err != nil {
		return Summary{}, err
	}
	s := sitting{cfg: &cfg, ledger: ledger, tally: tally, started: time.Now(), had: tally.within(&cfg)}
	err = s.run(ctx)
	if closing := ledger.close(); err == nil {
		err = closing
	}
	if err != nil {
		return Summary{}, err
	}
	return tally.summary(ctx.Err() != nil, []span{cfg.seeds()}), nil
}

func (c *Config) seeds() span { return span{Seed(c.First), c.Seeds} }

// sitting is one call of Run.
type sitting struct {
	cfg     *Config
	ledger  *ledger
	tally   *tally
	started time.Time
	had     uint64 // of the seeds that were asked for, as it began
	ran     uint64
}

func (s *sitting) run(ctx context.Context) error {
	if err := s.recheck(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	if err := s.ledger.plan(s.cfg.seeds()); err != nil {
		return err
	}
	p := startPool(ctx, s.cfg)
	for task := range s.tasks {
		if !p.give(task, s.take) {
			break
		}
	}
	return p.finish(s.take)
}

// recheck runs the ledger's latest seed again. Versions do not tell programs apart that were
// built from a working tree; what they simulate does.
func (s *sitting) recheck(ctx context.Context) error {
	known := s.tally.latest
	if known == nil {
		return nil
	}
	one := *s.cfg
	one.Workers = 1
	var again Outcome
	take := func(o Outcome) error { again = o; return nil }
	p := startPool(ctx, &one)
	p.give(task{Seed: uint64(known.Seed), Setup: s.cfg.Setup}, take)
	switch err := p.finish(take); {
	case err != nil:
		return err
	case ctx.Err() != nil || again.Hash == known.Hash:
		return nil
	case again.Bug != "":
		return &WorkerError{s.cfg.Command, fmt.Errorf("seed %s, which ledger %s has, cannot be run again: %s", known.Seed, s.cfg.Ledger, firstLine(again.Bug))}
	}
	return &LedgerError{s.cfg.Ledger, 0, fmt.Errorf("%w: trace hash %s of seed %s is %s in this program, which simulates otherwise; choose another --ledger",
		ErrOtherCampaign, known.Hash, known.Seed, again.Hash)}
}

// tasks are the runs that are missing in the ledger, or have not been validated and are to be,
// seeds before their canaries.
func (s *sitting) tasks(yield func(task) bool) {
	for i := range s.cfg.Seeds {
		seed := s.cfg.First + i
		validate := every(s.cfg.ValidateEvery, i)
		if !s.tally.has(seed, false, validate) && !yield(task{Seed: seed, Setup: s.cfg.Setup, Validate: validate}) {
			return
		}
		if every(CanaryEvery, i) && !s.tally.has(seed, true, false) && !yield(task{Seed: seed, Canary: true, Setup: s.cfg.Setup.Canary()}) {
			return
		}
	}
}

// every is whether the i-th seed, from 0, is an n-th one.
func every(n, i uint64) bool { return n > 0 && i%n == n-1 }

// take records what a run came to.
func (s *sitting) take(o Outcome) error {
	if err := s.tally.same(&o); err != nil {
		return &LedgerError{s.cfg.Ledger, 0, err}
	}
	if err := s.ledger.append(&o); err != nil {
		return err
	}
	if err := s.tally.add(&o); err != nil {
		return err
	}
	if !o.Canary {
		s.ran++
	}
	if s.cfg.Progress != nil {
		s.cfg.Progress(Progress{
			Done: s.had + s.ran, Total: s.cfg.Seeds, Now: s.ran,
			Failures: s.tally.kinds(), Elapsed: time.Since(s.started),
		})
	}
	return nil
}
