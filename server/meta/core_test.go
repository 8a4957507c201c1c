package meta

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

var (
	self    = netip.MustParseAddrPort("10.0.0.1:34601")
	second  = netip.MustParseAddrPort("10.0.0.2:34601")
	replica = netip.MustParseAddrPort("10.0.0.3:34801")
	spare   = netip.MustParseAddrPort("10.0.0.4:34801")
)

func config() Config {
	return Config{Self: self, Leader: self, Tables: []Table{{Name: "temp", AppID: 2, Partitions: []protocol.PartitionConfig{
		{Ballot: 1, MaxReplicaCount: 2, Primary: replica, Secondaries: []netip.AddrPort{spare}},
		{Ballot: 2, Primary: spare},
		{Ballot: 7},
	}}}}
}

func query(t *testing.T, c *Core, table string, indices ...int32) protocol.QueryConfig {
	code, body := c.Execute(time.Time{}, &protocol.Request{RPC: protocol.RPCQueryConfig, Body: protocol.AppendQueryConfigArgs(nil, table, indices)}, nil)
	require.Equal(t, protocol.CodeOK, code)
	var q protocol.QueryConfig
	require.NoError(t, protocol.ParseQueryConfigResult(body, &q))
	return q
}

func indices(q protocol.QueryConfig) []int32 {
	out := []int32{}
	for _, p := range q.Partitions {
		out = append(out, p.PID.Index)
	}
	return out
}

func TestQueryConfig(t *testing.T) {
	c := New(config())
	q := query(t, c, "temp")
	assert.Equal(t, protocol.CodeOK, q.Err)
	assert.EqualValues(t, 2, q.AppID)
	assert.EqualValues(t, 3, q.Count)
	assert.True(t, q.Stateful)
	require.Len(t, q.Partitions, 3)
	p := q.Partitions[0]
	assert.Equal(t, protocol.GPID{AppID: 2, Index: 0}, p.PID)
	assert.EqualValues(t, 1, p.Ballot)
	assert.EqualValues(t, 2, p.MaxReplicaCount)
	assert.Equal(t, replica, p.Primary)
	assert.Equal(t, []netip.AddrPort{spare}, p.Secondaries)
	assert.False(t, q.Partitions[2].Primary.IsValid(), "a partition without a primary says so")
}

func TestSelection(t *testing.T) {
	c := New(config())
	for _, tc := range []struct{ ask, want []int32 }{
		{nil, []int32{0, 1, 2}},
		{[]int32{2}, []int32{2}},
		{[]int32{2, 0}, []int32{2, 0}},
		{[]int32{1, 1, 1}, []int32{1}},
		{[]int32{-1, 3, 1 << 30}, []int32{}},
		{[]int32{99, 1}, []int32{1}},
	} {
		q := query(t, c, "temp", tc.ask...)
		assert.Equal(t, tc.want, indices(q), "%v", tc.ask)
		assert.EqualValues(t, 3, q.Count, "the count is the table's")
	}
}

func TestUnknownTable(t *testing.T) {
	q := query(t, New(config()), "nobody")
	assert.Equal(t, protocol.CodeObjectNotFound, q.Err)
	assert.Empty(t, q.Partitions)
}

func TestLeadership(t *testing.T) {
	c := New(config())
	require.True(t, c.Leads())
	c.SetLeader(second)
	for _, table := range []string{"temp", "nobody"} {
		q := query(t, c, table)
		assert.Equal(t, protocol.CodeForwardToOthers, q.Err)
		require.Len(t, q.Partitions, 1)
		assert.Equal(t, second, q.Partitions[0].Primary)
		assert.Zero(t, q.Count)
	}
	c.SetLeader(netip.AddrPort{})
	assert.False(t, c.Leads())
	assert.Empty(t, query(t, c, "temp").Partitions, "nobody to name")
	assert.Equal(t, protocol.CodeForwardToOthers, query(t, c, "temp").Err)
	c.SetLeader(self)
	assert.Equal(t, protocol.CodeOK, query(t, c, "temp").Err)
}

// The redirect of protocol's worked example, to the byte: every field that is not
// optional is there, for clients dereference them.
func TestRedirectBytes(t *testing.T) {
	leader := netip.MustParseAddrPort("127.0.0.1:34601")
	c := New(Config{Self: self, Leader: leader})
	_, body := c.Execute(time.Time{}, &protocol.Request{RPC: protocol.RPCQueryConfig, Body: protocol.AppendQueryConfigArgs(nil, "temp", nil)}, nil)
	want := "\x0c\x00\x00" + // success: query_cfg_response
		"\x0c\x00\x01\x00\x00\x00\x15ERR_FORWARD_TO_OTHERS" +
		"\x08\x00\x02\x00\x00\x00\x00" + "\x08\x00\x03\x00\x00\x00\x00" + "\x02\x00\x04\x00" +
		"\x0f\x00\x05\x0c\x00\x00\x00\x01" +
		"\x0c\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00" + "\x0a\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x08\x00\x03\x00\x00\x00\x00" + "\x0c\x00\x04\x7f\x00\x00\x01\x87\x29\x00\x01" +
		"\x0f\x00\x05\x0c\x00\x00\x00\x00" + "\x0f\x00\x06\x0c\x00\x00\x00\x00" +
		"\x0a\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00" + "\x08\x00\x08\x00\x00\x00\x00" +
		"\x00\x00\x00"
	assert.Equal(t, []byte(want), body)
}

// Upstream's servers write the addresses a second time, as host and port, since 2024.
func TestHPFields(t *testing.T) {
	cfg := config()
	plain := New(cfg)
	cfg.HPFields = true
	r := &protocol.Request{RPC: protocol.RPCQueryConfig, Body: protocol.AppendQueryConfigArgs(nil, "temp", nil)}
	_, without := plain.Execute(time.Time{}, r, nil)
	_, with := New(cfg).Execute(time.Time{}, r, nil)
	assert.NotContains(t, string(without), "10.0.0.3")
	assert.Contains(t, string(with), "10.0.0.3")
}

func TestOtherRequests(t *testing.T) {
	c := New(config())
	for rpc := range protocol.RPC(protocol.NumRPC) {
		code, body := c.Execute(time.Time{}, &protocol.Request{RPC: rpc, Body: []byte("?")}, []byte("dst"))
		want := protocol.CodeHandlerNotFound
		switch rpc {
		case protocol.RPCQueryConfig, protocol.RPCCreateApp, protocol.RPCDropApp, protocol.RPCListApps, protocol.RPCListNodes, protocol.RPCClusterInfo:
			want = protocol.CodeInvalidData
		}
		assert.Equal(t, want, code, rpc.String())
		assert.Equal(t, "dst", string(body), "a refusal appends nothing")
	}
}

func TestReconfigure(t *testing.T) {
	c := New(config())
	require.NoError(t, c.Reconfigure("temp", 0, spare, []netip.AddrPort{replica}))
	p := query(t, c, "temp", 0).Partitions[0]
	assert.EqualValues(t, 2, p.Ballot, "rises by exactly one")
	assert.Equal(t, spare, p.Primary)
	assert.ErrorIs(t, c.Reconfigure("temp", 3, spare, nil), ErrNoPartition)
	assert.ErrorIs(t, c.Reconfigure("temp", -1, spare, nil), ErrNoPartition)
	assert.ErrorIs(t, c.Reconfigure("nobody", 0, spare, nil), ErrNoPartition)
}

// A move is a change as any other: a meta that led before does not bring its tables back.
func TestReconfigurationIsInTheRegistry(t *testing.T) {
	c, deposed := New(config()), New(config())
	require.NoError(t, c.Reconfigure("temp", 0, spare, nil))
	assert.EqualValues(t, 1, c.Version())
	deposed.SetRegistry(c.Registry())
	assert.Equal(t, spare, query(t, deposed, "temp", 0).Partitions[0].Primary)
	require.NoError(t, c.Reconfigure("temp", 0, replica, nil))
	c.SetRegistry(deposed.Registry())
	assert.EqualValues(t, 3, query(t, c, "temp", 0).Partitions[0].Ballot)
}

func TestCopies(t *testing.T) {
	now := time.Unix(0, 0)
	cfg := config()
	c := New(cfg)
	state := c.AppendState(nil, now)
	cfg.Tables[0].Partitions[0].Secondaries[0] = second
	assert.Equal(t, state, c.AppendState(nil, now), "the configuration is not kept")
	d := c.Clone()
	assert.Equal(t, state, d.AppendState(nil, now.Add(time.Hour)))
	require.NoError(t, d.Reconfigure("temp", 1, replica, nil))
	assert.NotEqual(t, state, d.AppendState(nil, now))
	d.SetLeader(second)
	assert.Equal(t, state, c.AppendState(nil, now), "a copy is independent")
	cfg = config()
	cfg.Tables[0].Partitions[0].Ballot++
	assert.NotEqual(t, state, New(cfg).AppendState(nil, now))
}

func TestValidate(t *testing.T) {
	ok := config()
	require.NoError(t, ok.Validate())
	for want, change := range map[string]func(*Config){
		"Self is missing":      func(c *Config) { c.Self = netip.AddrPort{} },
		"table without a name": func(c *Config) { c.Tables[0].Name = "" },
		"must be positive":     func(c *Config) { c.Tables[0].AppID = 0 },
		"no partitions":        func(c *Config) { c.Tables[0].Partitions = nil },
		"the first is 1":       func(c *Config) { c.Tables[0].Partitions[1].Ballot = 0 },
		"has [::1]:34801, which clients cannot be told: addresses travel as IPv4 and port (partition 0": func(c *Config) {
			c.Tables[0].Partitions[0].Primary = netip.MustParseAddrPort("[::1]:34801")
		},
		"has 10.0.0.3:0": func(c *Config) {
			c.Tables[0].Partitions[0].Secondaries = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.3:0")}
		},
		"Leader has [fe80::1]:1":    func(c *Config) { c.Leader = netip.MustParseAddrPort("[fe80::1]:1") },
		"Nodes has [::1]:34801":     func(c *Config) { c.Nodes = []netip.AddrPort{netip.MustParseAddrPort("[::1]:34801")} },
		"Metas has invalid":         func(c *Config) { c.Metas = make([]netip.AddrPort, 1) },
		"puts partition 1.1 at":     func(c *Config) { c.Tables[0].Partitions[0].PID = protocol.GPID{AppID: 1, Index: 1} },
		"name \"temp\" or id 2 twi": func(c *Config) { c.Tables = append(c.Tables, c.Tables[0]) },
	} {
		cfg := config()
		change(&cfg)
		var typed *ConfigError
		err := cfg.Validate()
		require.ErrorAs(t, err, &typed, want)
		assert.ErrorContains(t, err, want)
	}
}

func FuzzQueryConfig(f *testing.F) {
	f.Add(protocol.AppendQueryConfigArgs(nil, "temp", []int32{0, 1, 2}))
	f.Add([]byte{0x0c, 0, 1, 0x0b, 0, 1, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		c := New(config())
		code, out := c.Execute(time.Time{}, &protocol.Request{RPC: protocol.RPCQueryConfig, Body: body}, nil)
		if code != protocol.CodeOK && (code != protocol.CodeInvalidData || len(out) != 0) {
			t.Fatalf("%v with %d bytes", code, len(out))
		}
		if len(out) > 1<<10 {
			t.Fatalf("an answer of %d bytes for a table of three partitions", len(out))
		}
	})
}

func BenchmarkQueryConfig(b *testing.B) {
	c, dst := New(config()), make([]byte, 0, 1<<10)
	r := &protocol.Request{RPC: protocol.RPCQueryConfig, Body: protocol.AppendQueryConfigArgs(nil, "temp", nil)}
	b.ReportAllocs()
	for b.Loop() {
		_, dst = c.Execute(time.Time{}, r, dst[:0])
	}
}
