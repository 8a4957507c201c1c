package upstream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

// TestGoClientTotal is TestClientTotal for the Go client: any events in any order do not
// break it, it uses only connections that it has, and completes every operation once, by its
// deadline. Its minute between dials is cut to three seconds, so that runs get beyond it.
func TestGoClientTotal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &fuzzed{
			hand:  newGoHand(rt, upstream.GoConfig{DialInterval: 3 * time.Second, ReadTimeout: 5 * time.Second}).hand,
			conns: make(map[protocol.ConnID]connState), written: make(map[protocol.ConnID][]protocol.Request),
			deadline: make(map[upstream.OpID]time.Time),
		}
		rt.Repeat(map[string]func(*rapid.T){
			"open":    func(*rapid.T) { f.open() },
			"submit":  func(*rapid.T) { f.submit() },
			"dial":    f.dial,
			"answer":  f.reply,
			"garbage": func(rt *rapid.T) { f.receive(f.conn(rt), rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "bytes")) },
			"close": func(rt *rapid.T) {
				if id := f.conn(rt); f.conns[id] == established {
					f.conns[id] = ended
					f.step(upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: id})
				}
			},
			"stray": func(rt *rapid.T) {
				f.step(upstream.ClientEvent{Kind: upstream.ClientEventKind(rapid.IntRange(0, 10).Draw(rt, "kind")), ID: 1 << 40, Timer: 1 << 40, Conn: 1 << 40})
				delete(f.done, 1<<40)
			},
			"pass": func(rt *rapid.T) {
				f.pass(time.Duration(rapid.IntRange(1, 12_000).Draw(rt, "ms")) * time.Millisecond)
			},
		})
		f.pass(time.Minute)
		for id, deadline := range f.deadline {
			require.Len(rt, f.done[id], 1, "operation %d", id)
			require.False(rt, f.done[id][0].After(deadline), "operation %d completed at its time", id)
		}
	})
}
