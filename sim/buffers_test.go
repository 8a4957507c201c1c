// Send buffers that fill: a server that stands still, and a client that goes on writing.

package sim

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

// fullBuffers has forty callers write to replicas of which one stands still, over kernels
// that take and keep a few requests.
func fullBuffers() Scenario {
	s := Default()
	s.Clients, s.SendBuffer, s.ReceiveBuffer, s.Watch = 1, 1000, 1000, 30*time.Second
	for range 40 {
		s.Workloads = append(s.Workloads, Workload{Client: 1, EveryMin: 20 * time.Millisecond, EveryMax: 60 * time.Millisecond, Timeout: 300 * time.Millisecond, Keys: 16})
	}
	s.Faults = []Fault{
		{At: 2 * time.Second, Kind: FaultPause, Node: replicaName(0), Down: 4 * time.Second},
		{At: 8 * time.Second, Kind: FaultRestart, Node: replicaName(1), Down: time.Second},
	}
	s.keepInFlight()
	return s
}

func TestSendBuffersFill(t *testing.T) {
	for name, c := range map[string]struct {
		writeQueue int
		overflows  bool
	}{
		"and the writer waits":                {32 << 20, false},
		"and the driver gives the session up": {12 << 10, true}, // more than all callers ask at once
	} {
		t.Run(name, func(t *testing.T) {
			s := fullBuffers()
			s.WriteQueue = c.writeQueue
			require.NoError(t, s.Validate())
			record := trace.NewRecorder(1 << 20)
			r := newRun(&s, record)
			r.scheduleFaults()
			require.True(t, r.play(context.Background(), nil))
			r.judge.finish(r.world.Now())
			assert.Empty(t, r.judge.violations)
			assert.Positive(t, r.world.Happened().Held)
			overflows := 0
			for _, ev := range record.Events() {
				if ev.Kind == trace.KindClosed && ev.Note == "overflow" {
					overflows++
				}
			}
			assert.Equal(t, c.overflows, overflows > 0, "%d overflows", overflows)
		})
	}
}
