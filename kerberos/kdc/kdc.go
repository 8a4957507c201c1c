// Package kdc is a small KDC over UDP and TCP, for tests and development: it answers from a
// keytab, remembers nothing, logs nothing, and has no policy. Whoever reads its keytab is
// every principal of the realm. For anything else run a real one.
package kdc

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// Limits of what a client may send.
const (
	maxRequest     = 64 << 10
	maxConnections = 256
	patience       = 5 * time.Second // for a request over TCP
	maxDatagram    = 1400            // longer answers have to be asked for over TCP
)

// Config describes a KDC.
type Config struct {
	// Address is host:port for both protocols; default 127.0.0.1:0, a free port.
	Address string
	Issuer  gssapi.Issuer
	Now     func() time.Time // default time.Now
	Random  io.Reader        // default crypto/rand
	// OnRequest is told of every request and why it was refused; it may be called by
	// several goroutines.
	OnRequest func(err error)
}

// KDC answers until it is closed.
type KDC struct {
	cfg     Config
	tcp     net.Listener
	udp     net.PacketConn
	tasks   sync.WaitGroup
	answers atomic.Uint64

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

// Listen starts a KDC.
func Listen(cfg Config) (*KDC, error) {
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.OnRequest == nil {
		cfg.OnRequest = func(error) {}
	}
	k := &KDC{cfg: cfg, conns: make(map[net.Conn]struct{})}
	var err error
	for range 10 { // a port that is free for TCP may be taken for UDP
		if k.tcp, err = net.Listen("tcp", cfg.Address); err != nil {
			return nil, fmt.Errorf("start a KDC: %w", err)
		}
		if k.udp, err = net.ListenPacket("udp", k.tcp.Addr().String()); err == nil {
			break
		}
		err = errors.Join(err, k.tcp.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("start a KDC: %w", err)
	}
	k.tasks.Go(k.serveTCP)
	k.tasks.Go(k.serveUDP)
	return k, nil
}

// Address is host:port.
func (k *KDC) Address() string { return k.tcp.Addr().String() }

// Answers is how many requests were answered, refusals included.
func (k *KDC) Answers() uint64 { return k.answers.Load() }

// Close stops answering and waits until all has ended.
func (k *KDC) Close() error {
	k.mu.Lock()
	k.closed = true
	for conn := range k.conns {
		hangUp(conn)
	}
	k.mu.Unlock()
	err := errors.Join(k.tcp.Close(), k.udp.Close())
	k.tasks.Wait()
	return err
}

func (k *KDC) answer(request []byte) []byte {
	reply, err := k.cfg.Issuer.Answer(k.cfg.Now(), request, k.cfg.Random)
	k.answers.Add(1)
	k.cfg.OnRequest(err)
	return reply
}

func (k *KDC) serveUDP() {
	buffer := make([]byte, maxRequest)
	for {
		n, from, err := k.udp.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue // of one client: a port that was unreachable
		}
		reply := k.answer(buffer[:n])
		if len(reply) > maxDatagram {
			reply, err = gssapi.MarshalKRBError(gssapi.CodeResponseTooBig, k.cfg.Now(), gssapi.GrantingService(k.cfg.Issuer.Realm))
		}
		if err == nil && len(reply) > 0 {
			_, _ = k.udp.WriteTo(reply, from) // a datagram may be lost anyway
		}
	}
}

func (k *KDC) serveTCP() {
	for {
		conn, err := k.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors, perhaps
			continue
		}
		k.mu.Lock()
		if k.closed || len(k.conns) >= maxConnections {
			k.mu.Unlock()
			hangUp(conn)
			continue
		}
		k.conns[conn] = struct{}{}
		k.mu.Unlock()
		k.tasks.Go(func() {
			k.serve(conn)
			k.mu.Lock()
			delete(k.conns, conn)
			k.mu.Unlock()
		})
	}
}

// serve answers requests of one connection, one after another.
func (k *KDC) serve(conn net.Conn) {
	defer hangUp(conn)
	for {
		if conn.SetDeadline(time.Now().Add(patience)) != nil {
			return
		}
		var head [4]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > maxRequest {
			return
		}
		request := make([]byte, n)
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		reply := k.answer(request)
		if len(reply) == 0 {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...)); err != nil {
			return
		}
	}
}

// hangUp closes a connection. That it fails changes nothing: it is gone either way.
func hangUp(conn net.Conn) { _ = conn.Close() }
