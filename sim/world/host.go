// Hosts and the processes on them: start, kill, power loss, restart.

package world

import (
	"math/rand/v2"
	"net/netip"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// Host is a machine with one address, a kernel and at most one process at a time.
type Host struct {
	world   *World
	name    string
	addr    netip.Addr
	index   int
	clock   clock
	powered bool
	factory func() Process
	proc    *process // nil: none runs

	// The kernel. All of it is lost with the power.
	listeners map[uint16]*process
	tuples    map[tuple]*end
	lingering []linger // oldest first, from lingerHead on
	lingered  int      // how many of lingering are over
	nextPort  uint16

	handshakeDelay int64 // of its answers to SYNs, see SlowHandshake

	links []*link // by index of the other host, plus one
	reads *rand.Rand
	ports *rand.Rand
	draws *rand.Rand
}

// process is one incarnation of a host's process.
type process struct {
	io       IO
	host     *Host
	step     Process // nil before the boot
	dead     bool
	paused   bool
	held     []*task // what it is told when it goes on
	waiting  []*end  // established, to be accepted when it goes on
	timers   map[protocol.TimerID]*task
	ends     map[protocol.ConnID]*end
	latest   *end // that was looked up, while it is in ends; or nil
	first    *end // of ends, in order of opening
	last     *end
	accepted protocol.ConnID
	recent   [recentConns]closedConn // the latest of those that are closed
	closed   int
}

// recentConns is how many closed connections IO.Global remembers.
const recentConns = 32

type closedConn struct {
	id     protocol.ConnID
	global uint64
}

// AddHost adds a host, powered on, without a process. Name and address must be new: it
// panics otherwise.
func (w *World) AddHost(name string, addr netip.Addr) *Host {
	for _, h := range w.hosts {
		if h.name == name {
			panic("world: there is a host " + name + " already")
		}
	}
	if w.byAddr[addr] != nil {
		panic("world: host " + w.byAddr[addr].name + " has the address " + addr.String() + " already")
	}
	h := &Host{
		world: w, name: name, addr: addr, index: len(w.hosts),
		reads: w.Stream("reads/" + name),
		ports: w.Stream("ports/" + name),
		draws: w.Stream("process/" + name),
	}
	w.hosts = append(w.hosts, h)
	w.byAddr[addr] = h
	h.bootKernel()
	return h
}

// Name of the host; traces call it node.
func (h *Host) Name() string { return h.name }

// Up is whether a process runs on the host, or is about to boot.
func (h *Host) Up() bool { return h.proc != nil }

// Start runs a process: factory makes it, now and after each restart. What should survive
// a restart, the storage, belongs to factory's surroundings. The process boots in this
// instant, though not before the caller returns. One that runs is killed first.
func (h *Host) Start(factory func() Process) {
	h.factory = factory
	h.Restart()
}

// Restart runs a new process of the factory. One that runs is killed first. It does
// nothing on a host without power or factory.
func (h *Host) Restart() {
	h.Kill()
	if !h.powered || h.factory == nil {
		return
	}
	p := &process{host: h, timers: make(map[protocol.TimerID]*task), ends: make(map[protocol.ConnID]*end)}
	p.io.proc = p
	p.accepted = AcceptOwner
	h.proc = p
	t := h.world.queue.newTask(taskBoot)
	t.proc = p
	h.world.queue.push(h.world.now, t)
}

// Kill ends the process without warning. The kernel lives on: it closes the process'
// connections, with FIN, or RST where bytes were not read.
func (h *Host) Kill() {
	p := h.proc
	if p == nil {
		return
	}
	h.down(p, "killed")
	clear(h.listeners)
	for _, e := range p.waiting { // nobody will accept them
		if e.state != stateClosed {
			h.world.reset(e)
			h.world.forget(e)
		}
	}
	for p.first != nil {
		if p.first.over { // it dies while it is being told
			p.detach(p.first)
			continue
		}
		h.world.closeEnd(p.first)
	}
}

// PowerOff makes the host vanish: nothing leaves it any more, and its kernel forgets.
// What is under way still arrives. Storage is the factory's affair.
func (h *Host) PowerOff() {
	if !h.powered {
		return
	}
	h.powered = false
	if p := h.proc; p != nil {
		h.down(p, "power off")
		for p.first != nil {
			h.world.vanish(p.first)
		}
	}
	for _, e := range h.tuples { // in any order: each end is changed by itself
		h.world.vanish(e)
	}
}

// PowerOn gives the host its power, a new kernel, and a new process if one was started
// before.
func (h *Host) PowerOn() {
	if h.powered {
		return
	}
	h.bootKernel()
	h.Restart()
}

func (h *Host) bootKernel() {
	h.powered = true
	h.listeners = make(map[uint16]*process)
	h.tuples = make(map[tuple]*end)
	h.lingering, h.lingered = h.lingering[:0], 0
	c := &h.world.config
	h.nextPort = c.PortMin + uint16(h.ports.IntN(int(c.PortMax-c.PortMin)+1))
}

func (h *Host) down(p *process, how string) {
	p.dead = true
	h.proc = nil
	h.world.scratch = trace.Event{Kind: trace.KindNodeDown, Note: how}
	h.world.emit(h.name)
}

func (w *World) boot(p *process) {
	if p.dead {
		return
	}
	if p.paused {
		p.hold(taskBoot).proc = p
		return
	}
	w.scratch = trace.Event{Kind: trace.KindNodeUp}
	w.emit(p.host.name)
	p.step = p.host.factory()
	p.deliver(Event{Kind: EventBoot})
}

func (w *World) fire(t *task) {
	if t.proc.dead {
		return
	}
	if t.proc.paused {
		again := t.proc.hold(taskTimer)
		again.proc, again.timer = t.proc, t.timer
		t.proc.timers[t.timer] = again
		return
	}
	delete(t.proc.timers, t.timer)
	w.scratch = trace.Event{Kind: trace.KindTimer, Timer: uint64(t.timer)}
	w.emit(t.proc.host.name)
	t.proc.deliver(Event{Kind: EventTimer, Timer: t.timer})
}

func (w *World) deliverPost(t *task) {
	if t.proc.dead {
		return
	}
	if t.proc.paused {
		again := t.proc.hold(taskPost)
		again.proc, again.value = t.proc, t.value
		return
	}
	w.scratch = trace.Event{Kind: trace.KindPost}
	w.emit(t.proc.host.name)
	t.proc.deliver(Event{Kind: EventPost, Value: t.value})
}

func (p *process) deliver(ev Event) { p.step.Step(p.host.Steady(), ev, &p.io) }

// end finds a connection that the process has, nil without. It is asked for several times
// in a step, nearly always for the same one.
func (p *process) end(id protocol.ConnID) *end {
	if p.latest == nil || p.latest.id != id {
		p.latest = p.ends[id]
	}
	return p.latest
}

// attach makes an end the process' own, under a name that must be new.
func (p *process) attach(e *end, id protocol.ConnID) {
	e.proc, e.id = p, id
	p.ends[id] = e
	e.before, e.after = p.last, nil
	if p.last == nil {
		p.first = e
	} else {
		p.last.after = e
	}
	p.last = e
}

// detach leaves an end to the kernel alone. An end that was left already is no matter.
func (p *process) detach(e *end) {
	if e.proc == nil {
		return
	}
	if e.before == nil {
		p.first = e.after
	} else {
		e.before.after = e.after
	}
	if e.after == nil {
		p.last = e.before
	} else {
		e.after.before = e.before
	}
	e.before, e.after, e.proc = nil, nil, nil
	if p.latest == e {
		p.latest = nil
	}
	delete(p.ends, e.id)
	p.recent[p.closed%recentConns] = closedConn{e.id, e.conn.global}
	p.closed++
}
