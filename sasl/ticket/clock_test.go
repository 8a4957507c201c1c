// Clocks that are set back while timers, which go by another clock, fire as armed.

package ticket

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// of returns the last effect of a kind.
func of(t *testing.T, out []Effect, kind EffectKind) Effect {
	t.Helper()
	for i := len(out) - 1; i >= 0; i-- {
		if out[i].Kind == kind {
			return out[i]
		}
	}
	require.Fail(t, "no such effect", "%d in %v", kind, out)
	return Effect{}
}

func TestAttemptsGoOnAfterTheClockIsSetBack(t *testing.T) {
	c := New(Config{})
	right := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	wrong := right.Add(time.Hour)
	out := c.Step(wrong, Event{Kind: EventWant, Waiter: 1, Name: Name{"pegasus", "a"}, Deadline: wrong.Add(time.Minute)}, nil)
	fetch := of(t, out, EffectFetch)
	out = c.Step(wrong, Event{Kind: EventFailed, Fetch: fetch.Fetch, Failure: Failure{Kind: FailureRefused, Cause: CauseSkew}}, nil)
	for range 2 { // a rest, and what is left of the least distance
		timer := of(t, out, EffectArm)
		right = right.Add(timer.After)
		out = c.Step(right, Event{Kind: EventWant, Waiter: 2, Name: Name{"pegasus", "a"}, Deadline: right.Add(time.Hour)}, nil)
		out = append(out, c.Step(right, Event{Kind: EventTimer, Timer: timer.Timer}, nil)...)
		for _, e := range out {
			if e.Kind == EffectFetch {
				return
			}
		}
	}
	require.Fail(t, "nothing is fetched any more")
}

func TestATicketIsDoubtedAfterTheClockIsSetBack(t *testing.T) {
	c := New(Config{})
	now := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	out := c.Step(now, Event{Kind: EventWant, Waiter: 1, Name: Name{"pegasus", "a"}, Deadline: now.Add(time.Minute)}, nil)
	for h := Handle(1); h <= 2; h++ {
		fetch := of(t, out, EffectFetch)
		out = c.Step(now, Event{Kind: EventFetched, Fetch: fetch.Fetch, Ticket: Ticket{Handle: h, End: now.Add(10 * time.Hour)}}, nil)
	}
	now = now.Add(-time.Minute)
	require.Empty(t, c.Step(now, Event{Kind: EventDoubt, Handle: 2}, nil), "it may be young")
	now = now.Add(DefaultConfig().UnreachableCap)
	of(t, c.Step(now, Event{Kind: EventDoubt, Handle: 2}, nil), EffectFetch)
}

// A ticket that came while the clock was ahead begins in the future once that is set back: no
// service takes it, and no doubt is heard of it, since it is never presented.
func TestATicketOfTheFutureIsFetchedAnew(t *testing.T) {
	c := New(Config{})
	right := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	wrong := right.Add(time.Hour)
	want := func(now time.Time, w WaiterID) []Effect {
		return c.Step(now, Event{Kind: EventWant, Waiter: w, Name: Name{"pegasus", "a"}, Deadline: now.Add(time.Minute)}, nil)
	}
	life := func(now time.Time, h Handle) Ticket {
		return Ticket{Handle: h, Start: now, End: now.Add(10 * time.Hour)}
	}
	out := want(wrong, 1)
	for h := Handle(1); h <= 2; h++ { // the granting one, and the service's
		out = c.Step(wrong, Event{Kind: EventFetched, Fetch: of(t, out, EffectFetch).Fetch, Ticket: life(wrong, h)}, nil)
	}
	require.Equal(t, Handle(2), of(t, out, EffectAnswer).Handle)
	var rest Effect // from the last attempt, by the clock as it is now
	for _, e := range want(right, 2) {
		require.NotEqual(t, EffectAnswer, e.Kind, "nobody is given the old one")
		if e.Kind == EffectArm && e.After == DefaultConfig().BackoffBase {
			rest = e
		}
	}
	right = right.Add(rest.After)
	out = c.Step(right, Event{Kind: EventTimer, Timer: rest.Timer}, nil)
	for h := Handle(3); h <= 4; h++ {
		out = c.Step(right, Event{Kind: EventFetched, Fetch: of(t, out, EffectFetch).Fetch, Ticket: life(right, h)}, nil)
	}
	require.Equal(t, Handle(4), of(t, out, EffectAnswer).Handle)
}

// The end of a ticket is waited for by the clock as it is: where that was set back, the timer
// that was armed for it comes early, and is armed again.
func TestTheEndIsWaitedForAfterTheClockIsSetBack(t *testing.T) {
	c := New(Config{})
	now := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	out := c.Step(now, Event{Kind: EventWant, Waiter: 1, Deadline: now.Add(time.Minute)}, nil)
	out = c.Step(now, Event{Kind: EventFetched, Fetch: of(t, out, EffectFetch).Fetch, Ticket: Ticket{Handle: 1, End: now.Add(10 * time.Hour)}}, nil)
	end := of(t, out, EffectArm)
	require.Equal(t, 10*time.Hour, end.After)
	for _, left := range []time.Duration{time.Hour, DefaultConfig().BackoffBase} {
		out = c.Step(now.Add(10*time.Hour-left), Event{Kind: EventTimer, Timer: end.Timer}, nil)
		end = of(t, out, EffectArm)
		require.Equal(t, left, end.After)
	}
	out = c.Step(now.Add(10*time.Hour), Event{Kind: EventTimer, Timer: end.Timer}, nil)
	require.Equal(t, Handle(1), of(t, out, EffectDrop).Handle)
}
