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
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

const (
	// maxReply is the longest answer that is taken. Real ones have a few kilobytes; tickets
	// with a large PAC stay below 64.
	maxReply = 256 << 10
	// kdcPatience is how long one KDC may take for one message before the next is asked.
	kdcPatience = 3 * time.Second
	// firstWait is how long a datagram is waited for before it is sent again; then twice
	// as long.
	firstWait = time.Second
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

// exchange sends one message to one KDC and returns its answer.
func exchange(ctx context.Context, dial dialer, kdc string, request []byte, udpLimit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kdcPatience)
	defer cancel()
	if len(request) <= udpLimit && udpLimit > 1 {
		reply, err := overUDP(ctx, dial, kdc, request)
		if err == nil && !tooBig(reply) {
			return reply, nil
		}
		// Too large for a datagram, or none came: perhaps a firewall lets TCP pass.
		if ctx.Err() != nil {
			return nil, fmt.Errorf("KDC %s over UDP: %w", kdc, err)
		}
	}
	reply, err := overTCP(ctx, dial, kdc, request)
	if err != nil {
		return nil, fmt.Errorf("KDC %s over TCP: %w", kdc, err)
	}
	return reply, nil
}

// tooBig says whether the answer is that it does not fit into a datagram. A KRB-ERROR that
// says so is short and names its code in the clear.
func tooBig(reply []byte) bool {
	e, err := gssapi.ParseKRBError(reply, time.Time{})
	return err == nil && e.Code == gssapi.CodeResponseTooBig
}

// overUDP sends the request, twice more if need be.
func overUDP(ctx context.Context, dial dialer, kdc string, request []byte) ([]byte, error) {
	conn, err := dial(ctx, "udp", kdc)
	if err != nil {
		return nil, err
	}
	defer hangUp(conn)
	defer context.AfterFunc(ctx, func() { hangUp(conn) })()
	last, _ := ctx.Deadline()
	buffer := make([]byte, 64<<10) // no datagram is longer
	for wait := firstWait; ; wait *= 2 {
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		until := time.Now().Add(wait)
		if until.After(last) {
			until = last
		}
		if err := conn.SetReadDeadline(until); err != nil {
			return nil, err
		}
		n, err := conn.Read(buffer)
		var timeout net.Error
		switch {
		case err == nil:
			return bytes.Clone(buffer[:n]), nil
		case ctx.Err() == nil && errors.As(err, &timeout) && timeout.Timeout() && until.Before(last) && wait < 4*firstWait:
			continue
		}
		return nil, err
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
