// The few shapes of Thrift's binary protocol (TBinaryProtocol) that this package writes
// and reads by hand: messages' beginnings, fields, scalars. All integers big-endian.

package protocol

import "encoding/binary"

// fieldType is the type byte of a field header.
type fieldType byte

const (
	typeStop   fieldType = 0
	typeBool   fieldType = 2
	typeByte   fieldType = 3
	typeDouble fieldType = 4
	typeI16    fieldType = 6
	typeI32    fieldType = 8
	typeI64    fieldType = 10
	typeString fieldType = 11
	typeStruct fieldType = 12
	typeMap    fieldType = 13
	typeSet    fieldType = 14
	typeList   fieldType = 15
)

// maxSkipDepth bounds the nesting of a field that is skipped because nobody knows it.
const maxSkipDepth = 16

func appendI32(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }

func appendI64(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendField(dst []byte, t fieldType, id int16) []byte {
	return append(dst, byte(t), byte(uint16(id)>>8), byte(id))
}

func appendI32Field(dst []byte, id int16, v int32) []byte {
	return appendI32(appendField(dst, typeI32, id), v)
}

func appendI64Field(dst []byte, id int16, v int64) []byte {
	return appendI64(appendField(dst, typeI64, id), v)
}

func appendBoolField(dst []byte, id int16, v bool) []byte {
	return appendBool(appendField(dst, typeBool, id), v)
}

func appendBytes[T []byte | string](dst []byte, v T) []byte {
	return append(appendI32(dst, int32(len(v))), v...)
}

func appendStringField[T []byte | string](dst []byte, id int16, v T) []byte {
	return appendBytes(appendField(dst, typeString, id), v)
}

// appendBlobField writes a blob: declared a struct, but its bytes replace the struct's,
// and no STOP follows.
func appendBlobField[T []byte | string](dst []byte, id int16, v T) []byte {
	return appendBytes(appendField(dst, typeStruct, id), v)
}

func appendStop(dst []byte) []byte { return append(dst, byte(typeStop)) }

// reader takes a body apart. The first error stays; every later read returns zero.
type reader struct {
	b   []byte
	off int
	err BodyErrorKind
}

func (r *reader) fail(kind BodyErrorKind) {
	if r.err == 0 {
		r.err = kind
		r.off = len(r.b)
	}
}

func (r *reader) rest() int { return len(r.b) - r.off }

// take returns the next n bytes, aliasing the body; nil after an error.
func (r *reader) take(n int) []byte {
	if n < 0 || n > r.rest() {
		r.fail(BodyTruncated)
		return nil
	}
	p := r.b[r.off : r.off+n : r.off+n]
	r.off += n
	return p
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) bool() bool { return r.byte() != 0 }

func (r *reader) i16() int16 {
	if p := r.take(2); p != nil {
		return int16(binary.BigEndian.Uint16(p))
	}
	return 0
}

func (r *reader) i32() int32 {
	if p := r.take(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

func (r *reader) i64() int64 {
	if p := r.take(8); p != nil {
		return int64(binary.BigEndian.Uint64(p))
	}
	return 0
}

// bytes reads an i32 length and that many bytes, aliasing the body.
func (r *reader) bytes() []byte {
	n := r.i32()
	if n < 0 {
		r.fail(BodyNegativeLength)
		return nil
	}
	return r.take(int(n))
}

// field reads a field header. ok is false at STOP and after an error.
func (r *reader) field() (t fieldType, id int16, ok bool) {
	t = fieldType(r.byte())
	if r.err != 0 || t == typeStop {
		return typeStop, 0, false
	}
	id = r.i16()
	return t, id, r.err == 0
}

// is says that a known field has the type that it must have; if not, reading ends.
func (r *reader) is(got, want fieldType) bool {
	if got != want {
		r.fail(BodyWrongType)
	}
	return got == want
}

// list reads the header of a list of elem and returns its length, which is at most the
// number of bytes left divided by minBytes, the least that an element takes.
func (r *reader) list(elem fieldType, minBytes int) int {
	t := fieldType(r.byte())
	n := r.i32()
	if r.err != 0 {
		return 0
	}
	switch {
	case n < 0:
		r.fail(BodyNegativeLength)
	case n > 0 && t != elem:
		r.fail(BodyWrongType)
	case int(n) > r.rest()/minBytes:
		r.fail(BodyTruncated)
	default:
		return int(n)
	}
	return 0
}

// skip passes over a field that nobody knows. A struct whose bytes were replaced (a
// blob, an error code) cannot be told from a plain one: every field that is one is known.
func (r *reader) skip(t fieldType, depth int) {
	if depth > maxSkipDepth {
		r.fail(BodyTooDeep)
		return
	}
	switch t {
	case typeBool, typeByte:
		r.take(1)
	case typeI16:
		r.take(2)
	case typeI32:
		r.take(4)
	case typeDouble, typeI64:
		r.take(8)
	case typeString:
		r.bytes()
	case typeStruct:
		for {
			ft, _, ok := r.field()
			if !ok {
				return
			}
			r.skip(ft, depth+1)
		}
	case typeMap:
		key, value := fieldType(r.byte()), fieldType(r.byte())
		for n := r.count(); n > 0 && r.err == 0; n-- {
			r.skip(key, depth+1)
			r.skip(value, depth+1)
		}
	case typeSet, typeList:
		elem := fieldType(r.byte())
		for n := r.count(); n > 0 && r.err == 0; n-- {
			if elem == typeStruct && depth < maxSkipDepth && r.off < len(r.b) && r.b[r.off] == byte(typeStop) {
				r.off++ // a struct without fields takes one byte, so there can be as many as bytes
				continue
			}
			r.skip(elem, depth+1)
		}
	default:
		r.fail(BodyWrongType)
	}
}

// count reads the number of elements of a container that is skipped. Every element
// takes a byte at least, so the body bounds the work.
func (r *reader) count() int {
	n := r.i32()
	if n < 0 {
		r.fail(BodyNegativeLength)
		return 0
	}
	if int(n) > r.rest() {
		r.fail(BodyTruncated)
		return 0
	}
	return int(n)
}

// end says that the body ended where it should.
func (r *reader) end() {
	if r.err == 0 && r.rest() != 0 {
		r.fail(BodyTrailing)
	}
}

// envelope opens the struct around an argument or a result, whose one field, of type
// STRUCT, must be there. What follows is that struct's content.
func (r *reader) envelope(id int16) bool {
	t, got, ok := r.field()
	if !ok || got != id {
		r.fail(BodyMissing)
		return false
	}
	return r.is(t, typeStruct)
}

// closeEnvelope reads the STOP of the struct that envelope opened, and expects the end.
func (r *reader) closeEnvelope() {
	if t := fieldType(r.byte()); r.err == 0 && t != typeStop {
		r.fail(BodyTrailing)
	}
	r.end()
}

// missing returns the error so far, or BodyMissing where there is none and what must be
// there was not seen.
func (r *reader) missing(seen bool) BodyErrorKind {
	if r.err == 0 && !seen {
		return BodyMissing
	}
	return r.err
}
