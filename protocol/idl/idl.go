// Package idl turns the generated structs of its subpackages into bodies of frames and
// back, under the limits of package protocol. It and they stand beside the state
// machines, not inside: the Thrift library that they use reaches the operating system.
package idl

//go:generate ./generate.sh

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/a8011091/pegasus-reference/protocol"
)

// maxElements is the longest list, set or map that Unmarshal accepts. An element may
// take one byte on the wire and a hundred in memory.
const maxElements = 1 << 17

// Marshal returns s as TBinaryProtocol writes it, through its STOP byte: the Body of a
// frame where s is a generated ...Args or ...Result.
func Marshal(s thrift.TStruct) ([]byte, error) { return AppendStruct(nil, s) }

// AppendStruct appends what Marshal returns.
func AppendStruct(dst []byte, s thrift.TStruct) ([]byte, error) {
	buffer := &thrift.TMemoryBuffer{Buffer: bytes.NewBuffer(dst)}
	p := thrift.NewTBinaryProtocolConf(buffer, nil)
	if err := s.Write(context.Background(), p); err != nil {
		return dst, fmt.Errorf("encode %T: %w", s, err)
	}
	return buffer.Bytes(), nil
}

// Unmarshal reads all of body into s, which is a new struct. A body that is malformed,
// beyond limits, or goes on after the struct is refused with a *protocol.BodyError.
func Unmarshal(body []byte, s thrift.TStruct, limits protocol.Limits) error {
	if limits.MaxFrameBytes <= 0 {
		limits = protocol.DefaultLimits()
	}
	what := fmt.Sprintf("%T", s)
	if len(body) > limits.MaxFrameBytes {
		return &protocol.BodyError{Kind: protocol.BodyTooLarge, What: what}
	}
	size := int32(min(limits.MaxFrameBytes, math.MaxInt32))
	buffer := &thrift.TMemoryBuffer{Buffer: bytes.NewBuffer(body)}
	p := thrift.NewTBinaryProtocolConf(buffer, &thrift.TConfiguration{
		MaxMessageSize:   size,
		MaxFrameSize:     size,
		MaxContainerSize: maxElements,
	})
	if err := s.Read(context.Background(), p); err != nil {
		return &protocol.BodyError{Kind: protocol.BodyMalformed, What: what, Err: err}
	}
	if buffer.Len() != 0 {
		return &protocol.BodyError{Kind: protocol.BodyTrailing, What: what}
	}
	return nil
}
