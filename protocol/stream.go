// The bytes of one direction of one connection between arriving and being a frame.

package protocol

import "encoding/binary"

// retainBytes is the largest buffer that a stream keeps when it has run empty.
const retainBytes = 1 << 20

// stream buffers unread bytes: buf[off:].
type stream struct {
	limits Limits
	buf    []byte
	off    int
	err    *FrameError // once broken, always broken
}

// write appends p; it refuses, before allocating, what would exceed the limit.
func (s *stream) write(p []byte) error {
	if s.err != nil {
		return s.err
	}
	if n := s.buffered() + len(p); n > s.limits.MaxBufferedBytes {
		return s.fail(&FrameError{Kind: FrameOverflow, Got: uint64(n), Limit: uint64(s.limits.MaxBufferedBytes)})
	}
	if s.off == len(s.buf) {
		s.buf, s.off = s.buf[:0], 0
		if cap(s.buf) > retainBytes && len(p) <= retainBytes {
			s.buf = nil
		}
	} else if s.off > 0 && len(s.buf)+len(p) > cap(s.buf) {
		s.buf = s.buf[:copy(s.buf, s.buf[s.off:])]
		s.off = 0
	}
	s.buf = append(s.buf, p...)
	return nil
}

// fail breaks the stream: what is buffered is dropped, every later call fails alike.
func (s *stream) fail(err *FrameError) error {
	s.err = err
	s.buf, s.off = nil, 0
	return err
}

func (s *stream) buffered() int { return len(s.buf) - s.off }

func (s *stream) unread() []byte { return s.buf[s.off:] }

// frame takes the next n bytes as a reader of their own.
func (s *stream) frame(n int) reader {
	b := s.buf[s.off : s.off+n : s.off+n]
	s.off += n
	return reader{b: b}
}

// reset begins anew. Whoever keeps the decoder for another connection keeps no large buffer
// with it.
func (s *stream) reset() {
	s.buf, s.off, s.err = s.buf[:0], 0, nil
	if cap(s.buf) > retainBytes {
		s.buf = nil
	}
}

func (s *stream) clone() stream {
	c := stream{limits: s.limits, err: s.err}
	if n := s.buffered(); n > 0 {
		c.buf = append(make([]byte, 0, n), s.unread()...)
	}
	return c
}

// appendState writes the error's kind and the unread bytes: all that the future depends on.
func (s *stream) appendState(dst []byte) []byte {
	kind := FrameErrorKind(0)
	if s.err != nil {
		kind = s.err.Kind
	}
	dst = append(dst, byte(kind))
	dst = binary.AppendUvarint(dst, uint64(s.buffered()))
	return append(dst, s.unread()...)
}
