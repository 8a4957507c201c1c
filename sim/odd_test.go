// Odd servers do what is said of them, for as long as is said, and the reference client
// survives each; late events reach it, and change nothing.

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

// oddRun has servers odd for a while after a restart in which everybody has to come in anew.
func oddRun(kind, server string) Scenario {
	s := Default()
	s.Server, s.Watch = server, 30*time.Second
	s.Odd = Odd{Kind: kind, From: time.Second, Until: 3 * time.Second}
	for client := range s.Clients {
		s.Workloads = append(s.Workloads, Workload{Client: client + 1, EveryMin: 20 * time.Millisecond, EveryMax: 60 * time.Millisecond, Timeout: time.Second, Keys: 16})
	}
	for _, node := range s.nodesOf(roleServer) {
		s.Faults = append(s.Faults, Fault{At: 1100 * time.Millisecond, Kind: FaultRestart, Node: node, Down: 20 * time.Millisecond})
	}
	s.keepInFlight()
	return s
}

// answers collects what nodes answered while they were odd: "rpc code neg".
type answers struct {
	odd  Odd
	seen map[string]int
}

// Emit implements trace.Sink.
func (a *answers) Emit(ev *trace.Event) {
	if at := time.Duration(ev.AtNS); ev.Kind == trace.KindFrameOut && strings.HasSuffix(ev.RPC, protocol.AckSuffix) && at >= a.odd.From && at < a.odd.Until {
		a.seen[strings.TrimSpace(ev.RPC+" "+ev.Code+" "+ev.Neg)]++
	}
}

func TestOddServers(t *testing.T) {
	const get, negotiation = "RPC_RRDB_RRDB_GET_ACK", "RPC_NEGOTIATION_ACK"
	for kind, says := range map[string]struct{ some, none []string }{
		OddNone:             {some: []string{get + " ERR_OK", negotiation + " ERR_OK SASL_SUCC"}},
		OddMute:             {none: []string{negotiation}},
		OddNoAuthentication: {some: []string{negotiation + " ERR_OK SASL_AUTH_DISABLE"}, none: []string{negotiation + " ERR_OK SASL_CHALLENGE"}},
		OddEarlySuccess:     {some: []string{negotiation + " ERR_OK SASL_SUCC"}, none: []string{negotiation + " ERR_OK SASL_CHALLENGE"}},
		OddDiskError:        {some: []string{get + " ERR_DISK_IO_ERROR"}, none: []string{get + " ERR_OK"}},
		OddInvalidState:     {some: []string{get + " ERR_INVALID_STATE"}, none: []string{get + " ERR_OK"}},
		OddMetaError:        {},
		OddBadIndex:         {},
		OddNewerBallot:      {},
		OddEachOther:        {},
		OddGarbage:          {none: []string{get}},
	} {
		for _, server := range []string{ServerReference, ServerHang} {
			s := oddRun(kind, server)
			told := answers{s.Odd, make(map[string]int)}
			result := mustRun(t, s, Options{Sink: &told})
			require.Equal(t, VerdictHeld, result.Verdict, "%s, %s: %s", kind, server, result.Reason)
			for _, some := range says.some {
				assert.Positive(t, told.seen[some], "%s: %s of %v", kind, some, told.seen)
			}
			for _, none := range says.none {
				for words := range told.seen {
					assert.False(t, strings.HasPrefix(words, none), "%s: %s", kind, words)
				}
			}
		}
	}
	for _, kind := range OddNames {
		assert.NotEmpty(t, OddSays(kind), kind)
	}
}

func TestOddLinesAreChecked(t *testing.T) {
	s := Default()
	s.Odd = Odd{Kind: "strange"}
	require.ErrorContains(t, s.Validate(), `unknown odd "strange"`)
	s.Odd = Odd{Kind: OddMute, From: time.Second, Until: time.Second}
	require.ErrorContains(t, s.Validate(), "odd-during")
	s = Default()
	s.Client, s.LateEvents = ClientUpstreamMaster, time.Second
	require.ErrorContains(t, s.Validate(), "late-events")
	s = Default()
	s.QueryTimeout = -1
	require.ErrorContains(t, s.Validate(), "query-timeout")
}

// Events of everything that can be late come late, the client bears them, and a seed plays
// the same twice.
func TestLateEvents(t *testing.T) {
	for seed := range uint64(5) {
		s := fullRestart(seed)
		s.LateEvents, s.Watch = 20*time.Millisecond, 20*time.Second
		result := mustRun(t, s, Options{})
		require.NotEqual(t, VerdictViolation, result.Verdict, "seed %d: %s", seed, result.Reason)
		require.Equal(t, result.TraceHash, mustRun(t, s, Options{}).TraceHash)
		s.LateEvents = 0
		require.NotEqual(t, result.TraceHash, mustRun(t, s, Options{}).TraceHash, "seed %d", seed)
	}
}

// A closed client is asked for nothing more, and what it was asked it has answered.
func TestCloseAt(t *testing.T) {
	s := fullRestart(3)
	s.CloseAt = s.Faults[0].At + 5*time.Millisecond
	var last time.Duration
	calls := sinkOf(func(ev *trace.Event) {
		if ev.Kind == trace.KindInvoke {
			last = time.Duration(ev.AtNS)
		}
	})
	result := mustRun(t, s, Options{Sink: calls})
	require.Empty(t, result.Violations, result.Reason)
	require.Less(t, last, s.CloseAt)
}

type sinkOf func(*trace.Event)

// Emit implements trace.Sink.
func (f sinkOf) Emit(ev *trace.Event) { f(ev) }
