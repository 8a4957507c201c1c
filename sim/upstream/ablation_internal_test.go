// The incident's cause C1 taken away, and its remedy r1, each as the order of steps that
// shows it.

package upstream

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

func newSnapshot(t *testing.T, cfg ClientConfig) *bench {
	t.Helper()
	cfg.Release, cfg.Metas, cfg.Mechanism, cfg.Delays = ReleaseSnapshot, []netip.AddrPort{meta1}, "TEST", flat()
	c, err := NewClient(cfg)
	require.NoError(t, err)
	b := &bench{c: c, s: c.sessions[0]}
	c.now = start
	b.up()
	b.s.authSucceed = true
	return b
}

// lose lets the other side end the connection, up to its notice.
func (b *bench) lose() {
	ch := b.s.ch
	b.c.peerClosed(ch)
	b.c.channelInactive(ch)
}

// The release sends the request first, on a session that it takes for authenticated.
func TestSnapshotSendsFirst(t *testing.T) {
	b := newSnapshot(t, ClientConfig{})
	b.lose()
	b.send()
	ch := b.dialed()
	b.c.channelActive(ch)
	assert.Contains(t, b.written(t)[ch.id], get)
}

// Without C1 it negotiates first: what was queued, and what comes while the connection is
// torn down, waits.
func TestAuthPerConnectionNegotiatesFirst(t *testing.T) {
	b := newSnapshot(t, ClientConfig{AuthPerConnection: true})
	b.lose()
	assert.False(t, b.s.authSucceed)
	b.send()
	ch := b.dialed()
	b.c.channelActive(ch)
	assert.Equal(t, map[protocol.ConnID][]string{ch.id: {list}}, b.written(t))
	b.c.negotiated(ch.neg)
	assert.True(t, b.s.authSucceed)
	assert.Equal(t, map[protocol.ConnID][]string{ch.id: {get}}, b.written(t))
}

// r1: the watcher puts a new session in the place of the old one, whose connection and
// requests end.
func TestRebuild(t *testing.T) {
	b := newSnapshot(t, ClientConfig{Rebuild: Interval{Min: time.Millisecond, Max: time.Millisecond}})
	old := b.s
	b.lose()
	b.send()
	ch := b.dialed()
	b.c.channelActive(ch)
	require.Contains(t, b.written(t)[ch.id], get, "the watcher has not acted yet")
	b.fireTasks(taskRebuild)
	fresh := b.c.session(meta1)
	require.NotSame(t, old, fresh)
	assert.Same(t, fresh, b.c.meta.list[0])
	assert.False(t, fresh.authSucceed)
	b.fireTasks(taskClose)
	b.c.channelInactive(ch)
	b.fireTasks(taskDisconnected)
	assert.Empty(t, old.pending, "what was pending was told that the session was reset")
	assert.Equal(t, SessionDisconnected, old.state)
	b.s = fresh
	b.send()
	ch = b.dialed()
	b.c.channelActive(ch)
	assert.Equal(t, map[protocol.ConnID][]string{ch.id: {list}}, b.written(t))
	b.c.rebuild(old)
	assert.Same(t, fresh, b.c.session(meta1), "a session is replaced once")
}

// A request that still reaches the replaced session does not connect it.
func TestReplacedSessionTurnsAway(t *testing.T) {
	b := newSnapshot(t, ClientConfig{Rebuild: Interval{Max: time.Millisecond}})
	b.lose()
	b.fireTasks(taskRebuild)
	b.send()
	assert.Empty(t, b.s.pending)
	assert.Equal(t, SessionDisconnected, b.s.state)
}
