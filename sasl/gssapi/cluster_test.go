// The mechanism where it is meant to be: under the reference client and servers, over TCP,
// through restarts. Tickets are minted from the service's keytab; no KDC runs.

package gssapi_test

import (
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server"
)

// lockedReplays is one replay cache for all servers of a process.
type lockedReplays struct {
	mu      sync.Mutex
	replays *gssapi.Replays
}

func (l *lockedReplays) Check(now time.Time, skew time.Duration, r gssapi.Replay) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.replays.Check(now, skew, r)
}

// minted is a keytab of the service pegasus/127.0.0.1 and a ticket for it.
func minted(t *testing.T, keytabPassword, ticketPassword string) (*gssapi.Keytab, *gssapi.Credential) {
	t.Helper()
	service := gssapi.ServicePrincipal("pegasus", "127.0.0.1", "EXAMPLE.ORG")
	keytab := func(password string) *gssapi.Keytab {
		key, err := gssapi.KeyFromPassword(18, password, service)
		require.NoError(t, err)
		k, err := gssapi.NewKeytab(gssapi.KeytabEntry{Principal: service, Version: 1, Key: key})
		require.NoError(t, err)
		return k
	}
	who, err := gssapi.ParsePrincipal("alice@EXAMPLE.ORG")
	require.NoError(t, err)
	now := time.Now()
	credential, err := gssapi.Mint(keytab(ticketPassword), gssapi.MintConfig{
		Client: who, Service: service, Start: now.Add(-time.Minute), End: now.Add(time.Hour), Random: rand.Reader,
	})
	require.NoError(t, err)
	return keytab(keytabPassword), credential
}

func kerberosCluster(t *testing.T, keys *gssapi.Keytab, executed func(server.Execution)) *server.Cluster {
	t.Helper()
	cluster, err := server.StartCluster(server.ClusterConfig{
		Auth:      server.Auth{Enabled: true, Mandatory: true},
		Mechanism: gssapi.New(gssapi.Config{Service: "pegasus", Keys: keys, Replays: &lockedReplays{replays: gssapi.NewReplays(10_000)}}),
		SASLHost:  "127.0.0.1",
		Hooks:     func(string) server.Hooks { return server.Hooks{Executed: executed} },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	return cluster
}

func metas(c *server.Cluster) []string {
	var list []string
	for _, m := range c.Metas() {
		list = append(list, m.String())
	}
	return list
}

func TestClientNegotiatesKerberosThroughRestarts(t *testing.T) {
	keys, credential := minted(t, "secret", "secret")
	var mu sync.Mutex
	principals := make(map[string]bool)
	cluster := kerberosCluster(t, keys, func(e server.Execution) {
		mu.Lock()
		defer mu.Unlock()
		principals[e.Principal] = true
	})
	c, err := client.Open(t.Context(), client.Config{
		Metas: metas(cluster), Tables: []string{"temp"}, OperationTimeout: 10 * time.Second,
		Mechanism: gssapi.New(gssapi.Config{Service: "pegasus", Credentials: credential}),
	})
	require.NoError(t, err)
	table := c.Table("temp")
	for range 3 {
		for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			putUntilKnown(t, table, key)
			value, err := table.Get(t.Context(), []byte(key), []byte("s"))
			require.NoError(t, err)
			require.Equal(t, "v", string(value))
		}
		require.NoError(t, cluster.Restart(cluster.Nodes()...))
	}
	require.NoError(t, c.Close())
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, map[string]bool{"alice@EXAMPLE.ORG": true}, principals)
}

// putUntilKnown writes again where the client learned only by writing that the servers had
// gone: writing the same value twice does no harm.
func putUntilKnown(t *testing.T, table *client.Table, key string) {
	t.Helper()
	err := client.ErrUnknownOutcome
	for n := 0; n < 10 && errors.Is(err, client.ErrUnknownOutcome); n++ {
		err = table.Put(t.Context(), []byte(key), []byte("s"), []byte("v"), client.Forever)
	}
	require.NoError(t, err)
}

func TestWrongServiceKeyIsRefused(t *testing.T) {
	keys, credential := minted(t, "secret", "another")
	cluster := kerberosCluster(t, keys, func(e server.Execution) { t.Errorf("%v was executed", e.RPC) })
	_, err := client.Open(t.Context(), client.Config{
		Metas: metas(cluster), Tables: []string{"temp"}, OpenTimeout: time.Second,
		Mechanism: gssapi.New(gssapi.Config{Service: "pegasus", Credentials: credential}),
	})
	require.ErrorIs(t, err, client.ErrDeadline)
}
