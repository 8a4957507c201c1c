// What a peer can do wrong, as typed errors: in a frame (the connection is lost) and in
// a body (the request or answer is).

package protocol

import "fmt"

// FrameErrorKind says what is wrong with a frame. It is an error itself, so that
// errors.Is(err, FrameTooLarge) holds for every *FrameError of that kind.
type FrameErrorKind uint8

// Kinds of frame errors. After any of them the stream cannot be resynchronised: close
// the connection.
const (
	FrameBadMagic        FrameErrorKind = iota + 1 // does not begin with "THFT"
	FrameBadVersion                                // neither version 0 nor 1
	FrameBadHeaderLength                           // version 0 whose header is not 48 bytes
	FrameBadLength                                 // a length that contradicts the frame's own layout
	FrameTooLarge                                  // larger than Limits.MaxFrameBytes
	FrameNameTooLong                               // a name longer than Limits.MaxNameBytes
	FrameBadMeta                                   // version 1 whose meta struct does not decode
	FrameBadMessageType                            // neither CALL nor ONEWAY, or an answer that is no REPLY
	FrameBadMessage                                // the message's beginning does not decode
	FrameOverflow                                  // more unread bytes than Limits.MaxBufferedBytes
)

// frameErrorTexts is indexed by FrameErrorKind; nothing writes it.
var frameErrorTexts = [...]string{
	FrameBadMagic:        "frame does not begin with THFT",
	FrameBadVersion:      "frame header version is neither 0 nor 1",
	FrameBadHeaderLength: "frame header length is not 48",
	FrameBadLength:       "frame length contradicts its content",
	FrameTooLarge:        "frame is larger than the limit",
	FrameNameTooLong:     "name in frame is longer than the limit",
	FrameBadMeta:         "request meta struct does not decode",
	FrameBadMessageType:  "message type is not acceptable here",
	FrameBadMessage:      "beginning of the message does not decode",
	FrameOverflow:        "more unread bytes than the limit",
}

// Error implements error.
func (k FrameErrorKind) Error() string {
	if k == 0 || int(k) >= len(frameErrorTexts) {
		return "frame error of an unknown kind"
	}
	return frameErrorTexts[k]
}

// FrameError is what a decoder returns for bytes that are no frame. It carries numbers
// only, never what the peer sent.
type FrameError struct {
	Kind  FrameErrorKind
	Got   uint64 // the offending number: magic, version, length, type
	Limit uint64 // the limit in force, where there is one
}

// Error implements error.
func (e *FrameError) Error() string {
	if e.Limit != 0 {
		return fmt.Sprintf("decode frame: %v (got %d, limit %d); close the connection", e.Kind, e.Got, e.Limit)
	}
	return fmt.Sprintf("decode frame: %v (got 0x%x); close the connection", e.Kind, e.Got)
}

// Unwrap returns the Kind, for errors.Is.
func (e *FrameError) Unwrap() error { return e.Kind }

// BodyErrorKind says what is wrong with a body. It is an error itself, as FrameErrorKind is.
type BodyErrorKind uint8

// Kinds of body errors. The frame was whole: the connection can go on.
const (
	BodyTruncated      BodyErrorKind = iota + 1 // ends before it is complete
	BodyTrailing                                // goes on after it is complete
	BodyWrongType                               // a known field has another type
	BodyNegativeLength                          // a string or container of negative length
	BodyMissing                                 // lacks a field that must be there
	BodyTooDeep                                 // nests too deeply
	BodyTooLarge                                // a string, container or the whole is beyond a limit
	BodyBadValue                                // a value that the field cannot have
	BodyMalformed                               // the Thrift library refused it
)

// bodyErrorTexts is indexed by BodyErrorKind; nothing writes it.
var bodyErrorTexts = [...]string{
	BodyTruncated:      "body ends early",
	BodyTrailing:       "bytes follow the body",
	BodyWrongType:      "field has the wrong type",
	BodyNegativeLength: "length is negative",
	BodyMissing:        "required field is missing",
	BodyTooDeep:        "body is nested too deeply",
	BodyTooLarge:       "body is beyond a limit",
	BodyBadValue:       "field has an impossible value",
	BodyMalformed:      "body is malformed",
}

// Error implements error.
func (k BodyErrorKind) Error() string {
	if k == 0 || int(k) >= len(bodyErrorTexts) {
		return "body error of an unknown kind"
	}
	return bodyErrorTexts[k]
}

// BodyError is what a Parse function returns for bytes that are not the struct it reads.
type BodyError struct {
	Kind BodyErrorKind
	What string // the struct that was read, in the words of the IDL
	Err  error  // the Thrift library's error, where Kind is BodyMalformed
}

// Error implements error.
func (e *BodyError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("decode %s: %v: %v", e.What, e.Kind, e.Err)
	}
	return fmt.Sprintf("decode %s: %v", e.What, e.Kind)
}

// Unwrap returns the Kind and the library's error, for errors.Is and errors.As.
func (e *BodyError) Unwrap() []error {
	if e.Err != nil {
		return []error{e.Kind, e.Err}
	}
	return []error{e.Kind}
}

// bodyError is nil where kind is zero.
func bodyError(kind BodyErrorKind, what string) error {
	if kind == 0 {
		return nil
	}
	return &BodyError{Kind: kind, What: what}
}
