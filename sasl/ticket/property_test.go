// Properties under random events, stale ones included, and a KDC of every mood.

package ticket

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// world is a keeper, a twin of it that lives an hour later, and what a judge knows.
type world struct {
	t       *rapid.T
	cfg     Config
	core    *Core
	twin    *Core
	now     time.Time
	timers  []armed
	fetches map[FetchID]Effect
	order   []FetchID
	began   map[Name]time.Time
	tickets map[Handle]*held
	waits   map[WaiterID]wait
	waiter  WaiterID
	handle  Handle
	served  int
}

// held is a ticket that the keeper was given.
type held struct {
	name Name
	end  time.Time
}

type wait struct {
	name     Name
	deadline time.Time
}

const twinShift = time.Hour

// names are more than there is room for.
var names = []Name{{}, {"pegasus", "a"}, {"pegasus", "b"}, {"pegasus", "c"}, {"pegasus", "d"}}

func newWorld(t *rapid.T) *world {
	cfg := DefaultConfig()
	cfg.MaxServices, cfg.MaxWaiters, cfg.MaxFetches = 3, 6, 2
	require.NoError(t, cfg.Validate())
	return &world{
		t: t, cfg: cfg, core: New(cfg), twin: New(cfg), now: epoch,
		fetches: make(map[FetchID]Effect), began: make(map[Name]time.Time),
		tickets: make(map[Handle]*held), waits: make(map[WaiterID]wait),
	}
}

// later is the event as the twin gets it.
func later(ev Event) Event {
	for _, t := range []*time.Time{&ev.Deadline, &ev.Ticket.Start, &ev.Ticket.End, &ev.Ticket.RenewTill} {
		if !t.IsZero() {
			*t = t.Add(twinShift)
		}
	}
	return ev
}

func (w *world) step(ev Event) {
	copied := w.core.Clone()
	effects := copied.Step(w.now, ev, nil)
	earlier := []Effect{{Kind: EffectStop, Timer: 1}}
	require.Equal(w.t, append(earlier, effects...), w.core.Step(w.now, ev, earlier), "the original acts like a copy before it, after what there was")
	twins := w.twin.Step(w.now.Add(twinShift), later(ev), nil)
	require.Len(w.t, twins, len(effects))
	for _, e := range effects {
		w.apply(e)
	}
	name := func(id WaiterID) uint64 { return uint64(id) }
	require.Equal(w.t, w.core.AppendState(nil, w.now, name), copied.AppendState(nil, w.now, name))
	require.Equal(w.t, w.core.AppendState(nil, w.now, name), w.twin.AppendState(nil, w.now.Add(twinShift), name))
	require.LessOrEqual(w.t, len(w.fetches), w.cfg.MaxFetches)
	require.LessOrEqual(w.t, len(w.core.slots), w.cfg.MaxServices+1)
	require.Equal(w.t, len(w.waits), w.core.Waiting())
	require.LessOrEqual(w.t, len(w.waits), w.cfg.MaxWaiters)
	for id, x := range w.waits {
		require.True(w.t, x.deadline.After(w.now), "wait %d is not answered by its deadline", id)
	}
}

func (w *world) apply(e Effect) {
	switch e.Kind {
	case EffectFetch:
		for _, f := range w.fetches {
			require.NotEqual(w.t, f.Name, e.Name, "two exchanges for one ticket")
		}
		if last, ok := w.began[e.Name]; ok {
			require.GreaterOrEqual(w.t, w.now.Sub(last), w.cfg.BackoffBase, "hot retry of %v", e.Name)
		}
		w.began[e.Name], w.fetches[e.Fetch] = w.now, e
		w.order = append(w.order, e.Fetch)
		if e.Exchange != ExchangeInitial {
			granting := w.tickets[e.Handle]
			require.NotNil(w.t, granting, "an exchange with a ticket that was dropped")
			require.True(w.t, granting.name.Granting() && granting.end.After(w.now))
		}
	case EffectAbandon:
		require.Contains(w.t, w.fetches, e.Fetch)
		delete(w.fetches, e.Fetch)
	case EffectArm:
		due := w.now.Add(e.After)
		if e.Spread > 0 {
			due = due.Add(time.Duration(rapid.Int64Range(0, int64(e.Spread)).Draw(w.t, "jitter")))
		}
		w.timers = append(w.timers, armed{e.Timer, due})
	case EffectStop:
		for i, a := range w.timers {
			if a.id == e.Timer {
				w.timers = append(w.timers[:i], w.timers[i+1:]...)
				break
			}
		}
	case EffectAnswer:
		x, ok := w.waits[e.Waiter]
		require.True(w.t, ok, "wait %d is answered twice, or unasked", e.Waiter)
		delete(w.waits, e.Waiter)
		w.answered(e, x)
	case EffectDrop:
		require.Contains(w.t, w.tickets, e.Handle, "dropped twice")
		delete(w.tickets, e.Handle)
	}
}

func (w *world) answered(e Effect, x wait) {
	if e.Handle != 0 {
		have := w.tickets[e.Handle]
		require.NotNil(w.t, have, "a dropped ticket is given out")
		require.Equal(w.t, x.name, have.name)
		require.True(w.t, have.end.After(w.now), "a ticket that has run out is given out")
		w.served++
		return
	}
	require.NotEqual(w.t, FailureNone, e.Failure.Kind, "neither ticket nor failure")
	if e.Failure.Kind != FailureUnreachable && e.Failure.Kind != FailureRefused {
		return
	}
	for h, have := range w.tickets {
		if have.name == x.name {
			require.False(w.t, have.end.After(w.now), "ticket %d holds, and is not given out: %v", h, e.Failure)
		}
	}
}

// pass lets time pass, timer by timer.
func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for n := 0; ; n++ {
		require.Less(w.t, n, 20000, "timers do not come to rest")
		best := -1
		for i, a := range w.timers {
			if !a.due.After(end) && (best < 0 || a.due.Before(w.timers[best].due)) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		a := w.timers[best]
		w.timers = append(w.timers[:best], w.timers[best+1:]...)
		if a.due.After(w.now) {
			w.now = a.due
		}
		w.step(Event{Kind: EventTimer, Timer: a.id})
	}
	w.now = end
	w.step(Event{Kind: EventTimer}) // a stale one
}

func (w *world) want(name Name, d time.Duration) WaiterID {
	w.waiter++
	w.waits[w.waiter] = wait{name, w.now.Add(d)}
	if d <= 0 {
		w.waits[w.waiter] = wait{name, w.now}
	}
	w.step(Event{Kind: EventWant, Waiter: w.waiter, Name: name, Deadline: w.now.Add(d)})
	return w.waiter
}

// ticketFor ends a fetch with a ticket.
func (w *world) ticketFor(f Effect, life, renew time.Duration) {
	w.handle++
	end := w.now.Add(life)
	w.tickets[w.handle] = &held{f.Name, end}
	t := Ticket{Handle: w.handle, Start: w.now, End: end}
	if renew > 0 {
		t.RenewTill = w.now.Add(renew)
	}
	delete(w.fetches, f.Fetch)
	w.step(Event{Kind: EventFetched, Fetch: f.Fetch, Ticket: t})
}

// pick is an exchange under way, the oldest; ok is false if there is none.
func (w *world) pick() (Effect, bool) {
	for _, id := range w.order {
		if f, ok := w.fetches[id]; ok {
			return f, true
		}
	}
	return Effect{}, false
}

func (w *world) random() {
	switch rapid.IntRange(0, 11).Draw(w.t, "event") {
	case 0, 1, 2:
		w.want(rapid.SampledFrom(names).Draw(w.t, "name"), time.Duration(rapid.Int64Range(-1, int64(8*time.Second)).Draw(w.t, "wait")))
	case 3, 4, 5:
		if f, ok := w.pick(); ok {
			life := time.Duration(rapid.Int64Range(-int64(time.Second), int64(10*time.Minute)).Draw(w.t, "life"))
			w.ticketFor(f, life, time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(w.t, "renewable")))
		}
	case 6, 7:
		if f, ok := w.pick(); ok {
			failure := Failure{Kind: FailureKind(rapid.IntRange(1, 2).Draw(w.t, "kind")), Cause: Cause(rapid.IntRange(0, len(causeNames)-1).Draw(w.t, "cause"))}
			delete(w.fetches, f.Fetch)
			w.step(Event{Kind: EventFailed, Fetch: f.Fetch, Failure: failure})
		}
	case 8, 9:
		w.pass(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(w.t, "pause")))
	case 10:
		w.step(Event{Kind: EventDoubt, Handle: Handle(rapid.Uint64Range(0, uint64(w.handle)).Draw(w.t, "doubt"))})
		if rapid.Bool().Draw(w.t, "trust") {
			w.step(Event{Kind: EventSuspect, Handle: w.handle})
			w.step(Event{Kind: EventTrust, Handle: Handle(rapid.Uint64Range(0, uint64(w.handle)).Draw(w.t, "trusted"))})
		}
		if rapid.Bool().Draw(w.t, "reload") {
			w.step(Event{Kind: EventReload})
		}
	case 11:
		if id := WaiterID(rapid.Uint64Range(0, uint64(w.waiter)).Draw(w.t, "cancel")); id != 0 {
			delete(w.waits, id)
			w.step(Event{Kind: EventCancel, Waiter: id})
		}
		w.step(Event{Kind: EventFailed, Fetch: FetchID(rapid.Uint64Range(1<<20, 1<<21).Draw(w.t, "stale"))})
	}
}

// answerAll is a KDC that answers everything.
func (w *world) answerAll() {
	for f, ok := w.pick(); ok; f, ok = w.pick() {
		w.ticketFor(f, time.Hour, 0)
	}
}

// Whatever happens, no rule is broken; and once the KDC answers, every wait that is longer
// than the caps is served.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			w.random()
		}
		for _, name := range names[:4] {
			w.answerAll()
			id := w.want(name, 3*time.Minute)
			for range 4 { // a rest of the granting ticket, one of the service's, an exchange under way each
				w.answerAll()
				w.pass(w.cfg.RefusedCap / 2)
			}
			w.answerAll()
			require.NotContains(t, w.waits, id)
			require.Contains(t, held2names(w.tickets), name, "a KDC that answers, and no ticket")
		}
		w.want(names[4], time.Minute)
		w.step(Event{Kind: EventClose})
		require.Empty(t, w.waits, "a wait outlives the keeper")
		require.Empty(t, w.fetches, "an exchange outlives the keeper")
		require.Empty(t, w.timers, "a timer outlives the keeper")
		require.Empty(t, w.tickets, "a ticket is not given back")
	})
}

func held2names(tickets map[Handle]*held) (names []Name) {
	for _, h := range tickets {
		names = append(names, h.name)
	}
	return names
}

// A hundred sessions want the same ticket at once: two exchanges in all.
func TestOneFetchForMany(t *testing.T) {
	h := newHarness(t, DefaultConfig())
	for id := range WaiterID(100) {
		h.want(id+1, Name{"pegasus", "a"}, 5*time.Second)
	}
	h.got(Name{}, time.Hour, 0)
	h.got(Name{"pegasus", "a"}, time.Hour, 0)
	require.Equal(t, uint64(2), h.core.Stats().Fetches)
	require.Equal(t, uint64(100), h.core.Stats().Served)
}

// The bytes of the state end somewhere: a KDC that is down for ever makes no new ones.
func TestStateOfAnOutageComesToRest(t *testing.T) {
	h := newHarness(t, DefaultConfig())
	h.want(1, Name{"pegasus", "a"}, 5*time.Second)
	seen := make(map[string]int)
	for range 40 {
		h.failed(Name{}, FailureUnreachable, CauseNone)
		seen[string(h.core.AppendState(nil, h.now, func(WaiterID) uint64 { return 0 }))]++
		for len(h.fetches) == 0 {
			h.advance(10 * time.Millisecond)
		}
	}
	require.Less(t, len(seen), 12)
}

func TestConfigRefuses(t *testing.T) {
	for _, tc := range []struct {
		change func(c *Config)
		want   error
	}{
		{func(*Config) {}, nil},
		{func(c *Config) { c.BackoffBase = -1 }, ErrBadIntervals},
		{func(c *Config) { c.BackoffBase = time.Hour }, ErrBadIntervals},
		{func(c *Config) { c.RenewPercent = 95 }, ErrBadIntervals},
		{func(c *Config) { c.RenewPercent = -1 }, ErrBadIntervals},
		{func(c *Config) { c.MaxFetches = -1 }, ErrBadLimits},
		{func(c *Config) { c.MaxWaiters = maxLimit + 1 }, ErrBadLimits},
	} {
		cfg := DefaultConfig()
		tc.change(&cfg)
		require.ErrorIs(t, cfg.Validate(), tc.want)
	}
}

func TestNames(t *testing.T) {
	for i, s := range States() {
		require.Equal(t, State(i), s, "each state once, in order")
	}
	require.Len(t, States(), len(stateNames))
	for _, test := range []struct {
		count int
		name  func(i int) fmt.Stringer
	}{
		{len(stateNames), func(i int) fmt.Stringer { return State(i) }},
		{len(exchangeNames), func(i int) fmt.Stringer { return Exchange(i) }},
		{len(failureNames), func(i int) fmt.Stringer { return FailureKind(i) }},
		{len(causeNames), func(i int) fmt.Stringer { return Cause(i) }},
	} {
		seen := map[string]bool{"": true, "undefined": true}
		for i := range test.count {
			name := test.name(i).String()
			require.False(t, seen[name], "%d is %q", i, name)
			seen[name] = true
		}
		require.Equal(t, "undefined", test.name(test.count).String())
	}
	require.Equal(t, "pegasus/a", fmt.Sprint(Name{"pegasus", "a"}))
	require.Equal(t, "krbtgt", fmt.Sprint(Name{}))
}

// A failure says what failed, and both clocks where both are known.
func TestFailuresInWords(t *testing.T) {
	skew := Failure{Kind: FailureRefused, Cause: CauseSkew, Of: Name{"pegasus", "a"}}
	ours, both := skew, skew
	ours.Local = epoch
	both.Local, both.Peer = epoch, epoch.Add(time.Hour)
	peers := skew
	peers.Peer = epoch
	for want, f := range map[string]Failure{
		"none":                               {},
		"deadline (ticket of krbtgt)":        {Kind: FailureDeadline},
		"refused (ticket of krbtgt, policy)": {Kind: FailureRefused, Cause: CausePolicy},
		"refused (ticket of pegasus/a, clock-skew: ours 2023-11-14T22:13:20Z, the KDC's 2023-11-14T23:13:20Z)": both,
	} {
		require.Equal(t, want, f.String())
	}
	require.Equal(t, skew.String(), ours.String())
	require.Equal(t, skew.String(), peers.String())
}

// What is planned for a ticket can be seen: its renewal, or the end of a rest.
func TestViewsSayWhatIsPlanned(t *testing.T) {
	h := newHarness(t, DefaultConfig())
	service := Name{"pegasus", "a"}
	views := func() (all []View) {
		for v := range h.core.Tickets() {
			all = append(all, v)
		}
		for v := range h.core.Tickets() {
			require.Equal(t, all[0], v)
			break
		}
		return all
	}
	h.want(1, service, time.Minute)
	require.Equal(t, []View{{State: StateFetching}, {Name: service, State: StateFetching, Waiting: 1}}, views())
	h.got(Name{}, 100*time.Second, 0)
	h.failed(service, FailureRefused, CausePolicy)
	failure := Failure{Kind: FailureRefused, Cause: CausePolicy, Of: service}
	require.Equal(t, []View{
		{State: StateValid, Handle: 1, Until: epoch.Add(100 * time.Second), Next: epoch.Add(80 * time.Second)},
		{Name: service, State: StateRefused, Failure: failure, Failures: 1, Next: epoch.Add(200 * time.Millisecond)},
	}, views())
}

// An answer with neither ticket nor failure cannot be used.
func TestAnAnswerWithoutATicket(t *testing.T) {
	h := newHarness(t, DefaultConfig())
	h.want(1, Name{}, time.Minute)
	h.step(Event{Kind: EventFetched, Fetch: h.take(Name{}).Fetch})
	require.Contains(t, h.log.String(), "answer 1 kdc-unreachable (ticket of krbtgt, bad-answer)")
	require.EqualValues(t, 1, h.core.Stats().Unreachable)
}
