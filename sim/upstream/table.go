// One opened table: its partitions, and when they are asked for again. Upstream:
// java-client rpc/async/TableHandler.

package upstream

import (
	"errors"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// queryGateShare divides the operation time-out: the least time between two queries.
const queryGateShare = 3

// maxPartitions bounds what an answer can make the client allocate.
const maxPartitions = 1 << 16

var (
	errHostPorts = errors.New("configuration with host_port fields, which this release cannot read")
	errCount     = errors.New("configuration with a number of partitions that cannot be used")
)

// table is one opened table.
type table struct {
	name      string
	queryArgs []byte
	appID     int32
	parts     []partition
	version   int // of parts; zero: not known yet
	querying  bool
	lastQuery time.Time
	opening   []OpID
	waiting   []*session // openTable waits for these to connect
	timer     protocol.TimerID
}

type partition struct {
	ballot  int64
	primary *session // nil: none
}

// openTable resolves a table and connects to the primaries of its partitions. It has no
// time-out of its own: it ends with the last try of its query.
func (c *Client) openTable(id OpID, name string) {
	t := c.tableByName(name)
	switch {
	case t == nil && len(c.tables) >= c.cfg.MaxTables:
		c.out = append(c.out, ClientEffect{Kind: ClientComplete, ID: id, Outcome: OutcomeFailed, Code: protocol.CodeCapacityExceeded})
		return
	case t == nil:
		t = &table{name: name, queryArgs: protocol.AppendQueryConfigArgs(nil, name, nil)}
		c.tables = append(c.tables, t)
	case t.version > 0 && len(t.opening) == 0:
		c.out = append(c.out, ClientEffect{Kind: ClientComplete, ID: id, Outcome: OutcomeOK, Code: protocol.CodeOK})
		return
	}
	t.opening = append(t.opening, id)
	if !t.querying && t.version == 0 {
		t.querying, t.lastQuery = true, c.now
		c.query(t)
	}
}

func (c *Client) tableByName(name string) *table {
	for _, t := range c.tables {
		if t.name == name {
			return t
		}
	}
	return nil
}

// refresh asks for the partitions again, unless that is under way, was done a moment
// ago, or has brought newer ones than those that seen refers to.
func (c *Client) refresh(t *table, seen int) {
	if t.querying || t.version > seen || c.now.Sub(t.lastQuery) < c.cfg.OperationTimeout/queryGateShare {
		return
	}
	t.querying, t.lastQuery = true, c.now
	c.query(t)
}

// queryDone ends a query. With CodeOK the answer is in c.qcfg. One with a partition that the
// table cannot have throws half way through: the table is never told that its query is over (J13).
func (c *Client) queryDone(t *table, code protocol.ErrorCode) {
	if code == protocol.CodeOK && slices.ContainsFunc(c.qcfg.Partitions, func(p protocol.PartitionConfig) bool { return p.PID.Index >= c.qcfg.Count }) {
		return
	}
	t.querying = false
	if code == protocol.CodeOK {
		c.adopt(t)
		c.out = append(c.out, ClientEffect{Kind: ClientTable, Table: t.name})
	}
	if len(t.opening) == 0 {
		return
	}
	if code != protocol.CodeOK {
		c.completeOpen(t, code)
		return
	}
	for _, p := range t.parts {
		if p.primary != nil && p.primary.state != SessionConnected {
			t.waiting = append(t.waiting, p.primary)
		}
	}
	t.timer = c.after(c.cfg.OperationTimeout, c.cfg.Delays.Timer, task{kind: taskOpened, table: t})
	c.connected(nil)
}

// adopt takes the partitions of an answer, none of them by an older ballot, and connects
// to every primary.
func (c *Client) adopt(t *table) {
	if int(c.qcfg.Count) != len(t.parts) || c.qcfg.AppID != t.appID {
		t.parts = make([]partition, c.qcfg.Count)
		t.appID = c.qcfg.AppID
	}
	t.version++
	for i := range c.qcfg.Partitions {
		pc := &c.qcfg.Partitions[i]
		if pc.PID.Index < 0 || int(pc.PID.Index) >= len(t.parts) {
			continue
		}
		p := &t.parts[pc.PID.Index]
		if pc.Ballot < p.ballot {
			continue
		}
		p.ballot, p.primary = pc.Ballot, nil
		if pc.Primary.IsValid() {
			p.primary = c.session(pc.Primary)
			c.connect(p.primary)
		}
	}
}

// connected tells openings that a session has connected, or will not.
func (c *Client) connected(s *session) {
	for _, t := range c.tables {
		if len(t.opening) == 0 || t.version == 0 {
			continue
		}
		left := t.waiting[:0]
		for _, w := range t.waiting {
			if w != s {
				left = append(left, w)
			}
		}
		t.waiting = left
		if len(left) == 0 {
			c.completeOpen(t, protocol.CodeOK)
		}
	}
}

func (c *Client) completeOpen(t *table, code protocol.ErrorCode) {
	c.stop(t.timer)
	outcome := OutcomeOK
	if code != protocol.CodeOK {
		outcome = OutcomeFailed
	}
	for _, id := range t.opening {
		c.out = append(c.out, ClientEffect{Kind: ClientComplete, ID: id, Outcome: outcome, Code: code})
	}
	t.opening, t.waiting = t.opening[:0], t.waiting[:0]
}

// readConfig reads an answer to a query. The release cannot read the host_port fields
// that servers write since March 2024: it takes them for structs.
func (c *Client) readConfig(body []byte) error {
	if err := protocol.ParseQueryConfigResult(body, &c.qcfg); err != nil {
		return err
	}
	if c.qcfg.Err != protocol.CodeOK {
		return nil
	}
	if c.qcfg.Count <= 0 || c.qcfg.Count > maxPartitions {
		return errCount
	}
	if c.cfg.Release == Release250 {
		// The parser passes them over; a body that is longer than without them has them.
		c.args = protocol.AppendQueryConfigResult(c.args[:0], &c.qcfg, false)
		if len(body) > len(c.args) {
			return errHostPorts
		}
	}
	return nil
}
