// The world: its configuration, its clock, and the loop that lets things happen.

// Package world is the simulated world: clock, event heap, random streams, hosts, their
// processes and TCP. It has one thread, and everything in it is decided by the seed: the
// same seed and the same calls give the same trace, byte for byte.
//
// TCP is simulated at the level of segments: handshake, FIN, RST, retransmission after
// loss, TIME-WAIT (RFC 9293; timer values are Linux's where the RFC leaves them open).
// Packets get lost where a host is down or partitioned only. Simplified: an
// acknowledgement is no packet of its own, a segment counts as acknowledged the moment it
// arrives; the rest of a lost window is sent again after the first segment got through;
// there is no congestion control; a send buffer counts bytes of data only; a connection that
// no process has waits for a shut window as long as it stays shut, in Linux for 205 s; ICMP
// does not exist, a host that is down is silent.
package world

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/trace"
)

// TimeWait is how long Linux keeps a connection in TIME-WAIT, whatever RFC 9293 says of the MSL.
const TimeWait = 60 * time.Second

// Config of a world. A zero field means its default.
type Config struct {
	Seed uint64

	// Latency of a packet, drawn evenly for each from [LatencyMin, LatencyMax]. Packets of
	// one connection and direction stay in order. Default of both: 100 to 500 us.
	LatencyMin, LatencyMax time.Duration

	// Split makes processes read in random pieces, and late, so that segments coalesce.
	// Without it every segment is read at once and whole.
	Split     bool
	ReadDelay time.Duration // longest wait of a late read; default 100 us

	Sticky bool // kernels go on with connections as cause C2 claims, see sticky.go; no TCP does

	PortMin, PortMax uint16 // ephemeral ports; default 32768 to 60999, Linux's

	SYNRetries  int           // a dial gives up after 2^(n+1)-1 s; default 6: 127 s
	SYNLinear   int           // so many of them a second apart, as Linux's tcp_syn_linear_timeouts; default none
	UserTimeout time.Duration // unacknowledged for so long: WhyTimeout; default 924.6 s, Linux's 15 retries
	// OrphanTimeout is UserTimeout of a connection that no process has any more, where it is
	// shorter; default 102.2 s, Linux's 8 retries.
	OrphanTimeout time.Duration
	TimeWait      time.Duration // also of an orphan in FIN-WAIT-2; default TimeWait
	SendBuffer    int           // bytes not acknowledged, per connection and direction; default 4 MiB, Linux's largest

	// ReceiveBuffer is how many bytes a kernel keeps for a process that does not read; the
	// window is shut then. Default 6 MiB, Linux's largest.
	ReceiveBuffer int
	// Backlog is how many connections may wait for a process to accept them, and one more;
	// default 4096, Linux's somaxconn.
	Backlog int
}

func (c Config) withDefaults() Config {
	if c.LatencyMin == 0 && c.LatencyMax == 0 {
		c.LatencyMin, c.LatencyMax = 100*time.Microsecond, 500*time.Microsecond
	}
	if c.PortMin == 0 && c.PortMax == 0 {
		c.PortMin, c.PortMax = 32768, 60999
	}
	orDefault(&c.ReadDelay, 100*time.Microsecond)
	orDefault(&c.SYNRetries, 6)
	orDefault(&c.UserTimeout, 924600*time.Millisecond)
	orDefault(&c.OrphanTimeout, 102200*time.Millisecond)
	orDefault(&c.TimeWait, TimeWait)
	orDefault(&c.SendBuffer, 4<<20)
	orDefault(&c.ReceiveBuffer, 6<<20)
	orDefault(&c.Backlog, 4096)
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Check says what is wrong with a configuration. New wants one that it passes.
func (c Config) Check() error {
	c = c.withDefaults()
	switch {
	case c.LatencyMin < 0 || c.LatencyMax < c.LatencyMin:
		return fmt.Errorf("world: latency from %v to %v: want 0 <= LatencyMin <= LatencyMax", c.LatencyMin, c.LatencyMax)
	case c.ReadDelay < 0:
		return fmt.Errorf("world: negative ReadDelay %v", c.ReadDelay)
	case c.PortMin == 0 || c.PortMax < c.PortMin:
		return fmt.Errorf("world: ephemeral ports from %d to %d: want 1 <= PortMin <= PortMax", c.PortMin, c.PortMax)
	case c.SYNRetries < 0 || c.SYNRetries > 16 || c.SYNLinear < 0:
		return fmt.Errorf("world: %d SYN retries, %d of them linear: want 1 to 16, and none that is negative", c.SYNRetries, c.SYNLinear)
	case c.UserTimeout < 0 || c.OrphanTimeout < 0 || c.TimeWait < 0 || c.SendBuffer < 0 || c.ReceiveBuffer < 0 || c.Backlog < 0:
		return fmt.Errorf("world: UserTimeout %v, OrphanTimeout %v, TimeWait %v, SendBuffer %d, ReceiveBuffer %d, Backlog %d: none may be negative",
			c.UserTimeout, c.OrphanTimeout, c.TimeWait, c.SendBuffer, c.ReceiveBuffer, c.Backlog)
	}
	return nil
}

// World holds everything that is simulated. It is for one goroutine.
type World struct {
	config      Config
	sink        trace.Sink
	queue       queue
	now         int64 // ns since epoch
	steps       uint64
	streams     map[string]*rand.Rand
	hosts       []*Host
	byAddr      map[netip.Addr]*Host
	nowhere     *Host  // stands for every address that no host has
	connections uint64 // dialed so far
	happened    Happened
	scratch     trace.Event
}

// epoch is when every run begins.
var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// New makes an empty world at 2026-01-01T00:00:00Z. It panics on a configuration that
// Config.Check refuses. Every delivered event goes to sink, nil for none.
func New(config Config, sink trace.Sink) *World {
	if err := config.Check(); err != nil {
		panic(err)
	}
	if sink == nil {
		sink = trace.Fanout{}
	}
	w := &World{
		config:  config.withDefaults(),
		sink:    sink,
		streams: make(map[string]*rand.Rand),
		byAddr:  make(map[netip.Addr]*Host),
	}
	w.nowhere = &Host{world: w, name: "nowhere", index: -1}
	return w
}

// Now is the simulated time.
func (w *World) Now() time.Time { return epoch.Add(time.Duration(w.now)) }

// Elapsed is the simulated time since the run began.
func (w *World) Elapsed() time.Duration { return time.Duration(w.now) }

// Happened counts what processes are not told.
type Happened struct {
	Challenges int // SYNs answered with a challenge ACK, see KindChallenge of package trace
	Dropped    int // packets of flows that a middlebox had forgotten, and lost
	Refused    int // the same, and answered with a reset
	Held       int // writes that found the send buffer full, and waited
}

// Happened returns what has happened so far.
func (w *World) Happened() Happened { return w.happened }

// Steps is how many things have happened: packets, timers, reads and calls.
func (w *World) Steps() uint64 { return w.steps }

// At calls fn at an instant, counted from the beginning of the run; at once, though not
// before the caller returns, if that has passed.
func (w *World) At(at time.Duration, fn func()) {
	t := w.queue.newTask(taskCall)
	t.call = fn
	w.queue.push(max(int64(at), w.now), t)
}

// After calls fn when d has passed.
func (w *World) After(d time.Duration, fn func()) { w.At(time.Duration(w.now)+d, fn) }

// Run lets everything happen up to and including an instant, counted from the beginning
// of the run, and leaves the clock there.
func (w *World) Run(until time.Duration) {
	for w.next(int64(until)) {
	}
	w.now = max(w.now, int64(until))
}

// RunUntil goes on until cond holds, which it asks first and then after each step, or
// until an instant, counted from the beginning of the run. It returns what cond says.
func (w *World) RunUntil(cond func() bool, limit time.Duration) bool {
	for !cond() {
		if !w.next(int64(limit)) {
			w.now = max(w.now, int64(limit))
			return cond()
		}
	}
	return true
}

// next lets one thing happen; false if nothing is to happen by limit.
func (w *World) next(limit int64) bool {
	at, ok := w.queue.peek()
	if !ok || at > limit {
		return false
	}
	t := w.queue.pop()
	w.now = at
	w.steps++
	w.perform(t)
	w.queue.release(t)
	return true
}

func (w *World) perform(t *task) {
	switch t.kind {
	case taskCall:
		t.call()
	case taskBoot:
		w.boot(t.proc)
	case taskTimer:
		w.fire(t)
	case taskPost:
		w.deliverPost(t)
	case taskRead:
		w.read(t.end)
	case taskFail:
		w.giveUp(t.end, t.why)
	case taskDialed:
		w.tellDialed(t.end)
	case taskAccept:
		w.takeIn(t.end)
	case taskOver:
		w.tellLost(t.end, taskOver, t.why, t.sentAt)
	case taskDialFailed:
		w.tellLost(t.end, taskDialFailed, t.why, 0)
	case taskSYNTimer:
		w.synTimer(t.end)
	case taskSYNACKTimer:
		w.synACKTimer(t.end)
	case taskRetransmit:
		w.retransmit(t.end)
	case taskKeepAlive:
		w.keepAliveTimer(t.end)
	case taskRoom:
		w.roomFound(t.end)
	case taskWriteTimer:
		w.writeTimer(t.end)
	default:
		w.arrive(t)
	}
}

// emit stamps what is in scratch and hands it to the sink.
func (w *World) emit(node string) {
	w.scratch.AtNS = w.now
	w.scratch.Node = node
	w.sink.Emit(&w.scratch)
}
