// The hash of a trace: equal runs have equal hashes, on every machine.

package trace

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// hashChunk is how many encoded bytes gather before they go through the hash: large
// enough that the cost of a call vanishes, small enough to stay in the first-level cache.
const hashChunk = 4096

// Hasher is a Sink that hashes every event, Data included. The hash is 64-bit xxHash
// (XXH64, seed 0) over a canonical binary encoding: the word "trace" and FormatVersion,
// then of every event the numbers, the texts and Data, each in the order of Event (Kind and
// First as single bytes after AtNS; before Data App, Partition, Table and Answer, where one
// of them is set, and WithinNS where it is, which First's byte tells); numbers are variable-length
// integers (encoding/binary), text and Data have their length in front. It tells
// different runs apart; it is no defence against someone who forges a trace.
type Hasher struct {
	digest xxhash.Digest
	buffer []byte
	events uint64
}

// NewHasher starts the hash of an empty trace.
func NewHasher() *Hasher {
	h := &Hasher{buffer: make([]byte, 0, 2*hashChunk)}
	h.digest.Reset()
	h.buffer = append(h.buffer, "trace"...)
	h.buffer = binary.AppendUvarint(h.buffer, FormatVersion)
	return h
}

// Emit adds an event. It does not allocate in the steady state and keeps nothing of ev.
func (h *Hasher) Emit(ev *Event) {
	h.buffer = appendNumbers(h.buffer, ev)
	h.buffer = appendTexts(h.buffer, ev)
	if ev.routed() {
		h.buffer = appendRouting(h.buffer, ev)
	}
	if ev.WithinNS != 0 {
		h.buffer = binary.AppendVarint(h.buffer, ev.WithinNS)
	}
	h.buffer = binary.AppendUvarint(h.buffer, uint64(len(ev.Data)))
	h.events++
	if len(h.buffer)+len(ev.Data) < hashChunk {
		h.buffer = append(h.buffer, ev.Data...)
		return
	}
	h.flush()
	h.write(ev.Data)
}

// Events is the number of events so far.
func (h *Hasher) Events() uint64 { return h.events }

// Sum is the hash of the events so far; more may follow.
func (h *Hasher) Sum() uint64 {
	h.flush()
	return h.digest.Sum64()
}

// String is the hash as reports show it: format version and 16 hexadecimal digits.
func (h *Hasher) String() string { return fmt.Sprintf("v%d-%016x", FormatVersion, h.Sum()) }

func (h *Hasher) flush() {
	h.write(h.buffer)
	h.buffer = h.buffer[:0]
}

// write drops an error that xxhash.Digest, as hash.Hash promises, never returns.
func (h *Hasher) write(b []byte) { _, _ = h.digest.Write(b) }

func appendNumbers(b []byte, ev *Event) []byte {
	first := byte(0)
	if ev.First {
		first = 1
	}
	if ev.routed() {
		first |= 2
	}
	if ev.WithinNS != 0 {
		first |= 4
	}
	b = binary.AppendVarint(b, ev.AtNS)
	b = append(b, byte(ev.Kind), first)
	b = binary.AppendUvarint(b, ev.Conn)
	b = binary.AppendVarint(b, int64(ev.Seq))
	b = binary.AppendVarint(b, int64(ev.Size))
	if ev.AgeNS|int64(ev.Timer)|int64(ev.Op) == 0 {
		return append(b, 0, 0, 0)
	}
	b = binary.AppendVarint(b, ev.AgeNS)
	b = binary.AppendUvarint(b, ev.Timer)
	return binary.AppendUvarint(b, ev.Op)
}

// appendTexts writes texts that are empty together, as most are, together: one byte each.
func appendTexts(b []byte, ev *Event) []byte {
	b = appendText(b, ev.Node)
	last := len(ev.State) | len(ev.Principal) | len(ev.Key) | len(ev.Note)
	if len(ev.Peer)|len(ev.Addr)|len(ev.RPC)|len(ev.Neg)|len(ev.Code)|last == 0 {
		return append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	b = appendText(b, ev.Peer)
	b = appendText(b, ev.Addr)
	b = appendText(b, ev.RPC)
	b = appendText(b, ev.Neg)
	b = appendText(b, ev.Code)
	if last == 0 {
		return append(b, 0, 0, 0, 0)
	}
	b = appendText(b, ev.State)
	b = appendText(b, ev.Principal)
	b = appendText(b, ev.Key)
	return appendText(b, ev.Note)
}

// routed says whether a field is set that the hash of an event without any leaves out.
func (ev *Event) routed() bool {
	return ev.App != 0 || ev.Partition != 0 || ev.Table != "" || ev.Answer != ""
}

func appendRouting(b []byte, ev *Event) []byte {
	b = binary.AppendVarint(b, int64(ev.App))
	b = binary.AppendVarint(b, int64(ev.Partition))
	return appendText(appendText(b, ev.Table), ev.Answer)
}

func appendText(b []byte, s string) []byte {
	if len(s) == 0 {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}
