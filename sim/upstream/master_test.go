// What the fix of master leaves: the races J1 to J6 of upstream's client, each as the order
// of steps that it needs. How often they come up is a matter of delays.

package upstream

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// newMaster is a client of master with one session that is connected and authenticated.
func newMaster(t *testing.T) *bench {
	t.Helper()
	c, err := NewClient(ClientConfig{Release: ReleaseMaster, Metas: []netip.AddrPort{meta1}, Mechanism: "TEST", Delays: flat()})
	require.NoError(t, err)
	b := &bench{c: c, s: c.sessions[0]}
	c.now = start
	b.up()
	b.s.authSucceed = true
	return b
}

// fireTasks runs every armed task of a kind, in the order in which they were armed.
func (b *bench) fireTasks(kind taskKind) {
	for id := protocol.TimerID(1); id <= b.c.lastTimer; id++ {
		if task, ok := b.c.timers[id]; ok && task.kind == kind {
			delete(b.c.timers, id)
			b.c.run(task)
		}
	}
}

// dialed lets the newest attempt to connect succeed, up to its activation.
func (b *bench) dialed() *channel {
	b.fireTasks(taskDial)
	ch := b.c.bySocket[b.c.lastConn]
	b.c.dialed(ch)
	return ch
}

// written are the names of what was written to a channel since the last call.
func (b *bench) written(t *testing.T) (frames map[protocol.ConnID][]string) {
	frames = make(map[protocol.ConnID][]string)
	for _, e := range b.c.out {
		if e.Kind != ClientWrite {
			continue
		}
		d := protocol.NewRequestDecoder(protocol.Limits{})
		require.NoError(t, d.Write(e.Data))
		var r protocol.Request
		for ok := true; ok; {
			var err error
			ok, err = d.Next(&r)
			require.NoError(t, err)
			if ok {
				frames[e.Conn] = append(frames[e.Conn], r.RPC.String())
			}
		}
	}
	b.c.out = nil
	return frames
}

const (
	list = "RPC_NEGOTIATION"
	get  = "RPC_RRDB_RRDB_GET"
)

// The fix: the end of a connection takes the mark back, so the next one begins with the
// negotiation, and what made the session connect is parked.
func TestMasterNegotiatesFirst(t *testing.T) {
	b := newMaster(t)
	b.c.closeChannel(b.s.ch)
	b.c.channelInactive(b.s.ch)
	b.fireTasks(taskResetAuth)
	assert.False(t, b.s.authSucceed)
	b.send()
	ch := b.dialed()
	b.c.channelActive(ch)
	assert.Equal(t, map[protocol.ConnID][]string{ch.id: {list}}, b.written(t))
	assert.Len(t, b.s.authPending, 1)
	b.c.negotiated(ch.neg)
	assert.Equal(t, map[protocol.ConnID][]string{ch.id: {get}}, b.written(t))
}

// J3: the session is disconnected before the mark is taken back. Who connects in between
// writes a request first; that is the incident.
func TestMasterWritesARequestFirst(t *testing.T) {
	b := newMaster(t)
	b.c.closeChannel(b.s.ch)
	b.c.channelInactive(b.s.ch)
	b.send()
	ch := b.dialed()
	b.c.channelActive(ch)
	assert.Equal(t, map[protocol.ConnID][]string{ch.id: {get, list}}, b.written(t))
}

// J3, the slower form: the mark of the new connection's negotiation is taken back. Every
// request is parked on a connection that is fine, and nothing negotiates again.
func TestMasterForgetsANewNegotiation(t *testing.T) {
	b := newMaster(t)
	b.c.closeChannel(b.s.ch)
	b.c.channelInactive(b.s.ch)
	b.send()
	ch := b.dialed()
	b.c.channelActive(ch)
	b.c.negotiated(ch.neg)
	b.fireTasks(taskResetAuth)
	b.written(t)
	b.send()
	assert.Empty(t, b.written(t))
	assert.Equal(t, SessionConnected, b.s.state)
	assert.Len(t, b.s.authPending, 1)
}

// J1: a request that is sent while the end of a connection is told sees "connected", is
// parked for want of the mark, and starts no connection. It sleeps until its own timer.
func TestMasterParksARetryOnADyingSession(t *testing.T) {
	b := newMaster(t)
	b.s.authSucceed = false
	n := &negotiation{ch: b.s.ch, status: protocol.SASLListMechanisms}
	b.c.negotiationSend(n, protocol.SASLListMechanisms, nil)
	b.c.closeChannel(b.s.ch)
	b.c.channelInactive(b.s.ch)
	b.send() // by the callback of a request that failed
	_, stranded := b.c.Stranded()
	assert.False(t, stranded, "not yet")
	b.fireTasks(taskDisconnected)
	assert.Equal(t, SessionDisconnected, b.s.state)
	_, stranded = b.c.Stranded()
	assert.True(t, stranded)
	assert.Empty(t, b.s.pendingSend)
	require.NotNil(t, b.s.find(b.seq[0]), "it waits")
	b.fireTasks(taskDial)
	assert.Empty(t, b.c.bySocket, "and nothing is dialled")
}

// lateConnect is a session that was closed while it connected, and whose attempt A succeeds
// all the same, when another, B, has been started by it.
func lateConnect(t *testing.T) (b *bench, chA, chB *channel) {
	b = newMaster(t)
	b.c.closeChannel(b.s.ch)
	b.c.channelInactive(b.s.ch)
	b.fireTasks(taskResetAuth)
	b.send()
	chA = b.dialed()
	b.c.closeSession(b.s) // as the reset window does
	require.Equal(t, SessionDisconnected, b.s.state)
	b.written(t)
	b.c.channelActive(chA)
	require.Equal(t, SessionConnected, b.s.state, "the attempt that was given up is the connection now")
	require.Same(t, chA, b.s.ch)
	require.Equal(t, map[protocol.ConnID][]string{chA.id: {list}}, b.written(t))
	chB = b.dialed()
	b.c.channelActive(chB)
	return b, chA, chB
}

// J4: the second attempt's negotiation goes down the first connection, in the midst of its own.
// J6: nobody owns the second connection, and nobody closes it.
func TestMasterSendsASecondListDownACurrentConnection(t *testing.T) {
	b, chA, chB := lateConnect(t)
	assert.Equal(t, map[protocol.ConnID][]string{chA.id: {list}}, b.written(t))
	assert.Same(t, chA, b.s.ch)
	assert.True(t, chB.open)
	assert.NotSame(t, chB, b.s.ch)
}

// J5: the end of the connection that nobody owns disconnects the session, and leaves its
// healthy connection open, owned by nobody in its turn.
func TestMasterLosesAHealthyConnectionToAnOrphansEnd(t *testing.T) {
	b, chA, chB := lateConnect(t)
	b.c.negotiated(chA.neg)
	require.True(t, b.s.authSucceed)
	b.c.peerClosed(chB)
	b.fireTasks(taskInactive)
	b.fireTasks(taskDisconnected)
	assert.Equal(t, SessionDisconnected, b.s.state)
	assert.True(t, chA.open)
	b.fireTasks(taskResetAuth)
	assert.False(t, b.s.authSucceed)
}

// J2: the mark of a connection that nobody owns counts for the one that the session has: a
// request is written before that one's negotiation succeeded.
func TestMasterTakesAnotherConnectionsSuccess(t *testing.T) {
	b, chA, chB := lateConnect(t)
	b.send()
	b.written(t)
	b.c.negotiated(chB.neg)
	assert.Contains(t, b.written(t)[chA.id], get)
	assert.False(t, chA.neg.over)
}

// The attempt of a session that is disconnected already takes the mark back at once.
func TestMasterFailedDialTakesTheMarkBack(t *testing.T) {
	b := newMaster(t)
	b.s.state, b.s.ch = SessionDisconnected, nil
	b.c.markDisconnected(b.s)
	assert.False(t, b.s.authSucceed)
}

// The least delay makes J3 rare, a standstill of the thread makes it common: stated, not guessed.
func TestMasterRaceNeedsAStandstill(t *testing.T) {
	assert.Less(t, DefaultDelays().Reset.Max, DefaultDelays().Dial.Min+DefaultDelays().Active.Min)
	assert.Greater(t, time.Millisecond, DefaultDelays().Reset.Max)
}
