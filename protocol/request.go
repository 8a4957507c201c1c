// Request frames, client to server: writing them, and taking them out of a stream.
// Version 0 has a fixed header of 48 bytes; version 1 one of 16 and a meta struct.

package protocol

import "encoding/binary"

const (
	requestMagic     = 0x54484654 // "THFT"
	headerLengthV0   = 48
	headerLengthV1   = 16
	requestPrefix    = 12 // magic, version, and the length that follows in both versions
	metaAppID        = 1
	metaPartition    = 2
	metaTimeout      = 3
	metaHash         = 4
	metaBackup       = 5
	bodyLengthOffset = 16 // in a version 0 header
)

// AppendRequest appends r as one frame. Version 1 of the header is written where
// r.Header.Version is 1, version 0 otherwise.
func AppendRequest(dst []byte, r *Request) []byte {
	start := len(dst)
	if r.Header.Version == 1 {
		dst = appendHeaderV1(dst, &r.Header)
	} else {
		dst = appendHeaderV0(dst, &r.Header)
	}
	body := len(dst)
	name, messageType := r.Name, byte(messageCall)
	if r.RPC != RPCUnknown {
		name = r.RPC.String()
	}
	if r.OneWay {
		messageType = messageOneWay
	}
	dst = appendMessageBegin(dst, name, messageType, r.Seq)
	dst = append(dst, r.Body...)
	length := uint32(len(dst) - body)
	if r.Header.Version == 1 {
		binary.BigEndian.PutUint32(dst[start+requestPrefix:], length)
	} else {
		binary.BigEndian.PutUint32(dst[start+bodyLengthOffset:], length)
	}
	return dst
}

// appendHeaderV0 leaves the body's length, and both checksums, which nobody verifies, zero.
func appendHeaderV0(dst []byte, h *Header) []byte {
	dst = append(dst, "THFT"...)
	dst = appendI32(dst, 0)
	dst = appendI32(dst, headerLengthV0)
	dst = append(dst, make([]byte, 12)...)
	dst = appendI32(dst, h.AppID)
	dst = appendI32(dst, h.Partition)
	dst = appendI32(dst, h.TimeoutMillis)
	dst = appendI32(dst, h.ThreadHash)
	return binary.BigEndian.AppendUint64(dst, h.PartitionHash)
}

// appendHeaderV1 leaves the body's length zero.
func appendHeaderV1(dst []byte, h *Header) []byte {
	dst = append(dst, "THFT"...)
	dst = appendI32(dst, 1)
	lengthAt := len(dst)
	dst = append(dst, make([]byte, 8)...)
	meta := len(dst)
	dst = appendI32Field(dst, metaAppID, h.AppID)
	dst = appendI32Field(dst, metaPartition, h.Partition)
	dst = appendI32Field(dst, metaTimeout, h.TimeoutMillis)
	dst = appendI64Field(dst, metaHash, int64(h.PartitionHash))
	dst = appendBoolField(dst, metaBackup, h.Backup)
	dst = appendStop(dst)
	binary.BigEndian.PutUint32(dst[lengthAt:], uint32(len(dst)-meta))
	return dst
}

// RequestDecoder turns what arrives from a client into requests. It is made by
// NewRequestDecoder.
type RequestDecoder struct{ s stream }

// NewRequestDecoder makes a decoder that holds no more than limits allow.
func NewRequestDecoder(limits Limits) *RequestDecoder {
	return &RequestDecoder{s: stream{limits: limits.withDefaults()}}
}

// Write appends bytes from the peer. If more than Limits.MaxBufferedBytes would be
// unread it fails with a *FrameError, before allocating, and the stream is broken; on a
// broken stream it fails with the error that broke it. p is not kept.
func (d *RequestDecoder) Write(p []byte) error { return d.s.write(p) }

// Buffered returns the number of bytes written and not yet returned by Next.
func (d *RequestDecoder) Buffered() int { return d.s.buffered() }

// Reset forgets what is buffered and any error: a new connection's stream begins.
func (d *RequestDecoder) Reset() { d.s.reset() }

// Clone returns an independent copy.
func (d *RequestDecoder) Clone() *RequestDecoder { return &RequestDecoder{s: d.s.clone()} }

// AppendState appends the canonical state: unread bytes, and whether the stream is broken.
func (d *RequestDecoder) AppendState(dst []byte) []byte { return d.s.appendState(dst) }

// Next takes one frame out of the stream. ok is false if none is complete. An error is a
// *FrameError, breaks the stream for good, and is returned again by every later call.
// r.Body is valid until the next call of any method.
func (d *RequestDecoder) Next(r *Request) (ok bool, err error) {
	if d.s.err != nil {
		return false, d.s.err
	}
	header, body, ferr := requestExtent(d.s.unread(), d.s.limits.MaxFrameBytes)
	if ferr != nil {
		return false, d.s.fail(ferr)
	}
	if header == 0 || d.s.buffered() < header+body {
		return false, nil
	}
	head := d.s.frame(header)
	rest := d.s.frame(body)
	*r = Request{}
	if head.b[7] == 0 {
		r.Header = parseHeaderV0(head.b)
	} else if ferr = parseHeaderV1(head.b[headerLengthV1:], &r.Header); ferr != nil {
		return false, d.s.fail(ferr)
	}
	if ferr = parseRequestMessage(&rest, r, d.s.limits.MaxNameBytes); ferr != nil {
		return false, d.s.fail(ferr)
	}
	return true, nil
}

// requestExtent returns the lengths of the first frame's header (version 1: with its
// meta struct) and body, zero if b is too short to tell. It refuses as early as it can.
func requestExtent(b []byte, limit int) (header, body int, err *FrameError) {
	if len(b) < 4 {
		return 0, 0, nil
	}
	if magic := binary.BigEndian.Uint32(b); magic != requestMagic {
		return 0, 0, &FrameError{Kind: FrameBadMagic, Got: uint64(magic)}
	}
	if len(b) < 8 {
		return 0, 0, nil
	}
	version := binary.BigEndian.Uint32(b[4:])
	if version > 1 {
		return 0, 0, &FrameError{Kind: FrameBadVersion, Got: uint64(version)}
	}
	if len(b) < requestPrefix {
		return 0, 0, nil
	}
	second := binary.BigEndian.Uint32(b[8:])
	var h, n uint64
	if version == 0 {
		if second != headerLengthV0 {
			return 0, 0, &FrameError{Kind: FrameBadHeaderLength, Got: uint64(second)}
		}
		if len(b) < bodyLengthOffset+4 {
			return 0, 0, nil
		}
		h, n = headerLengthV0, uint64(binary.BigEndian.Uint32(b[bodyLengthOffset:]))
	} else {
		if len(b) < headerLengthV1 {
			return 0, 0, nil
		}
		h, n = headerLengthV1+uint64(second), uint64(binary.BigEndian.Uint32(b[requestPrefix:]))
	}
	if h+n > uint64(limit) {
		return 0, 0, &FrameError{Kind: FrameTooLarge, Got: h + n, Limit: uint64(limit)}
	}
	return int(h), int(n), nil
}

func parseHeaderV0(b []byte) Header {
	return Header{
		AppID:         int32(binary.BigEndian.Uint32(b[24:])),
		Partition:     int32(binary.BigEndian.Uint32(b[28:])),
		TimeoutMillis: int32(binary.BigEndian.Uint32(b[32:])),
		ThreadHash:    int32(binary.BigEndian.Uint32(b[36:])),
		PartitionHash: binary.BigEndian.Uint64(b[40:]),
	}
}

// parseHeaderV1 reads the meta struct, all of whose fields are optional.
func parseHeaderV1(meta []byte, h *Header) *FrameError {
	*h = Header{Version: 1}
	r := reader{b: meta}
	for {
		t, id, ok := r.field()
		if !ok {
			break
		}
		switch {
		case id == metaAppID && r.is(t, typeI32):
			h.AppID = r.i32()
		case id == metaPartition && r.is(t, typeI32):
			h.Partition = r.i32()
		case id == metaTimeout && r.is(t, typeI32):
			h.TimeoutMillis = r.i32()
		case id == metaHash && r.is(t, typeI64):
			h.PartitionHash = uint64(r.i64())
		case id == metaBackup && r.is(t, typeBool):
			h.Backup = r.bool()
		default:
			r.skip(t, 0)
		}
	}
	r.end()
	if r.err != 0 {
		return &FrameError{Kind: FrameBadMeta, Got: uint64(r.err)}
	}
	return nil
}

func parseRequestMessage(rest *reader, r *Request, maxName int) *FrameError {
	m, err := rest.messageBegin(maxName)
	if err != nil {
		return err
	}
	switch m.messageType {
	case messageCall:
	case messageOneWay:
		r.OneWay = true
	default:
		return &FrameError{Kind: FrameBadMessageType, Got: uint64(m.messageType)}
	}
	if r.RPC = LookupRPC(m.name); r.RPC == RPCUnknown {
		r.Name = string(m.name)
	}
	r.Seq = m.seq
	r.Body = rest.take(rest.rest())
	return nil
}
