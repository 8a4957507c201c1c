package upstream_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/upstream/recording"
)

// compared is how many simulated runs are held against one recording: one run decides
// ties by luck.
const compared = 100

func readRecording(t testing.TB, name string) []recording.Event {
	data, err := os.ReadFile(filepath.Join("testdata", name+".ndjson"))
	require.NoError(t, err)
	events, err := recording.Read(bytes.NewReader(data))
	require.NoError(t, err)
	return events
}

// tally is what many runs showed together.
type tally struct {
	kinds  []recording.Kind
	shapes map[recording.Shape]int
	conns  int
	never  int // runs whose set of nodes never got back to is the recording's
}

func simulate(t testing.TB, s setup, want []string) tally {
	sum := tally{shapes: make(map[recording.Shape]int)}
	for seed := range uint64(compared) {
		r := recording.ReactionsOf(newDriver(t, seed, s).run(s.inputs.End))
		for _, k := range recording.Kinds(r.Signatures, recording.Measured()) {
			sum.kinds = append(sum.kinds, recording.Missing([]recording.Kind{k}, sum.kinds)...)
		}
		for _, shape := range r.Shapes {
			sum.shapes[shape]++
			sum.conns++
		}
		if assert.ObjectsAreEqual(want, r.Never) {
			sum.never++
		}
	}
	return sum
}

// TestRecordings holds the model against what the real client did: the same operations,
// the same server, the same restart, and nothing of the recorded reactions.
func TestRecordings(t *testing.T) {
	for name, release := range map[string]upstream.Release{
		"snapshot-hang":                        upstream.ReleaseSnapshot,
		"snapshot-hang-op5000":                 upstream.ReleaseSnapshot,
		"snapshot-hang-two-metas-idle":         upstream.ReleaseSnapshot,
		"snapshot-early-request-session-reset": upstream.ReleaseSnapshot,
		"release-2.5.0-hang-op5000":            upstream.Release250,
		"master-hang":                          upstream.ReleaseMaster,
		"master-fin":                           upstream.ReleaseMaster,
	} {
		t.Run(name, func(t *testing.T) {
			events := readRecording(t, name)
			in, err := recording.InputsOf(events)
			require.NoError(t, err)
			recorded := recording.ReactionsOf(events)
			require.NotEmpty(t, recorded.Shapes)

			mode := upstream.ModeHang
			if strings.HasSuffix(name, "-fin") {
				mode = upstream.ModeFin
			}
			sum := simulate(t, setup{
				inputs: in, release: release, mode: mode, auth: upstream.AuthMandatory,
				refuse: name == "snapshot-early-request-session-reset",
			}, recorded.Never)

			kinds := recording.Kinds(recorded.Signatures, recording.Measured())
			assert.Empty(t, recording.Missing(kinds, sum.kinds), "recorded signatures that no run shows")
			assert.Empty(t, recording.Missing(sum.kinds, recording.Measured()), "signatures that the real client was never measured to show")
			compareShapes(t, recorded.Shapes, &sum)
			assert.GreaterOrEqual(t, sum.never, compared*9/10, "runs in which the same nodes are never reached again")
		})
	}
}

// compareShapes wants every recorded shape, and no other but for late connections after
// a close during connecting: 635 recorded connections are too few to show one for sure.
func compareShapes(t *testing.T, recorded []recording.Shape, sum *tally) {
	t.Helper()
	var kinds []recording.Shape
	for _, s := range recorded {
		kinds = append(kinds, s.WhileOpen())
	}
	seen := make(map[recording.Shape]int)
	others := 0
	for s, n := range sum.shapes {
		if seen[s.WhileOpen()] += n; len(recording.Missing([]recording.Shape{s.WhileOpen()}, kinds)) > 0 {
			others += n
		}
	}
	for _, k := range kinds {
		assert.NotZero(t, seen[k], "recorded shape that no run shows: %+v", k)
	}
	assert.LessOrEqual(t, others*200, sum.conns, "shapes that the recording does not have: %v", sum.shapes)
}

// cluster is a quiet cluster with an operation a second, for behaviours that are not
// compared with a recording one by one.
func cluster(timeout, end time.Duration) recording.Inputs {
	in := recording.Inputs{
		Metas: []string{"meta-1", "meta-2"}, Replicas: []string{"replica-1", "replica-2"}, Leader: "meta-1",
		OpenTable: -5 * time.Second, OperationTimeout: timeout, Down: 200 * time.Millisecond, End: end,
	}
	for at := -4 * time.Second; at < end; at += time.Second {
		p := int(at/time.Second+8) % 8
		in.Operations = append(in.Operations, recording.Operation{At: at, Write: true, Partition: p}, recording.Operation{At: at, Partition: p})
	}
	return in
}

// count is what one run did after the restart.
type count struct {
	accepted int
	results  map[string]int
	first    map[recording.Class]int
	never    []string
}

func counted(events []recording.Event) count {
	c := count{results: make(map[string]int), first: make(map[recording.Class]int)}
	for i := range events {
		e := &events[i]
		switch {
		case e.At() <= 0:
		case e.Ev == recording.EvAccept:
			c.accepted++
		case e.Ev == recording.EvSet || e.Ev == recording.EvGet:
			c.results[e.Result]++
		}
	}
	r := recording.ReactionsOf(events)
	for _, s := range r.Shapes {
		c.first[s.First]++
	}
	c.never = r.Never
	return c
}

// TestMasterRace: where the thread that takes the mark back stands still for 8 ms, as it was
// traced to do, some connections begin with a request, and are dead for 10 s against a
// server that hangs. One was recorded.
func TestMasterRace(t *testing.T) {
	recorded := recording.ReactionsOf(readRecording(t, "master-J3-request-before-negotiation")).Shapes
	require.Len(t, recorded, 1)
	assert.Equal(t, recording.Shape{First: recording.ClassRequest, Negotiation: recorded[0].Negotiation, Died: "request", ClosedBy: recording.ByPeer}, recorded[0])
	raced := func(standstill time.Duration) (first int) {
		delays := upstream.DefaultDelays()
		delays.Reset.Max = max(delays.Reset.Max, standstill)
		for seed := range uint64(compared) {
			s := setup{inputs: busy(15 * time.Second), release: upstream.ReleaseMaster, mode: upstream.ModeHang, auth: upstream.AuthMandatory, delays: delays}
			c := counted(newDriver(t, seed, s).run(s.inputs.End))
			first += c.first[recording.ClassRequest]
			assert.NotContains(t, c.never, "replica-1", "it comes back all the same")
			assert.NotContains(t, c.never, "replica-2")
		}
		return first
	}
	assert.Zero(t, raced(0), "0 of 278 connections were measured in 120 plain restarts")
	assert.Positive(t, raced(8*time.Millisecond))
}

// busy is a cluster that is away for a millisecond while its client asks every millisecond.
func busy(end time.Duration) recording.Inputs {
	in := cluster(time.Second, end)
	in.Down = time.Millisecond
	var operations []recording.Operation
	for at := -50 * time.Millisecond; at < 50*time.Millisecond; at += time.Millisecond {
		operations = append(operations, recording.Operation{At: at, Write: true, Partition: int(at/time.Millisecond+64) % 8})
	}
	before := slices.IndexFunc(in.Operations, func(o recording.Operation) bool { return o.At > 0 })
	in.Operations = slices.Insert(in.Operations, before, operations...)
	return in
}

// TestFin: against a server that closes at once both releases loop for ever, the release
// at 10 to 11 connections a second, the snapshot at hundreds (measured: up to 1,684).
func TestFin(t *testing.T) {
	for seed := range uint64(5) {
		s := setup{inputs: cluster(time.Second, 20*time.Second), release: upstream.Release250, mode: upstream.ModeFin, auth: upstream.AuthMandatory}
		release := counted(newDriver(t, seed, s).run(s.inputs.End))
		assert.Equal(t, []string{"meta-1", "replica-1", "replica-2"}, release.never)
		assert.InDelta(t, 10.5*19, release.accepted, 4*19, "connections in 19 s")
		assert.Zero(t, release.results["ok"])
		assert.Greater(t, release.results["ERR_SESSION_RESET"], 20)

		s.release = upstream.ReleaseSnapshot
		snapshot := counted(newDriver(t, seed, s).run(s.inputs.End))
		assert.Equal(t, []string{"meta-1", "replica-1", "replica-2"}, snapshot.never)
		assert.Greater(t, snapshot.accepted, 100*19)
		assert.Less(t, snapshot.accepted, 1700*19)
		assert.Zero(t, snapshot.results["ok"])
		assert.Greater(t, snapshot.results["ERR_TIMEOUT"], snapshot.results["ERR_SESSION_RESET"])
	}
}

// TestOptional: where authentication is on and not mandatory nothing fails, although a
// request is the first frame of every connection.
func TestOptional(t *testing.T) {
	for _, mode := range []upstream.ServerMode{upstream.ModeFin, upstream.ModeHang} {
		for _, release := range []upstream.Release{upstream.Release250, upstream.ReleaseSnapshot} {
			s := setup{inputs: cluster(time.Second, 10*time.Second), release: release, mode: mode, auth: upstream.AuthOptional}
			c := counted(newDriver(t, 1, s).run(s.inputs.End))
			assert.Empty(t, c.never, "%v %v", mode, release)
			assert.Positive(t, c.first[recording.ClassRequest], "%v %v", mode, release)
			assert.Equal(t, map[string]int{"ok": 2 * 10}, c.results, "%v %v", mode, release)
		}
	}
}

// TestHostPorts: the release cannot open a table that is answered with host_port fields.
func TestHostPorts(t *testing.T) {
	for _, release := range []upstream.Release{upstream.Release250, upstream.ReleaseSnapshot} {
		s := setup{inputs: cluster(time.Second, -time.Second), release: release, mode: upstream.ModeHang, auth: upstream.AuthMandatory, hp: true}
		var opened string
		for _, e := range newDriver(t, 1, s).run(s.inputs.End) {
			if e.Ev == recording.EvOpenTable {
				opened = e.Result
			}
		}
		assert.Equal(t, map[upstream.Release]string{upstream.Release250: "ERR_INVALID_DATA", upstream.ReleaseSnapshot: "ok"}[release], opened)
	}
}

// TestDeterministic: the same seed gives the same events.
func TestDeterministic(t *testing.T) {
	s := setup{inputs: cluster(time.Second, 30*time.Second), release: upstream.ReleaseSnapshot, mode: upstream.ModeHang, auth: upstream.AuthMandatory}
	one, two := newDriver(t, 7, s).run(s.inputs.End), newDriver(t, 7, s).run(s.inputs.End)
	require.NotEmpty(t, one)
	assert.Equal(t, one, two)
	assert.NotEqual(t, one, newDriver(t, 8, s).run(s.inputs.End))
}

// BenchmarkHang runs a minute of the incident.
func BenchmarkHang(b *testing.B) {
	s := setup{inputs: cluster(time.Second, time.Minute), release: upstream.ReleaseSnapshot, mode: upstream.ModeHang, auth: upstream.AuthMandatory}
	b.ReportAllocs()
	for seed := uint64(0); b.Loop(); seed++ {
		newDriver(b, seed, s).run(s.inputs.End)
	}
}
