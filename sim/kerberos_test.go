// Runs with real tokens: the same verdicts as with cheap ones, and what wrong clocks and
// new keys do.

package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

func kerberosRun(seed uint64) Scenario {
	s := fullRestart(seed)
	s.Auth = AuthKerberos
	return s
}

// calm is a scenario with Kerberos whose callers are busy and to which nothing happens.
func calm() Scenario {
	s := Default()
	s.Auth, s.Watch = AuthKerberos, 20*time.Second
	for client := range s.Clients {
		s.Workloads = append(s.Workloads, Workload{
			Client: client + 1, EveryMin: 20 * time.Millisecond, EveryMax: 100 * time.Millisecond, Timeout: time.Second, Keys: 8,
		})
	}
	return s
}

func TestKerberosTokensGiveTheIncidentsVerdicts(t *testing.T) {
	for _, row := range IncidentTable() {
		s := row.Scenario
		if s.Auth != AuthMandatory || s.Seed != incidentSeed {
			continue
		}
		s.Auth, s.Watch = AuthKerberos, 60*time.Second
		result := mustRun(t, s, Options{})
		require.Equal(t, row.Verdict, result.Verdict, "%s against %s: %s", s.Client, s.Server, result.Reason)
		if row.Property != "" {
			require.Equal(t, row.Property, *result.Property)
		}
	}
}

func TestKerberosIsDeterministic(t *testing.T) {
	for _, pairs := range []int{4, 5} {
		s := kerberosRun(7)
		s.Watch, s.Pairs = 5*time.Second, pairs
		require.Equal(t, mustRun(t, s, Options{}).TraceHash, mustRun(t, s, Options{}).TraceHash)
	}
}

// refusalsBy is how often a cause was told at nodes whose name begins so.
func refusalsBy(result *Result, node string, cause error) (n int, words string) {
	for _, r := range result.Refusals {
		if strings.HasPrefix(r.Node, node) && r.Cause == cause.Error() {
			n, words = n+r.Count, r.Words
		}
	}
	return n, words
}

func TestSkewIsRefusedInWordsAndForgivenWhenTheClockIsSetBack(t *testing.T) {
	for _, c := range []struct {
		by      time.Duration
		refused bool
	}{
		{4 * time.Minute, false}, {-4 * time.Minute, false}, {6 * time.Minute, true}, {-6 * time.Minute, true},
	} {
		s := calm()
		s.Faults = []Fault{
			{At: 2 * time.Second, Kind: FaultClockStep, Node: "replica-1", By: c.by, Down: 6 * time.Second},
			{At: 4 * time.Second, Kind: FaultRestart, Node: "replica-1", Down: 100 * time.Millisecond},
		}
		s.keepInFlight()
		result := mustRun(t, s, Options{})
		require.Equal(t, VerdictHeld, result.Verdict, "%v: %s", c.by, result.Reason)
		n, words := refusalsBy(&result, "replica-1", gssapi.ErrSkew)
		require.Equal(t, c.refused, n > 0, "%v: %v", c.by, result.Refusals)
		if c.refused {
			require.Contains(t, words, "6m")
			require.Contains(t, words, "at most 5m0s is allowed")
		}
	}
}

// A clock that stays wrong keeps its node's sessions away for good.
func TestSkewThatStaysIsAViolation(t *testing.T) {
	s := calm()
	s.Clocks = []Clock{{Node: "replica-1", Offset: -10 * time.Minute}}
	s.Faults = []Fault{{At: 4 * time.Second, Kind: FaultRestart, Node: "replica-1", Down: 100 * time.Millisecond}}
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictViolation, result.Verdict)
	require.Equal(t, PropertyReconnectConverges, *result.Property)
}
