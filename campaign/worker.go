// The worker's side: seeds come in a line each, outcomes go out a line each.

package campaign

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/a8011091/pegasus-reference/conformance"
	"github.com/a8011091/pegasus-reference/sim"
)

// task is one run that a worker is to do.
type task struct {
	Seed   uint64 `json:"seed"`
	Canary bool   `json:"canary,omitempty"`
	// Validate has the trace held against the specifications.
	Validate bool  `json:"validate,omitempty"`
	Setup    Setup `json:"setup"`
}

// maxLine bounds a line between a campaign and its workers, in bytes.
const maxLine = 1 << 20

// workerGCPercent lets a worker's heap grow to this much garbage before it is collected: a
// run leaves a few megabytes of it and little that lives, so that with Go's 100 the collector
// would be at work most of the time.
const workerGCPercent = 800

// Work runs what in asks for until it ends, and answers on out. It is what a worker's
// process does. A panic of the simulator is an outcome: the seed that provokes it is what
// somebody needs to mend it.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	defer debug.SetGCPercent(debug.SetGCPercent(workerGCPercent))
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var t task
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return fmt.Errorf("worker of a campaign: its input is no task: %w", err)
		}
		o, err := do(ctx, t)
		if err != nil {
			return err
		}
		if err := encoder.Encode(&o); err != nil {
			return fmt.Errorf("worker of a campaign: tell what seed %#x came to: %w", t.Seed, err)
		}
	}
	return lines.Err()
}

// do runs one seed.
func do(ctx context.Context, t task) (o Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			o = Outcome{Seed: Seed(t.Seed), Canary: t.Canary, Verdict: sim.VerdictInconclusive, Bug: fmt.Sprintf("panic: %v\n%s", r, debug.Stack())}
		}
	}()
	scenario, err := t.Setup.scenario(t.Seed)
	if err != nil {
		return Outcome{}, fmt.Errorf("worker of a campaign: seed %#x: %w", t.Seed, err)
	}
	var options sim.Options
	var validators conformance.All
	if t.Validate {
		if validators, err = conformance.NewAll(conformance.Options{Server: conformance.ServerMode(scenario.Server, scenario.EarlyRequest)}); err != nil {
			return Outcome{}, fmt.Errorf("worker of a campaign: %w", err)
		}
		options.Sink = validators
	}
	result, err := sim.Run(ctx, scenario, options)
	if err != nil {
		return Outcome{}, fmt.Errorf("worker of a campaign: seed %#x: %w", t.Seed, err)
	}
	if ctx.Err() != nil {
		return Outcome{}, errors.New("worker of a campaign: interrupted")
	}
	o = outcomeOf(t, &result)
	o.validated(validators.Results())
	return o, nil
}
