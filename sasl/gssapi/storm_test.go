//go:build kerberos

// A thousand clients that arrive at once at a server that has just been restarted: the
// reference server and a server on Cyrus SASL by turns, each on one core, the clients on
// the other. No KDC takes part: tickets are minted from the service's keytab.

package gssapi_test

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server"
)

const (
	stormClients = 1000
	stormRealm   = "EXAMPLE.COM"
	stormName    = "pegasus"
	stormHost    = "node1.example.com"
	stormRole    = "STORM_ROLE"   // what the test binary is to be: stormServer or stormCrowd
	stormKeytab  = "STORM_KEYTAB" // file with the service's key
	stormServer  = "server"
	stormCrowd   = "crowd"
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(stormRole) {
	case "":
		os.Exit(m.Run())
	case stormServer:
		err = serveStorm()
	case stormCrowd:
		err = crowd(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// BenchmarkStorm restarts a server for every storm and reports negotiations per second of
// wall clock, the server's CPU time for each (its start included), and how long after the
// first dial clients were ready.
func BenchmarkStorm(b *testing.B) {
	dir := b.TempDir()
	keytab := writeStormKeytab(b, dir)
	cyrus := filepath.Join(dir, "storm")
	out, err := exec.Command("gcc", "-O2", "-std=gnu99", "-Wall", "-o", cyrus, "testdata/peers/server.c", "-lsasl2").CombinedOutput()
	require.NoError(b, err, "%s: run .ci/kerberos-peers, which installs what is missing", out)
	servers := map[string][]string{"ours": {os.Args[0]}, "cyrus": {cyrus, stormName, stormHost}}
	for _, mutual := range []bool{true, false} {
		for _, name := range []string{"ours", "cyrus"} {
			b.Run(fmt.Sprintf("mutual=%v/server=%s", mutual, name), func(b *testing.B) {
				crowd := startCrowd(b, keytab, mutual)
				var all []time.Duration
				var wall, cpu time.Duration
				for b.Loop() {
					ready, used := crowd.storm(b, keytab, servers[name])
					all = append(all, ready...)
					wall += slices.Max(ready)
					cpu += used
				}
				slices.Sort(all)
				b.ReportMetric(float64(len(all))/wall.Seconds(), "negotiations/s")
				b.ReportMetric(float64(cpu.Microseconds())/float64(len(all)), "server-cpu-us")
				b.ReportMetric(float64(all[len(all)/2].Milliseconds()), "p50-ms")
				b.ReportMetric(float64(all[len(all)*99/100].Milliseconds()), "p99-ms")
			})
		}
	}
}

func stormKey(t require.TestingT) *gssapi.Keytab {
	service := gssapi.ServicePrincipal(stormName, stormHost, stormRealm)
	key, err := gssapi.KeyFromPassword(gssapi.ETypeAES256SHA1, "storm", service)
	require.NoError(t, err)
	keytab, err := gssapi.NewKeytab(gssapi.KeytabEntry{Principal: service, Version: 1, Key: key})
	require.NoError(t, err)
	return keytab
}

func writeStormKeytab(b *testing.B, dir string) string {
	file, err := stormKey(b).Marshal()
	require.NoError(b, err)
	name := filepath.Join(dir, "service.keytab")
	require.NoError(b, os.WriteFile(name, file, 0o600))
	config := fmt.Sprintf("[libdefaults]\n\tdefault_realm = %s\n\tdns_canonicalize_hostname = false\n\trdns = false\n", stormRealm)
	require.NoError(b, os.WriteFile(filepath.Join(dir, "krb5.conf"), []byte(config), 0o600))
	return name
}

// onCore runs a program on one processor, with the environment that both servers want.
// Cyrus SASL forgets what it has seen, as upstream configures it; ours remembers.
func onCore(core int, keytab, role string, command ...string) *exec.Cmd {
	c := exec.Command("taskset", append([]string{"-c", strconv.Itoa(core)}, command...)...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1", stormRole+"="+role, stormKeytab+"="+keytab, "KRB5_KTNAME=FILE:"+keytab,
		"KRB5_CONFIG="+filepath.Join(filepath.Dir(keytab), "krb5.conf"), "KRB5RCACHENAME=none:")
	c.Stderr = os.Stderr
	return c
}

// serveStorm is the reference server. It prints its port, and ends with its input.
func serveStorm() error {
	file, err := os.ReadFile(os.Getenv(stormKeytab))
	if err != nil {
		return err
	}
	keytab, err := gssapi.ParseKeytab(file)
	if err != nil {
		return err
	}
	s, err := server.StartCluster(server.ClusterConfig{
		Metas: 1, Replicas: 1, Auth: server.Auth{Enabled: true, Mandatory: true}, SASLHost: stormHost,
		Mechanism: gssapi.New(gssapi.Config{Service: stormName, Keys: keytab, Replays: &lockedReplays{replays: gssapi.NewReplays(100_000)}}),
	})
	if err != nil {
		return err
	}
	fmt.Println(s.Metas()[0].Port())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Close()
}

// crowdProcess is the clients, in a process of their own.
type crowdProcess struct {
	in  io.Writer
	out *bufio.Reader
}

func startCrowd(b *testing.B, keytab string, mutual bool) *crowdProcess {
	c := onCore(1, keytab, stormCrowd, os.Args[0], strconv.FormatBool(mutual))
	in, err := c.StdinPipe()
	require.NoError(b, err)
	out, err := c.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, c.Start())
	b.Cleanup(func() {
		in.Close()
		require.NoError(b, c.Wait())
	})
	return &crowdProcess{in, bufio.NewReader(out)}
}

// storm starts a server, lets the crowd in, and ends the server. It returns how long each
// client took to be ready, and the server's CPU time.
func (p *crowdProcess) storm(b *testing.B, keytab string, command []string) (ready []time.Duration, cpu time.Duration) {
	c := onCore(0, keytab, stormServer, command...)
	in, err := c.StdinPipe()
	require.NoError(b, err)
	out, err := c.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, c.Start())
	var port int
	_, err = fmt.Fscanln(out, &port)
	require.NoError(b, err, "the server ended before it listened")
	_, err = fmt.Fprintln(p.in, port)
	require.NoError(b, err)
	line, err := p.out.ReadBytes('\n')
	require.NoError(b, err, "the clients ended")
	require.NoError(b, json.Unmarshal(line, &ready))
	require.Len(b, ready, stormClients)
	require.NoError(b, in.Close())
	require.NoError(b, c.Wait())
	return ready, c.ProcessState.UserTime() + c.ProcessState.SystemTime()
}

// crowd waits for ports on its input; for each it lets every client in at once and prints
// the times.
func crowd(mutual string) error {
	var problem failures
	keytab := stormKey(&problem)
	mechanisms := make([]sasl.Mechanism, stormClients)
	for i := range mechanisms {
		credential, err := gssapi.Mint(keytab, gssapi.MintConfig{
			Client:  gssapi.Principal{Components: []string{fmt.Sprintf("client%04d", i)}, Realm: stormRealm},
			Service: gssapi.ServicePrincipal(stormName, stormHost, stormRealm),
			Start:   time.Now().Add(-time.Minute), End: time.Now().Add(time.Hour), Random: rand.Reader,
		})
		if err != nil {
			return err
		}
		mechanisms[i] = gssapi.New(gssapi.Config{Service: stormName, Credentials: credential, WithoutMutual: mutual == "false"})
	}
	for {
		var port int
		if _, err := fmt.Scanln(&port); err != nil {
			return nil // the test has ended
		}
		ready, err := letIn(mechanisms, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
			return err
		}
	}
}

// failures lets a process that is no test use a helper of tests.
type failures struct{}

func (*failures) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (*failures) FailNow()                          { os.Exit(1) }

func letIn(mechanisms []sasl.Mechanism, addr string) ([]time.Duration, error) {
	ready, errs := make([]time.Duration, len(mechanisms)), make([]error, len(mechanisms))
	var clients sync.WaitGroup
	begun := time.Now()
	for i, m := range mechanisms {
		clients.Go(func() {
			errs[i] = negotiate(m, addr)
			ready[i] = time.Since(begun)
		})
	}
	clients.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("negotiate: %w", err)
		}
	}
	return ready, nil
}

// negotiate connects and negotiates, as a client of the protocol does.
func negotiate(m sasl.Mechanism, addr string) error {
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	session, err := m.Client(sasl.ClientConfig{Host: stormHost, Random: rand.Reader})
	if err != nil {
		return err
	}
	n := negotiation{conn: conn, decoder: protocol.NewResponseDecoder(protocol.Limits{}), buffer: make([]byte, 4096)}
	if _, _, err = n.ask(protocol.SASLListMechanisms, nil); err != nil {
		return err
	}
	if _, _, err = n.ask(protocol.SASLSelectMechanisms, []byte(gssapi.Name)); err != nil {
		return err
	}
	ask, status, message := protocol.SASLInitiate, protocol.SASLInvalid, []byte(nil)
	for status != protocol.SASLSucc {
		token, _, err := session.Step(time.Now(), message)
		if err != nil {
			return err
		}
		if status, message, err = n.ask(ask, token); err != nil {
			return err
		}
		ask = protocol.SASLChallengeResp
	}
	return nil
}

// negotiation is one connection's messages.
type negotiation struct {
	conn    net.Conn
	decoder *protocol.ResponseDecoder
	buffer  []byte
	seq     int32
}

func (n *negotiation) ask(status protocol.NegotiationStatus, message []byte) (protocol.NegotiationStatus, []byte, error) {
	n.seq++
	frame := protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1}, RPC: protocol.RPCNegotiation, Seq: n.seq,
		Body: protocol.AppendNegotiationArgs(nil, status, message),
	})
	if _, err := n.conn.Write(frame); err != nil {
		return 0, nil, err
	}
	for {
		var r protocol.Response
		ok, err := n.decoder.Next(&r)
		if err != nil {
			return 0, nil, err
		}
		if ok {
			return protocol.ParseNegotiationResult(r.Body)
		}
		got, err := n.conn.Read(n.buffer)
		if err != nil {
			return 0, nil, err
		}
		if err := n.decoder.Write(n.buffer[:got]); err != nil {
			return 0, nil, err
		}
	}
}
