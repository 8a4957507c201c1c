// The report directory: every file is there, says the same run, and needs no network.

package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

// failing is the incident: upstream's client against servers that fall silent.
func failing(t *testing.T) Result {
	t.Helper()
	s, err := Generate(ScenarioFullRestart, 0x5eed)
	require.NoError(t, err)
	s.Client, s.Server, s.Auth = ClientUpstreamSnapshot, ServerHang, AuthMandatory
	result, err := Run(t.Context(), s, Options{})
	require.NoError(t, err)
	require.Equal(t, VerdictViolation, result.Verdict)
	return result
}

func TestReportDirectory(t *testing.T) {
	result := failing(t)
	dir := t.TempDir()
	require.NoError(t, WriteReport(t.Context(), dir, &result))
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(data)
	}
	require.Equal(t, "simulate replay "+dir+"\n", read(ReportRepro))
	var config map[string]any
	require.NoError(t, json.Unmarshal([]byte(read(ReportConfig)), &config))
	require.Equal(t, result.TraceHash, config["trace_hash"])

	events, err := os.Open(filepath.Join(dir, ReportEvents))
	require.NoError(t, err)
	defer events.Close()
	reader, err := trace.NewReader(events)
	require.NoError(t, err)
	require.Equal(t, trace.FormatVersion, reader.Header().Version)
	count := uint64(0)
	var ev trace.Event
	for reader.Read(&ev) == nil {
		count++
	}
	require.Equal(t, result.Events, count)

	page := read(ReportPage)
	require.Contains(t, page, "the first frame is a query")
	require.Contains(t, page, "falls silent on it")
	require.Contains(t, page, "reconnect-converges is violated")
	require.Contains(t, read(ReportHistory), "down: killed")
	for _, html := range []string{page, read(ReportHistory)} {
		require.NotRegexp(t, `(?i)<(link|img|iframe|object|embed|base)\b|\bsrc=|@import|url\(|https?://[^w]`, html)
	}

	again := t.TempDir()
	require.NoError(t, WriteReport(t.Context(), again, &result))
	for _, name := range []string{ReportEvents, ReportTimeline} {
		data, err := os.ReadFile(filepath.Join(again, name))
		require.NoError(t, err)
		require.Equal(t, read(name), string(data), "the same run gives the same bytes")
	}
}
