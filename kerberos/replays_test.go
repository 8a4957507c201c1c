package kerberos

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

func replay(n byte) gssapi.Replay {
	return gssapi.Replay{
		Client:  gssapi.Principal{Components: []string{"alice"}, Realm: testRealm},
		Service: gssapi.ServicePrincipal(testService, testHost, testRealm),
		Time:    time.Unix(1_700_000_000, 0), Authenticator: [32]byte{n},
	}
}

// Of negotiations that present the same authenticator at once, one is let in.
func TestReplaysAtTheSameTime(t *testing.T) {
	r := NewReplays(0)
	now := time.Unix(1_700_000_000, 0)
	var accepted atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for n := range byte(100) {
				if r.Check(now, time.Minute, replay(n)) == nil {
					accepted.Add(1)
				}
			}
		})
	}
	wait.Wait()
	require.EqualValues(t, 100, accepted.Load())
	require.Equal(t, ReplayStats{Remembered: 100, Limit: DefaultReplays, Refused: 700}, r.Stats())
}

func TestReplaysRefuseAtTheirLimitUntilTheyMayForget(t *testing.T) {
	r := NewReplays(2)
	now := time.Unix(1_700_000_000, 0)
	require.NoError(t, r.Check(now, time.Minute, replay(1)))
	require.NoError(t, r.Check(now, time.Minute, replay(2)))
	require.ErrorIs(t, r.Check(now, time.Minute, replay(3)), gssapi.ErrReplayFull)
	require.ErrorIs(t, r.Check(now, time.Minute, replay(1)), gssapi.ErrReplay)
	require.Equal(t, ReplayStats{Remembered: 2, Limit: 2, Refused: 1, Full: 1}, r.Stats())
	require.ErrorIs(t, r.Check(now.Add(2*time.Minute), time.Minute, replay(3)), gssapi.ErrReplayFull)
	require.NoError(t, r.Check(now.Add(2*time.Minute+1), time.Minute, replay(3)))
}
