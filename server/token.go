// Tokens: the mechanism's share of a negotiation, outside of the core's goroutine.

package server

import (
	"bytes"
	"time"

	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server/node"
)

// makeToken has the mechanism judge a token. The core asks for one at a time for each
// connection, so at most one goroutine uses a connection's session.
func (s *Server) makeToken(c *conn, e *node.Effect) {
	token, begin := bytes.Clone(e.Data), e.Begin
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		ev := node.Event{Kind: node.EventToken, Conn: c.id, Failed: true}
		answered := s.guarded("mechanism", func() { s.judge(c, token, begin, &ev) })
		s.send(input{kind: inputToken, event: ev, panicked: !answered})
	}()
}

// judge fills ev with the mechanism's answer. Why a token was refused is logged; the
// token is not.
func (s *Server) judge(c *conn, token []byte, begin bool, ev *node.Event) {
	if begin {
		session, err := s.cfg.Mechanism.Server(sasl.ServerConfig{Host: s.cfg.Host, Random: s.cfg.Random})
		if err != nil {
			s.cfg.Logger.Warn("negotiation cannot begin", "address", s.self, "peer", c.peer, "err", err)
			return
		}
		c.session = session
	}
	out, done, err := c.session.Step(time.Now(), token)
	if err != nil {
		s.cfg.Logger.Warn("token refused", "address", s.self, "peer", c.peer, "err", err)
		return
	}
	ev.Failed, ev.Done, ev.Data = false, done, out
	if done {
		ev.Principal = c.session.Principal()
	}
}
