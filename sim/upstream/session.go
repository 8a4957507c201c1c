// One session object of the client: an address, its connection state, and its requests.
// Upstream: java-client rpc/async/ReplicaSession before f13084a78; docs/spec.md, clauses S6, S8 and S11.

package upstream

import (
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// session lives as long as the client; connections come and go under it.
type session struct {
	addr  netip.AddrPort
	state SessionState
	ch    *channel // of state connected; may be closed already and not yet noticed

	// authSucceed says that a negotiation succeeded once. It belongs to the session. Before
	// ReleaseMaster nothing takes it back when a connection ends: the root of the incident.
	authSucceed bool

	// firstTimeout begins the reset window: the first time-out since the last answer.
	// Zero: none.
	firstTimeout time.Time

	nextSeq       int32
	pending       []*entry // every request without an answer, by seq
	pendingSend   []int32  // waiting for a connection
	authPending   []int32  // waiting for a negotiation
	parked        int      // requests that were put there since one last succeeded: upstream keeps them, answered or not (J8)
	replaced      bool     // by the watcher that is the remedy r1
	disconnecting bool     // pending requests are being told; senders that take the lock wait
	blocked       []int32  // senders that wait for it
	deferred      []int32  // failed writes that the busy I/O thread has not reported
}

// entry is one request of a session. Exactly one of neg, round and call is set: whom the
// answer goes to.
type entry struct {
	seq     int32
	rpc     protocol.RPC
	written bool
	failing bool // its write has failed, and that is about to be told
	header  protocol.Header
	timer   protocol.TimerID
	body    []byte
	neg     *negotiation
	round   *queryRound
	call    *call
}

// find returns the pending request of a sequence number, nil if there is none.
func (s *session) find(seq int32) *entry {
	if i, ok := s.index(seq); ok {
		return s.pending[i]
	}
	return nil
}

func (s *session) index(seq int32) (int, bool) {
	return slices.BinarySearchFunc(s.pending, seq, func(e *entry, seq int32) int { return int(e.seq) - int(seq) })
}

// take removes it.
func (s *session) take(seq int32) *entry {
	i, ok := s.index(seq)
	if !ok {
		return nil
	}
	e := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	return e
}

// compact drops numbers that nobody waits for from a queue that grew long. Upstream never
// does (the queue of parked requests leaks, which session.parked counts); no behaviour depends on it.
func (s *session) compact(queue []int32) []int32 {
	if len(queue) <= 2*len(s.pending)+16 {
		return queue
	}
	return slices.DeleteFunc(queue, func(seq int32) bool { return s.find(seq) == nil })
}

// send hands a request to a session. Connected: it is written at once, by whoever calls.
// Else it waits for the connection, which is started if nobody did.
func (c *Client) send(s *session, e *entry, timeout time.Duration) {
	e.seq = s.nextSeq
	s.nextSeq++
	s.pending = append(s.pending, e)
	e.header.Version = 1
	e.header.TimeoutMillis = int32(min(timeout.Milliseconds(), 1<<31-1))
	e.timer = c.after(timeout, c.cfg.Delays.Timer, task{kind: taskRequestTimeout, s: s, seq: e.seq})
	switch {
	case s.state == SessionConnected:
		c.write(s, s.ch, e)
	case s.disconnecting:
		s.blocked = append(s.blocked, e.seq)
	default:
		s.pendingSend = append(s.compact(s.pendingSend), e.seq)
		c.connect(s)
	}
}

// write passes negotiation messages, and anything else once the session is marked as
// authenticated; what it does not pass is parked until a negotiation succeeds.
func (c *Client) write(s *session, ch *channel, e *entry) {
	if e.neg == nil && c.cfg.Mechanism != "" && !s.authSucceed {
		s.authPending = append(s.compact(s.authPending), e.seq)
		s.parked++
		return
	}
	if ch == nil || !ch.open {
		e.failing = true
		c.after(0, c.cfg.Delays.Failure, task{kind: taskWriteFailed, s: s, seq: e.seq})
		return
	}
	e.written = true
	start := len(c.wire)
	req := protocol.Request{Header: e.header, RPC: e.rpc, Seq: e.seq, Body: e.body}
	c.wire = protocol.AppendRequest(c.wire, &req)
	c.out = append(c.out, ClientEffect{Kind: ClientWrite, Conn: ch.id, Data: c.wire[start:len(c.wire):len(c.wire)]})
}

// writeFailed reports a write on a closed channel, as a time-out: upstream does not tell
// the two apart. The I/O thread reports nothing while it tells pending requests.
func (c *Client) writeFailed(s *session, seq int32) {
	if s.disconnecting {
		s.deferred = append(s.deferred, seq)
		return
	}
	c.fail(s, seq, protocol.CodeTimeout)
}

// answered takes the request that a response belongs to. Any answer ends the window. It is
// false where the decoder throws, at an error name in a result: by then nobody waits for the
// request any more, and whoever sent it is never told (J12).
func (c *Client) answered(ch *channel) bool {
	s := ch.session
	e := s.take(c.resp.Seq)
	if e == nil {
		return true
	}
	c.stop(e.timer)
	if e.round != nil && c.resp.Code == protocol.CodeOK && protocol.ParseQueryConfigResult(c.resp.Body, &c.qcfg) == nil && !javaKnows(c.qcfg.Err) {
		return false
	}
	s.firstTimeout = time.Time{}
	c.callback(e, c.resp.Code, c.resp.Body)
	return true
}

// javaKnows says whether the Java client has the name of an error.
func javaKnows(code protocol.ErrorCode) bool {
	switch code {
	case protocol.CodeUnknown, protocol.CodeRetryExhausted, protocol.CodeSyncRangerPoliciesFailed, protocol.CodeRangerParseACL,
		protocol.CodeRangerPoliciesNoNeedUpdate, protocol.CodeRDBCorruption, protocol.CodeDiskIOError, protocol.CodeCurlFailed,
		protocol.CodeDupExist, protocol.CodeHTTPError, protocol.CodeNotMatched:
		return false
	}
	return true
}

// Stranded is a session with a request that waits, although it is neither connected nor about
// to be: whoever sent it took it for connected while its end was being told (J1).
func (c *Client) Stranded() (addr netip.AddrPort, stranded bool) {
	for _, s := range c.sessions {
		if s.state != SessionDisconnected || s.disconnecting || len(s.pending) == 0 {
			continue
		}
		if slices.ContainsFunc(s.pending, func(e *entry) bool { return !e.written && !e.failing }) {
			return s.addr, true
		}
	}
	return netip.AddrPort{}, false
}

// Parked is the session that keeps most requests until a negotiation succeeds, and how many
// it keeps.
func (c *Client) Parked() (addr netip.AddrPort, requests int) {
	for _, s := range c.sessions {
		if s.parked > requests {
			addr, requests = s.addr, s.parked
		}
	}
	return addr, requests
}

// callback tells whoever sent a request how it ended.
func (c *Client) callback(e *entry, code protocol.ErrorCode, body []byte) {
	switch {
	case e.neg != nil:
		c.negotiationReply(e.neg, code, body)
	case e.round != nil:
		c.queryReply(e.round, code, body)
	default:
		c.callReply(e.call, code, body)
	}
}

// sessionChanged tells the driver.
func (c *Client) sessionChanged(s *session) {
	ef := ClientEffect{Kind: ClientSession, Addr: s.addr, State: s.state, Authenticated: s.authSucceed}
	if s.ch != nil {
		ef.Conn = s.ch.id
	}
	c.out = append(c.out, ef)
}
