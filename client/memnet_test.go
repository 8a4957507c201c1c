// A network in memory for the tests: listeners by address, buffered connections. Nothing
// in it waits for anything but the other end, so that testing/synctest sees through it.

package client

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// memNet is a network.
type memNet struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*memListener
	lastPort  uint16
	blackhole map[netip.AddrPort]bool // dials hang
	dials     int
}

func newMemNet() *memNet {
	return &memNet{listeners: make(map[netip.AddrPort]*memListener), blackhole: make(map[netip.AddrPort]bool)}
}

// dial is a Config.Dial.
func (n *memNet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.dials++
	if n.blackhole[to] {
		n.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	defer n.mu.Unlock()
	l := n.listeners[to]
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	n.lastPort++
	from := netip.AddrPortFrom(netip.MustParseAddr("10.9.9.9"), n.lastPort)
	near, far := memPair(from, to)
	l.incoming(far)
	return near, nil
}

// memListener is a listening socket: incoming is called for each connection.
type memListener struct{ incoming func(net.Conn) }

func (n *memNet) listen(at netip.AddrPort, incoming func(net.Conn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[at] = &memListener{incoming}
}

func (n *memNet) unlisten(at netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, at)
}

// memHalf is one direction of a connection.
type memHalf struct {
	mu     sync.Mutex
	change sync.Cond
	data   []byte
	limit  int   // most that is buffered; 0: no limit
	err    error // what the reader gets once data is read, the writer at once
}

func newMemHalf() *memHalf {
	h := new(memHalf)
	h.change.L = &h.mu
	return h
}

func (h *memHalf) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = err
	}
	h.change.Broadcast()
}

// memConn is one end of a connection.
type memConn struct {
	net.Conn  // its deadlines, which nobody uses
	in, out   *memHalf
	near, far netip.AddrPort
}

func memPair(from, to netip.AddrPort) (near, far *memConn) {
	there, back := newMemHalf(), newMemHalf()
	return &memConn{in: back, out: there, near: from, far: to}, &memConn{in: there, out: back, near: to, far: from}
}

func (c *memConn) Read(p []byte) (int, error) {
	h := c.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.data) == 0 && h.err == nil {
		h.change.Wait()
	}
	if len(h.data) == 0 {
		return 0, h.err
	}
	n := copy(p, h.data)
	h.data = h.data[n:]
	h.change.Broadcast()
	return n, nil
}

func (c *memConn) Write(p []byte) (int, error) {
	h := c.out
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.err == nil && h.limit > 0 && len(h.data) >= h.limit {
		h.change.Wait()
	}
	if h.err != nil {
		return 0, syscall.EPIPE
	}
	h.data = append(h.data, p...)
	h.change.Broadcast()
	return len(p), nil
}

// Close is a FIN to the other end; this end reads no more.
func (c *memConn) Close() error {
	c.out.end(io.EOF)
	c.in.end(net.ErrClosed)
	return nil
}

// reset is a RST to the other end.
func (c *memConn) reset() {
	c.out.end(syscall.ECONNRESET)
	c.in.end(net.ErrClosed)
}

func (c *memConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.near) }
func (c *memConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.far) }
