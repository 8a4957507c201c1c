package replica

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
)

var (
	epoch = time.Unix(1_700_000_000, 0).UTC()
	home  = protocol.GPID{AppID: 1}
	other = protocol.GPID{AppID: 1, Index: 1}
	away  = protocol.GPID{AppID: 2}
)

func key(t require.TestingT, hash string) []byte {
	k, err := protocol.AppendKey(nil, []byte(hash), []byte("s"))
	require.NoError(t, err)
	return k
}

func request(rpc protocol.RPC, p protocol.GPID, body []byte) *protocol.Request {
	return &protocol.Request{RPC: rpc, Header: protocol.Header{AppID: p.AppID, Partition: p.Index}, Body: body}
}

func newCore(storage Storage) *Core {
	return New(Config{Server: "10.0.0.1:34801", Storage: storage, Partitions: []Partition{
		{PID: home, Role: RolePrimary}, {PID: other, Role: RoleSecondary},
	}})
}

func (c *Core) testPut(t require.TestingT, now time.Time, k, value string, expire int32) protocol.UpdateResult {
	code, body := c.Execute(now, request(protocol.RPCPut, home, protocol.AppendPutArgs(nil, &protocol.PutArgs{
		Key: key(t, k), Value: []byte(value), ExpireTS: expire,
	})), nil)
	require.Equal(t, protocol.CodeOK, code)
	r, err := protocol.ParseUpdateResult(body)
	require.NoError(t, err)
	return r
}

func (c *Core) testGet(t require.TestingT, now time.Time, k string) protocol.ReadResult {
	code, body := c.Execute(now, request(protocol.RPCGet, home, protocol.AppendKeyArgs(nil, key(t, k))), nil)
	require.Equal(t, protocol.CodeOK, code)
	r, err := protocol.ParseReadResult(body)
	require.NoError(t, err)
	return r
}

func (c *Core) testTTL(t require.TestingT, now time.Time, k string) protocol.TTLResult {
	code, body := c.Execute(now, request(protocol.RPCTTL, home, protocol.AppendKeyArgs(nil, key(t, k))), nil)
	require.Equal(t, protocol.CodeOK, code)
	r, err := protocol.ParseTTLResult(body)
	require.NoError(t, err)
	return r
}

func (c *Core) testRemove(t require.TestingT, now time.Time, k string) protocol.UpdateResult {
	code, body := c.Execute(now, request(protocol.RPCRemove, home, protocol.AppendKeyArgs(nil, key(t, k))), nil)
	require.Equal(t, protocol.CodeOK, code)
	r, err := protocol.ParseUpdateResult(body)
	require.NoError(t, err)
	return r
}

// Refusals in upstream's order: what is answered where several would apply.
func TestRefusals(t *testing.T) {
	k := protocol.AppendKeyArgs(nil, key(t, "k"))
	put := protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key(t, "k"), Value: []byte("v")})
	large := protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key(t, "k"), Value: make([]byte, 1<<20)})
	exact := protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key(t, "k")})
	exact = protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key(t, "k"), Value: make([]byte, 1<<20-len(exact))})
	require.Len(t, exact, 1<<20)
	for _, tc := range []struct {
		name   string
		rpc    protocol.RPC
		pid    protocol.GPID
		backup bool
		body   []byte
		want   protocol.ErrorCode
	}{
		{"served", protocol.RPCGet, home, false, k, protocol.CodeOK},
		{"no handler, before all else", protocol.RPCMultiGet, away, false, nil, protocol.CodeHandlerNotFound},
		{"unknown name", protocol.RPCUnknown, home, false, nil, protocol.CodeHandlerNotFound},
		{"partition of another node", protocol.RPCGet, away, false, k, protocol.CodeObjectNotFound},
		{"and too large", protocol.RPCPut, away, false, large, protocol.CodeObjectNotFound},
		{"too large a write", protocol.RPCPut, home, false, large, protocol.CodeInvalidData},
		{"a write of exactly the limit", protocol.RPCPut, home, false, exact, protocol.CodeOK},
		{"too large, on a secondary", protocol.RPCPut, other, false, large, protocol.CodeInvalidData},
		{"read of a secondary", protocol.RPCGet, other, false, k, protocol.CodeInvalidState},
		{"backup read of a secondary", protocol.RPCGet, other, true, k, protocol.CodeOK},
		{"backup ttl of a secondary", protocol.RPCTTL, other, true, k, protocol.CodeOK},
		{"write to a secondary, called backup", protocol.RPCPut, other, true, put, protocol.CodeInvalidState},
		{"remove on a secondary", protocol.RPCRemove, other, false, k, protocol.CodeInvalidState},
		{"get of garbage", protocol.RPCGet, home, false, []byte("?"), protocol.CodeInvalidData},
		{"ttl of garbage", protocol.RPCTTL, home, false, nil, protocol.CodeInvalidData},
		{"put of garbage", protocol.RPCPut, home, false, k[:4], protocol.CodeInvalidData},
		{"remove of garbage", protocol.RPCRemove, home, false, append(bytes.Clone(k), 0), protocol.CodeInvalidData},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCore(nil)
			before := c.AppendState(nil, epoch)
			r := request(tc.rpc, tc.pid, tc.body)
			r.Header.Backup = tc.backup
			code, body := c.Execute(epoch, r, []byte("dst"))
			assert.Equal(t, tc.want, code)
			if code != protocol.CodeOK {
				assert.Equal(t, "dst", string(body), "a refusal appends nothing")
				assert.Equal(t, before, c.AppendState(nil, epoch), "and changes nothing")
			}
		})
	}
}

// Bytes that are no stored key are a storage status, not a refusal.
func TestMalformedKey(t *testing.T) {
	c := newCore(nil)
	bad := []byte{0, 9, 'x'}
	code, body := c.Execute(epoch, request(protocol.RPCGet, home, protocol.AppendKeyArgs(nil, bad)), nil)
	require.Equal(t, protocol.CodeOK, code)
	read, err := protocol.ParseReadResult(body)
	require.NoError(t, err)
	assert.Equal(t, protocol.StatusInvalidArgument, read.Status)
	for rpc, args := range map[protocol.RPC][]byte{
		protocol.RPCPut:    protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: bad}),
		protocol.RPCRemove: protocol.AppendKeyArgs(nil, bad),
	} {
		code, body = c.Execute(epoch, request(rpc, home, args), nil)
		require.Equal(t, protocol.CodeOK, code)
		update, err := protocol.ParseUpdateResult(body)
		require.NoError(t, err)
		assert.Equal(t, protocol.StatusInvalidArgument, update.Status)
	}
}

func TestExpiry(t *testing.T) {
	c := newCore(nil)
	at := protocol.EpochSeconds(epoch) + 10
	c.testPut(t, epoch, "k", "v", at)
	assert.EqualValues(t, 10, c.testTTL(t, epoch, "k").TTLSeconds)
	last := epoch.Add(10*time.Second - 1)
	assert.Equal(t, protocol.StatusOK, c.testGet(t, last, "k").Status)
	gone := epoch.Add(10 * time.Second)
	assert.Equal(t, protocol.StatusNotFound, c.testGet(t, gone, "k").Status)
	assert.Equal(t, protocol.StatusNotFound, c.testTTL(t, gone, "k").Status)
	c.testPut(t, gone, "k", "again", 0)
	assert.EqualValues(t, -1, c.testTTL(t, gone, "k").TTLSeconds)
}

func TestAnswersCarryWhoAnswered(t *testing.T) {
	c := newCore(nil)
	for i := int64(1); i <= 2; i++ {
		u := c.testPut(t, epoch, "k", "v", 0)
		assert.Equal(t, i, u.Decree)
		assert.Equal(t, "10.0.0.1:34801", string(u.Server))
		assert.Equal(t, home.AppID, u.AppID)
		assert.Equal(t, home.Index, u.Partition)
	}
	assert.Equal(t, protocol.StatusOK, c.testRemove(t, epoch, "absent").Status, "removing nothing succeeds")
	assert.Equal(t, "10.0.0.1:34801", string(c.testGet(t, epoch, "k").Server))
}

// What was written is there for the next node on the same storage.
func TestStorageOutlivesTheNode(t *testing.T) {
	storage := NewMemory()
	newCore(storage).testPut(t, epoch, "k", "v", 0)
	assert.Equal(t, "v", string(newCore(storage).testGet(t, epoch, "k").Value))
}

func TestPartitionsCanMove(t *testing.T) {
	c := newCore(nil)
	r := request(protocol.RPCGet, other, protocol.AppendKeyArgs(nil, key(t, "k")))
	c.SetPartition(Partition{PID: other, Role: RolePrimary})
	code, _ := c.Execute(epoch, r, nil)
	assert.Equal(t, protocol.CodeOK, code)
	c.DropPartition(other)
	code, _ = c.Execute(epoch, r, nil)
	assert.Equal(t, protocol.CodeObjectNotFound, code)
}

// Who learns late of an older ballot, or never, does not fall back behind a newer one.
func TestOlderBallotsAreNotTaken(t *testing.T) {
	c := newCore(nil)
	r := request(protocol.RPCGet, other, protocol.AppendKeyArgs(nil, key(t, "k")))
	assert.True(t, c.SetPartition(Partition{PID: other, Role: RolePrimary, Ballot: 3}))
	assert.True(t, c.SetPartition(Partition{PID: other, Role: RoleSecondary, Ballot: 4}))
	assert.False(t, c.SetPartition(Partition{PID: other, Role: RolePrimary, Ballot: 3}))
	code, _ := c.Execute(epoch, r, nil)
	assert.Equal(t, protocol.CodeInvalidState, code)
	assert.True(t, c.SetPartition(Partition{PID: other, Role: RolePrimary, Ballot: 4}))
	code, _ = c.Execute(epoch, r, nil)
	assert.Equal(t, protocol.CodeOK, code)
	state := c.AppendState(nil, epoch)
	c.SetPartition(Partition{PID: other, Role: RolePrimary, Ballot: 5})
	assert.NotEqual(t, state, c.AppendState(nil, epoch), "the ballot decides what is taken later")
}

// What a new primary begins with is what the one before had, and nothing of its own.
func TestPartitionIsCopied(t *testing.T) {
	from, to := NewMemory(), NewMemory()
	from.Put(other, []byte("a"), []byte("1"), 7)
	from.Put(other, []byte("b"), []byte("2"), 0)
	to.Put(other, []byte("c"), []byte("3"), 0)
	to.Put(home, []byte("c"), []byte("4"), 0)
	used := from.used + int64(len("c4")) + recordOverhead
	from.CopyPartition(other, to)
	row, status := to.Get(other, []byte("a"))
	assert.Equal(t, protocol.StatusOK, status)
	assert.Equal(t, "1", string(row.Value))
	assert.EqualValues(t, 7, row.ExpireTS)
	_, status = to.Get(other, []byte("c"))
	assert.Equal(t, protocol.StatusNotFound, status)
	_, status = to.Get(home, []byte("c"))
	assert.Equal(t, protocol.StatusOK, status)
	assert.Equal(t, used, to.used)
	decree, _ := to.Put(other, []byte("b"), []byte("5"), 0)
	assert.EqualValues(t, 3, decree, "decrees go on")
	row, _ = from.Get(other, []byte("b"))
	assert.Equal(t, "2", string(row.Value), "and it is a copy")
	NewMemory().CopyPartition(other, to)
	_, status = to.Get(other, []byte("a"))
	assert.Equal(t, protocol.StatusNotFound, status, "nothing is copied too")
}

func TestFullStorage(t *testing.T) {
	row := int64(len(key(t, "a"))+1) + recordOverhead
	c := newCore(NewMemoryOf(2 * row))
	soon := protocol.EpochSeconds(epoch) + 1
	require.Equal(t, protocol.StatusOK, c.testPut(t, epoch, "a", "1", soon).Status)
	require.Equal(t, protocol.StatusOK, c.testPut(t, epoch, "b", "2", 0).Status)
	assert.Equal(t, protocol.StatusIOError, c.testPut(t, epoch, "c", "3", 0).Status, "full")
	assert.Equal(t, protocol.StatusNotFound, c.testGet(t, epoch, "c").Status, "and nothing was written")
	assert.Equal(t, protocol.StatusIOError, c.testPut(t, epoch, "b", "22", 0).Status, "growing a row counts")
	assert.Equal(t, "2", string(c.testGet(t, epoch, "b").Value))
	assert.Equal(t, protocol.StatusOK, c.testPut(t, epoch, "b", "5", 0).Status, "replacing it does not")
	later := epoch.Add(time.Second)
	assert.Equal(t, protocol.StatusOK, c.testPut(t, later, "c", "3", 0).Status, "an expired row makes room")
	assert.Equal(t, protocol.StatusOK, c.testRemove(t, later, "c").Status)
	assert.Equal(t, protocol.StatusOK, c.testPut(t, later, "d", "4", 0).Status, "so does a removed one")
}

// What a Memory holds is what it counts: a row whose value has become short gives back what a
// long one took, or the limit would be none.
func TestShortValuesTakeLittle(t *testing.T) {
	m := NewMemory()
	for _, size := range []int{1 << 20, 1 << 10, 10, 0} {
		m.Put(home, []byte("k"), make([]byte, size), 0)
		assert.LessOrEqual(t, cap(m.partitions[home].rows["k"].value), 2*size+recordOverhead)
		assert.EqualValues(t, 1+size+recordOverhead, m.used)
	}
}

// Reclaim finds every expired row, whichever ways rows come, go and change.
func TestReclaimFindsWhatHasExpired(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewMemory()
		now := protocol.EpochSeconds(epoch)
		rows := make(map[string]int32)
		put := func(t *rapid.T) {
			k := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "key")
			rows[k] = max(rapid.Int32Range(-1, 9).Draw(t, "ttl"), 0)
			if rows[k] > 0 {
				rows[k] += now
			}
			m.Put(home, []byte(k), nil, rows[k])
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": put,
			"remove": func(t *rapid.T) {
				k := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "key")
				m.Remove(home, []byte(k))
				delete(rows, k)
			},
			"copy": func(*rapid.T) {
				to := NewMemory()
				to.Put(home, []byte("x"), nil, now+1)
				m.CopyPartition(home, to)
				m = to
			},
			"clone": func(*rapid.T) { m = m.Clone().(*Memory) },
			"reclaim": func(t *rapid.T) {
				now += rapid.Int32Range(-1, 3).Draw(t, "later")
				m.Reclaim(protocol.EpochTime(now))
				for k, expires := range rows {
					if expires > 0 && expires <= now {
						delete(rows, k)
					}
				}
			},
			"": func(t *rapid.T) {
				have := make(map[string]int32)
				if part := m.partitions[home]; part != nil {
					for k, row := range part.rows {
						have[k] = row.expireTS
					}
				}
				require.Equal(t, rows, have)
			},
		})
	})
}

func TestValidate(t *testing.T) {
	for want, cfg := range map[string]Config{
		"":                             {Partitions: []Partition{{PID: home, Role: RolePrimary}, {PID: other, Role: RoleSecondary}}},
		"MaxWriteBytes is -1":          {MaxWriteBytes: -1},
		"a table's id is positive":     {Partitions: []Partition{{PID: protocol.GPID{}, Role: RolePrimary}}},
		"gives 1.0 no role":            {Partitions: []Partition{{PID: home, Role: 0}}},
		"has 1.0 twice":                {Partitions: []Partition{{PID: home, Role: RolePrimary}, {PID: home, Role: RoleSecondary}}},
		"has 1.-1; a table's id is po": {Partitions: []Partition{{PID: protocol.GPID{AppID: 1, Index: -1}, Role: RolePrimary}}},
	} {
		err := cfg.Validate()
		if want == "" {
			assert.NoError(t, err)
			continue
		}
		var typed *ConfigError
		require.ErrorAs(t, err, &typed)
		assert.ErrorContains(t, err, want)
	}
}

// The core against a map, over restarts and with copies.
func TestAgainstAMap(t *testing.T) {
	type row struct {
		value  string
		expire int32
	}
	rapid.Check(t, func(t *rapid.T) {
		now, storage, want := epoch, Storage(NewMemory()), map[string]row{}
		c := newCore(storage)
		keys := rapid.SampledFrom([]string{"a", "b", "c"})
		live := func(k string) (row, bool) {
			r, ok := want[k]
			return r, ok && (r.expire == 0 || protocol.EpochTime(r.expire).After(now))
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, v := keys.Draw(t, "key"), rapid.StringN(0, 4, 8).Draw(t, "value")
				r := row{v, 0}
				if ttl := rapid.Int32Range(0, 3).Draw(t, "ttl"); ttl > 0 {
					r.expire = protocol.EpochSeconds(now) + ttl
				}
				want[k] = r
				require.Equal(t, protocol.StatusOK, c.testPut(t, now, k, v, r.expire).Status)
			},
			"remove": func(t *rapid.T) {
				k := keys.Draw(t, "key")
				delete(want, k)
				require.Equal(t, protocol.StatusOK, c.testRemove(t, now, k).Status)
			},
			"read": func(t *rapid.T) {
				k := keys.Draw(t, "key")
				r, ok := live(k)
				got, ttl := c.testGet(t, now, k), c.testTTL(t, now, k)
				require.Equal(t, got.Status, ttl.Status)
				if !ok {
					require.Equal(t, protocol.StatusNotFound, got.Status)
					return
				}
				require.Equal(t, r.value, string(got.Value))
				require.Equal(t, protocol.RemainingTTL(r.expire, now), ttl.TTLSeconds)
			},
			"restart": func(*rapid.T) { c = newCore(storage) },
			"reclaim": func(*rapid.T) { storage.Reclaim(now) },
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "by")))
			},
			"copy": func(t *rapid.T) {
				before := c.AppendState(nil, now)
				d := c.Clone()
				require.Equal(t, before, d.AppendState(nil, now))
				d.testPut(t, now, "a", "only in the copy, where it is long", 0)
				d.testRemove(t, now, "b")
				require.Equal(t, before, c.AppendState(nil, now), "a copy is independent")
			},
		})
	})
}

// Equal rows are equal bytes, whatever way led there, but for the room that is left.
func TestStateIsCanonical(t *testing.T) {
	a, b := newCore(nil), newCore(nil)
	a.testPut(t, epoch, "x", "1", 0)
	a.testPut(t, epoch, "y", "2", protocol.EpochSeconds(epoch)+60)
	for i := range 5 {
		b.testPut(t, epoch, "y", fmt.Sprint(i), 0)
	}
	b.testRemove(t, epoch, "x")
	later := epoch.Add(time.Hour)
	b.testPut(t, later, "y", "2", protocol.EpochSeconds(later)+60)
	b.testPut(t, later, "x", "1", 0)
	assert.Equal(t, a.AppendState(nil, epoch), b.AppendState(nil, later))
	assert.NotEqual(t, a.AppendState(nil, epoch), a.AppendState(nil, epoch.Add(time.Second)), "expiry is nearer")
}

func FuzzExecute(f *testing.F) {
	f.Add(uint8(0), []byte{}, false)
	f.Add(uint8(1), protocol.AppendKeyArgs(nil, []byte{0, 1, 'k'}), true)
	f.Add(uint8(2), protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: []byte{0, 1, 'k'}, Value: []byte("v"), ExpireTS: -5}), false)
	rpcs := []protocol.RPC{protocol.RPCGet, protocol.RPCTTL, protocol.RPCPut, protocol.RPCRemove}
	f.Fuzz(func(t *testing.T, rpc uint8, body []byte, backup bool) {
		c := newCore(NewMemoryOf(1 << 10))
		r := request(rpcs[int(rpc)%len(rpcs)], home, body)
		r.Header.Backup = backup
		code, out := c.Execute(epoch, r, nil)
		if code != protocol.CodeOK && len(out) != 0 {
			t.Fatalf("%v with %d bytes", code, len(out))
		}
		if code != protocol.CodeOK && code != protocol.CodeInvalidData {
			t.Fatalf("refused with %v", code)
		}
		if c.storage.(*Memory).used > 1<<10 {
			t.Fatal("storage beyond its limit")
		}
	})
}

// BenchmarkMemoryFull is a Put that is refused for want of room, and what is looked for to make some.
func BenchmarkMemoryFull(b *testing.B) {
	const rows = 100_000
	c := newCore(NewMemoryOf(rows * (int64(len(key(b, "000000"))) + recordOverhead)))
	soon := protocol.EpochSeconds(epoch) + 1
	for i := range rows {
		c.testPut(b, epoch, fmt.Sprintf("%06d", i), "", soon)
	}
	b.ReportAllocs()
	for b.Loop() {
		if c.testPut(b, epoch, "another", "", 0).Status != protocol.StatusIOError {
			b.Fatal("there was room")
		}
	}
}

func BenchmarkMemoryGet(b *testing.B) {
	m, k := NewMemory(), key(b, "k")
	m.Put(home, k, make([]byte, 100), 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, status := m.Get(home, k); status != protocol.StatusOK {
			b.Fatal(status)
		}
	}
}
