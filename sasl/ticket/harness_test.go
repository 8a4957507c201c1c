// The harness of the tests: a keeper with a clock, its armed timers, and effects in words.

package ticket

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// epoch is when every test begins.
var epoch = time.Unix(1_700_000_000, 0).UTC()

// harness drives one keeper. It holds what a driver would hold.
type harness struct {
	t       testing.TB
	core    *Core
	now     time.Time
	timers  []armed // in order of arming
	late    bool    // timers fire at the end of their spread
	fetches []Effect
	handle  Handle
	log     strings.Builder
}

type armed struct {
	id  TimerID
	due time.Time
}

func newHarness(t testing.TB, cfg Config) *harness {
	require.NoError(t, cfg.Validate())
	return &harness{t: t, core: New(cfg), now: epoch}
}

func (h *harness) printf(format string, args ...any) { fmt.Fprintf(&h.log, format+"\n", args...) }

// step gives the keeper an event and carries out its effects.
func (h *harness) step(ev Event) {
	for _, e := range h.core.Step(h.now, ev, nil) {
		h.apply(e)
	}
}

func (h *harness) apply(e Effect) {
	switch e.Kind {
	case EffectFetch:
		words := fmt.Sprintf("fetch %d %v %v", e.Fetch, e.Exchange, e.Name)
		if e.Handle != 0 {
			words += fmt.Sprintf(" with t%d", e.Handle)
		}
		h.printf("%s", words)
		h.fetches = append(h.fetches, e)
	case EffectAbandon:
		h.printf("abandon %d", e.Fetch)
		h.fetches = slices.DeleteFunc(h.fetches, func(f Effect) bool { return f.Fetch == e.Fetch })
	case EffectArm:
		h.printf("arm %s", span(e.After, e.Spread))
		due := e.After
		if h.late {
			due += e.Spread
		}
		h.timers = append(h.timers, armed{e.Timer, h.now.Add(due)})
	case EffectStop:
		h.timers = slices.DeleteFunc(h.timers, func(a armed) bool { return a.id == e.Timer })
	case EffectAnswer:
		if e.Handle != 0 {
			h.printf("answer %d t%d", e.Waiter, e.Handle)
		} else {
			h.printf("answer %d %v", e.Waiter, e.Failure)
		}
	case EffectState:
		words := fmt.Sprintf("state %v %v", e.Name, e.State)
		if !e.Until.IsZero() {
			words += fmt.Sprintf(" until %v", e.Until.Sub(epoch))
		}
		if e.Failure.Kind != FailureNone {
			words += fmt.Sprintf(": %v", e.Failure)
		}
		h.printf("%s", words)
	case EffectDrop:
		h.printf("drop t%d", e.Handle)
	default:
		h.t.Fatalf("unknown effect %d", e.Kind)
	}
}

// span writes an interval.
func span(after, spread time.Duration) string {
	if spread == 0 {
		return after.String()
	}
	return fmt.Sprintf("%v..%v", after, after+spread)
}

// next takes the timer that is due first, up to end.
func (h *harness) next(end time.Time) (armed, bool) {
	best := -1
	for i, a := range h.timers {
		if !a.due.After(end) && (best < 0 || a.due.Before(h.timers[best].due)) {
			best = i
		}
	}
	if best < 0 {
		return armed{}, false
	}
	a := h.timers[best]
	h.timers = slices.Delete(h.timers, best, best+1)
	return a, true
}

// advance lets time pass and fires timers when they are due.
func (h *harness) advance(d time.Duration) {
	end := h.now.Add(d)
	for {
		a, ok := h.next(end)
		if !ok {
			break
		}
		if a.due.After(h.now) {
			h.now = a.due
		}
		h.printf("%v: timer", h.now.Sub(epoch))
		h.step(Event{Kind: EventTimer, Timer: a.id})
	}
	h.now = end
}

// take takes the fetch of name that is under way.
func (h *harness) take(name Name) Effect {
	for i, f := range h.fetches {
		if f.Name == name {
			h.fetches = slices.Delete(h.fetches, i, i+1)
			return f
		}
	}
	h.t.Fatalf("nothing is fetched for %v", name)
	return Effect{}
}

// got ends the fetch of name with a ticket for life.
func (h *harness) got(name Name, life, renew time.Duration) {
	h.handle++
	ticket := Ticket{Handle: h.handle, Start: h.now, End: h.now.Add(life)}
	if renew > 0 {
		ticket.RenewTill = h.now.Add(renew)
	}
	h.step(Event{Kind: EventFetched, Fetch: h.take(name).Fetch, Ticket: ticket})
}

// failed ends the fetch of name with a failure.
func (h *harness) failed(name Name, kind FailureKind, cause Cause) {
	h.step(Event{Kind: EventFailed, Fetch: h.take(name).Fetch, Failure: Failure{Kind: kind, Cause: cause}})
}

func (h *harness) want(waiter WaiterID, name Name, wait time.Duration) {
	h.step(Event{Kind: EventWant, Waiter: waiter, Name: name, Deadline: h.now.Add(wait)})
}
