// A cluster of its own process, killed without a word and started again, under a client
// that never stops: what was asked once the servers are ready succeeds.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl"
)

const (
	restarts    = 10
	callers     = 8
	asProgram   = "SIMULATE_AS_PROGRAM" // set: the test binary is the program
	askedAfter  = 50                    // requests after each restart, of which every one must succeed
	testSecret  = "restart"
	patience    = 20 * time.Second
	callTimeout = 2 * time.Second
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

// load is callers that never stop, and what became of their calls.
type load struct {
	stop              chan struct{}
	wait              sync.WaitGroup
	started, returned atomic.Int64
	ok, unknown       atomic.Int64
	unexpected        sync.Map // error text
}

func startLoad(table *client.Table) *load {
	l := &load{stop: make(chan struct{})}
	for caller := range callers {
		l.wait.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				default:
				}
				l.call(table, caller, n)
			}
		})
	}
	return l
}

func (l *load) call(table *client.Table, caller, n int) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	key := []byte(fmt.Sprintf("key-%d-%d", caller, n%32))
	l.started.Add(1)
	var err error
	if n%2 == 0 {
		err = table.Put(ctx, key, []byte("s"), []byte("value"), client.Forever)
	} else {
		_, err = table.Get(ctx, key, []byte("s"))
	}
	l.returned.Add(1)
	switch {
	case err == nil, errors.Is(err, client.ErrNotFound):
		l.ok.Add(1)
	case errors.Is(err, client.ErrUnknownOutcome):
		l.unknown.Add(1)
	default:
		l.unexpected.Store(err.Error(), true)
	}
}

func (l *load) end() {
	close(l.stop)
	l.wait.Wait()
}

func TestClientSurvivesKilledServers(t *testing.T) {
	metaPort := freePorts(t, 20000+os.Getpid()%4000, 5)
	servers := serveProcess(t, metaPort, metaPort+2)
	t.Cleanup(func() { servers.kill(t) })
	descriptors := openDescriptors(t)

	c, err := client.Open(t.Context(), client.Config{
		Metas:  []string{servers.ready.Metas[0].String(), servers.ready.Metas[1].String()},
		Tables: []string{"temp"}, AllowTestMechanism: true,
		Mechanism: sasl.NewTest(sasl.TestConfig{Principal: "client", Secret: []byte(testSecret)}),
	})
	require.NoError(t, err)
	table := c.Table("temp")
	load := startLoad(table)
	for range restarts {
		before := load.ok.Load()
		require.Eventually(t, func() bool { return load.ok.Load() > before+100 }, patience, 5*time.Millisecond, "no progress under load")
		servers.kill(t)
		servers = serveProcess(t, metaPort, metaPort+2)
		require.Eventually(t, func() bool { return c.Health().Ready }, patience, time.Millisecond, "not ready again: %+v", c.Health())
		askAll(t, table)
	}
	load.end()
	load.unexpected.Range(func(text, _ any) bool {
		t.Errorf("a call failed that should have been tried again: %s", text)
		return true
	})
	require.Equal(t, load.started.Load(), load.returned.Load())
	require.Zero(t, c.Health().Outstanding)
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return openDescriptors(t) <= descriptors }, patience, 10*time.Millisecond, "descriptors leak")
	t.Logf("%d calls, %d ok, %d of unknown outcome", load.started.Load(), load.ok.Load(), load.unknown.Load())
}

// askAll: every request that is submitted after readiness succeeds.
func askAll(t *testing.T, table *client.Table) {
	t.Helper()
	for n := range askedAfter {
		key := []byte(fmt.Sprintf("after-%d", n))
		require.NoError(t, table.Put(t.Context(), key, []byte("s"), []byte("v"), client.Forever))
		value, err := table.Get(t.Context(), key, []byte("s"))
		require.NoError(t, err)
		require.Equal(t, "v", string(value))
	}
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
