// Keep-alive: RFC 9293 section 3.8.4.

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func kept(t *testing.T) *fixture {
	f := connected(t, oneMillisecond())
	f.c.io.KeepAlive(1, 10*time.Second, 5*time.Second, 3)
	return f
}

// An idle connection to a host that lost its power ends after idle and count intervals.
func TestKeepAliveFindsOutAHostWithoutPower(t *testing.T) {
	f := kept(t)
	f.server.PowerOff()
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1", "closed 1 timeout"}, f.c.lines())
	assert.Equal(t, 10*ms+25*time.Second, f.c.when("closed 1 timeout"))
}

// A host that is back does not know the connection: the first probe is answered by a reset.
func TestKeepAliveFindsOutAHostThatIsBack(t *testing.T) {
	f := kept(t)
	f.server.PowerOff()
	f.server.PowerOn()
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
	assert.Equal(t, 12*ms+10*time.Second, f.c.when("closed 1 reset"))
}

// Probes that are answered keep a connection for ever, also where the process is paused; so
// does traffic, without probes.
func TestKeepAliveKeepsWhatIsAlive(t *testing.T) {
	f := kept(t)
	f.server.Pause()
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	before := f.Steps()
	f.runFor(time.Hour)
	probes := (f.Steps() - before) / 3 // timer, probe, answer
	assert.InDelta(t, 3600/10, float64(probes), 120, "one about every idle time")
}

// A partition shorter than all probes together is survived.
func TestKeepAliveSurvivesAShortPartition(t *testing.T) {
	f := kept(t)
	f.Partition(f.client, f.server)
	f.runFor(18 * time.Second)
	f.HealPartition(f.client, f.server)
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
}

// Where only the answers get lost, the end that nobody asked learns of it too.
func TestKeepAliveThatGivesUpResetsThePeer(t *testing.T) {
	f := kept(t)
	f.Cut(f.server, f.client)
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1", "closed 1 timeout"}, f.c.lines())
	assert.Equal(t, []string{"accepted 1", "closed 1 reset"}, f.s.lines())
	assert.Equal(t, f.c.when("closed 1 timeout")+ms, f.s.when("closed 1 reset"))
}

// While bytes are not acknowledged, their retransmission decides and not the probes.
func TestKeepAliveWaitsForRetransmission(t *testing.T) {
	f := kept(t)
	f.server.PowerOff()
	f.c.io.Write(1, []byte("x"))
	f.runFor(15 * time.Minute)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	f.runFor(time.Minute)
	assert.Equal(t, []string{"dialed 1", "closed 1 timeout"}, f.c.lines())
}

// Without keep-alive an idle half-open connection stays; settings that make no sense change nothing.
func TestKeepAliveIsAskedFor(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.KeepAlive(1, 0, time.Second, 3)
	f.c.io.KeepAlive(2, time.Second, time.Second, 3)
	f.server.PowerOff()
	f.runFor(24 * time.Hour)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
}
