// The small network: connections with an identity, and what is on its way on them.
//
// A write travels as a whole and in order. A side that closes sends FIN; an end that is
// gone answers what still arrives with RST, unless its host is without power: then
// nothing answers until it is back, and a peer that has something unacknowledged learns
// of it then, when its TCP sends that again.

package exhaustive

import (
	"slices"

	"github.com/a8011091/pegasus-reference/protocol"
)

// end of a connection, on one side.
type end uint8

const (
	absent  end = iota // the node's, before it accepted
	dialing            // the client's, while SYN is on its way
	open
	gone
)

// kind of a packet.
type kind uint8

const (
	data kind = iota
	accept
	fin
	rst
)

// packet is one write, or what TCP says of the connection.
type packet struct {
	kind   kind
	data   []byte
	frames []frame // of data
}

// conn is one connection, from the dial until both ends are gone and nothing of it is on
// its way any more.
type conn struct {
	id        protocol.ConnID
	clientEnd end
	nodeEnd   end
	toNode    []packet
	toClient  []packet
	granted   bool    // success was delivered to the client
	admitted  bool    // the node wrote success
	silent    bool    // the node said that it will never write on it again
	unacked   bool    // the client wrote, and no host has taken it
	lost      bool    // the node's end went without a FIN
	asked     []int32 // by request: the number under which it was last written here; 0: was not
	handshake
}

// forgotten says that nothing can come of the connection any more.
func (c *conn) forgotten() bool {
	clientGone := c.clientEnd == gone
	nodeGone := c.nodeEnd == gone || c.nodeEnd == absent && len(c.toNode) == 0
	return clientGone && nodeGone
}

// push returns the queue with a packet more; the old one is untouched.
func push(queue []packet, p packet) []packet { return append(slices.Clip(queue), p) }

// dial makes a new connection; the client's driver has sent SYN.
func (w *world) dial(id protocol.ConnID) {
	w.tell("the client dials connection %d", number(id))
	if w.s.now.Sub(w.s.dialed) < backoffBase && !w.s.dialed.IsZero() {
		w.breaks(bounded, "that is sooner after the last dial than the backoff's base")
	}
	w.s.dialed = w.s.now
	w.s.conns = append(w.s.conns, conn{id: id, clientEnd: dialing, asked: make([]int32, len(w.s.requests))})
}

// connected is how many connections exist beyond their SYN.
func (s *State) connected() int {
	n := 0
	for i := range s.conns {
		if s.conns[i].clientEnd != dialing {
			n++
		}
	}
	return n
}

// clientWrites puts bytes on the wire, or learns that there is nobody at the other end.
func (w *world) clientWrites(id protocol.ConnID, bytes []byte) {
	c := w.s.conn(id)
	if c == nil || c.clientEnd != open {
		w.breaks(singleConnection, "the client writes on connection %d, which it does not have open", number(id))
		return
	}
	p := packet{kind: data, data: slices.Clone(bytes)}
	p.frames = w.requestFrames(c, p.data)
	switch {
	case c.nodeEnd != gone:
		c.toNode = push(c.toNode, p)
	case w.s.power == dark:
		c.unacked = true
	default:
		c.toClient = push(c.toClient, packet{kind: rst})
	}
}

// clientCloses ends the client's end. What was on its way to it is nobody's now.
func (w *world) clientCloses(id protocol.ConnID) {
	c := w.s.conn(id)
	if c == nil || c.clientEnd == gone {
		w.breaks(singleConnection, "the client closes connection %d, which it does not have", number(id))
		return
	}
	w.tell("the client closes connection %d", number(id))
	if c.clientEnd == open && c.nodeEnd != gone {
		c.toNode = push(c.toNode, packet{kind: fin})
	}
	w.clientEnds(c)
}

// clientEnds forgets all that the client's driver has of the connection.
func (w *world) clientEnds(c *conn) {
	c.clientEnd, c.toClient, c.unacked = gone, nil, false
	c.endClient()
	w.sweep()
}

// nodeWrites puts bytes on the wire, where there is somebody at the other end.
func (w *world) nodeWrites(id protocol.ConnID, bytes []byte) {
	c := w.s.conn(id)
	if c == nil || c.nodeEnd != open {
		w.breaks(singleConnection, "the node writes on connection %d, which it does not have open", number(id))
		return
	}
	if c.silent {
		w.breaks(malformed, "the node writes on connection %d, on which it had fallen silent", number(id))
	}
	p := packet{kind: data, data: slices.Clone(bytes)}
	p.frames = w.responseFrames(c, p.data)
	if c.clientEnd == open {
		c.toClient = push(c.toClient, p)
	}
}

// nodeEnds ends the node's end; say tells the client, unless the power is gone.
func (w *world) nodeEnds(c *conn, say bool) {
	unread := slices.ContainsFunc(c.toNode, func(p packet) bool { return p.kind == data })
	switch {
	case c.clientEnd != open:
	case !say:
		c.lost, c.unacked = true, unread
	case unread:
		c.toClient = push(c.toClient, packet{kind: rst})
	default:
		c.toClient = push(c.toClient, packet{kind: fin})
	}
	c.nodeEnd, c.toNode = gone, nil
	c.endNode()
}

// powerIsBack lets TCP send again what was never taken, and learn that nobody knows it.
func (w *world) powerIsBack() {
	for i := range w.s.conns {
		if c := &w.s.conns[i]; c.unacked && c.clientEnd == open {
			c.unacked = false
			c.toClient = push(c.toClient, packet{kind: rst})
		}
	}
}

// sweep drops the connections of which nothing can come any more.
func (w *world) sweep() {
	w.s.conns = slices.DeleteFunc(w.s.conns, func(c conn) bool { return c.forgotten() })
}

// number of a connection as traces show it.
func number(id protocol.ConnID) uint32 { return uint32(id) }
