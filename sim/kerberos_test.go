// Runs with real tokens: the same verdicts as with cheap ones, and what wrong clocks and
// new keys do.

package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/trace"
)

func kerberosRun(seed uint64) Scenario {
	s := fullRestart(seed)
	s.Auth = AuthKerberos
	return s
}

// calm is a scenario with Kerberos whose callers are busy and to which nothing happens.
func calm() Scenario {
	s := Default()
	s.Auth = AuthKerberos
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
		first, second := mustRun(t, s, Options{}), mustRun(t, s, Options{})
		require.Equal(t, first.TraceHash, second.TraceHash)
	}
}

// refusalsBy is how often a cause was told at nodes whose name begins so.
func refusalsBy(result *Result, node string, cause error) (n int, words string) {
	for _, r := range result.Refusals {
		if strings.HasPrefix(r.Node, node) && r.Cause == gssapi.Reason(cause) {
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
			require.Regexp(t, "is (6m0|5m59)", words)
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

// heldOverSeeds runs seeds of a scenario and wants every one held.
func heldOverSeeds(t *testing.T, scenario string, seeds uint64, each func(*Result)) {
	t.Helper()
	for seed := range seeds {
		s, err := Generate(scenario, seed)
		require.NoError(t, err)
		result := mustRun(t, s, Options{})
		require.Equal(t, VerdictHeld, result.Verdict, "seed %d: %s\nreplay: %s", seed, result.Reason, saveScenario(t, scenario, &s))
		if each != nil {
			each(&result)
		}
	}
}

func TestKerberosRestartHolds(t *testing.T) {
	causes := make(map[string]bool)
	heldOverSeeds(t, ScenarioKerberosRestart, 24, func(r *Result) {
		for _, refusal := range r.Refusals {
			causes[refusal.Cause] = true
		}
	})
	for _, cause := range []error{gssapi.ErrSkew, gssapi.ErrKeyVersion, gssapi.ErrNoCredential} {
		require.True(t, causes[gssapi.Reason(cause)], "nobody was refused for %v: %v", cause, causes)
	}
}

func TestKerberosRestartIsDeterministic(t *testing.T) {
	s := kerberosRestart(2)
	first, second := mustRun(t, s, Options{}), mustRun(t, s, Options{})
	require.Equal(t, first.TraceHash, second.TraceHash)
}

// Whoever is connected is served on while the KDC is away for longer than tickets hold, and
// keys, clocks and tickets change; who has to come back meanwhile waits for the KDC.
func TestLiveSessionsAreServedWhateverBecomesOfCredentials(t *testing.T) {
	s := calm()
	s.TicketLife = 5 * time.Second
	s.Faults = []Fault{
		{At: 3 * time.Second, Kind: FaultKDCOutage, Node: kdcName, Down: 20 * time.Second},
		{At: 4 * time.Second, Kind: FaultKeyRotation, Node: "replica-2", Down: time.Second},
		{At: 5 * time.Second, Kind: FaultClockStep, Node: "replica-3", By: time.Hour, Down: 10 * time.Second},
		{At: 12 * time.Second, Kind: FaultRestart, Node: "replica-1", Down: 100 * time.Millisecond},
	}
	s.keepInFlight()
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictHeld, result.Verdict, result.Reason)
	n, _ := refusalsBy(&result, "client", gssapi.ErrNoCredential)
	require.NotZero(t, n, "nobody was without a ticket")
	n, _ = refusalsBy(&result, "replica-2", gssapi.ErrKeyVersion)
	require.Zero(t, n, "nobody had to come back to replica-2")
}

// As with the client's driver, the first negotiation that ends without a word raises no
// doubt about the ticket, since a restart looks like that; the second does.
func TestNewKeyIsNoticedAtTheSecondRefusal(t *testing.T) {
	s := calm()
	s.Faults = []Fault{
		{At: 8 * time.Second, Kind: FaultKeyRotation, Node: "replica-2", Down: time.Millisecond},
		{At: 9 * time.Second, Kind: FaultRestart, Node: "replica-2", Down: 100 * time.Millisecond},
	}
	s.keepInFlight()
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictHeld, result.Verdict, result.Reason)
	n, _ := refusalsBy(&result, "replica-2", gssapi.ErrKeyVersion)
	require.Equal(t, 2*s.Clients, n)
}

// The judge notices a session that is not served on.
func TestJudgeNoticesAnUndisturbedSessionThatIsNotServed(t *testing.T) {
	s := calm()
	j := newJudge(&s, time.Unix(0, 0))
	c := &connection{id: 1, client: 0, node: "replica-1", ready: true, serverEnd: true}
	j.dialed(j.epoch, c)
	ops := &operations{judge: j, keys: keySpace{s.Partitions}}
	for range 2 {
		op := ops.invoke(j.epoch, 0, protocol.RPCGet, ops.keys.in(0), "s0", time.Second)
		require.Equal(t, c, op.on)
		ops.complete(j.epoch.Add(time.Millisecond), op.id, session.OutcomeFailed, protocol.CodeTimeout, nil, "silence")
	}
	require.Len(t, j.violations, 1)
	require.Equal(t, PropertyRequestsDrain, j.violations[0].Property)
	require.Contains(t, j.violations[0].What, "ready on c1")
	c.disturbed = true
	require.Nil(t, ops.invoke(j.epoch, 0, protocol.RPCGet, ops.keys.in(0), "s0", time.Second).on)
}

// A server that refuses by silence, and has a new key: nobody is told, and two negotiations run
// into their deadline before the client takes its ticket for the reason. What is asked meanwhile
// may fail, and nothing that is asked later.
func TestNewKeyOfASilentServer(t *testing.T) {
	s := calm()
	s.Server, s.Metas, s.Replicas, s.Partitions, s.Clients, s.Watch = ServerHang, 1, 2, 2, 1, 20*time.Second
	s.BackoffCap, s.TicketLife = 100*time.Millisecond, 10*time.Hour
	s.Workloads = nil
	s.Ops = []Op{{At: 18 * time.Second, Client: 1, RPC: protocol.RPCPut, Partition: 1, Timeout: time.Second}}
	s.Faults = []Fault{
		{At: 100 * time.Millisecond, Kind: FaultPowerLoss, Node: "replica-2", Down: 10 * time.Millisecond},
		{At: 300 * time.Millisecond, Kind: FaultKeyRotation, Node: "replica-2", Down: 2 * time.Millisecond},
	}
	r := newRun(&s, trace.NewRecorder(1<<16))
	r.scheduleFaults()
	require.True(t, r.play(t.Context(), nil))
	r.judge.finish(r.world.Now())
	require.Positive(t, r.judge.met[MetKeyVersionRefused])
	require.Empty(t, r.judge.violations)
	op := r.judge.ops.all[len(r.judge.ops.all)-1]
	require.Equal(t, session.OutcomeFailed, op.outcome)
	op.invoked = op.invoked.Add(10 * time.Second) // the client has had another ticket for long by then
	require.False(t, r.judge.lacksTicket(op))
}
