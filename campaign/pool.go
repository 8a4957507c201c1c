// The processes of a campaign: each is given one run at a time. One that ends, or takes too
// long, costs the seed that it had, which is recorded as a bug until a later sitting has run
// it again; another takes its place.

package campaign

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/a8011091/pegasus-reference/internal/processgroup"
	"github.com/a8011091/pegasus-reference/sim"
)

// maxCrashes is after how many workers' deaths a campaign gives up.
const maxCrashes = 20

// maxComplaint bounds what is kept of a worker's standard error, in bytes.
const maxComplaint = 16 << 10

// WorkerError says that workers' processes do not work.
type WorkerError struct {
	Command []string
	Err     error
}

// Error implements error.
func (e *WorkerError) Error() string {
	return fmt.Sprintf("campaign: worker %q: %v", e.Command, e.Err)
}

// Unwrap returns the cause.
func (e *WorkerError) Unwrap() error { return e.Err }

// pool hands tasks to processes and outcomes to its caller, in whose goroutine take is called.
type pool struct {
	cfg      *Config
	ctx      context.Context
	cancel   context.CancelFunc
	tasks    chan task
	outcomes chan Outcome
	running  sync.WaitGroup

	mu      sync.Mutex
	crashes int
	err     error
}

func startPool(ctx context.Context, cfg *Config) *pool {
	ctx, cancel := context.WithCancel(ctx)
	p := &pool{cfg: cfg, ctx: ctx, cancel: cancel, tasks: make(chan task), outcomes: make(chan Outcome)}
	for range cfg.Workers {
		p.running.Go(p.work)
	}
	return p
}

// give hands a task out, and takes outcomes meanwhile; false ends the campaign.
func (p *pool) give(t task, take func(Outcome) error) bool {
	for {
		select {
		case <-p.ctx.Done():
			return false
		case o := <-p.outcomes:
			if err := take(o); err != nil {
				p.fail(err)
				return false
			}
		case p.tasks <- t:
			return true
		}
	}
}

// finish takes what is still under way and ends the processes.
func (p *pool) finish(take func(Outcome) error) error {
	close(p.tasks)
	ended := make(chan struct{})
	go func() {
		p.running.Wait()
		close(ended)
	}()
	for {
		select {
		case o := <-p.outcomes:
			if err := take(o); err != nil {
				p.fail(err)
			}
		case <-ended:
			p.cancel()
			return p.failure()
		}
	}
}

// failure is why the campaign ended, nil where it did not fail.
func (p *pool) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// fail ends the campaign because of err; the first one counts.
func (p *pool) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.cancel()
}

// work is one worker's place: a process for as long as there are tasks.
func (p *pool) work() {
	var w *process
	defer func() {
		if w != nil {
			w.end()
		}
	}()
	for t := range p.tasks {
		if w == nil {
			var err error
			if w, err = p.start(); err != nil {
				p.fail(&WorkerError{p.cfg.Command, err})
				return
			}
		}
		o, err := w.ask(t, p.cfg.SeedTimeout)
		if err != nil {
			w.kill()
			o, w = w.obituary(t, err), nil
			if p.ctx.Err() != nil {
				return // it was killed with the campaign
			}
			p.crashed(&o)
		}
		select {
		case p.outcomes <- o:
		case <-p.ctx.Done():
			return
		}
	}
}

// crashed counts deaths: a campaign whose workers keep dying tells nothing.
func (p *pool) crashed(o *Outcome) {
	p.mu.Lock()
	p.crashes++
	many := p.crashes > maxCrashes
	p.mu.Unlock()
	if many {
		p.fail(&WorkerError{p.cfg.Command, fmt.Errorf("died %d times, the last time at seed %s: %s", maxCrashes+1, o.Seed, o.Bug)})
	}
}

// process is one worker.
type process struct {
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Reader
	complaint complaint
}

func (p *pool) start() (*process, error) {
	w := &process{cmd: exec.CommandContext(p.ctx, p.cfg.Command[0], p.cfg.Command[1:]...)}
	w.cmd.Stderr = &w.complaint
	processgroup.Own(w.cmd) // an interrupt at the terminal is the campaign's; it ends its workers
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = bufio.NewReader(out)
	return w, w.cmd.Start()
}

// ask has the process run a task.
func (w *process) ask(t task, timeout time.Duration) (Outcome, error) {
	line, err := json.Marshal(t)
	if err != nil {
		return Outcome{}, err
	}
	late := time.AfterFunc(timeout, w.kill)
	defer late.Stop()
	if _, err := w.in.Write(append(line, '\n')); err != nil {
		return Outcome{}, err
	}
	answer, err := w.out.ReadBytes('\n')
	if err != nil {
		if !late.Stop() {
			err = fmt.Errorf("no answer within %v", timeout)
		}
		return Outcome{}, err
	}
	var o Outcome
	if err := json.Unmarshal(answer, &o); err != nil {
		return Outcome{}, err
	}
	if o.Seed != Seed(t.Seed) || o.Canary != t.Canary {
		return Outcome{}, fmt.Errorf("answered for seed %s", o.Seed)
	}
	return o, nil
}

// kill ends the process at once. That it has ended already is no matter.
func (w *process) kill() { _ = w.cmd.Process.Kill() }

// end lets the process end with its input.
func (w *process) end() {
	_ = w.in.Close() // it may have ended already
	_ = w.cmd.Wait()
}

// obituary is the outcome of the seed that a process died of.
func (w *process) obituary(t task, err error) Outcome {
	w.end()
	return Outcome{
		Seed: Seed(t.Seed), Canary: t.Canary, Verdict: sim.VerdictInconclusive,
		Bug: fmt.Sprintf(workerEnded+"%v, %v\n%s", err, w.cmd.ProcessState, w.complaint.Bytes()),
	}
}

// complaint keeps the end of what a process says on standard error.
type complaint struct{ bytes.Buffer }

func (c *complaint) Write(b []byte) (int, error) {
	n, err := c.Buffer.Write(b)
	if extra := c.Len() - maxComplaint; extra > 0 {
		c.Next(extra)
	}
	return n, err
}
