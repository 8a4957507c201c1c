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
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
)

// kerberosRealm is a running KDC with alice, bob, and the service on two hosts.
type kerberosRealm struct {
	*kdctest.KDC
	etype int32
}

const otherHost = "node2.example.com"

func newKerberosRealm(t testing.TB, etype int32) *kerberosRealm {
	t.Helper()
	requirePeers(t)
	r := &kerberosRealm{etype: etype, KDC: kdctest.Start(t, kdctest.Config{ETypes: []int32{etype},
		Principals: []string{"alice", "bob", testName + "/" + testHost, testName + "/" + otherHost}})}
	r.Keytab(t, "client.keytab", "alice", "bob")
	r.Keytab(t, "service.keytab", testName+"/"+testHost)
	return r
}

// requirePeers fails where a peer is not installed, and says what installs it: these tests
// were asked for, and a peer that is missing is no reason to pass.
func requirePeers(t testing.TB) {
	kdctest.Require(t, "kinit", "kvno", "gcc", "java", "/usr/bin/python3")
	for what, pattern := range map[string]string{
		"the GSSAPI plugin of Cyrus SASL": "/usr/lib*/*/sasl2/libgssapiv2.so*",
		"the header of Cyrus SASL":        "/usr/include/sasl/sasl.h",
		"python-gssapi":                   "/usr/lib/python3*/dist-packages/gssapi",
	} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, "%s is missing (%s): %s", what, pattern, kdctest.Install)
	}
}

// fetch gets a ticket for the service on host with MIT's own tools and reads the cache.
func (r *kerberosRealm) fetch(t *testing.T, user, host string) *Credential {
	t.Helper()
	r.Run(t, "kinit", "-k", "-t", r.Path("client.keytab"), user)
	r.Run(t, "kvno", "-q", testName+"/"+host)
	file, err := os.ReadFile(r.Path("ccache"))
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
	file, err := os.ReadFile(r.Path("service.keytab"))
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
	program := r.Path("peer")
	if _, err := os.Stat(program); err != nil {
		r.Run(t, "gcc", "-std=c99", "-Wall", "-o", program, "testdata/peers/peer.c", "-lsasl2")
	}
	return r.peer(t, role, program, append([]string{role, testName, testHost}, extra...)...)
}

func (r *kerberosRealm) java(t *testing.T, role, mutual string) *peerProcess {
	r.Write(t, "jaas.conf", fmt.Sprintf(`client { com.sun.security.auth.module.Krb5LoginModule required
	useKeyTab=true keyTab="%[1]s/client.keytab" principal="alice" doNotPrompt=true; };
server { com.sun.security.auth.module.Krb5LoginModule required
	useKeyTab=true keyTab="%[1]s/service.keytab" principal="%[2]s/%[3]s" storeKey=true isInitiator=false doNotPrompt=true; };
`, r.Dir, testName, testHost))
	return r.peer(t, role, "java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.security.krb5.conf="+r.Path("krb5.conf"),
		"-Djava.security.auth.login.config="+r.Path("jaas.conf"), "testdata/peers/Peer.java", role, testName, testHost, mutual)
}

func (r *kerberosRealm) python(t *testing.T, role, mutual, protection string) *peerProcess {
	return r.peer(t, role, "/usr/bin/python3", "testdata/peers/peer.py", role, testName, testHost, mutual, protection)
}

func (r *kerberosRealm) peer(t *testing.T, role, program string, args ...string) *peerProcess {
	c := exec.Command(program, args...)
	c.Env = r.Env
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
