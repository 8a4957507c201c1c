// Ends that are closed for writing only, and ends that stay open: RFC 9293 section 3.6.

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Case 1: who closed for writing receives until the other end closes too.
func TestHalfClosedEndReceives(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.s.io.StayOpen(f.accepted())
	f.c.io.Write(1, []byte("all of it"))
	f.c.io.CloseWrite(1)
	f.c.io.Write(1, []byte("too late"))
	f.runFor(time.Second)
	f.s.io.Write(f.accepted(), []byte("answer"))
	f.s.io.Close(f.accepted())
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "received 1 all of it", "peer-done 1"}, f.s.lines())
	assert.Equal(t, []string{"dialed 1", "received 1 answer", "closed 1 fin"}, f.c.lines())
	assert.Zero(t, knows(f.server))
	assert.Equal(t, stateTimeWait, f.onlyEnd(f.client).state)
	f.runFor(2 * time.Minute)
	assert.Zero(t, knows(f.client))
}

// A process that closes with the peer, as most do, still sends what it had written.
func TestHalfCloseOfAnEndWhosePeerClosesWithIt(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.CloseWrite(1)
	f.s.io.Write(f.accepted(), []byte("on its way"))
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "received 1 on its way", "closed 1 fin"}, f.c.lines())
	assert.Equal(t, []string{"accepted 1", "closed 1 fin"}, f.s.lines())
}

// CLOSE-WAIT lasts until the process closes: a server that does not, leaks the connection.
func TestCloseWaitLastsUntilTheProcessCloses(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.s.io.StayOpen(f.accepted())
	f.c.io.Close(1)
	f.runFor(24 * time.Hour)
	require.Equal(t, 1, knows(f.server))
	assert.Equal(t, stateEstablished, f.onlyEnd(f.server).state)
	assert.Zero(t, knows(f.client), "FIN-WAIT-2 of a process that closed lasts 60 s")
	f.server.Kill()
	f.runFor(time.Second)
	assert.Zero(t, knows(f.server), "the FIN is answered by a reset")
}

// Closing the rest: FIN-WAIT-2 has no end while the process may read, and 60 s after that.
func TestClosedForWritingAndThenWholly(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.s.io.StayOpen(f.accepted())
	f.c.io.CloseWrite(1)
	f.runFor(time.Hour)
	require.Equal(t, stateFINWait, f.onlyEnd(f.client).state)
	f.c.io.Close(1)
	f.runFor(59 * time.Second)
	assert.Equal(t, 1, knows(f.client))
	f.runFor(2 * time.Second)
	assert.Zero(t, knows(f.client))
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
}

func TestHalfClosedEndIsReset(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.s.io.StayOpen(f.accepted())
	f.c.io.CloseWrite(1)
	f.runFor(time.Second)
	f.s.io.Abort(f.accepted())
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
	assert.Zero(t, knows(f.client)+knows(f.server))
}

// Both close for writing at once; each hears of the other.
func TestSimultaneousHalfClose(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.CloseWrite(1)
	f.s.io.CloseWrite(f.accepted())
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 fin"}, f.c.lines())
	assert.Equal(t, []string{"accepted 1", "closed 1 fin"}, f.s.lines())
	f.runFor(2 * time.Minute)
	assert.Zero(t, knows(f.client)+knows(f.server))
}
