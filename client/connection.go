// One connection: a goroutine that dials and then reads, one that writes, and the
// mechanism's end of its negotiation.

package client

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
)

const (
	readBytes   = 32 << 10 // of one read
	readBuffers = 2        // one is read into while the core looks at the other
	keepBytes   = 1 << 20  // largest write buffer that is kept
)

// connection is one connection or attempt to get one. Its driver closes it.
type connection struct {
	id     protocol.ConnID
	addr   netip.AddrPort
	driver *driver
	ctx    context.Context // until close
	cancel context.CancelFunc
	done   chan struct{} // closed by close
	free   chan []byte   // buffers to read into
	sasl   sasl.Session  // used by one token at a time
	up     time.Time     // when the handshake was done
	dirty  bool          // in driver.dirty
	// presented: a token went out, and it is not known yet what the server says; the
	// driver's own.
	presented bool

	mu     sync.Mutex
	work   sync.Cond // there is something to write, or the connection has ended
	raw    net.Conn  // nil until it is up
	unsent []byte
	taken  int // bytes that the writer is writing
	closed bool
	broken error // why writing failed
}

// dial begins to connect.
func (d *driver) dial(id protocol.ConnID, addr netip.AddrPort) *connection {
	ctx, cancel := context.WithCancel(context.Background())
	c := &connection{id: id, addr: addr, driver: d, ctx: ctx, cancel: cancel, done: make(chan struct{}), free: make(chan []byte, readBuffers)}
	c.work.L = &c.mu
	d.tasks.Go(func() {
		defer cancel()
		if !d.guarded("connection", c.run, slog.String("server", addr.String())) {
			kind := routing.EventClosed
			if c.up.IsZero() {
				kind = routing.EventDialFailed
			}
			d.inbox.put(item{event: routing.Event{Kind: kind, Conn: id, Reason: session.ReasonInternal}})
		}
	})
	return c
}

// run dials, then reads until the connection ends.
func (c *connection) run() {
	raw, err := c.driver.cfg.Dial(c.ctx, "tcp", c.addr.String())
	if err == nil && connectedToItself(raw) {
		hangUp(raw)
		err = syscall.ECONNREFUSED
	}
	if err != nil {
		c.driver.inbox.put(item{event: routing.Event{Kind: routing.EventDialFailed, Conn: c.id, Reason: reason(err)}})
		return
	}
	defer hangUp(raw)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.raw, c.up = raw, time.Now()
	c.mu.Unlock()
	c.driver.tasks.Go(func() {
		if !c.driver.guarded("connection", func() { c.writeLoop(raw) }, slog.String("server", c.addr.String())) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.breakOff(ErrInternal)
		}
	})
	c.driver.inbox.put(item{event: routing.Event{Kind: routing.EventDialed, Conn: c.id}})
	err = c.readLoop(raw)
	c.driver.inbox.put(item{event: routing.Event{Kind: routing.EventClosed, Conn: c.id, Reason: lossReason(err)}})
}

// connectedToItself: where a server's port is among those that clients are given, Linux
// may connect a dialling socket to itself while nobody listens.
func connectedToItself(raw net.Conn) bool {
	local, remote := raw.LocalAddr(), raw.RemoteAddr()
	return local != nil && remote != nil && local.Network() == "tcp" && local.String() == remote.String()
}

// readLoop passes on what arrives. No more than readBuffers are ahead of the core.
func (c *connection) readLoop(raw net.Conn) error {
	for range readBuffers {
		c.free <- make([]byte, readBytes)
	}
	for {
		var buffer []byte
		select {
		case buffer = <-c.free:
		case <-c.done:
			return net.ErrClosed
		}
		n, err := raw.Read(buffer)
		if n > 0 {
			ev := routing.Event{Kind: routing.EventReceived, Conn: c.id, Data: buffer[:n]}
			if !c.driver.inbox.put(item{event: ev, conn: c}) {
				return net.ErrClosed
			}
		} else if err == nil {
			c.release(buffer)
		}
		if err != nil {
			return c.whyEnded(err)
		}
	}
}

// whyEnded is why writing failed, where that ended the connection, or why reading did.
func (c *connection) whyEnded(reading error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	return reading
}

// release gives a buffer back to be read into.
func (c *connection) release(data []byte) { c.free <- data[:cap(data)] }

// write queues data for the writer, which is woken by flush. Beyond MaxUnsentBytes the
// connection is given up: what calls still wait for does not count, since that is no sign of a
// server that does not read, and has a limit of its own.
func (c *connection) write(data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.broken != nil {
		return
	}
	if waited := c.driver.bodies.Load(); int64(c.taken+len(c.unsent)+len(data))-waited > int64(c.driver.cfg.MaxUnsentBytes) {
		c.breakOff(errUnsent)
		return
	}
	c.unsent = append(c.unsent, data...)
}

var errUnsent = errors.New("the server does not read: too much is waiting to be sent")

// flush wakes the writer.
func (c *connection) flush() { c.work.Signal() }

// writeLoop writes what is queued until the connection ends.
func (c *connection) writeLoop(raw net.Conn) {
	var batch []byte
	for {
		c.mu.Lock()
		c.taken = 0
		for !c.closed && c.broken == nil && len(c.unsent) == 0 {
			c.work.Wait()
		}
		if c.closed || c.broken != nil {
			c.mu.Unlock()
			return
		}
		batch, c.unsent = c.unsent, batch[:0]
		c.taken = len(batch)
		c.mu.Unlock()
		if _, err := raw.Write(batch); err != nil {
			c.mu.Lock()
			c.breakOff(err)
			c.mu.Unlock()
			return
		}
		if cap(batch) > keepBytes {
			batch = nil
		}
	}
}

// breakOff ends a connection from below: the reader notices and reports.
func (c *connection) breakOff(err error) {
	if c.broken == nil && !c.closed {
		c.broken = err
		hangUp(c.raw)
		c.work.Signal()
	}
}

// close ends the connection, or the attempt. Nothing more is reported of it that the
// core would not recognise as late.
func (c *connection) close() {
	c.cancel()
	close(c.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.raw != nil {
		hangUp(c.raw)
	}
	c.work.Signal()
}

// hangUp closes a socket. That it fails changes nothing: it is gone either way.
func hangUp(raw net.Conn) { _ = raw.Close() }

// token makes the mechanism's next token. The core asks for one at a time.
func (c *connection) token(begin bool, challenge []byte) (token []byte, done bool, err error) {
	if begin {
		cfg := sasl.ClientConfig{Host: c.driver.serverName(c.addr), Random: c.driver.cfg.Random}
		if err := c.awaitCredential(cfg.Host); err != nil {
			return nil, false, err
		}
		if c.sasl, err = c.driver.cfg.Mechanism.Client(cfg); err != nil {
			return nil, false, err
		}
	}
	return c.sasl.Step(time.Now(), challenge)
}

// lossReason is reason for a connection that was up: what timed out is then no handshake, but
// keep-alive probes, or what was sent and never acknowledged.
func lossReason(err error) session.Reason {
	if why := reason(err); why != session.ReasonDialTimeout {
		return why
	}
	return session.ReasonSilence
}

// reason puts an error of the network into the core's words.
func reason(err error) session.Reason {
	var timeout net.Error
	switch {
	case errors.Is(err, ErrInternal):
		return session.ReasonInternal
	case errors.Is(err, syscall.ECONNREFUSED):
		return session.ReasonRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return session.ReasonReset
	case errors.Is(err, io.EOF):
		return session.ReasonFIN
	case errors.As(err, &timeout) && timeout.Timeout():
		return session.ReasonDialTimeout
	}
	return session.ReasonIO
}
