// What was done to the client: the cluster that it met, its operations, the restart.
// Nothing of its reactions.

package recording

import (
	"fmt"
	"slices"
	"time"
)

// Operation is one operation of the application, which has one thread: an operation
// begins at its time, or when the one before it has ended.
type Operation struct {
	At        time.Duration // since the restart began; negative: before
	Write     bool          // set; else get
	Partition int
}

// Inputs is everything that a simulation needs to put its client into the same place.
type Inputs struct {
	Metas     []string // nodes, in the order in which they listened
	Replicas  []string
	Leader    string         // of Metas
	Primaries map[int]string // node of a partition; partitions without operations are missing

	OpenTable        time.Duration // when the application opened its table
	Operations       []Operation
	OperationTimeout time.Duration
	Down             time.Duration // outage; it begins at zero
	End              time.Duration // when the recording ends
}

// slack is how far the clocks of a recording's sides are apart: the application's has a
// resolution of a millisecond.
const slack = 3 * time.Millisecond

// InputsOf takes the inputs out of a recording.
func InputsOf(events []Event) (Inputs, error) {
	in := Inputs{Primaries: make(map[int]string)}
	for i := range events {
		in.cluster(&events[i])
	}
	for i := range events {
		e := &events[i]
		if e.Side != SideApplication {
			continue
		}
		at := e.At() - time.Duration(e.Took*float64(time.Millisecond))
		if e.Ev == EvOpenTable {
			in.OpenTable = at
			continue
		}
		op := Operation{At: at, Write: e.Ev == EvSet, Partition: partitionOf(events, at, e)}
		if op.Partition < 0 && !op.Write && len(in.Operations) > 0 {
			op.Partition = in.Operations[len(in.Operations)-1].Partition // a get reads what was just set
		}
		if op.Partition < 0 {
			return in, fmt.Errorf("%w: the operation that ended at %v has no frame to tell its partition", ErrRecording, e.At())
		}
		in.Operations = append(in.Operations, op)
	}
	in.End = events[len(events)-1].At()
	return in, in.check()
}

func (in *Inputs) cluster(e *Event) {
	switch e.Ev {
	case EvListen:
		list := &in.Metas
		if e.Role() == "replica" {
			list = &in.Replicas
		}
		if !slices.Contains(*list, e.Node) {
			*list = append(*list, e.Node)
		}
	case EvRestart:
		in.Down = time.Duration(e.Down * float64(time.Millisecond))
	case EvFrameIn:
		if isOperation(e.RPC) {
			in.Primaries[e.Partition] = e.Node
			in.OperationTimeout = time.Duration(e.Timeout) * time.Millisecond
		}
	case EvFrameOut:
		if e.Role() == "meta" && e.Err == "ERR_OK" && e.Neg == "" && e.Note == "" {
			in.Leader = e.Node
		}
	}
}

func (in *Inputs) check() error {
	switch {
	case len(in.Metas) == 0 || len(in.Replicas) == 0:
		return fmt.Errorf("%w: no meta or no replica server listens in it", ErrRecording)
	case in.Leader == "":
		return fmt.Errorf("%w: no meta server answers a query in it", ErrRecording)
	case len(in.Operations) == 0 || in.OperationTimeout == 0:
		return fmt.Errorf("%w: no operation in it", ErrRecording)
	}
	return nil
}

const (
	rpcPut = "RPC_RRDB_RRDB_PUT"
	rpcGet = "RPC_RRDB_RRDB_GET"
)

func isOperation(rpc string) bool { return rpc == rpcPut || rpc == rpcGet }

// partitionOf finds the frame of an operation; -1 if none was seen.
func partitionOf(events []Event, at time.Duration, op *Event) int {
	want := rpcGet
	if op.Ev == EvSet {
		want = rpcPut
	}
	for i := range events {
		e := &events[i]
		if e.Ev == EvFrameIn && e.RPC == want && e.At() >= at-slack && e.At() <= op.At()+slack {
			return e.Partition
		}
	}
	return -1
}
