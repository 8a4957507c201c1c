// Package protocol has package-level variables of every kind.
package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"sort"
)

var counter int // want "global: package-level variable counter of a core is assigned \\(protocol/globals.go:73\\)"

var increased int // want "global: .* increased .* is assigned"

var added int // want "global: .* added .* is assigned"

var table = map[string]int{} // want "global: .* table .* is assigned"

var deleted = map[string]int{"a": 1} // want "global: .* deleted .* is written by delete"

var elements [4]int // want "global: .* elements .* is assigned"

var nested struct{ inner struct{ n int } } // want "global: .* nested .* is assigned"

var pointed int // want "global: .* pointed .* has its address taken"

var pointer = &limits{} // want "global: .* pointer .* is assigned"

var ranged int // want "global: .* ranged .* is assigned"

var appended []int // want "global: .* appended .* is assigned"

var written = []int{1, 2} // want "global: .* written .* is written by append"

var copied = []byte("abc") // want "global: .* copied .* is written by copy"

var aliased = []int{1, 2} // want "global: .* aliased .* is assigned"

var passed = []int{3, 1, 2} // want "global: .* passed .* is handed to a function that may write it"

var sliced [4]byte // want "global: .* sliced .* is handed to a function that may write it"

var methods limits // want "global: .* methods .* has its method grow called"

var embedded = struct{ limits }{} // want "global: .* embedded .* has its method grow called"

var inTest = 1 // want "global: .* inTest .* is assigned \\(protocol/globals_test.go:6\\)"

// Exported is written by another package.
var Exported = 1 // want "global: .* Exported .* is assigned \\(server/node/node.go:9\\)"

var rows = []*limits{{1}, {2}} // want "global: .* rows .* is assigned"

var next = counting() // want "global: .* next .* may hold state that its initialiser made"

var source io.Reader = &bytes.Buffer{} // want "global: .* source .* may hold state"

var returned = []int{1} // want "global: .* returned .* is handed on, and can be written there"

var leaked = []option{{"a", []string{"x"}}} // want "global: .* leaked .* is handed on"

var shared, private int // want "global: .* shared .* is assigned"

type limits struct{ n int }

func (l *limits) grow()     { l.n++ }
func (l *limits) size() int { return l.n }

func writes(in []byte) {
	counter = 1
	increased++
	added += 2
	table["a"] = 1
	delete(deleted, "a")
	elements[1] = 1
	nested.inner.n = 1
	_ = &pointed
	pointer.n = 1
	for ranged = range 3 {
	}
	appended = nil
	_ = append(written, 1)
	copy(copied, in)
	alias := aliased
	alias[0] = 1
	sort.Ints(passed)
	io.ReadFull(nil, sliced[:])
	methods.grow()
	embedded.grow()
	for _, row := range rows {
		row.n = 1
	}
	shared, _ = private, next()
	source.Read(in)
}

func leaks() ([]int, []string) {
	for _, o := range leaked {
		return returned, o.values
	}
	return nil, nil
}

type option struct {
	name   string
	values []string
}

func counting() func() int {
	n := 0
	return func() int { n++; return n }
}

// What follows is only read.

var names = [...]string{"a", "b"}

var codes = map[string]int{"a": 1, "b": 2}

var magic = []byte("MAGIC")

var bounds = [4]byte{1, 2}

var order = []int{1, 2, 3}

var errSentinel = errors.New("sentinel")

// Error is an error of our own; nothing writes its field.
type Error struct{ code int }

// Error is the text.
func (e *Error) Error() string { return names[e.code] }

var errTyped = &Error{1}

var _ error = errTyped

type row struct {
	name string
	size int
}

var layout = [...]row{{"a", 1}, {"b", 2}}

var crc = makeTable()

var byKind = map[int]func(int) int{1: func(n int) int { return n }}

var fixed = limits{3}

func makeTable() (t [256]uint32) {
	for i := range t {
		t[i] = uint32(i)
	}
	return t
}

var options = []option{{"a", []string{"x"}}}

func optionNames() (names []string) {
	for _, o := range options {
		first := o.values
		names = append(names, o.name, first[0])
		names = append(names, o.values...)
	}
	return append(names, slices.Clone(options[0].values)...)
}

func rowOf(i int) *row { return &layout[i] }

func reads(in []byte) ([]byte, error) {
	if bytes.HasPrefix(in, magic) || bytes.Equal(in, bounds[:]) || slices.Contains(order, 1) {
		return nil, errSentinel
	}
	if codes[names[0]] == len(names) || string(magic) == "x" {
		return nil, errTyped
	}
	for i, r := range layout {
		in = binary.AppendUvarint(in, uint64(i+r.size+fixed.size()))
	}
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		in = append(in, name...)
	}
	in = append(in, magic...)
	n := copy(in, magic)
	copied := names
	copied[0] = "mine"
	return in[n:], errors.Join(errTyped, errSentinel, errors.New(rowOf(byKind[1](int(crc[0]))).name))
}
