// One table of upstream's Go client: its partitions, and when they are asked for again.
// Upstream: go-client pegasus/table_connector.go.

package upstream

import (
	"github.com/a8011091/pegasus-reference/protocol"
)

// goRefresh is where the goroutine that refreshes a table is.
type goRefresh uint8

const (
	goRefreshIdle goRefresh = iota
	goRefreshQuerying
	goRefreshResting // a pause after each query
)

type goTable struct {
	name      string
	queryArgs []byte
	appID     int32
	opened    bool
	opening   []OpID
	parts     []goPartition
	refresh   goRefresh
	asked     bool // for another refresh, while it rested
}

// goPartition is a slot of the table. One without a session was never filled (G13).
type goPartition struct {
	ballot  int64
	primary *goSession
}

// openTable asks for the partitions. It connects to nobody: the first operation will.
func (c *GoClient) openTable(id OpID, name string) {
	t := c.tableByName(name)
	switch {
	case t == nil && len(c.tables) >= c.cfg.MaxTables:
		c.complete(id, OutcomeFailed, protocol.CodeCapacityExceeded, nil)
		return
	case t == nil:
		t = &goTable{name: name, queryArgs: protocol.AppendQueryConfigArgs(nil, name, nil)}
		c.tables = append(c.tables, t)
	case t.opened:
		c.complete(id, OutcomeOK, protocol.CodeOK, nil)
		return
	}
	t.opening = append(t.opening, id)
	if len(t.opening) == 1 {
		c.startQuery(t, c.cfg.OpenTimeout)
	}
}

func (c *GoClient) tableByName(name string) *goTable {
	for _, t := range c.tables {
		if t.name == name {
			return t
		}
	}
	return nil
}

// refresh asks for the partitions again. While a query is under way that is forgotten, and
// in the pause after it remembered once.
func (c *GoClient) refresh(t *goTable) {
	switch {
	case !t.opened:
	case t.refresh == goRefreshIdle:
		t.refresh = goRefreshQuerying
		c.startQuery(t, c.cfg.RefreshTimeout)
	case t.refresh == goRefreshResting:
		t.asked = true
	}
}

func (c *GoClient) rested(t *goTable) {
	t.refresh = goRefreshIdle
	if t.asked {
		t.asked = false
		c.refresh(t)
	}
}

// queryDone ends a query. With CodeOK the answer is in c.qcfg.
func (c *GoClient) queryDone(t *goTable, code protocol.ErrorCode) {
	if code == protocol.CodeOK {
		code = c.adopt(t)
	}
	if t.opened {
		t.refresh = goRefreshResting
		c.after(c.cfg.RefreshInterval, c.cfg.Delays.Timer, goTask{kind: goTaskRested, table: t})
		return
	}
	outcome := OutcomeFailed
	if code == protocol.CodeOK {
		t.opened, outcome = true, OutcomeOK
	}
	opening := t.opening
	t.opening = nil
	for _, id := range opening {
		c.complete(id, outcome, code, nil)
	}
}

// adopt takes the partitions of an answer one by one, without a look at the ballots that it
// has. One that has no primary ends it, and leaves those behind it as they are: empty, where
// the number of partitions is new (G13).
func (c *GoClient) adopt(t *goTable) protocol.ErrorCode {
	if c.qcfg.Count <= 0 || c.qcfg.Count > maxPartitions {
		return protocol.CodeInvalidData
	}
	if int(c.qcfg.Count) != len(t.parts) {
		t.parts = make([]goPartition, c.qcfg.Count)
	}
	t.appID = c.qcfg.AppID
	for i := range c.qcfg.Partitions {
		p := &c.qcfg.Partitions[i]
		if !p.Primary.IsValid() || p.PID.Index < 0 || int(p.PID.Index) >= len(t.parts) {
			return protocol.CodeInvalidData
		}
		t.parts[p.PID.Index] = goPartition{ballot: p.Ballot, primary: c.replica(p.Primary)}
	}
	c.out = append(c.out, ClientEffect{Kind: ClientTable, Table: t.name})
	return protocol.CodeOK
}

// partition is the slot that serves a hash; while a split is under way the parent's. Nil
// where upstream panics.
func (t *goTable) partition(hash uint64) (index int32, p *goPartition) {
	index = protocol.PartitionIndex(hash, int32(len(t.parts)))
	if t.parts[index].ballot <= 0 {
		index -= int32(len(t.parts) / 2)
	}
	if index < 0 || t.parts[index].primary == nil {
		return 0, nil
	}
	return index, &t.parts[index]
}
