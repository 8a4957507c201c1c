// The remedy r1 of the incident, added to upstream's rules: a watcher that notices a
// restart drops the session, whatever it is doing, and builds it anew. No release has it;
// docs/spec.md, clause S13.

package upstream

import "github.com/a8011091/pegasus-reference/protocol"

// rebuild puts a new session in the place of s everywhere. The old one keeps its channels
// to their end, so that what they still do cannot touch the new one; what was pending on
// it is told that the session was reset, and openTable waits for it no longer.
func (c *Client) rebuild(s *session) {
	if s.replaced {
		return
	}
	s.replaced = true
	fresh := &session{addr: s.addr}
	replace(c.sessions, s, fresh)
	replace(c.meta.list, s, fresh)
	for _, t := range c.tables {
		for i := range t.parts {
			if t.parts[i].primary == s {
				t.parts[i].primary = fresh
			}
		}
	}
	c.sessionChanged(fresh)
	c.closeSession(s)
	c.connected(s)
}

func replace(list []*session, old, fresh *session) {
	for i := range list {
		if list[i] == old {
			list[i] = fresh
		}
	}
}

// turnAway tells what waits on a replaced session that it was reset, in place of
// connecting: a retry finds the new session.
func (c *Client) turnAway(s *session) {
	s.pendingSend = s.pendingSend[:0]
	for n := len(s.pending); n > 0; n-- {
		c.fail(s, s.pending[0].seq, protocol.CodeSessionReset)
	}
}
