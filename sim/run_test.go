// Runs: the incident, determinism, and verdicts that a run must not give away.

package sim

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

func mustRun(t testing.TB, s Scenario, opts Options) Result {
	t.Helper()
	result, err := Run(context.Background(), s, opts)
	require.NoError(t, err)
	return result
}

func TestIncidentTableIsAsExpected(t *testing.T) {
	results, err := RunIncident(context.Background(), nil, nil)
	require.NoError(t, err)
	require.Len(t, results, len(IncidentTable()))
	for i := range results {
		ok, how := results[i].AsExpected()
		require.True(t, ok, "row %d (%s, %s, %s): %s", i+1, results[i].Client, results[i].Server, results[i].Auth, how)
	}
}

func TestSameSeedSameHash(t *testing.T) {
	for _, client := range ClientNames {
		for _, server := range ServerNames {
			s := fullRestart(7)
			s.Client = client
			s.Server, s.Watch = server, 5*time.Second
			first, second := mustRun(t, s, Options{}), mustRun(t, s, Options{})
			require.Equal(t, first.TraceHash, second.TraceHash, "%s against %s", client, server)
			s.Seed = 8
			require.NotEqual(t, first.TraceHash, mustRun(t, s, Options{}).TraceHash)
		}
	}
}

// flipper is a sink that sees one event with one delivered byte flipped.
type flipper struct {
	to   trace.Sink
	left int
}

func (f *flipper) Emit(ev *trace.Event) {
	if ev.Kind == trace.KindBytes && len(ev.Data) > 0 {
		if f.left--; f.left == 0 {
			flipped := *ev
			flipped.Data = bytes.Clone(ev.Data)
			flipped.Data[len(flipped.Data)/2] ^= 1
			f.to.Emit(&flipped)
			return
		}
	}
	f.to.Emit(ev)
}

func TestOneFlippedByteChangesTheHash(t *testing.T) {
	s := fullRestart(3)
	s.Watch = time.Second
	straight, flipped := trace.NewHasher(), trace.NewHasher()
	result := mustRun(t, s, Options{Sink: trace.Fanout{straight, &flipper{to: flipped, left: 100}}})
	require.Equal(t, result.TraceHash, straight.String())
	require.Equal(t, straight.Events(), flipped.Events())
	require.NotEqual(t, straight.String(), flipped.String())
}

func TestRunWithoutARestartIsInconclusive(t *testing.T) {
	s := Default()
	s.Watch = 3 * time.Second
	s.Workloads = []Workload{{Client: 1, EveryMin: time.Millisecond, EveryMax: 50 * time.Millisecond, Timeout: time.Second, Keys: 4}}
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictInconclusive, result.Verdict)
	require.Contains(t, result.Reason, "no node was restarted")
	require.NotZero(t, result.Operations)
}

func TestInterruptedRunIsInconclusive(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := fullRestart(3)
	result, err := Run(ctx, s, Options{Progress: func(at, _ time.Duration) {
		if at >= 2*time.Second {
			cancel()
		}
	}})
	require.NoError(t, err)
	require.Equal(t, VerdictInconclusive, result.Verdict)
	require.Contains(t, result.Reason, "interrupted")
	require.Nil(t, result.ConvergedAfterNS)
}

// What must happen in the end is not owed by a run that has not come to it.
func TestInterruptedFaultsAreNotJudgedForLiveness(t *testing.T) {
	for _, client := range ClientNames {
		s := fullRestart(incidentSeed)
		s.Client, s.Server = client, ServerHang
		for _, after := range []time.Duration{s.Faults[0].At + time.Second, s.LastFault() + 20*time.Second} {
			ctx, cancel := context.WithCancel(context.Background())
			result, err := Run(ctx, s, Options{Progress: func(at, _ time.Duration) {
				if at >= after {
					cancel()
				}
			}})
			require.NoError(t, err)
			require.Equal(t, VerdictInconclusive, result.Verdict, "%s after %v: %s", client, after, result.Reason)
			cancel()
		}
	}
}

func TestRunRefusesABadScenario(t *testing.T) {
	s := Default()
	s.Client = "referense"
	_, err := Run(context.Background(), s, Options{})
	var usage *UsageError
	require.ErrorAs(t, err, &usage)
	require.Contains(t, err.Error(), `did you mean "reference"?`)
}

func TestEarlyRequestPolicies(t *testing.T) {
	for _, c := range []struct {
		policy  string
		verdict Verdict
	}{
		{EarlyRefuse, VerdictHeld}, {EarlyHold, VerdictHeld}, {EarlyDrop, VerdictHeld},
		{EarlyClose, VerdictViolation}, {EarlyHang, VerdictViolation},
	} {
		t.Run(c.policy, func(t *testing.T) {
			s := fullRestart(incidentSeed)
			s.Client = ClientUpstreamSnapshot
			s.EarlyRequest = c.policy
			result := mustRun(t, s, Options{})
			require.Equal(t, c.verdict, result.Verdict, result.Reason)
			require.Contains(t, append(result.AlsoViolated, result.Judged...), PropertyAuthBeforeRequest)
			// It is held for what decides, and does not say more.
			require.NotContains(t, result.Reason, "every property")
			if c.verdict == VerdictHeld {
				require.Contains(t, result.Reason, PropertyReconnectConverges)
			}
		})
	}
}

func TestReportReplays(t *testing.T) {
	s := fullRestart(incidentSeed)
	s.Client = ClientUpstreamSnapshot
	s.Server, s.Watch = ServerHang, 30*time.Second
	result := mustRun(t, s, Options{})
	dir := t.TempDir()
	require.NoError(t, WriteReport(context.Background(), dir, &result))
	requireReplays(t, result.Effective, result)
	for _, name := range []string{ReportConfig, ReportScenario, ReportEvents, ReportTimeline, ReportRepro} {
		require.FileExists(t, dir+"/"+name)
	}
}

func TestExplainTellsTheIncident(t *testing.T) {
	s := fullRestart(incidentSeed)
	s.Client = ClientUpstreamSnapshot
	s.Server, s.Watch = ServerHang, 30*time.Second
	var b bytes.Buffer
	require.NoError(t, Explain(context.Background(), &b, s))
	require.Contains(t, b.String(), "as the first frame BEFORE the negotiation has succeeded")
	require.Contains(t, b.String(), "NEGOTIATION FAILED")
	require.Contains(t, b.String(), "session on c")
}
