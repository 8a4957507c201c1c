// Each kind of fault does what it says, and ends; disks lose what they are told to.

package sim

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/trace"
)

// faultNotes keeps what a trace says of faults.
type faultNotes struct{ notes []string }

func (f *faultNotes) Emit(ev *trace.Event) {
	if ev.Kind == trace.KindFault || ev.Kind == trace.KindNodeDown {
		f.notes = append(f.notes, ev.Node+": "+ev.Note)
	}
}

// Each kind alone, beside a restart, against each server: the run holds, the fault is
// counted, and the trace has its beginning and its end.
func TestEachFaultAlone(t *testing.T) {
	says := map[FaultKind][]string{
		FaultRestart:       {"replica-1: killed"},
		FaultPowerLoss:     {"replica-1: power off"},
		FaultDiskLoss:      {"replica-1: power off"},
		FaultPause:         {"replica-1: pause", "replica-1: resume"},
		FaultPartition:     {"replica-1: cut replica-1 to client-2", "client-2: cut client-2 to replica-1", "client-2: heal client-2 to replica-1"},
		FaultOneWay:        {"replica-1: cut replica-1 to client-2", "replica-1: heal replica-1 to client-2"},
		FaultDelay:         {"replica-1: delay 800ms replica-1 to client-2", "client-2: delay -800ms client-2 to replica-1"},
		FaultClog:          {"replica-1: clog for 1.5s replica-1 to client-2", "client-2: clog for 1.5s client-2 to replica-1"},
		FaultSlowHandshake: {"replica-1: slow handshake 800ms", "replica-1: slow handshake -800ms"},
		FaultLeaderChange:  {"meta-1: nobody leads", "meta-1: meta-2 leads", "meta-2: meta-2 leads"},
		FaultClockStep:     {"replica-1: clock stepped by 800ms", "replica-1: clock stepped by -800ms"},
		FaultClockDrift:    {"replica-1: clock drifts by 5000 ns per second", "replica-1: clock drifts by 0 ns per second"},
		FaultKeyRotation:   {},
		FaultKDCOutage:     {"kdc: killed"},
		FaultTicketExpiry:  {},

		FaultForgetFlows:     {"replica-1: flows between replica-1 and client-2 are forgotten"},
		FaultResetFlows:      {"replica-1: flows between replica-1 and client-2 are forgotten"},
		FaultClientRestart:   {"client-2: killed"},
		FaultClientPowerLoss: {"client-2: power off"},
		FaultMovePrimary:     {"replica-1: partition 1 moves here from replica-2, with ballot 2", "replica-1: partition 1 is served here"},
		FaultStaleLeader:     {"meta-1: another meta leads, and this one does not know", "meta-2: meta-2 leads", "meta-1: meta-2 leads"},
	}
	for _, kind := range FaultKinds() {
		for _, server := range []string{ServerReference, ServerFIN} {
			s := calm()
			s.Server = server
			s.Faults = []Fault{{At: 6 * time.Second, Kind: FaultRestart, Node: "replica-1", Down: 200 * time.Millisecond}, faultFor(kind)}
			s.keepInFlight()
			var notes faultNotes
			result := mustRun(t, s, Options{Sink: &notes})
			require.Equal(t, VerdictHeld, result.Verdict, "%v against %s: %s", kind, server, result.Reason)
			require.True(t, slices.ContainsFunc(result.Faults, func(n Count) bool { return n.Name == kind.String() }), "%v: %v", kind, result.Faults)
			for _, note := range says[kind] {
				require.Contains(t, notes.notes, note, "%v", kind)
			}
		}
	}
}

// faultFor is a fault of a kind at 3 s, on the first node that it can befall beside metas.
func faultFor(kind FaultKind) Fault {
	info := kind.Info()
	f := Fault{At: 3 * time.Second, Kind: kind, Node: "replica-1", Down: 1500 * time.Millisecond}
	switch info.roles {
	case roleMeta:
		f.Node = "meta-2"
	case roleKDC:
		f.Node = kdcName
	case roleClient:
		f.Node = "client-2"
	}
	if kind == FaultStaleLeader {
		f.Node = "meta-1"
	}
	if info.Peer {
		f.Peer = "client-2"
	}
	if info.Partition {
		f.Partition = 1
	}
	if info.By != "" {
		f.By = 800 * time.Millisecond
	}
	if info.Rate {
		f.Rate = 5000
	}
	return f
}

// A paused server is not a restarted one: its connections live on.
func TestPauseLeavesConnections(t *testing.T) {
	s := calm()
	s.Faults = []Fault{
		{At: 3 * time.Second, Kind: FaultRestart, Node: "replica-2", Down: 100 * time.Millisecond},
		{At: 5 * time.Second, Kind: FaultPause, Node: "replica-1", Down: 300 * time.Millisecond},
		{At: 5100 * time.Millisecond, Kind: FaultPause, Node: "replica-1", Down: 300 * time.Millisecond},
	}
	s.keepInFlight()
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictHeld, result.Verdict, result.Reason)
	require.Equal(t, s.Clients, result.Reconnects, "to replica-2, and to nobody else")
}

// What is missing when progress is due is named.
func TestMissingThingsAreNamed(t *testing.T) {
	s := calm()
	s.Clocks = []Clock{{Node: "replica-1", Offset: -10 * time.Minute}}
	s.Faults = []Fault{{At: 4 * time.Second, Kind: FaultRestart, Node: "replica-1", Down: 100 * time.Millisecond}}
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictViolation, result.Verdict)
	require.NotEmpty(t, result.Pending)
	require.Equal(t, "session", result.Pending[0].Kind)
	require.Contains(t, result.Pending[0].What, "has no ready session to replica-1")
	require.Contains(t, append(result.Judged, result.AlsoViolated...), PropertyConvergenceBound)
	for _, v := range result.Violations {
		if v.Property == PropertyConvergenceBound {
			require.Equal(t, s.LastFault()+s.progressBound(), v.At)
		}
	}
}

// A run that ends before progress is due has not shown any, and says how long it has to be.
func TestRunThatEndsBeforeProgressIsDueIsInconclusive(t *testing.T) {
	s := fullRestart(3)
	s.Watch = s.progressBound()
	result := mustRun(t, s, Options{})
	require.Equal(t, VerdictInconclusive, result.Verdict)
	require.Contains(t, result.Reason, PropertyConvergenceBound+" was not judged: it is due 7.11s after the last fault, and the run ends after 7.11s; ")
	require.Contains(t, result.Reason, "--watch 8s")
	s.Watch = 8 * time.Second
	result = mustRun(t, s, Options{})
	require.Equal(t, VerdictHeld, result.Verdict, result.Reason)
}

func TestLostWritesAreInTheHistory(t *testing.T) {
	s := calm()
	s.Workloads = s.Workloads[:1]
	s.Workloads[0].Keys = 1
	s.Faults = []Fault{{At: 3 * time.Second, Kind: FaultDiskLoss, Node: replicaName(keySpace{s.Partitions}.partition("k0") % s.Replicas), By: time.Second, Down: 100 * time.Millisecond}}
	s.keepInFlight()
	for _, server := range ServerNames {
		s.Server = server
		r := newRun(&s, trace.Fanout{})
		r.scheduleFaults()
		r.play(t.Context(), nil)
		require.Positive(t, r.judge.met[MetWriteLost], server)
		require.Equal(t, linearizability.Held, linearizability.Check(r.ops.history(r.judge.epoch), time.Minute).Verdict, server)
		r.ops.undone = nil
		require.Equal(t, linearizability.Violation, linearizability.Check(r.ops.history(r.judge.epoch), time.Minute).Verdict, "%s: lost writes must matter", server)
	}
}

// A disk that loses what was written after an instant is as it was then.
func TestDiskUndoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		d := newDisk(func() time.Time { return now }, true)
		pid := protocol.GPID{AppID: 2}
		var states []map[string]string // after each write
		have := make(map[string]string)
		for range rapid.IntRange(1, 30).Draw(t, "writes") {
			now = now.Add(time.Second)
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
			reference, old := d.referenceStorage(), d.upstreamStorage()
			if rapid.Bool().Draw(t, "put") {
				value := rapid.StringN(1, 3, 6).Draw(t, "value")
				if rapid.Bool().Draw(t, "upstream") {
					old.Put(pid, []byte(key), upstream.Record{Value: []byte(value)})
					d.reference.Put(pid, []byte(key), []byte(value), 0)
				} else {
					reference.Put(pid, []byte(key), []byte(value), 0)
					d.upstream.Put(pid, []byte(key), upstream.Record{Value: []byte(value)})
				}
				have[key] = value
			} else {
				reference.Remove(pid, []byte(key))
				d.upstream.Remove(pid, []byte(key))
				delete(have, key)
			}
			states = append(states, maps.Clone(have))
		}
		kept := rapid.IntRange(1, len(states)).Draw(t, "kept")
		d.undo(time.Unix(int64(kept), 0))
		for _, key := range []string{"a", "b", "c"} {
			value, found := states[kept-1][key]
			row, status := d.reference.Get(pid, []byte(key))
			require.Equal(t, found, status == protocol.StatusOK)
			require.Equal(t, value, string(row.Value))
			record, ok := d.upstream.Get(pid, []byte(key))
			require.Equal(t, found, ok)
			require.Equal(t, value, string(record.Value))
		}
	})
}

// Nobody leads while the leader changes; then the other does.
func TestLeaderChangeIsTold(t *testing.T) {
	for _, server := range ServerNames {
		s := calm()
		s.Server = server
		s.Faults = []Fault{{At: time.Second, Kind: FaultLeaderChange, Node: "meta-2", Down: time.Second}}
		r := newRun(&s, trace.Fanout{})
		r.scheduleFaults()
		r.world.Run(1500 * time.Millisecond)
		require.Equal(t, netip.AddrPort{}, r.leader)
		r.world.Run(3 * time.Second)
		require.Equal(t, address(1, 1, metaPort), r.leader)
	}
}
