// Host clocks: each host's own idea of the time, which may be off, run fast or slow, and
// be stepped. Simulated time itself is what only the world and a judge know.

package world

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/a8011091/pegasus-reference/trace"
)

// MaxDrift is the fastest that a clock may gain or lose, in ns per second: a tenth.
const MaxDrift = 100_000_000

const perSecond = int64(time.Second)

// clock is a host's two clocks, as an operating system has them. The steady one is what
// timers and deadlines go by: nobody steps it, but it drifts. The wall clock is the steady
// one and an offset, and is what certificates, tickets and logs go by. Both survive a
// restart and a loss of power, as a battery sees to.
type clock struct {
	drift  int64 // ns that it gains in a second of simulated time; negative: loses
	since  int64 // simulated instant at which the drift was set
	shown  int64 // what the steady clock showed then
	offset int64 // of the wall clock from the steady one
}

// steady is what the steady clock shows at a simulated instant.
func (c *clock) steady(now int64) int64 {
	d := now - c.since
	return c.shown + d + gain(d, c.drift)
}

// gain is d*drift/1e9, rounded down, without overflow.
func gain(d, drift int64) int64 {
	if drift == 0 {
		return 0
	}
	whole, rest := d/perSecond, d%perSecond
	return whole*drift + floorDiv(rest*drift, perSecond)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

// until is the shortest simulated time from now after which the steady clock has gone on
// by d.
func (c *clock) until(now, d int64) int64 {
	if c.drift == 0 || d <= 0 {
		return max(d, 0)
	}
	hi, lo := bits.Mul64(uint64(d), uint64(perSecond))
	quotient, _ := bits.Div64(hi, lo, uint64(perSecond+c.drift))
	at, from := int64(quotient), c.steady(now)
	for at > 0 && c.steady(now+at-1)-from >= d {
		at--
	}
	for c.steady(now+at)-from < d {
		at++
	}
	return at
}

// Steady is the host's clock that nobody steps; processes are stepped with it.
func (h *Host) Steady() time.Time { return epoch.Add(time.Duration(h.clock.steady(h.world.now))) }

// Wall is what the host's wall clock shows.
func (h *Host) Wall() time.Time { return h.Steady().Add(time.Duration(h.clock.offset)) }

// StepClock sets the host's wall clock on, or back where by is negative. Timers do not
// notice.
func (h *Host) StepClock(by time.Duration) {
	h.clock.offset += int64(by)
	h.world.scratch = trace.Event{Kind: trace.KindFault, Note: fmt.Sprintf("clock stepped by %v", by)}
	h.world.emit(h.name)
}

// SetDrift makes the host's clocks gain so many ns in each second from now on, at most
// MaxDrift either way: it panics otherwise. Timers that are armed already keep the rate
// that held when they were.
func (h *Host) SetDrift(perSecond int64) {
	if perSecond > MaxDrift || perSecond < -MaxDrift {
		panic(fmt.Sprintf("world: a drift of %d ns per second; at most %d", perSecond, MaxDrift))
	}
	c := &h.clock
	c.since, c.shown, c.drift = h.world.now, c.steady(h.world.now), perSecond
	h.world.scratch = trace.Event{Kind: trace.KindFault, Note: fmt.Sprintf("clock drifts by %d ns per second", perSecond)}
	h.world.emit(h.name)
}

// Drift is the drift that was set.
func (h *Host) Drift() int64 { return h.clock.drift }

// Host is the name of the process' host.
func (io *IO) Host() string { return io.proc.host.name }

// Wall is the wall clock of the process' host.
func (io *IO) Wall() time.Time { return io.proc.host.Wall() }
