// Recordings of clients alone: servers that are not in the trace may do whatever the
// specifications let servers do.

package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// lookedUpTwice is a client that looks a table up twice, between which its partition has moved, and
// writes to the primary that it was told of. Connection 2 is to the first one.
func lookedUpTwice() *talk {
	const metaAddr, first, second = "10.0.1.1:34601", "10.0.2.1:34801", "10.0.2.2:34801"
	k := &talk{}
	seq := int32(0)
	ask := func(answer string) {
		seq++
		k.add("client", trace.KindFrameOut, trace.Event{Conn: 1, RPC: "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX", Seq: seq, Table: "t", Size: 90})
		k.add("client", trace.KindFrameIn, trace.Event{Conn: 1, RPC: "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX_ACK", Seq: seq, Code: codeOK, Answer: answer, Size: 90})
	}
	for i, addr := range []string{metaAddr, first, second} {
		k.add("client", trace.KindDial, trace.Event{Conn: uint64(i + 1), Peer: addr})
	}
	ask("ERR_OK 2 1 0:3@" + first)
	k.put(2, 10)
	ask("ERR_OK 2 1 0:5@" + second)
	k.put(3, 11)
	return k
}

// put is one to partition 0 of table 2.
func (k *talk) put(conn uint64, seq int32) {
	k.add("client", trace.KindInvoke, trace.Event{Op: uint64(seq), RPC: "RPC_RRDB_RRDB_PUT"})
	k.add("client", trace.KindFrameOut, trace.Event{Conn: conn, RPC: "RPC_RRDB_RRDB_PUT", Seq: seq, App: 2, Size: 90})
	k.add("client", trace.KindFrameIn, trace.Event{Conn: conn, RPC: "RPC_RRDB_RRDB_PUT_ACK", Seq: seq, Code: codeOK, Size: 70})
	k.add("client", trace.KindReturn, trace.Event{Op: uint64(seq), RPC: "RPC_RRDB_RRDB_PUT", State: "ok"})
}

// A partition that has moved is written to where a meta says, of which nothing is in the trace
// but what it answers.
func TestClientAloneSeesAPartitionMove(t *testing.T) {
	k := lookedUpTwice()
	result := validateRouting(t, k.events)
	requireConforming(t, &result)
	k.put(2, 12)
	result = validateRouting(t, k.events)
	require.Equal(t, NotConforming, result.Verdict)
	require.Equal(t, "R2", result.First.Clause)
}

// clientsOf leaves a trace what its clients tell, who know servers by their addresses.
func clientsOf(events []trace.Event) []trace.Event {
	addresses := make(map[string]string)
	var list []trace.Event
	for _, ev := range events {
		switch {
		case ev.Kind == trace.KindListen:
			addresses[ev.Node] = ev.Addr
		case strings.HasPrefix(ev.Node, "client"):
			if addr := addresses[ev.Peer]; addr != "" {
				ev.Peer = addr
			}
			list = append(list, ev)
		}
	}
	return slices.Clip(list)
}

// What the reference's clients record of a run by themselves conforms as the whole does.
func TestClientsAloneConform(t *testing.T) {
	for _, run := range []struct {
		scenario string
		seed     uint64
	}{{sim.ScenarioFullRestart, 1}, {sim.ScenarioMoves, 2}} {
		s, err := sim.Generate(run.scenario, run.seed)
		require.NoError(t, err)
		events := eventsOf(t, s)
		for _, spec := range Specs() {
			result, err := Validate(clientsOf(events), Options{Spec: spec})
			require.NoError(t, err)
			requireConforming(t, &result)
		}
	}
}
