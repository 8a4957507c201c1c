// Queries to the meta servers: one after the other until one answers, following
// redirects, a limited number of tries. Upstream: java-client rpc/async/MetaSession.

package upstream

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// metaRetryDelay is the wait after ERR_SERVICE_NOT_ACTIVE.
const metaRetryDelay = time.Second

// A meta query goes to gpid(-1,-1), whose partition index overflows on its way into the
// header.
const (
	queryAppID     = -1
	queryPartition = -2
)

// metaSession is the list of meta servers and the one that is taken for the leader.
type metaSession struct {
	list   []*session
	leader int
}

// queryRound is one query for a table, through all its tries.
type queryRound struct {
	table *table
	tries int      // left
	asked *session // by the last try
}

func (c *Client) query(t *table) {
	r := &queryRound{table: t, tries: c.cfg.MetaMaxTries, asked: c.meta.list[c.meta.leader]}
	c.tryQuery(r)
}

func (c *Client) tryQuery(r *queryRound) {
	r.asked = c.session(r.asked.addr) // another object where a watcher has replaced it
	e := &entry{
		rpc:    protocol.RPCQueryConfig,
		header: protocol.Header{AppID: queryAppID, Partition: queryPartition},
		body:   r.table.queryArgs,
		round:  r,
	}
	c.send(r.asked, e, c.cfg.MetaQueryTimeout)
}

// queryReply decides between an answer and another try.
func (c *Client) queryReply(r *queryRound, code protocol.ErrorCode, body []byte) {
	r.tries--
	var delay time.Duration
	switch {
	case code == protocol.CodeSessionReset || code == protocol.CodeTimeout:
		c.nextMeta(r)
	case code != protocol.CodeOK:
		c.queryDone(r.table, code)
		return
	default:
		if err := c.readConfig(body); err != nil {
			c.queryDone(r.table, protocol.CodeInvalidData)
			return
		}
		switch code = c.qcfg.Err; code {
		case protocol.CodeServiceNotActive:
			delay = metaRetryDelay
		case protocol.CodeForwardToOthers:
			c.forward(r)
		default:
			c.queryDone(r.table, code)
			return
		}
	}
	if r.tries <= 0 {
		c.queryDone(r.table, code)
		return
	}
	r.asked = c.meta.list[c.meta.leader]
	c.after(delay, c.cfg.Delays.Retry, task{kind: taskQuery, round: r})
}

// forward takes the meta server that an answer names for the leader, one that was never
// configured too; without a name, the next.
func (c *Client) forward(r *queryRound) {
	m := &c.meta
	if len(c.qcfg.Partitions) > 0 && c.qcfg.Partitions[0].Primary.IsValid() {
		s := c.session(c.qcfg.Partitions[0].Primary)
		for i := range m.list {
			if m.list[i] == s {
				m.leader = i
				return
			}
		}
		m.list = append(m.list, s)
		m.leader = len(m.list) - 1
		return
	}
	c.nextMeta(r)
}

// nextMeta moves on from the meta server that was asked, also after the last try, unless
// another query has moved on already.
func (c *Client) nextMeta(r *queryRound) {
	m := &c.meta
	if m.list[m.leader] == r.asked {
		m.leader = (m.leader + 1) % len(m.list)
	}
}
