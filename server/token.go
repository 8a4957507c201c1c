// Tokens: the mechanism's share of a negotiation, outside of the core's goroutine.

package server

import (
	"bytes"
	"errors"
	"time"

	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
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
		var refused error
		if !s.guarded("mechanism", func() { refused = s.judge(c, token, begin, &ev) }) {
			ev.Failed, ev.Internal = true, true
		}
		if ev.Failed || ev.Done {
			c.session = nil // no token follows, and it holds keys
		}
		s.send(input{kind: inputToken, event: ev, err: refused})
	}()
}

// judge fills ev with the mechanism's answer, and returns why there is none. That is
// logged; the token is not. What a mechanism has recovered from is a bug like any panic, and
// is told as one.
func (s *Server) judge(c *conn, token []byte, begin bool, ev *node.Event) error {
	if begin {
		session, err := s.cfg.Mechanism.Server(sasl.ServerConfig{Host: s.cfg.Host, Random: s.cfg.Random})
		if err != nil {
			s.cfg.Logger.Error("negotiation cannot begin; nobody can authenticate until that is mended", "address", s.self, "peer", c.peer, "err", err)
			return err
		}
		c.session = session
	}
	out, done, err := c.session.Step(time.Now(), token)
	var bug *gssapi.InternalError
	switch {
	case errors.As(err, &bug):
		ev.Internal = true
		s.tellBug("mechanism", bug.Value, bug.Stack)
		return err
	case err != nil:
		s.warn("token refused", "address", s.self, "peer", c.peer, "err", err)
		return err
	}
	ev.Failed, ev.Done, ev.Data = false, done, out
	if done {
		ev.Principal = c.session.Principal()
	}
	return nil
}
