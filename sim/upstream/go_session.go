// One session of upstream's Go client: an address, its connections one after another, and
// the requests that were written. Upstream: go-client session/session.go, rpc/rpc_conn.go.

package upstream

import (
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// goSession lives as long as the client. One goroutine dials, and only when a caller finds
// the session not ready; another reads.
type goSession struct {
	addr  netip.AddrPort
	state SessionState
	conn  protocol.ConnID // under way or established; 0: none
	up    time.Time

	dialling bool // the goroutine that dials sleeps or dials
	redial   bool // and has been asked once more
	lastDial time.Time
	timer    protocol.TimerID // of the dial's time-out

	reading   bool // false in a session that is connected: a zombie (G1)
	gone      bool // a zombie's peer has closed, which nobody has read
	lost      bool // and a write has gone into the void since
	readSince time.Time
	lastWrite time.Time

	lastSeq int32
	waiting []*goRequest         // callers that wait for the session to be ready
	pending map[int32]*goRequest // written and not answered; the end of a connection or of a wait takes none away (G3, G4)
	dec     *protocol.ResponseDecoder
}

// goRequest is one request of a session. Exactly one of call and query is set: who waits
// for it.
type goRequest struct {
	s        *goSession
	rpc      protocol.RPC
	header   protocol.Header
	body     []byte
	deadline time.Time
	seq      int32
	written  bool
	over     bool // nobody waits for it any more
	call     *goCall
	query    *goQuery
	meta     int  // index in the query's metas
	first    bool // the query's request to the leader
	forward  bool // the query was redirected here
}

func newGoSession(addr netip.AddrPort) *goSession {
	return &goSession{addr: addr, pending: make(map[int32]*goRequest)}
}

// send hands a request to a session: it is written at once, or when its caller notices that
// the session is ready.
func (c *GoClient) send(r *goRequest) {
	s := r.s
	if s.state == SessionConnected {
		c.write(r)
		return
	}
	s.waiting = append(s.waiting, r)
	c.tryDial(s)
}

// write writes a request. What upstream puts into the header for its time-out is the
// nanoseconds that are left, cut to 32 bits, in milliseconds (G5).
func (c *GoClient) write(r *goRequest) {
	s := r.s
	s.lastSeq++
	r.seq = s.lastSeq
	s.pending[r.seq] = r
	s.lastWrite = c.now
	if s.gone && s.lost {
		c.writeFailed(r)
		return
	}
	r.written = true
	if s.gone { // TCP takes it, and the peer's reset is still to come
		s.lost = true
		return
	}
	r.header.ThreadHash = protocol.ThreadHash(r.header.AppID, r.header.Partition)
	r.header.TimeoutMillis = int32(uint32(r.deadline.Sub(c.now)) / uint32(time.Millisecond))
	start := len(c.wire)
	req := protocol.Request{Header: r.header, RPC: r.rpc, Seq: r.seq, Body: r.body}
	c.wire = protocol.AppendRequest(c.wire, &req)
	c.out = append(c.out, ClientEffect{Kind: ClientWrite, Conn: s.conn, Data: c.wire[start:len(c.wire):len(c.wire)]})
}

// writeFailed is how a zombie is found out: its peer has reset the connection.
func (c *GoClient) writeFailed(r *goRequest) {
	delete(r.s.pending, r.seq)
	c.disconnect(r.s)
	c.ended(r, protocol.CodeNetworkFailure, nil)
}

// abandon: whoever waited for a request waits no longer. The session keeps what was
// written (G4).
func (c *GoClient) abandon(r *goRequest) {
	r.over = true
	switch {
	case r.seq == 0:
		r.s.waiting = slices.DeleteFunc(r.s.waiting, func(w *goRequest) bool { return w == r })
	case len(r.s.pending) > c.cfg.MaxAbandoned:
		delete(r.s.pending, r.seq)
	}
}

// ended tells whoever waits for a request how it ended.
func (c *GoClient) ended(r *goRequest, code protocol.ErrorCode, body []byte) {
	if r.over {
		return
	}
	r.over = true
	if r.query != nil {
		c.queryReply(r, code)
		return
	}
	c.callReply(r.call, code, body)
}

// tryDial asks the goroutine that dials, which remembers one more asking while it is busy.
func (c *GoClient) tryDial(s *goSession) {
	if s.dialling {
		s.redial = true
		return
	}
	s.dialling = true
	if !s.lastDial.IsZero() && c.now.Sub(s.lastDial) < c.cfg.DialInterval {
		c.after(c.cfg.DialInterval, c.cfg.Delays.Timer, goTask{kind: goTaskDial, s: s}) // G2: the whole of it, again
		return
	}
	c.after(0, c.cfg.Delays.Dial, goTask{kind: goTaskDial, s: s})
}

func (c *GoClient) dial(s *goSession) {
	if len(c.bySocket) >= c.cfg.MaxConnections {
		c.dialFailed(s)
		return
	}
	c.lastConn++
	s.conn = c.lastConn
	c.bySocket[s.conn] = s
	s.timer = c.after(c.cfg.DialTimeout, c.cfg.Delays.Timer, goTask{kind: goTaskDialTimeout, s: s})
	c.out = append(c.out, ClientEffect{Kind: ClientDial, Conn: s.conn, Addr: s.addr})
	c.enter(s, SessionConnecting)
}

func (c *GoClient) dialed(s *goSession) {
	if s.state != SessionConnecting {
		return
	}
	c.stop(s.timer)
	s.lastDial, s.dialling, s.redial = c.now, false, false
	s.reading, s.gone, s.lost = true, false, false
	s.up, s.readSince = c.now, c.now
	s.dec = protocol.NewResponseDecoder(c.cfg.Limits)
	c.after(c.cfg.ReadTimeout, c.cfg.Delays.Timer, goTask{kind: goTaskRead, s: s, conn: s.conn})
	c.enter(s, SessionConnected)
	for _, r := range s.waiting {
		c.after(0, c.cfg.Delays.Poll, goTask{kind: goTaskPoll, r: r})
	}
	s.waiting = s.waiting[:0]
}

// polled: a caller that waited sees that the session is ready, or no longer.
func (c *GoClient) polled(r *goRequest) {
	switch {
	case r.over:
	case r.s.state == SessionConnected:
		c.write(r)
	default:
		r.s.waiting = append(r.s.waiting, r)
	}
}

// dialFailed leaves those who wait waiting: a session that nobody asks again does not dial.
func (c *GoClient) dialFailed(s *goSession) {
	if s.state == SessionConnected {
		return
	}
	c.stop(s.timer)
	s.lastDial, s.dialling = c.now, false
	c.disconnect(s)
	if s.redial {
		s.redial = false
		c.tryDial(s)
	}
}

// disconnect forgets the connection. What was written on it is left as it is (G3).
func (c *GoClient) disconnect(s *goSession) {
	delete(c.bySocket, s.conn)
	s.conn, s.reading, s.gone = 0, false, false
	c.enter(s, SessionDisconnected)
}

func (c *GoClient) enter(s *goSession, state SessionState) {
	s.state = state
	c.out = append(c.out, ClientEffect{Kind: ClientSession, Conn: s.conn, Addr: s.addr, State: state})
}

// peerClosed ends a connection, unless nobody reads it: then nobody knows.
func (c *GoClient) peerClosed(s *goSession) {
	switch {
	case s.state != SessionConnected:
	case s.reading:
		c.disconnect(s)
	default:
		s.gone = true
	}
}

// readTimeout: the reader has waited for its time. It forgets the part of an answer that it
// has (G6), and goes on. If the session was written to lately, the tables are refreshed.
func (c *GoClient) readTimeout(s *goSession, conn protocol.ConnID) {
	if s.conn != conn || !s.reading {
		return
	}
	if left := s.readSince.Add(c.cfg.ReadTimeout).Sub(c.now); left > 0 {
		c.after(left, c.cfg.Delays.Timer, goTask{kind: goTaskRead, s: s, conn: conn})
		return
	}
	s.readSince = c.now
	s.dec.Reset()
	c.after(c.cfg.ReadTimeout, c.cfg.Delays.Timer, goTask{kind: goTaskRead, s: s, conn: conn})
	if c.now.Sub(s.lastWrite) < max(c.cfg.ReadTimeout/2, 10*time.Second) {
		c.out = append(c.out, ClientEffect{Kind: ClientUnresponsive, Conn: s.conn, Addr: s.addr})
		for _, t := range c.tables {
			c.refresh(t)
		}
	}
}
