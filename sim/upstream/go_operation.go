// One operation of an application on upstream's Go client, up to the deadline of its
// context. Upstream: go-client pegasus/table_connector.go, pegasus/retry_failover.go.

package upstream

import (
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// goCall is one operation. It keeps the session that it began with, whatever a refresh
// says meanwhile (G8).
type goCall struct {
	id      OpID
	table   *goTable
	session *goSession
	header  protocol.Header
	rpc     protocol.RPC
	body    []byte

	deadline time.Time
	timer    protocol.TimerID
	backoff  time.Duration
	request  *goRequest // of the latest attempt
	told     bool
	code     protocol.ErrorCode
	result   []byte
}

func (c *GoClient) complete(id OpID, outcome Outcome, code protocol.ErrorCode, body []byte) {
	c.out = append(c.out, ClientEffect{Kind: ClientComplete, ID: id, Outcome: outcome, Code: code, Body: body})
}

func (c *GoClient) submit(ev *ClientEvent) {
	t := c.tableByName(ev.Table)
	switch {
	case t == nil || !t.opened:
		c.complete(ev.ID, OutcomeFailed, protocol.CodeObjectNotFound, nil)
		return
	case c.calls >= c.cfg.MaxOperations:
		c.complete(ev.ID, OutcomeFailed, protocol.CodeCapacityExceeded, nil)
		return
	}
	index, p := t.partition(ev.Hash)
	if p == nil {
		c.complete(ev.ID, OutcomeFailed, protocol.CodeInvalidData, nil)
		return
	}
	timeout := ev.Timeout
	if timeout <= 0 {
		timeout = c.cfg.OperationTimeout
	}
	o := &goCall{
		id: ev.ID, table: t, session: p.primary, rpc: ev.RPC, body: slices.Clone(ev.Body),
		header:   protocol.Header{AppID: t.appID, Partition: index, PartitionHash: ev.Hash},
		deadline: c.now.Add(timeout), backoff: c.cfg.RetryDelay,
	}
	c.calls++
	o.timer = c.after(timeout, c.cfg.Delays.Timer, goTask{kind: goTaskDeadline, call: o})
	c.attempt(o)
}

func (c *GoClient) attempt(o *goCall) {
	if o.told {
		return
	}
	o.request = &goRequest{s: o.session, rpc: o.rpc, header: o.header, body: o.body, deadline: o.deadline, call: o}
	c.send(o.request)
}

// callReply decides what the end of an attempt means. Where the configuration may be wrong it
// is asked for again; of those errors all but two are tried again, at the same session.
func (c *GoClient) callReply(o *goCall, code protocol.ErrorCode, body []byte) {
	switch code {
	case protocol.CodeOK, protocol.CodeTimeout, protocol.CodeNotEnoughMember, protocol.CodeCapacityExceeded,
		protocol.CodeBusy, protocol.CodeSplitting, protocol.CodeDiskInsufficient:
		c.finish(o, code, body)
	case protocol.CodeInvalidState, protocol.CodeParentPartitionMisused:
		c.refresh(o.table)
		c.finish(o, code, nil)
	default:
		c.refresh(o.table)
		c.after(o.backoff/2, Interval{0, o.backoff}, goTask{kind: goTaskRetry, call: o})
		o.backoff = min(2*o.backoff, time.Minute)
	}
}

// finish has the result; the application's goroutine sees it a moment later.
func (c *GoClient) finish(o *goCall, code protocol.ErrorCode, body []byte) {
	o.code, o.result = code, append(o.result[:0], body...)
	c.after(0, c.cfg.Delays.Wakeup, goTask{kind: goTaskDeliver, call: o})
}

func (c *GoClient) deliver(o *goCall) {
	if o.told {
		return
	}
	c.stop(o.timer)
	outcome := OutcomeFailed
	switch o.code {
	case protocol.CodeOK:
		outcome = OutcomeOK
	case protocol.CodeTimeout: // the server's: it may have run
		outcome = OutcomeUnknown
	}
	c.tell(o, outcome, o.code, o.result)
}

// callDeadline ends an operation whose context has ended. It does not have the partitions
// asked for again: a primary that is connected and mute is used for ever (G15).
func (c *GoClient) callDeadline(o *goCall) {
	if o.told {
		return
	}
	outcome := OutcomeFailed
	if r := o.request; !r.over {
		if r.written {
			outcome = OutcomeUnknown
		}
		c.abandon(r)
	} else if o.code != 0 { // answered, and not yet seen
		outcome = OutcomeUnknown
	}
	c.tell(o, outcome, protocol.CodeTimeout, nil)
}

func (c *GoClient) tell(o *goCall, outcome Outcome, code protocol.ErrorCode, body []byte) {
	o.told = true
	c.calls--
	c.complete(o.id, outcome, code, body)
}
