// A newcomer's authenticated cluster: one command serves, the command that it prints is a
// client, and nothing is left of either.

package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// With MIT's KDC where that is installed, and with minted tickets elsewhere; the test behind
// the build tag kerberos demands the KDC.
func TestEmbeddedRealmAndTheClientThatItPrints(t *testing.T) { embeddedRealm(t, nil) }

// embeddedRealm runs serve with a realm, the client that it prints, and whatever else is to be
// tried meanwhile.
func embeddedRealm(t *testing.T, also func(*cluster)) {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	servers := startProcess(t, "--kdc", "embedded-dev", "--meta-port", "0", "--replica-port", "0")
	t.Cleanup(func() { _ = servers.cmd.Process.Signal(syscall.SIGINT) }) // where the test has not come to its end
	told := servers.ready.Development
	require.NotNil(t, told)
	require.Equal(t, authKerberos, servers.ready.Auth)
	require.Equal(t, "pegasus/127.0.0.1@DEVELOPMENT.INVALID", told.Service)

	// The program that it names is this test's, which has to be told to be a program.
	out, err := exec.Command("sh", "-c", asProgram+"=1 "+told.Command+" --timeout 10s --json").Output()
	require.NoError(t, err)
	var report pinged
	require.NoError(t, json.Unmarshal(out, &report))
	require.Equal(t, "ping", report.Kind)
	require.True(t, report.OK, "%s", out)

	if also != nil {
		also(servers)
	}
	code, stdout, stderr := simulate(t, "ping", "--auth", "mandatory", "--open-timeout", "3s", "--metas", servers.ready.Metas[0].String())
	require.Equal(t, exitInternal, code, "another mechanism")
	require.Contains(t, stdout, "FAILED")
	require.Contains(t, stdout, "negotiations failed: the server's log says why")
	require.NotEmpty(t, stderr)

	require.NoError(t, servers.cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, servers.cmd.Wait(), "Ctrl-C is how it is stopped")
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{
		"/usr/bin/simulate": "/usr/bin/simulate", "127.0.0.1:1,a@B": "127.0.0.1:1,a@B", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'",
	} {
		require.Equal(t, want, shellWord(word))
		out, err := exec.Command("sh", "-c", "printf %s "+shellWord(word)).Output()
		require.NoError(t, err)
		require.Equal(t, word, strings.TrimSpace(string(out)))
	}
}
