// One connection of a session, from the dial to its end. A session that was closed while
// it connected does not cancel the attempt, so a session can meet channels that it does
// not own.

package upstream

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// channel is one connection.
type channel struct {
	id      protocol.ConnID
	session *session
	open    bool // established, and neither side has closed it
	active  bool // its I/O thread has seen that it is up
	ended   bool // closed before that
	closing bool // its close is under way on its I/O thread
	up      time.Time
	timer   protocol.TimerID // connect time-out
	neg     *negotiation
	dec     *protocol.ResponseDecoder
	// afterClose holds requests whose timer closed the channel: told when it is closed.
	afterClose []*entry
}

// connect starts a connection if the session is disconnected.
func (c *Client) connect(s *session) {
	if s.state != SessionDisconnected {
		return
	}
	if s.replaced {
		c.turnAway(s)
		return
	}
	s.state = SessionConnecting
	c.sessionChanged(s)
	c.after(0, c.cfg.Delays.Dial, task{kind: taskDial, s: s})
}

func (c *Client) dial(s *session) {
	if len(c.bySocket) >= c.cfg.MaxConnections {
		c.markDisconnected(s)
		c.connected(s)
		return
	}
	c.lastConn++
	ch := &channel{id: c.lastConn, session: s}
	c.bySocket[ch.id] = ch
	ch.timer = c.after(c.cfg.ConnectTimeout, c.cfg.Delays.Timer, task{kind: taskConnectTimeout, ch: ch})
	c.out = append(c.out, ClientEffect{Kind: ClientDial, Conn: ch.id, Addr: s.addr})
}

func (c *Client) dialed(ch *channel) {
	if ch.open {
		return
	}
	c.stop(ch.timer)
	ch.open, ch.up = true, c.now
	ch.dec = protocol.NewResponseDecoder(c.cfg.Limits)
	c.after(0, c.cfg.Delays.Active, task{kind: taskActive, ch: ch})
}

// dialFailed marks the session as disconnected whichever of its attempts failed.
func (c *Client) dialFailed(ch *channel) {
	c.stop(ch.timer)
	delete(c.bySocket, ch.id)
	c.markDisconnected(ch.session)
	c.connected(ch.session)
}

func (c *Client) connectTimeout(ch *channel) {
	c.out = append(c.out, ClientEffect{Kind: ClientClose, Conn: ch.id})
	c.dialFailed(ch)
}

// channelActive begins a negotiation, which puts its first message behind whatever made
// the session connect, and only then looks whether the session still wants the channel.
func (c *Client) channelActive(ch *channel) {
	s := ch.session
	ch.active = true
	if c.cfg.Mechanism != "" {
		c.negotiate(ch)
	}
	if s.state == SessionConnecting && !s.disconnecting {
		for _, seq := range s.pendingSend {
			if e := s.find(seq); e != nil {
				c.write(s, ch, e)
			}
		}
		s.pendingSend = s.pendingSend[:0]
		s.state, s.ch = SessionConnected, ch
		c.sessionChanged(s)
		c.connected(s)
	}
	if ch.ended {
		c.after(0, c.cfg.Delays.Inactive, task{kind: taskInactive, ch: ch})
	}
}

// closeChannel is the I/O thread's part of a close.
func (c *Client) closeChannel(ch *channel) {
	if ch.open {
		c.out = append(c.out, ClientEffect{Kind: ClientClose, Conn: ch.id})
		c.channelEnded(ch)
	}
	entries := ch.afterClose
	ch.afterClose = nil
	for _, e := range entries {
		c.callback(e, protocol.CodeSessionReset, nil)
	}
}

func (c *Client) peerClosed(ch *channel) {
	if !ch.open {
		return
	}
	c.channelEnded(ch)
	if c.cfg.Rebuild != (Interval{}) {
		c.after(0, c.cfg.Rebuild, task{kind: taskRebuild, s: ch.session})
	}
}

func (c *Client) channelEnded(ch *channel) {
	ch.open = false
	if ch.active {
		c.after(0, c.cfg.Delays.Inactive, task{kind: taskInactive, ch: ch})
		return
	}
	ch.ended = true
}

// channelInactive marks the session as disconnected, whichever of its channels ended.
func (c *Client) channelInactive(ch *channel) {
	delete(c.bySocket, ch.id)
	c.markDisconnected(ch.session)
}

// received hands out responses by sequence number, whichever channel they came by. Bytes
// that are no response, and error names that upstream's client does not know, throw in
// its decoder, and the channel is closed.
func (c *Client) received(ch *channel, data []byte) {
	if !ch.open {
		return
	}
	err := ch.dec.Write(data)
	for err == nil && ch.open {
		var ok bool
		if ok, err = ch.dec.Next(&c.resp); !ok {
			break
		}
		if !javaKnows(c.resp.Code) || !c.answered(ch) {
			c.closeChannel(ch)
			return
		}
	}
	if err != nil {
		c.closeChannel(ch)
	}
}
