//go:build kerberos

// The realm with MIT's KDC, which .ci/kerberos-peers installs.

package realm

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRealmWithKDC(t *testing.T) {
	_, missing := findTools()
	require.Empty(t, missing, "run .ci/kerberos-peers, which installs it")
	r, err := Start(t.Context(), Config{Service: "pegasus", Host: "127.0.0.1", User: "developer", TempDir: t.TempDir()})
	require.NoError(t, err)
	require.NotEmpty(t, r.KDC)
	require.FileExists(t, r.ClientKeytab)
	requireNegotiation(t, r)
	require.NoError(t, r.Close())
	require.NoDirExists(t, r.Dir)
	_, err = net.DialTimeout("tcp", r.KDC, time.Second)
	require.Error(t, err, "the KDC is gone")
}

// MIT reads the cache that we wrote.
func TestMITReadsMintedCache(t *testing.T) {
	r, err := Start(t.Context(), Config{Service: "pegasus", Host: "127.0.0.1", User: "developer", WithoutKDC: true, TempDir: t.TempDir()})
	require.NoError(t, err)
	list := exec.Command("klist", "-c", r.CCache)
	list.Env = append(os.Environ(), "KRB5_CONFIG=/dev/null")
	out, err := list.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "Default principal: developer@DEVELOPMENT.INVALID")
	require.Contains(t, string(out), "pegasus/127.0.0.1@DEVELOPMENT.INVALID")
	require.NoError(t, r.Close())
}

// A KDC whose port somebody else has taken gets another one.
func TestKDCWhosePortIsTaken(t *testing.T) {
	tools, missing := findTools()
	require.Empty(t, missing, "run .ci/kerberos-peers, which installs it")
	r, err := Start(t.Context(), Config{Service: "pegasus", Host: "127.0.0.1", User: "developer", TempDir: t.TempDir()})
	require.NoError(t, err)
	r.kdc.stop()
	address := r.KDC
	taken, err := net.ListenPacket("udp4", address)
	require.NoError(t, err)
	require.NoError(t, r.runKDC(t.Context(), tools["krb5kdc"]))
	require.NotEqual(t, address, r.KDC)
	requireNegotiation(t, r)
	require.NoError(t, taken.Close())
	require.NoError(t, r.Close())
}
