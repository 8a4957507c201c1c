// One connection's two goroutines: a reader that waits for the core, a writer with a
// bounded queue. And the goroutine that accepts.

package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
)

// The read buffer of a connection grows from the first to the second.
const (
	minReadBuffer = 4 << 10
	maxReadBuffer = 64 << 10
)

// maxSpareBuffer is the largest write buffer that a connection keeps.
const maxSpareBuffer = 64 << 10

// acceptPause is how long accepting rests after an error that may pass, such as too many
// open files.
const acceptPause = 100 * time.Millisecond

// conn is one connection.
type conn struct {
	id      protocol.ConnID
	peer    netip.AddrPort
	net     net.Conn
	ack     chan struct{}      // the core has taken what was read
	wake    chan struct{}      // there is something to write, or the end
	session sasl.ServerSession // its negotiation; used by one token's goroutine at a time

	queued  *atomic.Int64 // bytes that all of the server's connections hold
	mu      sync.Mutex
	pending []byte // to be written
	held    int    // bytes of pending, and of what is being written
	writing bool   // something else is being written
	full    bool   // something was refused: nothing may follow it
	closing bool   // after all that, the end
}

func newConn(id protocol.ConnID, nc net.Conn, queued *atomic.Int64) *conn {
	return &conn{id: id, peer: addrPort(nc.RemoteAddr()), net: nc, queued: queued, ack: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
}

// enqueue queues a copy of data; false where the peer has let too much wait, what is being
// written to it included, and ever after.
func (c *conn) enqueue(data []byte, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full = c.full || c.held+len(data) > limit; c.full {
		return false
	}
	c.pending = append(c.pending, data...)
	c.hold(len(data))
	c.signal()
	return true
}

// hold counts bytes that are held from now on, or below 0 no more.
func (c *conn) hold(bytes int) {
	c.held += bytes
	c.queued.Add(int64(bytes))
}

// wrote gives back what was written, or could not be.
func (c *conn) wrote(bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hold(-min(bytes, c.held))
}

// holds is how many bytes wait for the peer.
func (c *conn) holds() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// close ends the connection: at once, or once what is pending was written and at the
// latest after patience.
func (c *conn) close(patience time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.closing = true
	if patience == 0 || len(c.pending) == 0 && !c.writing {
		c.pending = nil
		c.hold(-c.held)
		hangUp(c.net)
	} else if err := c.net.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		hangUp(c.net)
	}
	c.signal()
}

// hangUp closes a connection. What closing has to complain about changes nothing: the
// connection is over, and whoever used it learns that from its own call.
func hangUp(nc net.Conn) {
	_ = nc.Close()
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take returns what is to be written, in exchange for the buffer that was, and whether
// nothing follows. Where there is nothing to write, spare stays the caller's.
func (c *conn) take(spare []byte) (batch []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing = len(c.pending) > 0; c.writing {
		batch, c.pending = c.pending, spare[:0]
	}
	return batch, c.closing
}

// read hands what arrives to the core, and reads on when the core has taken it.
func (s *Server) read(c *conn) {
	defer s.running.Done()
	buf := make([]byte, minReadBuffer)
	for {
		n, err := c.net.Read(buf)
		if n > 0 {
			if !s.send(input{kind: inputReceived, conn: c, data: buf[:n]}) {
				return
			}
			select {
			case <-c.ack:
			case <-s.done:
				return
			}
			if n == len(buf) && n < maxReadBuffer {
				buf = make([]byte, 2*n)
			}
		}
		if err != nil {
			s.send(input{kind: inputClosed, conn: c})
			return
		}
	}
}

// write writes what is queued until the connection ends, and closes it. A failed write
// closes it too: the reader notices, and tells the core.
func (s *Server) write(c *conn) {
	defer s.running.Done()
	var spare []byte
	for {
		batch, last := c.take(spare)
		if len(batch) > 0 {
			if err := c.writeBatch(batch, s.cfg.WriteTimeout); err != nil {
				hangUp(c.net)
			}
			c.wrote(len(batch))
			if spare = batch; cap(spare) > maxSpareBuffer {
				spare = nil
			}
		} else if !last {
			<-c.wake
		}
		if last {
			hangUp(c.net)
			return
		}
	}
}

// writeBatch writes within timeout, or within what close has left.
func (c *conn) writeBatch(batch []byte, timeout time.Duration) error {
	if err := c.startWrite(timeout); err != nil {
		return err
	}
	_, err := c.net.Write(batch)
	return err
}

func (c *conn) startWrite(timeout time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	return c.net.SetWriteDeadline(time.Now().Add(timeout))
}

// accept introduces connections until the listener is closed.
func (s *Server) accept() {
	defer s.running.Done()
	for {
		nc, err := s.listener.Accept()
		if err == nil {
			if !s.send(input{kind: inputAccepted, net: nc}) {
				hangUp(nc)
				return
			}
			continue
		}
		select {
		case <-s.stop:
			return
		default:
		}
		if errors.Is(err, net.ErrClosed) {
			s.fail(fmt.Errorf("server %v: listener was closed by somebody else: %w", s.self, err))
			return
		}
		s.cfg.Logger.Warn("accept", "address", s.self, "err", err)
		s.send(input{kind: inputCall, call: func() { s.counts.AcceptErrors++ }})
		select {
		case <-time.After(acceptPause):
		case <-s.stop:
			return
		}
	}
}
