//go:build kerberos

// Peers as processes, each of which carries out one negotiation after the other.

package gssapi

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Implementations of an end.
const (
	ours  = "ours"
	cyrus = "Cyrus" // Cyrus SASL on MIT's library
	java  = "Java"  // the JDK's own
	mit   = "MIT"   // its GSS-API, with the SASL part in testdata/peers/peer.py
)

const (
	asClient = "client"
	asServer = "server"
)

// peerProcess is one end in a process.
type peerProcess struct {
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer
}

// startPeers starts each foreign implementation in each role.
func (r *kerberosRealm) startPeers(t *testing.T) map[[2]string]*peerProcess {
	program := r.Path("peer")
	r.Run(t, "gcc", "-std=gnu99", "-Wall", "-Werror", "-o", program, "testdata/peers/peer.c", "-lsasl2")
	peers := map[[2]string]*peerProcess{}
	for _, role := range []string{asClient, asServer} {
		peers[[2]string{cyrus, role}] = r.startPeer(t, program, role, testName)
		peers[[2]string{mit, role}] = r.startPeer(t, "/usr/bin/python3", "testdata/peers/peer.py", role, testName)
		peers[[2]string{java, role}] = r.startPeer(t, "java", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
			"-Djava.security.krb5.conf="+r.Path("krb5.conf"), "-Djava.io.tmpdir="+r.Dir, // where its replay cache is
			"testdata/peers/Peer.java", role, testName, r.Path("client.keytab"))
	}
	return peers
}

func (r *kerberosRealm) startPeer(t *testing.T, program string, args ...string) *peerProcess {
	c := exec.Command(program, args...)
	c.Env = r.Env
	p := &peerProcess{}
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
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()         // killed, as wanted
	})
	return p
}

// peerEnd is one negotiation of a peer's: an initiator or an acceptor for drive.
type peerEnd struct {
	t         *testing.T
	p         *peerProcess
	options   string // of the line that begins it; empty once it has begun
	role      string
	principal string
}

var errPeerRefused = errors.New("peer")

// Step implements sasl.Session by asking the process. With an error, out is its error token.
func (e *peerEnd) Step(_ time.Time, in []byte) (out []byte, done bool, err error) {
	lines := fmt.Sprintf("T %x\n", in)
	if e.options != "" {
		begin := "N " + e.options + "\n"
		if e.options = ""; e.role == asServer {
			begin += lines
		}
		lines = begin
	}
	_, err = io.WriteString(e.p.in, lines)
	require.NoError(e.t, err, "the peer ended: %s", &e.p.errors)
	line, err := e.p.out.ReadString('\n')
	require.NoError(e.t, err, "the peer ended without a word: %s", &e.p.errors)
	kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	switch kind {
	case "OK":
		e.principal = rest
		return nil, true, nil
	case "T", "D", "E":
		out, err = hex.DecodeString(rest)
		require.NoError(e.t, err)
		if kind == "E" {
			err = fmt.Errorf("%w: it sends an error token", errPeerRefused)
		}
		return out, kind == "D", err
	case "ERR":
		return nil, false, fmt.Errorf("%w: %s", errPeerRefused, rest)
	}
	require.Fail(e.t, "the peer says "+line)
	return nil, false, nil
}

// Principal implements sasl.ServerSession.
func (e *peerEnd) Principal() string { return e.principal }
