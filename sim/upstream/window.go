// How a request of a session fails, and the reset window: a session that has not
// answered for 30 s, from one time-out to a later one, is closed by the timer that
// notices.

package upstream

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// fail ends one pending request with ERR_TIMEOUT or ERR_SESSION_RESET.
//
// A time-out begins the window if none is open. A time-out that comes a whole window or
// more after its beginning ends the window, closes the session, and turns into a reset.
// Any reset that is delivered to something pending ends the window; a close at which
// nothing was pending delivers none, and the window survives it.
func (c *Client) fail(s *session, seq int32, code protocol.ErrorCode) {
	e := s.take(seq)
	if e == nil {
		return
	}
	c.stop(e.timer)
	if e.call != nil && e.written {
		e.call.lost = true
	}
	if code != protocol.CodeTimeout {
		s.firstTimeout = time.Time{}
		c.callback(e, code, nil)
		return
	}
	now := c.now.Truncate(time.Millisecond) // upstream reads a clock of milliseconds
	switch {
	case s.firstTimeout.IsZero():
		s.firstTimeout = now
	case now.Sub(s.firstTimeout) >= c.cfg.ResetWindow:
		since := s.firstTimeout
		s.firstTimeout = time.Time{}
		c.closeUnresponsive(s, e, c.now.Sub(since))
		return
	}
	c.callback(e, code, nil)
}

// closeUnresponsive closes a session under whatever else is pending. The timer's thread
// waits for the close, so the request that noticed is told after it.
func (c *Client) closeUnresponsive(s *session, e *entry, age time.Duration) {
	ef := ClientEffect{Kind: ClientUnresponsive, Addr: s.addr, Age: age}
	if s.ch != nil {
		ef.Conn = s.ch.id
	}
	c.out = append(c.out, ef)
	ch := s.ch
	c.closeSession(s)
	if ch != nil && ch.closing {
		ch.afterClose = append(ch.afterClose, e)
		return
	}
	c.callback(e, protocol.CodeSessionReset, nil)
}

// closeSession closes the connection that the session has by now, which need not be the
// one that the caller saw. A connection attempt is given up without being cancelled.
func (c *Client) closeSession(s *session) {
	switch s.state {
	case SessionConnected:
		if s.ch.open && !s.ch.closing {
			s.ch.closing = true
			c.after(0, c.cfg.Delays.Close, task{kind: taskClose, ch: s.ch})
		}
	case SessionConnecting:
		c.markDisconnected(s)
	}
}

// markDisconnected tells everything that is pending that the session was reset. Until
// that is done the session keeps the state that it had: who sends meanwhile without
// taking the lock writes to the dead channel. Queues of parked requests, and the mark of
// authentication, stay; ReleaseMaster takes the mark back afterwards.
func (c *Client) markDisconnected(s *session) {
	switch {
	case s.disconnecting:
		return
	case s.state == SessionDisconnected:
		if c.cfg.AuthPerConnection {
			c.resetAuth(s)
		}
		if c.cfg.Release == ReleaseMaster {
			c.resetAuth(s)
		}
		return
	}
	if c.cfg.AuthPerConnection {
		c.resetAuth(s)
	}
	s.disconnecting = true
	s.pendingSend = s.pendingSend[:0]
	logged := false
	for n := len(s.pending); n > 0; n-- {
		e := s.pending[0]
		logged = logged || e.neg != nil
		c.fail(s, e.seq, protocol.CodeSessionReset)
	}
	if logged {
		c.after(0, c.cfg.Delays.Log, task{kind: taskDisconnected, s: s})
		return
	}
	c.disconnected(s)
}

// disconnected is the end of it: the state changes, and who waited for the lock goes on.
func (c *Client) disconnected(s *session) {
	s.disconnecting = false
	s.state, s.ch = SessionDisconnected, nil
	c.sessionChanged(s)
	if c.cfg.Release == ReleaseMaster {
		c.after(0, c.cfg.Delays.Reset, task{kind: taskResetAuth, s: s})
	}
	deferred := s.deferred
	s.deferred = nil
	for _, seq := range deferred {
		c.fail(s, seq, protocol.CodeTimeout)
	}
	blocked := s.blocked
	s.blocked = nil
	for _, seq := range blocked {
		if s.find(seq) != nil {
			s.pendingSend = append(s.pendingSend, seq)
			c.connect(s)
		}
	}
}

// resetAuth takes the mark of authentication back, whatever the session has become since
// its connection ended: connected again, and even authenticated.
func (c *Client) resetAuth(s *session) {
	if s.authSucceed {
		s.authSucceed = false
		c.sessionChanged(s)
	}
}
