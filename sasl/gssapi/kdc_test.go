//go:build kerberos

// A realm of its own for each test: MIT's KDC on a port of its own, and peers as processes.

package gssapi

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const installPeers = "run .ci/kerberos-peers, which installs it"

// etypeName is how krb5.conf calls a type.
func etypeName(etype int32) string {
	return map[int32]string{17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96",
		19: "aes128-cts-hmac-sha256-128", 20: "aes256-cts-hmac-sha384-192"}[etype]
}

// kerberosRealm is a running KDC with alice, bob, and the service on two hosts.
type kerberosRealm struct {
	dir   string
	env   []string
	etype int32
}

const otherHost = "node2.example.com"

func newKerberosRealm(t *testing.T, etype int32) *kerberosRealm {
	t.Helper()
	requirePeers(t)
	r := &kerberosRealm{dir: t.TempDir(), etype: etype}
	address := freeAddress(t)
	r.write(t, "krb5.conf", fmt.Sprintf(`[libdefaults]
	default_realm = %[1]s
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	qualify_shortname = ""
	udp_preference_limit = 1
	permitted_enctypes = %[2]s
	default_tkt_enctypes = %[2]s
	default_tgs_enctypes = %[2]s
[realms]
	%[1]s = {
		kdc = %[3]s
	}
[domain_realm]
	.example.com = %[1]s
`, testRealm, etypeName(etype), address))
	r.write(t, "kdc.conf", fmt.Sprintf(`[kdcdefaults]
	kdc_listen = %[1]s
	kdc_tcp_listen = %[1]s
[realms]
	%[2]s = {
		database_name = %[3]s/principal
		key_stash_file = %[3]s/stash
		acl_file = %[3]s/acl
		supported_enctypes = %[4]s:normal
		master_key_type = aes256-cts-hmac-sha1-96
	}
[logging]
	kdc = FILE:%[3]s/kdc.log
`, address, testRealm, r.dir, etypeName(etype)))
	r.env = append(os.Environ(), "KRB5_CONFIG="+r.path("krb5.conf"), "KRB5_KDC_PROFILE="+r.path("kdc.conf"),
		"KRB5CCNAME=FILE:"+r.path("ccache"), "KRB5_KTNAME=FILE:"+r.path("service.keytab"), "KRB5RCACHEDIR="+r.dir, "SASL_CONF_PATH="+r.dir)
	r.run(t, "kdb5_util", "create", "-s", "-r", testRealm, "-P", "of no importance")
	for _, name := range []string{"alice", "bob", testName + "/" + testHost, testName + "/" + otherHost} {
		r.kadmin(t, "addprinc -randkey "+name)
	}
	r.kadmin(t, "ktadd -k "+r.path("client.keytab")+" alice bob")
	r.kadmin(t, "ktadd -k "+r.path("service.keytab")+" "+testName+"/"+testHost)
	r.start(t, address)
	return r
}

// requirePeers fails where a peer is not installed, and says what installs it: these tests
// were asked for, and a peer that is missing is no reason to pass.
func requirePeers(t *testing.T) {
	for _, tool := range []string{"krb5kdc", "kadmin.local", "kdb5_util", "kinit", "kvno", "gcc", "java", "/usr/bin/python3"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err, "%s is missing: %s", tool, installPeers)
	}
	for what, pattern := range map[string]string{
		"the GSSAPI plugin of Cyrus SASL": "/usr/lib*/*/sasl2/libgssapiv2.so*",
		"the header of Cyrus SASL":        "/usr/include/sasl/sasl.h",
		"python-gssapi":                   "/usr/lib/python3*/dist-packages/gssapi",
	} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, "%s is missing (%s): %s", what, pattern, installPeers)
	}
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (r *kerberosRealm) start(t *testing.T, address string) {
	kdc := exec.Command("krb5kdc", "-n")
	kdc.Env = r.env
	require.NoError(t, kdc.Start())
	t.Cleanup(func() {
		_ = kdc.Process.Kill()
		_ = kdc.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 10*time.Second, 5*time.Millisecond, "the KDC does not listen on %s", address)
}

func (r *kerberosRealm) path(name string) string { return filepath.Join(r.dir, name) }

func (r *kerberosRealm) write(t *testing.T, name, content string) {
	require.NoError(t, os.WriteFile(r.path(name), []byte(content), 0o600))
}

func (r *kerberosRealm) run(t *testing.T, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = r.env
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
}

func (r *kerberosRealm) kadmin(t *testing.T, query string) {
	t.Helper()
	r.run(t, "kadmin.local", "-q", query)
}

// fetch gets a ticket for the service on host with MIT's own tools and reads the cache.
func (r *kerberosRealm) fetch(t *testing.T, user, host string) *Credential {
	t.Helper()
	r.run(t, "kinit", "-k", "-t", r.path("client.keytab"), user)
	r.run(t, "kvno", "-q", testName+"/"+host)
	file, err := os.ReadFile(r.path("ccache"))
	require.NoError(t, err)
	cache, err := ParseCCache(file)
	require.NoError(t, err)
	require.Equal(t, user+"@"+testRealm, cache.Client.String())
	c, err := cache.Lookup(testName, host)
	require.NoError(t, err)
	require.Equal(t, r.etype, c.Key.EType())
	return c
}

// keys is the service's keytab as kadmin wrote it.
func (r *kerberosRealm) keys(t *testing.T) *Keytab {
	t.Helper()
	file, err := os.ReadFile(r.path("service.keytab"))
	require.NoError(t, err)
	kt, err := ParseKeytab(file)
	require.NoError(t, err)
	return kt
}

// setup negotiates with a real ticket and the real keytab, at the real time.
func (r *kerberosRealm) setup(t *testing.T) *setup {
	s := newSetup(t)
	s.etype, s.initiatorNow, s.acceptorNow = r.etype, time.Now(), time.Now()
	s.credential = r.fetch(t, "alice", testHost)
	s.acceptor.Keys = r.keys(t)
	return s
}

// peerProcess is one end in a process, as an acceptor or an initiator for drive.
type peerProcess struct {
	t         *testing.T
	in        io.WriteCloser
	out       *bufio.Reader
	errors    bytes.Buffer
	begun     bool // an initiator's first token is not asked for
	principal string
}

var errPeerProcess = errors.New("peer")

// cyrus, java and python start a peer; the last arguments are those of its own.
func (r *kerberosRealm) cyrus(t *testing.T, role string, extra ...string) *peerProcess {
	program := r.path("peer")
	if _, err := os.Stat(program); err != nil {
		r.run(t, "gcc", "-std=c99", "-Wall", "-o", program, "testdata/peers/peer.c", "-lsasl2")
	}
	return r.peer(t, role, program, append([]string{role, testName, testHost}, extra...)...)
}

func (r *kerberosRealm) java(t *testing.T, role, mutual string) *peerProcess {
	r.write(t, "jaas.conf", fmt.Sprintf(`client { com.sun.security.auth.module.Krb5LoginModule required
	useKeyTab=true keyTab="%[1]s/client.keytab" principal="alice" doNotPrompt=true; };
server { com.sun.security.auth.module.Krb5LoginModule required
	useKeyTab=true keyTab="%[1]s/service.keytab" principal="%[2]s/%[3]s" storeKey=true isInitiator=false doNotPrompt=true; };
`, r.dir, testName, testHost))
	return r.peer(t, role, "java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.security.krb5.conf="+r.path("krb5.conf"),
		"-Djava.security.auth.login.config="+r.path("jaas.conf"), "testdata/peers/Peer.java", role, testName, testHost, mutual)
}

func (r *kerberosRealm) python(t *testing.T, role, mutual, protection string) *peerProcess {
	return r.peer(t, role, "/usr/bin/python3", "testdata/peers/peer.py", role, testName, testHost, mutual, protection)
}

func (r *kerberosRealm) peer(t *testing.T, role, program string, args ...string) *peerProcess {
	c := exec.Command(program, args...)
	c.Env = r.env
	p := &peerProcess{t: t, begun: role == "server"}
	c.Stderr = &p.errors
	var err error
	p.in, err = c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReaderSize(out, 1<<20)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		p.in.Close()
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return p
}

// Step implements sasl.Session by asking the process.
func (p *peerProcess) Step(_ time.Time, in []byte) (out []byte, done bool, err error) {
	if p.begun {
		if _, err := fmt.Fprintf(p.in, "T %x\n", in); err != nil {
			return nil, false, fmt.Errorf("%w: %w", errPeerProcess, err)
		}
	}
	p.begun = true
	line, err := p.out.ReadString('\n')
	require.NoError(p.t, err, "the peer ended without a word: %s", p.errors.String())
	kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	switch kind {
	case "OK":
		p.principal = rest
		return nil, true, nil
	case "T", "D", "E":
		out, err = hex.DecodeString(rest)
		require.NoError(p.t, err)
		return out, kind == "D", nil
	case "ERR":
		return nil, false, fmt.Errorf("%w: %s", errPeerProcess, rest)
	}
	require.Fail(p.t, "the peer says "+line)
	return nil, false, nil
}

// Principal implements sasl.ServerSession.
func (p *peerProcess) Principal() string { return p.principal }
