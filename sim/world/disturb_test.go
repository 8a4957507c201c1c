// Disturbances of the network, and that they end. Partitions are tested with retransmission.

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sent writes a text at the client and tells when the server had it.
func (f *fixture) sent(text string, wait time.Duration) time.Duration {
	f.c.io.Write(1, []byte(text))
	f.runFor(wait)
	return f.s.when("received 1 " + text)
}

func TestDelayAddsUpAndIsTakenBack(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.Delay(f.client, f.server, 30*time.Millisecond)
	f.Delay(f.client, f.server, 10*time.Millisecond)
	begun := f.Elapsed()
	require.Equal(t, begun+41*time.Millisecond, f.sent("slow", time.Second))
	f.s.io.Write(f.accepted(), []byte("back"))
	back := f.Elapsed()
	f.runFor(time.Second)
	require.Equal(t, back+time.Millisecond, f.c.when("received 1 back"), "the other direction is not delayed")
	f.Delay(f.client, f.server, -30*time.Millisecond)
	f.Delay(f.client, f.server, -10*time.Millisecond)
	begun = f.Elapsed()
	require.Equal(t, begun+time.Millisecond, f.sent("fast", time.Second))
}

func TestDelayKeepsOrder(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.Delay(f.client, f.server, 50*time.Millisecond)
	f.c.io.Write(1, []byte("first"))
	f.Delay(f.client, f.server, -50*time.Millisecond)
	f.c.io.Write(1, []byte("second"))
	f.runFor(time.Second)
	require.Equal(t, []string{"accepted 1", "received 1 first", "received 1 second"}, f.s.lines())
}

func TestClogHoldsPacketsAndLetsThemGo(t *testing.T) {
	f := connected(t, oneMillisecond())
	begun := f.Elapsed()
	f.Clog(f.client, f.server, 100*time.Millisecond)
	f.Clog(f.client, f.server, 50*time.Millisecond) // within the first
	require.Equal(t, begun+101*time.Millisecond, f.sent("held", time.Second))
	require.Equal(t, f.Elapsed()+time.Millisecond, f.sent("free", time.Second))
}

func TestSlowHandshakeDelaysConnectionsOnly(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.server.SlowHandshake(300 * time.Millisecond)
	begun := f.Elapsed()
	f.c.io.Dial(2, serverPort)
	require.Equal(t, begun+time.Millisecond, f.sent("open", time.Second))
	require.Equal(t, begun+302*time.Millisecond, f.c.when("dialed 2"))
	f.server.SlowHandshake(-300 * time.Millisecond)
	begun = f.Elapsed()
	f.c.io.Dial(3, serverPort)
	f.runFor(time.Second)
	require.Equal(t, begun+2*time.Millisecond, f.c.when("dialed 3"))
}
