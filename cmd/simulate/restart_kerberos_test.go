//go:build kerberos

// The incident, for real: a cluster of five processes under mandatory Kerberos with MIT's
// KDC, every process killed with SIGKILL in a random order and started again, under clients
// that never stop. RESTARTS and RESTART_SEED choose how often and in which order.

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/internal/kdctest"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/trace"
)

const (
	kerberosService = "pegasus"
	kerberosHost    = "127.0.0.1"
	kerberosClients = 3
)

// fromEnvironment is a number of the environment's, or what is usual.
func fromEnvironment(t *testing.T, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "%s is to be a number", name)
	return n
}

// processes is a cluster of which each node is a process.
type processes struct {
	keytab   string
	metaPort int
	running  map[string]*exec.Cmd
	complain lockedLog
}

// lockedLog keeps what processes say on standard error.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var processNames = []string{"meta1", "meta2", "replica1", "replica2", "replica3"}

// start runs a node and returns when it listens.
func (p *processes) start(t *testing.T, name string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--json", "--node", name, "--auth", "kerberos", "--keytab", p.keytab,
		"--service", kerberosService, "--server-name", kerberosHost, "--metas", "2", "--replicas", "3",
		"--meta-port", strconv.Itoa(p.metaPort), "--replica-port", strconv.Itoa(p.metaPort+2))
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = &p.complain
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err, "%s ended before it was ready: %s", name, p.complain.String())
	var said ready
	require.NoError(t, json.Unmarshal(line, &said))
	require.Equal(t, "GSSAPI", said.Mechanism)
	p.running[name] = cmd
}

// kill ends a node without a word.
func (p *processes) kill(t *testing.T, name string) {
	t.Helper()
	cmd := p.running[name]
	require.NoError(t, cmd.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	delete(p.running, name)
}

// restartAll kills every node in one random order and starts it again in another.
func (p *processes) restartAll(t *testing.T, random *rand.Rand) {
	t.Helper()
	pause := func() { time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond)))) }
	for _, i := range random.Perm(len(processNames)) {
		p.kill(t, processNames[i])
		pause()
	}
	for _, i := range random.Perm(len(processNames)) {
		p.start(t, processNames[i])
		pause()
	}
}

// kerberosLoad is one client with its credentials and callers.
type kerberosLoad struct {
	credentials *kerberos.Credentials
	client      *client.Client
	load        *load
}

// started is what the test starts: the cluster, the clients, and what was traced of them.
type started struct {
	*processes
	clients []*kerberosLoad
	wire    *wire
}

// wire judges what clients write: nothing but negotiation before it succeeded, on each
// connection by itself. It is a trace's sink, and used by one client at a time.
type wire struct {
	authenticated map[uint64]bool // connections that are open
	connections   int
	early         []string
}

// Emit implements trace.Sink.
func (w *wire) Emit(ev *trace.Event) {
	switch ev.Kind {
	case trace.KindConnected:
		w.connections++
		w.authenticated[ev.Conn] = false
	case trace.KindFrameIn:
		w.authenticated[ev.Conn] = w.authenticated[ev.Conn] || ev.Neg == "SASL_SUCC"
	case trace.KindFrameOut:
		if ev.RPC != "RPC_NEGOTIATION" && !w.authenticated[ev.Conn] && len(w.early) < 5 {
			w.early = append(w.early, fmt.Sprintf("%s: %s on connection %d", ev.Node, ev.RPC, ev.Conn))
		}
	case trace.KindClose, trace.KindClosed:
		delete(w.authenticated, ev.Conn)
	}
}

func startRealm(t *testing.T) *started {
	service := kerberosService + "/" + kerberosHost
	realm := kdctest.Start(t, kdctest.Config{Principals: []string{service, "client1", "client2", "client3"}})
	s := &started{processes: &processes{
		keytab: realm.Keytab(t, "nodes.keytab", service), metaPort: freePorts(t, 24000+os.Getpid()%4000, len(processNames)),
		running: make(map[string]*exec.Cmd),
	}}
	for _, name := range processNames {
		s.start(t, name)
	}
	t.Cleanup(func() {
		for _, name := range processNames {
			if s.running[name] != nil {
				s.kill(t, name)
			}
		}
	})
	s.wire = &wire{authenticated: make(map[uint64]bool)}
	live := trace.NewLive(s.wire)
	for n := range kerberosClients {
		s.clients = append(s.clients, s.open(t, realm, live.Node(fmt.Sprintf("client-%d", n+1)), fmt.Sprintf("client%d", n+1)))
	}
	return s
}

// open starts a client that authenticates as name.
func (s *started) open(t *testing.T, realm *kdctest.KDC, node *trace.Node, name string) *kerberosLoad {
	t.Helper()
	settings, err := kerberos.LoadSettings(realm.Path("krb5.conf"))
	require.NoError(t, err)
	k := &kerberosLoad{}
	k.credentials, err = kerberos.OpenCredentials(kerberos.ClientConfig{
		Principal: name, Keytab: realm.Keytab(t, name+".keytab", name), Service: kerberosService, Settings: settings,
	})
	require.NoError(t, err)
	k.client, err = client.Open(t.Context(), client.Config{
		Metas: []string{
			fmt.Sprintf("%s:%d", kerberosHost, s.metaPort), fmt.Sprintf("%s:%d", kerberosHost, s.metaPort+1),
		},
		Tables: []string{"temp"}, Credentials: k.credentials, Trace: node, ReconnectCap: 200 * time.Millisecond,
		Mechanism: gssapi.New(gssapi.Config{Service: kerberosService, Credentials: k.credentials}), // client.AuthRequired, with a proof of the server's
	})
	require.NoError(t, err)
	k.load = startLoad(k.client.Table("temp"))
	return k
}

func (s *started) ready() bool {
	for _, k := range s.clients {
		if !k.client.Health().Ready {
			return false
		}
	}
	return true
}

// Every session comes back from every restart, what is asked then succeeds, no call is
// answered twice or never, nothing is written before a negotiation, and nothing leaks.
func TestKerberosClusterSurvivesKills(t *testing.T) {
	rounds, seed := fromEnvironment(t, "RESTARTS", 10), fromEnvironment(t, "RESTART_SEED", 1)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	s := startRealm(t)
	var descriptors, goroutines int
	var longest time.Duration
	for round := range rounds {
		s.restartAll(t, random)
		up := time.Now()
		require.Eventually(t, s.ready, patience, time.Millisecond, "round %d of seed %d: not ready again", round, seed)
		longest = max(longest, time.Since(up))
		for _, k := range s.clients {
			askAll(t, k.client.Table("temp"))
		}
		if round == 0 {
			descriptors, goroutines = openDescriptors(t), runtime.NumGoroutine()
		}
	}
	const slack = 10 // connections under way, and the runtime's own
	require.Eventually(t, func() bool {
		return openDescriptors(t) <= descriptors+slack && runtime.NumGoroutine() <= goroutines+slack
	}, patience, 10*time.Millisecond, "descriptors or goroutines leak: %d and %d after the first round", descriptors, goroutines)
	calls, unknown := s.finish(t)
	t.Logf("%d restarts of 5 processes, seed %d: ready again after %v at most; %d calls, %d of unknown outcome", rounds, seed, longest, calls, unknown)
}

// finish ends the clients and judges what they were told and what they wrote.
func (s *started) finish(t *testing.T) (calls, unknown int64) {
	for _, k := range s.clients {
		k.load.end()
		k.load.unexpected.Range(func(text, _ any) bool {
			t.Errorf("a call failed that should have been tried again: %s", text)
			return true
		})
		require.Equal(t, k.load.started.Load(), k.load.returned.Load(), "every call is answered")
		require.Zero(t, k.client.Health().Outstanding)
		require.NoError(t, k.client.Close())
		require.NoError(t, k.credentials.Close())
		calls, unknown = calls+k.load.started.Load(), unknown+k.load.unknown.Load()
	}
	require.Empty(t, s.wire.early, "requests before the negotiation")
	t.Logf("%d connections began with a negotiation", s.wire.connections)
	return calls, unknown
}
