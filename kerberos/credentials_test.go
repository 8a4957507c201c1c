// Credentials against a KDC of ours on real sockets: from keytab, cache and password,
// renewal, outage, refusals, and that nothing is left behind. MIT's KDC is in mit_test.go.

package kerberos_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/kerberos/kdc"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

const (
	realmName = "EXAMPLE.COM"
	hostName  = "node1.example.com"
	password  = "correct horse battery staple"

	// patience is how long what has to happen may take on a busy machine.
	patience = 30 * time.Second
)

var alice = gssapi.Principal{Components: []string{"alice"}, Realm: realmName}

// devRealm is a KDC of ours with alice and the service, and where it puts files.
type devRealm struct {
	t      *testing.T
	dir    string
	issuer gssapi.Issuer
	config kdc.Config
	kdc    *kdc.KDC
	mu     sync.Mutex
	skew   time.Duration // of the KDC's clock
}

func newDevRealm(t *testing.T) *devRealm {
	var entries []gssapi.KeytabEntry
	for _, p := range []gssapi.Principal{alice, gssapi.GrantingService(realmName), gssapi.ServicePrincipal("pegasus", hostName, realmName)} {
		secret := p.String()
		if p.Equal(alice) {
			secret = password
		}
		key, err := gssapi.KeyFromPassword(gssapi.ETypeAES256SHA1, secret, p)
		require.NoError(t, err)
		entries = append(entries, gssapi.KeytabEntry{Principal: p, Version: 1, Key: key})
	}
	keys, err := gssapi.NewKeytab(entries...)
	require.NoError(t, err)
	r := &devRealm{t: t, dir: t.TempDir(), issuer: gssapi.Issuer{Realm: realmName, Keys: keys}}
	r.start("")
	t.Cleanup(r.stop)
	r.writeKeytab("client.keytab", entries[:1]...)
	return r
}

func (r *devRealm) start(address string) {
	var err error
	now := func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return time.Now().Add(r.skew)
	}
	r.config = kdc.Config{Address: address, Issuer: r.issuer, Now: now}
	r.kdc, err = kdc.Listen(r.config)
	require.NoError(r.t, err)
}

func (r *devRealm) stop() {
	if r.kdc != nil {
		require.NoError(r.t, r.kdc.Close())
		r.config.Address = r.kdc.Address()
		r.kdc = nil
	}
}

func (r *devRealm) setSkew(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skew = d
}

func (r *devRealm) writeKeytab(name string, entries ...gssapi.KeytabEntry) string {
	kt, err := gssapi.NewKeytab(entries...)
	require.NoError(r.t, err)
	file, err := kt.Marshal()
	require.NoError(r.t, err)
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.WriteFile(path, file, 0o600))
	return path
}

// changes collects what OnTicket is told.
type changes struct {
	mu  sync.Mutex
	all []ticket.Change
}

func (c *changes) add(x ticket.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, x)
}

// has says whether a ticket of name went through state, for cause.
func (c *changes) has(name ticket.Name, state ticket.State, cause ticket.Cause) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.all {
		if x.Name == name && x.State == state && x.Failure.Cause == cause {
			return true
		}
	}
	return false
}

var serviceName = ticket.Name{Service: "pegasus", Host: hostName}

// configured is a client of the realm with short intervals.
func (r *devRealm) configured(seen *changes) kerberos.ClientConfig {
	settings := kerberos.NewSettings()
	settings.DefaultRealm = realmName
	address := r.config.Address
	if r.kdc != nil {
		address = r.kdc.Address()
	}
	return kerberos.ClientConfig{
		Principal: "alice", Settings: settings, KDCs: []string{address}, OnTicket: seen.add, CheckEvery: 20 * time.Millisecond,
		Tickets: ticket.Config{BackoffBase: 10 * time.Millisecond, UnreachableCap: 50 * time.Millisecond, RefusedCap: 50 * time.Millisecond},
	}
}

func open(t *testing.T, cfg kerberos.ClientConfig) *kerberos.Credentials {
	t.Helper()
	c, err := kerberos.OpenCredentials(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// accepted negotiates with the service's key, as proof that the ticket is good.
func (r *devRealm) accepted(c *kerberos.Credentials) {
	r.t.Helper()
	initiator, err := gssapi.New(gssapi.Config{Service: "pegasus", Credentials: c}).Client(sasl.ClientConfig{Host: hostName, Random: rand.Reader})
	require.NoError(r.t, err)
	acceptor, err := gssapi.New(gssapi.Config{Service: "pegasus", Keys: r.issuer.Keys, Replays: kerberos.NewReplays(10)}).Server(sasl.ServerConfig{Host: hostName, Random: rand.Reader})
	require.NoError(r.t, err)
	var in []byte
	for range 5 {
		out, _, err := initiator.Step(time.Now(), in)
		require.NoError(r.t, err)
		reply, done, err := acceptor.Step(time.Now(), out)
		require.NoError(r.t, err)
		if done {
			require.Equal(r.t, alice.String(), acceptor.Principal())
			return
		}
		in = bytes.Clone(reply)
	}
	require.Fail(r.t, "the negotiation does not end")
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKeytabAndPassword(t *testing.T) {
	for _, udp := range []int{1, 1465} {
		for _, with := range []string{"keytab", "password"} {
			r := newDevRealm(t)
			seen := &changes{}
			cfg := r.configured(seen)
			cfg.Settings.UDPLimit = udp
			if cfg.Password = password; with == "keytab" {
				cfg.Password, cfg.Keytab = "", filepath.Join(r.dir, "client.keytab")
			}
			c := open(t, cfg)
			require.NoError(t, c.Await(within(t, patience), hostName))
			r.accepted(c)
			require.True(t, seen.has(ticket.Name{}, ticket.StateValid, ticket.CauseNone))
			require.True(t, seen.has(serviceName, ticket.StateValid, ticket.CauseNone))
			h := c.Health()
			require.Equal(t, alice.String(), h.Principal)
			require.Len(t, h.Tickets, 2)
			require.Equal(t, ticket.StateValid, h.Tickets[1].State)
		}
	}
}

// A hundred sessions at once: one ticket-granting ticket, one for the service.
func TestOneFetchForManySessions(t *testing.T) {
	r := newDevRealm(t)
	cfg := r.configured(&changes{})
	cfg.Password = password
	cfg.Settings.UDPLimit = 1 // a datagram may be sent, and answered, twice
	c := open(t, cfg)
	ctx := within(t, patience)
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() { require.NoError(t, c.Await(ctx, hostName)) })
	}
	wait.Wait()
	require.EqualValues(t, 2, c.Health().Stats.Fetches)
	require.EqualValues(t, 3, r.kdc.Answers(), "AS-REQ without and with a proof, TGS-REQ")
}

// Tickets of a few seconds are renewed in time, again and again; then the KDC is gone, they
// run out, sessions are told, and when it is back all is well without anybody's doing.
func TestRenewalAndOutage(t *testing.T) {
	t.Parallel()
	r := newDevRealm(t)
	address := r.kdc.Address()
	r.stop()
	r.issuer.Life, r.issuer.RenewLife = 3*time.Second, 6*time.Second // and ends are cut to a second
	r.start(address)
	seen := &changes{}
	cfg := r.configured(seen)
	cfg.Password = password
	cfg.Tickets.RenewPercent = 40 // a busy machine has more than a second to renew in
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
	first := c.Health().Stats.Fetched
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		_, err := c.Lookup("pegasus", hostName)
		require.NoError(t, err, "a ticket is missing although the KDC is there")
	}
	require.Greater(t, c.Health().Stats.Fetched, first+1)
	require.True(t, seen.has(ticket.Name{}, ticket.StateExpiring, ticket.CauseNone))

	r.stop()
	require.Eventually(t, func() bool { return seen.has(serviceName, ticket.StateExpired, ticket.CauseNone) }, patience, 10*time.Millisecond)
	_, err := c.Lookup("pegasus", hostName)
	require.ErrorIs(t, err, gssapi.ErrNoCredential)
	err = c.Await(within(t, 200*time.Millisecond), hostName)
	require.Error(t, err)
	require.True(t, errors.Is(err, kerberos.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded), "%v", err)
	require.Eventually(t, func() bool { return seen.has(ticket.Name{}, ticket.StateUnreachable, ticket.CauseNone) }, patience, 10*time.Millisecond)

	r.start(address)
	require.Eventually(t, func() bool { return c.Await(within(t, time.Second), hostName) == nil }, patience, 10*time.Millisecond)
}

// Refusals are states with their causes, in words, and end when the cause is mended.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(r *devRealm, cfg *kerberos.ClientConfig)
		cause  ticket.Cause
		err    error
		words  string
	}{
		{"unknown principal", func(_ *devRealm, cfg *kerberos.ClientConfig) { cfg.Principal = "mallory" }, ticket.CauseClientUnknown, gssapi.ErrNoCredential, "does not know the client"},
		{"wrong password", func(_ *devRealm, cfg *kerberos.ClientConfig) { cfg.Password = "guess" }, ticket.CauseBadKey, gssapi.ErrIntegrity, "wrong password"},
		{"clock skew", func(r *devRealm, _ *kerberos.ClientConfig) { r.setSkew(-time.Hour) }, ticket.CauseSkew, gssapi.ErrSkew, "its clock says"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newDevRealm(t)
			seen := &changes{}
			var logged bytes.Buffer
			cfg := r.configured(seen)
			cfg.Password = password
			cfg.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			tc.change(r, &cfg)
			c, err := kerberos.OpenCredentials(cfg)
			require.NoError(t, err)
			err = c.Await(within(t, patience), hostName)
			require.ErrorIs(t, err, tc.err)
			require.ErrorContains(t, err, tc.words)
			require.True(t, seen.has(ticket.Name{}, ticket.StateRefused, tc.cause))
			if tc.cause == ticket.CauseSkew {
				f := c.Health().Tickets[0].Failure
				require.WithinDuration(t, f.Local.Add(-time.Hour), f.Peer, 5*time.Second, "both times")
				r.setSkew(0)
				require.Eventually(t, func() bool { return c.Await(within(t, time.Second), hostName) == nil }, patience, 10*time.Millisecond)
			}
			require.NoError(t, c.Close())
			require.NotContains(t, logged.String(), password)
			require.NotContains(t, logged.String(), "guess")
			require.Contains(t, logged.String(), tc.cause.String())
		})
	}
}

// A keytab with another key is refused; once the right one is written, it is taken at once.
// What krb5.conf allows of the KDC's clock is allowed of the tickets that come from it.
func TestClockSkewOfTheSettings(t *testing.T) {
	r := newDevRealm(t)
	r.stop()
	r.issuer.Skew = time.Hour
	r.start("")
	r.setSkew(10 * time.Minute)
	cfg := r.configured(&changes{})
	cfg.Password = password
	refused, err := kerberos.OpenCredentials(cfg)
	require.NoError(t, err)
	require.ErrorIs(t, refused.Await(within(t, patience), hostName), gssapi.ErrSkew)
	require.NoError(t, refused.Close())
	cfg.Settings.Skew = 15 * time.Minute
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
}

func TestKeytabIsReadAgain(t *testing.T) {
	r := newDevRealm(t)
	key, err := gssapi.KeyFromPassword(gssapi.ETypeAES256SHA1, "old", alice)
	require.NoError(t, err)
	path := r.writeKeytab("rotated.keytab", gssapi.KeytabEntry{Principal: alice, Version: 1, Key: key})
	seen := &changes{}
	cfg := r.configured(seen)
	cfg.Keytab = path
	cfg.Tickets.RefusedCap = time.Hour
	c := open(t, cfg)
	require.ErrorIs(t, c.Ready(within(t, patience)), gssapi.ErrIntegrity)
	right, err := os.ReadFile(filepath.Join(r.dir, "client.keytab"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, right, 0o600))
	require.Eventually(t, func() bool { return c.Await(within(t, time.Second), hostName) == nil }, patience, 10*time.Millisecond)
}

// A host of which krb5.conf says nothing is asked for in the client's realm, whatever the
// default realm; one that it puts elsewhere is refused.
func TestRealmOfTheService(t *testing.T) {
	r := newDevRealm(t)
	cfg := r.configured(&changes{})
	cfg.Password, cfg.Principal, cfg.Settings.DefaultRealm = password, alice.String(), "ELSEWHERE.ORG"
	cfg.Settings.Domains = [][2]string{{".example.org", "ELSEWHERE.ORG"}}
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
	r.accepted(c)
	require.ErrorIs(t, c.Await(within(t, patience), "node1.example.org"), gssapi.ErrWrongService)
}

// Once stop has returned, the function is not called, and is not running.
func TestObserversAreLetGo(t *testing.T) {
	r := newDevRealm(t)
	cfg := r.configured(&changes{})
	cfg.Password = password
	c := open(t, cfg)
	entered, leave := make(chan struct{}, 100), make(chan struct{})
	let := sync.OnceFunc(func() { close(leave) })
	t.Cleanup(let)
	stop := c.Observe(func(ticket.Change) { entered <- struct{}{}; <-leave })
	var wait sync.WaitGroup
	wait.Go(func() { _ = c.Await(within(t, patience), hostName) }) // to have something told
	<-entered
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	select {
	case <-stopped:
		require.Fail(t, "it runs still")
	case <-time.After(20 * time.Millisecond):
	}
	let()
	<-stopped
	wait.Wait()
	calls := len(entered)
	require.NoError(t, c.Await(within(t, patience), hostName))
	require.Len(t, entered, calls)
	require.NoError(t, c.Close())
	stop()
}

// Several KDCs: what does not answer, answers nonsense, or claims endless answers, is passed over.
func TestSeveralKDCs(t *testing.T) {
	r := newDevRealm(t)
	garbage := rawServer(t, []byte("\x00\x00\x00\x04junk"))
	endless := rawServer(t, []byte("\x7f\xff\xff\xff"))
	cfg := r.configured(&changes{})
	cfg.Password = password
	cfg.Settings.UDPLimit = 1
	cfg.KDCs = []string{"127.0.0.1:1", garbage, endless, r.kdc.Address()}
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
	r.accepted(c)
}

// rawServer answers every connection with the same bytes.
func rawServer(t *testing.T, answer []byte) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadAtLeast(conn, make([]byte, 1<<12), 4)
			_, _ = conn.Write(answer)
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); tasks.Wait() })
	return l.Addr().String()
}

// Where no datagram can be sent, TCP is tried.
func TestNoDatagrams(t *testing.T) {
	r := newDevRealm(t)
	cfg := r.configured(&changes{})
	cfg.Password = password
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == "udp" {
			return nil, errors.New("no route for datagrams")
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
}

// A datagram that is swallowed on its way is sent again, and then TCP is tried, at once
// from then on.
func TestDatagramsAreLost(t *testing.T) {
	t.Parallel()
	r := newDevRealm(t)
	hole, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hole.Close()) })
	cfg := r.configured(&changes{})
	cfg.Password = password
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == "udp" {
			address = hole.LocalAddr().String()
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
	r.accepted(c)
	var sent [][]byte
	require.NoError(t, hole.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	for buffer := make([]byte, 2048); ; {
		n, _, err := hole.ReadFrom(buffer)
		if err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			break
		}
		sent = append(sent, bytes.Clone(buffer[:n]))
	}
	require.Len(t, sent, 2, "the first request, twice; all that follows goes over TCP")
	require.Equal(t, sent[0], sent[1])
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	r := newDevRealm(t)
	for _, tc := range []struct {
		name   string
		change func(cfg *kerberos.ClientConfig)
		want   error
		words  string
	}{
		{"two secrets", func(cfg *kerberos.ClientConfig) { cfg.Keytab = "k" }, kerberos.ErrConfig, "choose one"},
		{"no principal", func(cfg *kerberos.ClientConfig) { cfg.Principal = "" }, kerberos.ErrConfig, "Principal is missing"},
		{"no KDC", func(cfg *kerberos.ClientConfig) { cfg.KDCs = nil }, kerberos.ErrConfig, "no KDC of realm EXAMPLE.COM"},
		{"no keytab", func(cfg *kerberos.ClientConfig) { cfg.Password, cfg.Keytab = "", "/no/such/keytab" }, os.ErrNotExist, "/no/such/keytab"},
		{"keytab of others", func(cfg *kerberos.ClientConfig) {
			cfg.Password, cfg.Principal, cfg.Keytab = "", "bob", filepath.Join(r.dir, "client.keytab")
		}, gssapi.ErrNoKey, "bob@EXAMPLE.COM"},
		{"kernel's keyring", func(cfg *kerberos.ClientConfig) { cfg.Password, cfg.Cache = "", "KEYRING:persistent:0" }, kerberos.ErrSource, "KRB5CCNAME=FILE"},
		{"bad intervals", func(cfg *kerberos.ClientConfig) { cfg.Tickets.BackoffBase = -1 }, ticket.ErrBadIntervals, "interval"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := r.configured(&changes{})
			cfg.Password = password
			tc.change(&cfg)
			_, err := kerberos.OpenCredentials(cfg)
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.words)
			require.NotContains(t, fmt.Sprintf("%v", err), password)
		})
	}
}

// Whoever waits when the credentials are closed is told so; afterwards nobody waits.
func TestCloseAnswersEverybody(t *testing.T) {
	r := newDevRealm(t)
	silent := rawServer(t, nil)
	cfg := r.configured(&changes{})
	cfg.Password, cfg.KDCs = password, []string{silent}
	c, err := kerberos.OpenCredentials(cfg)
	require.NoError(t, err)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() { require.Error(t, c.Await(within(t, patience), hostName)) })
	}
	time.Sleep(5 * time.Millisecond)
	require.NoError(t, c.Close())
	wait.Wait()
	require.ErrorIs(t, c.Await(context.Background(), hostName), kerberos.ErrClosed)
	require.NoError(t, c.Close())
	require.True(t, c.Health().Closed)
}
