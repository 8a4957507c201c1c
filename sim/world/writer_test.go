// Full send buffers: RFC 9293 section 3.10.2 and what drivers do about them.

package world

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// narrow is a connection whose kernels take 10 bytes, and keep 10 for a process that is paused.
func narrow(t *testing.T) *fixture {
	config := oneMillisecond()
	config.SendBuffer, config.ReceiveBuffer = 10, 10
	return connected(t, config)
}

// What there is no room for waits, and leaves in order: a write that would have found room
// does not overtake it.
func TestFullSendBufferHoldsTheWriter(t *testing.T) {
	f := narrow(t)
	f.Partition(f.client, f.server)
	f.c.io.Write(1, []byte("123456"))
	f.c.io.Write(1, []byte("789abcdef"))
	f.c.io.Write(1, []byte("g"))
	f.runFor(100 * ms)
	assert.Equal(t, 10, f.onlyEnd(f.client).unacked)
	f.HealPartition(f.client, f.server)
	f.runFor(time.Second)
	assert.Equal(t, "123456789abcdefg", string(f.s.got[f.accepted()]))
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	assert.Nil(t, f.onlyEnd(f.client).writer)
	assert.Equal(t, 1, f.Happened().Held)
}

// A write that is larger than the buffer leaves as acknowledgements come back, a round trip
// each.
func TestWriteLargerThanTheSendBuffer(t *testing.T) {
	f := narrow(t)
	start := f.Elapsed()
	f.c.io.Write(1, []byte(strings.Repeat("0123456789", 3)))
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "received 1 0123456789", "received 1 0123456789", "received 1 0123456789"}, f.s.lines())
	assert.Equal(t, start+5*ms, f.s.log[len(f.s.log)-1].at)
}

// Beyond the bound the connection ends, and nothing follows what was thrown away.
func TestQueueIsBounded(t *testing.T) {
	f := narrow(t)
	f.c.io.Queue(1, 16, 0)
	f.Partition(f.client, f.server)
	f.c.io.Write(1, []byte("0123456789 waits"))
	f.c.io.Write(1, []byte("behind"))
	f.runFor(time.Millisecond)
	require.Equal(t, []string{"dialed 1"}, f.c.lines(), "six bytes are being written, and six behind them wait")
	f.c.io.Write(1, []byte("far too much"))
	f.c.io.Write(1, []byte("x"))
	f.runFor(time.Millisecond)
	assert.Equal(t, []string{"dialed 1", "closed 1 overflow"}, f.c.lines())
	f.HealPartition(f.client, f.server)
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "received 1 0123456789", "closed 1 fin"}, f.s.lines())
	f.runFor(2 * time.Minute)
	assert.Zero(t, knows(f.client)+knows(f.server))
}

// The same where bytes have arrived that nobody has read: SHLD-3 of section 3.6.1.
func TestQueueThatOverflowsWithUnreadBytesResets(t *testing.T) {
	f := narrow(t)
	f.c.io.Queue(1, 8, 0)
	f.client.Pause()
	f.s.io.Write(f.accepted(), []byte("unread"))
	f.runFor(10 * ms)
	f.After(0, func() {
		f.client.Resume() // it writes before it reads
		f.c.io.Write(1, []byte("0123456789 waits, and too long"))
	})
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 overflow"}, f.c.lines())
	assert.Equal(t, []string{"accepted 1", "closed 1 reset"}, f.s.lines())
	assert.Zero(t, knows(f.client)+knows(f.server))
}

// A batch that takes too long ends the connection; each has its own time.
func TestWriterWaitsForSoLong(t *testing.T) {
	f := narrow(t)
	f.c.io.Queue(1, 0, 30*time.Second)
	f.server.Pause()
	f.c.io.Write(1, []byte("0123456789"))
	f.runFor(10 * ms)
	start := f.Elapsed()
	f.c.io.Write(1, []byte("0123456789first"))
	f.c.io.Write(1, []byte("second"))
	f.After(20*time.Second, f.server.Resume)
	f.After(20*time.Second+500*time.Microsecond, f.server.Pause) // when the first batch has found room
	f.runFor(49 * time.Second)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1", "closed 1 timeout"}, f.c.lines())
	assert.Equal(t, start+20*time.Second+3*ms+30*time.Second, f.c.when("closed 1 timeout"))
}

// A process that is paused writes nothing, and finds its time gone when it goes on.
func TestPausedWriter(t *testing.T) {
	f := narrow(t)
	f.c.io.Queue(1, 0, 30*time.Second)
	f.c.io.Write(1, []byte("0123456789first"))
	f.client.Pause()
	f.runFor(10 * time.Second)
	assert.Equal(t, "0123456789", string(f.s.got[f.accepted()]))
	f.client.Resume()
	f.runFor(time.Second)
	assert.Equal(t, "0123456789first", string(f.s.got[f.accepted()]))
	f.c.io.Write(1, []byte("0123456789second"))
	f.client.Pause()
	f.runFor(time.Minute)
	f.client.Resume()
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 timeout"}, f.c.lines())
	assert.Equal(t, "0123456789first0123456789", string(f.s.got[f.accepted()]))
}

// Close and death throw away what waits; what the kernel has taken arrives.
func TestWhatWaitsIsLostWithTheProcess(t *testing.T) {
	for name, end := range map[string]func(f *fixture){
		"close":          func(f *fixture) { f.c.io.Close(1) },
		"half close":     func(f *fixture) { f.c.io.CloseWrite(1) },
		"kill":           func(f *fixture) { f.client.Kill() },
		"kill, finished": func(f *fixture) { f.c.io.Finish(1, time.Hour); f.client.Kill() },
	} {
		f := narrow(t)
		f.c.io.Write(1, []byte("0123456789lost"))
		end(f)
		f.runFor(time.Minute)
		assert.Equal(t, []string{"accepted 1", "received 1 0123456789", "closed 1 fin"}, f.s.lines(), name)
	}
}

// A process that is done leaves its driver a while to write what waits. It hears no more.
func TestFinish(t *testing.T) {
	f := narrow(t)
	f.s.io.StayOpen(f.accepted())
	f.c.io.Write(1, []byte("0123456789last words"))
	f.c.io.Finish(1, time.Second)
	f.c.io.Write(1, []byte("too late"))
	f.s.io.Write(f.accepted(), []byte("who reads?"))
	f.s.io.CloseWrite(f.accepted())
	f.runFor(time.Minute)
	assert.Equal(t, []string{"accepted 1", "received 1 0123456789", "received 1 last words", "closed 1 fin"}, f.s.lines())
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	assert.Zero(t, knows(f.client))
}

// Nothing waits: Finish is Close.
func TestFinishWithoutAnythingToWrite(t *testing.T) {
	f := narrow(t)
	start := f.Elapsed()
	f.c.io.Finish(1, time.Second)
	f.runFor(time.Minute)
	assert.Equal(t, start+ms, f.s.when("closed 1 fin"))
}

func TestFinishHasAnEnd(t *testing.T) {
	f := narrow(t)
	f.server.Pause()
	f.c.io.Write(1, []byte(strings.Repeat("0123456789", 5)))
	f.runFor(10 * ms)
	f.c.io.Finish(1, time.Second)
	f.runFor(2 * time.Second)
	assert.Equal(t, stateFINWait, f.onlyEnd(f.client).state)
	f.server.Resume()
	f.runFor(time.Minute)
	assert.Equal(t, "01234567890123456789", string(f.s.got[f.accepted()]))
	assert.Equal(t, "closed 1 fin", f.s.lines()[len(f.s.lines())-1])
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
}

// A reset ends it too.
func TestFinishThatIsReset(t *testing.T) {
	f := narrow(t)
	f.server.Pause()
	f.c.io.Write(1, []byte(strings.Repeat("0123456789", 5)))
	f.runFor(10 * ms)
	f.c.io.Finish(1, time.Hour)
	f.server.Kill()
	f.runFor(time.Minute)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	assert.Zero(t, knows(f.client))
	_, pending := f.queue.peek()
	assert.False(t, pending)
}
