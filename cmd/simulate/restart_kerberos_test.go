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
	running  map[string]*process
	complain lockedLog
}

// process is one node.
type process struct {
	cmd     *exec.Cmd
	metrics string // address of its numbers
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
		"--meta-port", strconv.Itoa(p.metaPort), "--replica-port", strconv.Itoa(p.metaPort+2), "--metrics", "127.0.0.1:0")
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
	p.running[name] = &process{cmd, said.Metrics}
}

// kill ends a node without a word.
func (p *processes) kill(t *testing.T, name string) {
	t.Helper()
	cmd := p.running[name].cmd
	require.NoError(t, cmd.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	delete(p.running, name)
}

// restart kills nodes in one random order and starts them again in another; killed is called
// in between.
func (p *processes) restart(t *testing.T, random *rand.Rand, names []string, killed func()) {
	t.Helper()
	pause := func() { time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond)))) }
	for _, i := range random.Perm(len(names)) {
		p.kill(t, names[i])
		pause()
	}
	killed()
	for _, i := range random.Perm(len(names)) {
		p.start(t, names[i])
		pause()
	}
}

// kerberosClient is one client with its credentials, and callers where it has some.
type kerberosClient struct {
	credentials *kerberos.Credentials
	client      *client.Client
	load        *load
}

// started is what the tests start: the cluster, the clients, and what was traced of them.
type started struct {
	*processes
	realm   *kdctest.KDC
	began   time.Time
	clients []*kerberosClient
	wipes   []wipe
	asked   int64 // calls beside those of loads
	wire    *wire
	live    *trace.Live
}

// startRealm starts a KDC and the cluster.
func startRealm(t *testing.T) *started {
	service := kerberosService + "/" + kerberosHost
	s := &started{
		realm: kdctest.Start(t, kdctest.Config{Principals: []string{service, "client1", "client2", "client3"}}),
		began: time.Now(), wire: newWire(),
	}
	s.processes = &processes{
		keytab: s.realm.Keytab(t, "nodes.keytab", service), metaPort: freePorts(t, 24000+os.Getpid()%4000, len(processNames)),
		running: make(map[string]*process),
	}
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
	s.live = trace.NewLive(s.wire)
	return s
}

// open starts a client that authenticates as client1 and so on.
func (s *started) open(t *testing.T, number int) *kerberosClient {
	t.Helper()
	settings, err := kerberos.LoadSettings(s.realm.Path("krb5.conf"))
	require.NoError(t, err)
	k, name := &kerberosClient{}, fmt.Sprintf("client%d", number)
	k.credentials, err = kerberos.OpenCredentials(kerberos.ClientConfig{
		Principal: name, Keytab: s.realm.Keytab(t, name+".keytab", name), Service: kerberosService, Settings: settings,
	})
	require.NoError(t, err)
	k.client, err = client.Open(t.Context(), client.Config{
		Metas: []string{
			fmt.Sprintf("%s:%d", kerberosHost, s.metaPort), fmt.Sprintf("%s:%d", kerberosHost, s.metaPort+1),
		},
		Tables: []string{"temp"}, Credentials: k.credentials, Trace: s.live.Node(name), OperationTimeout: patience, ReconnectCap: 200 * time.Millisecond,
		Mechanism: gssapi.New(gssapi.Config{Service: kerberosService, Credentials: k.credentials}), // client.AuthRequired, with a proof of the server's
	})
	require.NoError(t, err)
	s.clients = append(s.clients, k)
	return k
}

// ask has every client ask for what has to succeed.
func (s *started) ask(t *testing.T, label string) {
	t.Helper()
	for n, k := range s.clients {
		askAll(t, k.client.Table("temp"), fmt.Sprintf("%s-%d", label, n))
		s.asked += askedAfter * 2
	}
}

// lost waits until every client knows that it has lost a server.
func (s *started) lost(t *testing.T) {
	t.Helper()
	for _, k := range s.clients {
		require.Eventually(t, func() bool { return !k.client.Health().Ready }, patience, time.Millisecond)
	}
}

func (s *started) ready() bool {
	for _, k := range s.clients {
		if !k.client.Health().Ready {
			return false
		}
	}
	return true
}

// Every session comes back from every restart, what is asked then succeeds, each call is
// answered once and each write written and executed once, nothing is written before a
// negotiation, and nothing leaks.
func TestKerberosClusterSurvivesKills(t *testing.T) {
	rounds, seed := fromEnvironment(t, "RESTARTS", 10), fromEnvironment(t, "RESTART_SEED", 1)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	s := startRealm(t)
	for n := range kerberosClients {
		k := s.open(t, n+1)
		k.load = startLoad(k.client.Table("temp"), fmt.Sprintf("client%d", n+1), s.began)
	}
	var descriptors, goroutines int
	var longest time.Duration
	for round := range rounds {
		killing := time.Since(s.began)
		s.restart(t, random, processNames, func() {
			s.wipes = append(s.wipes, wipe{killing, time.Since(s.began)})
			s.lost(t)
		})
		up := time.Now()
		require.Eventually(t, s.ready, patience, time.Millisecond, "round %d of seed %d: not ready again", round, seed)
		longest = max(longest, time.Since(up))
		s.ask(t, fmt.Sprint(round))
		if round == 0 {
			descriptors, goroutines = openDescriptors(t), runtime.NumGoroutine()
		}
	}
	const slack = 5 // connections under way, and the runtime's own; a leak has at least one a round after the first
	require.Eventually(t, func() bool {
		return openDescriptors(t) <= descriptors+slack && runtime.NumGoroutine() <= goroutines+slack
	}, patience, 10*time.Millisecond, "descriptors or goroutines leak: %d and %d after the first round", descriptors, goroutines)
	calls, unknown, found := s.finish(t)
	t.Logf("%d restarts of 5 processes, seed %d: ready again after %v at most; %d calls on %d connections, %d of unknown outcome, %d reads of what was written",
		rounds, seed, longest, calls, s.wire.connections, unknown, found)
}

// finish ends the clients and judges what they were told, what they wrote, and what the
// servers made of it.
func (s *started) finish(t *testing.T) (calls, unknown, found int64) {
	for _, k := range s.clients {
		k.load.end()
		k.load.judge(t, s.wipes)
		require.Zero(t, k.client.Health().Outstanding)
		calls, unknown, found = calls+int64(len(k.load.history)), unknown+k.load.unknown.Load(), found+k.load.found
	}
	s.eachRequestRanOnce(t)
	for _, k := range s.clients {
		k.close(t)
	}
	require.Empty(t, s.wire.judge(calls+s.asked))
	return calls, unknown, found
}

func (k *kerberosClient) close(t *testing.T) {
	t.Helper()
	require.NoError(t, k.client.Close())
	require.NoError(t, k.credentials.Close())
}

// eachRequestRanOnce holds what replica servers have executed since they were last started
// against what was written to them: the connections of before are gone.
func (s *started) eachRequestRanOnce(t *testing.T) {
	t.Helper()
	for i, name := range processNames[2:] {
		server := fmt.Sprintf("%s:%d", kerberosHost, s.metaPort+2+i)
		written, executed := s.wire.written(server), func() int {
			return int(number(t, s.running[name].metrics, "pegasus_server_requests_executed_total"))
		}
		require.Positive(t, written)
		require.Eventually(t, func() bool { return executed() >= written }, patience, 10*time.Millisecond, "%s executed %d of %d requests", name, executed(), written)
		require.Equal(t, written, executed(), "%s: requests written to it, and executed", name)
	}
}

// Servers that live on while their peers are killed, and while clients come and go, hold no
// more descriptors and goroutines in the end than after the first round.
func TestKerberosServersOutliveTheirPeers(t *testing.T) {
	rounds, seed := fromEnvironment(t, "RESTARTS", 10), fromEnvironment(t, "RESTART_SEED", 1)
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	s := startRealm(t)
	stays := s.open(t, 1)
	survivors := []string{"meta1", "replica2"} // the leader, and one that serves
	held := func(name, what string) int { return int(number(t, s.running[name].metrics, what)) }
	first := make(map[string][2]int)
	for round := range rounds {
		s.restart(t, random, []string{"meta2", "replica1", "replica3"}, func() { s.lost(t) })
		for n := range kerberosClients - 1 {
			s.open(t, n+2)
		}
		require.Eventually(t, s.ready, patience, time.Millisecond, "round %d of seed %d: not ready again", round, seed)
		s.ask(t, fmt.Sprint(round))
		for _, k := range s.clients[1:] {
			k.close(t)
		}
		s.clients = s.clients[:1]
		for _, name := range survivors {
			if round == 0 {
				first[name] = [2]int{held(name, "process_open_fds"), held(name, "go_goroutines")}
			}
		}
	}
	const slack = 5 // the fetching of the numbers, and the runtime's own; a leak has at least two a round
	for _, name := range survivors {
		require.GreaterOrEqual(t, held(name, "pegasus_server_connections_accepted_total"), 2*rounds, "%s met every client", name)
		require.Eventually(t, func() bool {
			return held(name, "process_open_fds") <= first[name][0]+slack && held(name, "go_goroutines") <= first[name][1]+slack
		}, patience, 10*time.Millisecond, "%s leaks: %v descriptors and goroutines after the first round", name, first[name])
		t.Logf("%s: %v descriptors and goroutines after the first round, %d and %d in the end, of %d connections", name, first[name],
			held(name, "process_open_fds"), held(name, "go_goroutines"), held(name, "pegasus_server_connections_accepted_total"))
	}
	stays.close(t)
	require.Empty(t, s.wire.judge(s.asked))
}
