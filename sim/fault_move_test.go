// Partitions that move, and metas that do not know who leads.

package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/replica"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/trace"
)

// moving is a calm scenario without Kerberos, of one partition and everybody on it, with
// these faults after a restart.
func moving(faults ...Fault) Scenario {
	s := calm()
	s.Auth, s.Partitions = AuthMandatory, 1
	s.Faults = append([]Fault{{At: time.Second, Kind: FaultRestart, Node: "replica-1", Down: 100 * time.Millisecond}}, faults...)
	s.keepInFlight()
	return s
}

// played runs a scenario to its end.
func played(t *testing.T, s *Scenario, also ...func(r *run)) *run {
	t.Helper()
	require.NoError(t, s.Validate())
	r := newRun(s, trace.Fanout{})
	r.scheduleFaults()
	for _, f := range also {
		f(r)
	}
	r.play(t.Context(), nil)
	r.judge.finish(r.world.Now())
	return r
}

func (r *run) linearizable() linearizability.Verdict {
	return linearizability.Check(r.ops.history(r.judge.epoch), time.Minute).Verdict
}

// succeeded counts operations that began and ended well in a span.
func (r *run) succeeded(from, until time.Duration) (n int) {
	for _, op := range r.ops.all {
		if op.outcome == session.OutcomeOK && !op.invoked.Before(r.judge.epoch.Add(from)) && op.returned.Before(r.judge.epoch.Add(until)) {
			n++
		}
	}
	return n
}

// A partition that moves away from a host without power is found where it is now, although no
// dial to that host ever says that it has failed but by its time-out. R4.
func TestMovedAwayFromAHostWithoutPower(t *testing.T) {
	s := moving(
		Fault{At: 4 * time.Second, Kind: FaultPowerLoss, Node: "replica-1", Down: 40 * time.Second},
		Fault{At: 24 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: 10 * time.Millisecond},
	)
	r := played(t, &s)
	require.Empty(t, r.judge.violations)
	require.Zero(t, r.succeeded(5*time.Second, 24*time.Second))
	require.Positive(t, r.succeeded(26*time.Second, 28*time.Second))
}

// While a partition moves nobody serves it; then the new primary does, with all its rows.
func TestMovedPartition(t *testing.T) {
	for _, server := range ServerNames {
		for _, also := range []Fault{
			{}, // nothing
			{At: 3500 * time.Millisecond, Kind: FaultRestart, Node: "replica-1", Down: 200 * time.Millisecond},
			{At: 3500 * time.Millisecond, Kind: FaultRestart, Node: "replica-2", Down: 3 * time.Second},
			{At: 2900 * time.Millisecond, Kind: FaultPause, Node: "replica-1", Down: 2 * time.Second},
			{At: 2900 * time.Millisecond, Kind: FaultPowerLoss, Node: "replica-1", Down: 2 * time.Second},
			{At: 3500 * time.Millisecond, Kind: FaultRestart, Node: "meta-1", Down: 200 * time.Millisecond},
			{At: 3500 * time.Millisecond, Kind: FaultLeaderChange, Node: "meta-2", Down: 200 * time.Millisecond},
		} {
			faults := []Fault{{At: 3 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: time.Second}}
			if also.Kind != 0 {
				faults = append(faults, also)
			}
			s := moving(faults...)
			s.Server = server
			r := played(t, &s)
			require.Empty(t, r.judge.violations, "%v against %s", also, server)
			require.Equal(t, linearizability.Held, r.linearizable(), "%v against %s", also, server)
			require.Positive(t, r.succeeded(2*time.Second, 3*time.Second), "%v against %s", also, server)
			require.Zero(t, r.succeeded(3*time.Second, 4*time.Second), "%v against %s", also, server)
			require.Positive(t, r.succeeded(8*time.Second, 10*time.Second), "%v against %s", also, server)
			require.Positive(t, r.judge.met[MetNotPrimary], "%v against %s", also, server)
			for client := range s.Clients {
				require.Equal(t, knownPrimary{2, "replica-2"}, r.known[client][0])
			}
		}
	}
}

// A new primary that had not what was acknowledged would show.
func TestRowsGoWithTheirPartition(t *testing.T) {
	for _, server := range ServerNames {
		s := moving(Fault{At: 3 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: 500 * time.Millisecond})
		s.Server = server
		r := played(t, &s, func(r *run) {
			r.world.At(3400*time.Millisecond, func() {
				to := r.place("replica-2").disk
				replica.NewMemory().CopyPartition(gpid(0), to.reference)
				upstream.NewMemory().CopyPartition(gpid(0), to.upstream)
			})
		})
		require.Equal(t, linearizability.Violation, r.linearizable(), server)
	}
}

// A disk takes back nothing of a partition that has moved: others have it.
func TestDiskLossSparesWhatHasMoved(t *testing.T) {
	move := Fault{At: 3 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: 500 * time.Millisecond}
	back := Fault{At: 5 * time.Second, Kind: FaultMovePrimary, Node: "replica-1", Down: 500 * time.Millisecond}
	loss := Fault{At: 3200 * time.Millisecond, Kind: FaultDiskLoss, Node: "replica-1", By: 2 * time.Second, Down: time.Second}
	late := Fault{At: 5200 * time.Millisecond, Kind: FaultDiskLoss, Node: "replica-1", By: 5 * time.Second, Down: time.Second}
	for _, faults := range [][]Fault{{move, loss}, {move, back, late}} {
		s := moving(faults...)
		r := played(t, &s)
		require.Equal(t, linearizability.Held, r.linearizable())
		require.Empty(t, r.ops.undone)
	}
}

// A move that another overtakes is not waited for, and ends nothing.
func TestOvertakenMove(t *testing.T) {
	s := moving(
		Fault{At: 3 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: time.Second},
		Fault{At: 3500 * time.Millisecond, Kind: FaultMovePrimary, Node: "replica-3", Down: 2 * time.Second},
		Fault{At: 3600 * time.Millisecond, Kind: FaultMovePrimary, Node: "replica-3", Down: time.Second},
	)
	s.Workloads = s.Workloads[:2]
	for _, at := range []time.Duration{2 * time.Second, 8 * time.Second} { // of one that does not look meanwhile
		s.Ops = append(s.Ops, Op{At: at, Client: 3, RPC: protocol.RPCGet, Timeout: time.Second})
	}
	r := played(t, &s)
	require.Empty(t, r.judge.violations)
	require.Equal(t, linearizability.Held, r.linearizable())
	require.Zero(t, r.succeeded(3*time.Second, 4600*time.Millisecond))
	require.Positive(t, r.succeeded(4700*time.Millisecond, 5500*time.Millisecond), "the latest move is over")
	require.Equal(t, knownPrimary{4, "replica-3"}, r.known[0][0])
	require.Positive(t, r.judge.met[MetNotHeld], "replica-1 has nothing of it any more")
}

// Where no meta leads that runs, nothing moves.
func TestNobodyMovesWithoutALeader(t *testing.T) {
	for _, c := range []struct {
		trouble Fault
		why     string
	}{
		{Fault{At: 2 * time.Second, Kind: FaultLeaderChange, Node: "meta-2", Down: 2 * time.Second}, "no meta leads"},
		{Fault{At: 2 * time.Second, Kind: FaultRestart, Node: "meta-1", Down: 2 * time.Second}, "the meta that leads, meta-1, does not run"},
		{Fault{At: 2 * time.Second, Kind: FaultPause, Node: "meta-1", Down: 2 * time.Second}, "the meta that leads, meta-1, does not run"},
	} {
		s := moving(c.trouble, Fault{At: 3 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: time.Second})
		r := played(t, &s)
		require.Zero(t, r.judge.faults[FaultMovePrimary])
		require.EqualValues(t, firstBallot, r.placements[0].ballot)
		require.Equal(t, []IdleFault{{Fault: "move-primary", Node: "replica-2", AtNS: int64(3 * time.Second), Why: c.why}}, r.judge.idles)
	}
}

// A leader that does not know of its successor answers as things were; the client that has
// heard of the move from the other does not go back.
func TestStaleLeader(t *testing.T) {
	for _, server := range ServerNames {
		s := moving(
			Fault{At: 2 * time.Second, Kind: FaultStaleLeader, Node: "meta-1", Down: 8 * time.Second},
			Fault{At: 3 * time.Second, Kind: FaultPartition, Node: "client-1", Peer: "meta-1", Down: 2 * time.Second},
			Fault{At: 2500 * time.Millisecond, Kind: FaultMovePrimary, Node: "replica-2", Down: 2 * time.Second},
			Fault{At: 6 * time.Second, Kind: FaultPartition, Node: "client-1", Peer: "meta-2", Down: 2 * time.Second},
			Fault{At: 6 * time.Second, Kind: FaultRestart, Node: "replica-2", Down: 300 * time.Millisecond},
		)
		s.Server = server
		r := played(t, &s, func(r *run) {
			r.world.At(9*time.Second, func() {
				require.Equal(t, knownPrimary{2, "replica-2"}, r.known[0][0])
				require.Equal(t, knownPrimary{1, "replica-1"}, r.known[1][0], "client-2 asks the old leader")
			})
		})
		require.Empty(t, r.judge.violations, server)
		require.Positive(t, r.judge.met[MetTwoLeaders], server)
		require.Positive(t, r.judge.met[MetOlderConfig], server)
		require.Equal(t, knownPrimary{2, "replica-2"}, r.known[1][0], "and the new one when the fault is over")
	}
}

// A meta that did not hear who leads, and is elected itself, has what the leaders before it
// decided.
func TestElectedMetaKnows(t *testing.T) {
	s := moving(
		Fault{At: 2 * time.Second, Kind: FaultStaleLeader, Node: "meta-1", Down: 8 * time.Second},
		Fault{At: 3 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: 500 * time.Millisecond},
		Fault{At: 4 * time.Second, Kind: FaultLeaderChange, Node: "meta-1", Down: time.Second},
		Fault{At: 6 * time.Second, Kind: FaultMovePrimary, Node: "replica-1", Down: 500 * time.Millisecond},
	)
	r := played(t, &s)
	require.Empty(t, r.judge.violations)
	require.Equal(t, r.placements[0].ballot, r.registry.Tables[0].Partitions[0].Ballot)
}

// Without a successor, and of a meta that does not lead, it is no fault.
func TestOnlyALeaderWithASuccessorIsDeposed(t *testing.T) {
	s := moving(Fault{At: 2 * time.Second, Kind: FaultStaleLeader, Node: "meta-2", Down: time.Second})
	j := played(t, &s).judge
	require.Zero(t, j.faults[FaultStaleLeader])
	require.Equal(t, "stale-leader of meta-2 at 2s: it does not lead", j.idles[0].String())
	s = moving(Fault{At: 2 * time.Second, Kind: FaultStaleLeader, Node: "meta-1", Down: time.Second})
	s.Metas = 1
	j = played(t, &s).judge
	require.Zero(t, j.faults[FaultStaleLeader])
	require.Equal(t, "stale-leader of meta-1 at 2s: no other meta runs that could lead", j.idles[0].String())
}

func TestMovesHold(t *testing.T) {
	c := coverage{faults: make(map[string]covered), met: make(map[string]covered)}
	heldOverSeeds(t, ScenarioMoves, 30, c.add)
	for _, m := range []Met{MetNotPrimary, MetNotHeld, MetTwoLeaders, MetOlderConfig} {
		require.Positive(t, c.met[m.String()].runs, m.String())
	}
}

// G8: upstream's Go client sends a request that was refused to the same server again, since
// it looks its partition up once: the first request on a partition that has moved fails,
// however long ago that was. The reference's does not.
func TestGoRetriesToTheStalePrimary(t *testing.T) {
	s := moving(Fault{At: 3 * time.Second, Kind: FaultMovePrimary, Node: "replica-2", Down: time.Second})
	s.Workloads, s.Ops = nil, nil
	for _, at := range []time.Duration{500 * time.Millisecond, 20 * time.Second} {
		s.Ops = append(s.Ops, Op{At: at, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second})
	}
	s.Faults, s.Auth = s.Faults[1:], AuthOptional // a restart would have the client wait for a minute
	for client, want := range map[string]session.Outcome{ClientReference: session.OutcomeOK, ClientUpstreamGo: session.OutcomeFailed} {
		s.Client = client
		r := played(t, &s)
		require.Equal(t, session.OutcomeOK, r.ops.all[0].outcome, client)
		require.Equal(t, want, r.ops.all[1].outcome, client)
	}
	s.Client = ClientUpstreamGo
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictViolation, result.Verdict)
	require.Equal(t, []string{PropertyRequestsDrain}, result.Judged)
	require.Contains(t, result.Reason, protocol.CodeInvalidState.String())
}

// A table is looked up no sooner than half a second after the last time, so a caller of less
// patience may be refused by the primary before for that long after a move, and no longer.
func TestLookingUpAMoveTakesItsTime(t *testing.T) {
	of := keySpace{Default().Partitions}.partition("k1")
	moved := []Fault{{At: time.Second, Kind: FaultMovePrimary, Node: "replica-1", Partition: of, Down: time.Second}}
	elsewhere := []Fault{{At: time.Second, Kind: FaultMovePrimary, Node: "replica-1", Partition: of + 1, Down: time.Second}}
	const newer = firstBallot + 1
	for _, c := range []struct {
		name    string
		faults  []Fault
		silent  bool  // a fault has ended connections without a word
		knows   int64 // ballot, by now
		after   time.Duration
		timeout time.Duration
		excused bool
	}{
		{name: "refused for too little time", faults: moved, knows: newer, timeout: 700 * time.Millisecond, excused: true},
		{name: "refused for longer", faults: moved, knows: newer, timeout: 2 * time.Second},
		{name: "asked when it must be known", faults: moved, knows: newer, after: time.Second, timeout: 700 * time.Millisecond},
		{name: "another partition has moved", faults: elsewhere, knows: firstBallot, timeout: 700 * time.Millisecond},
		{name: "no meta can be asked", faults: moved, silent: true, knows: newer, timeout: 2 * time.Second, excused: true},
		{name: "no meta can be asked for ever", faults: moved, silent: true, knows: newer, after: time.Minute, timeout: 2 * time.Second},
		{name: "no meta has to be asked", faults: moved, silent: true, knows: firstBallot, timeout: 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			court := newCourt()
			court.scenario.Faults, court.scenario.BackoffCap = c.faults, 100*time.Millisecond
			court.silent, court.faultsOver = c.silent, judgedAt
			court.now = judgedAt.Add(c.after)
			op := court.ops.invoke(court.now, 0, protocol.RPCGet, "k1", "s0", c.timeout)
			court.ops.complete(op.deadline, op.id, session.OutcomeFailed, protocol.CodeOK, nil, "ERR_INVALID_STATE")
			court.route = func(int, int) (knownPrimary, bool) { return knownPrimary{c.knows, "replica-2"}, true }
			court.judgeRequests(judgedAt.Add(2 * time.Minute))
			require.Equal(t, c.excused, len(court.violations) == 0, "%v", court.violations)
		})
	}
}

// What rapid drew: a move right after another look-up, and one whose meta cannot be reached, on
// a connection that lives on.
func TestCallersThatCannotWaitForALookUp(t *testing.T) {
	s := Default()
	s.Auth, s.Metas, s.Replicas, s.Clients, s.BackoffCap = AuthMandatory, 1, 2, 1, 100*time.Millisecond
	s.Ops = []Op{
		{At: 450 * time.Millisecond, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second},
		{At: 900*time.Millisecond - 20*time.Microsecond, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second},
	}
	restart := Fault{At: 900 * time.Millisecond, Kind: FaultRestart, Node: "replica-1", Down: time.Millisecond}
	again, unreachable := s, s
	again.Seed, again.Partitions = 0, 2
	again.Workloads = []Workload{{Client: 1, EveryMin: 25 * time.Millisecond, EveryMax: 50 * time.Millisecond, Timeout: 300 * time.Millisecond, Keys: 1}}
	again.Faults = []Fault{restart, {At: time.Second, Kind: FaultMovePrimary, Node: "replica-1", Partition: 1, Down: time.Millisecond}}

	unreachable.Seed, unreachable.Partitions, unreachable.Pairs = 12, 8, 5
	unreachable.Workloads = []Workload{{Client: 1, EveryMin: 310 * time.Millisecond, EveryMax: 620 * time.Millisecond, Timeout: time.Second, Keys: 5}}
	unreachable.Faults = []Fault{
		restart,
		{At: time.Second, Kind: FaultPartition, Node: "meta-1", Down: 3637 * time.Millisecond},
		{At: 1001 * time.Millisecond, Kind: FaultPowerLoss, Node: "replica-1", Down: 3220 * time.Millisecond},
		{At: 1002 * time.Millisecond, Kind: FaultMovePrimary, Node: "replica-2", Partition: 4, Down: 2 * time.Millisecond},
	}
	for _, s := range []Scenario{again, unreachable} {
		r := played(t, &s)
		require.Empty(t, r.judge.violations)
		refused := 0
		for _, op := range r.ops.all {
			if op.outcome == session.OutcomeFailed && op.why == protocol.CodeInvalidState.String() {
				refused++
			}
		}
		require.Positive(t, refused, "a caller has been refused to the end")
	}
}
