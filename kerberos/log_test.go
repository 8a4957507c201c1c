// What both sides log at debug level, through success, every kind of refusal and a rotation
// of keys: nothing of tokens, keys, passwords, secrets, hash keys, sort keys and values.

package kerberos_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server"
)

const (
	loggedPassword = "correct horse battery staple"
	loggedSecret   = "shared-secret-of-the-test-mechanism"
	loggedHashKey  = "hash-key-of-a-customer"
	loggedSortKey  = "sort-key-of-a-customer"
	loggedValue    = "value-of-a-customer"

	// A name is no secret: it travels in clear within tokens, and a refusal tells it.
	publicName = "mallory@EXAMPLE.ORG"

	// How long a client tries to open: one that is to get in has all the time that a busy
	// machine needs; of one that cannot, all of it is waited for.
	untilIn, untilRefused = 10 * time.Second, 500 * time.Millisecond
)

// sharedLog is written by both sides, as text and as JSON.
type sharedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *sharedLog) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(l, options), slog.NewJSONHandler(l, options)))
}

// recorder is a mechanism that remembers every token that its ends make.
type recorder struct {
	sasl.Mechanism
	mu     sync.Mutex
	tokens [][]byte
}

func (r *recorder) keep(token []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = append(r.tokens, bytes.Clone(token))
}

func (r *recorder) Client(cfg sasl.ClientConfig) (sasl.Session, error) {
	end, err := r.Mechanism.Client(cfg)
	if err != nil {
		return nil, err
	}
	return recordedEnd{end, r}, nil
}

type recordedEnd struct {
	sasl.Session
	recorder *recorder
}

func (e recordedEnd) Step(now time.Time, in []byte) ([]byte, bool, error) {
	e.recorder.keep(in)
	out, done, err := e.Session.Step(now, in)
	e.recorder.keep(out)
	return out, done, err
}

// world is a cluster with Kerberos, its keytab file, and all that must not be logged.
type world struct {
	log     *sharedLog
	cluster *server.Cluster
	service gssapi.Principal
	etype   int32 // of the service's keys, and so of the tickets
	keytab  string
	keys    *gssapi.Keytab
	tokens  []*recorder
	secret  [][]byte
}

func (w *world) key(t *testing.T, password string, version uint32) gssapi.KeytabEntry {
	t.Helper()
	key, err := gssapi.KeyFromPassword(w.etype, password, w.service)
	require.NoError(t, err)
	w.secret = append(w.secret, key.Bytes())
	return gssapi.KeytabEntry{Principal: w.service, Version: version, Key: key}
}

func (w *world) rotate(t *testing.T, entries ...gssapi.KeytabEntry) {
	t.Helper()
	var err error
	w.keys, err = gssapi.NewKeytab(entries...)
	require.NoError(t, err)
	file, err := w.keys.Marshal()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.keytab, file, 0o600))
}

func newWorld(t *testing.T, etype int32) *world {
	w := &world{etype: etype, log: &sharedLog{}, service: gssapi.ServicePrincipal("pegasus", "127.0.0.1", "EXAMPLE.ORG"), keytab: filepath.Join(t.TempDir(), "k")}
	w.secret = [][]byte{[]byte(loggedPassword), []byte(loggedSecret), []byte(loggedHashKey), []byte(loggedSortKey), []byte(loggedValue)}
	w.rotate(t, w.key(t, loggedPassword, 1))
	keys, err := kerberos.OpenKeytabFile(kerberos.KeytabFileConfig{Path: w.keytab, Service: "pegasus", Logger: w.log.logger(), CheckEvery: time.Nanosecond})
	require.NoError(t, err)
	writers, err := server.ParsePattern("alice@EXAMPLE.ORG")
	require.NoError(t, err)
	access := server.Access{}
	access.May[server.OperationWrite] = []server.Pattern{writers}
	w.cluster, err = server.StartCluster(server.ClusterConfig{
		Metas: 1, Replicas: 1, Auth: server.Auth{Enabled: true, Mandatory: true}, Access: access, Logger: w.log.logger(),
		Mechanism: gssapi.New(gssapi.Config{Service: "pegasus", Keys: keys, Replays: kerberos.NewReplays(0)}),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.cluster.Close()) })
	return w
}

// use has a client with a ticket write and read a row, and returns what became of it.
func (w *world) use(t *testing.T, limit time.Duration, user string, keys *gssapi.Keytab, start, end time.Time, options gssapi.Config) error {
	t.Helper()
	credential, err := gssapi.Mint(keys, gssapi.MintConfig{
		Client: gssapi.Principal{Components: []string{user}, Realm: "EXAMPLE.ORG"}, Service: w.service, Start: start, End: end, Random: rand.Reader,
	})
	require.NoError(t, err)
	require.Equal(t, w.etype, credential.Key.EType())
	w.secret = append(w.secret, credential.Key.Bytes(), credential.Ticket)
	options.Service, options.Credentials = "pegasus", credential
	return w.run(limit, gssapi.New(options))
}

func (w *world) run(limit time.Duration, mechanism sasl.Mechanism) error {
	recorded := &recorder{Mechanism: mechanism}
	w.tokens = append(w.tokens, recorded)
	c, err := client.Open(context.Background(), client.Config{
		Metas: []string{w.cluster.Metas()[0].String()}, Tables: []string{"temp"}, OpenTimeout: limit, OperationTimeout: 10 * time.Second,
		Mechanism: recorded, AllowTestMechanism: true, Logger: w.log.logger(),
	})
	if err != nil {
		w.log.logger().Info("the application's log", "err", err)
		return err
	}
	err = c.Table("temp").Put(context.Background(), []byte(loggedHashKey), []byte(loggedSortKey), []byte(loggedValue), client.Forever)
	if err == nil {
		_, err = c.Table("temp").Get(context.Background(), []byte(loggedHashKey), []byte(loggedSortKey))
	}
	w.log.logger().Info("the application's log", "err", err)
	if closed := c.Close(); err == nil {
		err = closed
	}
	return err
}

// raw sends bytes to a server and waits until it ends the connection, or for a moment.
func raw(t *testing.T, addr netip.AddrPort, frames ...[]byte) {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(200*time.Millisecond)))
	_, err = conn.Write(bytes.Join(frames, nil))
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, conn) // until the end or the deadline, whichever it is
}

func negotiation(status protocol.NegotiationStatus, msg []byte) []byte {
	return protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1}, RPC: protocol.RPCNegotiation, Body: protocol.AppendNegotiationArgs(nil, status, msg),
	})
}

func TestLogsHaveNoSecrets(t *testing.T) {
	for _, etype := range []int32{gssapi.ETypeAES128SHA1, gssapi.ETypeAES256SHA1, gssapi.ETypeAES128SHA256, gssapi.ETypeAES256SHA384} {
		t.Run(strconv.Itoa(int(etype)), func(t *testing.T) {
			t.Parallel()
			logsHaveNoSecrets(t, newWorld(t, etype))
		})
	}
}

func logsHaveNoSecrets(t *testing.T, w *world) {
	now := time.Now()
	begin, end := now.Add(-time.Minute), now.Add(time.Hour)

	require.NoError(t, w.use(t, untilIn, "alice", w.keys, begin, end, gssapi.Config{}))
	require.NoError(t, w.use(t, untilIn, "alice", w.keys, begin, end, gssapi.Config{WithoutMutual: true, WithoutSubkey: true}))
	require.ErrorIs(t, w.use(t, untilIn, "bob", w.keys, begin, end, gssapi.Config{}), client.ErrDenied)
	require.Error(t, w.use(t, untilRefused, "alice", w.keys, now.Add(-2*time.Hour), now.Add(-time.Hour), gssapi.Config{}), "expired")
	require.Error(t, w.use(t, untilRefused, "alice", w.keys, begin, end, gssapi.Config{AuthzID: publicName}))
	wrong, err := gssapi.NewKeytab(w.key(t, "another password entirely", 1))
	require.NoError(t, err)
	require.Error(t, w.use(t, untilRefused, "alice", wrong, begin, end, gssapi.Config{}), "another key")
	require.Error(t, w.run(untilRefused, sasl.NewTest(sasl.TestConfig{Name: gssapi.Name, Secret: []byte(loggedSecret)})), "another mechanism")

	// What was recorded comes again; bytes that mean nothing; a request that comes early.
	first := w.tokens[0].tokens[1]
	list, choose := negotiation(protocol.SASLListMechanisms, nil), negotiation(protocol.SASLSelectMechanisms, []byte(gssapi.Name))
	meta := w.cluster.Metas()[0]
	raw(t, meta, list, choose, negotiation(protocol.SASLInitiate, first))
	raw(t, meta, list, choose, negotiation(protocol.SASLInitiate, []byte(loggedPassword)))
	raw(t, meta, []byte("THFT"+loggedPassword+loggedPassword))
	key, err := protocol.AppendKey(nil, []byte(loggedHashKey), []byte(loggedSortKey))
	require.NoError(t, err)
	raw(t, w.cluster.Replicas()[0], protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1, AppID: 1}, RPC: protocol.RPCPut,
		Body: protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key, Value: []byte(loggedValue)}),
	}))

	// Keys are rotated, by a file that cannot be used and by one that can.
	old := w.keys
	require.NoError(t, os.WriteFile(w.keytab, []byte(loggedPassword), 0o600))
	require.NoError(t, w.use(t, untilIn, "alice", old, begin, end, gssapi.Config{}))
	w.rotate(t, w.key(t, "a password after the rotation", 2))
	require.NoError(t, w.use(t, untilIn, "alice", w.keys, begin, end, gssapi.Config{}))
	require.Error(t, w.use(t, untilRefused, "alice", old, begin, end, gssapi.Config{}))

	log := w.log.String()
	for _, said := range []string{"level=DEBUG", "token refused", "replay", "expired", "request denied", "keytab reloaded", "cannot be used", "mallory"} {
		require.Contains(t, log, said, "the test does not provoke what it is about")
	}
	w.requireNothingSecret(t, log)
}

// requireNothingSecret looks for every secret and token in each form in which it could be.
func (w *world) requireNothingSecret(t *testing.T, log string) {
	t.Helper()
	secrets := w.secret
	for _, r := range w.tokens {
		secrets = append(secrets, r.tokens...)
	}
	looked := 0
	for _, s := range secrets {
		for at := 0; at+8 <= len(s); at += max(1, len(s)/4) {
			part := s[at:min(at+12, len(s))]
			if bytes.Contains([]byte(publicName), part) {
				continue
			}
			for _, form := range forms(part) {
				looked++
				if strings.Contains(log, form) {
					t.Errorf("the log has %q, which is byte %d of a secret of %d bytes", form, at, len(s))
				}
			}
		}
	}
	require.Greater(t, looked, 1000)
}

// forms are the ways in which bytes get into a log.
func forms(b []byte) []string {
	numbers := make([]string, len(b))
	for i, c := range b {
		numbers[i] = strconv.Itoa(int(c))
	}
	decimal := strings.Join(numbers, " ")
	quoted := strconv.Quote(string(b))
	return []string{
		string(b), quoted[1 : len(quoted)-1], hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), fmt.Sprintf("% x", b),
		base64.StdEncoding.EncodeToString(b[:len(b)/3*3]), base64.RawURLEncoding.EncodeToString(b[:len(b)/3*3]), decimal, strings.ReplaceAll(decimal, " ", ","),
	}
}

// A test of the test: each form is found in what a careless line would write.
func TestFormsAreFound(t *testing.T) {
	b := []byte("\x00\xfesecret-bytes")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("careless", "bytes", b, "hex", hex.EncodeToString(b), "text", string(b))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("careless", "bytes", b)
	found := 0
	for _, form := range forms(b[:12]) {
		if strings.Contains(log.String(), form) {
			found++
		}
	}
	require.GreaterOrEqual(t, found, 3, log.String())
}
