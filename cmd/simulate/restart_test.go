// A cluster of its own process, killed without a word and started again, under a client
// that never stops: what was asked once the servers are ready succeeds.

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/trace"
)

const (
	restarts   = 10
	asProgram  = "SIMULATE_AS_PROGRAM" // set: the test binary is the program
	testSecret = "restart"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// cluster is `simulate serve` in a process of its own.
type cluster struct {
	cmd   *exec.Cmd
	ready ready
}

// serveProcess starts the process and returns when it says that it is ready.
func serveProcess(t *testing.T, metaPort, replicaPort int) *cluster {
	t.Helper()
	return startProcess(t, "--auth", "mandatory", "--test-secret", testSecret,
		"--metas", "2", "--replicas", "3", "--meta-port", strconv.Itoa(metaPort), "--replica-port", strconv.Itoa(replicaPort))
}

// startProcess is serve with these flags.
func startProcess(t *testing.T, flags ...string) *cluster {
	t.Helper()
	c := &cluster{cmd: exec.Command(os.Args[0], append([]string{"serve", "--json"}, flags...)...)}
	c.cmd.Env = append(os.Environ(), asProgram+"=1")
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err, "serve ended before it was ready")
	require.NoError(t, json.Unmarshal(line, &c.ready))
	require.Equal(t, "memory", c.ready.Storage)
	return c
}

// kill ends the process as SIGKILL does.
func (c *cluster) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, c.cmd.Wait(), &exit)
}

// freePorts finds n consecutive free ports below the ephemeral range.
func freePorts(t *testing.T, from, n int) int {
	t.Helper()
	for base := from; base < 30000; base += n {
		free := true
		for port := base; port < base+n && free; port++ {
			l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
			if free = err == nil; free {
				require.NoError(t, l.Close())
			}
		}
		if free {
			return base
		}
	}
	require.Fail(t, "no free ports")
	return 0
}

func TestClientSurvivesKilledServers(t *testing.T) {
	metaPort := freePorts(t, 20000+os.Getpid()%4000, 5)
	servers := serveProcess(t, metaPort, metaPort+2)
	t.Cleanup(func() { servers.kill(t) })
	descriptors := openDescriptors(t)

	seen := newWire()
	c, err := client.Open(t.Context(), client.Config{
		Trace:  trace.NewLive(seen).Node("client"),
		Metas:  []string{servers.ready.Metas[0].String(), servers.ready.Metas[1].String()},
		Tables: []string{"temp"}, AllowTestMechanism: true, OperationTimeout: patience,
		Mechanism: sasl.NewTest(sasl.TestConfig{Principal: "client", Secret: []byte(testSecret)}),
	})
	require.NoError(t, err)
	table := c.Table("temp")
	began := time.Now()
	load := startLoad(table, "key", began)
	var wipes []wipe
	for round := range restarts {
		before := load.ok.Load()
		require.Eventually(t, func() bool { return load.ok.Load() > before+100 }, patience, 5*time.Millisecond, "no progress under load")
		killed := time.Since(began)
		servers.kill(t)
		wipes = append(wipes, wipe{killed, time.Since(began)})
		require.Eventually(t, func() bool { return !c.Health().Ready }, patience, time.Millisecond)
		servers = serveProcess(t, metaPort, metaPort+2)
		require.Eventually(t, func() bool { return c.Health().Ready }, patience, time.Millisecond, "not ready again: %+v", c.Health())
		askAll(t, table, fmt.Sprint(round))
	}
	load.end()
	load.judge(t, wipes)
	require.Zero(t, c.Health().Outstanding)
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return openDescriptors(t) <= descriptors }, patience, 10*time.Millisecond, "descriptors leak")
	calls := int64(len(load.history))
	require.Empty(t, seen.judge(calls+restarts*askedAfter*2))
	t.Logf("%d calls on %d connections, %d ok, %d of unknown outcome", calls, seen.connections, load.ok.Load(), load.unknown.Load())
}

// openDescriptors counts this process' open files and sockets.
func openDescriptors(t *testing.T) int {
	t.Helper()
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(dir); err == nil {
			return len(entries)
		}
	}
	require.Fail(t, "cannot count descriptors on this system")
	return 0
}
