// What the restart tests ask, and what they judge of the answers: each value is written
// once, by one caller, and read again, so that a write that took effect twice, or after a
// later one, is a history that no single copy of the rows can have had.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/linearizability"
)

const (
	callers    = 8
	callerKeys = 16
	askedAfter = 50 // requests after each restart, of which every one must succeed
	patience   = 20 * time.Second
	sortKey    = "s"
)

// wipe is when the rows of every server went with its process, once.
type wipe struct{ from, to time.Duration }

// load is callers that never stop, and what became of their calls. Each caller has keys of
// its own.
type load struct {
	name        string
	began       time.Time // time zero of the history
	stop        chan struct{}
	wait        sync.WaitGroup
	ok, unknown atomic.Int64
	unexpected  sync.Map // error text

	mu       sync.Mutex
	history  linearizability.History // of callers that have ended
	answered int64                   // calls
	found    int64                   // reads that found a value
}

func startLoad(table *client.Table, name string, began time.Time) *load {
	l := &load{name: name, began: began, stop: make(chan struct{})}
	for caller := range callers {
		l.wait.Go(func() {
			var mine linearizability.History
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					l.keep(mine)
					return
				default:
				}
				mine = append(mine, l.call(table, caller, n))
			}
		})
	}
	return l
}

// keep adds what a caller has done to the history.
func (l *load) keep(mine linearizability.History) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history = append(l.history, mine...)
	for i := range mine {
		if mine[i].Outcome == linearizability.OK {
			l.answered++
		}
		if mine[i].Found {
			l.found++
		}
	}
}

func (l *load) now() int64 { return int64(time.Since(l.began)) }

// call writes a value that is written nowhere else, then reads it, then one that was written
// a while ago.
func (l *load) call(table *client.Table, caller, n int) linearizability.Operation {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	turn, what := n/3, n%3
	if what == 2 {
		turn += callerKeys / 2
	}
	op := linearizability.Operation{
		Client: caller, ID: uint64(n), Kind: linearizability.Get, Outcome: linearizability.OK,
		HashKey: fmt.Sprintf("%s-%d-%d", l.name, caller, turn%callerKeys), SortKey: sortKey, InvokeNS: l.now(),
	}
	var err error
	if what == 0 {
		op.Kind, op.Value = linearizability.Put, fmt.Sprintf("%s-%d-%d", l.name, caller, n)
		err = table.Put(ctx, []byte(op.HashKey), []byte(sortKey), []byte(op.Value), client.Forever)
	} else {
		var value []byte
		value, err = table.Get(ctx, []byte(op.HashKey), []byte(sortKey))
		op.Found, op.Result = err == nil, string(value)
	}
	op.ReturnNS = l.now()
	switch {
	case err == nil, what != 0 && errors.Is(err, client.ErrNotFound):
		l.ok.Add(1)
	case errors.Is(err, client.ErrUnknownOutcome):
		op.Outcome = linearizability.Unknown
		l.unknown.Add(1)
	default:
		op.Outcome = linearizability.Failed
		l.unexpected.Store(err.Error(), true)
	}
	return op
}

// end stops the callers.
func (l *load) end() {
	close(l.stop)
	l.wait.Wait()
}

// judge holds what the callers were told against one copy of the rows, which loses them
// once within each wipe and never otherwise.
func (l *load) judge(t *testing.T, wipes []wipe) {
	t.Helper()
	l.unexpected.Range(func(text, _ any) bool {
		t.Errorf("a call failed that should have been tried again: %s", text)
		return true
	})
	require.Positive(t, l.found, "nothing that was written was read")
	result := linearizability.Check(withWipes(l.history, wipes), patience)
	require.Equal(t, linearizability.Held, result.Verdict, "record %s of %d operations: %v", result.Key, result.Operations, result.Err)
}

// withWipes adds to a history that each record was removed once within each wipe.
func withWipes(history linearizability.History, wipes []wipe) linearizability.History {
	keys := make(map[string]bool)
	for i := range history {
		keys[history[i].HashKey] = true
	}
	all := slices.Clone(history)
	for n, w := range wipes {
		for key := range keys {
			all = append(all, linearizability.Operation{
				Client: callers, ID: uint64(n), Kind: linearizability.Remove, HashKey: key, SortKey: sortKey,
				InvokeNS: int64(w.from), ReturnNS: int64(w.to), Outcome: linearizability.OK,
			})
		}
	}
	return all
}

// The judge sees what it is there for.
func TestJudgeOfTheRestarts(t *testing.T) {
	put := func(from, to int64, value string, outcome linearizability.Outcome) linearizability.Operation {
		return linearizability.Operation{Kind: linearizability.Put, HashKey: "k", SortKey: sortKey, Value: value, InvokeNS: from, ReturnNS: to, Outcome: outcome}
	}
	get := func(from, to int64, value string) linearizability.Operation {
		return linearizability.Operation{Kind: linearizability.Get, HashKey: "k", SortKey: sortKey, Found: value != "", Result: value, InvokeNS: from, ReturnNS: to, Outcome: linearizability.OK}
	}
	const ok, unknown = linearizability.OK, linearizability.Unknown
	restart := []wipe{{20, 30}}
	for name, test := range map[string]struct {
		history linearizability.History
		want    linearizability.Verdict
	}{
		"gone with the process":     {linearizability.History{put(1, 2, "a", ok), get(31, 32, "")}, linearizability.Held},
		"gone without":              {linearizability.History{put(1, 2, "a", ok), get(11, 12, "")}, linearizability.Violation},
		"back after the process":    {linearizability.History{put(1, 2, "a", ok), get(31, 32, "a")}, linearizability.Violation},
		"an older value":            {linearizability.History{put(1, 2, "a", ok), put(3, 4, "b", ok), get(5, 6, "a")}, linearizability.Violation},
		"a value nobody wrote":      {linearizability.History{put(1, 2, "a", ok), get(3, 4, "c")}, linearizability.Violation},
		"an unknown write took":     {linearizability.History{put(1, 2, "a", ok), put(18, 19, "b", unknown), get(31, 32, "b")}, linearizability.Held},
		"an unknown write took not": {linearizability.History{put(1, 2, "a", ok), put(8, 9, "b", unknown), get(11, 12, "a")}, linearizability.Held},
		"a write that ran twice": {linearizability.History{
			put(1, 2, "a", unknown), get(3, 4, "a"), put(5, 6, "b", ok), get(7, 8, "b"), get(9, 10, "a"),
		}, linearizability.Violation},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, linearizability.Check(withWipes(test.history, restart), patience).Verdict)
		})
	}
}

// askAll: every request that is submitted after readiness succeeds. label makes the values
// new.
func askAll(t *testing.T, table *client.Table, label string) {
	t.Helper()
	for n := range askedAfter {
		key, want := []byte(fmt.Sprintf("after-%d", n)), fmt.Sprintf("%s-%d", label, n)
		require.NoError(t, table.Put(t.Context(), key, []byte(sortKey), []byte(want), client.Forever))
		value, err := table.Get(t.Context(), key, []byte(sortKey))
		require.NoError(t, err)
		require.Equal(t, want, string(value))
	}
}
