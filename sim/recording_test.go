// The simulated incident held against recordings of upstream's real client: the same
// cluster, operations and restart go in, and nothing of the recorded reactions.

package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream/recording"
	"github.com/a8011091/pegasus-reference/trace"
)

// recordingSeeds is how many seeds are held against one recording: one run decides ties
// by luck.
const recordingSeeds = 100

func TestRecordings(t *testing.T) {
	for _, name := range []string{"snapshot-hang", "snapshot-hang-op5000", "snapshot-hang-two-metas-idle", "snapshot-early-request-session-reset"} {
		t.Run(name, func(t *testing.T) { holdAgainst(t, name) })
	}
}

func holdAgainst(t *testing.T, name string) {
	events := readRecording(t, name)
	inputs, err := recording.InputsOf(events)
	require.NoError(t, err)
	recorded := recording.ReactionsOf(events)
	require.NotEmpty(t, recorded.Shapes)

	s, offset := scenarioOf(&inputs, strings.Contains(name, "early-request"))
	shapes := make(map[recording.Shape]int)
	var kinds []recording.Kind
	never, connections := 0, 0
	for seed := range uint64(recordingSeeds) {
		s.Seed = seed
		sink := &recorder{offset: offset, timeline: newTimeline(nil, &s)}
		mustRun(t, s, Options{Sink: sink})
		reactions := recording.ReactionsOf(sink.events)
		for _, k := range recording.Kinds(reactions.Signatures, recording.Measured()) {
			kinds = append(kinds, recording.Missing([]recording.Kind{k}, kinds)...)
		}
		for _, shape := range reactions.Shapes {
			shapes[shape.WhileOpen()]++
			connections++
		}
		if assert.ObjectsAreEqual(recorded.Never, reactions.Never) {
			never++
		}
	}

	recordedKinds := recording.Kinds(recorded.Signatures, recording.Measured())
	assert.Empty(t, recording.Missing(recordedKinds, kinds), "recorded signatures that no seed shows")
	assert.Empty(t, recording.Missing(kinds, recording.Measured()), "signatures that the real client was never measured to show")
	var recordedShapes []recording.Shape
	for _, shape := range recorded.Shapes {
		recordedShapes = append(recordedShapes, shape.WhileOpen())
		assert.NotZero(t, shapes[shape.WhileOpen()], "recorded connection that no seed shows: %+v", shape)
	}
	others := 0
	for shape, n := range shapes {
		if len(recording.Missing([]recording.Shape{shape}, recordedShapes)) > 0 {
			others += n
		}
	}
	// 635 connections were recorded in all: what is rarer than half a percent need not be among them.
	assert.LessOrEqual(t, others*100, connections, "connections unlike any recorded one: %v", shapes)
	assert.GreaterOrEqual(t, never, recordingSeeds*9/10, "seeds in which the same nodes are never reached again")
}

func readRecording(t *testing.T, name string) []recording.Event {
	f, err := os.Open(filepath.Join("upstream", "testdata", name+".ndjson"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	events, err := recording.Read(f)
	require.NoError(t, err)
	return events
}

// scenarioOf puts the recording's inputs into a scenario, which begins when the table is
// opened: offset is that instant's distance to the restart.
func scenarioOf(in *recording.Inputs, cured bool) (s Scenario, offset time.Duration) {
	s = Default()
	s.Name = "recording"
	s.Client = ClientUpstreamSnapshot
	s.Server = ServerHang
	if cured {
		s.Server = ServerReference
	}
	s.Metas, s.Replicas, s.Partitions, s.Clients = len(in.Metas), len(in.Replicas), 8, 1
	for i, meta := range in.Metas {
		if meta == in.Leader {
			s.Leader = i + 1
		}
	}
	offset = -in.OpenTable
	for _, o := range in.Operations {
		rpc := protocol.RPCGet
		if o.Write {
			rpc = protocol.RPCPut
		}
		s.Ops = append(s.Ops, Op{At: o.At + offset, Client: 1, RPC: rpc, Partition: o.Partition, Timeout: in.OperationTimeout, Serial: true})
	}
	for i := range s.Metas {
		s.Faults = append(s.Faults, Fault{At: offset, Kind: FaultRestart, Node: metaName(i), Down: in.Down})
	}
	for i := range s.Replicas {
		s.Faults = append(s.Faults, Fault{At: offset, Kind: FaultRestart, Node: replicaName(i), Down: in.Down})
	}
	s.Watch = in.End - in.Down
	return s, offset
}

// recorder is a sink that writes what a recording server and the client's log would.
type recorder struct {
	offset   time.Duration
	timeline *timeline // knows the nodes' names
	events   []recording.Event
}

func (r *recorder) Emit(ev *trace.Event) {
	e := recording.Event{
		Millis: float64(ev.AtNS-int64(r.offset)) / 1e6, Side: recording.SideServer,
		Node: ev.Node, Conn: int(ev.Conn), RPC: ev.RPC, Neg: ev.Neg,
	}
	client := strings.HasPrefix(ev.Node, "client-")
	switch {
	case ev.Kind == trace.KindAccept:
		e.Ev = recording.EvAccept
	case ev.Kind == trace.KindFrameIn && !client:
		e.Ev = recording.EvFrameIn
	case ev.Kind == trace.KindFrameOut && !client:
		e.Ev, e.Err = recording.EvFrameOut, ev.Code
	case ev.Kind == trace.KindSession && ev.State == "mute":
		e.Ev, e.Why = recording.EvDead, "request before negotiation"
	case ev.Kind == trace.KindClose && !client:
		e.Ev, e.By = recording.EvClose, recording.ByServer
	case ev.Kind == trace.KindClosed && !client:
		e.Ev, e.By = recording.EvClose, recording.ByPeer
	case ev.Kind == trace.KindNegotiation && ev.State == "failed":
		e.Side, e.Ev, e.Err, e.Node = recording.SideClient, recording.EvNegotiationFailed, ev.Code, r.timeline.peer(ev)
	default:
		return
	}
	r.events = append(r.events, e)
}
