// Simulated runs: the reference client's traces conform, upstream's rules are refused at
// their first request before negotiation, by the clause and the defect that it is.

package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// scenario is full-restart with the given client and server.
func scenario(t testing.TB, seed uint64, client, server, auth string) sim.Scenario {
	t.Helper()
	s, err := sim.Generate(sim.ScenarioFullRestart, seed)
	require.NoError(t, err)
	s.Client, s.Server, s.Auth = client, server, auth
	s.Watch = 2 * time.Second
	return s
}

// simulated runs a scenario into a validator.
func simulated(t testing.TB, s sim.Scenario) (Result, sim.Result) {
	t.Helper()
	v, err := New(Options{Server: ServerMode(s.Server, s.EarlyRequest)})
	require.NoError(t, err)
	run, err := sim.Run(t.Context(), s, sim.Options{Sink: v})
	require.NoError(t, err)
	return v.Result(), run
}

func TestReferenceConforms(t *testing.T) {
	var events, steps uint64
	for seed := uint64(1); seed <= 12; seed++ {
		server := sim.ServerNames[seed%uint64(len(sim.ServerNames))]
		auth := sim.AuthNames[seed/3%uint64(len(sim.AuthNames))]
		result, run := simulated(t, scenario(t, seed, sim.ClientReference, server, auth))
		requireConforming(t, &result)
		require.Equal(t, run.Events, result.Events)
		require.Equal(t, result.Events, result.Steps+result.Stuttering)
		require.LessOrEqual(t, result.MostStates, 8, "seed %d", seed)
		events, steps = events+result.Events, steps+result.Steps
	}
	require.Greater(t, steps, events/3, "most events are held against the specification")
}

// A firewall ends connections that neither end has ended: with a reset in the other's name,
// or by leaving keep-alive unanswered. Without the event that tells of the firewall a reset
// is nobody's, and refused.
func TestFirewallsConform(t *testing.T) {
	refused := 0
	for _, kind := range []sim.FaultKind{sim.FaultForgetFlows, sim.FaultResetFlows} {
		for seed := uint64(1); seed <= 4; seed++ {
			s := scenario(t, seed, sim.ClientReference, sim.ServerReference, sim.AuthMandatory)
			s.Watch = 40 * time.Second
			for at := time.Second; at < 5*time.Second; at += time.Second {
				s.Faults = append(s.Faults, sim.Fault{At: at, Kind: kind, Node: "replica-1", By: time.Second, Down: 3 * time.Second})
			}
			result, _ := simulated(t, s)
			requireConforming(t, &result)
			if kind == sim.FaultForgetFlows {
				continue
			}
			v, err := New(Options{})
			require.NoError(t, err)
			_, err = sim.Run(t.Context(), s, sim.Options{Sink: withoutFirewalls{v}})
			require.NoError(t, err)
			if result = v.Result(); result.Verdict == NotConforming {
				require.Contains(t, []string{"S9", "S14", "S30"}, result.First.Clause)
				refused++
			}
		}
	}
	require.Positive(t, refused)
}

// withoutFirewalls leaves out what tells of resets by firewalls.
type withoutFirewalls struct{ to trace.Sink }

func (w withoutFirewalls) Emit(ev *trace.Event) {
	if ev.Kind != trace.KindFault || ev.Conn == 0 {
		w.to.Emit(ev)
	}
}

// A server dies with answers that its kernel had no room for: the end of the connection comes
// in order, after fewer answers than it had written.
func TestServerThatDiesWithFullBuffersConforms(t *testing.T) {
	for seed := uint64(25); seed <= 31; seed++ {
		s := scenario(t, seed, sim.ClientReference, sim.ServerReference, sim.AuthMandatory)
		s.SendBuffer, s.ReceiveBuffer, s.Watch = 300, 300, 20*time.Second
		for i := range s.Workloads {
			w := &s.Workloads[i]
			w.EveryMin, w.EveryMax, w.Timeout = 100*time.Millisecond, 300*time.Millisecond, 500*time.Millisecond
		}
		at, down := 20*time.Second, time.Second+time.Duration(seed)*200*time.Millisecond
		for _, node := range []string{"replica-1", "replica-2", "replica-3"} {
			s.Faults = append(s.Faults,
				sim.Fault{At: at, Kind: sim.FaultOneWay, Node: node, Down: down},
				sim.Fault{At: at + down - 100*time.Millisecond, Kind: sim.FaultRestart, Node: node, Down: 3500 * time.Millisecond})
		}
		result, _ := simulated(t, s)
		requireConforming(t, &result)
	}
}

// A client whose connections of the last minute hold every port that its host has cannot dial,
// whether somebody listens or not.
func TestHostWithoutAFreePortConforms(t *testing.T) {
	s := scenario(t, 1, sim.ClientReference, sim.ServerReference, sim.AuthKerberos)
	s.TicketLife, s.PortMin, s.PortMax, s.Watch = 2*time.Second, 40000, 40005, 70*time.Second
	s.Faults = append(s.Faults, sim.Fault{At: time.Second, Kind: sim.FaultKDCOutage, Node: "kdc", Down: 30 * time.Second})
	result, run := simulated(t, s)
	require.True(t, slices.ContainsFunc(run.Met, func(c sim.Count) bool { return c.Name == sim.MetNoPort.String() }), "%v", run.Met)
	requireConforming(t, &result)
	for name, c := range map[string]struct {
		note, clause string
		accepted     bool
	}{
		"no port":                       {note: "no-port"},
		"refused by one that listens":   {note: "refused", clause: "S21"},
		"no port for what was accepted": {note: "no-port", accepted: true, clause: "S20"},
	} {
		k := conversation()
		k.events = k.events[:k.at("server", trace.KindFrameIn, 0)]
		k.add("client", trace.KindClose, trace.Event{Conn: 1}) // gives up the negotiation with a server that listens
		k.add("client", trace.KindDial, trace.Event{Conn: 2, Peer: serverAddr})
		if c.accepted {
			k.add("server", trace.KindAccept, trace.Event{Conn: 2, Peer: "10.0.1.1:40001", Addr: serverAddr})
		}
		k.add("client", trace.KindDialFailed, trace.Event{Conn: 2, Peer: serverAddr, Note: c.note})
		result, err := Validate(k.events, Options{})
		require.NoError(t, err)
		if c.clause == "" {
			requireConforming(t, &result)
			continue
		}
		require.Equal(t, NotConforming, result.Verdict, name)
		require.Equal(t, c.clause, result.First.Clause, name)
	}
}

// Whatever can go wrong in a scenario, the reference does what the specification says.
func TestEveryScenarioConforms(t *testing.T) {
	for _, name := range sim.ScenarioNames {
		for seed := uint64(1); seed <= 3; seed++ {
			s, err := sim.Generate(name, seed)
			require.NoError(t, err)
			result, run := simulated(t, s)
			require.NotEqual(t, Inconclusive, result.Verdict, "%s, seed %d: %s", name, seed, result.Reason)
			requireConforming(t, &result)
			require.Equal(t, run.Events, result.Events)
		}
	}
}

func TestUpstreamIsRefused(t *testing.T) {
	for _, client := range []string{sim.ClientUpstream250, sim.ClientUpstreamSnapshot} {
		for _, server := range sim.ServerNames {
			t.Run(fmt.Sprintf("%s against %s", client, server), func(t *testing.T) {
				result, run := simulated(t, scenario(t, 0x5eed, client, server, sim.AuthMandatory))
				require.Equal(t, NotConforming, result.Verdict)
				require.Contains(t, append(run.AlsoViolated, *orNone(run.Property)), "auth-before-request")
				f := result.First
				assert.Equal(t, "P1", f.Clause)
				assert.Equal(t, "auth-before-request", f.Property)
				assert.Equal(t, trace.KindFrameOut.String(), f.Kind)
				assert.Contains(t, f.Why, "auth-before-request")
				assert.Equal(t, "stale-auth-flag", f.Switch)
				assert.NotEmpty(t, f.States)
				assert.NotEmpty(t, f.States[0].Enabled)
				var text bytes.Buffer
				require.NoError(t, f.Tell(&text))
				assert.Contains(t, text.String(), "its flag is still set from conn")
			})
		}
	}
}

func orNone(s *string) *string {
	if s == nil {
		return new(string)
	}
	return s
}

// The defect that a refusal names is a switch of the specification.
func TestSwitchIsOfTheSpecification(t *testing.T) {
	for _, s := range model.Specs() {
		for _, w := range s.Switches {
			if s.Name == SpecSession && w.Name == "stale-auth-flag" {
				return
			}
		}
	}
	t.Fatal("the session specification has no switch stale-auth-flag")
}
