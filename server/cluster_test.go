package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/server/replica"
)

func startCluster(t testing.TB, cfg ClusterConfig) *Cluster {
	c, err := StartCluster(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func secured() ClusterConfig { return ClusterConfig{Auth: mandatory, Mechanism: mechanism} }

func TestClusterServesWhatItsMetasSay(t *testing.T) {
	c := startCluster(t, secured())
	require.Equal(t, []string{"meta1", "meta2", "replica1", "replica2", "replica3"}, c.Nodes())

	q := dial(t, c.Metas()[1]).authenticate().query("temp")
	require.Equal(t, protocol.CodeForwardToOthers, q.Err)
	require.Len(t, q.Partitions, 1)
	leader := q.Partitions[0].Primary
	require.Equal(t, c.Addr("meta1"), leader)

	q = dial(t, leader).authenticate().query("temp")
	require.Equal(t, protocol.CodeOK, q.Err)
	require.Len(t, q.Partitions, 8)
	serves := map[netip.AddrPort]int{}
	for _, p := range q.Partitions {
		serves[p.Primary]++
		peer := dial(t, p.Primary).authenticate()
		key := fmt.Sprint(p.PID.Index)
		require.Equal(t, protocol.CodeOK, peer.put(p.PID, key, "v"+key))
		value, _ := peer.get(p.PID, key)
		require.Equal(t, "v"+key, value)
		_, code := peer.get(protocol.GPID{AppID: p.PID.AppID, Index: (p.PID.Index + 1) % 8}, key)
		require.Equal(t, protocol.CodeObjectNotFound, code, "a neighbour's partition")
	}
	assert.Equal(t, map[netip.AddrPort]int{c.Replicas()[0]: 3, c.Replicas()[1]: 3, c.Replicas()[2]: 2}, serves)
	stats, err := c.Stats("replica1")
	require.NoError(t, err)
	assert.EqualValues(t, 3, stats.NegotiationsDone)
}

func TestRestartKeepsRowsAndForgetsSessions(t *testing.T) {
	c := startCluster(t, secured())
	addr := c.Addr("replica1")
	p := dial(t, addr).authenticate()
	require.Equal(t, protocol.CodeOK, p.put(home, "k", "v"))
	require.NoError(t, c.Restart(c.Nodes()...))
	p.requireEnd()

	p = dial(t, addr)
	_, code := p.get(home, "k")
	assert.Equal(t, protocol.CodeSessionReset, code, "nobody is authenticated after a restart")
	value, code := p.authenticate().get(home, "k")
	assert.Equal(t, protocol.CodeOK, code)
	assert.Equal(t, "v", value)
	stats, err := c.Stats("replica1")
	require.NoError(t, err)
	assert.EqualValues(t, 1, stats.Accepted, "numbers begin anew")
}

func TestKilledNode(t *testing.T) {
	c := startCluster(t, ClusterConfig{})
	p := dial(t, c.Addr("replica2"))
	require.Equal(t, protocol.CodeOK, p.put(protocol.GPID{AppID: 1, Index: 1}, "k", "v"))
	require.NoError(t, c.Kill("replica2"))
	p.requireEnd()
	_, err := net.DialTimeout("tcp4", c.Addr("replica2").String(), time.Second)
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.NoError(t, c.Kill("replica2"), "it stays down")
	stats, err := c.Stats("replica2")
	require.NoError(t, err)
	assert.Zero(t, stats.Accepted)
	require.NoError(t, c.Restart("replica2"))
	value, _ := dial(t, c.Addr("replica2")).get(protocol.GPID{AppID: 1, Index: 1}, "k")
	assert.Equal(t, "v", value)
}

func TestLeaderMoves(t *testing.T) {
	c := startCluster(t, ClusterConfig{})
	first, second := c.Metas()[0], c.Metas()[1]
	p := dial(t, first)
	require.Equal(t, protocol.CodeOK, p.query("temp").Err)
	require.NoError(t, c.Kill("meta2"))
	require.NoError(t, c.SetLeader("meta2"))
	q := p.query("temp")
	require.Equal(t, protocol.CodeForwardToOthers, q.Err)
	assert.Equal(t, second, q.Partitions[0].Primary, "a leader that is down is still named")
	require.NoError(t, c.Restart("meta2"))
	assert.Equal(t, protocol.CodeOK, dial(t, second).query("temp").Err, "it learns that it leads")
	require.NoError(t, c.Restart("meta1"))
	assert.Equal(t, protocol.CodeForwardToOthers, dial(t, first).query("temp").Err, "the other does not forget")
}

func TestCopiesShareTheirRows(t *testing.T) {
	c := startCluster(t, ClusterConfig{Tables: []TableConfig{{Name: "t", AppID: 7, Partitions: 2, Copies: 2}}})
	q := dial(t, c.Metas()[0]).query("t")
	require.Len(t, q.Partitions, 2)
	p := q.Partitions[1]
	require.Equal(t, protocol.GPID{AppID: 7, Index: 1}, p.PID)
	require.Equal(t, c.Replicas()[1], p.Primary)
	require.Equal(t, []netip.AddrPort{c.Replicas()[2]}, p.Secondaries)
	require.Equal(t, protocol.CodeOK, dial(t, p.Primary).put(p.PID, "k", "v"))
	secondary := dial(t, p.Secondaries[0])
	_, code := secondary.get(p.PID, "k")
	assert.Equal(t, protocol.CodeInvalidState, code)
	_, err := secondary.conn.Write(protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1, AppID: 7, Partition: 1, Backup: true}, RPC: protocol.RPCGet, Body: protocol.AppendKeyArgs(nil, storedKey(t, "k")),
	}))
	require.NoError(t, err)
	r, err := secondary.read()
	require.NoError(t, err)
	a, err := protocol.ParseReadResult(r.Body)
	require.NoError(t, err)
	assert.Equal(t, "v", string(a.Value), "a backup read")
}

func TestClusterConfigurationsThatCannotWork(t *testing.T) {
	for want, cfg := range map[string]ClusterConfig{
		"Metas is -1":                     {Metas: -1},
		"Replicas is 5000":                {Replicas: 5000},
		"leaves no room for 2 metas":      {MetaPort: 65535},
		"leaves no room for 3 replicas":   {ReplicaPort: 65534},
		"the same port":                   {MetaPort: 34601, ReplicaPort: 34602},
		"4 copies of a partition on 3":    {Tables: []TableConfig{{Name: "t", Copies: 4}}},
		"-2 partitions":                   {Tables: []TableConfig{{Name: "t", Partitions: -2}}},
		"has name \"t\" or id 1 twice":    {Tables: []TableConfig{{Name: "t"}, {Name: "t", AppID: 1}}},
		"a table without a name":          {Tables: []TableConfig{{}}},
		"1048576 partitions":              {Tables: []TableConfig{{Name: "t", Partitions: 1 << 20}}},
		"Auth is mandatory but not":       {Auth: Auth{Mandatory: true}},
		"Mechanism is missing":            {Auth: mandatory},
		"Host is \"0.0.0.0\", which clie": {Host: "0.0.0.0"},
		"Host is \"::1\", which clients":  {Host: "::1"},
		"Early is 99":                     {Early: 99},
		"ClientNegotiationTimeout is ne":  {ClientNegotiationTimeout: -1},
		"Limits.MaxRounds is -1":          {Limits: Limits{MaxRounds: -1}},
		"Access.SuperUsers":               {Access: Access{SuperUsers: []string{"alice"}}},
	} {
		cfg.Listen = func(_ context.Context, node, _ string) (net.Listener, error) {
			t.Errorf("%s: the socket of %s was opened", want, node)
			return nil, net.ErrClosed
		}
		refused := func(err error) {
			require.Error(t, err, want)
			var typed *ConfigError
			assert.ErrorAs(t, err, &typed, want)
		}
		_, err := StartCluster(cfg)
		refused(err)
		assert.ErrorContains(t, err, want)
		cfg.MetaPort, cfg.ReplicaPort = cmp.Or(cfg.MetaPort, 34601), cmp.Or(cfg.ReplicaPort, 34801)
		_, err = StartNode(t.Context(), cfg, "meta1")
		refused(err)
		_, err = cfg.Topology()
		refused(err)
	}
}

// What only a socket tells is refused as well, and nothing is left open.
func TestAddressesThatClientsCannotBeTold(t *testing.T) {
	before := descriptors(t)
	_, err := StartCluster(ClusterConfig{Host: "everywhere.example.org", Listen: func(ctx context.Context, _, _ string) (net.Listener, error) {
		return listen(ctx, "0.0.0.0:0")
	}})
	var typed *ConfigError
	require.ErrorAs(t, err, &typed)
	require.ErrorContains(t, err, `Host is "everywhere.example.org", where meta1 listens on 0.0.0.0`)
	require.Equal(t, before, descriptors(t))
}

func TestUnknownNodes(t *testing.T) {
	c := startCluster(t, ClusterConfig{Metas: 1, Replicas: 1})
	for _, err := range []error{c.Kill("replica2"), c.Restart("meta9"), c.SetLeader("replica1"), c.SetLeader("")} {
		assert.ErrorIs(t, err, ErrNoNode)
	}
	_, err := c.Stats("nobody")
	assert.ErrorIs(t, err, ErrNoNode)
	assert.ErrorContains(t, err, "there are meta1, replica1")
	assert.False(t, c.Addr("nobody").IsValid())
	require.NoError(t, c.Close())
	assert.ErrorIs(t, c.Restart("meta1"), ErrClosed)
}

// Nodes in processes of their own agree on who is where without talking.
func TestNodesOfOneConfiguration(t *testing.T) {
	ports := freePorts(t, 5)
	cfg := ClusterConfig{MetaPort: ports, ReplicaPort: ports + 2, Tables: []TableConfig{{Name: "t", Partitions: 4}}}
	var servers []*Server
	for _, name := range []string{"replica3", "meta2", "replica1", "meta1", "replica2"} {
		s, err := StartNode(context.Background(), cfg, name)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, s.Close()) })
		servers = append(servers, s)
	}
	q := dial(t, servers[1].Addr()).query("t")
	require.Equal(t, protocol.CodeForwardToOthers, q.Err)
	q = dial(t, q.Partitions[0].Primary).query("t")
	require.Equal(t, protocol.CodeOK, q.Err)
	for _, p := range q.Partitions {
		assert.Equal(t, protocol.CodeOK, dial(t, p.Primary).put(p.PID, "k", "v"))
	}
	_, err := StartNode(context.Background(), cfg, "meta3")
	assert.ErrorIs(t, err, ErrNoNode)
	_, err = StartNode(context.Background(), ClusterConfig{}, "meta1")
	assert.ErrorContains(t, err, "MetaPort")
}

// freePorts returns the first of n ports that are free now.
func freePorts(t *testing.T, n int) uint16 {
	for range 100 {
		first := uint16(20000 + rand.IntN(10000))
		free := true
		for i := range n {
			l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", first+uint16(i)))
			if err != nil {
				free = false
				break
			}
			require.NoError(t, l.Close())
		}
		if free {
			return first
		}
	}
	t.Fatal("no free ports")
	return 0
}

// descriptors counts this process's open sockets.
func descriptors(t testing.TB) int {
	const own = "/proc/self/fd"
	entries, err := os.ReadDir(own)
	if err != nil { // not Linux: there is nothing to count, and goroutines are counted anyway
		return 0
	}
	n := 0
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(own, e.Name())); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// Many callers while every node is restarted: who is authenticated is served, nothing
// leaks, and a row that was confirmed stays.
func TestRestartsUnderLoad(t *testing.T) {
	const callers = 8
	before := descriptors(t)
	cfg := secured()
	var violations atomic.Int64
	cfg.Hooks = func(string) Hooks {
		return Hooks{Executed: func(e Execution) {
			if !e.Authenticated || e.User != "alice" {
				violations.Add(1)
			}
		}}
	}
	c, err := StartCluster(cfg)
	require.NoError(t, err)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	confirmed, key := make([]atomic.Int64, callers), storedKey(t, "k")
	for i := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 1; ; {
				select {
				case <-stop:
					return
				default:
				}
				n = workUntilDisconnected(c, key, i, n, &confirmed[i], &violations)
			}
		}()
	}
	for range 5 {
		requireProgress(t, confirmed)
		requireRestart(t, c)
	}
	requireProgress(t, confirmed)
	close(stop)
	require.NoError(t, c.Kill(c.Nodes()...))
	wg.Wait()
	requireRestart(t, c)
	for i := range confirmed {
		pid := protocol.GPID{AppID: 1, Index: int32(i)}
		value, _ := dial(t, c.Topology().Tables[0].Partitions[i].Primary).authenticate().get(pid, "k")
		var got int64
		_, err := fmt.Sscan(value, &got)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, got, confirmed[i].Load(), "a confirmed write is kept")
	}
	for _, name := range c.Nodes() {
		stats, err := c.Stats(name)
		require.NoError(t, err)
		assert.Zero(t, stats.Panics)
	}
	require.NoError(t, c.Close())
	assert.Zero(t, violations.Load())
	assert.Eventually(t, func() bool { return descriptors(t) <= before+callers }, 20*time.Second, 10*time.Millisecond, "no descriptor leaks but the test's own last connections")
}

// requireRestart restarts every node. The ports are ephemeral, so an outgoing connection may have
// one as its own for a moment.
func requireRestart(t *testing.T, c *Cluster) {
	t.Helper()
	err := c.Restart(c.Nodes()...)
	for deadline := time.Now().Add(20 * time.Second); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		err = c.Restart(c.Nodes()...)
	}
	require.NoError(t, err)
}

// requireProgress waits until every caller has had two writes confirmed from now on, of which
// the first may have been executed before.
func requireProgress(t *testing.T, confirmed []atomic.Int64) {
	t.Helper()
	before := make([]int64, len(confirmed))
	for i := range confirmed {
		before[i] = confirmed[i].Load()
	}
	for i := range confirmed {
		require.Eventually(t, func() bool { return confirmed[i].Load() > before[i]+1 }, 20*time.Second, time.Millisecond, "caller %d got nowhere", i)
	}
}

// workUntilDisconnected writes rising numbers until its connection ends, and returns the
// number to go on with. An answer that refuses is a violation.
func workUntilDisconnected(c *Cluster, key []byte, caller, n int, confirmed, violations *atomic.Int64) int {
	pid := protocol.GPID{AppID: 1, Index: int32(caller)}
	conn, err := net.DialTimeout("tcp4", c.Topology().Tables[0].Partitions[caller].Primary.String(), time.Second)
	if err != nil {
		time.Sleep(time.Millisecond)
		return n
	}
	defer conn.Close()
	if quietNegotiation(conn) != nil {
		return n
	}
	decoder, buf := protocol.NewResponseDecoder(protocol.Limits{}), make([]byte, 4096)
	for {
		if _, err := conn.Write(protocol.AppendRequest(nil, &protocol.Request{
			Header: protocol.Header{Version: 1, AppID: 1, Partition: pid.Index}, RPC: protocol.RPCPut, Seq: int32(n),
			Body: protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key, Value: fmt.Append(nil, n)}),
		})); err != nil {
			return n + 1
		}
		r, err := quietRead(conn, decoder, buf)
		if err != nil {
			return n + 1
		}
		if r.Code != protocol.CodeOK {
			violations.Add(1)
		}
		confirmed.Store(int64(n))
		n++
	}
}

func TestEveryEarlyPolicy(t *testing.T) {
	for _, early := range []EarlyRequest{EarlyRefuse, EarlyHold, EarlyDrop, EarlyClose, EarlyHang} {
		t.Run(early.String(), func(t *testing.T) {
			cfg := single()
			cfg.Auth, cfg.Early = mandatory, early
			cfg.Replica.Storage = replica.NewMemory()
			s := start(t, cfg)
			p := dial(t, s.Addr())
			p.write(protocol.RPCPut, home, protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: storedKey(t, "k"), Value: []byte("early")}))
			switch early {
			case EarlyRefuse:
				r, err := p.read()
				require.NoError(t, err)
				assert.Equal(t, protocol.CodeSessionReset, r.Code)
				p.authenticate()
			case EarlyHold:
				p.authenticate()
				r, err := p.read()
				require.NoError(t, err)
				assert.Equal(t, protocol.CodeOK, r.Code)
				assert.EqualValues(t, 1, r.Seq)
				value, _ := p.get(home, "k")
				assert.Equal(t, "early", value)
			case EarlyDrop:
				p.authenticate()
				value, _ := p.get(home, "k")
				assert.Equal(t, "<absent>", value)
			case EarlyClose:
				p.requireEnd()
				assert.EqualValues(t, 1, s.Stats().Closed[node.CauseEarlyRequest])
			case EarlyHang:
				p.write(protocol.RPCNegotiation, protocol.GPID{}, protocol.AppendNegotiationArgs(nil, protocol.SASLListMechanisms, nil))
				require.NoError(t, p.conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
				_, err := p.read()
				var netErr net.Error
				require.ErrorAs(t, err, &netErr)
				assert.True(t, netErr.Timeout(), "neither an answer nor an end")
			}
		})
	}
}
