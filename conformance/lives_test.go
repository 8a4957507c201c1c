// Traces against the specification of routing: the reference's writes live as it says, and
// a write that was lost and sent again is refused.

package conformance

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

func validateRouting(t testing.TB, events []trace.Event) Result {
	t.Helper()
	result, err := Validate(events, Options{Spec: SpecRouting})
	require.NoError(t, err)
	return result
}

func TestLivesAreTheSpecifications(t *testing.T) {
	l, err := newLife()
	require.NoError(t, err)
	for _, r := range lifeRows {
		found := false
		for from := range l {
			found = found || l.goes(from, &r)
		}
		assert.True(t, found, "%s: model/routing has no such actions", r.name)
	}
	require.True(t, l.walk(routing.Written, []action{"serve"}, routing.Served))
	require.True(t, l.walk(routing.Lost, []action{"lose"}, routing.Unknown))
	for _, r := range lifeRows {
		for _, actions := range r.actions {
			require.False(t, l.walk(routing.Lost, actions, routing.Written), "what is lost is not written again")
		}
	}
}

func TestReferenceRoutesAsSpecified(t *testing.T) {
	for _, name := range sim.ScenarioNames {
		for seed := uint64(1); seed <= 3; seed++ {
			s, err := sim.Generate(name, seed)
			require.NoError(t, err)
			events := eventsOf(t, s)
			result := validateRouting(t, events)
			requireConforming(t, &result)
			require.Positive(t, result.Steps)
		}
	}
}

// write is a put as its client sees it: made, written, answered, returned.
func write(k *talk, op uint64, seq int32) {
	k.add("client", trace.KindInvoke, trace.Event{Op: op, RPC: "RPC_RRDB_RRDB_PUT"})
	k.add("client", trace.KindFrameOut, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT", Seq: seq, Size: 90})
	k.add("client", trace.KindFrameIn, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT_ACK", Seq: seq, Code: codeOK, Size: 70})
	k.add("client", trace.KindReturn, trace.Event{Op: op, RPC: "RPC_RRDB_RRDB_PUT", State: "ok"})
}

func TestWriteIsNotSentAgain(t *testing.T) {
	k := &talk{}
	k.add("client", trace.KindDial, trace.Event{Conn: 1, Peer: serverAddr})
	write(k, 1, 1)
	result := validateRouting(t, k.events)
	requireConforming(t, &result)
	// The connection ends before the answer, and the write goes out on the next one.
	k.events = slices.Delete(k.events, 3, 5)
	k.add("client", trace.KindClosed, trace.Event{Conn: 1, Note: "reset"})
	k.add("client", trace.KindDial, trace.Event{Conn: 2, Peer: serverAddr})
	k.add("client", trace.KindFrameOut, trace.Event{Conn: 2, RPC: "RPC_RRDB_RRDB_PUT", Seq: 1, Size: 90})
	result = validateRouting(t, k.events)
	require.Equal(t, NotConforming, result.Verdict)
	require.Equal(t, "R6", result.First.Clause)
	require.Equal(t, fmt.Sprint(len(k.events)), fmt.Sprint(result.First.Event))
	// Told as unknown it is over; a refused one may be sent again.
	k.events = k.events[:len(k.events)-1]
	k.add("client", trace.KindReturn, trace.Event{Op: 1, RPC: "RPC_RRDB_RRDB_PUT", State: "unknown"})
	result = validateRouting(t, k.events)
	requireConforming(t, &result)
}

func TestRefusedWriteIsSentAgain(t *testing.T) {
	k := &talk{}
	k.add("client", trace.KindDial, trace.Event{Conn: 1, Peer: serverAddr})
	write(k, 1, 1)
	k.events[3].Code = "ERR_INVALID_STATE"
	k.insert(4, "client", trace.KindFrameOut, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT", Seq: 2, Size: 90})
	k.insert(5, "client", trace.KindFrameIn, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT_ACK", Seq: 2, Code: codeOK, Size: 70})
	result := validateRouting(t, k.events)
	requireConforming(t, &result)
}

// A call returns without its answer, which comes after all while another call waits: the
// answers may be taken for each other's.
func TestLateRefusalIsNobodys(t *testing.T) {
	k := &talk{}
	put := func(conn uint64, seq int32) {
		k.add("client", trace.KindFrameOut, trace.Event{Conn: conn, RPC: "RPC_RRDB_RRDB_PUT", Seq: seq, Size: 90})
	}
	answer := func(conn uint64, seq int32, code string) {
		k.add("client", trace.KindFrameIn, trace.Event{Conn: conn, RPC: "RPC_RRDB_RRDB_PUT_ACK", Seq: seq, Code: code, Size: 70})
	}
	for op := range uint64(2) {
		k.add("client", trace.KindDial, trace.Event{Conn: op + 1, Peer: serverAddr})
		k.add("client", trace.KindInvoke, trace.Event{Op: op + 1, RPC: "RPC_RRDB_RRDB_PUT"})
		put(op+1, 1)
	}
	k.add("client", trace.KindReturn, trace.Event{Op: 1, RPC: "RPC_RRDB_RRDB_PUT", State: "unknown"})
	answer(1, 1, "ERR_INVALID_STATE")
	answer(2, 1, codeOK)
	k.add("client", trace.KindReturn, trace.Event{Op: 2, RPC: "RPC_RRDB_RRDB_PUT", State: "ok"})
	result := validateRouting(t, k.events)
	requireConforming(t, &result)
}

// Two writes whose time is over at the same instant: which of them a call returned without its
// answer is not known, and no chance decides it.
func TestWhoseTimeIsOverIsNotGuessed(t *testing.T) {
	const second = 1_000_000_000
	for _, answered := range []int32{1, 2} {
		k := &talk{}
		k.add("client", trace.KindDial, trace.Event{Conn: 1, Peer: serverAddr})
		for op := range uint64(2) {
			k.add("client", trace.KindInvoke, trace.Event{Op: op + 1, RPC: "RPC_RRDB_RRDB_PUT", WithinNS: second})
		}
		for seq := range int32(2) {
			k.add("client", trace.KindFrameOut, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT", Seq: seq + 1, Size: 90, WithinNS: second})
		}
		k.events[3].AtNS = k.events[4].AtNS
		k.passed = second
		k.add("client", trace.KindReturn, trace.Event{Op: 1, RPC: "RPC_RRDB_RRDB_PUT", State: "unknown"})
		k.add("client", trace.KindFrameIn, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT_ACK", Seq: answered, Code: codeOK, Size: 70})
		k.add("client", trace.KindReturn, trace.Event{Op: 2, RPC: "RPC_RRDB_RRDB_PUT", State: "ok"})
		first := validateRouting(t, k.events)
		requireConforming(t, &first)
		for range 20 {
			require.Equal(t, first, validateRouting(t, k.events))
		}
	}
}

// A call that may take as long as there is time for is not overdue, whenever it was made.
func TestLongestTimes(t *testing.T) {
	for _, passed := range []int64{0, lastInstantNS - 1, math.MaxInt64 - 60_000_000_000} {
		k := &talk{passed: passed}
		k.add("client", trace.KindDial, trace.Event{Conn: 1, Peer: serverAddr})
		k.add("client", trace.KindInvoke, trace.Event{Op: 1, RPC: "RPC_RRDB_RRDB_PUT", WithinNS: math.MaxInt64})
		k.add("client", trace.KindFrameOut, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT", Seq: 1, Size: 90, WithinNS: math.MaxInt64})
		k.passed += 30_000_000_000
		k.add("client", trace.KindFrameIn, trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_PUT_ACK", Seq: 1, Code: codeOK, Size: 70})
		k.add("client", trace.KindReturn, trace.Event{Op: 1, RPC: "RPC_RRDB_RRDB_PUT", State: "ok"})
		result := validateRouting(t, k.events)
		requireConforming(t, &result)
	}
}

// Upstream's clients send a put again that was lost with its connection.
func TestUpstreamSendsLostWritesAgain(t *testing.T) {
	v, err := New(Options{Spec: SpecRouting})
	require.NoError(t, err)
	_, err = sim.Run(t.Context(), scenario(t, 1, sim.ClientUpstream250, sim.ServerReference, sim.AuthMandatory), sim.Options{Sink: v})
	require.NoError(t, err)
	result := v.Result()
	require.Equal(t, NotConforming, result.Verdict)
	require.Equal(t, "R6", result.First.Clause)
	require.Contains(t, result.First.States[0].Enabled, "a call returns unknown (of one that is written, and lost with their connection)")
}

// Each event of a write's life has to be there, and as it is.
func TestChangedLivesAreRefused(t *testing.T) {
	k := &talk{}
	k.add("client", trace.KindDial, trace.Event{Conn: 1, Peer: serverAddr})
	write(k, 1, 1)
	write(k, 2, 2)
	for name, spoil := range map[string]func() []trace.Event{
		"call dropped":      func() []trace.Event { return drop(k.events, 1) },
		"call twice":        func() []trace.Event { return repeat(k.events, 1) },
		"frame dropped":     func() []trace.Event { return drop(k.events, 2) },
		"frame twice":       func() []trace.Event { return repeat(k.events, 2) },
		"answer dropped":    func() []trace.Event { return drop(k.events, 3) },
		"returned twice":    func() []trace.Event { return repeat(k.events, 4) },
		"returned as fails": func() []trace.Event { c := slices.Clone(k.events); c[4].State = "failed"; return c },
		"written first":     func() []trace.Event { return swap(k.events, 1) },
	} {
		events := spoil()
		if events == nil { // a call is of no connection
			events = slices.Clone(k.events)
			events[1], events[2] = events[2], events[1]
		}
		assert.Equal(t, NotConforming, validateRouting(t, events).Verdict, name)
	}
	require.Equal(t, Inconclusive, validateRouting(t, k.events[:2]).Verdict)
}
