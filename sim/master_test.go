package sim

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raceSeeds is within how many seeds the race that the fix of master left has to be found.
const raceSeeds = 200

// Defect auth-reset-after-reconnect (J3): a machine whose threads stand still for up to 8 ms,
// callers that never pause, and servers that are back at once.
func TestRaceThatTheFixLeftIsFound(t *testing.T) {
	for seed := range uint64(raceSeeds) {
		s := fullRestart(seed)
		s.Client, s.Server = ClientUpstreamMaster, ServerHang
		s.Standstill, s.Watch = 8*time.Millisecond, 20*time.Second
		for i := range s.Workloads {
			s.Workloads[i].EveryMin, s.Workloads[i].EveryMax, s.Workloads[i].Timeout = time.Millisecond, 3*time.Millisecond, time.Second
		}
		for i := range s.Faults {
			s.Faults[i].Down = time.Millisecond
		}
		result, err := Run(context.Background(), s, Options{})
		require.NoError(t, err)
		for _, property := range append(result.AlsoViolated, result.Judged...) {
			if property == PropertyAuthBeforeRequest {
				t.Logf("seed %d: %s", seed, result.Reason)
				return
			}
		}
	}
	assert.Fail(t, "no seed shows it", "%d seeds", raceSeeds)
}
