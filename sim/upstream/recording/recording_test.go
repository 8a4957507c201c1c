package recording

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func read(t testing.TB, name string) []Event {
	data, err := os.ReadFile(filepath.Join("..", "testdata", name+".ndjson"))
	require.NoError(t, err)
	events, err := Read(bytes.NewReader(data))
	require.NoError(t, err)
	return events
}

// TestInputs: what is done to the client in each recording.
func TestInputs(t *testing.T) {
	for name, want := range map[string]struct {
		leader     string
		operations int
		timeout    time.Duration
	}{
		"snapshot-hang":                        {"meta-1", 120, time.Second},
		"snapshot-hang-op5000":                 {"meta-1", 60, 5 * time.Second},
		"snapshot-hang-two-metas-idle":         {"meta-2", 14, time.Second},
		"snapshot-early-request-session-reset": {"meta-1", 78, time.Second},
	} {
		in, err := InputsOf(read(t, name))
		require.NoError(t, err, name)
		assert.Equal(t, []string{"meta-1", "meta-2"}, in.Metas, name)
		assert.Equal(t, []string{"replica-1", "replica-2"}, in.Replicas, name)
		assert.Equal(t, want.leader, in.Leader, name)
		assert.Len(t, in.Operations, want.operations, name)
		assert.Equal(t, want.timeout, in.OperationTimeout, name)
		assert.Equal(t, 200*time.Millisecond, in.Down, name)
		assert.Equal(t, "replica-1", in.Primaries[2], name)
		assert.Equal(t, "replica-2", in.Primaries[3], name)
		for i := 0; i < len(in.Operations); i += 2 {
			set, get := in.Operations[i], in.Operations[i+1]
			assert.True(t, set.Write && !get.Write, "%s: operations %d and %d are a set and a get", name, i, i+1)
			assert.Equal(t, set.Partition, get.Partition, "%s: operations %d and %d are on one key", name, i, i+1)
			assert.LessOrEqual(t, set.At, get.At)
		}
	}
}

// TestReactions: what the client does in two of them.
func TestReactions(t *testing.T) {
	const s = time.Second
	r := ReactionsOf(read(t, "snapshot-hang-two-metas-idle"))
	assert.Equal(t, []Kind{
		{"meta", "ERR_SESSION_RESET", 5 * s}, {"meta", "ERR_TIMEOUT", 10 * s},
		{"replica", "ERR_SESSION_RESET", 1 * s}, {"replica", "ERR_TIMEOUT", 10 * s},
	}, Kinds(r.Signatures, Measured()))
	assert.Len(t, r.Signatures, 16)
	assert.Len(t, r.Shapes, 16)
	assert.Equal(t, []string{"meta-1", "meta-2", "replica-1", "replica-2"}, r.Never)
	for _, shape := range r.Shapes {
		assert.Equal(t, Shape{shape.Role, ClassRequest, "LIST_MECHANISMS", "request", ByPeer}, shape)
	}

	r = ReactionsOf(read(t, "snapshot-early-request-session-reset"))
	assert.Empty(t, r.Signatures)
	assert.Empty(t, r.Never)
	require.Len(t, r.Shapes, 4)
	for _, shape := range r.Shapes {
		assert.True(t, strings.HasSuffix(shape.Negotiation, "CHALLENGE_RESP >SUCC"), shape.Negotiation)
		assert.Empty(t, shape.Died)
		assert.Empty(t, shape.WhileOpen().ClosedBy)
	}
}

// TestKinds: a signature that is of no known kind is not lost.
func TestKinds(t *testing.T) {
	known := []Kind{{"meta", "ERR_TIMEOUT", 10 * time.Second}}
	got := Kinds([]Signature{
		{"meta", "ERR_TIMEOUT", 10*time.Second + 99*time.Millisecond},
		{"meta", "ERR_TIMEOUT", 9*time.Second + 901*time.Millisecond},
		{"meta", "ERR_TIMEOUT", 10*time.Second + 101*time.Millisecond},
		{"replica", "ERR_TIMEOUT", 10 * time.Second},
	}, known)
	assert.Equal(t, []Kind{
		{"meta", "ERR_TIMEOUT", 10 * time.Second}, {"meta", "ERR_TIMEOUT", 10*time.Second + 101*time.Millisecond},
		{"replica", "ERR_TIMEOUT", 10 * time.Second},
	}, got)
	assert.Equal(t, got[1:], Missing(got, known))
	assert.Equal(t, "meta ERR_TIMEOUT at 10s", got[0].String())
}

// TestFailureIsOfTheLatestConnection: the client's log names no connection.
func TestFailureIsOfTheLatestConnection(t *testing.T) {
	events := []Event{
		{Millis: 1000, Ev: EvAccept, Node: "meta-1", Conn: 1},
		{Millis: 2000, Ev: EvAccept, Node: "meta-1", Conn: 2},
		{Millis: 3000, Ev: EvNegotiationFailed, Node: "meta-1", Err: "ERR_TIMEOUT"},
		{Millis: 4000, Ev: EvNegotiationFailed, Node: "meta-1", Err: "ERR_TIMEOUT"},
		{Millis: 5000, Ev: EvNegotiationFailed, Node: "meta-1", Err: "ERR_TIMEOUT"}, // of none
		{Millis: 6000, Ev: EvAccept, Node: "replica-1", Conn: 3},
		{Millis: 7000, Ev: EvNegotiationFailed, Node: "replica-1", Conn: 3, Err: "ERR_TIMEOUT"},
	}
	assert.Equal(t, []Signature{
		{"meta", "ERR_TIMEOUT", time.Second}, {"meta", "ERR_TIMEOUT", 3 * time.Second}, {"replica", "ERR_TIMEOUT", time.Second},
	}, ReactionsOf(events).Signatures)
}

// TestBadRecordings: what cannot be used is refused.
func TestBadRecordings(t *testing.T) {
	for _, text := range []string{"", "{", `{"t_ms":"now"}`, strings.Repeat("x", maxLine+1)} {
		_, err := Read(strings.NewReader(text))
		assert.ErrorIs(t, err, ErrRecording)
	}
	listen := `{"ev":"listen","node":"meta-1"}` + "\n" + `{"ev":"listen","node":"replica-1"}` + "\n"
	answer := `{"ev":"frame-out","node":"meta-1","err":"ERR_OK"}` + "\n"
	for _, text := range []string{
		`{"ev":"listen","node":"replica-1"}`, listen, listen + answer,
		listen + answer + `{"t_ms":5,"side":"application","ev":"set","took_ms":1}`,
	} {
		events, err := Read(strings.NewReader(text))
		require.NoError(t, err)
		_, err = InputsOf(events)
		assert.ErrorIs(t, err, ErrRecording)
	}
}

// FuzzRead: any text is a recording or is refused, and taking it apart does not panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"t_ms":1,"side":"server","ev":"accept","node":"meta-1","conn":1}`))
	f.Add([]byte(`{"t_ms":2,"side":"application","ev":"set","took_ms":1e300}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := Read(bytes.NewReader(data))
		if err != nil {
			require.ErrorIs(t, err, ErrRecording)
			return
		}
		ReactionsOf(events)
		if _, err = InputsOf(events); err != nil {
			require.ErrorIs(t, err, ErrRecording)
		}
	})
}
