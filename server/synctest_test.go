// The goroutine driver on a fake clock: what happens after seconds and hours, exactly.

package server

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// inMemory starts a server on a network in memory.
func inMemory(t *testing.T, cfg Config) (*Server, *memNet) {
	n := newMemNet()
	l, err := n.Listen(context.Background(), "", "127.0.0.1:34801")
	require.NoError(t, err)
	cfg.Listener = l
	s, err := Start(context.Background(), cfg)
	require.NoError(t, err)
	return s, n
}

// requireEndAfter waits for the server to end the connection, and says when it has to.
func (p *peer) requireEndAfter(d time.Duration) {
	began := time.Now()
	_, err := p.read()
	require.ErrorIs(p.t, err, io.EOF)
	require.Equal(p.t, d, time.Since(began))
}

func TestNegotiationDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := single()
		cfg.Auth = mandatory
		s, n := inMemory(t, cfg)
		silent := newPeer(t, n.dial(t, s.Addr()))
		silent.requireEndAfter(15 * time.Second)

		// It is one deadline for the whole exchange: progress does not extend it.
		slow := newPeer(t, n.dial(t, s.Addr()))
		time.Sleep(10 * time.Second)
		slow.negotiation(protocol.SASLListMechanisms, nil)
		time.Sleep(4 * time.Second)
		slow.negotiation(protocol.SASLSelectMechanisms, []byte(mechanism.Name()))
		slow.requireEndAfter(time.Second)

		// After success there is none.
		good := newPeer(t, n.dial(t, s.Addr())).authenticate()
		time.Sleep(24 * time.Hour)
		assert.Equal(t, protocol.CodeOK, good.put(home, "k", "v"))
		assert.EqualValues(t, 2, s.Stats().Closed[node.CauseNegotiationTimeout])
		require.NoError(t, s.Close())
		good.requireEndAfter(0)
	})
}

// A host that connects, says nothing and connects anew where it is thrown out keeps nobody
// else out.
func TestSilentHostKeepsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, strangers = 8, 20
		cfg := single()
		cfg.Auth, cfg.Limits.MaxHalfOpen = mandatory, limit
		s, n := inMemory(t, cfg)
		host := netip.MustParseAddr("10.0.0.7")
		for range limit {
			n.dialFrom(t, host, s.Addr())
		}
		for i := range strangers {
			synctest.Wait()
			require.Equal(t, limit, s.Stats().HalfOpen)
			p := newPeer(t, n.dialFrom(t, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), s.Addr())).authenticate()
			require.Equal(t, protocol.CodeOK, p.put(home, "k", "v"))
			n.dialFrom(t, host, s.Addr())
		}
		require.EqualValues(t, strangers, s.Stats().Failures[node.FailureHalfOpen])
		time.Sleep(time.Minute)
		require.Zero(t, s.Stats().HalfOpen)
		require.Equal(t, strangers, s.Stats().Conns)
		require.NoError(t, s.Close())
	})
}

// The silence of upstream's master: nothing, for as long as one cares to watch, until the
// peer closes; then nothing is left.
func TestMuteConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := single()
		cfg.Auth, cfg.Early = mandatory, EarlyHang
		s, n := inMemory(t, cfg)
		p := newPeer(t, n.dial(t, s.Addr()))
		p.write(protocol.RPCPut, home, protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: storedKey(t, "k")}))
		p.write(protocol.RPCNegotiation, protocol.GPID{}, protocol.AppendNegotiationArgs(nil, protocol.SASLListMechanisms, nil))
		ended := make(chan error)
		go func() {
			_, err := p.read()
			ended <- err
		}()
		select {
		case err := <-ended:
			assert.Fail(t, "the server broke its silence", "%v", err)
		case <-time.After(24 * time.Hour):
		}
		stats := s.Stats()
		assert.EqualValues(t, 1, stats.Muted)
		assert.Equal(t, 1, stats.Conns)
		require.NoError(t, p.conn.Close())
		<-ended
		synctest.Wait()
		assert.Zero(t, s.Stats().Conns)
		require.NoError(t, s.Close())
	})
}

// A peer that asks for little and never reads is found by the write's own deadline.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := inMemory(t, single())
		p := newPeer(t, n.dial(t, s.Addr()))
		require.Equal(t, protocol.CodeOK, p.put(home, "k", strings.Repeat("x", 2*memBuffer)))
		p.write(protocol.RPCGet, home, protocol.AppendKeyArgs(nil, storedKey(t, "k")))
		time.Sleep(30*time.Second - 1)
		synctest.Wait()
		assert.Equal(t, 1, s.Stats().Conns)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.Zero(t, s.Stats().Conns)
		require.NoError(t, s.Close())
	})
}

// Close delivers what was written, and waits for a peer that does not read no longer than
// it said; Kill does neither.
func TestFarewell(t *testing.T) {
	for _, tc := range []struct {
		name  string
		end   func(*Server) error
		reads bool
		takes time.Duration
	}{
		{"close, peer reads", (*Server).Close, true, 100 * time.Millisecond},
		{"close, peer does not read", (*Server).Close, false, time.Second},
		{"kill, peer does not read", (*Server).Kill, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := inMemory(t, single())
				p := newPeer(t, n.dial(t, s.Addr()))
				value := strings.Repeat("x", 3*memBuffer)
				require.Equal(t, protocol.CodeOK, p.put(home, "k", value))
				p.write(protocol.RPCGet, home, protocol.AppendKeyArgs(nil, storedKey(t, "k")))
				synctest.Wait()
				got := make(chan string, 1)
				if tc.reads {
					go func() {
						time.Sleep(100 * time.Millisecond)
						r, err := p.read()
						assert.NoError(t, err)
						a, err := protocol.ParseReadResult(r.Body)
						assert.NoError(t, err)
						got <- string(a.Value)
					}()
				}
				began := time.Now()
				require.NoError(t, tc.end(s))
				assert.Equal(t, tc.takes, time.Since(began))
				if tc.reads {
					assert.Equal(t, value, <-got)
				}
				require.NoError(t, p.conn.Close())
			})
		})
	}
}

// A whole cluster in memory, restarted at a known moment.
func TestClusterInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		cfg := secured()
		cfg.Listen = n.Listen
		c, err := StartCluster(cfg)
		require.NoError(t, err)
		q := newPeer(t, n.dial(t, c.Metas()[0])).authenticate().query("temp")
		require.Len(t, q.Partitions, 8)
		for _, p := range q.Partitions {
			require.Equal(t, protocol.CodeOK, newPeer(t, n.dial(t, p.Primary)).authenticate().put(p.PID, "k", "v"))
		}
		p := newPeer(t, n.dial(t, c.Replicas()[0])).authenticate()
		require.NoError(t, c.Restart(c.Nodes()...))
		p.requireEndAfter(0)
		for _, part := range q.Partitions {
			value, code := newPeer(t, n.dial(t, part.Primary)).authenticate().get(part.PID, "k")
			require.Equal(t, protocol.CodeOK, code)
			require.Equal(t, "v", value)
		}
		require.NoError(t, c.Close())
	})
}
