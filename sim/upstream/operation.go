// One operation of the application: attempts, retries, and the two clocks that end it,
// the caller's wait and the request's own timer.

package upstream

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// call is one operation. It can outlive its completion: the caller may have stopped
// waiting while an attempt is still under way.
type call struct {
	id       OpID
	table    *table
	rpc      protocol.RPC
	hash     uint64
	body     []byte
	timeout  time.Duration
	deadline time.Time
	caller   protocol.TimerID
	told     bool // the application has its result
	lost     bool // an attempt was written and not answered
	seen     int  // version of the table's partitions at the last attempt
	code     protocol.ErrorCode
	result   []byte
}

func (c *Client) submit(ev *ClientEvent) {
	t := c.tableByName(ev.Table)
	code := protocol.CodeOK
	switch {
	case t == nil || t.version == 0:
		code = protocol.CodeObjectNotFound // not opened
	case len(c.calls) >= c.cfg.MaxOperations:
		code = protocol.CodeCapacityExceeded
	}
	if code != protocol.CodeOK {
		c.out = append(c.out, ClientEffect{Kind: ClientComplete, ID: ev.ID, Outcome: OutcomeFailed, Code: code})
		return
	}
	o := &call{id: ev.ID, table: t, rpc: ev.RPC, hash: ev.Hash, body: slices.Clone(ev.Body), timeout: ev.Timeout}
	if o.timeout <= 0 {
		o.timeout = c.cfg.OperationTimeout
	}
	o.deadline = c.now.Add(o.timeout)
	c.calls[o.id] = o
	o.caller = c.after(o.timeout, c.cfg.Delays.Caller, task{kind: taskCaller, call: o})
	c.attempt(o)
}

// attempt sends an operation to the primary of its partition, with the full time-out
// whichever attempt it is.
func (c *Client) attempt(o *call) {
	index := protocol.PartitionIndex(o.hash, int32(len(o.table.parts)))
	p := &o.table.parts[index]
	if p.ballot < 0 { // child of a split that is not ready: its parent serves
		index -= int32(len(o.table.parts) / 2)
		p = &o.table.parts[index]
	}
	o.seen = o.table.version
	if p.primary == nil {
		c.refresh(o.table, o.seen)
		c.retry(o, protocol.CodeObjectNotFound)
		return
	}
	e := &entry{
		rpc:    o.rpc,
		header: protocol.Header{AppID: o.table.appID, Partition: index, PartitionHash: o.hash},
		body:   o.body,
		call:   o,
	}
	c.send(p.primary, e, o.timeout)
}

// callReply decides what the end of an attempt means. A time-out does not ask for the
// partitions again: nothing says that they are wrong.
func (c *Client) callReply(o *call, code protocol.ErrorCode, body []byte) {
	switch code {
	case protocol.CodeOK:
		c.finish(o, code, body)
	case protocol.CodeSessionReset, protocol.CodeObjectNotFound, protocol.CodeInvalidState, protocol.CodeParentPartitionMisused:
		c.refresh(o.table, o.seen)
		c.retry(o, code)
	case protocol.CodeTimeout, protocol.CodeNotEnoughMember, protocol.CodeCapacityExceeded:
		c.retry(o, code)
	default:
		c.finish(o, code, nil)
	}
}

// retry waits for the release's delay if the deadline lies beyond it.
func (c *Client) retry(o *call, code protocol.ErrorCode) {
	delay := c.cfg.retryDelay(o.timeout)
	if c.now.Add(delay).After(o.deadline) {
		c.finish(o, code, nil)
		return
	}
	c.after(delay, c.cfg.Delays.Retry, task{kind: taskAttempt, call: o})
}

// finish has the result; the application's thread sees it a moment later.
func (c *Client) finish(o *call, code protocol.ErrorCode, body []byte) {
	if o.told {
		return
	}
	o.code, o.result = code, append(o.result[:0], body...)
	c.after(0, c.cfg.Delays.Wakeup, task{kind: taskDeliver, call: o})
}

func (c *Client) deliver(o *call) {
	if o.told {
		return
	}
	c.stop(o.caller)
	outcome := OutcomeFailed
	switch {
	case o.code == protocol.CodeOK:
		outcome = OutcomeOK
	case o.lost:
		outcome = OutcomeUnknown
	}
	c.tell(o, outcome, o.code, o.result)
}

// callerTimeout ends the wait of the application's thread. Attempts go on: whatever they
// do is not known to it.
func (c *Client) callerTimeout(o *call) {
	if !o.told {
		c.tell(o, OutcomeUnknown, protocol.CodeTimeout, nil)
	}
}

func (c *Client) tell(o *call, outcome Outcome, code protocol.ErrorCode, body []byte) {
	o.told = true
	delete(c.calls, o.id)
	c.out = append(c.out, ClientEffect{Kind: ClientComplete, ID: o.id, Outcome: outcome, Code: code, Body: body})
}
