//go:build kerberos

package kdctest

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A KDC is not taken for started because somebody else has its port, and starts once that
// has gone.
func TestRestartWhereThePortIsTaken(t *testing.T) {
	k := Start(t, Config{})
	k.Stop()
	for _, network := range []string{"tcp", "udp"} {
		taken := take(t, network, k.Address)
		require.False(t, k.run(t), network)
		time.AfterFunc(200*time.Millisecond, func() { _ = taken() })
		k.Restart(t)
		k.Kadmin(t, "addprinc -pw none "+network)
		k.Write(t, "password", "none\n")
		k.Run(t, "sh", "-c", "kinit "+network+" <"+k.Path("password"))
		k.Stop()
	}
}

// take binds an address until the function it returns is called.
func take(t *testing.T, network, address string) func() error {
	t.Helper()
	if network == "udp" {
		conn, err := net.ListenPacket(network, address)
		require.NoError(t, err)
		return conn.Close
	}
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	return l.Close
}
