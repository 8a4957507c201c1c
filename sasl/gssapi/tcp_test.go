//go:build kerberos

// Peers over TCP, with tickets of MIT's KDC: clients on Cyrus SASL and on the JDK's SASL at
// our servers, and our client at a server on Cyrus SASL. Each negotiates and is then served.

package gssapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/internal/kdctest"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server"
)

var everyType = []int32{gssapi.ETypeAES128SHA1, gssapi.ETypeAES256SHA1, gssapi.ETypeAES128SHA256, gssapi.ETypeAES256SHA384}

const (
	tcpService = "pegasus"
	tcpKeytab  = "service.keytab" // of every host
	tcpAlice   = "alice@" + kdctest.Realm
)

// tcpHost is a host whose service has a key of that type only.
func tcpHost(etype int32) string { return kdctest.ETypeName(etype) + ".example.com" }

func newTCPRealm(t *testing.T) *kdctest.KDC {
	k := kdctest.Start(t, kdctest.Config{ETypes: everyType, Principals: []string{"alice"}})
	var services []string
	for _, etype := range everyType {
		name := tcpService + "/" + tcpHost(etype)
		k.AddService(t, name, etype)
		services = append(services, name)
	}
	k.Keytab(t, tcpKeytab, services...)
	k.Keytab(t, "client.keytab", "alice")
	k.Run(t, "kinit", "-k", "-t", k.Path("client.keytab"), "alice")
	return k
}

// serviceKeys is the keytab, with keys that change has made of those of the KDC.
func serviceKeys(t *testing.T, k *kdctest.KDC, change func(*gssapi.KeytabEntry)) *gssapi.Keytab {
	file, err := os.ReadFile(k.Path(tcpKeytab))
	require.NoError(t, err)
	keys, err := gssapi.ParseKeytab(file)
	require.NoError(t, err)
	entries := keys.Entries()
	require.Len(t, entries, len(everyType))
	for i := range entries {
		change(&entries[i])
	}
	keys, err = gssapi.NewKeytab(entries...)
	require.NoError(t, err)
	return keys
}

func asItIs(*gssapi.KeytabEntry) {}

// program is a peer in a process, which is asked and answers by lines.
type program struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func compiled(t *testing.T, k *kdctest.KDC, source string) string {
	binary := k.Path(strings.TrimSuffix(source, ".c"))
	k.Run(t, "gcc", "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-o", binary, "testdata/peers/"+source, "-lsasl2")
	return binary
}

func start(t *testing.T, k *kdctest.KDC, name string, args ...string) *program {
	c := exec.Command(name, args...)
	c.Env, c.Stderr = k.Env, os.Stderr
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		in.Close()
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()         // killed, as wanted
	})
	return &program{in, bufio.NewReader(out)}
}

func (p *program) line(t *testing.T) string {
	line, err := p.out.ReadString('\n')
	require.NoError(t, err, "the peer ended")
	return strings.TrimSuffix(line, "\n")
}

func (p *program) ask(t *testing.T, format string, args ...any) string {
	_, err := fmt.Fprintf(p.in, format+"\n", args...)
	require.NoError(t, err)
	return p.line(t)
}

// foreignClients are those on Cyrus SASL and on the JDK's SASL.
func foreignClients(t *testing.T, k *kdctest.KDC) map[string]*program {
	return map[string]*program{
		"Cyrus": start(t, k, compiled(t, k, "client.c"), tcpService),
		"Java": start(t, k, "java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.security.krb5.conf="+k.Path("krb5.conf"),
			"testdata/peers/Client.java", tcpService, k.Path("client.keytab")),
	}
}

// executions are the requests that were executed, by kind and principal.
type executions struct {
	mu    sync.Mutex
	count map[string]int
}

func (e *executions) add(x server.Execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count[fmt.Sprint(x.RPC, " of ", x.Principal, ", authenticated: ", x.Authenticated)]++
}

// oneTable is a cluster of one meta and one replica server with a table of one partition;
// clients may call a server by each name in the keytab.
func oneTable(t *testing.T, keys *gssapi.Keytab) (meta netip.AddrPort, served *executions) {
	served = &executions{count: make(map[string]int)}
	cluster, err := server.StartCluster(server.ClusterConfig{
		Metas: 1, Replicas: 1, Tables: []server.TableConfig{{Name: "temp", Partitions: 1}},
		Auth:      server.Auth{Enabled: true, Mandatory: true},
		Mechanism: gssapi.New(gssapi.Config{Service: tcpService, Keys: keys, Replays: &lockedReplays{replays: gssapi.NewReplays(10_000)}}),
		Hooks:     func(string) server.Hooks { return server.Hooks{Executed: served.add} },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	return cluster.Metas()[0], served
}

func TestForeignClientsAtOurServers(t *testing.T) {
	k := newTCPRealm(t)
	clients := foreignClients(t, k)
	meta, served := oneTable(t, serviceKeys(t, k, asItIs))
	wrong, never := oneTable(t, serviceKeys(t, k, func(e *gssapi.KeytabEntry) {
		var err error
		e.Key, err = gssapi.KeyFromPassword(e.Key.EType(), "of another KDC", e.Principal)
		require.NoError(t, err)
	}))
	n := 0
	for name, c := range clients {
		for _, etype := range everyType {
			for _, mutual := range []bool{true, false} {
				if name == "Cyrus" && !mutual {
					continue // its initiator always asks for it
				}
				n++
				require.Equal(t, fmt.Sprintf("OK value%d", n), c.ask(t, "%s %s temp value%d %v", tcpHost(etype), meta, n, mutual),
					"%s, type %d, mutual %v", name, etype, mutual)
			}
			require.Regexp(t, "^ERR .*(hung up|EOFException)", c.ask(t, "%s %s temp value true", tcpHost(etype), wrong), "%s, type %d", name, etype)
		}
	}
	want := map[string]int{}
	for _, rpc := range []protocol.RPC{protocol.RPCQueryConfig, protocol.RPCPut, protocol.RPCGet} {
		want[fmt.Sprint(rpc, " of ", tcpAlice, ", authenticated: true")] = n
	}
	served.mu.Lock()
	defer served.mu.Unlock()
	require.Equal(t, want, served.count)
	require.Empty(t, never.count)
}

func TestOurClientAtForeignServer(t *testing.T) {
	k := newTCPRealm(t)
	settings, err := kerberos.LoadSettings(k.Path("krb5.conf"))
	require.NoError(t, err)
	credentials, err := kerberos.OpenCredentials(kerberos.ClientConfig{Principal: "alice", Keytab: k.Path("client.keytab"), Service: tcpService, Settings: settings})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, credentials.Close()) })
	binary := compiled(t, k, "server.c")
	for _, etype := range everyType {
		s := start(t, k, binary, tcpService, tcpHost(etype))
		meta := "127.0.0.1:" + s.line(t)
		for _, withoutMutual := range []bool{false, true} {
			c, err := client.Open(t.Context(), tcpClient(credentials, etype, meta, withoutMutual))
			require.NoError(t, err, "type %d", etype)
			value, err := c.Table("temp").Get(t.Context(), []byte("h"), []byte("s"))
			require.NoError(t, err)
			require.Equal(t, "alice", string(value), "the name that Cyrus has proved")
			require.NoError(t, c.Close())
		}
	}
	other := start(t, k, binary, tcpService, tcpHost(everyType[0]))
	cfg := tcpClient(credentials, everyType[1], "127.0.0.1:"+other.line(t), false)
	cfg.OpenTimeout = time.Second
	_, err = client.Open(t.Context(), cfg)
	require.ErrorIs(t, err, client.ErrDeadline, "a server that goes by another name")
}

func tcpClient(credentials *kerberos.Credentials, etype int32, meta string, withoutMutual bool) client.Config {
	return client.Config{
		Metas: []string{meta}, Tables: []string{"temp"}, OperationTimeout: 5 * time.Second, Credentials: credentials,
		Mechanism:  gssapi.New(gssapi.Config{Service: tcpService, Credentials: credentials, WithoutMutual: withoutMutual}),
		ServerName: func(netip.AddrPort) string { return tcpHost(etype) },
	}
}
