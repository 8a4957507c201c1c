// Clients that die, and those that come after them on the same host.

package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/trace"
)

// dying is a calm scenario without Kerberos in which client-1 dies at 3 s, and a replica before.
func dying(kind FaultKind) Scenario {
	s := calm()
	s.Auth = AuthMandatory
	s.Faults = []Fault{
		{At: 2 * time.Second, Kind: FaultRestart, Node: "replica-1", Down: 100 * time.Millisecond},
		{At: 3 * time.Second, Kind: kind, Node: "client-1", Down: time.Second},
	}
	s.Ops = []Op{ // written, and never answered; asked while nobody is there; asked of the next process
		{At: 3*time.Second - inFlightLead, Client: 1, RPC: opRPCs[1], Timeout: time.Second},
		{At: 3500 * time.Millisecond, Client: 1, RPC: opRPCs[1], Timeout: time.Second},
		{At: 5 * time.Second, Client: 1, RPC: opRPCs[1], Timeout: time.Second},
	}
	s.keepInFlight()
	return s
}

// Whatever client it is: what it was doing stays open in the history, nobody waits for it, and
// the next process goes on with the callers and the operations that are still to come.
func TestClientDies(t *testing.T) {
	for _, kind := range []FaultKind{FaultClientRestart, FaultClientPowerLoss} {
		for _, client := range []string{ClientReference, ClientUpstreamMaster} {
			s := dying(kind)
			s.Client = client
			r := newRun(&s, trace.Fanout{})
			r.scheduleFaults()
			r.play(t.Context(), nil)
			r.judge.finish(r.world.Now())
			require.Empty(t, r.judge.violations, "%v of %s", kind, client)
			require.Positive(t, r.judge.met[MetAbandoned])

			died, back := r.judge.epoch.Add(3*time.Second), r.judge.epoch.Add(4*time.Second)
			abandoned, later, scripted := 0, 0, 0
			for i, entry := range r.ops.history(r.judge.epoch) {
				op := r.ops.all[i]
				if op.client != 0 {
					require.False(t, op.abandoned)
					continue
				}
				require.False(t, op.invoked.After(died) && op.invoked.Before(back), "nobody asks while the client is down")
				switch {
				case op.abandoned:
					abandoned++
					require.Equal(t, linearizability.Unknown, entry.Outcome)
					require.Zero(t, entry.ReturnNS)
				case op.invoked.After(back):
					later++
				}
				if op.invoked.Equal(r.judge.epoch.Add(5 * time.Second)) {
					scripted++
				}
			}
			require.Positive(t, abandoned)
			require.Greater(t, later, 50)
			require.Equal(t, 1, scripted, "each operation of the scenario is one process' business")
			require.Equal(t, linearizability.Held, linearizability.Check(r.ops.history(r.judge.epoch), time.Minute).Verdict)
		}
	}
}

// What the dead client did is not taken back: leaving it out of the history would show.
func TestAbandonedWritesMayHaveHappened(t *testing.T) {
	s := dying(FaultClientRestart)
	s.Workloads = nil
	s.Ops = append(s.Ops[:1], Op{At: 3500 * time.Millisecond, Client: 2, RPC: opRPCs[0], Timeout: time.Second})
	r := newRun(&s, trace.Fanout{})
	r.scheduleFaults()
	r.play(t.Context(), nil)
	history := r.ops.history(r.judge.epoch)
	require.Equal(t, linearizability.Held, linearizability.Check(history, time.Minute).Verdict)
	for i := range history {
		if r.ops.all[i].abandoned {
			history[i].Outcome = linearizability.Failed
		}
	}
	require.Equal(t, linearizability.Violation, linearizability.Check(history, time.Minute).Verdict)
}

// localPorts keeps the ports that a client connects from, and challenges.
type localPorts struct {
	ports      []string
	challenges []string
}

func (p *localPorts) Emit(ev *trace.Event) {
	switch {
	case ev.Kind == trace.KindConnected && ev.Node == "client-1":
		p.ports = append(p.ports, ev.Addr)
	case ev.Kind == trace.KindChallenge:
		p.challenges = append(p.challenges, ev.Node+": "+ev.Note)
	}
}

// A kernel that lives on goes on with its ports; one that lost its power may come back to one
// that a server holds, is challenged, and gets in.
func TestPortsAfterAClientDied(t *testing.T) {
	s := dying(FaultClientRestart)
	s.PortMin, s.PortMax = 40000, 40030
	var killed localPorts
	require.Equal(t, VerdictHeld, mustRun(t, s, Options{Sink: &killed}).Verdict)
	require.NotEmpty(t, killed.ports)
	seen := make(map[string]bool)
	for _, port := range killed.ports {
		require.False(t, seen[port], "%s is used twice", port)
		seen[port] = true
	}
	require.Empty(t, killed.challenges)

	s = dying(FaultClientPowerLoss)
	s.PortMin, s.PortMax = 40000, 40000+s.Metas+s.Replicas
	var lost localPorts
	result := mustRun(t, s, Options{Sink: &lost})
	require.Equal(t, VerdictHeld, result.Verdict, result.Reason)
	require.NotEmpty(t, lost.challenges)
	require.Contains(t, result.Met, Count{MetChallenge.String(), len(lost.challenges)})
}
