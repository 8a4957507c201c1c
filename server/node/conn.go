// One accepted connection: its state, and the memory that it uses.

package node

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// conn is one accepted connection. Authentication is its, and ends with it.
type conn struct {
	id        protocol.ConnID
	peer      netip.AddrPort
	state     ConnState
	principal string // once the mechanism has proved it: name/host@REALM
	may       permissions
	failure   Failure // why it ends, where that is its negotiation's

	step         step // of the negotiation
	rounds       int  // tokens taken
	tokenPending bool // a token is being made; nothing is decoded meanwhile
	tokenSeq     int32

	timer    protocol.TimerID // of the negotiation's deadline; 0: none runs
	deadline time.Time

	decoder   *protocol.RequestDecoder // nil where nothing is undecoded
	held      []heldRequest
	heldBytes []byte
	counted   int // bytes that the node's total has for this connection
}

// heldRequest is an early request that waits for success. Its body is in heldBytes.
type heldRequest struct {
	request    protocol.Request
	start, end int
}

// newConn makes or reuses a connection, and knows it from now on.
func (c *Core) newConn(id protocol.ConnID, peer netip.AddrPort) *conn {
	var cn *conn
	if n := len(c.spareConns); n > 0 {
		cn, c.spareConns = c.spareConns[n-1], c.spareConns[:n-1]
	} else {
		cn = new(conn)
	}
	cn.id, cn.peer, cn.state, cn.may = id, peer, ConnOpen, c.anonymous
	c.conns[id] = cn
	return cn
}

// release takes a connection's memory back. cn stays readable as gone until it is reused.
func (c *Core) release(cn *conn) {
	c.buffered -= cn.counted
	c.dropDecoder(cn)
	held, heldBytes := cn.held[:0], cn.heldBytes[:0]
	clear(cn.held)
	if cap(heldBytes) > retainBytes {
		heldBytes = nil
	}
	*cn = conn{id: cn.id, state: ConnGone, held: held, heldBytes: heldBytes}
	if len(c.spareConns) < maxSpare {
		c.spareConns = append(c.spareConns, cn)
	}
}

func (c *Core) takeDecoder() *protocol.RequestDecoder {
	n := len(c.spareDecoders)
	if n == 0 {
		return protocol.NewRequestDecoder(c.limits.Frame)
	}
	d := c.spareDecoders[n-1]
	c.spareDecoders = c.spareDecoders[:n-1]
	return d
}

// dropDecoder takes the decoder from a connection: one that has nothing undecoded needs none.
func (c *Core) dropDecoder(cn *conn) {
	if cn.decoder != nil && len(c.spareDecoders) < maxSpare {
		cn.decoder.Reset()
		c.spareDecoders = append(c.spareDecoders, cn.decoder)
	}
	cn.decoder = nil
}

// settle brings the node's total of buffered bytes up to date.
func (c *Core) settle(cn *conn) {
	if cn.state == ConnGone {
		return
	}
	if cn.decoder != nil && cn.decoder.Buffered() == 0 && !cn.tokenPending {
		c.dropDecoder(cn)
	}
	n := len(cn.heldBytes)
	if cn.decoder != nil {
		n += cn.decoder.Buffered()
	}
	c.buffered += n - cn.counted
	cn.counted = n
}

// makeRoom closes connections that hold more than cn would with so many bytes more, those that
// have not authenticated first, until the bytes fit into the node's limit; false where it is
// cn that holds the most. Otherwise a few that send half a frame would keep everybody out.
func (c *Core) makeRoom(cn *conn, bytes int) bool {
	for c.buffered+bytes > c.limits.MaxBufferedBytes {
		worst, most := cn, cn.counted+bytes
		for _, id := range slices.Sorted(maps.Keys(c.conns)) {
			if other := c.conns[id]; other != cn && other.counted > 0 && other.givesWay(worst, most) {
				worst, most = other, other.counted
			}
		}
		if worst == cn {
			return false
		}
		c.closeConn(worst, CauseLimit)
	}
	return true
}

// givesWay says that cn rather than other, which has so many bytes, is to be closed.
func (cn *conn) givesWay(other *conn, bytes int) bool {
	if known := cn.state == ConnAuthenticated; known != (other.state == ConnAuthenticated) {
		return !known
	}
	return cn.counted > bytes
}

// hold keeps a copy of an early request; false where a limit is reached.
func (c *Core) hold(cn *conn, r *protocol.Request) bool {
	if len(cn.held) >= c.limits.MaxHeldRequests || len(cn.heldBytes)+len(r.Body) > c.limits.MaxHeldBytes {
		return false
	}
	start := len(cn.heldBytes)
	cn.heldBytes = append(cn.heldBytes, r.Body...)
	h := heldRequest{request: *r, start: start, end: len(cn.heldBytes)}
	h.request.Body = nil
	cn.held = append(cn.held, h)
	return true
}

// serveHeld executes what was held, in the order in which it came.
func (c *Core) serveHeld(now time.Time, cn *conn) {
	for i := range cn.held {
		if cn.state == ConnGone {
			return
		}
		h := cn.held[i]
		h.request.Body = cn.heldBytes[h.start:h.end]
		c.execute(now, cn, &h.request)
	}
	if cn.state != ConnGone {
		clear(cn.held)
		cn.held, cn.heldBytes = cn.held[:0], nil
	}
}

// clone returns an independent copy.
func (cn *conn) clone() *conn {
	d := *cn
	d.held, d.heldBytes = slices.Clone(cn.held), slices.Clone(cn.heldBytes)
	if cn.decoder != nil {
		d.decoder = cn.decoder.Clone()
	}
	return &d
}

// causeOf tells a limit from bytes that mean nothing.
func causeOf(err error) Cause {
	if errors.Is(err, protocol.FrameTooLarge) || errors.Is(err, protocol.FrameNameTooLong) || errors.Is(err, protocol.FrameOverflow) {
		return CauseLimit
	}
	return CauseProtocol
}
