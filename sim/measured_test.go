// The models of upstream's Java client held against what was measured of the real one, where
// that is a shape or a magnitude: a connect that comes up late (J4, J6), a retry that does
// not wait (J9).

package sim

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// playedFile plays a scenario of the catalogue with a client and a seed.
func playedFile(t *testing.T, name, client string, seed uint64) []trace.Event {
	f, err := os.Open("../defect/scenarios/" + name + ".txt")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	s, err := ReadScenario(f)
	require.NoError(t, err)
	s.Client, s.Seed = client, seed
	events := trace.NewRecorder(1 << 20)
	mustRun(t, s, Options{Sink: events})
	return events.Events()
}

// Measured each time that SYNs were lost for 3 s: the late attempt sends a second LIST down
// the connection that the session has, which is dead at the server from there on. On its
// own nothing is ever written, and it stays open.
func TestLateConnectIsAsMeasured(t *testing.T) {
	negotiated := []string{"SASL_LIST_MECHANISMS", "SASL_SELECT_MECHANISMS", "SASL_INITIATE", "SASL_CHALLENGE_RESP"}
	for seed := range uint64(10) {
		wrote, accepted := map[uint64][]string{}, []uint64(nil)
		died, over := uint64(0), []uint64(nil)
		for _, ev := range playedFile(t, "late-connect", ClientUpstreamMaster, seed) {
			switch {
			case ev.Node != "meta-1" || ev.AtNS >= int64(12*time.Second): // its restart
			case ev.Kind == trace.KindAccept:
				accepted = append(accepted, ev.Conn)
			case ev.Kind == trace.KindFrameIn && ev.Neg != "":
				wrote[ev.Conn] = append(wrote[ev.Conn], ev.Neg)
			case ev.Kind == trace.KindSession && ev.State == "mute" && died == 0:
				died = ev.Conn
			case ev.Kind == trace.KindClosed:
				over = append(over, ev.Conn)
			}
		}
		require.GreaterOrEqual(t, len(accepted), 2, "seed %d", seed)
		first, second := accepted[0], accepted[1]
		assert.Equal(t, append(slices.Clone(negotiated), negotiated[0]), wrote[first], "seed %d", seed)
		assert.Equal(t, first, died, "seed %d", seed)
		assert.Empty(t, wrote[second], "seed %d", seed)
		assert.NotContains(t, over, second, "seed %d", seed)
	}
}

// Measured of reads that are answered with ERR_INVALID_STATE: up to 2,200 requests a second
// from master, 4,778 from the snapshot, 4 to 8 from 2.5.0, which waits as it should.
func TestRetriesAreAsManyAsMeasured(t *testing.T) {
	for client, bounds := range map[string][2]int{
		ClientUpstreamMaster: {100, 5000}, ClientUpstreamSnapshot: {100, 5000}, ClientUpstream250: {1, 10},
	} {
		seconds, most := map[int64]int{}, 0
		for _, ev := range playedFile(t, "invalid-state", client, 1) {
			if ev.Kind == trace.KindFrameIn && strings.HasPrefix(ev.Node, "replica-") && ev.RPC == protocol.RPCGet.String() {
				second := ev.AtNS / int64(time.Second)
				seconds[second]++
				most = max(most, seconds[second])
			}
		}
		assert.GreaterOrEqual(t, most, bounds[0], client)
		assert.LessOrEqual(t, most, bounds[1], client)
	}
}
