// The checker against a brute-force search that knows nothing of evidence, records or
// porcupine, on small histories of every sort.

package linearizability_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/linearizability"
)

// register state of one record in the oracle.
type cell struct {
	there, expires bool
	value          string
}

// linearizable tries every order of the operations that are left.
func linearizable(h linearizability.History, store map[string]cell) bool {
	done := true
	for i, op := range h {
		if op.Outcome == ok {
			done = false
		}
		if !mayBeNext(h, i) {
			continue
		}
		rest := append(append(linearizability.History{}, h[:i]...), h[i+1:]...)
		key := fmt.Sprintf("%q %q", op.HashKey, op.SortKey)
		before := store[key]
		if after, fits := run(before, op); fits {
			store[key] = after
			if linearizable(rest, store) {
				return true
			}
			store[key] = before
		}
	}
	return done // unknown writes that are left never take effect
}

// mayBeNext says that no other operation returned before this one was invoked.
func mayBeNext(h linearizability.History, i int) bool {
	for j, other := range h {
		if j != i && other.Outcome == ok && other.ReturnNS < h[i].InvokeNS {
			return false
		}
	}
	return true
}

func run(c cell, op linearizability.Operation) (cell, bool) {
	switch op.Kind {
	case linearizability.Put:
		return cell{there: true, expires: op.ExpireNS != 0, value: op.Value}, true
	case linearizability.Remove:
		return cell{}, true
	}
	if !op.Found {
		return c, !c.there || c.expires
	}
	if op.Kind == linearizability.TTL {
		return c, c.there && c.expires == (op.TTLSeconds >= 0)
	}
	return c, c.there && c.value == op.Result
}

// relevant leaves what the definition speaks of: what took effect or may have.
func relevant(h linearizability.History) (out linearizability.History) {
	for _, op := range h {
		if op.Outcome == ok || op.Outcome == unknown && op.Kind.IsWrite() {
			out = append(out, op)
		}
	}
	return out
}

func drawOperation(t *rapid.T) linearizability.Operation {
	op := linearizability.Operation{
		Kind:    rapid.SampledFrom([]linearizability.Kind{linearizability.Get, linearizability.Get, linearizability.Put, linearizability.Put, linearizability.Remove, linearizability.TTL}).Draw(t, "kind"),
		HashKey: "h", SortKey: rapid.SampledFrom([]string{"s", "s", "s", "r"}).Draw(t, "sort key"),
		InvokeNS: rapid.Int64Range(0, 12).Draw(t, "from"),
		Outcome:  rapid.SampledFrom([]linearizability.Outcome{ok, ok, ok, unknown, unknown, failed}).Draw(t, "outcome"),
	}
	op.ReturnNS = op.InvokeNS + rapid.Int64Range(0, 6).Draw(t, "for")
	value := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "value")
	switch op.Kind {
	case linearizability.Put:
		op.Value = value
		if rapid.IntRange(0, 5).Draw(t, "expires") == 0 {
			op.ExpireNS = 100
		}
	case linearizability.Get:
		if op.Found = rapid.IntRange(0, 3).Draw(t, "found") > 0; op.Found {
			op.Result = value
		}
	case linearizability.TTL:
		op.Found = rapid.Bool().Draw(t, "found")
		op.TTLSeconds = rapid.SampledFrom([]int32{-1, -1, 5}).Draw(t, "ttl")
	}
	return op
}

func TestVerdictsAreTheOracles(t *testing.T) {
	verdicts := make(map[linearizability.Verdict]int)
	rapid.Check(t, func(t *rapid.T) {
		h := linearizability.History(rapid.SliceOfN(rapid.Custom(drawOperation), 1, 7).Draw(t, "history"))
		want := linearizability.Violation
		if linearizable(relevant(h), make(map[string]cell)) {
			want = linearizability.Held
		}
		got := linearizability.Check(h, time.Minute)
		require.Equal(t, want.String(), got.Verdict.String())
		verdicts[want]++
	})
	require.Greater(t, verdicts[linearizability.Held], 5, "enough of both sorts")
	require.Greater(t, verdicts[linearizability.Violation], 5, "enough of both sorts")
}
