// Host clocks: offset, drift and steps, and the timers that go by them.

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestClocksAreTheWorldsUnlessSet(t *testing.T) {
	f := newFixture(t, Config{Seed: 1})
	f.Run(3 * time.Second)
	require.Equal(t, f.Now(), f.client.Steady())
	require.Equal(t, f.Now(), f.client.Wall())
}

func TestStepMovesTheWallClockOnly(t *testing.T) {
	f := newFixture(t, Config{Seed: 1})
	f.Run(time.Second)
	f.c.io.Arm(1, time.Second)
	f.client.StepClock(-time.Hour)
	require.Equal(t, f.Now().Add(-time.Hour), f.c.io.Wall())
	f.client.StepClock(2 * time.Hour)
	f.Run(5 * time.Second)
	require.Equal(t, f.Now().Add(time.Hour), f.client.Wall())
	require.Equal(t, f.Now(), f.client.Steady())
	require.Equal(t, 2*time.Second, f.c.when("timer 1"))
}

func TestDriftMovesClocksAndTimers(t *testing.T) {
	for _, c := range []struct {
		drift int64
		shown time.Duration // after 10 s
		fires time.Duration // simulated, for a timer of 11 s
	}{
		{0, 10 * time.Second, 11 * time.Second},
		{MaxDrift, 11 * time.Second, 10 * time.Second},
		{-MaxDrift, 9 * time.Second, 12222222223},
		{1, 10*time.Second + 10, 11*time.Second - 10},
	} {
		f := newFixture(t, Config{Seed: 1})
		var fired time.Duration
		f.onClient = func(_ *actor, ev Event) {
			if ev.Kind == EventTimer {
				fired = f.Elapsed()
			}
		}
		f.client.SetDrift(c.drift)
		require.Equal(t, c.drift, f.client.Drift())
		f.c.io.Arm(1, 11*time.Second)
		f.Run(10 * time.Second)
		require.Equal(t, epoch.Add(c.shown), f.client.Steady(), "drift %d", c.drift)
		f.Run(20 * time.Second)
		require.Equal(t, c.fires, fired, "drift %d", c.drift)
	}
}

func TestClockSurvivesRestartAndPowerLoss(t *testing.T) {
	f := newFixture(t, Config{Seed: 1})
	f.client.StepClock(time.Minute)
	f.client.SetDrift(1000)
	f.Run(time.Second)
	f.client.Restart()
	f.client.PowerOff()
	f.Run(2 * time.Second)
	f.client.PowerOn()
	require.Equal(t, f.Now().Add(time.Minute+2000), f.client.Wall())
}

func TestDriftIsBounded(t *testing.T) {
	h := New(Config{Seed: 1}, nil).AddHost("h", clientAddr)
	require.Panics(t, func() { h.SetDrift(MaxDrift + 1) })
	require.Panics(t, func() { h.SetDrift(-MaxDrift - 1) })
}

// A clock never goes back, whatever its drift becomes, and a timer fires at the first
// instant at which its host's clock has gone on by its length.
func TestClockProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c clock
		now := int64(0)
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			before := c.steady(now)
			now += rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "later")
			shown := c.steady(now)
			require.GreaterOrEqual(t, shown, before)
			c.since, c.shown, c.drift = now, shown, rapid.Int64Range(-MaxDrift, MaxDrift).Draw(t, "drift")
			require.Equal(t, shown, c.steady(now))
			now += rapid.Int64Range(0, int64(time.Hour)).Draw(t, "on")
			d := rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "timer")
			after := c.until(now, d)
			require.GreaterOrEqual(t, c.steady(now+after)-c.steady(now), d)
			require.Less(t, c.steady(now+after-1)-c.steady(now), d)
		}
	})
}
