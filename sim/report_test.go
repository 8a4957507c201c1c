// The report directory: every file is there, says the same run, and needs no network.

package sim

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// A report that was interrupted does not look whole, and neither does one of another run.
func TestReportIsOfTheWholeRun(t *testing.T) {
	result := failing(t)
	dir := t.TempDir()
	require.NoError(t, WriteReport(t.Context(), dir, &result), "what was there before")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, WriteReport(ctx, dir, &result), context.Canceled)
	left := func() (names []string) {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	require.Equal(t, []string{ReportConfig, ReportRepro, ReportScenario}, left())

	result.TraceHash = "v1-0000000000000000"
	require.ErrorContains(t, WriteReport(t.Context(), dir, &result), "gave trace hash v1-0000000000000000, and ")
	require.Equal(t, []string{ReportConfig, ReportRepro, ReportScenario}, left())
}

// The history shows what befell the cluster. A fault that could not begin did not: one that
// takes a node down that is down, and a leader's succession where there is nobody to succeed.
// The first line of a trace has what a reader takes: a scenario that is larger is beside it.
func TestTraceOfALargeScenario(t *testing.T) {
	s := Default()
	s.Watch = time.Second
	for range 15_000 {
		s.Workloads = append(s.Workloads, Workload{Client: 1, Start: time.Hour, EveryMin: time.Second, EveryMax: time.Second, Timeout: time.Second, Keys: 1})
		s.Drawn = append(s.Drawn, Drawn{Kind: FaultRestart, PerMille: 100, Min: time.Millisecond, Max: time.Second, Shape: shapeRolling})
		s.Faults = append(s.Faults, Fault{At: time.Second, Kind: FaultRestart, Node: metaName(1), Down: time.Second})
	}
	result := mustRun(t, s, Options{})
	dir := t.TempDir()
	require.NoError(t, WriteReport(t.Context(), dir, &result))
	scenario, err := os.Stat(filepath.Join(dir, ReportScenario))
	require.NoError(t, err)
	require.Greater(t, scenario.Size(), int64(trace.MaxLine))
	events, err := os.Open(filepath.Join(dir, ReportEvents))
	require.NoError(t, err)
	defer events.Close()
	r, err := trace.NewReader(events)
	require.NoError(t, err)
	require.Contains(t, string(r.Header().Config), result.TraceHash)
}

func TestHistoryHasTheFaultsThatBegan(t *testing.T) {
	s := Default()
	s.Metas, s.Watch = 1, 20*time.Second
	s.Ops = []Op{{At: 500 * time.Millisecond, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second}}
	s.Faults = []Fault{
		{At: time.Second, Kind: FaultRestart, Node: "meta-1", Down: time.Second},
		{At: 1500 * time.Millisecond, Kind: FaultPowerLoss, Node: "meta-1", Down: time.Second},
		{At: 3 * time.Second, Kind: FaultStaleLeader, Node: "meta-1", Down: time.Second},
		{At: 3 * time.Second, Kind: FaultDelay, Node: "meta-1", By: time.Millisecond, Down: time.Second},
	}
	history := historyOf(t, s)
	require.Contains(t, history, "down: killed")
	require.Contains(t, history, "delay node=meta-1")
	require.NotContains(t, history, FaultPowerLoss.String())
	require.NotContains(t, history, FaultStaleLeader.String())
}

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

// Every fault that lasts stands beside the operations, each once: outages as they came
// about, the others as the scenario has them.
func TestHistoryHasFaults(t *testing.T) {
	s := Default()
	s.Watch = 10 * time.Second
	s.Ops = []Op{{At: time.Second, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second}}
	s.Faults = []Fault{
		{At: 2 * time.Second, Kind: FaultRestart, Node: "replica-1", Down: time.Second},
		{At: 2 * time.Second, Kind: FaultPartition, Node: "client-1", Peer: "meta-1", Down: 3 * time.Second},
		{At: 3 * time.Second, Kind: FaultPause, Node: "replica-2", Down: time.Second},
		{At: 3 * time.Second, Kind: FaultDelay, Node: "client-1", By: 20 * time.Millisecond, Down: time.Second},
		{At: 3 * time.Second, Kind: FaultClog, Node: "client-2", Down: time.Second},
		{At: 4 * time.Second, Kind: FaultForgetFlows, Node: "client-1", Peer: "replica-1", By: time.Second, Down: time.Second},
	}
	page := historyOf(t, s)
	for _, words := range []string{
		"down: killed", "partition node=client-1 peer=meta-1 down=3s", "pause node=replica-2 down=1s", "delay node=client-1 by=20ms down=1s",
		"clog node=client-2 down=1s", "forget-flows node=client-1 peer=replica-1",
	} {
		require.Equal(t, 1, strings.Count(page, words), words)
	}
	require.NotContains(t, page, "restart node=replica-1", "it is the outage")
	require.Contains(t, page, "client-1 - meta-1")
}

// historyOf runs a scenario and returns the history.html of its report.
func historyOf(t *testing.T, s Scenario) string {
	t.Helper()
	result, err := Run(t.Context(), s, Options{})
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, WriteReport(t.Context(), dir, &result))
	history, err := os.ReadFile(filepath.Join(dir, ReportHistory))
	require.NoError(t, err)
	return string(history)
}
