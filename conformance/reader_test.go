// Traces as text: what is read, what is refused, and bytes that nobody meant.

package conformance

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/session"
	"github.com/a8011091/pegasus-reference/trace"
)

// text writes events as a trace.
func text(t testing.TB, config string, events []trace.Event) string {
	t.Helper()
	var b bytes.Buffer
	header := trace.Header{Tool: "test"}
	if config != "" {
		header.Config = []byte(config)
	}
	w, err := trace.NewWriter(&b, header)
	require.NoError(t, err)
	for i := range events {
		w.Emit(&events[i])
	}
	require.NoError(t, w.Flush())
	return b.String()
}

func TestReadNamesTheLine(t *testing.T) {
	k := conversation()
	spoiled[0].spoil(k)
	result, err := Read(t.Context(), strings.NewReader(text(t, "", k.events)), Options{})
	require.NoError(t, err)
	require.Equal(t, NotConforming, result.Verdict)
	require.Equal(t, int(result.First.Event)+1, result.First.Line)
}

func TestReadErrors(t *testing.T) {
	whole := text(t, "", conversation().events)
	for name, c := range map[string]struct{ text, says string }{
		"empty":         {"", "no header"},
		"another file":  {"{}\n", "no header"},
		"another line":  {whole + "{\"at_ns\":1}\n", "without a kind"},
		"another kind":  {whole + "{\"kind\":\"surprise\"}\n", "surprise"},
		"cut":           {whole[:len(whole)-5], "the last line is torn"},
		"a gap":         {strings.Replace(whole, "\n", "\n\n", 3), "line 2: the line is empty"},
		"other version": {strings.Replace(whole, `"trace_format":1`, `"trace_format":9`, 1), "version 9"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), strings.NewReader(c.text), Options{})
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := Read(t.Context(), strings.NewReader(whole), Options{Spec: "nonsense"})
	require.ErrorIs(t, err, ErrUnknownSpec)
}

// What was refused before a line that cannot be read is known, and that line is named.
func TestReadJudgesWhatIsBeforeTheError(t *testing.T) {
	k := conversation()
	good := text(t, "", k.events)
	spoiled[0].spoil(k)
	bad := text(t, "", k.events)
	for _, c := range []struct {
		name, text string
		verdict    Verdict
	}{
		{"torn", good[:len(good)-5], Inconclusive},
		{"refused, then torn", bad + `{"at_ns":`, NotConforming},
		{"damaged", good + "x\n" + good, Inconclusive},
		{"refused, then damaged", bad + "x\n" + good, NotConforming},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := Read(t.Context(), strings.NewReader(c.text), Options{})
			var line *trace.LineError
			require.ErrorAs(t, err, &line)
			require.Equal(t, line.Line, int(result.Events)+2, "every line before it was judged")
			require.Equal(t, err.Error(), result.Stopped)
			require.Equal(t, c.verdict, result.Verdict, result.Reason)
			requireWhole(t, &result)
		})
	}
}

// A close that the next event explains is no offence where that event was not read.
func TestTornBeforeTheExplanation(t *testing.T) {
	k := conversation()
	k.add("client", trace.KindClose, trace.Event{Conn: 2})
	closed := text(t, "", k.events)
	result, err := Read(t.Context(), strings.NewReader(closed), Options{})
	require.NoError(t, err)
	require.Equal(t, NotConforming, result.Verdict, "nothing explains it")

	result, err = Read(t.Context(), strings.NewReader(closed+`{"at_ns":`), Options{})
	require.ErrorIs(t, err, trace.ErrTorn)
	require.Equal(t, Inconclusive, result.Verdict, result.Reason)
	require.Zero(t, result.Refused)
}

func TestReadStops(t *testing.T) {
	var events []trace.Event
	for range 2 * progressEvery {
		events = append(events, trace.Event{Node: "client", Kind: trace.KindPost})
	}
	ctx, cancel := context.WithCancel(t.Context())
	progress := func(uint64) { cancel() }
	result, err := Read(ctx, strings.NewReader(text(t, "", events)), Options{Progress: progress})
	require.NoError(t, err)
	require.Equal(t, Inconclusive, result.Verdict)
	require.Contains(t, result.Reason, "interrupted after")
}

// With a hanging server, an offence that is answered by silence is a step; with the
// reference, whose policy is to refuse, it is none.
func TestServerOfTheHeader(t *testing.T) {
	for config, want := range map[string]session.ServerMode{
		`{"server":"hang","early_request":"refuse"}`:     session.ServerHang,
		`{"server":"fin"}`:                               session.ServerFin,
		`{"server":"reference","early_request":"hang"}`:  session.ServerHang,
		`{"server":"reference","early_request":"close"}`: session.ServerFin,
		`{"server":"reference","early_request":"hold"}`:  "",
		`{"server":7}`: "",
	} {
		reader, err := trace.NewReader(strings.NewReader(text(t, config, nil)))
		require.NoError(t, err)
		require.Equal(t, want, serverOf(reader.Header()), config)
	}
}

// requireWhole: every event is counted, and a refusal says why.
func requireWhole(t *testing.T, result *Result) {
	t.Helper()
	require.Equal(t, result.Events, result.Steps+result.Stuttering)
	require.Equal(t, result.Verdict == NotConforming, result.First != nil)
	if result.First == nil {
		return
	}
	require.NoError(t, result.First.Tell(io.Discard))
	require.NotEmpty(t, result.First.Clause)
	require.NotEmpty(t, result.First.Why)
}

func FuzzRead(f *testing.F) {
	whole := text(f, `{"server":"hang"}`, conversation().events)
	f.Add(whole)
	for _, c := range spoiled {
		k := conversation()
		c.spoil(k)
		f.Add(text(f, "", k.events))
	}
	f.Add(text(f, "", lookedUpTwice().events))
	lines := strings.SplitAfter(whole, "\n")
	for i := range lines {
		f.Add(lines[0] + strings.Join(lines[i:], ""))
	}
	f.Fuzz(func(t *testing.T, data string) {
		for _, spec := range Specs() {
			result, err := Read(t.Context(), strings.NewReader(data), Options{Spec: spec, MaxStates: 256})
			if err != nil {
				return
			}
			requireWhole(t, &result)
		}
	})
}
