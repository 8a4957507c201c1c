// Callers and what their client answers at once.

package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/trace"
)

// A request that is refused before it is on its way, here because the queue is full while
// no server answers, is an answer like any other: its caller goes on when the servers do.
func TestCallerGoesOnAfterAnAnswerAtOnce(t *testing.T) {
	const callers = 3
	s := calm()
	s.Auth, s.QueueLimit, s.Clients = AuthMandatory, 1, 1
	s.Workloads = nil
	for range callers {
		s.Workloads = append(s.Workloads, Workload{Client: 1, EveryMin: 10 * time.Millisecond, EveryMax: 10 * time.Millisecond, Timeout: time.Second, Keys: 1})
	}
	s.Faults = nil
	for node := range s.Replicas {
		s.Faults = append(s.Faults, Fault{At: 2 * time.Second, Kind: FaultRestart, Node: replicaName(node), Down: time.Second})
	}
	r := newRun(&s, trace.Fanout{})
	r.scheduleFaults()
	r.play(t.Context(), nil)

	refused, after := 0, 0
	end := r.world.Now()
	for _, op := range r.ops.all {
		if op.outcome == session.OutcomeFailed && op.returned.Equal(op.invoked) {
			refused++
		}
		if end.Sub(op.invoked) < time.Second {
			after++
		}
	}
	require.Positive(t, refused)
	require.Greater(t, after, callers*60, "in the last second each asked again and again")
}
