// Queries to the meta servers: the leader first, a second later all others at once, and
// whoever answers first is the leader from then on. Upstream: go-client
// session/meta_call.go, session/meta_session.go.

package upstream

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// goQuery is one query for a table.
type goQuery struct {
	table    *goTable
	metas    []*goSession // as they were when it began, and the one that a redirect named
	lead     int
	deadline time.Time
	end      protocol.TimerID
	backup   protocol.TimerID
	backedUp bool
	over     bool
	requests []*goRequest
}

func (c *GoClient) startQuery(t *goTable, timeout time.Duration) {
	q := &goQuery{table: t, metas: slices.Clone(c.metas), lead: c.leader, deadline: c.now.Add(timeout)}
	q.end = c.after(timeout, c.cfg.Delays.Timer, goTask{kind: goTaskQueryEnd, query: q})
	q.backup = c.after(c.cfg.BackupDelay, c.cfg.Delays.Timer, goTask{kind: goTaskBackup, query: q})
	c.askMeta(q, q.lead, true, false)
}

func (c *GoClient) askMeta(q *goQuery, index int, first, forward bool) {
	r := &goRequest{
		s: q.metas[index], rpc: protocol.RPCQueryConfig, body: q.table.queryArgs, deadline: q.deadline,
		query: q, meta: index, first: first, forward: forward,
	}
	q.requests = append(q.requests, r)
	c.send(r)
}

// askBackups asks every meta but the one that was taken for the leader, once.
func (c *GoClient) askBackups(q *goQuery) {
	if q.over || q.backedUp {
		return
	}
	q.backedUp = true
	c.stop(q.backup)
	for i := range len(q.metas) {
		if i != q.lead && !q.over {
			c.askMeta(q, i, false, false)
		}
	}
}

// queryReply takes an answer for one unless it redirects. A redirect to a meta that is known
// is no help to whoever got it (G10): the others are asked, once.
func (c *GoClient) queryReply(r *goRequest, code protocol.ErrorCode) {
	q := r.query
	if code == protocol.CodeOK && c.qcfg.Err == protocol.CodeForwardToOthers && !r.forward && c.follow(r) {
		return
	}
	if code != protocol.CodeOK || c.qcfg.Err == protocol.CodeForwardToOthers {
		if r.first {
			c.askBackups(q)
		}
		return
	}
	c.leader, c.metas = r.meta, q.metas
	c.endQuery(q, c.qcfg.Err)
}

// follow asks the meta that a redirect names, if it is a new one.
func (c *GoClient) follow(r *goRequest) bool {
	q := r.query
	if len(c.qcfg.Partitions) == 0 || !c.qcfg.Partitions[0].Primary.IsValid() {
		return false
	}
	addr := c.qcfg.Partitions[0].Primary
	if slices.ContainsFunc(q.metas, func(s *goSession) bool { return s.addr == addr }) {
		return false
	}
	q.metas = append(q.metas, newGoSession(addr))
	c.askMeta(q, len(q.metas)-1, r.first, true)
	return true
}

// endQuery ends a query with an answer, which is in c.qcfg, or by its deadline.
func (c *GoClient) endQuery(q *goQuery, code protocol.ErrorCode) {
	if q.over {
		return
	}
	q.over = true
	c.stop(q.end)
	c.stop(q.backup)
	for _, r := range q.requests {
		if !r.over {
			c.abandon(r)
		}
	}
	c.queryDone(q.table, code)
}
