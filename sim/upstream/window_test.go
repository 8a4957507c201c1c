// The window's rules one by one, from inside.

package upstream

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

var (
	start = time.UnixMilli(1_700_000_000_000)
	meta1 = netip.MustParseAddrPort("127.0.0.1:34601")
)

// flat makes every delay a millisecond.
func flat() Delays {
	i := Interval{time.Millisecond, time.Millisecond}
	return Delays{i, i, i, i, i, i, i, i, i, i, i}
}

// bench is a client with one connected session, whose requests are sent, timed out and
// answered one by one.
type bench struct {
	c   *Client
	s   *session
	seq []int32
}

func newBench(t *testing.T) *bench {
	c, err := NewClient(ClientConfig{Release: ReleaseSnapshot, Metas: []netip.AddrPort{meta1}, Delays: flat()})
	require.NoError(t, err)
	b := &bench{c: c, s: c.sessions[0]}
	b.up()
	return b
}

// up gives the session a connection.
func (b *bench) up() {
	b.c.lastConn++
	ch := &channel{id: b.c.lastConn, session: b.s, open: true, active: true, dec: protocol.NewResponseDecoder(protocol.Limits{})}
	b.c.bySocket[ch.id] = ch
	b.s.ch, b.s.state = ch, SessionConnected
}

// send sends a request whose caller has gone: whatever happens to it has no consequence.
func (b *bench) send() {
	e := &entry{rpc: protocol.RPCGet, call: &call{told: true, table: &table{querying: true}, timeout: time.Second, deadline: start}}
	b.c.send(b.s, e, time.Second)
	b.seq = append(b.seq, e.seq)
}

func (b *bench) shift() int32 {
	seq := b.seq[0]
	b.seq = b.seq[1:]
	return seq
}

// TestResetWindow walks the rules of the window, one step a line.
func TestResetWindow(t *testing.T) {
	type step struct {
		at     time.Duration
		do     string        // send, timeout, answer, late-answer, reset, close
		window time.Duration // when the open window began; -1: none is open
		closes bool          // the session is closed as unresponsive
	}
	const none = -1
	const s = time.Second
	tests := []struct {
		name  string
		steps []step
	}{
		{"first time-out begins it, one after 30 s closes", []step{
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{2 * s, "send", 1 * s, false},
			{31*s - time.Millisecond, "timeout", 1 * s, false},
			{31*s - time.Millisecond, "send", 1 * s, false},
			{31 * s, "timeout", none, true},
		}},
		{"the clock has milliseconds", []step{
			{0, "send", none, false},
			{1*s + 999*time.Microsecond, "timeout", 1 * s, false},
			{2 * s, "send", 1 * s, false},
			{31 * s, "timeout", none, true},
		}},
		{"an answer ends it", []step{
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{2 * s, "send", 1 * s, false},
			{3 * s, "answer", none, false},
			{4 * s, "send", none, false},
			{40 * s, "timeout", 40 * s, false},
		}},
		{"an answer that nobody waits for does not", []step{
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{2 * s, "late-answer", 1 * s, false},
			{3 * s, "send", 1 * s, false},
			{31 * s, "timeout", none, true},
		}},
		{"a reset that is delivered ends it", []step{
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{2 * s, "send", 1 * s, false},
			{3 * s, "reset", none, false},
		}},
		{"a close with something pending ends it", []step{
			{0, "send", none, false},
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{2 * s, "close", none, false},
		}},
		{"a close with nothing pending does not: it lives on over connections", []step{
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{2 * s, "close", 1 * s, false},
			{20 * s, "send", 1 * s, false},
			{31 * s, "timeout", none, true},
		}},
		{"a second time-out does not move its beginning", []step{
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{1 * s, "send", 1 * s, false},
			{20 * s, "timeout", 1 * s, false},
			{20 * s, "send", 1 * s, false},
			{32 * s, "timeout", none, true},
		}},
		{"the next time-out after a close begins another", []step{
			{0, "send", none, false},
			{0, "send", none, false},
			{0, "send", none, false},
			{1 * s, "timeout", 1 * s, false},
			{31 * s, "timeout", none, true},
			{31 * s, "timeout", 31 * s, false},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			for i, st := range tt.steps {
				b.c.now, b.c.out = start.Add(st.at), nil
				b.do(st.do)
				window := time.Duration(none)
				if !b.s.firstTimeout.IsZero() {
					window = b.s.firstTimeout.Sub(start)
				}
				assert.Equal(t, st.window, window, "window after step %d, %s", i, st.do)
				closed := false
				for _, e := range b.c.out {
					closed = closed || e.Kind == ClientUnresponsive
				}
				assert.Equal(t, st.closes, closed, "closed by step %d, %s", i, st.do)
			}
		})
	}
}

func (b *bench) do(what string) {
	switch what {
	case "send":
		b.send()
	case "timeout":
		b.c.fail(b.s, b.shift(), protocol.CodeTimeout)
	case "answer":
		b.c.resp = protocol.Response{Code: protocol.CodeOK, Seq: b.shift()}
		b.c.answered(b.s.ch)
	case "late-answer":
		b.c.resp = protocol.Response{Code: protocol.CodeOK, Seq: 999}
		b.c.answered(b.s.ch)
	case "reset":
		b.c.fail(b.s, b.shift(), protocol.CodeSessionReset)
	case "close":
		b.c.closeChannel(b.s.ch)
		b.c.channelInactive(b.s.ch)
		b.seq = b.seq[:0]
		b.up()
	}
}

// TestUnresponsiveOnce: of two timers that see the same old window one closes.
func TestUnresponsiveOnce(t *testing.T) {
	b := newBench(t)
	for range 3 {
		b.send()
	}
	b.c.now = start
	b.do("timeout")
	b.c.now, b.c.out = start.Add(30*time.Second), nil
	b.do("timeout")
	b.do("timeout")
	closes := 0
	for _, e := range b.c.out {
		if e.Kind == ClientUnresponsive {
			closes++
			assert.Equal(t, b.s.ch.id, e.Conn)
		}
	}
	assert.Equal(t, 1, closes)
	assert.True(t, b.s.ch.closing)
	assert.True(t, b.s.ch.open, "the socket is closed by its I/O thread, later")
	assert.Len(t, b.s.ch.afterClose, 1, "the request that noticed is told after the close")
}

// TestStateWhileTelling: a session keeps its state while it tells what was pending, so a
// retry writes to the dead channel, and learns that by a failure that looks like a time-out.
func TestStateWhileTelling(t *testing.T) {
	b := newBench(t)
	b.c.now = start
	n := &negotiation{ch: b.s.ch, status: protocol.SASLListMechanisms}
	b.c.negotiationSend(n, protocol.SASLListMechanisms, nil)
	b.c.closeChannel(b.s.ch)
	b.c.channelInactive(b.s.ch)
	require.Equal(t, SessionConnected, b.s.state, "a stack trace is being logged")
	b.send()
	assert.Empty(t, b.s.pendingSend, "nothing waits for a connection")
	b.c.writeFailed(b.s, b.seq[0])
	require.NotNil(t, b.s.find(b.seq[0]), "its I/O thread is busy")
	b.c.disconnected(b.s)
	assert.Equal(t, SessionDisconnected, b.s.state)
	assert.Nil(t, b.s.find(b.seq[0]))
	assert.Equal(t, start, b.s.firstTimeout, "the failure counts as a time-out")
}
