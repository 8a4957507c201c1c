package realm

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// requireNegotiation has the two ends negotiate with what is in the realm's files.
func requireNegotiation(t *testing.T, r *Realm) {
	t.Helper()
	for _, path := range []string{r.Keytab, r.CCache} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s is for its owner alone", path)
	}
	keys, err := kerberos.OpenKeytabFile(kerberos.KeytabFileConfig{Path: r.Keytab, Service: "pegasus", Host: "127.0.0.1"})
	require.NoError(t, err)
	settings, err := kerberos.LoadSettings(r.Config)
	require.NoError(t, err)
	credentials, err := kerberos.OpenCredentials(kerberos.ClientConfig{Cache: r.CCache, Settings: settings})
	require.NoError(t, err)
	defer credentials.Close()
	require.NoError(t, credentials.Await(t.Context(), "127.0.0.1"))
	client, err := gssapi.New(gssapi.Config{Service: "pegasus", Credentials: credentials}).Client(sasl.ClientConfig{Host: "127.0.0.1", Random: rand.Reader})
	require.NoError(t, err)
	acceptor, err := gssapi.New(gssapi.Config{Service: "pegasus", Keys: keys, Replays: kerberos.NewReplays(0)}).Server(sasl.ServerConfig{Host: "127.0.0.1", Random: rand.Reader})
	require.NoError(t, err)
	var token []byte
	for accepted := false; !accepted; {
		token, _, err = client.Step(time.Now(), token)
		require.NoError(t, err)
		token, accepted, err = acceptor.Step(time.Now(), token)
		require.NoError(t, err)
	}
	require.Equal(t, "developer@DEVELOPMENT.INVALID", acceptor.Principal())
}

func TestMintedRealm(t *testing.T) {
	r, err := Start(t.Context(), Config{Service: "pegasus", Host: "127.0.0.1", User: "developer", WithoutKDC: true, TempDir: t.TempDir()})
	require.NoError(t, err)
	require.Empty(t, r.KDC)
	requireNegotiation(t, r)
	require.NoError(t, r.Close())
	require.NoDirExists(t, r.Dir)
}

func TestRealmsThatCannotBe(t *testing.T) {
	for _, c := range []Config{
		{Service: "pegasus", Host: "127.0.0.1"},
		{Service: "", Host: "127.0.0.1", User: "developer"},
		{Service: "pegasus", Host: "127.0.0.1 -x", User: "developer"},
		{Service: "pegasus", Host: "h", User: "developer", TempDir: "no/such/directory"},
	} {
		_, err := Start(t.Context(), c)
		var refused *Error
		require.ErrorAs(t, err, &refused, "%+v", c)
	}
}

// What fails half way leaves no directory behind.
func TestInterruptedStartLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := Start(ctx, Config{Service: "pegasus", Host: "127.0.0.1", User: "developer", TempDir: dir})
	if err == nil { // without a KDC there is nothing that waits
		require.Empty(t, r.KDC)
		require.NoError(t, r.Close())
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}
