// The history of a run, checked for linearizability.

package sim

import (
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/protocol"
)

// historyTimeout is real time: a checker that is not done by then decides nothing.
const historyTimeout = 20 * time.Second

// historyCheck is what the checker came to.
type historyCheck struct {
	timedOut bool
	drawing  linearizability.Visualization
}

// checkHistory violates linearizable where the run's operations are not.
func (j *judge) checkHistory() historyCheck {
	result := linearizability.Check(j.ops.history(j.epoch), historyTimeout)
	switch result.Verdict {
	case linearizability.Violation:
		j.violations = append(j.violations, Violation{
			Property: PropertyLinearizable, At: j.ops.lastReturn().Sub(j.epoch),
			What: fmt.Sprintf("the operations on hash key %q are not linearizable", result.Key),
		})
	case linearizability.Inconclusive:
		return historyCheck{timedOut: true, drawing: result.Visualization}
	}
	return historyCheck{drawing: result.Visualization}
}

// historyKinds is indexed by RPC; nothing writes it.
var historyKinds = [protocol.NumRPC]linearizability.Kind{
	protocol.RPCGet: linearizability.Get, protocol.RPCPut: linearizability.Put,
	protocol.RPCRemove: linearizability.Remove, protocol.RPCTTL: linearizability.TTL,
}

// history is the run's operations as the linearizability checker takes them. One that
// never returned is unknown and open.
func (o *operations) history(epoch time.Time) linearizability.History {
	history := make(linearizability.History, 0, len(o.all)+len(o.undone))
	history = append(history, o.undone...)
	for _, op := range o.all {
		entry := linearizability.Operation{
			Client: op.client, ID: op.id, Kind: historyKinds[op.rpc], HashKey: op.hashKey, SortKey: op.sortKey,
			Value: op.value, InvokeNS: int64(op.invoked.Sub(epoch)), Outcome: historyOutcome(op),
		}
		if !op.returned.IsZero() {
			entry.ReturnNS = int64(op.returned.Sub(epoch))
		}
		if op.outcome == session.OutcomeOK {
			entry.Found, entry.Result, entry.TTLSeconds = op.status == protocol.StatusOK, op.result, op.ttl
		}
		history = append(history, entry)
	}
	return history
}

func historyOutcome(op *operation) linearizability.Outcome {
	switch op.outcome {
	case session.OutcomeOK:
		return linearizability.OK
	case session.OutcomeFailed:
		return linearizability.Failed
	}
	return linearizability.Unknown
}

func (o *operations) lastReturn() time.Time {
	var last time.Time
	for _, op := range o.all {
		if op.returned.After(last) {
			last = op.returned
		}
	}
	return last
}
