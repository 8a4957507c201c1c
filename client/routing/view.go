// What can be seen of a client from outside: for judges, health calls and tests.

package routing

import (
	"iter"
	"net/netip"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// SessionView is one session.
type SessionView struct {
	Addr    netip.AddrPort
	State   session.State
	Step    session.Step    // of the negotiation
	Conn    protocol.ConnID // zero: it has no connection
	Meta    bool            // to a meta server
	Kept    bool            // to be ready whether a request needs it or not
	Waiting int             // requests not written
	Pending int             // requests written and not answered
	Reason  session.Reason  // why its last connection ended, or its last attempt to get one; ReasonNone: none has
	Stats   session.Stats
}

// PartitionView is what is known of one partition.
type PartitionView struct {
	Ballot  int64
	Primary netip.AddrPort // not valid: there is none at the moment
}

// TableView is what is known of one table.
type TableView struct {
	AppID   int32
	Count   int  // partitions
	Stale   bool // being looked up again
	Waiting int  // operations outstanding
}

// Sessions goes through the sessions, in order of their slots.
func (c *Core) Sessions() iter.Seq[SessionView] {
	return func(yield func(SessionView) bool) {
		for at := range c.peers {
			p := &c.peers[at]
			if p.core == nil {
				continue
			}
			waiting, pending := p.core.Outstanding()
			v := SessionView{
				Addr: p.addr, State: p.core.State(), Step: p.core.NegotiationStep(), Conn: p.core.Conn(),
				Meta: c.metaAt(at) != none, Kept: p.kept, Waiting: waiting, Pending: pending, Reason: p.why, Stats: p.core.Stats(),
			}
			if !yield(v) {
				return
			}
		}
	}
}

// Metas goes through the addresses of the metas, configured ones first.
func (c *Core) Metas() iter.Seq[netip.AddrPort] {
	return func(yield func(netip.AddrPort) bool) {
		for i := range c.metas {
			if !yield(c.metas[i].addr) {
				return
			}
		}
	}
}

// Leader returns the address of the meta that is asked first.
func (c *Core) Leader() netip.AddrPort { return c.metas[c.leader].addr }

// PendingOps returns the number of outstanding operations.
func (c *Core) PendingOps() int { return c.ops.n }

// Outstanding goes through the outstanding operations, in order of submission.
func (c *Core) Outstanding() iter.Seq[OpID] {
	return func(yield func(OpID) bool) {
		for i := c.ops.first(); i != none; i = int(c.ops.records[i].next) {
			if !yield(c.ops.records[i].op.ID) {
				return
			}
		}
	}
}

// Table returns what is known of a table; ok is false before it was learned.
func (c *Core) Table(name string) (v TableView, ok bool) {
	for i := range c.tables {
		if t := &c.tables[i]; t.name == name && t.known {
			return TableView{AppID: t.appID, Count: len(t.partitions), Stale: t.stale, Waiting: t.ops}, true
		}
	}
	return TableView{}, false
}

// Partition returns what is known of one partition of a table; ok is false if nothing is.
func (c *Core) Partition(name string, index int) (v PartitionView, ok bool) {
	for i := range c.tables {
		t := &c.tables[i]
		if t.name == name && t.known && index >= 0 && index < len(t.partitions) && t.partitions[index].ballot >= 0 {
			return PartitionView{Ballot: t.partitions[index].ballot, Primary: t.partitions[index].primary}, true
		}
	}
	return PartitionView{}, false
}

// Config puts what is known of a table in the form of an answer that would say so; false
// where nothing is. Partitions of which nothing is known are left out.
func (c *Core) Config(name string, into *protocol.QueryConfig) bool {
	view, ok := c.Table(name)
	if !ok {
		return false
	}
	*into = protocol.QueryConfig{
		Err: protocol.CodeOK, AppID: view.AppID, Count: int32(view.Count), Stateful: true, Partitions: into.Partitions[:0],
	}
	for i := range view.Count {
		if p, known := c.Partition(name, i); known {
			into.Partitions = append(into.Partitions, protocol.PartitionConfig{
				PID: protocol.GPID{AppID: view.AppID, Index: int32(i)}, Ballot: p.Ballot, Primary: p.Primary,
			})
		}
	}
	return true
}

// Closed says whether the client has closed.
func (c *Core) Closed() bool { return c.closed }

// Stats returns the counters.
func (c *Core) Stats() Stats { return c.stats }
