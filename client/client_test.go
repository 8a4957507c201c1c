// The client as a whole against a cluster in memory, on a fake clock.

package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onCluster runs a test with a cluster and a client on a fake clock; when it returns,
// everything must have ended.
func onCluster(t *testing.T, change func(*Config), test func(t *testing.T, cluster *testCluster, c *Client)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(26 * 365 * 24 * time.Hour) // the fake clock begins in 2000, times to live in 2016
		cluster := startCluster(t)
		defer cluster.stop()
		cfg := cluster.config()
		if change != nil {
			change(&cfg)
		}
		c, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		defer func() {
			require.NoError(t, c.Close())
			cluster.noEarly()
		}()
		test(t, cluster, c)
	})
}

var (
	hashKey = []byte("hash")
	sortKey = []byte("sort")
)

func TestOperations(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, _ *testCluster, c *Client) {
		ctx, table := t.Context(), c.Table("temp")
		_, err := table.Get(ctx, hashKey, sortKey)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = table.TTL(ctx, hashKey, sortKey)
		require.ErrorIs(t, err, ErrNotFound)

		require.NoError(t, table.Put(ctx, hashKey, sortKey, []byte("value"), 0))
		value, err := table.Get(ctx, hashKey, sortKey)
		require.NoError(t, err)
		require.Equal(t, "value", string(value))
		ttl, err := table.TTL(ctx, hashKey, sortKey)
		require.NoError(t, err)
		require.Equal(t, Forever, ttl)

		require.NoError(t, table.Put(ctx, hashKey, sortKey, []byte("other"), time.Minute))
		ttl, err = table.TTL(ctx, hashKey, sortKey)
		require.NoError(t, err)
		require.Equal(t, time.Minute, ttl)

		require.NoError(t, table.Remove(ctx, hashKey, sortKey))
		_, err = table.Get(ctx, hashKey, sortKey)
		require.ErrorIs(t, err, ErrNotFound)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "get", e.Op)
		require.Equal(t, "temp", e.Table)
		require.EqualError(t, err, `pegasus get, table "temp": not found`)
	})
}

func TestBadArguments(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		long := make([]byte, protocol.MaxHashKeyBytes+1)
		err := c.Table("temp").Put(t.Context(), long, nil, nil, 0)
		require.ErrorIs(t, err, ErrBadArgument)
		require.ErrorIs(t, err, protocol.ErrHashKeyTooLong)
		err = c.Table("temp").Put(t.Context(), hashKey, nil, make([]byte, 5<<20), 0)
		require.ErrorIs(t, err, ErrBadArgument)
		err = c.Table("nosuch").Put(t.Context(), hashKey, nil, nil, 0)
		require.ErrorIs(t, err, ErrTableNotFound)
		require.NotErrorIs(t, err, ErrUnknownOutcome)
		require.ErrorIs(t, c.OpenTable(t.Context(), "nosuch"), ErrTableNotFound)
		require.Empty(t, cluster.rows)
	})
}

func TestOpenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := startCluster(t)
		cfg := cluster.config()
		cfg.Tables = []string{"temp", "nosuch"}
		_, err := Open(t.Context(), cfg)
		require.ErrorIs(t, err, ErrTableNotFound)

		cluster.stop()
		cfg.OpenTimeout = 3 * time.Second
		begin := time.Now()
		_, err = Open(t.Context(), cfg)
		require.ErrorIs(t, err, ErrDeadline)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func TestDeadlines(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		table := c.Table("temp")
		require.NoError(t, table.Put(t.Context(), hashKey, sortKey, []byte("value"), 0))
		cluster.with(func() { cluster.mute = true })

		begin := time.Now()
		err := table.Put(t.Context(), hashKey, sortKey, []byte("value"), 0)
		require.ErrorIs(t, err, ErrUnknownOutcome)
		require.ErrorIs(t, err, ErrDeadline)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "it was the client's time-out")
		require.Equal(t, time.Second, time.Since(begin))

		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		begin = time.Now()
		_, err = table.Get(ctx, hashKey, sortKey)
		require.ErrorIs(t, err, ErrDeadline)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrUnknownOutcome, "a read has no effect")
		require.Equal(t, 300*time.Millisecond, time.Since(begin))

		_, err = table.Get(ctx, hashKey, sortKey)
		require.ErrorIs(t, err, context.DeadlineExceeded, "a context that has ended already")
	})
}

func TestCancel(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		cluster.with(func() { cluster.mute = true })
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the user went away")
		time.AfterFunc(time.Millisecond, func() { cancel(why) })
		err := c.Table("temp").Put(ctx, hashKey, sortKey, nil, 0)
		require.ErrorIs(t, err, ErrUnknownOutcome)
		require.ErrorIs(t, err, why)
		require.NotErrorIs(t, err, ErrDeadline)
		require.Zero(t, c.Health().Outstanding)
	})
}

func TestRefusals(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		table := c.Table("temp")
		cluster.with(func() { cluster.refusing = protocol.CodeACLDeny })
		err := table.Put(t.Context(), hashKey, sortKey, nil, 0)
		require.ErrorIs(t, err, ErrDenied)
		require.NotErrorIs(t, err, ErrUnknownOutcome)

		cluster.with(func() { cluster.refusing = protocol.CodeTimeout })
		require.ErrorIs(t, table.Put(t.Context(), hashKey, sortKey, nil, 0), ErrUnknownOutcome)

		cluster.with(func() { cluster.refusing = protocol.CodeInvalidState })
		time.AfterFunc(500*time.Millisecond, func() { cluster.with(func() { cluster.refusing = 0 }) })
		require.NoError(t, table.Put(t.Context(), hashKey, sortKey, nil, 0), "tried again within the deadline")

		cluster.with(func() { cluster.refusing = protocol.CodeBusy })
		err = table.Put(t.Context(), hashKey, sortKey, nil, 0)
		require.ErrorIs(t, err, ErrDeadline)
		require.NotErrorIs(t, err, ErrUnknownOutcome)
		require.ErrorContains(t, err, "ERR_BUSY")
	})
}

// TestRestart is the incident: everything restarts under load. Every session comes back
// within the cap, nothing but negotiation is written before success, no write runs twice,
// none that failed ran, and what is submitted afterwards succeeds.
func TestRestart(t *testing.T) {
	var changes atomic.Int64
	watch := func(cfg *Config) { cfg.OnSession = func(SessionChange) { changes.Add(1) } }
	onCluster(t, watch, func(t *testing.T, cluster *testCluster, c *Client) {
		for round := range 5 {
			load := startLoad(t, c, 16, round)
			time.Sleep(100 * time.Millisecond)
			for _, n := range cluster.nodes {
				n.stop()
				time.Sleep(3 * time.Millisecond)
			}
			time.Sleep(time.Duration(round) * 700 * time.Millisecond)
			for _, n := range cluster.nodes {
				n.start()
			}
			time.Sleep(1100 * time.Millisecond)
			require.True(t, c.Health().Ready, "%+v", c.Health())
			require.NoError(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0))
			load.stop()
			load.judge(t, cluster)
		}
		require.Positive(t, changes.Load())
	})
}

// load is callers that put, each value once, and remember how that ended.
type load struct {
	cancel   context.CancelFunc
	callers  sync.WaitGroup
	mu       sync.Mutex
	outcomes map[string]session.Outcome
}

func startLoad(t *testing.T, c *Client, callers, round int) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, outcomes: make(map[string]session.Outcome)}
	for caller := range callers {
		l.callers.Go(func() {
			table := c.Table("temp")
			for i := 0; ctx.Err() == nil; i++ {
				value := fmt.Sprintf("%d.%d.%d", round, caller, i)
				err := table.Put(t.Context(), []byte(value), sortKey, []byte(value), 0)
				l.note(value, err)
				if err == nil {
					got, err := table.Get(t.Context(), []byte(value), sortKey)
					if err == nil && string(got) != value {
						t.Errorf("got %q instead of %q", got, value)
					}
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	return l
}

func (l *load) note(value string, err error) {
	outcome := session.OutcomeOK
	var e *Error
	if errors.As(err, &e) {
		outcome = e.Outcome
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes[value] = outcome
}

func (l *load) stop() {
	l.cancel()
	l.callers.Wait()
}

func (l *load) judge(t *testing.T, cluster *testCluster) {
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	require.NotEmpty(t, l.outcomes)
	for value, outcome := range l.outcomes {
		ran := cluster.writes[value]
		require.LessOrEqual(t, ran, 1, "put %s ran twice", value)
		switch outcome {
		case session.OutcomeOK:
			require.Equal(t, 1, ran, "put %s", value)
		case session.OutcomeFailed:
			require.Zero(t, ran, "put %s failed", value)
		}
	}
}

func TestDrain(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		cluster.with(func() { cluster.refusing = protocol.CodeBusy })
		outstanding := make(chan error, 1)
		go func() { outstanding <- c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0) }()
		synctest.Wait()
		time.AfterFunc(100*time.Millisecond, func() { cluster.with(func() { cluster.refusing = 0 }) })
		require.NoError(t, c.Drain(t.Context()))
		require.NoError(t, <-outstanding, "what was outstanding has ended")
		require.ErrorIs(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0), ErrClosed)
		require.True(t, c.Health().Closed)
	})
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		cluster.with(func() { cluster.mute = true })
		outstanding := make(chan error, 1)
		go func() { outstanding <- c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, c.Drain(ctx), context.DeadlineExceeded)
		err := <-outstanding
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorIs(t, err, ErrUnknownOutcome)
	})
}

// TestDialHangs: an attempt that leads nowhere is given up, and ends.
func TestDialHangs(t *testing.T) {
	onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
		victim := cluster.nodes[2]
		cluster.net.mu.Lock()
		cluster.net.blackhole[victim.addr] = true
		cluster.net.mu.Unlock()
		victim.stop()
		time.Sleep(5 * time.Second)
		require.False(t, c.Health().Ready)
		cluster.net.mu.Lock()
		delete(cluster.net.blackhole, victim.addr)
		cluster.net.mu.Unlock()
		victim.start()
		time.Sleep(1100 * time.Millisecond)
		require.True(t, c.Health().Ready)
	})
}

// TestHalfOpen: a server that takes everything and says nothing is found out by silence.
func TestHalfOpen(t *testing.T) {
	var reasons sync.Map
	watch := func(cfg *Config) { cfg.OnSession = func(s SessionChange) { reasons.Store(s.Reason, true) } }
	onCluster(t, watch, func(t *testing.T, cluster *testCluster, c *Client) {
		cluster.with(func() { cluster.mute = true })
		for range 11 {
			require.Error(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0))
		}
		_, silent := reasons.Load(session.ReasonSilence)
		require.True(t, silent)
	})
}

// TestServerDoesNotRead: what is not read is not kept without limit, once nobody waits for it
// any more.
func TestServerDoesNotRead(t *testing.T) {
	var reasons sync.Map
	limit := func(cfg *Config) {
		cfg.MaxUnsentBytes = 64 << 10
		cfg.OnSession = func(s SessionChange) { reasons.Store(s.Reason, true) }
	}
	onCluster(t, limit, func(t *testing.T, cluster *testCluster, c *Client) {
		// The session that the calls need is ready, so the first of them are handed to its connection.
		require.NoError(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, []byte("v"), 0))
		cluster.with(func() { cluster.mute = true })
		synctest.Wait() // the servers are waiting for more, and are not woken for what follows
		for _, n := range cluster.nodes {
			n.mu.Lock()
			for conn := range n.open {
				half := conn.(*memConn).in
				half.mu.Lock()
				half.limit = 1 // the writer waits as soon as something is there
				half.data = append(half.data, 0)
				half.mu.Unlock()
			}
			n.mu.Unlock()
		}
		put := func() error {
			return c.Table("temp").Put(t.Context(), hashKey, sortKey, make([]byte, 4<<10), 0)
		}
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() { assert.ErrorIs(t, put(), ErrUnknownOutcome) })
		}
		synctest.Wait()
		_, closed := reasons.Load(session.ReasonIO)
		require.False(t, closed, "a connection was given up for what calls wait for")
		calls.Wait()
		require.ErrorIs(t, put(), ErrUnknownOutcome)
		synctest.Wait()
		_, closed = reasons.Load(session.ReasonIO)
		require.True(t, closed, "the connection is still open, with all that nobody waits for any more")
	})
}

// What waits for a server to come back is no sign that it does not read: all of it is sent
// then, at once, however much more than MaxUnsentBytes it is.
func TestWhatWaitsForAServerIsSent(t *testing.T) {
	change := func(cfg *Config) { cfg.MaxUnsentBytes, cfg.OperationTimeout = 64<<10, 10*time.Second }
	onCluster(t, change, func(t *testing.T, cluster *testCluster, c *Client) {
		cluster.stop()
		var calls sync.WaitGroup
		for i := range 40 {
			calls.Go(func() {
				assert.NoError(t, c.Table("temp").Put(t.Context(), hashKey, fmt.Appendf(nil, "%d", i), make([]byte, 4<<10), 0))
			})
		}
		time.Sleep(time.Second)
		for _, n := range cluster.nodes {
			n.start()
		}
		calls.Wait()
	})
}

// TestConnectedToItself: such a connection is as good as refused.
func TestConnectedToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self := netip.MustParseAddrPort("10.0.0.1:34601")
		var reasons sync.Map
		cfg := Config{
			Metas: []string{self.String()}, Auth: AuthOff,
			OnSession: func(s SessionChange) { reasons.Store(s.Reason, true) },
			Dial: func(context.Context, string, string) (net.Conn, error) {
				near, _ := memPair(self, self)
				return near, nil
			},
		}
		c, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		require.ErrorIs(t, c.OpenTable(t.Context(), "temp"), ErrDeadline)
		_, refused := reasons.Load(session.ReasonRefused)
		require.True(t, refused)
		require.NoError(t, c.Close())
	})
}

// failingMechanism makes no token.
type failingMechanism struct{ sasl.Mechanism }

var errNoTicket = errors.New("no ticket")

func (failingMechanism) Client(sasl.ClientConfig) (sasl.Session, error) { return nil, errNoTicket }

// watched is a mechanism whose ends can be waited for to be collected.
type watched struct {
	sasl.Mechanism
	ends chan weak.Pointer[watchedEnd]
}

type watchedEnd struct{ sasl.Session }

func (m watched) Client(cfg sasl.ClientConfig) (sasl.Session, error) {
	s, err := m.Mechanism.Client(cfg)
	end := &watchedEnd{s}
	m.ends <- weak.Make(end)
	return end, err
}

// A connection lives for weeks; the ticket that its negotiation presented does not.
func TestConnectionsKeepNothingOfTheirNegotiation(t *testing.T) {
	m := watched{testMechanism, make(chan weak.Pointer[watchedEnd], 100)}
	onCluster(t, func(cfg *Config) { cfg.Mechanism = m }, func(t *testing.T, _ *testCluster, c *Client) {
		require.NoError(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, []byte("value"), 0))
		synctest.Wait()
		require.NotEmpty(t, m.ends)
		for range len(m.ends) {
			end := <-m.ends
			require.Eventually(t, func() bool { runtime.GC(); return end.Value() == nil }, 5*time.Second, 10*time.Millisecond)
		}
	})
}

func TestMechanismFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := startCluster(t)
		cfg := cluster.config()
		cfg.Mechanism = failingMechanism{testMechanism}
		_, err := Open(t.Context(), cfg)
		require.ErrorIs(t, err, ErrDeadline)
		cluster.stop()
	})
}

func TestConfigErrors(t *testing.T) {
	good := Config{Metas: []string{"127.0.0.1:34601"}, Auth: AuthOff}
	for name, test := range map[string]struct {
		change func(*Config)
		field  string
	}{
		"no metas":          {func(c *Config) { c.Metas = nil }, "Metas"},
		"meta without port": {func(c *Config) { c.Metas = []string{"127.0.0.1"} }, "Metas"},
		"meta's port":       {func(c *Config) { c.Metas = []string{"127.0.0.1:99999"} }, "Metas"},
		"unknown auth":      {func(c *Config) { c.Auth = 9 }, "Auth"},
		"no mechanism":      {func(c *Config) { c.Auth = AuthRequired }, "Mechanism"},
		"test mechanism":    {func(c *Config) { c.Auth, c.Mechanism = AuthRequired, testMechanism }, "Mechanism"},
		"negative timeout":  {func(c *Config) { c.OperationTimeout = -1 }, "OperationTimeout"},
		"negative interval": {func(c *Config) { c.ReconnectCap = -1 }, "ReconnectCap"},
		"negative limit":    {func(c *Config) { c.MaxOperations = -1 }, "MaxOperations"},
		"unsent":            {func(c *Config) { c.MaxUnsentBytes = -1 }, "MaxUnsentBytes"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			test.change(&cfg)
			_, err := Open(t.Context(), cfg)
			var e *ConfigError
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.field, e.Field)
		})
	}
}

func TestReasonOfErrors(t *testing.T) {
	require.Equal(t, session.ReasonRefused, reason(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}))
	require.Equal(t, session.ReasonReset, reason(&net.OpError{Op: "read", Err: syscall.ECONNRESET}))
	require.Equal(t, session.ReasonDialTimeout, reason(context.DeadlineExceeded))
	require.Equal(t, session.ReasonIO, reason(syscall.EHOSTUNREACH))
}
