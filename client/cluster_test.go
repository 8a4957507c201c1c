// A small cluster for the tests: metas and replica servers that negotiate strictly, keep
// what was put across restarts, and misbehave when told to.

package client

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
)

var testMechanism = sasl.NewTest(sasl.TestConfig{Secret: []byte("secret")})

// testCluster is two metas, of which the second leads, and three replica servers.
type testCluster struct {
	t     testing.TB
	net   *memNet
	nodes []*testNode

	mu       sync.Mutex
	rows     map[string][]byte // by stored key
	writes   map[string]int    // executed, by value
	early    int               // requests that came before their connection's success
	mute     bool              // requests other than negotiation are not answered
	refusing protocol.ErrorCode
}

// testNode is one server.
type testNode struct {
	cluster *testCluster
	addr    netip.AddrPort
	meta    bool
	mu      sync.Mutex
	open    map[net.Conn]bool
	up      bool
}

const testPartitions = 4

func startCluster(t testing.TB) *testCluster {
	c := &testCluster{t: t, net: newMemNet(), rows: make(map[string][]byte), writes: make(map[string]int)}
	for i := range 5 {
		n := &testNode{
			cluster: c, meta: i < 2, open: make(map[net.Conn]bool),
			addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 34601),
		}
		c.nodes = append(c.nodes, n)
		n.start()
	}
	return c
}

// config is that of a client of the cluster.
func (c *testCluster) config() Config {
	return Config{
		Metas:     []string{c.nodes[0].addr.String(), c.nodes[1].addr.String()},
		Tables:    []string{"temp"},
		Mechanism: testMechanism, AllowTestMechanism: true,
		Dial: c.net.dial,
	}
}

func (c *testCluster) stop() {
	for _, n := range c.nodes {
		n.stop()
	}
}

// with changes how the cluster behaves.
func (c *testCluster) with(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (n *testNode) start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up = true
	n.cluster.net.listen(n.addr, n.accept)
}

// stop is what a kill does: every connection is reset.
func (n *testNode) stop() {
	n.cluster.net.unlisten(n.addr)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up = false
	for conn := range n.open {
		conn.(*memConn).reset()
	}
	clear(n.open)
}

func (n *testNode) accept(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.up {
		conn.(*memConn).reset()
		return
	}
	n.open[conn] = true
	go func() {
		n.serve(conn)
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.open, conn)
		conn.Close()
	}()
}

// serve answers one connection until it ends or breaks a rule.
func (n *testNode) serve(conn net.Conn) {
	decoder := protocol.NewRequestDecoder(protocol.Limits{})
	gate := &testGate{host: n.addr.Addr().String()}
	buffer := make([]byte, 4096)
	for {
		size, err := conn.Read(buffer)
		if err != nil || decoder.Write(buffer[:size]) != nil {
			return
		}
		for {
			var r protocol.Request
			ok, err := decoder.Next(&r)
			if err != nil {
				return
			}
			if !ok {
				break
			}
			answer, err := n.answer(gate, &r)
			if err != nil {
				return
			}
			if answer != nil {
				answer.RPC, answer.Seq = r.RPC, r.Seq
				if _, err := conn.Write(protocol.AppendResponse(nil, answer)); err != nil {
					return
				}
			}
		}
	}
}

var errTestServer = errors.New("the client broke the protocol")

func (n *testNode) answer(gate *testGate, r *protocol.Request) (*protocol.Response, error) {
	if r.RPC == protocol.RPCNegotiation {
		return gate.negotiate(r)
	}
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if !gate.open {
		c.early++
		return nil, errTestServer
	}
	switch {
	case c.mute:
		return nil, nil
	case c.refusing != 0:
		return &protocol.Response{Code: c.refusing}, nil
	case n.meta:
		return n.queryConfig(r)
	}
	return c.execute(n, r)
}

// testGate is the negotiation of one connection, as a server sees it.
type testGate struct {
	host    string
	state   protocol.NegotiationStatus // last answered
	session sasl.ServerSession
	open    bool
}

func (g *testGate) negotiate(r *protocol.Request) (*protocol.Response, error) {
	status, msg, err := protocol.ParseNegotiationArgs(r.Body)
	if err != nil {
		return nil, err
	}
	var token []byte
	switch {
	case g.state == protocol.SASLInvalid && status == protocol.SASLListMechanisms:
		g.state, token = protocol.SASLListMechanismsResp, []byte(testMechanism.Name())
	case g.state == protocol.SASLListMechanismsResp && status == protocol.SASLSelectMechanisms && string(msg) == testMechanism.Name():
		g.state = protocol.SASLSelectMechanismsResp
		if g.session, err = testMechanism.Server(sasl.ServerConfig{Host: g.host, Random: zeros{}}); err != nil {
			return nil, err
		}
	case g.state == protocol.SASLSelectMechanismsResp && status == protocol.SASLInitiate,
		g.state == protocol.SASLChallenge && status == protocol.SASLChallengeResp:
		var done bool
		if token, done, err = g.session.Step(time.Time{}, msg); err != nil {
			return nil, err
		}
		if g.state = protocol.SASLChallenge; done {
			g.state, g.open = protocol.SASLSucc, true
		}
	default:
		return nil, errTestServer
	}
	return &protocol.Response{Code: protocol.CodeOK, Body: protocol.AppendNegotiationResult(nil, g.state, token)}, nil
}

// zeros is entropy enough for one server.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (n *testNode) queryConfig(r *protocol.Request) (*protocol.Response, error) {
	var args protocol.QueryConfigArgs
	if err := protocol.ParseQueryConfigArgs(r.Body, &args); err != nil {
		return nil, err
	}
	nodes := n.cluster.nodes
	answer := protocol.QueryConfig{Err: protocol.CodeOK, AppID: 2, Count: testPartitions, Stateful: true}
	switch {
	case n != nodes[1]:
		answer = protocol.QueryConfig{Err: protocol.CodeForwardToOthers, Partitions: []protocol.PartitionConfig{{Primary: nodes[1].addr}}}
	case string(args.Table) != "temp":
		answer = protocol.QueryConfig{Err: protocol.CodeObjectNotFound}
	default:
		for i := range int32(testPartitions) {
			answer.Partitions = append(answer.Partitions, protocol.PartitionConfig{
				PID: protocol.GPID{AppID: 2, Index: i}, Ballot: 3, Primary: nodes[2+i%3].addr,
			})
		}
	}
	return &protocol.Response{Code: protocol.CodeOK, Body: protocol.AppendQueryConfigResult(nil, &answer, true)}, nil
}

// execute runs an operation. Time to live is the number of seconds since 2016 that a put
// carried, which is all that the tests look at.
func (c *testCluster) execute(n *testNode, r *protocol.Request) (*protocol.Response, error) {
	if c.nodes[2+r.Header.Partition%3] != n || protocol.PartitionIndex(r.Header.PartitionHash, testPartitions) != r.Header.Partition {
		return &protocol.Response{Code: protocol.CodeObjectNotFound}, nil
	}
	ok := &protocol.Response{Code: protocol.CodeOK}
	if r.RPC == protocol.RPCPut {
		args, err := protocol.ParsePutArgs(r.Body)
		if err != nil {
			return nil, err
		}
		c.rows[string(args.Key)] = append([]byte(fmt.Sprintf("%10d", args.ExpireTS)), args.Value...)
		c.writes[string(args.Value)]++
		ok.Body = protocol.AppendUpdateResult(nil, &protocol.UpdateResult{})
		return ok, nil
	}
	key, err := protocol.ParseKeyArgs(r.Body)
	if err != nil {
		return nil, err
	}
	row, found := c.rows[string(key)]
	status := protocol.StatusOK
	if !found {
		status = protocol.StatusNotFound
	}
	switch r.RPC {
	case protocol.RPCGet:
		result := protocol.ReadResult{Status: status}
		if found {
			result.Value = row[10:]
		}
		ok.Body = protocol.AppendReadResult(nil, &result)
	case protocol.RPCTTL:
		result := protocol.TTLResult{Status: status, TTLSeconds: -1}
		if found {
			var expire int32
			if _, err := fmt.Sscan(string(row[:10]), &expire); err != nil {
				return nil, err
			}
			if expire > 0 {
				result.TTLSeconds = protocol.RemainingTTL(expire, time.Now())
			}
		}
		ok.Body = protocol.AppendTTLResult(nil, &result)
	case protocol.RPCRemove:
		delete(c.rows, string(key))
		ok.Body = protocol.AppendUpdateResult(nil, &protocol.UpdateResult{})
	default:
		return nil, errTestServer
	}
	return ok, nil
}

// noEarly: nothing but negotiation came before a success.
func (c *testCluster) noEarly() {
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Zero(c.t, c.early, "auth-before-request")
}
