// Tests of the hash, the sinks, and of text written and read back.

package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

// sample has an event of every kind that differs in every field from its neighbours.
func sample() []Event {
	return []Event{
		{AtNS: 0, Node: "client-1", Kind: KindNodeUp},
		{AtNS: 10, Node: "client-1", Kind: KindDial, Conn: 1, Peer: "10.0.0.1:34801"},
		{AtNS: 1_000_010, Node: "client-1", Kind: KindConnected, Conn: 1, Peer: "10.0.0.1:34801", Addr: "10.0.1.1:40000"},
		{AtNS: 1_000_020, Node: "client-1", Kind: KindFrameOut, Conn: 1, RPC: "RPC_NEGOTIATION", Seq: -7, Neg: "SASL_LIST_MECHANISMS", Code: "ERR_OK", Size: 68, First: true},
		{AtNS: 2_000_000, Node: "replica-1", Kind: KindBytes, Conn: 1, Size: 3, Data: []byte{1, 2, 3}},
		{AtNS: 3_000_000, Node: "replica-1", Kind: KindTimer, Timer: 1<<32 | 4},
		{AtNS: 4_000_000, Node: "replica-1", Kind: KindExecute, Conn: 1, RPC: "RPC_RRDB_RRDB_GET", Principal: "alice@EXAMPLE.COM"},
		{AtNS: 5_000_000, Node: "client-1", Kind: KindNegotiation, Conn: 1, State: "failed", Code: "ERR_TIMEOUT", AgeNS: 10_000_000_000, Note: "<quoted> \"text\" & ü"},
		{AtNS: 6_000_000, Node: "client-1", Kind: KindInvoke, Op: 9, RPC: "put", Key: "k1"},
	}
}

func hashOf(events []Event) uint64 {
	h := NewHasher()
	for i := range events {
		h.Emit(&events[i])
	}
	return h.Sum()
}

func TestFlippingOneDeliveredByteChangesTheHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{1, 2, 31, 32, 33, 4000, hashChunk - 20, hashChunk, 3 * hashChunk}).Draw(t, "size")
		at := rapid.IntRange(0, size-1).Draw(t, "at")
		bit := rapid.IntRange(0, 7).Draw(t, "bit")
		events := sample()
		events[4].Data = bytes.Repeat([]byte{0x5a}, size)
		before := hashOf(events)
		events[4].Data[at] ^= 1 << bit
		require.NotEqual(t, before, hashOf(events), "bit %d of byte %d of %d", bit, at, size)
	})
}

func TestEveryFieldCountsInTheHash(t *testing.T) {
	before := hashOf([]Event{{}})
	typ := reflect.TypeFor[Event]()
	for i := range typ.NumField() {
		var ev Event
		field := reflect.ValueOf(&ev).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Uint8, reflect.Uint64:
			field.SetUint(1)
		case reflect.Int, reflect.Int32, reflect.Int64:
			field.SetInt(-1)
		case reflect.Slice:
			field.SetBytes([]byte{0})
		default:
			t.Fatalf("field %s has kind %s: say how it is hashed", typ.Field(i).Name, field.Kind())
		}
		assert.NotEqual(t, before, hashOf([]Event{ev}), typ.Field(i).Name)
	}
}

// TestEncodingIsUnambiguous moves text and bytes across the borders of fields and events.
func TestEncodingIsUnambiguous(t *testing.T) {
	different := [][]Event{
		{{Peer: "ab"}},
		{{Peer: "a", Addr: "b"}},
		{{Addr: "ab"}},
		{{Note: "ab"}},
		{{Data: []byte("ab")}},
		{{Data: []byte("a")}, {Data: []byte("b")}},
		{{Data: []byte("ab")}, {}},
		{{}, {Data: []byte("ab")}},
	}
	seen := map[uint64]int{}
	for i, events := range different {
		sum := hashOf(events)
		earlier, ok := seen[sum]
		assert.False(t, ok, "%d and %d have the same hash", earlier, i)
		seen[sum] = i
	}
}

// TestHashIsPinned fails when the encoding changes without FormatVersion: then old hashes
// in reports would silently mean something else.
func TestHashIsPinned(t *testing.T) {
	h := NewHasher()
	events := sample()
	for i := range events {
		h.Emit(&events[i])
	}
	assert.Equal(t, "v1-2fe143d4f15c7eea", h.String())
	assert.Equal(t, uint64(len(events)), h.Events())
}

func TestSumMayBeAskedForInBetween(t *testing.T) {
	h := NewHasher()
	events := sample()
	for i := range events {
		h.Emit(&events[i])
		assert.Equal(t, hashOf(events[:i+1]), h.Sum())
	}
}

func TestEmitDoesNotAllocate(t *testing.T) {
	h := NewHasher()
	r := NewRecorder(8)
	var sink Sink = Fanout{h, r}
	events := sample()
	emit := func() {
		for i := range events {
			sink.Emit(&events[i])
		}
	}
	emit()
	assert.Zero(t, testing.AllocsPerRun(1000, emit))
}

func TestRecorderKeepsTheLatest(t *testing.T) {
	r := NewRecorder(3)
	for i := range 5 {
		assert.Equal(t, min(i, 3), r.Len())
		r.Emit(&Event{AtNS: int64(i), Kind: KindBytes, Data: []byte{1}})
	}
	assert.Equal(t, []Event{{AtNS: 2, Kind: KindBytes}, {AtNS: 3, Kind: KindBytes}, {AtNS: 4, Kind: KindBytes}}, r.Events())
	assert.Equal(t, uint64(2), r.Dropped())
}

func TestKindNamesAreDistinctAndReadBack(t *testing.T) {
	for k := KindNone; k < kindEnd; k++ {
		name := k.String()
		require.NotEmpty(t, name, "kind %d", k)
		back, err := ParseKind(name)
		require.NoError(t, err)
		assert.Equal(t, k, back)
	}
	_, err := ParseKind("dail")
	assert.ErrorContains(t, err, "dail")
	_, err = (kindEnd).MarshalText()
	assert.Error(t, err)
	assert.Equal(t, "kind(255)", Kind(255).String())
}

func writeSample(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, Header{Tool: "0.1.0", Config: json.RawMessage(`{"seed":"0x5eed"}`)})
	require.NoError(t, err)
	events := sample()
	for i := range events {
		w.Emit(&events[i])
	}
	require.NoError(t, w.Flush())
	return out.Bytes()
}

func TestWriterMatchesGoldenFile(t *testing.T) {
	const golden = "testdata/sample.ndjson"
	got := writeSample(t)
	if *rewrite {
		require.NoError(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestReaderReturnsWhatWasWrittenWithoutData(t *testing.T) {
	r, err := NewReader(bytes.NewReader(writeSample(t)))
	require.NoError(t, err)
	assert.Equal(t, FormatVersion, r.Header().Version)
	assert.Equal(t, "0.1.0", r.Header().Tool)
	assert.JSONEq(t, `{"seed":"0x5eed"}`, string(r.Header().Config))
	for i, want := range sample() {
		want.Data = nil
		var got Event
		require.NoError(t, r.Read(&got))
		assert.Equal(t, want, got)
		assert.Equal(t, i+2, r.Line())
	}
	assert.ErrorIs(t, r.Read(new(Event)), io.EOF)
}

func TestReaderRefusesAnotherVersion(t *testing.T) {
	_, err := NewReader(strings.NewReader(`{"format":"pegasus-reference-trace","trace_format":2,"something_new":[]}`))
	var version *VersionError
	require.ErrorAs(t, err, &version)
	assert.Equal(t, VersionError{Got: 2, Want: FormatVersion}, *version)
	assert.ErrorContains(t, err, "line 1")
	assert.ErrorContains(t, err, "version 2 cannot be read")
}

func TestReaderRefusesWhatIsNoTrace(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                "",
		"not JSON":             "hello\n",
		"another JSON":         `{"kind":"run"}`,
		"an event":             `{"at_ns":1,"kind":"dial"}`,
		"unknown header field": `{"format":"pegasus-reference-trace","trace_format":1,"x":1}`,
	} {
		_, err := NewReader(strings.NewReader(text))
		require.ErrorIs(t, err, ErrNoHeader, name)
		assert.ErrorContains(t, err, "line 1", name)
	}
}

func TestReaderSaysWhichLineIsWrong(t *testing.T) {
	const header = `{"format":"pegasus-reference-trace","trace_format":1}` + "\n"
	const good = `{"at_ns":1,"kind":"dial"}` + "\n"
	for name, bad := range map[string]string{
		"unknown kind":   `{"at_ns":1,"kind":"dail"}`,
		"unknown field":  `{"at_ns":1,"kind":"dial","colour":"red"}`,
		"no kind":        `{"at_ns":1}`,
		"null":           `null`,
		"two objects":    `{"at_ns":1,"kind":"dial"} {"at_ns":1,"kind":"dial"}`,
		"cut off":        `{"at_ns":1,"kind":"di`,
		"empty line":     "\n" + good,
		"blank line":     " \t\n" + good,
		"a key twice":    `{"at_ns":1,"kind":"dial","kind":"listen"}`,
		"key twice, 2":   `{"at_ns":1,"note":"a,\"b\\","kind":"dial", "note":null}`,
		"another case":   `{"at_ns":1,"Kind":"dial"}`,
		"escaped key":    `{"at_ns":1,"\u006bind":"dial"}`,
		"number too big": `{"at_ns":99999999999999999999,"kind":"dial"}`,
	} {
		r, err := NewReader(strings.NewReader(header + good + bad))
		require.NoError(t, err, name)
		require.NoError(t, r.Read(new(Event)), name)
		var line *LineError
		err = r.Read(new(Event))
		require.ErrorAs(t, err, &line, name)
		require.NotErrorIs(t, err, io.EOF, "%s is not the end of the trace", name)
		assert.Equal(t, 3, line.Line, name)
	}
}

// A text that ends in the middle of an event was cut off; whatever else is wrong is not that.
func TestReaderKnowsATornLine(t *testing.T) {
	const header = `{"format":"pegasus-reference-trace","trace_format":1}` + "\n"
	const whole = `{"at_ns":1,"kind":"dial","note":"a"}`
	for cut := 1; cut < len(whole); cut++ {
		r, err := NewReader(strings.NewReader(header + whole + "\n" + whole[:cut]))
		require.NoError(t, err)
		require.NoError(t, r.Read(new(Event)))
		err = r.Read(new(Event))
		require.ErrorIs(t, err, ErrTorn, whole[:cut])
		require.ErrorContains(t, err, "line 3", whole[:cut])
	}
	for name, text := range map[string]string{
		"it has an end":        whole[:9] + "\n",
		"there is more":        whole[:9] + "\n" + whole,
		"another field":        `{"at_ns":1,"kind":"dial","colour":"red"}`,
		"no kind":              `{"at_ns":1}`,
		"two objects":          whole + whole + "\n",
		"a block that is zero": "\x00\x00\n",
	} {
		r, err := NewReader(strings.NewReader(header + text))
		require.NoError(t, err, name)
		err = r.Read(new(Event))
		require.Error(t, err, name)
		require.NotErrorIs(t, err, ErrTorn, name)
	}
	r, err := NewReader(strings.NewReader(header + whole))
	require.NoError(t, err)
	require.NoError(t, r.Read(new(Event)), "nothing of it is missing but its end")
}

func TestReaderBoundsLines(t *testing.T) {
	_, err := NewReader(strings.NewReader(strings.Repeat("x", MaxLine+1)))
	require.ErrorIs(t, err, ErrLineTooLong)
	text := string(writeSample(t)) + `{"note":"` + strings.Repeat("x", MaxLine) + `"}`
	r, err := NewReader(strings.NewReader(text))
	require.NoError(t, err)
	for err == nil {
		err = r.Read(new(Event))
	}
	var line *LineError
	require.ErrorAs(t, err, &line)
	assert.ErrorIs(t, err, ErrLineTooLong)
	assert.Equal(t, len(sample())+2, line.Line)
}

func TestReaderTakesTheLongestLine(t *testing.T) {
	const begin, end = `{"at_ns":0,"kind":"post","note":"`, `"}`
	sampled := string(writeSample(t))
	header := sampled[:strings.IndexByte(sampled, '\n')+1]
	for _, after := range []string{"\n", ""} {
		for more, want := range []error{nil, ErrLineTooLong} {
			line := begin + strings.Repeat("x", MaxLine-len(begin)-len(end)+more) + end
			r, err := NewReader(strings.NewReader(header + line + after))
			require.NoError(t, err)
			require.ErrorIs(t, r.Read(new(Event)), want, "a line of %d bytes, and %q", len(line), after)
		}
	}
}

// A header that no Reader takes is not written.
func TestWriterBoundsItsHeader(t *testing.T) {
	config := func(size int) Header { return Header{Config: []byte(`"` + strings.Repeat("x", size) + `"`)} }
	var out bytes.Buffer
	_, err := NewWriter(&out, config(MaxLine))
	require.ErrorIs(t, err, ErrLineTooLong)
	require.Empty(t, out.Bytes())
	w, err := NewWriter(&out, config(MaxLine-200))
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	_, err = NewReader(&out)
	require.NoError(t, err)
}

type brokenPipe struct{ err error }

func (b brokenPipe) Write([]byte) (int, error) { return 0, b.err }

func TestWriterKeepsItsFirstError(t *testing.T) {
	broken := errors.New("broken")
	w, err := NewWriter(brokenPipe{broken}, Header{})
	require.NoError(t, err, "the header is still in the buffer")
	for range 4000 {
		w.Emit(&Event{Kind: KindDial, Note: "fills the buffer in a while"})
	}
	require.ErrorIs(t, w.Err(), broken)
	require.ErrorIs(t, w.Flush(), broken)

	w, err = NewWriter(io.Discard, Header{})
	require.NoError(t, err)
	w.Emit(&Event{Kind: 255})
	assert.ErrorContains(t, w.Flush(), "line 2")
}

// FuzzReader: whatever is read without error is written and read back the same.
func FuzzReader(f *testing.F) {
	golden, err := os.ReadFile("testdata/sample.ndjson")
	require.NoError(f, err)
	f.Add(golden)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := NewReader(bytes.NewReader(text))
		if err != nil {
			var line *LineError
			require.ErrorAs(t, err, &line)
			return
		}
		var out bytes.Buffer
		w, err := NewWriter(&out, r.Header())
		require.NoError(t, err)
		var events []Event
		for {
			var ev Event
			if err := r.Read(&ev); err != nil {
				break
			}
			w.Emit(&ev)
			events = append(events, ev)
		}
		require.NoError(t, w.Flush())
		again, err := NewReader(&out)
		require.NoError(t, err)
		for _, want := range events {
			var got Event
			require.NoError(t, again.Read(&got))
			require.Equal(t, want, got)
		}
		require.ErrorIs(t, again.Read(new(Event)), io.EOF)
	})
}

func BenchmarkHasher(b *testing.B) {
	h := NewHasher()
	ev := Event{AtNS: 123_456_789, Node: "replica-1", Kind: KindBytes, Conn: 77, Size: 128, Data: make([]byte, 128)}
	b.ReportAllocs()
	for b.Loop() {
		ev.AtNS += 1000
		h.Emit(&ev)
	}
}

func BenchmarkReader(b *testing.B) {
	events := sample()
	var out bytes.Buffer
	w, err := NewWriter(&out, Header{})
	require.NoError(b, err)
	for i := range events {
		w.Emit(&events[i])
	}
	require.NoError(b, w.Flush())
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(out.Bytes()))
		require.NoError(b, err)
		for err == nil {
			err = r.Read(&Event{})
		}
		require.ErrorIs(b, err, io.EOF)
	}
	b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "events/s")
}
