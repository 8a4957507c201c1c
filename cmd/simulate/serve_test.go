// serve with Kerberos, a process for each node: one is killed and comes back, a keytab is
// rotated under the others. Tickets are minted from the keytab; no KDC runs.

package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// service is a keytab file and what it has.
type service struct {
	path string
	name gssapi.Principal
	keys *gssapi.Keytab
}

func newService(t *testing.T, name string) *service {
	t.Helper()
	s := &service{path: filepath.Join(t.TempDir(), "service.keytab"), name: gssapi.ServicePrincipal("pegasus", name, "EXAMPLE.ORG")}
	s.rotate(t, 1)
	return s
}

// rotate replaces the file by one with a new key of this version.
func (s *service) rotate(t *testing.T, version uint32) {
	t.Helper()
	value := make([]byte, 32)
	_, err := rand.Read(value)
	require.NoError(t, err)
	key, err := gssapi.NewKey(18, value)
	require.NoError(t, err)
	s.keys, err = gssapi.NewKeytab(gssapi.KeytabEntry{Principal: s.name, Version: version, Key: key})
	require.NoError(t, err)
	file, err := s.keys.Marshal()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.path+".new", file, 0o600))
	require.NoError(t, os.Rename(s.path+".new", s.path))
}

// open is a client with a ticket of the key in force, within so long.
func (s *service) open(t *testing.T, within time.Duration, metas ...string) (*client.Client, error) {
	t.Helper()
	now := time.Now()
	credential, err := gssapi.Mint(s.keys, gssapi.MintConfig{
		Client: gssapi.Principal{Components: []string{"alice"}, Realm: "EXAMPLE.ORG"}, Service: s.name,
		Start: now.Add(-time.Minute), End: now.Add(time.Hour), Random: rand.Reader,
	})
	require.NoError(t, err)
	return client.Open(t.Context(), client.Config{
		Metas: metas, Tables: []string{"temp"}, OperationTimeout: patience, OpenTimeout: within,
		Mechanism: gssapi.New(gssapi.Config{Service: "pegasus", Credentials: credential}),
	})
}

// Every flag of serve that the page for operators names is there.
func TestDocumentedServeFlags(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	_, page, found := bytes.Cut(page, []byte("\n## Server\n"))
	require.True(t, found)
	page, _, _ = bytes.Cut(page, []byte("\n### Rotating keys\n"))
	named := regexp.MustCompile("\\| `--([a-z-]+)`").FindAllSubmatch(page, -1)
	require.Greater(t, len(named), 10)
	serve := newServeCommand(&output{})
	for _, n := range named {
		require.NotNil(t, serve.Flags().Lookup(string(n[1])), "--%s", n[1])
	}
}

func TestNodesOfTheirOwnProcessWithKerberos(t *testing.T) {
	s := newService(t, "127.0.0.1")
	port := freePorts(t, 24000+os.Getpid()%4000, 2)
	start := func(node string) *cluster {
		return startProcess(t, "--auth", "kerberos", "--keytab", s.path, "--server-name", "127.0.0.1", "--node", node,
			"--metrics", "127.0.0.1:0", "--metas", "1", "--replicas", "1", "--meta-port", strconv.Itoa(port), "--replica-port", strconv.Itoa(port+1))
	}
	meta, replica := start("meta1"), start("replica1")
	t.Cleanup(func() { meta.kill(t); replica.kill(t) })
	require.Equal(t, "GSSAPI", meta.ready.Mechanism)
	require.Equal(t, "replica1", replica.ready.Node)
	require.Equal(t, meta.ready.Replicas, replica.ready.Replicas)

	c, err := s.open(t, patience, meta.ready.Metas[0].String())
	require.NoError(t, err)
	askAll(t, c.Table("temp"), "first")
	replica.kill(t)
	require.Eventually(t, func() bool { return !c.Health().Ready }, patience, time.Millisecond)
	replica = start("replica1")
	require.Eventually(t, func() bool { return c.Health().Ready }, patience, time.Millisecond)
	askAll(t, c.Table("temp"), "restarted")
	require.NoError(t, c.Close())

	old := *s
	s.rotate(t, 2)
	c, err = s.open(t, 2*time.Second, meta.ready.Metas[0].String())
	for begun := time.Now(); err != nil && time.Since(begun) < patience; { // the file is looked at once a second at most
		c, err = s.open(t, 2*time.Second, meta.ready.Metas[0].String())
	}
	require.NoError(t, err, "a ticket of the new key, servers that were not restarted")
	askAll(t, c.Table("temp"), "rotated")
	require.NoError(t, c.Close())
	_, err = old.open(t, 3*time.Second, meta.ready.Metas[0].String())
	require.Error(t, err, "the old key is gone from the keytab")

	require.Contains(t, meta.metrics(t), "pegasus_server_keytab_reloads_total 1")
	require.Regexp(t, `tokens_refused_total{node="meta1",reason="(no-key|key-version)"} [1-9]`, meta.metrics(t))
}

// metrics is the page of numbers that the process serves.
func (c *cluster) metrics(t *testing.T) string {
	t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + c.ready.Metrics + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(page)
}

// What cannot work is said before anything is opened: ports that somebody else has, and a realm
// that has no place, would be told otherwise.
func TestServeRefusesBeforeItListens(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "nowhere"))
	for _, c := range []struct{ args, says string }{
		{"--partitions 7", "power of two"},
		{"--table=", "a table without a name"},
		{"--metrics nowhere", `--metrics is "nowhere"`},
		{"--negotiation-timeout -1s", "Limits.NegotiationTimeout"},
		{"--client-negotiation-timeout -1s", "ClientNegotiationTimeout is negative"},
		{"--host 0.0.0.0", "give an IPv4 address"},
		{"--allow alice", "authentication is not enabled"},
		{"--kdc embedded-dev --partitions 7", "power of two"},
		{"--kdc embedded-dev --clock-skew 0s", "--clock-skew is 0s"},
		{"--kdc embedded-dev --allow al*ce", "whole part"},
		{"--node meta1 --replica-port 1 --negotiation-timeout -1s", "Limits.NegotiationTimeout"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out, told strings.Builder
			args := append([]string{"serve", "--meta-port", port, "--replica-port", "0"}, strings.Fields(c.args)...)
			require.Equal(t, exitUsage, execute(args, &out, &told), told.String())
			require.Empty(t, out.String())
			require.Contains(t, told.String(), c.says)
		})
	}
}
