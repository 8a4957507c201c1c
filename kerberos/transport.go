// Messages to a KDC and back: datagrams with TCP where they do not do, or TCP at once.
// RFC 4120 section 7.2.

package kerberos

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

const (
	// maxReply is the longest answer that is taken. Real ones have a few kilobytes; tickets
	// with a large PAC stay below 64.
	maxReply = 256 << 10
	// kdcPatience is how long one KDC may take for one message before the next is asked.
	kdcPatience = 3 * time.Second
	// A datagram's answer is waited for so long, then it is sent again and waited for twice
	// as long. The other half of kdcPatience is TCP's.
	datagrams = 2
	firstWait = 500 * time.Millisecond
)

// Errors of the exchange, for errors.Is.
var (
	// ErrUnreachable says that no KDC of the realm answered.
	ErrUnreachable = errors.New("no KDC answered")
	// ErrReply says that what a KDC sent cannot be its answer.
	ErrReply = errors.New("the KDC's answer cannot be read")
)

// dialer opens connections to KDCs; net.Dialer has it.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// peer is one KDC.
type peer struct {
	address string
	// deaf: it answered over TCP when it had not over UDP, as behind a firewall that drops
	// datagrams. It is asked over TCP at once, until that fails.
	deaf atomic.Bool
}

// exchange sends one message to the KDC and returns its answer.
func (p *peer) exchange(ctx context.Context, dial dialer, request []byte, udpLimit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kdcPatience)
	defer cancel()
	var lost error
	if len(request) <= udpLimit && udpLimit > 1 && !p.deaf.Load() {
		var reply []byte
		if reply, lost = overUDP(ctx, dial, p.address, request); lost == nil && !tooBig(reply) {
			return reply, nil
		}
	}
	reply, err := overTCP(ctx, dial, p.address, request)
	switch {
	case err == nil && lost != nil:
		p.deaf.Store(true)
	case err != nil && lost != nil:
		return nil, fmt.Errorf("KDC %s over UDP: %w; over TCP: %w", p.address, lost, err)
	case err != nil:
		p.deaf.Store(false)
		return nil, fmt.Errorf("KDC %s over TCP: %w", p.address, err)
	}
	return reply, nil
}

// tooBig says whether the answer is that it does not fit into a datagram. A KRB-ERROR that
// says so is short and names its code in the clear.
func tooBig(reply []byte) bool {
	e, err := gssapi.ParseKRBError(reply, time.Time{})
	return err == nil && e.Code == gssapi.CodeResponseTooBig
}

// overUDP sends the request, and again if need be.
func overUDP(ctx context.Context, dial dialer, kdc string, request []byte) ([]byte, error) {
	conn, err := dial(ctx, "udp", kdc)
	if err != nil {
		return nil, err
	}
	defer hangUp(conn)
	defer context.AfterFunc(ctx, func() { hangUp(conn) })()
	buffer := make([]byte, 64<<10) // no datagram is longer
	for n, wait := 1, firstWait; ; n, wait = n+1, 2*wait {
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return nil, err
		}
		size, err := conn.Read(buffer)
		switch {
		case err == nil:
			return bytes.Clone(buffer[:size]), nil
		case n == datagrams || !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		}
	}
}

func overTCP(ctx context.Context, dial dialer, kdc string, request []byte) ([]byte, error) {
	conn, err := dial(ctx, "tcp", kdc)
	if err != nil {
		return nil, err
	}
	defer hangUp(conn)
	defer context.AfterFunc(ctx, func() { hangUp(conn) })()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, len(request)+4), uint32(len(request)))
	if _, err := conn.Write(append(framed, request...)); err != nil {
		return nil, err
	}
	return readFrame(conn)
}

// readFrame reads a length and that many bytes. Memory grows with what arrives and not with
// what is claimed.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("length of the answer: %w", err)
	}
	length := binary.BigEndian.Uint32(head[:])
	if length == 0 || length > maxReply {
		return nil, fmt.Errorf("%w: it claims %d bytes; at most %d are taken", ErrReply, length, maxReply)
	}
	var reply bytes.Buffer
	n, err := io.Copy(&reply, io.LimitReader(r, int64(length)))
	switch {
	case err != nil:
		return nil, fmt.Errorf("answer of %d bytes: %w", length, err)
	case n < int64(length):
		return nil, fmt.Errorf("answer of %d bytes ends after %d: %w", length, n, io.ErrUnexpectedEOF)
	}
	return reply.Bytes(), nil
}

// hangUp closes a connection. That it fails changes nothing: it is gone either way.
func hangUp(conn net.Conn) { _ = conn.Close() }
