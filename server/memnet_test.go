// Connections in memory, with a bounded buffer in each direction: what the driver runs on
// under testing/synctest, where only channels and condition variables may wait.

package server

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const memBuffer = 64 << 10 // what one direction takes unread

// memNet is a network of listeners.
type memNet struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*memListener
	port      uint16
}

func newMemNet() *memNet { return &memNet{listeners: map[netip.AddrPort]*memListener{}, port: 50000} }

// Listen has the signature of ClusterConfig.Listen.
func (n *memNet) Listen(_ context.Context, _, address string) (net.Listener, error) {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr.Port() == 0 {
		n.port++
		addr = netip.AddrPortFrom(addr.Addr(), n.port)
	}
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Err: os.ErrExist}
	}
	l := &memListener{net: n, addr: addr, backlog: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// dial returns the end of a client on the server's host.
func (n *memNet) dial(t testing.TB, addr netip.AddrPort) net.Conn {
	return n.dialFrom(t, addr.Addr(), addr)
}

// dialFrom returns the end of a client on a host.
func (n *memNet) dialFrom(t testing.TB, host netip.Addr, addr netip.AddrPort) net.Conn {
	n.mu.Lock()
	l := n.listeners[addr]
	n.port++
	local := netip.AddrPortFrom(host, n.port)
	n.mu.Unlock()
	require.NotNil(t, l, "nobody listens on %v", addr)
	up, down := newMemPipe(), newMemPipe()
	l.backlog <- &memConn{in: up, out: down, local: addr, remote: local}
	return &memConn{in: down, out: up, local: local, remote: addr}
}

type memListener struct {
	net     *memNet
	addr    netip.AddrPort
	backlog chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.net.mu.Lock()
		delete(l.net.listeners, l.addr)
		l.net.mu.Unlock()
	})
	return nil
}

func (l *memListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// memPipe is one direction.
type memPipe struct {
	mu       sync.Mutex
	changed  *sync.Cond
	data     []byte
	eof      bool // writer closed
	broken   bool // reader closed
	deadline time.Time
	timer    *time.Timer
}

func newMemPipe() *memPipe {
	p := &memPipe{}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *memPipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.broken:
			return 0, net.ErrClosed
		case len(p.data) > 0:
			n := copy(b, p.data)
			p.data = p.data[n:]
			p.changed.Broadcast()
			return n, nil
		case p.eof:
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

func (p *memPipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.eof:
			return n, net.ErrClosed
		case p.broken:
			return n, io.ErrClosedPipe
		case len(b) == 0:
			return n, nil
		case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
			return n, os.ErrDeadlineExceeded
		}
		if room := min(memBuffer-len(p.data), len(b)); room > 0 {
			p.data = append(p.data, b[:room]...)
			b, n = b[room:], n+room
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

func (p *memPipe) setDeadline(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = at
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(time.Until(at), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})
	p.changed.Broadcast()
}

func (p *memPipe) close(field *bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*field = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.changed.Broadcast()
}

// memConn is one end.
type memConn struct {
	in, out       *memPipe
	local, remote netip.AddrPort
}

func (c *memConn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *memConn) Write(b []byte) (int, error) { return c.out.write(b) }

func (c *memConn) Close() error {
	c.out.close(&c.out.eof)
	c.in.close(&c.in.broken)
	return nil
}

func (c *memConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *memConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline and SetReadDeadline are not needed by anyone here.
func (c *memConn) SetDeadline(time.Time) error     { return os.ErrNoDeadline }
func (c *memConn) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

func (c *memConn) SetWriteDeadline(at time.Time) error {
	c.out.setDeadline(at)
	return nil
}
