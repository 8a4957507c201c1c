// Wrap tokens: RFC 4121 section 4.2. They are made with integrity only; sealed ones are read.

package gssapi

import (
	"encoding/binary"
	"fmt"
)

const (
	wrapHeaderBytes = 16
	wrapID          = 0x0504
	wrapFiller      = 0xff
)

// Flags of a wrap token; others are ignored, as section 4.2.2 asks.
const (
	wrapByAcceptor     = 1
	wrapSealed         = 2
	wrapAcceptorSubkey = 4
)

// channel is one direction of a context's protection.
type channel struct {
	key            Key
	fromAcceptor   bool
	acceptorSubkey bool // key is the acceptor's
	sequence       uint32
}

func (c channel) usage() uint32 {
	if c.fromAcceptor {
		return usageAcceptorSeal
	}
	return usageInitiatorSeal
}

func (c channel) flags() byte {
	var f byte
	if c.fromAcceptor {
		f |= wrapByAcceptor
	}
	if c.acceptorSubkey {
		f |= wrapAcceptorSubkey
	}
	return f
}

// wrap appends a token with payload in clear and its checksum.
func (c channel) wrap(dst, payload []byte) ([]byte, error) {
	var header [wrapHeaderBytes]byte
	binary.BigEndian.PutUint16(header[:], wrapID)
	header[2], header[3] = c.flags(), wrapFiller
	binary.BigEndian.PutUint64(header[8:], uint64(c.sequence))
	covered := make([]byte, 0, len(payload)+wrapHeaderBytes)
	covered = append(append(covered, payload...), header[:]...)
	mac, err := c.key.checksum(c.usage(), covered)
	if err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	binary.BigEndian.PutUint16(header[4:], uint16(len(mac)))
	dst = append(dst, header[:]...)
	return append(append(dst, payload...), mac...), nil
}

// unwrap returns the payload of the token that is next in this direction. It neither
// changes the token nor keeps it.
func (c channel) unwrap(token []byte) ([]byte, error) {
	if len(token) < wrapHeaderBytes || binary.BigEndian.Uint16(token) != wrapID || token[3] != wrapFiller {
		return nil, fmt.Errorf("%w: %d bytes that are no wrap token", ErrToken, len(token))
	}
	header := token[:wrapHeaderBytes]
	switch flags := header[2]; {
	case flags&wrapByAcceptor != c.flags()&wrapByAcceptor:
		return nil, fmt.Errorf("%w: wrap token of this very direction's own sender: it was sent back", ErrToken)
	case flags&wrapAcceptorSubkey != c.flags()&wrapAcceptorSubkey:
		return nil, fmt.Errorf("%w: wrap token and context disagree on the acceptor's subkey", ErrToken)
	}
	body := rotateLeft(token[wrapHeaderBytes:], int(binary.BigEndian.Uint16(header[6:])))
	var payload []byte
	var err error
	if header[2]&wrapSealed != 0 {
		payload, err = c.unseal(header, body)
	} else {
		payload, err = c.unprotect(header, body)
	}
	if err != nil {
		return nil, fmt.Errorf("wrap token: %w", err)
	}
	if got := binary.BigEndian.Uint64(header[8:]); got != uint64(c.sequence) {
		return nil, fmt.Errorf("%w: wrap token has number %d where %d is due", ErrSequence, got, c.sequence)
	}
	return payload, nil
}

// rotateLeft undoes a rotation to the right by count bytes.
func rotateLeft(body []byte, count int) []byte {
	if len(body) == 0 || count%len(body) == 0 {
		return body
	}
	count %= len(body)
	return append(append(make([]byte, 0, len(body)), body[count:]...), body[:count]...)
}

// unprotect: the payload, then its checksum over payload and header, the header without
// its two counts.
func (c channel) unprotect(header, body []byte) ([]byte, error) {
	s, err := suiteOf(c.key.etype)
	if err != nil {
		return nil, err
	}
	if count := int(binary.BigEndian.Uint16(header[4:])); count != s.macBytes || len(body) < count {
		return nil, fmt.Errorf("%w: checksum of %d bytes among %d; type %d has %d", ErrToken, count, len(body), c.key.etype, s.macBytes)
	}
	payload, mac := body[:len(body)-s.macBytes], body[len(body)-s.macBytes:]
	covered := make([]byte, 0, len(payload)+wrapHeaderBytes)
	covered = append(append(covered, payload...), header[:4]...)
	covered = append(append(covered, 0, 0, 0, 0), header[8:]...)
	return payload, c.key.verify(c.usage(), covered, mac)
}

// unseal: encrypted payload, filler of the extra count, and the header without its rotation.
func (c channel) unseal(header, body []byte) ([]byte, error) {
	plain, err := c.key.decrypt(c.usage(), body)
	if err != nil {
		return nil, err
	}
	filler := int(binary.BigEndian.Uint16(header[4:]))
	if len(plain) < wrapHeaderBytes+filler {
		return nil, fmt.Errorf("%w: sealed wrap token of %d bytes within is too short", ErrToken, len(plain))
	}
	inner := plain[len(plain)-wrapHeaderBytes:]
	if string(inner[:6]) != string(header[:6]) || string(inner[8:]) != string(header[8:]) || inner[6]|inner[7] != 0 {
		return nil, fmt.Errorf("%w: the header of the sealed wrap token was altered", ErrIntegrity)
	}
	return plain[:len(plain)-wrapHeaderBytes-filler], nil
}
