// How loud losses are, and what they are called.

package client

import (
	"context"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
)

// lines are the log's of a level that tell of a session and have a text.
func (l *logged) lines(level, text string) (found []string) {
	for _, line := range strings.Split(l.String(), "\n") {
		if strings.Contains(line, "level="+level) && strings.Contains(line, "pegasus session") && strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// A ready session that is lost is a warning; that its server is not back is told below.
func TestLostSessionIsAWarning(t *testing.T) {
	said := &logged{}
	onCluster(t, func(cfg *Config) { cfg.Logger = said.logger() }, func(t *testing.T, cluster *testCluster, _ *Client) {
		synctest.Wait()
		require.Empty(t, said.lines("WARN", ""), "nothing has happened yet")
		cluster.nodes[2].stop()
		time.Sleep(5 * time.Second)
		require.Len(t, said.lines("WARN", "reason=reset"), 1)
		require.Len(t, said.lines("WARN", ""), 1)
		require.NotEmpty(t, said.lines("INFO", "reason=refused"))
		cluster.nodes[2].start()
		time.Sleep(2 * time.Second)
		cluster.nodes[2].stop()
		time.Sleep(2 * time.Second)
		require.Len(t, said.lines("WARN", "reason=reset"), 2)
	})
	require.Len(t, said.lines("WARN", ""), 2, "closing is no loss")
}

// A negotiation that fails is a warning, and not again with every attempt.
func TestFailedNegotiationIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, said := startCluster(t), &logged{}
		defer cluster.stop()
		cfg := cluster.config()
		cfg.Metas, cfg.Logger, cfg.OpenTimeout = cfg.Metas[:1], said.logger(), 10*time.Second
		cfg.Mechanism = garbled{testMechanism}
		_, err := Open(t.Context(), cfg)
		require.ErrorIs(t, err, ErrDeadline)
		require.Len(t, said.lines("WARN", "reason=fin"), 1)
		require.Greater(t, len(said.lines("INFO", "reason=fin")), 1)
	})
}

// A server that answers no handshake is told like one that refuses it, although the next attempt
// begins at once.
func TestServerThatAnswersNothingIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &logged{}
		_, err := Open(t.Context(), Config{
			Metas: []string{"10.0.0.1:34601"}, Tables: []string{"temp"}, Auth: AuthOff, Logger: said.logger(),
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
		require.ErrorIs(t, err, ErrDeadline)
		require.GreaterOrEqual(t, len(said.lines("INFO", "reason=dial-timeout")), 9, "one a second for ten")
		require.Empty(t, said.lines("WARN", ""))
	})
}

// dying is a connection that keep-alive probes can give up.
type dying struct {
	net.Conn
	dead chan struct{}
}

func (d *dying) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	got := make(chan result, 1)
	go func() {
		n, err := d.Conn.Read(p)
		got <- result{n, err}
	}()
	select {
	case r := <-got:
		return r.n, r.err
	case <-d.dead:
		d.Conn.Close()
		<-got
		return 0, &net.OpError{Op: "read", Err: syscall.ETIMEDOUT}
	}
}

// The kernel's word that keep-alive probes were not answered is ETIMEDOUT, as of a dial that
// nobody answered; it is told as what it is.
func TestKeepAliveThatGivesUpIsSilence(t *testing.T) {
	var mu sync.Mutex
	var conns []*dying
	var reasons []session.Reason
	change := func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			d := &dying{Conn: conn, dead: make(chan struct{})}
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, d)
			return d, nil
		}
		cfg.OnSession = func(s SessionChange) {
			mu.Lock()
			defer mu.Unlock()
			if s.Reason != session.ReasonNone {
				reasons = append(reasons, s.Reason)
			}
		}
	}
	onCluster(t, change, func(t *testing.T, _ *testCluster, c *Client) {
		require.NoError(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0))
		synctest.Wait()
		mu.Lock()
		require.Empty(t, reasons)
		close(conns[len(conns)-1].dead)
		mu.Unlock()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []session.Reason{session.ReasonSilence}, reasons)
	})
}
