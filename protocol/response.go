// Response frames, server to client: writing them, and taking them out of a stream.
// Length (inclusive), error name, beginning of the message, result struct.

package protocol

import "encoding/binary"

// responseMinBytes is the shortest answer: length, empty error name, strict beginning
// with an empty name in the old form.
const responseMinBytes = 4 + 4 + 4 + 1 + 4

// AppendResponse appends r as one frame. The body is written only where r.Code is
// CodeOK. An r.Code of CodeUnknown without r.CodeName is written as ERR_UNKNOWN.
func AppendResponse(dst []byte, r *Response) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	code, name := r.Code.String(), r.RPC.AckName()
	if r.Code == CodeUnknown {
		if code = r.CodeName; code == "" {
			code = CodeUnknownError.String()
		}
	}
	if r.RPC == RPCUnknown {
		name = r.Name
	}
	dst = appendBytes(dst, code)
	dst = appendMessageBegin(dst, name, messageReply, r.Seq)
	if r.Code == CodeOK {
		dst = append(dst, r.Body...)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

// ResponseDecoder turns what arrives from a server into responses. It is made by
// NewResponseDecoder.
type ResponseDecoder struct{ s stream }

// NewResponseDecoder makes a decoder that holds no more than limits allow.
func NewResponseDecoder(limits Limits) *ResponseDecoder {
	return &ResponseDecoder{s: stream{limits: limits.withDefaults()}}
}

// Write appends bytes from the peer, as RequestDecoder.Write does.
func (d *ResponseDecoder) Write(p []byte) error { return d.s.write(p) }

// Buffered returns the number of bytes written and not yet returned by Next.
func (d *ResponseDecoder) Buffered() int { return d.s.buffered() }

// Reset forgets what is buffered and any error: a new connection's stream begins.
func (d *ResponseDecoder) Reset() { d.s.reset() }

// Clone returns an independent copy.
func (d *ResponseDecoder) Clone() *ResponseDecoder { return &ResponseDecoder{s: d.s.clone()} }

// AppendState appends the canonical state: unread bytes, and whether the stream is broken.
func (d *ResponseDecoder) AppendState(dst []byte) []byte { return d.s.appendState(dst) }

// Next takes one frame out of the stream, as RequestDecoder.Next does.
func (d *ResponseDecoder) Next(r *Response) (ok bool, err error) {
	if d.s.err != nil {
		return false, d.s.err
	}
	if d.s.buffered() < 4 {
		return false, nil
	}
	n := binary.BigEndian.Uint32(d.s.unread())
	switch {
	case n < responseMinBytes || n > 1<<31-1:
		return false, d.s.fail(&FrameError{Kind: FrameBadLength, Got: uint64(n)})
	case uint64(n) > uint64(d.s.limits.MaxFrameBytes):
		return false, d.s.fail(&FrameError{Kind: FrameTooLarge, Got: uint64(n), Limit: uint64(d.s.limits.MaxFrameBytes)})
	case d.s.buffered() < int(n):
		return false, nil
	}
	frame := d.s.frame(int(n))
	frame.take(4)
	*r = Response{}
	if ferr := parseResponse(&frame, r, d.s.limits.MaxNameBytes); ferr != nil {
		return false, d.s.fail(ferr)
	}
	return true, nil
}

func parseResponse(f *reader, r *Response, maxName int) *FrameError {
	n := f.i32()
	if n < 0 || int(n) > f.rest() {
		return &FrameError{Kind: FrameBadLength, Got: uint64(uint32(n))}
	}
	if int(n) > maxName {
		return &FrameError{Kind: FrameNameTooLong, Got: uint64(n), Limit: uint64(maxName)}
	}
	code := f.take(int(n))
	m, err := f.messageBegin(maxName)
	if err != nil {
		return err
	}
	if m.messageType != messageReply {
		return &FrameError{Kind: FrameBadMessageType, Got: uint64(m.messageType)}
	}
	if r.Code = LookupErrorCode(code); r.Code == CodeUnknown {
		r.CodeName = string(code)
	}
	if r.RPC = LookupAck(m.name); r.RPC == RPCUnknown {
		r.Name = string(m.name)
	}
	r.Seq = m.seq
	if r.Code == CodeOK {
		r.Body = f.take(f.rest())
	}
	return nil
}
