// Histories whose verdict is known.

package linearizability_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/linearizability"
)

const (
	ok      = linearizability.OK
	failed  = linearizability.Failed
	unknown = linearizability.Unknown
)

// put, remove, get, absent and ttl make operations on one record between two instants.
func put(from, to int64, value string) linearizability.Operation {
	return linearizability.Operation{Kind: linearizability.Put, HashKey: "h", SortKey: "s", Value: value, InvokeNS: from, ReturnNS: to, Outcome: ok}
}

func remove(from, to int64) linearizability.Operation {
	return linearizability.Operation{Kind: linearizability.Remove, HashKey: "h", SortKey: "s", InvokeNS: from, ReturnNS: to, Outcome: ok}
}

func get(from, to int64, value string) linearizability.Operation {
	return linearizability.Operation{
		Kind: linearizability.Get, HashKey: "h", SortKey: "s", InvokeNS: from, ReturnNS: to, Outcome: ok, Found: true, Result: value,
	}
}

func absent(from, to int64) linearizability.Operation {
	return linearizability.Operation{Kind: linearizability.Get, HashKey: "h", SortKey: "s", InvokeNS: from, ReturnNS: to, Outcome: ok}
}

func ttl(from, to int64, seconds int32) linearizability.Operation {
	return linearizability.Operation{
		Kind: linearizability.TTL, HashKey: "h", SortKey: "s", InvokeNS: from, ReturnNS: to, Outcome: ok, Found: true, TTLSeconds: seconds,
	}
}

// with changes what an operation came to.
func with(outcome linearizability.Outcome, op linearizability.Operation) linearizability.Operation {
	op.Outcome = outcome
	return op
}

// of moves an operation to another record.
func of(hashKey, sortKey string, op linearizability.Operation) linearizability.Operation {
	op.HashKey, op.SortKey = hashKey, sortKey
	return op
}

// until makes a put expire.
func until(expireNS int64, op linearizability.Operation) linearizability.Operation {
	op.ExpireNS = expireNS
	return op
}

func TestVerdicts(t *testing.T) {
	type history = linearizability.History
	for _, c := range []struct {
		name    string
		history history
		want    linearizability.Verdict
	}{
		{"nothing", nil, linearizability.Held},
		{"one after another", history{absent(0, 1), put(2, 3, "a"), get(4, 5, "a"), remove(6, 7), absent(8, 9)}, linearizability.Held},
		{"planted stale read", history{put(0, 1, "a"), put(2, 3, "b"), get(4, 5, "a")}, linearizability.Violation},
		{"stale absence", history{put(0, 1, "a"), absent(2, 3)}, linearizability.Violation},
		{"stale presence", history{put(0, 1, "a"), remove(2, 3), get(4, 5, "a")}, linearizability.Violation},
		{"value that nobody wrote", history{put(0, 1, "a"), get(2, 3, "b")}, linearizability.Violation},
		{"read beside a write, before", history{put(0, 1, "a"), put(2, 9, "b"), get(3, 4, "a")}, linearizability.Held},
		{"read beside a write, after", history{put(0, 1, "a"), put(2, 9, "b"), get(3, 4, "b")}, linearizability.Held},
		{"new and then old beside a write", history{put(0, 1, "a"), put(2, 9, "b"), get(3, 4, "b"), get(5, 6, "a")}, linearizability.Violation},
		{"read before the write was invoked", history{get(0, 1, "a"), put(2, 3, "a")}, linearizability.Violation},
		{"touching instants are concurrent", history{put(0, 5, "a"), absent(5, 6)}, linearizability.Held},

		{"failed write is not seen", history{put(0, 1, "a"), with(failed, put(2, 3, "b")), get(4, 5, "a")}, linearizability.Held},
		{"failed write is seen", history{with(failed, put(0, 1, "a")), get(2, 3, "a")}, linearizability.Violation},
		{"failed and unknown reads say nothing", history{put(0, 1, "a"), with(failed, get(2, 3, "x")), with(unknown, get(2, 3, "y"))}, linearizability.Held},

		{"unknown write is seen", history{with(unknown, put(0, 1, "a")), get(2, 3, "a")}, linearizability.Held},
		{"unknown write is not seen", history{put(0, 1, "a"), with(unknown, put(2, 3, "b")), get(4, 5, "a")}, linearizability.Held},
		{"unknown write is seen late", history{put(0, 1, "a"), with(unknown, put(2, 3, "b")), get(4, 5, "a"), get(60, 70, "b")}, linearizability.Held},
		{"unknown write that never returned", history{with(unknown, put(2, 0, "b")), get(60, 70, "b")}, linearizability.Held},
		{"unknown write is seen and undone", history{put(0, 1, "a"), with(unknown, put(2, 3, "b")), get(4, 5, "b"), get(6, 7, "a")}, linearizability.Violation},
		{"unknown write is seen before it was invoked", history{get(0, 1, "a"), with(unknown, put(2, 3, "a"))}, linearizability.Violation},
		{"unknown write takes effect twice", history{
			with(unknown, put(0, 1, "a")), get(2, 3, "a"), put(4, 5, "b"), get(6, 7, "b"), get(8, 9, "a"),
		}, linearizability.Violation},
		{"two unknown writes of one value", history{
			with(unknown, put(0, 1, "a")), with(unknown, put(0, 1, "a")), get(2, 3, "a"), put(4, 5, "b"), get(6, 7, "b"), get(8, 9, "a"),
		}, linearizability.Held},
		{"unknown remove is seen", history{put(0, 1, "a"), with(unknown, remove(2, 3)), get(4, 5, "a"), absent(6, 7)}, linearizability.Held},
		{"unknown remove is seen and undone", history{put(0, 1, "a"), with(unknown, remove(2, 3)), absent(4, 5), get(6, 7, "a")}, linearizability.Violation},
		{"unknown write explains ttl", history{with(unknown, put(0, 1, "a")), ttl(2, 3, -1)}, linearizability.Held},

		{"ttl of what never expires", history{put(0, 1, "a"), ttl(2, 3, -1)}, linearizability.Held},
		{"ttl of what is absent", history{ttl(2, 3, -1)}, linearizability.Violation},
		{"ttl finds nothing", history{with(ok, linearizability.Operation{Kind: linearizability.TTL, HashKey: "h", SortKey: "s"})}, linearizability.Held},
		{"ttl where there is none", history{put(0, 1, "a"), ttl(2, 3, 7)}, linearizability.Violation},
		{"no ttl where there is one", history{until(90, put(0, 1, "a")), ttl(2, 3, -1)}, linearizability.Violation},
		{"ttl where there is one", history{until(90, put(0, 1, "a")), ttl(2, 3, 7)}, linearizability.Held},
		{"expiry by any clock", history{until(90, put(0, 1, "a")), absent(2, 3), get(4, 5, "a")}, linearizability.Held},
		{"expiry does not bring back", history{put(0, 1, "a"), until(90, put(2, 3, "b")), absent(4, 5), get(6, 7, "a")}, linearizability.Violation},
		{"unknown write that expires explains absence", history{put(0, 1, "a"), with(unknown, until(90, put(2, 3, "b"))), absent(4, 5)}, linearizability.Held},

		{"same value, which expires now", history{put(0, 1, "a"), until(90, put(2, 9, "a")), absent(4, 5)}, linearizability.Held},
		{"same value, which expires no more", history{until(90, put(0, 1, "a")), put(2, 3, "a"), absent(4, 5)}, linearizability.Violation},

		{"records do not mix", history{of("h", "1", put(0, 1, "a")), of("h", "2", absent(2, 3)), of("g", "1", absent(2, 3))}, linearizability.Held},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := linearizability.Check(c.history, time.Minute)
			require.NoError(t, result.Err)
			assert.Equal(t, c.want.String(), result.Verdict.String())
			if c.want == linearizability.Violation {
				assert.Equal(t, "h", result.Key)
				assert.Equal(t, "s", result.SortKey)
			} else {
				assert.Empty(t, result.Key)
			}
			reversed := make(linearizability.History, 0, len(c.history))
			for i := range c.history {
				reversed = append(reversed, c.history[len(c.history)-1-i])
			}
			assert.Equal(t, result.Verdict, linearizability.Check(reversed, 0).Verdict, "the order of the slice says nothing")
		})
	}
}

func TestExpiryByClocksThatAreKnown(t *testing.T) {
	const second = int64(time.Second)
	type history = linearizability.History
	write := until(10*second, put(0, 1, "a"))
	for _, c := range []struct {
		name string
		read linearizability.Operation
		skew time.Duration
		want linearizability.Verdict
	}{
		{"there before", get(9*second, 9*second+1, "a"), 0, linearizability.Held},
		{"gone before", absent(9*second, 9*second+1), 0, linearizability.Violation},
		{"gone before, clock ahead", absent(9*second, 9*second+1), time.Second, linearizability.Held},
		{"gone at the instant", absent(9*second, 10*second), 0, linearizability.Held},
		{"there after", get(10*second, 11*second, "a"), 0, linearizability.Violation},
		{"there after, clock behind", get(10*second, 11*second, "a"), 1, linearizability.Held},
		{"gone after", absent(10*second, 11*second), 0, linearizability.Held},
		{"ttl, rounded up", ttl(4*second+1, 4*second+2, 6), 0, linearizability.Held},
		{"ttl on the second", ttl(4*second, 4*second, 6), 0, linearizability.Held},
		{"ttl too short", ttl(4*second+1, 4*second+2, 5), 0, linearizability.Violation},
		{"ttl too long", ttl(4*second+1, 4*second+2, 7), 0, linearizability.Violation},
		{"ttl while a second passes", ttl(4*second-1, 4*second+1, 6), 0, linearizability.Held},
		{"ttl while a second passes, before it", ttl(4*second-1, 4*second+1, 7), 0, linearizability.Held},
		{"ttl too long, clock behind", ttl(4*second+1, 4*second+2, 7), time.Second, linearizability.Held},
		{"ttl of none", ttl(4*second, 4*second, -1), 0, linearizability.Violation},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := linearizability.CheckWith(history{write, c.read}, linearizability.Options{ClockSkew: c.skew})
			assert.Equal(t, c.want.String(), result.Verdict.String())
		})
	}
}

// What never expires is there, whatever is known of clocks.
func TestNoExpiryByClocksThatAreKnown(t *testing.T) {
	const hour = int64(time.Hour)
	for _, skew := range []time.Duration{0, time.Second, linearizability.AnyClock} {
		for want, read := range map[linearizability.Verdict][]linearizability.Operation{
			linearizability.Held:      {get(hour, hour+1, "a"), ttl(hour, hour+1, -1)},
			linearizability.Violation: {absent(hour, hour+1), ttl(hour, hour+1, 0)},
		} {
			for _, op := range read {
				result := linearizability.CheckWith(linearizability.History{put(0, 1, "a"), op}, linearizability.Options{ClockSkew: skew})
				assert.Equal(t, want.String(), result.Verdict.String(), "%v by %v", op, skew)
			}
		}
	}
}

// hard is a history that cannot be linearized, which no search can know quickly: the
// writes overlap, and two reads after them differ.
func hard(hashKey string) (h linearizability.History) {
	for i := range 40 {
		h = append(h, of(hashKey, "s", put(0, 100, fmt.Sprint(i))))
	}
	return append(h, of(hashKey, "s", get(200, 201, "1")), of(hashKey, "s", get(202, 203, "2")))
}

func TestTimeoutIsInconclusive(t *testing.T) {
	for _, timeout := range []time.Duration{1, 50 * time.Millisecond} { // the shortest is no time, not no time-out
		result := linearizability.Check(hard("h"), timeout)
		assert.Equal(t, linearizability.Inconclusive, result.Verdict)
		assert.NoError(t, result.Err)
		assert.Equal(t, "h", result.Key)
	}
}

// Unknown puts of values that nobody gets do not double the search each, because a ttl at the
// end might have seen one of them.
func TestUnknownPutsThatOnlyATTLCanHaveSeen(t *testing.T) {
	var h linearizability.History
	for i := range int64(26) {
		h = append(h, with(unknown, put(i, 30, fmt.Sprint("unknown", i))))
	}
	h = append(h, absent(40, 41), put(50, 70, "first"), put(51, 60, "second"), get(80, 81, "second"), ttl(90, 91, -1))
	require.Equal(t, linearizability.Held, linearizability.Check(h, 20*time.Second).Verdict, "none of them")
	seen := linearizability.History{with(unknown, put(0, 10, "unknown")), put(20, 30, "known"), remove(40, 50), ttl(60, 70, -1)}
	require.Equal(t, linearizability.Held, linearizability.Check(seen, 0).Verdict, "it was the unknown one")
	seen[0].InvokeNS, seen[0].ReturnNS = 80, 90
	require.Equal(t, linearizability.Violation, linearizability.Check(seen, 0).Verdict, "which came later")
}

func TestViolationIsToldAlthoughOthersTakeTooLong(t *testing.T) {
	history := append(hard("a"), of("b", "s", get(0, 1, "never written")))
	result := linearizability.Check(history, 2*time.Second) // of which b has a quarter, and needs next to nothing
	assert.Equal(t, linearizability.Violation, result.Verdict)
	assert.Equal(t, "b", result.Key)
}

func TestHistoriesThatContradictThemselves(t *testing.T) {
	for name, op := range map[string]linearizability.Operation{
		"no kind":                  {ID: 7, Outcome: ok},
		"a kind beyond the last":   {ID: 7, Kind: linearizability.TTL + 1, Outcome: ok},
		"no outcome":               {ID: 7, Kind: linearizability.Get},
		"an outcome beyond":        {ID: 7, Kind: linearizability.Get, Outcome: unknown + 1},
		"returned before invoking": {ID: 7, Kind: linearizability.Get, Outcome: ok, InvokeNS: 2, ReturnNS: 1},
	} {
		result := linearizability.Check(linearizability.History{op}, 0)
		assert.Equal(t, linearizability.Inconclusive, result.Verdict, name)
		var herr *linearizability.HistoryError
		require.ErrorAs(t, result.Err, &herr, name)
		assert.EqualValues(t, 7, herr.ID)
		assert.ErrorContains(t, result.Err, "operation 7")
	}
}

func TestVerdictIsTheSameEveryTime(t *testing.T) {
	history := append(register(3, 400, 8, 8), put(0, 1, "a"), get(2, 3, "b"))
	first := linearizability.Check(history, 0)
	require.Equal(t, linearizability.Violation, first.Verdict)
	for range 5 {
		again := linearizability.Check(history, 0)
		assert.Equal(t, first.Verdict, again.Verdict)
		assert.Equal(t, first.Key, again.Key)
		assert.Equal(t, first.SortKey, again.SortKey)
		assert.Equal(t, first.Operations, again.Operations)
	}
}

// register simulates n operations of some clients on the records of one store, every
// fifth put told as unknown: half of those took effect.
func register(seed uint64, n, clients, keys int) linearizability.History {
	random := rand.New(rand.NewPCG(seed, 0))
	store := make(map[string]string)
	h := make(linearizability.History, 0, n)
	free := make([]int64, clients)
	at := int64(0)
	for i := range n {
		at += 5 + random.Int64N(10) // the instant at which it takes effect
		client := i % clients
		from := max(free[client]+1, at-random.Int64N(40))
		if from > at {
			from = at
		}
		to := at + random.Int64N(40)
		free[client] = to
		key := fmt.Sprint("k", random.IntN(keys))
		op := linearizability.Operation{Client: client, ID: uint64(i), HashKey: key, SortKey: "s", InvokeNS: from, ReturnNS: to, Outcome: ok}
		switch n := random.IntN(20); {
		case n < 9:
			op.Kind, op.Value = linearizability.Put, fmt.Sprint("v", i)
			effect := true
			if random.IntN(5) == 0 {
				op.Outcome, effect = unknown, random.IntN(2) == 0
			}
			if effect {
				store[key] = op.Value
			}
		case n < 10:
			op.Kind = linearizability.Remove
			delete(store, key)
		case n < 19:
			op.Kind = linearizability.Get
			op.Result, op.Found = store[key]
		default:
			op.Kind, op.TTLSeconds = linearizability.TTL, -1
			_, op.Found = store[key]
		}
		h = append(h, op)
	}
	return h
}

func TestRealRegistersHold(t *testing.T) {
	for seed := range uint64(30) {
		result := linearizability.Check(register(seed, 500, 8, 8), time.Minute)
		require.Equal(t, linearizability.Held, result.Verdict, "seed %d, key %s", seed, result.Key)
		require.Positive(t, result.Operations)
	}
}

func TestPage(t *testing.T) {
	history := linearizability.History{
		put(0, 1, "first value"), put(2, 3, "b"), get(4, 5, "first value"), with(unknown, put(4, 5, "first value")),
		of("other", "s", put(0, 1, "elsewhere")), until(9, put(6, 7, "brief")), ttl(8, 8, 1), remove(9, 10), absent(11, 12),
	}
	history = append(history[:3:3], history[4:]...)
	result := linearizability.Check(history, 0)
	require.Equal(t, linearizability.Violation, result.Verdict)
	var page bytes.Buffer
	require.NoError(t, result.Visualization.WriteHTML(&page, linearizability.Annotation{Who: "replica-1", FromNS: 2, ToNS: 4, Description: "power lost"}))
	assert.Contains(t, page.String(), "<html")
	assert.Contains(t, page.String(), "first value")
	assert.Contains(t, page.String(), "power lost")
	assert.NotContains(t, page.String(), "elsewhere", "only the key that is violated")

	page.Reset()
	require.NoError(t, linearizability.Check(history[4:5], 0).Visualization.WriteHTML(&page))
	assert.Contains(t, page.String(), "brief")
	page.Reset()
	require.NoError(t, linearizability.Result{}.Visualization.WriteHTML(&page))
	assert.Contains(t, page.String(), "<html")

	err := result.Visualization.WriteHTML(refusing{})
	assert.ErrorIs(t, err, errRefused)
}

type refusing struct{}

var errRefused = fmt.Errorf("no space")

func (refusing) Write([]byte) (int, error) { return 0, errRefused }

func TestNames(t *testing.T) {
	assert.Equal(t, "no verdict", linearizability.Verdict(0).String())
	assert.Equal(t, "unknown kind", linearizability.Kind(0).String())
	assert.Equal(t, "ttl", linearizability.TTL.String())
	assert.True(t, linearizability.Remove.IsWrite())
	assert.False(t, linearizability.TTL.IsWrite())
}

// BenchmarkCheck checks 10,000 operations of 8 clients on 8 keys, a fifth of the writes unknown.
func BenchmarkCheck(b *testing.B) {
	history := register(1, 10_000, 8, 8)
	b.ReportAllocs()
	for b.Loop() {
		if result := linearizability.Check(history, time.Minute); result.Verdict != linearizability.Held {
			b.Fatal(result.Verdict, result.Key)
		}
	}
}

// BenchmarkCheckOneKey has all 10,000 operations on one record.
func BenchmarkCheckOneKey(b *testing.B) {
	history := register(1, 10_000, 8, 1)
	b.ReportAllocs()
	for b.Loop() {
		if result := linearizability.Check(history, time.Minute); result.Verdict != linearizability.Held {
			b.Fatal(result.Verdict, result.Key)
		}
	}
}
