package ticket

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The canonical state has whatever decides what a keeper does, and nothing else.
func TestCanonicalStateHasWhatDecides(t *testing.T) {
	h := newHarness(t, DefaultConfig())
	h.want(1, Name{"pegasus", "a"}, time.Minute)
	h.got(Name{}, 10*time.Hour, 20*time.Hour)
	h.want(2, Name{"pegasus", "b"}, time.Minute)
	h.advance(50 * time.Millisecond)
	h.failed(Name{"pegasus", "a"}, FailureRefused, CausePolicy)
	h.want(3, Name{}, time.Minute)
	called := func(id WaiterID) uint64 { return uint64(id) }
	state := func(change func(*Core)) string {
		c := h.core.Clone()
		change(c)
		return string(c.AppendState(nil, h.now, called))
	}
	granting := func(c *Core) *slot { return &c.slots[0] }
	failing := func(c *Core) *slot { return &c.slots[c.find(Name{"pegasus", "a"})] }
	same := state(func(*Core) {})
	for name, change := range map[string]func(*Core){
		"closed":             func(c *Core) { c.closed = true },
		"fewer tickets":      func(c *Core) { c.slots = c.slots[:2] },
		"fewer waits":        func(c *Core) { c.waiters = nil },
		"who waits":          func(c *Core) { c.waiters[0].id++ },
		"for what":           func(c *Core) { c.waiters[0].name = Name{} },
		"until when":         func(c *Core) { c.waiters[0].deadline = c.waiters[0].deadline.Add(1) },
		"watch":              func(c *Core) { c.watch.due = c.watch.due.Add(1) },
		"no watch":           func(c *Core) { c.watch = timer{} },
		"service":            func(c *Core) { failing(c).name.Service = "other" },
		"host":               func(c *Core) { failing(c).name.Host = "other" },
		"state":              func(c *Core) { failing(c).state = StateExpired },
		"phase":              func(c *Core) { failing(c).phase = phaseIdle },
		"exchange":           func(c *Core) { granting(c).exchange = ExchangeRenew },
		"ticket":             func(c *Core) { granting(c).ticket.Handle = 0 },
		"end":                func(c *Core) { granting(c).ticket.End = granting(c).ticket.End.Add(1) },
		"end of renewal":     func(c *Core) { granting(c).ticket.RenewTill = time.Time{} },
		"when it came":       func(c *Core) { granting(c).got = granting(c).got.Add(1) },
		"doubted":            func(c *Core) { granting(c).doubted = true },
		"to be replaced":     func(c *Core) { granting(c).replace = true },
		"kept":               func(c *Core) { granting(c).keep = false },
		"anew":               func(c *Core) { granting(c).anew = true },
		"last attempt":       func(c *Core) { failing(c).began = failing(c).began.Add(1) },
		"failures":           func(c *Core) { failing(c).failures++ },
		"suspects":           func(c *Core) { granting(c).suspects++ },
		"kind of failure":    func(c *Core) { failing(c).failure.Kind = FailureUnreachable },
		"cause of failure":   func(c *Core) { failing(c).failure.Cause = CauseOther },
		"failure of another": func(c *Core) { failing(c).failure.Of = Name{} },
		"next attempt":       func(c *Core) { failing(c).attempt.due = failing(c).attempt.due.Add(1) },
		"its spread":         func(c *Core) { failing(c).attempt.spread++ },
		"timer of the end":   func(c *Core) { granting(c).end.due = granting(c).end.due.Add(1) },
	} {
		require.NotEqual(t, same, state(change), name)
	}
	for name, change := range map[string]func(*Core){
		"counters":           func(c *Core) { c.stats.Fetches++ },
		"identities":         func(c *Core) { c.lastFetch++; c.lastTimer++; c.watch.id++; granting(c).ticket.Handle++ },
		"times in a failure": func(c *Core) { failing(c).failure.Local = epoch },
	} {
		require.Equal(t, same, state(change), name)
	}
}
