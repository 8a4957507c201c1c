// Asking the metas for a table: whom, in which order, and what to make of the answer.

package routing

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// maxMetas is how many fit into table.tried.
const maxMetas = 64

// meta is a meta server.
type meta struct {
	addr    netip.AddrPort
	peer    int  // slot of its session, or none
	learned bool // from a redirect
}

// queryPhase says how far a table's query is.
type queryPhase uint8

const (
	queryIdle    queryPhase = iota
	queryAsked              // a meta has been asked
	queryBackoff            // a round of metas had no answer; the wait timer runs
	queryDelayed            // the last query is too recent; the wait timer runs
)

// queryFlag marks a session's RequestID as that of a table's query.
const queryFlag session.RequestID = 1 << 63

// resolve begins a query for a table that needs one, if none is under way and the last
// one is long enough ago.
func (c *Core) resolve(now time.Time, i int, out []Effect) []Effect {
	t := &c.tables[i]
	if c.closed || t.phase != queryIdle || t.known && !t.stale || !t.known && t.ops == 0 {
		return out
	}
	if since := now.Sub(t.asked); !t.asked.IsZero() && t.rounds == 0 && since < c.cfg.RefreshInterval {
		t.phase = queryDelayed
		return c.arm(&t.wait, now, c.cfg.RefreshInterval-since, 0, out)
	}
	t.asked, t.tried, t.redirects = now, 0, 0
	if !t.known {
		out = c.wanted(i, CauseUnknown, netip.AddrPort{}, out)
	}
	return c.askNext(now, i, out)
}

// refresh has a table looked up again; at is the server that gave cause to, if one did.
func (c *Core) refresh(now time.Time, i int, why Cause, at netip.AddrPort, out []Effect) []Effect {
	t := &c.tables[i]
	if t.known && !t.stale {
		out = c.wanted(i, why, at, out)
	}
	t.stale = true
	return c.resolve(now, i, out)
}

// askNext asks the meta most likely to answer of those that this round has not tried:
// the leader if its session is ready, another that is, the leader, another.
func (c *Core) askNext(now time.Time, i int, out []Effect) []Effect {
	best, rank := none, 0
	for k := range c.metas {
		m := (c.leader + k) % len(c.metas)
		if c.tables[i].tried&(1<<m) != 0 {
			continue
		}
		if r := c.metaRank(m); r > rank {
			best, rank = m, r
		}
	}
	if best == none {
		return c.roundFailed(now, i, out)
	}
	return c.ask(now, i, best, out)
}

// metaRank is higher for a meta that will answer sooner; 0: its session waits to
// reconnect, which will be noticed.
func (c *Core) metaRank(m int) int {
	if c.metas[m].peer == none {
		return 1
	}
	switch c.peers[c.metas[m].peer].core.State() {
	case session.StateReady:
		return 3
	case session.StateDialing, session.StateNegotiating:
		return 2
	case session.StateBackoff:
		return 0
	}
	return 1
}

// ask asks one meta.
func (c *Core) ask(now time.Time, i, m int, out []Effect) []Effect {
	t := &c.tables[i]
	t.tried |= 1 << m
	t.meta = m
	out = append(out, Effect{Kind: EffectQuery, Table: t.name, Query: QueryAsked, Addr: c.metas[m].addr, After: c.cfg.MetaTimeout})
	at := c.metas[m].peer
	if at == none {
		if at = c.peerFor(c.metas[m].addr); at == none {
			return c.inVain(now, i, session.ReasonQueueFull, out)
		}
		c.metas[m].peer = at
	}
	t.phase = queryAsked
	c.stats.Queries++
	c.keep(now, at, true)
	c.request(now, at, session.Request{
		ID: queryFlag | session.RequestID(i), RPC: protocol.RPCQueryConfig, Body: t.query, Deadline: now.Add(c.cfg.MetaTimeout),
	})
	return out
}

// roundFailed waits before the metas are asked again. A meta whose session becomes ready
// meanwhile is asked at once.
func (c *Core) roundFailed(now time.Time, i int, out []Effect) []Effect {
	t := &c.tables[i]
	c.stats.QueryRounds++
	after, spread := c.interval(t.rounds, c.cfg.RoundCap)
	if after+spread < c.cfg.RoundCap {
		t.rounds++
	}
	t.rounds = max(t.rounds, 1)
	t.phase = queryBackoff
	out = append(out, Effect{Kind: EffectQuery, Table: t.name, Query: QueryPause, After: after + spread})
	return c.arm(&t.wait, now, after, spread, out)
}

// answered takes what became of a table's query.
func (c *Core) answered(now time.Time, i int, done *session.Completion, out []Effect) []Effect {
	t := &c.tables[i]
	m := t.meta
	t.phase = queryIdle
	if c.closed {
		return out
	}
	if done.Outcome != session.OutcomeOK {
		return c.inVain(now, i, done.Reason, out)
	}
	if done.Code != protocol.CodeOK {
		t.code = done.Code
		return c.inVain(now, i, session.ReasonNone, out)
	}
	var answer protocol.QueryConfig
	if err := protocol.ParseQueryConfigResult(done.Body, &answer); err != nil {
		c.stats.BadAnswers++
		return c.inVain(now, i, session.ReasonNone, out)
	}
	switch {
	case answer.Err == protocol.CodeOK:
		return c.learnTable(now, i, m, &answer, out)
	case answer.Err == protocol.CodeForwardToOthers:
		return c.redirected(now, i, &answer, out)
	case queryFinal(answer.Err):
		return c.tableRefused(now, i, m, answer.Err, out)
	}
	t.code = answer.Err
	return c.inVain(now, i, session.ReasonNone, out)
}

// redirected follows a redirect to the leader, unless this round has been there: two
// metas that send to each other end the round, and its backoff applies.
func (c *Core) redirected(now time.Time, i int, answer *protocol.QueryConfig, out []Effect) []Effect {
	t := &c.tables[i]
	if len(answer.Partitions) == 0 || !dialable(answer.Partitions[0].Primary) || t.redirects >= c.cfg.MaxMetas {
		return c.inVain(now, i, session.ReasonNone, out)
	}
	m := c.learnMeta(now, answer.Partitions[0].Primary)
	if m == none || t.tried&(1<<m) != 0 {
		return c.inVain(now, i, session.ReasonNone, out)
	}
	c.stats.Redirects++
	c.leader = m
	t.redirects++
	return c.ask(now, i, m, out)
}

func (c *Core) findMeta(a netip.AddrPort) int {
	for i := range c.metas {
		if c.metas[i].addr == a {
			return i
		}
	}
	return none
}

// learnMeta returns the index of a meta, which it adds if need be. Where MaxMetas are
// known it takes the place of a learned one that nobody is asking; configured ones stay.
func (c *Core) learnMeta(now time.Time, a netip.AddrPort) int {
	if m := c.findMeta(a); m != none {
		return m
	}
	if len(c.metas) < c.cfg.MaxMetas {
		c.metas = append(c.metas, meta{addr: a, peer: none, learned: true})
		return len(c.metas) - 1
	}
	for m := range c.metas {
		if c.metas[m].learned && !c.beingAsked(m) {
			c.metas[m] = meta{addr: a, peer: none, learned: true}
			for i := range c.tables {
				c.tables[i].tried &^= 1 << m
			}
			c.reconcile(now)
			return m
		}
	}
	return none
}

func (c *Core) beingAsked(m int) bool {
	for i := range c.tables {
		if c.tables[i].phase == queryAsked && c.tables[i].meta == m {
			return true
		}
	}
	return false
}

// metaReady asks a meta whose session has become ready, for every table whose query
// waits: for another meta's session or for the next round.
func (c *Core) metaReady(now time.Time, at int, out []Effect) []Effect {
	m := c.metaAt(at)
	if m == none {
		return out
	}
	for i := range c.tables {
		t := &c.tables[i]
		switch {
		case t.phase == queryBackoff:
			out = c.stop(&t.wait, out)
			t.asked, t.tried, t.redirects = now, 0, 0
			out = c.ask(now, i, m, out)
		case t.phase == queryAsked && t.meta != m && !c.peers[c.metas[t.meta].peer].core.Ready():
			// Cancelled, the query looks for the best of the rest, which is this one.
			t.tried &^= 1 << m
			c.cancelQuery(now, i)
		}
	}
	return out
}

// metaLost takes queries back that a session still has to write: they go elsewhere.
// Those that are written it completes by itself.
func (c *Core) metaLost(now time.Time, at int) {
	for i := range c.tables {
		if t := &c.tables[i]; t.phase == queryAsked && c.metas[t.meta].peer == at {
			c.cancelQuery(now, i)
		}
	}
}

func (c *Core) cancelQuery(now time.Time, i int) {
	at := c.metas[c.tables[i].meta].peer
	c.stepPeer(now, at, session.Event{Kind: session.EventCancel, ID: queryFlag | session.RequestID(i)})
}

func (c *Core) metaAt(at int) int {
	for m := range c.metas {
		if c.metas[m].peer == at {
			return m
		}
	}
	return none
}

// keepMeta says whether a slot is that of a meta whose session is to stay ready: the
// leader's, and while a query is under way that of every meta tried.
func (c *Core) keepMeta(at int) bool {
	m := c.metaAt(at)
	if m == none {
		return false
	}
	for i := range c.tables {
		if t := &c.tables[i]; t.tried&(1<<m) != 0 && (t.phase == queryAsked || t.phase == queryBackoff) {
			return true
		}
	}
	return c.cfg.KeepReady && m == c.leader
}
