// What a node's crash takes along: answers that it had not given are read by nobody (R29).

package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

// refusedBy is the clause of the first refusal, or none.
func refusedBy(t *testing.T, events []trace.Event) string {
	t.Helper()
	result := validateRouting(t, events)
	if result.First == nil {
		return ""
	}
	return result.First.Clause
}

// A conversation between the ends of a connection, whose numbers may differ and of which
// the server may tell first; the node goes down before, within or after an exchange.
func TestCrashTakesAlong(t *testing.T) {
	const serverConn = 9
	for name, c := range map[string]struct {
		clause string
		spoil  func(k *talk)
	}{
		"as it was": {"", func(*talk) {}},
		"answered before": {"", func(k *talk) {
			k.insert(k.at("client", trace.KindFrameIn, 0), "server", trace.KindNodeDown, trace.Event{})
		}},
		"answered by one down": {"R29", func(k *talk) {
			k.insert(k.at("server", trace.KindFrameOut, 0), "server", trace.KindNodeDown, trace.Event{})
		}},
		"executed by one down": {"R29", func(k *talk) {
			k.insert(k.at("server", trace.KindExecute, 0), "server", trace.KindNodeDown, trace.Event{})
		}},
		"accepted by one down": {"R29", func(k *talk) {
			k.insert(k.at("server", trace.KindAccept, 0), "server", trace.KindNodeDown, trace.Event{})
		}},
		"answered by one that was": {"R29", func(k *talk) { answerLost(k, trace.KindNodeUp) }},
		"answered by one that is":  {"R29", func(k *talk) { answerLost(k, trace.KindPost) }},
	} {
		for _, number := range []uint64{1, serverConn} {
			k := &talk{}
			k.add("server", trace.KindListen, trace.Event{Addr: serverAddr})
			k.connect(1, clientAddr)
			k.get(1, 1)
			for i := range k.events {
				if k.events[i].Node == "server" && k.events[i].Conn != 0 {
					k.events[i].Conn = number
				}
			}
			c.spoil(k)
			assert.Equal(t, c.clause, refusedBy(t, k.events), "%s, conn %d at the server", name, number)
			if accept := k.at("server", trace.KindAccept, 0); number == serverConn && c.clause != "R29" {
				k.move(accept, k.at("client", trace.KindConnected, 0))
				assert.Equal(t, c.clause, refusedBy(t, k.events), "%s, the server tells first", name)
			}
		}
	}
}

// answerLost has the server go down, and perhaps come back, instead of answering.
func answerLost(k *talk, then trace.Kind) {
	i := k.at("server", trace.KindFrameOut, 0)
	k.change(i, func(ev *trace.Event) { *ev = trace.Event{AtNS: ev.AtNS, Node: "server", Kind: trace.KindNodeDown} })
	k.insert(i+1, "server", then, trace.Event{})
}

// In a run a server goes down a little earlier than it did: the last answer that a client
// had of it was written by one that was down, or never.
func TestEarlierCrashesAreRefused(t *testing.T) {
	events := searching(t, 300*time.Millisecond)
	downs := 0
	for i := range events {
		if events[i].Kind != trace.KindNodeDown {
			continue
		}
		read, written := lastAnswer(events[:i], events[i].Node)
		if read < 0 {
			continue
		}
		downs++
		down := events[i]
		earlier := func(at int) []trace.Event {
			down.AtNS = events[at].AtNS
			return slices.Insert(drop(events, i), at, down)
		}
		assert.Equal(t, "R29", refusedBy(t, earlier(written)), "written by one that is down")
		assert.Equal(t, "R29", refusedBy(t, drop(earlier(read), written)), "never written")
	}
	require.Positive(t, downs)
}

// lastAnswer finds the last frame that a client read of a server, and where the server wrote it.
func lastAnswer(events []trace.Event, server string) (read, written int) {
	for read = len(events) - 1; read >= 0; read-- {
		in := &events[read]
		if in.Kind != trace.KindFrameIn || in.Node == server {
			continue
		}
		for written = read; written >= 0; written-- {
			out := &events[written]
			if out.Kind == trace.KindFrameOut && out.Node == server && out.Conn == in.Conn && out.RPC == in.RPC && out.Seq == in.Seq {
				return read, written
			}
		}
	}
	return -1, -1
}
