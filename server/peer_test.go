// The test's own client: one connection, frames out, frames in, and a negotiation.

package server

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var mechanism = sasl.NewTest(sasl.TestConfig{Principal: "alice/host@REALM", Secret: []byte("secret")})

var mandatory = Auth{Enabled: true, Mandatory: true}

// peer is a client's end of a connection.
type peer struct {
	t       testing.TB
	conn    net.Conn
	decoder *protocol.ResponseDecoder
	seq     int32
}

func newPeer(t testing.TB, conn net.Conn) *peer {
	return &peer{t: t, conn: conn, decoder: protocol.NewResponseDecoder(protocol.Limits{})}
}

// dial connects over TCP; the connection ends with the test.
func dial(t testing.TB, addr netip.AddrPort) *peer {
	conn, err := net.DialTimeout("tcp4", addr.String(), 5*time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return newPeer(t, conn)
}

func (p *peer) write(rpc protocol.RPC, pid protocol.GPID, body []byte) {
	p.seq++
	_, err := p.conn.Write(protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1, AppID: pid.AppID, Partition: pid.Index}, RPC: rpc, Seq: p.seq, Body: body,
	}))
	require.NoError(p.t, err)
}

// read returns the next answer, or what ended the connection.
func (p *peer) read() (protocol.Response, error) {
	var r protocol.Response
	buf := make([]byte, 64<<10)
	for {
		ok, err := p.decoder.Next(&r)
		require.NoError(p.t, err)
		if ok {
			r.Body = bytes.Clone(r.Body)
			return r, nil
		}
		n, err := p.conn.Read(buf)
		if err != nil {
			return r, err
		}
		require.NoError(p.t, p.decoder.Write(buf[:n]))
	}
}

func (p *peer) call(rpc protocol.RPC, pid protocol.GPID, body []byte) protocol.Response {
	p.write(rpc, pid, body)
	r, err := p.read()
	require.NoError(p.t, err)
	require.Equal(p.t, p.seq, r.Seq)
	require.Equal(p.t, rpc, r.RPC)
	return r
}

func (p *peer) negotiation(status protocol.NegotiationStatus, msg []byte) (protocol.NegotiationStatus, []byte) {
	r := p.call(protocol.RPCNegotiation, protocol.GPID{}, protocol.AppendNegotiationArgs(nil, status, msg))
	require.Equal(p.t, protocol.CodeOK, r.Code)
	status, msg, err := protocol.ParseNegotiationResult(r.Body)
	require.NoError(p.t, err)
	return status, msg
}

// authenticate runs a whole negotiation.
func (p *peer) authenticate() *peer {
	status, msg := p.negotiation(protocol.SASLListMechanisms, nil)
	require.Equal(p.t, protocol.SASLListMechanismsResp, status)
	require.Equal(p.t, mechanism.Name(), string(msg))
	status, _ = p.negotiation(protocol.SASLSelectMechanisms, msg)
	require.Equal(p.t, protocol.SASLSelectMechanismsResp, status)
	session, err := mechanism.Client(sasl.ClientConfig{Host: "server", Random: rand.Reader})
	require.NoError(p.t, err)
	next := protocol.SASLInitiate
	msg = nil
	for {
		token, done, err := session.Step(time.Now(), msg)
		require.NoError(p.t, err)
		if status, msg = p.negotiation(next, token); status == protocol.SASLSucc {
			require.True(p.t, done)
			return p
		}
		require.Equal(p.t, protocol.SASLChallenge, status)
		next = protocol.SASLChallengeResp
	}
}

func storedKey(t testing.TB, key string) []byte {
	k, err := protocol.AppendKey(nil, []byte(key), nil)
	require.NoError(t, err)
	return k
}

func (p *peer) put(pid protocol.GPID, key, value string) protocol.ErrorCode {
	r := p.call(protocol.RPCPut, pid, protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: storedKey(p.t, key), Value: []byte(value)}))
	if r.Code == protocol.CodeOK {
		u, err := protocol.ParseUpdateResult(r.Body)
		require.NoError(p.t, err)
		require.Equal(p.t, protocol.StatusOK, u.Status)
	}
	return r.Code
}

func (p *peer) get(pid protocol.GPID, key string) (string, protocol.ErrorCode) {
	r := p.call(protocol.RPCGet, pid, protocol.AppendKeyArgs(nil, storedKey(p.t, key)))
	if r.Code != protocol.CodeOK {
		return "", r.Code
	}
	a, err := protocol.ParseReadResult(r.Body)
	require.NoError(p.t, err)
	if a.Status == protocol.StatusNotFound {
		return "<absent>", r.Code
	}
	require.Equal(p.t, protocol.StatusOK, a.Status)
	return string(a.Value), r.Code
}

func (p *peer) query(table string) protocol.QueryConfig {
	r := p.call(protocol.RPCQueryConfig, protocol.GPID{}, protocol.AppendQueryConfigArgs(nil, table, nil))
	require.Equal(p.t, protocol.CodeOK, r.Code)
	var q protocol.QueryConfig
	require.NoError(p.t, protocol.ParseQueryConfigResult(r.Body, &q))
	return q
}

// requireEnd waits for the server to end the connection.
func (p *peer) requireEnd() {
	_, err := p.read()
	require.Error(p.t, err)
	require.NotErrorIs(p.t, err, net.ErrClosed, "the server ends it, not the test")
	if errors.Is(err, io.EOF) {
		return
	}
	var netErr *net.OpError
	require.ErrorAs(p.t, err, &netErr)
	require.False(p.t, netErr.Timeout())
}

// quietNegotiation is authenticate for a connection that may end at any moment.
func quietNegotiation(conn net.Conn) error {
	session, err := mechanism.Client(sasl.ClientConfig{Host: "server", Random: rand.Reader})
	if err != nil {
		return err
	}
	decoder, buf := protocol.NewResponseDecoder(protocol.Limits{}), make([]byte, 4096)
	status, msg := protocol.SASLListMechanisms, []byte(nil)
	for {
		if _, err := conn.Write(protocol.AppendRequest(nil, &protocol.Request{
			Header: protocol.Header{Version: 1}, RPC: protocol.RPCNegotiation, Body: protocol.AppendNegotiationArgs(nil, status, msg),
		})); err != nil {
			return err
		}
		r, err := quietRead(conn, decoder, buf)
		if err != nil {
			return err
		}
		answer, token, err := protocol.ParseNegotiationResult(r.Body)
		if err != nil {
			return err
		}
		switch answer {
		case protocol.SASLListMechanismsResp:
			status, msg = protocol.SASLSelectMechanisms, bytes.Clone(token)
			continue
		case protocol.SASLSelectMechanismsResp:
			status, token = protocol.SASLInitiate, nil
		case protocol.SASLChallenge:
			status = protocol.SASLChallengeResp
		case protocol.SASLSucc:
			return nil
		default:
			return errors.New("negotiation answered " + answer.String())
		}
		if msg, _, err = session.Step(time.Now(), token); err != nil {
			return err
		}
	}
}

// quietRead returns the next answer, valid until the next call.
func quietRead(conn net.Conn, decoder *protocol.ResponseDecoder, buf []byte) (protocol.Response, error) {
	var r protocol.Response
	for {
		ok, err := decoder.Next(&r)
		if ok || err != nil {
			return r, err
		}
		n, err := conn.Read(buf)
		if err != nil {
			return r, err
		}
		if err := decoder.Write(buf[:n]); err != nil {
			return r, err
		}
	}
}
