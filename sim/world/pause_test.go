// Processes that do not run: what their kernels do meanwhile, and what they find. Sections
// are those of RFC 9293.

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Section 3.5: a handshake is the kernel's; listen's backlog waits for the process.
func TestConnectionsWaitForAPausedProcess(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.server.Pause()
	f.c.io.Dial(1, serverPort)
	f.runFor(10 * ms)
	assert.Equal(t, 2*ms, f.c.when("dialed 1"))
	f.c.io.Write(1, []byte("a"))
	f.c.io.Write(1, []byte("b"))
	f.c.io.Close(1)
	f.runFor(time.Second)
	assert.Empty(t, f.s.lines())
	f.server.Resume()
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "received 1 ab", "closed 1 fin"}, f.s.lines())
	assert.Equal(t, 1010*ms, f.s.when("accepted 1"))
}

// RFC 4987 section 2.2 and listen(2): a SYN beyond the backlog is ignored, and leaves again. One
// more than the backlog waits, as in Linux.
func TestSYNBeyondTheBacklogIsDropped(t *testing.T) {
	config := oneMillisecond()
	config.Backlog = 2
	f := newFixture(t, config)
	f.server.Pause()
	for id := range protocol.ConnID(3) {
		f.c.io.Dial(id+1, serverPort)
	}
	f.runFor(10 * ms)
	f.c.io.Dial(4, serverPort)
	f.runFor(100 * ms)
	assert.Equal(t, []string{"dialed 1", "dialed 2", "dialed 3"}, f.c.lines())
	f.server.Resume()
	f.runFor(time.Minute)
	assert.Equal(t, 1012*ms, f.c.when("dialed 4"))
	assert.Len(t, f.s.seen, 4)
}

// Where the backlog is full when the last ACK of a handshake comes, the kernel drops that: the
// dialer takes the connection for open, the acceptor's SYN-ACK leaves again (RFC 6298).
func TestACKBeyondTheBacklogIsDropped(t *testing.T) {
	config := oneMillisecond()
	config.Backlog = 1
	f := newFixture(t, config)
	f.server.Pause()
	for id := range protocol.ConnID(3) {
		f.c.io.Dial(id+1, serverPort) // all SYNs come before the first ACK
	}
	f.runFor(10 * ms)
	assert.Equal(t, []string{"dialed 1", "dialed 2", "dialed 3"}, f.c.lines())
	f.server.Resume()
	f.runFor(time.Minute)
	assert.Equal(t, 10*ms, f.s.when("accepted 2"))
	assert.Equal(t, 1003*ms, f.s.when("accepted 3"))
}

// Section 3.10.7.4: a reset that comes while a connection waits to be accepted is found with it.
func TestConnectionThatWasResetWhileItWaited(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.server.Pause()
	f.c.io.Dial(1, serverPort)
	f.runFor(10 * ms)
	f.c.io.Abort(1)
	f.runFor(10 * ms)
	f.server.Resume()
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "closed 1 reset"}, f.s.lines())
	assert.Zero(t, knows(f.server))
}

// Section 3.10.5 and the listener's end: what waited to be accepted is reset.
func TestKilledWhilePausedResetsWhatWaited(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.server.Pause()
	f.c.io.Dial(1, serverPort)
	f.runFor(10 * ms)
	f.server.Restart()
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
	assert.Empty(t, f.s.lines())
	assert.Zero(t, knows(f.server))
}

// Timers that run out during a pause fire after it, in their order; one of them may stop another.
func TestTimersFireAfterAPause(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.onClient = func(a *actor, ev Event) {
		if ev.Kind == EventTimer && ev.Timer == 2 {
			a.io.Stop(3)
		}
	}
	f.c.io.Arm(1, 30*ms)
	f.c.io.Arm(2, 10*ms)
	f.c.io.Arm(3, 20*ms)
	f.c.io.Arm(4, time.Second)
	f.c.io.Post(5*ms, "posted")
	f.client.Pause()
	f.client.Pause() // once is enough
	assert.True(t, f.client.Paused())
	f.runFor(100 * ms)
	assert.Empty(t, f.c.lines())
	f.client.Resume()
	f.client.Resume()
	f.runFor(time.Second)
	assert.Equal(t, []string{"post posted", "timer 2", "timer 1", "timer 4"}, f.c.lines())
	assert.Equal(t, 100*ms, f.c.when("timer 1"))
	assert.Equal(t, time.Second, f.c.when("timer 4"))
}

// Section 3.9.1: the kernel goes on. A paused dialer hears in order what its kernel went through.
func TestPausedDialerHearsAfterwards(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.c.io.Dial(2, addrPort("10.0.0.1:1")) // refused
	f.client.Pause()
	f.runFor(100 * ms)
	f.s.io.Abort(f.accepted())
	f.runFor(100 * ms)
	assert.Empty(t, f.c.lines())
	f.client.Resume()
	f.runFor(100 * ms)
	assert.Equal(t, []string{"dialed 1", "dial-failed 2 refused", "closed 1 reset"}, f.c.lines())
}

func TestKillAndPowerLossEndAPause(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Arm(1, 10*ms)
	f.client.Pause()
	f.runFor(20 * ms)
	f.client.Restart()
	assert.False(t, f.client.Paused())
	f.runFor(20 * ms)
	assert.Empty(t, f.c.lines(), "the timer was the dead process'")
	f.client.Pause()
	f.client.PowerOff()
	assert.False(t, f.client.Paused())
	f.client.PowerOn()
	f.client.Resume()
	f.runFor(20 * ms)
	assert.Len(t, f.c.log, 1)
}

// Section 3.8.6: the window shuts when the receive buffer is full. Section 3.8.6.1: the
// sender probes it, and the user timeout does not run while probes are acknowledged.
func TestWindowShutsWhereNobodyReads(t *testing.T) {
	config := oneMillisecond()
	config.ReceiveBuffer, config.UserTimeout = 10, 5*time.Second
	f := connected(t, config)
	f.server.Pause()
	for _, piece := range []string{"01234", "56789", "abcde", "f"} {
		f.c.io.Write(1, []byte(piece))
	}
	f.runFor(time.Minute)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	require.Equal(t, 6, f.onlyEnd(f.client).unacked, "a segment that found no room, and the one behind it")
	f.server.Resume()
	resumed := f.Elapsed()
	f.runFor(10 * time.Second)
	assert.Equal(t, "0123456789abcdef", string(f.s.got[f.accepted()]))
	assert.LessOrEqual(t, f.s.when("received 1 abcde")-resumed, 5*ms, "the window's opening is told, no timer is waited for")
	assert.Zero(t, f.onlyEnd(f.client).unacked)
}

// Section 3.8.6.1: a host that loses its power behind a shut window does not acknowledge probes.
func TestUserTimeoutBehindAShutWindow(t *testing.T) {
	config := oneMillisecond()
	config.ReceiveBuffer, config.UserTimeout = 10, 5*time.Second
	f := connected(t, config)
	f.server.Pause()
	f.c.io.Write(1, []byte("01234567"))
	f.c.io.Write(1, []byte("89abcdef"))
	f.runFor(20 * time.Second)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	f.server.PowerOff()
	f.runFor(10 * time.Minute)
	assert.Equal(t, []string{"dialed 1", "closed 1 timeout"}, f.c.lines())
}
