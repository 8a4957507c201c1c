// The client process: callers (workloads and scripted operations) above a client core,
// the reference's or a model of upstream's. The core's adapter is a clientCore.

package sim

import (
	"math/rand/v2"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// tableName is the one table of a simulated cluster.
const tableName = "temp"

// clientCore adapts one kind of client to the world.
type clientCore interface {
	// open asks for the table; the answer is clientProcess.opened.
	open(now time.Time, io *world.IO)
	// submit starts an operation; the answer is clientProcess.completed.
	submit(now time.Time, io *world.IO, op *operation)
	// step takes everything else that the world tells.
	step(now time.Time, ev world.Event, io *world.IO)
}

// clientProcess is one client with its callers.
type clientProcess struct {
	index   int
	run     *run
	core    clientCore
	wallet  *wallet // of Kerberos credentials; nil without
	callers []*caller
	table   bool // opened

	script  []Op   // serial operations whose time has come, in order
	running uint64 // the scripted operation that they wait for, or 0
	closed  bool   // its application is through with it
}

// caller does one operation after another.
type caller struct {
	workload Workload
	random   *rand.Rand
}

// scripted is a scenario's operation, posted for its instant; nextScripted is posted when
// the one that others wait for has ended.
type (
	scripted     struct{ op Op }
	nextScripted struct{}
	closing      struct{}
)

func newClientProcess(r *run, index int) *clientProcess {
	p := &clientProcess{index: index, run: r}
	if r.realm != nil {
		p.wallet = newWallet(p)
	}
	p.core = r.newClientCore(p)
	for i, w := range r.scenario.Workloads {
		if w.Client == index+1 {
			p.callers = append(p.callers, &caller{workload: w, random: r.world.Stream(streamName("caller", i))})
		}
	}
	return p
}

// Step implements world.Process.
func (p *clientProcess) Step(now time.Time, ev world.Event, io *world.IO) {
	switch value := ev.Value.(type) {
	case *caller:
		if !p.closed {
			p.call(now, value, io)
		}
		return
	case scripted:
		p.script = append(p.script, value.op)
		p.runScript(now, io)
		return
	case nextScripted:
		p.runScript(now, io)
		return
	case closing:
		p.close(now, io)
		return
	}
	if ev.Kind == world.EventBoot {
		p.boot(now, io)
		return
	}
	if p.wallet != nil && p.wallet.owns(&ev) {
		p.wallet.step(ev, io)
		return
	}
	p.observe(ev, io)
	p.core.step(now, ev, io)
}

func (p *clientProcess) boot(now time.Time, io *world.IO) {
	p.core.open(now, io)
	elapsed := p.run.world.Elapsed()
	for _, o := range p.run.scenario.Ops {
		if o.Client == p.index+1 && o.At >= elapsed { // the others were the business of processes before this one
			io.Post(o.At-elapsed, scripted{o})
		}
	}
	if at := p.run.scenario.CloseAt; at > elapsed {
		io.Post(at-elapsed, closing{})
	}
}

// close has the core closed by its application, which is then owed an answer to all that it
// has asked, and asks no more.
func (p *clientProcess) close(now time.Time, io *world.IO) {
	p.closed = true
	p.run.judge.closing(p.index)
	p.core.(*referenceClient).close(now, io)
	p.run.judge.closedClient(p.run.world.Now(), p.index)
}

// opened starts the callers once the table is there.
func (p *clientProcess) opened(io *world.IO) {
	if p.table {
		return
	}
	p.table = true
	for _, c := range p.callers {
		io.Post(c.workload.Start+c.pause(), c)
	}
}

// observe tells the wire observer what the core is about to be told.
func (p *clientProcess) observe(ev world.Event, io *world.IO) {
	observer, now := p.run.observer, p.run.world.Now()
	switch ev.Kind {
	case world.EventDialed:
		observer.connected(now, io.Global(ev.Conn), io.Local(ev.Conn).Port())
	case world.EventReceived:
		observer.clientReceived(now, io.Global(ev.Conn), len(ev.Data), io.Stamp)
	case world.EventDialFailed, world.EventClosed:
		switch {
		case ev.Kind == world.EventClosed && ev.Why == world.WhyTimeout:
			p.run.judge.meet(MetKeepAlive)
		case ev.Kind == world.EventDialFailed && ev.Why == world.WhyNoPort:
			observer.noPort(now, io.Global(ev.Conn))
		}
		observer.clientGone(now, io.Global(ev.Conn))
	}
}

func (c *caller) pause() time.Duration {
	return between(c.random, c.workload.EveryMin, c.workload.EveryMax)
}

func (p *clientProcess) call(now time.Time, c *caller, io *world.IO) {
	hashKey, sortKey := p.run.ops.keys.draw(c.random, c.workload.Keys)
	op := p.run.ops.invoke(p.run.world.Now(), p.index, drawRPC(c.random), hashKey, sortKey, c.workload.Timeout)
	op.caller = c
	p.submit(now, io, op)
}

// submit may answer before it returns.
func (p *clientProcess) submit(now time.Time, io *world.IO, op *operation) {
	io.Trace(trace.Event{Kind: trace.KindInvoke, Op: op.id, RPC: op.rpc.String(), Key: op.hashKey + "/" + op.sortKey, WithinNS: int64(op.deadline.Sub(op.invoked))})
	p.core.submit(now, io, op)
}

// runScript starts the scripted operations that need not wait any more.
func (p *clientProcess) runScript(now time.Time, io *world.IO) {
	for len(p.script) > 0 && !p.closed && (p.running == 0 || !p.script[0].Serial) {
		next := p.script[0]
		p.script = p.script[1:]
		op := p.run.ops.invoke(p.run.world.Now(), p.index, next.RPC, p.run.ops.keys.in(next.Partition), "s0", next.Timeout)
		p.running = op.id
		p.submit(now, io, op)
	}
}

// completed is the client's answer to an operation; its caller goes on after a pause.
func (p *clientProcess) completed(io *world.IO, id uint64, outcome session.Outcome, code protocol.ErrorCode, body []byte, why string) {
	op := p.run.ops.complete(p.run.world.Now(), id, outcome, code, body, why)
	io.Trace(trace.Event{Kind: trace.KindReturn, Op: id, RPC: op.rpc.String(), State: outcomeWord(op.outcome), Code: code.String(), Note: op.why})
	if c := op.caller; c != nil {
		op.caller = nil
		io.Post(c.pause(), c)
	}
	if id == p.running {
		p.running = 0
		if len(p.script) > 0 {
			io.Post(0, nextScripted{})
		}
	}
}

// write and drop are what adapters do to connections, so that the observer sees it.
func (p *clientProcess) write(io *world.IO, conn protocol.ConnID, data []byte) {
	p.run.observer.clientWrote(p.run.world.Now(), io.Global(conn), data, io.Stamp)
	io.Write(conn, data)
}

func (p *clientProcess) drop(io *world.IO, conn protocol.ConnID) {
	p.run.observer.clientGone(p.run.world.Now(), io.Global(conn))
	io.Close(conn)
}
