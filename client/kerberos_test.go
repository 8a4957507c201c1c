// The client with credentials that are fetched: a KDC that is killed under load, tickets
// that run out, servers that restart meanwhile, a service whose key is rotated. The KDC is
// ours here, and MIT's in kerberos_mit_test.go.

package client_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/kerberos/kdc"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/server/node"
)

const (
	testRealm    = "EXAMPLE.COM"
	testPassword = "correct horse battery staple"
	ticketLife   = 3 * time.Second // and up to a second less, since an end is cut to a second
)

var (
	testClient  = gssapi.Principal{Components: []string{"alice"}, Realm: testRealm}
	testService = gssapi.ServicePrincipal("pegasus", "127.0.0.1", testRealm)
)

// testKDC is a realm whose KDC can be stopped; keys are the service's as the servers have them.
type testKDC struct {
	stop, start func()
	client      kerberos.ClientConfig
	keys        *rotatingKeys
}

// rotatingKeys is a keytab that can be replaced.
type rotatingKeys struct{ now atomic.Pointer[gssapi.Keytab] }

func (r *rotatingKeys) Keys() *gssapi.Keytab { return r.now.Load() }

func entryFor(t *testing.T, p gssapi.Principal, version uint32, password string) gssapi.KeytabEntry {
	key, err := gssapi.KeyFromPassword(gssapi.ETypeAES256SHA1, password, p)
	require.NoError(t, err)
	return gssapi.KeytabEntry{Principal: p, Version: version, Key: key}
}

func keytabOf(t *testing.T, entries ...gssapi.KeytabEntry) *gssapi.Keytab {
	kt, err := gssapi.NewKeytab(entries...)
	require.NoError(t, err)
	return kt
}

// realmOfOurs runs our KDC with alice and the service; replace gives the service another key.
func realmOfOurs(t *testing.T, life time.Duration) (r *testKDC, replace func(gssapi.KeytabEntry)) {
	var cfg kdc.Config
	var running *kdc.KDC
	r = &testKDC{keys: &rotatingKeys{}}
	replace = func(service gssapi.KeytabEntry) {
		cfg.Issuer = gssapi.Issuer{Realm: testRealm, Life: life, RenewLife: time.Hour, Keys: keytabOf(t,
			entryFor(t, testClient, 1, testPassword), entryFor(t, gssapi.GrantingService(testRealm), 1, "krbtgt"), service)}
		r.keys.now.Store(keytabOf(t, service))
	}
	replace(entryFor(t, testService, 1, "service"))
	r.stop = func() {
		if running != nil {
			require.NoError(t, running.Close())
			running = nil
		}
	}
	r.start = func() {
		var err error
		running, err = kdc.Listen(cfg)
		require.NoError(t, err)
		cfg.Address = running.Address()
	}
	r.start()
	t.Cleanup(func() { r.stop() })
	settings := kerberos.NewSettings()
	settings.DefaultRealm = testRealm
	r.client = kerberos.ClientConfig{Principal: "alice", Password: testPassword, Settings: settings, KDCs: []string{cfg.Address}}
	return r, replace
}

// kerberosClient is a cluster with mandatory Kerberos and a client of it.
type kerberosClient struct {
	cluster     *server.Cluster
	credentials *kerberos.Credentials
	client      *client.Client
	seen        sync.Map // ticket.State of the service's ticket -> true
	executed    sync.Map // principals
	log         *lockedBuffer
}

// lockedBuffer is a log that several write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startKerberos(t *testing.T, r *testKDC) *kerberosClient {
	k := &kerberosClient{log: &lockedBuffer{}}
	var err error
	k.cluster, err = server.StartCluster(server.ClusterConfig{
		Auth: node.Auth{Enabled: true, Mandatory: true}, SASLHost: "127.0.0.1",
		Mechanism: gssapi.New(gssapi.Config{Service: "pegasus", Keys: r.keys, Replays: kerberos.NewReplays(0)}),
		Logger:    slog.New(slog.NewTextHandler(k.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hooks: func(string) server.Hooks {
			return server.Hooks{Executed: func(e server.Execution) { k.executed.Store(e.Principal, true) }}
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.cluster.Close()) })
	logger := slog.New(slog.NewTextHandler(k.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.client.Logger = logger
	r.client.Tickets = ticket.Config{
		RenewPercent: 40, // a busy machine has a second to renew in
		BackoffBase:  10 * time.Millisecond, UnreachableCap: 100 * time.Millisecond, RefusedCap: 100 * time.Millisecond,
	}
	k.credentials, err = kerberos.OpenCredentials(r.client)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.credentials.Close()) })
	cfg := client.Config{
		Tables: []string{"temp"}, Credentials: k.credentials, OperationTimeout: 10 * time.Second, ReconnectCap: 100 * time.Millisecond, Logger: logger,
		Mechanism: gssapi.New(gssapi.Config{Service: "pegasus", Credentials: k.credentials}),
		OnCredential: func(c client.CredentialChange) {
			if !c.Name.Granting() {
				k.seen.Store(c.State, true)
			}
		},
	}
	for _, m := range k.cluster.Metas() {
		cfg.Metas = append(cfg.Metas, m.String())
	}
	k.client, err = client.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.client.Close()) })
	return k
}

func (k *kerberosClient) saw(state ticket.State) bool {
	_, ok := k.seen.Load(state)
	return ok
}

// without: the service has no ticket that could be presented.
func (k *kerberosClient) without() bool {
	for _, s := range k.client.Health().Credentials.Tickets {
		if !s.Name.Granting() {
			return s.Handle == 0
		}
	}
	return false
}

// get reads a record that is there or not.
func (k *kerberosClient) get(ctx context.Context) error {
	_, err := k.client.Table("temp").Get(ctx, []byte("key"), []byte("s"))
	if errors.Is(err, client.ErrNotFound) {
		return nil
	}
	return err
}

// outage kills the KDC under load until the tickets have run out, and holds that nobody
// notices who has a connection; then every server restarts, and the sessions wait until the
// KDC is back.
func outage(t *testing.T, r *testKDC) {
	k := startKerberos(t, r)
	require.NoError(t, k.get(t.Context()))
	require.Eventually(t, func() bool { return k.client.Health().Ready }, 10*time.Second, 10*time.Millisecond)
	h := k.client.Health()
	require.NotNil(t, h.Credentials)
	require.Equal(t, testClient.String(), h.Credentials.Principal)

	r.stop()
	// The event alone may be of a ticket that ran out, and was replaced, before the KDC stopped.
	for deadline := time.Now().Add(20 * time.Second); !k.without() && time.Now().Before(deadline); {
		require.NoError(t, k.get(t.Context()), "a live connection serves on without a KDC")
	}
	require.True(t, k.without())
	require.Eventually(t, func() bool { return k.saw(ticket.StateExpired) }, 10*time.Second, time.Millisecond, "the ticket has run out, and that is an event")
	for range 100 {
		require.NoError(t, k.get(t.Context()), "and without a ticket")
	}
	require.True(t, k.client.Health().Ready)

	requireRestart(t, k.cluster)
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, k.get(short), client.ErrDeadline, "no ticket, no session")
	require.Eventually(t, func() bool { return !k.client.Health().Ready }, 10*time.Second, time.Millisecond)

	r.start()
	require.Eventually(t, func() bool { return k.get(t.Context()) == nil }, 20*time.Second, 10*time.Millisecond, "the KDC is back")
	require.Eventually(t, func() bool { return k.client.Health().Ready }, 10*time.Second, 10*time.Millisecond)
	k.executed.Range(func(who, _ any) bool {
		require.Equal(t, testClient.String(), who)
		return true
	})
	log := k.log.String()
	require.Contains(t, log, "state=expired")
	require.NotContains(t, log, testPassword)
}

func TestOutageOfTheKDC(t *testing.T) {
	r, _ := realmOfOurs(t, ticketLife)
	outage(t, r)
}

// The service's key is changed at the KDC and in the servers' keytab at once, without the
// old one: the client's ticket is of no use any more, and it finds out by itself, long
// before it would have been renewed.
func TestServiceKeyIsReplaced(t *testing.T) {
	r, replace := realmOfOurs(t, time.Hour)
	k := startKerberos(t, r)
	require.NoError(t, k.get(t.Context()))
	time.Sleep(150 * time.Millisecond) // beyond a ticket's youth

	r.stop()
	replace(entryFor(t, testService, 2, "another"))
	r.start()
	requireRestart(t, k.cluster)
	require.Eventually(t, func() bool { return k.get(t.Context()) == nil }, 20*time.Second, 10*time.Millisecond)
	require.Contains(t, k.log.String(), "no key of this version")
}

func TestTimeoutsAreComparedAtOpen(t *testing.T) {
	var logged lockedBuffer
	open := func(mine, theirs time.Duration) client.Health {
		_, c := startServers(t, func(cfg *client.Config) {
			cfg.NegotiationTimeout, cfg.ServerNegotiationTimeout = mine, theirs
			cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		})
		return c.Health()
	}
	require.Empty(t, open(0, 0).Warnings, "the server's is unknown")
	require.Empty(t, open(5*time.Second, 15*time.Second).Warnings)
	require.NotContains(t, logged.String(), "ServerNegotiationTimeout")
	for _, mine := range []time.Duration{0, 5 * time.Second, 10 * time.Second} { // 0: the default, 5 s
		h := open(mine, 5*time.Second)
		require.Len(t, h.Warnings, 1)
		require.Contains(t, h.Warnings[0], "NegotiationTimeout is ")
		require.Contains(t, h.Warnings[0], "ServerNegotiationTimeout 5s")
	}
	require.Contains(t, logged.String(), "ServerNegotiationTimeout 5s")
}

func TestCredentialsThatNobodyPresents(t *testing.T) {
	r, _ := realmOfOurs(t, time.Hour)
	credentials, err := kerberos.OpenCredentials(r.client)
	require.NoError(t, err)
	defer func() { require.NoError(t, credentials.Close()) }()
	var bad *client.ConfigError
	_, err = client.Open(t.Context(), client.Config{Metas: []string{"127.0.0.1:1"}, Auth: client.AuthOff, Credentials: credentials})
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "Credentials", bad.Field)
	_, err = client.Open(t.Context(), client.Config{Metas: []string{"127.0.0.1:1"}, Mechanism: mechanism, AllowTestMechanism: true, OnCredential: func(client.CredentialChange) {}})
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "OnCredential", bad.Field)
}
