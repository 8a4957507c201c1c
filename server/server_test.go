package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/server/replica"
)

var home = protocol.GPID{AppID: 1}

// single is a replica server of one partition.
func single() Config {
	return Config{
		Listen:    "127.0.0.1:0",
		Replica:   &Replica{Partitions: []Partition{{PID: home, Role: replica.RolePrimary}}},
		Mechanism: mechanism,
	}
}

func start(t testing.TB, cfg Config) *Server {
	s, err := Start(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func TestRequestsAreServedToWhoAuthenticated(t *testing.T) {
	var mu sync.Mutex
	var executed []Execution
	var states []string
	cfg := single()
	cfg.Auth = mandatory
	cfg.Hooks = Hooks{
		Executed: func(e Execution) { mu.Lock(); executed = append(executed, e); mu.Unlock() },
		Conn: func(c ConnChange) {
			mu.Lock()
			states = append(states, strings.TrimSpace(c.State.String()+" "+c.Principal))
			mu.Unlock()
		},
	}
	s := start(t, cfg)
	p := dial(t, s.Addr())
	assert.Equal(t, protocol.CodeSessionReset, p.put(home, "k", "early"))
	p.authenticate()
	assert.Equal(t, protocol.CodeOK, p.put(home, "k", "v"))
	value, code := p.get(home, "k")
	assert.Equal(t, protocol.CodeOK, code)
	assert.Equal(t, "v", value)

	// Authentication is the connection's: the next one begins without.
	_, code = dial(t, s.Addr()).get(home, "k")
	assert.Equal(t, protocol.CodeSessionReset, code)

	stats := s.Stats()
	assert.EqualValues(t, 2, stats.Executed)
	assert.EqualValues(t, 2, stats.EarlyRefused)
	assert.EqualValues(t, 1, stats.NegotiationsDone)
	require.NoError(t, s.Close())
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, executed, 2)
	for _, e := range executed {
		assert.Equal(t, "alice/host@REALM", e.Principal)
		assert.Equal(t, "alice", e.User, "as upstream cuts it")
		assert.True(t, e.Authenticated)
	}
	assert.Equal(t, []string{"open", "negotiating", "authenticated alice/host@REALM", "open", "gone alice/host@REALM", "gone"}, states)
}

// watched is a mechanism whose ends can be waited for to be collected.
type watched struct {
	sasl.Mechanism
	last chan weak.Pointer[watchedEnd]
}

type watchedEnd struct{ sasl.ServerSession }

func (m watched) Server(cfg sasl.ServerConfig) (sasl.ServerSession, error) {
	s, err := m.Mechanism.Server(cfg)
	end := &watchedEnd{s}
	m.last <- weak.Make(end)
	return end, err
}

// A connection lives for weeks; what its negotiation needed, keytab included, does not.
func TestConnectionsKeepNothingOfTheirNegotiation(t *testing.T) {
	cfg := single()
	cfg.Auth = mandatory
	m := watched{mechanism, make(chan weak.Pointer[watchedEnd], 1)}
	cfg.Mechanism = m
	s := start(t, cfg)
	p := dial(t, s.Addr()).authenticate()
	require.Equal(t, protocol.CodeOK, p.put(home, "k", "v"))
	end := <-m.last
	require.Eventually(t, func() bool { runtime.GC(); return end.Value() == nil }, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, protocol.CodeOK, p.put(home, "k", "v"), "the connection is still there")
}

func TestClosedServer(t *testing.T) {
	s := start(t, single())
	p := dial(t, s.Addr())
	require.Equal(t, protocol.CodeOK, p.put(home, "k", "v"))
	require.NoError(t, s.Close())
	p.requireEnd()
	_, err := net.DialTimeout("tcp4", s.Addr().String(), time.Second)
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.ErrorIs(t, s.SetLeader(netip.AddrPort{}), ErrClosed)
	assert.EqualValues(t, 1, s.Stats().Executed, "the last numbers stay")
	assert.Zero(t, s.Stats().Conns)
	assert.NoError(t, s.Close(), "closing twice is closing once")
	assert.NoError(t, s.Kill())
	<-s.Done()
}

func TestContextEndsServer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Start(ctx, single())
	require.NoError(t, err)
	p := dial(t, s.Addr())
	require.Equal(t, protocol.CodeOK, p.put(home, "k", "v"))
	cancel()
	p.requireEnd()
	assert.NoError(t, s.Wait())
}

func TestAddressInUse(t *testing.T) {
	s := start(t, single())
	cfg := single()
	cfg.Listen = s.Addr().String()
	_, err := Start(context.Background(), cfg)
	var le *ListenError
	require.ErrorAs(t, err, &le)
	assert.ErrorIs(t, err, syscall.EADDRINUSE)
	assert.Equal(t, s.Addr().String(), le.Address)
	assert.Contains(t, le.Hint, "another process has it")
}

func TestHintNamesTheEphemeralRange(t *testing.T) {
	low, high := ephemeralPorts()
	require.Less(t, low, high)
	inUse := &net.OpError{Err: syscall.EADDRINUSE}
	assert.Contains(t, hint(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(low)).String(), inUse), "ephemeral range")
	assert.NotContains(t, hint("127.0.0.1:80", inUse), "ephemeral range")
	assert.Empty(t, hint("127.0.0.1:80", syscall.EACCES))
	assert.Contains(t, hint("nonsense", inUse), "another process")
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"Listen is missing":                  func(c *Config) { c.Listen = "" },
		"MaxWriteQueue is negative":          func(c *Config) { c.MaxWriteQueue = -1 },
		"MaxWriteQueues is 10, below":        func(c *Config) { c.MaxWriteQueues = 10 },
		"WriteTimeout is negative":           func(c *Config) { c.WriteTimeout = -1 },
		"FlushTimeout is negative":           func(c *Config) { c.FlushTimeout = -1 },
		"Mechanism is missing":               func(c *Config) { c.Auth, c.Mechanism = mandatory, nil },
		"Auth is mandatory but not enabled":  func(c *Config) { c.Auth = Auth{Mandatory: true} },
		"are both missing":                   func(c *Config) { c.Replica = nil },
		"Advertise is missing, and clients":  func(c *Config) { c.Listen = "0.0.0.0:0" },
		"Advertise is [::1]:1; clients need": func(c *Config) { c.Advertise = netip.MustParseAddrPort("[::1]:1") },
		"MaxWriteBytes is -1":                func(c *Config) { c.Replica.MaxWriteBytes = -1 },
		"gives table \"t\" no partitions":    func(c *Config) { c.Meta = &Meta{Tables: []Table{{Name: "t", AppID: 1}}} },
		"Limits.NegotiationTimeout is -1":    func(c *Config) { c.Limits.NegotiationTimeout = -1 },
		"listen on 127.0.0.1:none":           func(c *Config) { c.Listen = "127.0.0.1:none" },
	} {
		cfg := single()
		change(&cfg)
		_, err := Start(context.Background(), cfg)
		require.Error(t, err, want)
		assert.ErrorContains(t, err, want)
		var config *ConfigError
		var listen *ListenError
		assert.True(t, errors.As(err, &config) || errors.As(err, &listen), "%v has a type", err)
	}
}

// What cannot work is said before the socket is opened, which somebody else has here.
func TestConfigurationIsRefusedBeforeListening(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	cfg := single()
	cfg.Listen = taken.Addr().String()
	var listen *ListenError
	_, err = Start(t.Context(), cfg)
	require.ErrorAs(t, err, &listen)
	cfg.Limits.NegotiationTimeout = -1
	_, err = Start(t.Context(), cfg)
	var config *ConfigError
	require.ErrorAs(t, err, &config)
}

func TestAdvertise(t *testing.T) {
	cfg := single()
	cfg.Listen, cfg.Advertise = "0.0.0.0:0", netip.MustParseAddrPort("10.1.2.3:34801")
	assert.Equal(t, cfg.Advertise, start(t, cfg).Addr())
}

// A peer that asks and does not read is disconnected when the limit is reached, and
// nobody else suffers.
func TestPeerThatDoesNotRead(t *testing.T) {
	cfg := single()
	cfg.MaxWriteQueue, cfg.Limits.MaxOutputBytes = 1<<20, 64<<20
	s := start(t, cfg)
	p, other := dial(t, s.Addr()), dial(t, s.Addr())
	require.Equal(t, protocol.CodeOK, other.put(home, "k", strings.Repeat("x", 1<<16)))
	get := protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1, AppID: 1}, RPC: protocol.RPCGet, Body: protocol.AppendKeyArgs(nil, storedKey(t, "k")),
	})
	require.Eventually(t, func() bool {
		_, err := p.conn.Write(get)
		return err != nil
	}, 10*time.Second, time.Microsecond)
	stats := s.Stats()
	assert.EqualValues(t, 1, stats.SlowPeers)
	assert.EqualValues(t, 1, stats.Closed[node.CauseLimit])
	value, code := other.get(home, "k")
	assert.Equal(t, protocol.CodeOK, code)
	assert.Len(t, value, 1<<16)
}

// faultyStorage panics with what it was given: the worst that an implementation can do.
type faultyStorage struct{ replica.Storage }

func (faultyStorage) Get(_ protocol.GPID, key []byte) (replica.Record, protocol.StorageStatus) {
	panic("no row " + string(key))
}

// A bug costs the connection that met it, is counted and logged, and tells no secrets.
func TestPanicIsContained(t *testing.T) {
	var log bytes.Buffer
	cfg := single()
	cfg.Replica.Storage = faultyStorage{replica.NewMemory()}
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, cfg)
	p, other := dial(t, s.Addr()), dial(t, s.Addr())
	require.Equal(t, protocol.CodeOK, other.put(home, "k", "v"))
	p.write(protocol.RPCGet, home, protocol.AppendKeyArgs(nil, storedKey(t, "private")))
	p.requireEnd()
	assert.Equal(t, protocol.CodeOK, other.put(home, "k", "v"), "others are served")
	stats := s.Stats()
	assert.EqualValues(t, 1, stats.Panics)
	assert.EqualValues(t, 1, stats.Closed[node.CauseInternal])
	require.NoError(t, s.Close())
	assert.Contains(t, log.String(), "bug: recovered from a panic")
	assert.NotContains(t, log.String(), "private")
}

// faultyMechanism panics when it is to judge a token.
type faultyMechanism struct{ sasl.Mechanism }

func (faultyMechanism) Server(sasl.ServerConfig) (sasl.ServerSession, error) { panic("no keytab") }

func TestPanicOfTheMechanismIsContained(t *testing.T) {
	cfg := single()
	cfg.Auth, cfg.Mechanism = mandatory, faultyMechanism{mechanism}
	s := start(t, cfg)
	p := dial(t, s.Addr())
	p.negotiation(protocol.SASLListMechanisms, nil)
	p.negotiation(protocol.SASLSelectMechanisms, []byte(mechanism.Name()))
	p.write(protocol.RPCNegotiation, protocol.GPID{}, protocol.AppendNegotiationArgs(nil, protocol.SASLInitiate, []byte("token")))
	p.requireEnd()
	stats := s.Stats()
	assert.EqualValues(t, 1, stats.Panics)
	assert.Zero(t, stats.TokenErrors, "a bug of ours refuses nobody's credentials")
	assert.Empty(t, stats.Refusals)
	assert.EqualValues(t, 1, stats.Failures[node.FailureInternal])
	assert.EqualValues(t, 1, stats.Closed[node.CauseInternal])
}

// brokenMechanism has recovered from a panic of its own, as sasl/gssapi does.
type brokenMechanism struct{ sasl.Mechanism }

func (m brokenMechanism) Server(cfg sasl.ServerConfig) (sasl.ServerSession, error) {
	end, err := m.Mechanism.Server(cfg)
	return brokenEnd{end}, err
}

type brokenEnd struct{ sasl.ServerSession }

func (brokenEnd) Step(time.Time, []byte) ([]byte, bool, error) {
	return nil, false, fmt.Errorf("accept a client: %w", &gssapi.InternalError{Doing: "accepting", Value: "private", Stack: []byte("where it happened")})
}

func TestBugThatTheMechanismRecoveredFromIsABug(t *testing.T) {
	var log bytes.Buffer
	cfg := single()
	cfg.Auth, cfg.Mechanism, cfg.Logger = mandatory, brokenMechanism{mechanism}, slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, cfg)
	p := dial(t, s.Addr())
	p.negotiation(protocol.SASLListMechanisms, nil)
	p.negotiation(protocol.SASLSelectMechanisms, []byte(mechanism.Name()))
	p.write(protocol.RPCNegotiation, protocol.GPID{}, protocol.AppendNegotiationArgs(nil, protocol.SASLInitiate, []byte("token")))
	p.requireEnd()
	stats := s.Stats()
	require.NoError(t, s.Close())
	assert.EqualValues(t, 1, stats.Panics)
	assert.Zero(t, stats.TokenErrors)
	assert.EqualValues(t, 1, stats.Failures[node.FailureInternal])
	assert.Contains(t, log.String(), "level=ERROR")
	assert.Contains(t, log.String(), "where it happened")
	assert.NotContains(t, log.String(), "token refused")
	assert.NotContains(t, log.String(), "private")
}

func TestRefusedTokenEndsTheConnection(t *testing.T) {
	var log bytes.Buffer
	cfg := single()
	cfg.Auth = mandatory
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, cfg)
	p := dial(t, s.Addr())
	p.negotiation(protocol.SASLListMechanisms, nil)
	p.negotiation(protocol.SASLSelectMechanisms, []byte(mechanism.Name()))
	p.write(protocol.RPCNegotiation, protocol.GPID{}, protocol.AppendNegotiationArgs(nil, protocol.SASLInitiate, []byte("made-up")))
	p.requireEnd()
	assert.EqualValues(t, 1, s.Stats().TokenErrors)
	assert.Equal(t, map[string]uint64{"other": 1}, s.Stats().Refusals)
	require.NoError(t, s.Close())
	assert.Contains(t, log.String(), "token refused")
	assert.NotContains(t, log.String(), "made-up")
}

// faultyListener fails a few times before it accepts.
type faultyListener struct {
	net.Listener
	failures int
}

func (l *faultyListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, syscall.EMFILE
	}
	return l.Listener.Accept()
}

func TestAcceptErrorsPass(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	cfg := single()
	cfg.Listener = &faultyListener{Listener: l, failures: 2}
	s := start(t, cfg)
	assert.Equal(t, protocol.CodeOK, dial(t, s.Addr()).put(home, "k", "v"))
	assert.EqualValues(t, 2, s.Stats().AcceptErrors)
}

func TestListenerClosedBySomebodyElse(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	cfg := single()
	cfg.Listener = l
	s, err := Start(context.Background(), cfg)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	assert.ErrorContains(t, s.Wait(), "closed by somebody else")
	assert.ErrorIs(t, s.Close(), net.ErrClosed)
}

// Whatever arrives costs its sender the connection, and nobody else anything.
func TestNoise(t *testing.T) {
	cfg := single()
	cfg.Auth = mandatory
	s := start(t, cfg)
	for _, noise := range []string{"GET / HTTP/1.1\r\n\r\n", "THFT\x00\x00\x00\x02", "THFT\x00\x00\x00\x01\x7f\xff\xff\xff\x7f\xff\xff\xff"} {
		p := dial(t, s.Addr())
		_, err := p.conn.Write([]byte(noise))
		require.NoError(t, err)
		p.requireEnd()
	}
	assert.Equal(t, protocol.CodeOK, dial(t, s.Addr()).authenticate().put(home, "k", "v"))
	assert.EqualValues(t, 2, s.Stats().Closed[node.CauseProtocol])
	assert.EqualValues(t, 1, s.Stats().Closed[node.CauseLimit])
}
