// Tables: what the metas said of their partitions, and how that is replaced by what they
// say later.

package routing

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// table is one table by name, from the first time it is asked for.
type table struct {
	name       string
	query      []byte // args struct of its query
	known      bool
	stale      bool // known, and to be looked up again
	appID      int32
	partitions []partition
	ops        int                // outstanding
	code       protocol.ErrorCode // last refusal of a query since the last answer

	phase     queryPhase
	meta      int    // being asked, in queryAsked
	tried     uint64 // metas asked in this round, by index
	redirects int    // followed in this round
	rounds    int    // that failed in a row; stays where the interval reaches its cap
	asked     time.Time
	wait      timer
}

// partition is what is known of one partition.
type partition struct {
	ballot  int64 // below 0: not known, or a split's child that does not serve yet
	primary netip.AddrPort
	peer    int // slot of the primary's session, or none
}

func (t *table) serves(at int) bool {
	for i := range t.partitions {
		if t.partitions[i].peer == at {
			return true
		}
	}
	return false
}

func (t *table) eachPeer(f func(at int)) {
	for i := range t.partitions {
		if at := t.partitions[i].peer; at != none {
			f(at)
		}
	}
}

// locate returns the partition that serves a hash, none if nothing is known of it. The
// child of a split that does not serve yet is represented by its parent.
func (t *table) locate(hash uint64) int {
	count := int32(len(t.partitions))
	i := protocol.PartitionIndex(hash, count)
	if i >= 0 && t.partitions[i].ballot < 0 {
		if i < count/2 {
			return none
		}
		i -= count / 2
	}
	if i < 0 || t.partitions[i].ballot < 0 {
		return none
	}
	return int(i)
}

// tableFor returns the index of a table, which it adds if need be; none where MaxTables
// forbids it. A table that could not be found, and that nobody waits for, makes room.
func (c *Core) tableFor(name string) int {
	free := none
	for i := range c.tables {
		t := &c.tables[i]
		if t.name == name {
			return i
		}
		if free == none && !t.known && t.ops == 0 && t.phase == queryIdle {
			free = i
		}
	}
	if len(c.tables) < c.cfg.MaxTables {
		free = len(c.tables)
		c.tables = append(c.tables, table{})
	}
	if free != none {
		c.tables[free] = table{name: name, code: protocol.CodeOK, query: protocol.AppendQueryConfigArgs(nil, name, nil)}
	}
	return free
}

// learnTable takes an answer of the leader.
func (c *Core) learnTable(now time.Time, i, m int, answer *protocol.QueryConfig, out []Effect) []Effect {
	t := &c.tables[i]
	if answer.AppID <= 0 || answer.Count <= 0 || int(answer.Count) > c.cfg.MaxPartitions {
		c.stats.BadAnswers++
		return c.inVain(now, i, session.ReasonNone, out)
	}
	if !t.accepts(answer) {
		c.stats.OlderConfigs++
		return c.inVain(now, i, session.ReasonNone, out)
	}
	t.resize(answer)
	for k := range answer.Partitions {
		c.learnPartition(t, &answer.Partitions[k])
	}
	c.leader = m
	c.stats.Refreshes++
	t.known, t.stale, t.code, t.rounds = true, false, protocol.CodeOK, 0
	c.reconcile(now)
	out = append(out, Effect{Kind: EffectTable, Table: t.name})
	return c.tableLearned(now, i, out)
}

// accepts says whether an answer can be newer than what is known. Application ids only
// grow while the table exists, and a table only shrinks where a split is called off: then
// no child has served.
func (t *table) accepts(answer *protocol.QueryConfig) bool {
	if answer.AppID > t.appID {
		return true
	}
	if answer.AppID < t.appID {
		return !t.known
	}
	for i := int(answer.Count); i < len(t.partitions); i++ {
		if t.partitions[i].ballot >= 0 {
			return false
		}
	}
	return true
}

// resize makes room for the answer's number of partitions; another application's are
// forgotten.
func (t *table) resize(answer *protocol.QueryConfig) {
	if t.appID != answer.AppID {
		t.appID = answer.AppID
		t.partitions = t.partitions[:0]
	}
	n := int(answer.Count)
	if n < len(t.partitions) {
		t.partitions = t.partitions[:n]
	}
	for len(t.partitions) < n {
		t.partitions = append(t.partitions, partition{ballot: -1, peer: none})
	}
}

// learnPartition replaces a partition's configuration, but never by one of an older
// ballot.
func (c *Core) learnPartition(t *table, p *protocol.PartitionConfig) {
	if p.PID.AppID != t.appID || p.PID.Index < 0 || int(p.PID.Index) >= len(t.partitions) {
		c.stats.BadAnswers++
		return
	}
	known := &t.partitions[p.PID.Index]
	if p.Ballot < known.ballot {
		c.stats.OlderConfigs++
		return
	}
	known.ballot = p.Ballot
	primary := p.Primary
	if !dialable(primary) {
		primary = netip.AddrPort{}
	}
	if primary != known.primary {
		known.primary, known.peer = primary, none
	}
}

// tableLearned lets operations go that waited for the table, and sends those elsewhere
// whose partition has moved.
func (c *Core) tableLearned(now time.Time, i int, out []Effect) []Effect {
	t := &c.tables[i]
	for k := c.ops.first(); k != none; {
		r := &c.ops.records[k]
		next := int(r.next)
		switch {
		case int(r.table) != i:
		case r.state == opTable:
			out = c.route(now, k, out)
		case r.state == opRetry && t.moved(r):
			out = c.route(now, k, out)
		case r.state == opSession && t.moved(r) && c.peers[r.peer].core.Waits(session.RequestID(k)):
			c.reroute(now, k)
		}
		k = next
	}
	return out
}

// moved says whether an operation's partition has another configuration than the one
// under which it was last sent.
func (t *table) moved(r *opRecord) bool {
	p := t.locate(r.op.Hash)
	return p != none && t.partitions[p].primary.IsValid() &&
		(t.appID != r.appID || p != int(r.partition) || t.partitions[p].ballot != r.ballot || t.partitions[p].primary != r.primary)
}

// tableRefused takes a meta's word that the table cannot be had: whoever waits for it is
// told. The ballots stay: the table may come back.
func (c *Core) tableRefused(now time.Time, i, m int, code protocol.ErrorCode, out []Effect) []Effect {
	t := &c.tables[i]
	c.leader = m
	t.known, t.stale, t.code, t.rounds = false, false, protocol.CodeOK, 0
	for k := range t.partitions {
		t.partitions[k].primary, t.partitions[k].peer = netip.AddrPort{}, none
	}
	for k := c.ops.first(); k != none; {
		r := &c.ops.records[k]
		next := int(r.next)
		if int(r.table) == i && r.state != opSession {
			r.code = code
			out = c.finish(k, session.OutcomeFailed, session.ReasonNone, out)
		}
		k = next
	}
	c.reconcile(now)
	return out
}
