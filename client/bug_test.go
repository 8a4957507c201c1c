// Bugs of ours that a server, a mechanism or an application's function provokes: the client
// goes on, and says that they are bugs.

package client

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
	"github.com/a8011091/pegasus-reference/trace"
)

// doubts are credentials that remember what they were told.
type doubts struct{ accepted, refused atomic.Int64 }

func (d *doubts) Await(context.Context, string) error       { return nil }
func (d *doubts) Observe(func(ticket.Change)) (stop func()) { return func() {} }
func (d *doubts) Health() ticket.Health                     { return ticket.Health{} }

func (d *doubts) Negotiated(_ string, accepted bool) {
	if accepted {
		d.accepted.Add(1)
	} else {
		d.refused.Add(1)
	}
}

// unsound is a mechanism whose first negotiations meet a bug at a step of it.
type unsound struct {
	sasl.Mechanism
	left    *atomic.Int64 // negotiations
	at      int           // Step that breaks; 0: before the first
	recover bool          // as sasl/gssapi does, and return an error
}

func (m unsound) Client(cfg sasl.ClientConfig) (sasl.Session, error) {
	s, err := m.Mechanism.Client(cfg)
	if m.left.Add(-1) < 0 || err != nil {
		return s, err
	}
	return &unsoundEnd{Session: s, m: m}, m.broken(0)
}

type unsoundEnd struct {
	sasl.Session
	m     unsound
	steps int
}

func (e *unsoundEnd) Step(now time.Time, in []byte) ([]byte, bool, error) {
	if e.steps++; e.steps == e.m.at {
		return nil, false, e.m.broken(e.steps)
	}
	return e.Session.Step(now, in)
}

func (m unsound) broken(step int) error {
	switch {
	case step != m.at:
		return nil
	case m.recover:
		return fmt.Errorf("authenticate: %w", &gssapi.InternalError{Doing: "initiating", Value: "private", Stack: []byte("where it happened")})
	}
	panic("private")
}

// logged is a log at its most talkative.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// A bug of the mechanism, at each of its steps, recovered by it or not: it costs its
// connections, which are made again, and is nobody's credential's fault.
func TestBugOfTheMechanismIsContained(t *testing.T) {
	for _, recovered := range []bool{false, true} {
		for at := range 3 {
			t.Run(fmt.Sprintf("recovered=%t/step=%d", recovered, at), func(t *testing.T) {
				const bugs = 3
				left := &atomic.Int64{}
				left.Store(bugs)
				told, said := &doubts{}, &logged{}
				var ended atomic.Int64
				change := func(cfg *Config) {
					cfg.Mechanism = unsound{Mechanism: testMechanism, left: left, at: at, recover: recovered}
					cfg.AllowTestMechanism, cfg.Credentials, cfg.Logger = true, told, said.logger()
					cfg.OnSession = func(s SessionChange) {
						if s.Reason == session.ReasonInternal {
							ended.Add(1)
						}
					}
				}
				onCluster(t, change, func(t *testing.T, _ *testCluster, c *Client) {
					require.NoError(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0))
					time.Sleep(3 * time.Second)
					h := c.Health()
					require.True(t, h.Ready, "by backoff, as after any loss")
					require.EqualValues(t, bugs, h.InternalErrors)
					require.EqualValues(t, bugs, ended.Load())
					var internal, failed uint64
					for _, s := range h.Sessions {
						internal, failed = internal+s.Stats.Internal, failed+s.Stats.NegotiationsFailed
					}
					require.EqualValues(t, bugs, internal)
					require.Zero(t, failed, "a bug of ours is no negotiation that was refused")
					require.Zero(t, told.refused.Load(), "and casts no doubt on a ticket")
					require.Positive(t, told.accepted.Load())
				})
				text := said.String()
				require.Contains(t, text, "level=ERROR")
				require.Contains(t, text, "bug: recovered from a panic; please report it")
				require.NotContains(t, text, "made no token")
				require.NotContains(t, text, "private")
				if recovered {
					require.Contains(t, text, "where it happened")
				} else {
					require.Contains(t, text, "unsound.broken", "the stack")
				}
			})
		}
	}
}

// broken has the core's steps panic as f says: before (the event is lost), after (the
// effects are), or in the middle of what is carried out.
func broken(c *Client, f func(ev *routing.Event) moment) {
	done := make(chan struct{})
	c.driver.inbox.put(item{ask: func(d *driver) {
		d.advance = func(now time.Time, ev routing.Event, out []routing.Effect) []routing.Effect {
			when := f(&ev)
			if when == before {
				panic("private")
			}
			out = d.core.Step(now, ev, out)
			switch when {
			case after:
				panic("private")
			case amid: // nobody has that connection
				out = slices.Insert(out, len(out)/2, routing.Effect{Kind: routing.EffectWrite, Conn: 1})
			}
			return out
		}
		close(done)
	}})
	<-done
}

type moment uint8

const (
	never moment = iota
	before
	after
	amid
)

// A panic on a server's bytes costs the connection that they came on, and nobody else.
func TestPanicOnBytesOfAServerIsContained(t *testing.T) {
	for _, when := range []moment{before, after, amid} {
		t.Run(fmt.Sprint(when), func(t *testing.T) {
			said, told := &logged{}, &doubts{}
			change := func(cfg *Config) { cfg.Logger, cfg.Credentials = said.logger(), told }
			onCluster(t, change, func(t *testing.T, cluster *testCluster, c *Client) {
				table := c.Table("temp")
				require.NoError(t, table.Put(t.Context(), hashKey, sortKey, []byte("secret value"), 0))
				synctest.Wait() // for the sessions that nobody needs yet: the next bytes are the answer to a put
				conns := make(map[netip.AddrPort]protocol.ConnID)
				for _, s := range c.Health().Sessions {
					conns[s.Addr] = s.Conn
				}
				var victim protocol.ConnID
				broken(c, func(ev *routing.Event) moment {
					if ev.Kind == routing.EventReceived && victim == 0 {
						victim = ev.Conn
						return when
					}
					return never
				})
				err := table.Put(t.Context(), hashKey, sortKey, []byte("secret value"), 0)
				if when != amid { // else it was told before the panic
					require.ErrorIs(t, err, ErrInternal)
					require.ErrorIs(t, err, ErrUnknownOutcome)
				}
				value, err := table.Get(t.Context(), hashKey, sortKey)
				require.NoError(t, err)
				require.Equal(t, "secret value", string(value))
				h := c.Health()
				require.True(t, h.Ready)
				require.Zero(t, h.Outstanding)
				require.EqualValues(t, 1, h.InternalErrors)
				for _, s := range h.Sessions {
					require.Equal(t, conns[s.Addr] != victim, conns[s.Addr] == s.Conn, "the others keep their connections")
					require.Zero(t, s.Stats.NegotiationsFailed)
				}
				require.Zero(t, told.refused.Load())
			})
			require.Contains(t, said.String(), "bug: recovered from a panic")
			require.Contains(t, said.String(), "internal-error")
			require.NotContains(t, said.String(), "private")
			require.NotContains(t, said.String(), "secret value")
		})
	}
}

// openConns are connections of which a trace has told the beginning and not the end.
type openConns map[uint64]bool

// Emit implements trace.Sink.
func (o openConns) Emit(ev *trace.Event) {
	switch ev.Kind {
	case trace.KindDial:
		o[ev.Conn] = true
	case trace.KindDialFailed, trace.KindClose, trace.KindClosed:
		delete(o, ev.Conn)
	}
}

// Panics at any moment of any event, under load and while servers restart: every call ends,
// nothing that failed has run, nothing runs twice, and the client comes back.
func TestPanicsAnywhere(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random, pauses := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
			open := make(openConns)
			traced := func(cfg *Config) { cfg.Trace = trace.NewLive(open).Node("client") }
			onCluster(t, traced, func(t *testing.T, cluster *testCluster, c *Client) {
				panics := uint64(0)
				broken(c, func(ev *routing.Event) moment {
					owned := ev.Conn != 0 || uint64(ev.Timer)>>protocol.OwnerShift != 0 || ev.Kind != routing.EventTimer
					if !owned || ev.Kind == routing.EventClose || random.IntN(40) > 0 {
						return never
					}
					panics++
					return before + moment(random.IntN(3))
				})
				load := startLoad(t, c, 4, 0)
				for _, n := range cluster.nodes {
					time.Sleep(time.Duration(pauses.IntN(300)) * time.Millisecond)
					n.stop()
					time.Sleep(time.Duration(pauses.IntN(50)) * time.Millisecond)
					n.start()
				}
				broken(c, func(*routing.Event) moment { return never })
				load.stop()
				load.judge(t, cluster)
				time.Sleep(2 * time.Second)
				h := c.Health()
				require.True(t, h.Ready, "%+v", h)
				require.Zero(t, h.Outstanding)
				require.Positive(t, panics)
				require.GreaterOrEqual(t, h.InternalErrors, panics-panics/2) // amid needs an effect
				require.NoError(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0))
				have := 0
				for _, s := range h.Sessions {
					if s.Conn != 0 {
						have++
					}
				}
				c.driver.inbox.put(item{ask: func(d *driver) { assert.Len(t, d.conns, have, "connections that no session has") }})
			})
			require.Empty(t, open, "the trace tells of every connection's end")
		})
	}
}

// A panic that nobody can be blamed for costs the client, which says so; whoever asks is told.
func TestClientWithoutItsCore(t *testing.T) {
	said, open := &logged{}, make(openConns)
	change := func(cfg *Config) { cfg.Logger, cfg.Trace = said.logger(), trace.NewLive(open).Node("client") }
	onCluster(t, change, func(t *testing.T, cluster *testCluster, c *Client) {
		cluster.with(func() { cluster.refusing = protocol.CodeBusy }) // so that the put waits for a timer of the core's own
		broken(c, func(ev *routing.Event) moment {
			if ev.Kind == routing.EventTimer && uint64(ev.Timer)>>protocol.OwnerShift == 0 {
				return before
			}
			return never
		})
		err := c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0)
		require.ErrorIs(t, err, ErrInternal)
		require.ErrorIs(t, err, ErrUnknownOutcome)
		require.ErrorIs(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0), ErrClosed)
		h := c.Health()
		require.True(t, h.Closed)
		require.False(t, h.Ready)
		require.Empty(t, h.Sessions)
		require.EqualValues(t, 1, h.InternalErrors)
	})
	require.Contains(t, said.String(), "open another client")
	require.Empty(t, open)
}

func TestPanicWhileClosing(t *testing.T) {
	for _, when := range []moment{before, after} {
		onCluster(t, nil, func(t *testing.T, cluster *testCluster, c *Client) {
			cluster.with(func() { cluster.mute = true })
			outstanding := make(chan error, 1)
			go func() { outstanding <- c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0) }()
			synctest.Wait()
			broken(c, func(ev *routing.Event) moment {
				if ev.Kind == routing.EventClose {
					return when
				}
				return never
			})
			require.NoError(t, c.Close())
			require.ErrorIs(t, <-outstanding, ErrUnknownOutcome)
		})
	}
}

// panickingConn breaks at one of its methods.
type panickingConn struct {
	net.Conn
	read bool
}

func (c panickingConn) Read(p []byte) (int, error) {
	if c.read {
		panic("private")
	}
	return c.Conn.Read(p)
}

func (c panickingConn) Write(p []byte) (int, error) {
	if !c.read {
		panic("private")
	}
	return c.Conn.Write(p)
}

// What an application gives the client may panic, in whichever goroutine.
func TestPanicsOfTheApplicationsFunctions(t *testing.T) {
	const times = 3
	for name, change := range map[string]func(cfg *Config, once func() bool){
		"OnSession": func(cfg *Config, once func() bool) {
			cfg.OnSession = func(SessionChange) {
				if once() {
					panic("private")
				}
			}
		},
		"ServerName": func(cfg *Config, once func() bool) {
			cfg.ServerName = func(at netip.AddrPort) string {
				if once() {
					panic("private")
				}
				return at.Addr().String()
			}
		},
		"Dial": func(cfg *Config, once func() bool) {
			dial := cfg.Dial
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if once() {
					panic("private")
				}
				return dial(ctx, network, address)
			}
		},
		"Read":  func(cfg *Config, once func() bool) { breakConns(cfg, once, true) },
		"Write": func(cfg *Config, once func() bool) { breakConns(cfg, once, false) },
	} {
		t.Run(name, func(t *testing.T) {
			var left atomic.Int64
			left.Store(times)
			said := &logged{}
			onCluster(t, func(cfg *Config) {
				cfg.Logger = said.logger()
				change(cfg, func() bool { return left.Add(-1) >= 0 })
			}, func(t *testing.T, cluster *testCluster, c *Client) {
				time.Sleep(3 * time.Second)
				require.NoError(t, c.Table("temp").Put(t.Context(), hashKey, sortKey, nil, 0))
				require.True(t, c.Health().Ready)
				require.EqualValues(t, times, c.Health().InternalErrors)
			})
			require.NotContains(t, said.String(), "private")
		})
	}
}

func breakConns(cfg *Config, once func() bool, read bool) {
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil && once() {
			return panickingConn{conn, read}, nil
		}
		return conn, err
	}
}

// An answer is read by the caller's goroutine.
func TestPanicOnAnAnswerIsTold(t *testing.T) {
	said := &logged{}
	onCluster(t, func(cfg *Config) { cfg.Logger = said.logger() }, func(t *testing.T, cluster *testCluster, c *Client) {
		_, err := parsed(c.driver, func(answer []byte) (int, error) { return int(answer[3]), nil }, []byte("abc"))
		require.ErrorIs(t, err, ErrInternal)
		require.EqualValues(t, 1, c.Health().InternalErrors)
		told := c.Table("temp").judge("put", protocol.StatusOK, err, true)
		require.ErrorIs(t, told, ErrInternal)
		require.ErrorIs(t, told, ErrUnknownOutcome)
		require.NotErrorIs(t, told, ErrBadAnswer)
		require.ErrorContains(t, told, "please report it")
	})
	require.Contains(t, said.String(), "index out of range")
}
