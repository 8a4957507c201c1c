// Operations on a table.

package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// Table is one table of a cluster. Its methods may be called by any number of goroutines;
// the slices they are given may be used again once they return. Every error is an *Error.
//
// A call ends by its context's deadline, or after Config.OperationTimeout where that has
// none. Reads, and whatever a server refused without effect, are tried again until then;
// a write that was sent and not answered is not. What a server accepted and its storage then
// refused is not either: that is ErrBusy, where trying again may help.
type Table struct {
	client *Client
	name   string
}

// Forever is the time to live of a record without one.
const Forever time.Duration = -1

// Get returns the value of a record; ErrNotFound if there is none. The value is the
// caller's.
func (t *Table) Get(ctx context.Context, hashKey, sortKey []byte) ([]byte, error) {
	k, err := t.begin("get", protocol.RPCGet, hashKey, sortKey)
	if err != nil {
		return nil, err
	}
	defer t.client.recycle(k)
	k.body = protocol.AppendKeyArgs(k.body[:0], k.key)
	if err := t.client.do(ctx, "get", k); err != nil {
		return nil, err
	}
	r, err := parsed(t.client.driver, protocol.ParseReadResult, k.result.Body)
	if err := t.judge("get", r.Status, err, false); err != nil {
		return nil, err
	}
	return r.Value, nil
}

// Put writes a record, in place of one that is there. It lives for ttl, counted in whole
// seconds and rounded up, or for ever if ttl is zero or Forever. Any other negative ttl, what
// is left until a time that has passed, is ErrBadArgument.
func (t *Table) Put(ctx context.Context, hashKey, sortKey, value []byte, ttl time.Duration) error {
	if ttl < 0 && ttl != Forever {
		return badArgument("put", t.name, fmt.Errorf("the time to live is negative: %v", ttl))
	}
	k, err := t.begin("put", protocol.RPCPut, hashKey, sortKey)
	if err != nil {
		return err
	}
	defer t.client.recycle(k)
	k.body = protocol.AppendPutArgs(k.body[:0], &protocol.PutArgs{Key: k.key, Value: value, ExpireTS: protocol.ExpireTS(time.Now(), ttl)})
	return t.update(ctx, "put", k)
}

// Remove removes a record. It is no error if there is none.
func (t *Table) Remove(ctx context.Context, hashKey, sortKey []byte) error {
	k, err := t.begin("remove", protocol.RPCRemove, hashKey, sortKey)
	if err != nil {
		return err
	}
	defer t.client.recycle(k)
	k.body = protocol.AppendKeyArgs(k.body[:0], k.key)
	return t.update(ctx, "remove", k)
}

// TTL returns how long a record has left to live, in whole seconds; Forever if it does
// not expire, ErrNotFound if there is none.
func (t *Table) TTL(ctx context.Context, hashKey, sortKey []byte) (time.Duration, error) {
	k, err := t.begin("ttl", protocol.RPCTTL, hashKey, sortKey)
	if err != nil {
		return 0, err
	}
	defer t.client.recycle(k)
	k.body = protocol.AppendKeyArgs(k.body[:0], k.key)
	if err := t.client.do(ctx, "ttl", k); err != nil {
		return 0, err
	}
	r, err := parsed(t.client.driver, protocol.ParseTTLResult, k.result.Body)
	if err := t.judge("ttl", r.Status, err, false); err != nil {
		return 0, err
	}
	if r.TTLSeconds < 0 {
		return Forever, nil
	}
	return time.Duration(r.TTLSeconds) * time.Second, nil
}

func (t *Table) update(ctx context.Context, op string, k *call) error {
	if err := t.client.do(ctx, op, k); err != nil {
		return err
	}
	r, err := parsed(t.client.driver, protocol.ParseUpdateResult, k.result.Body)
	return t.judge(op, r.Status, err, true)
}

// begin makes the call of an operation, with its key.
func (t *Table) begin(op string, rpc protocol.RPC, hashKey, sortKey []byte) (*call, error) {
	k := t.client.call(t.name, rpc)
	var err error
	if k.key, err = protocol.AppendKey(k.key[:0], hashKey, sortKey); err != nil {
		t.client.recycle(k)
		return nil, badArgument(op, t.name, err)
	}
	k.op.Hash = protocol.PartitionHash(hashKey, sortKey)
	return k, nil
}

func badArgument(op, table string, err error) *Error {
	return &Error{Op: op, Table: table, Outcome: session.OutcomeFailed, Code: protocol.CodeOK, Err: fmt.Errorf("%w: %w", ErrBadArgument, err)}
}

// judge turns the storage's answer into an error. A write whose answer cannot be read has
// been executed, or not.
func (t *Table) judge(op string, status protocol.StorageStatus, malformed error, write bool) error {
	e := &Error{Op: op, Table: t.name, Outcome: session.OutcomeFailed, Code: protocol.CodeOK, Status: status}
	switch {
	case malformed != nil:
		e.Status, e.Err = protocol.StatusOK, fmt.Errorf("%w: %w", ErrBadAnswer, malformed)
		if errors.Is(malformed, ErrInternal) {
			e.Reason, e.Err = session.ReasonInternal, nil
		}
		if write {
			e.Outcome = session.OutcomeUnknown
		}
		return e
	case status == protocol.StatusOK:
		return nil
	case write && !refusedByStorage(status):
		e.Outcome = session.OutcomeUnknown
	}
	return e
}

// refusedByStorage: a write with this status has had no effect.
func refusedByStorage(s protocol.StorageStatus) bool {
	switch s {
	case protocol.StatusNotFound, protocol.StatusNotSupported, protocol.StatusInvalidArgument:
		return true
	}
	return passing(s)
}

// call takes a call from the pool.
func (c *Client) call(table string, rpc protocol.RPC) *call {
	k := c.calls.Get().(*call)
	k.open = rpc == protocol.RPCUnknown
	k.op = routing.Op{Table: table, RPC: rpc}
	k.body = k.body[:0]
	return k
}

// keepBody is the largest request that is kept for its memory.
const keepBody = 64 << 10

// recycle gives a call back that is over. One that was cancelled is not used again: the
// driver may still come upon the request to cancel it.
func (c *Client) recycle(k *call) {
	if k.canceled || cap(k.body) > keepBody {
		return
	}
	k.op, k.result = routing.Op{}, routing.Completion{}
	c.calls.Put(k)
}

// do gives a call to the driver and waits until it is over. The context's end cancels it,
// which the core answers at once.
func (c *Client) do(ctx context.Context, op string, k *call) error {
	fail := func(why Reason, err error) error {
		return &Error{Op: op, Table: k.op.Table, Outcome: session.OutcomeFailed, Reason: why, Code: protocol.CodeOK, Err: err}
	}
	if ctx.Err() != nil {
		return fail(contextReason(ctx), contextError(ctx))
	}
	size := len(k.body)
	if size > c.cfg.MaxRequestBytes {
		return badArgument(op, k.op.Table, fmt.Errorf("the request is %d bytes, and Config.MaxRequestBytes allows %d", size, c.cfg.MaxRequestBytes))
	}
	defer c.driver.bodies.Add(-int64(size))
	if c.driver.bodies.Add(int64(size)) > int64(c.cfg.MaxOutstandingBytes) {
		return fail(session.ReasonQueueFull, &LimitError{Limit: "bytes may be in the requests of outstanding calls", Field: "MaxOutstandingBytes", Max: c.cfg.MaxOutstandingBytes})
	}
	deadline, limited := c.cfg.deadline(ctx)
	k.op.Deadline, k.op.Body = deadline, k.body
	kind := routing.EventSubmit
	if k.open {
		kind = routing.EventOpenTable
	}
	if !c.driver.inbox.put(item{event: routing.Event{Kind: kind}, call: k}) {
		return fail(session.ReasonClosed, nil)
	}
	select {
	case <-k.done:
	case <-ctx.Done():
		k.canceled = true
		c.driver.inbox.put(item{event: routing.Event{Kind: routing.EventCancel}, call: k})
		<-k.done
	}
	r := &k.result
	if r.Outcome == session.OutcomeOK {
		return nil
	}
	e := &Error{Op: op, Table: k.op.Table, Outcome: r.Outcome, Reason: r.Reason, Code: r.Code}
	switch {
	case r.Reason == session.ReasonDeadline && limited:
		e.Err = context.DeadlineExceeded
	case r.Reason == session.ReasonCanceled:
		e.Reason, e.Err = contextReason(ctx), contextError(ctx)
	case r.Reason == session.ReasonQueueFull:
		e.Err = c.cfg.limitError(r.Limit)
	}
	return e
}

// longestCall is what a deadline further off is cut to: further than any call is waited for,
// and near enough that adding it to an instant keeps its monotonic reading.
const longestCall = 100 * 365 * 24 * time.Hour

// deadline is when a call ends, by the context, where limited, or by OperationTimeout. It
// always has a monotonic reading: deadlines are ordered among each other, and by the wall
// clock that order would change whenever the clock is set.
func (c *Config) deadline(ctx context.Context) (at time.Time, limited bool) {
	left := c.OperationTimeout
	if at, limited = ctx.Deadline(); limited {
		left = time.Until(at)
	}
	return time.Now().Add(min(left, longestCall)), limited
}

// contextReason is why a context that is over has ended.
func contextReason(ctx context.Context) Reason {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return session.ReasonDeadline
	}
	return session.ReasonCanceled
}

// contextError is the error of a context that is over, and its cause, where that is another.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
