// What the dearest refusals cost by the byte, of what a peer can send before it is
// authenticated: each input is made to be worked on as long as possible.

package protocol_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/allocation"
	"github.com/a8011091/pegasus-reference/protocol"
)

// dear is an input, who refuses it, and what that may allocate.
type dear struct {
	name   string
	input  []byte
	refuse func(input []byte) error
	bound  allocation.Bound
}

const dearBytes = 64 << 10

// repeated is unit over and over, dearBytes in all at most.
func repeated(unit ...byte) []byte { return bytes.Repeat(unit, dearBytes/len(unit)) }

func dearInputs() (all []dear) {
	const structure, list, boolean, number = 12, 15, 2, 8
	for id, kind := range []string{"result", "args"} {
		parse := parsers()["negotiation "+kind].parse
		add := func(name string, fields []byte) {
			all = append(all, dear{kind + "/" + name, append([]byte{structure, 0, byte(id)}, fields...), parse, bodyBound})
		}
		add("unknown-fields", repeated(boolean, 0, 9, 1))
		add("empty-structs", append([]byte{list, 0, 9, structure, 0, 1, 0, 0}, make([]byte, dearBytes)...))
		add("booleans", append([]byte{list, 0, 9, boolean, 0, 1, 0, 0}, make([]byte, dearBytes)...))
		add("nested-lists", nested(list))
		add("known-fields", repeated(number, 0, 1, 0, 0, 0, 5)) // the status, over and over
	}
	return append(all,
		dear{"frame/whole", badName(), func(input []byte) error { return decodeTo(input, dearBytes) }, frameBound},
		dear{"frame/by-bytes", badName(), func(input []byte) error { return decodeTo(input, 1) }, frameBound},
		dear{"frame/small-ones", smallFrames(), func(input []byte) error { return decodeTo(input, 4096) }, frameBound})
}

// nested is a field of lists of lists as deep as is followed, over and over.
func nested(list byte) []byte {
	unit := []byte{list, 0, 9}
	for range 14 {
		unit = append(unit, list, 0, 0, 0, 1)
	}
	return repeated(append(unit, 2, 0, 0, 0, 0)...)
}

// badName is a frame that is refused for its last part: its header claims all of it.
func badName() []byte {
	frame := protocol.AppendRequest(nil, &protocol.Request{Header: protocol.Header{Version: 1}, RPC: protocol.RPCNegotiation, Body: make([]byte, dearBytes)})
	meta := binary.BigEndian.Uint32(frame[8:])
	copy(frame[16+meta:], []byte{0x80, 1, 0, 9}) // no type of message
	return frame
}

// smallFrames are good frames of the smallest size, and a bad one.
func smallFrames() (all []byte) {
	for len(all) < dearBytes {
		all = protocol.AppendRequest(all, &protocol.Request{Header: protocol.Header{Version: 1}, RPC: protocol.RPCNegotiation})
	}
	return append(all, "THFTbad header of no version"...)
}

// decodeTo reads frames out of input that comes in pieces of step bytes, to the first error.
func decodeTo(input []byte, step int) error {
	var r protocol.Request
	d := protocol.NewRequestDecoder(protocol.DefaultLimits())
	for len(input) > 0 {
		n := min(step, len(input))
		if err := d.Write(input[:n]); err != nil {
			return err
		}
		input = input[n:]
		for ok := true; ok; {
			var err error
			if ok, err = d.Next(&r); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestDearInputsAreRefused(t *testing.T) {
	for _, d := range dearInputs() {
		require.Greater(t, len(d.input), dearBytes*7/8, d.name)
		require.Error(t, d.refuse(d.input), d.name)
		d.bound.Hold(t, len(d.input), func() { _ = d.refuse(d.input) })
	}
}

// BenchmarkRefusal reports nanoseconds by the byte of what was refused.
func BenchmarkRefusal(b *testing.B) {
	for _, d := range dearInputs() {
		b.Run(d.name, func(b *testing.B) {
			b.SetBytes(int64(len(d.input)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.refuse(d.input); err == nil {
					b.Fatal("it was not refused")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(d.input)), "ns/byte")
		})
	}
}
