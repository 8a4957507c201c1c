// The model of upstream's Go client in the simulated world.

package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// goRestart is the restart that was measured on the real Go client: 16 callers that never
// pause for long, no authentication asked for, every server killed and started again.
func goRestart(seed uint64, down time.Duration) Scenario {
	s := Default()
	s.Seed, s.Client, s.Auth, s.Clients, s.Watch = seed, ClientUpstreamGo, AuthOptional, 1, 75*time.Second
	for i := range 16 {
		s.Workloads = append(s.Workloads, Workload{
			Client: 1, Start: time.Duration(i) * time.Millisecond, EveryMin: 10 * time.Millisecond, EveryMax: 40 * time.Millisecond,
			Timeout: time.Second, Keys: 64,
		})
	}
	for _, node := range s.nodesOf(roleServer) {
		s.Faults = append(s.Faults, Fault{At: 2 * time.Second, Kind: FaultRestart, Node: node, Down: down})
	}
	s.keepInFlight()
	return s
}

// The real client works again 59.5 to 60.0 s after its servers do, whether they were down
// for 11 ms or for half a second: it sleeps a minute from the first call that finds its
// session gone. A caller's pause comes on top.
func TestGoClientIsBackAfterAMinute(t *testing.T) {
	for i, down := range []time.Duration{11 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond} {
		result := mustRun(t, goRestart(uint64(i), down), Options{})
		require.NotNil(t, result.ConvergedAfterNS)
		back := time.Duration(*result.ConvergedAfterNS)
		t.Logf("down %v: back after %v", down, back)
		assert.GreaterOrEqual(t, back, time.Minute-down)
		assert.Less(t, back, time.Minute-down+60*time.Millisecond)
		assert.Equal(t, VerdictViolation, result.Verdict)
		assert.Equal(t, PropertyRequestsDrain, *result.Property)
	}
}

// A restart that the client is not asked about for a minute costs it nothing: what it
// sleeps through is counted from its last dial.
func TestGoClientDialsAtOnceAfterAQuietMinute(t *testing.T) {
	s := goRestart(1, 11*time.Millisecond)
	s.Workloads, s.Ops = nil, nil
	for partition := range s.Partitions {
		for _, at := range []time.Duration{time.Second, 70 * time.Second} {
			s.Ops = append(s.Ops, Op{At: at, Client: 1, RPC: protocol.RPCGet, Partition: partition, Timeout: time.Second})
		}
	}
	result := mustRun(t, s, Options{})
	require.Empty(t, result.Judged, result.Reason)
	require.NotNil(t, result.ConvergedAfterNS)
	assert.Less(t, time.Duration(*result.ConvergedAfterNS), 100*time.Millisecond)
}

// Where authentication is mandatory nothing works before the restart either, and the run
// says why. The reference server's refusal is a name that the client does not know, so it
// is left with sessions that nobody reads.
func TestGoClientHasNoSASL(t *testing.T) {
	for _, server := range ServerNames {
		s := fullRestart(incidentSeed)
		s.Client, s.Server, s.Watch = ClientUpstreamGo, server, 30*time.Second
		var states sessionStates
		result := mustRun(t, s, Options{Sink: &states})
		require.Equal(t, VerdictViolation, result.Verdict)
		assert.Contains(t, result.Reason, "upstream-go has no SASL")
		assert.Contains(t, result.AlsoViolated, PropertyAuthBeforeRequest)
		assert.Equal(t, server == ServerReference, states.has("zombie"), server)
	}
}

// Told in words, what a client without SASL does where it may is not called too early.
func TestGoClientExplained(t *testing.T) {
	s := goRestart(1, 11*time.Millisecond)
	s.Watch = 10 * time.Second
	for auth, early := range map[string]bool{AuthOptional: false, AuthMandatory: true} {
		s.Auth = auth
		var words strings.Builder
		require.NoError(t, Explain(t.Context(), &words, s))
		assert.Contains(t, words.String(), "c1 is up", auth)
		assert.Equal(t, early, strings.Contains(words.String(), "BEFORE the negotiation"), auth)
	}
}

// sessionStates is a sink that remembers which states sessions were in.
type sessionStates map[string]bool

func (r *sessionStates) has(state string) bool { return (*r)[state] }

// Emit implements trace.Sink.
func (r *sessionStates) Emit(ev *trace.Event) {
	if *r == nil {
		*r = make(sessionStates)
	}
	if ev.Kind == trace.KindSession {
		(*r)[ev.State] = true
	}
}
