// Golden scripts: the incident as a timeline in words, at the level of the models.

package upstream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/upstream/recording"
)

// TestGolden runs testdata/golden. One command:
//
//	run client=upstream-snapshot server=hang auth=mandatory seed=1 from=0s until=15s
//
// and in its input one operation a line: time, set or get, partition.
func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			require.Equal(t, "run", td.Cmd)
			return runGolden(t, td)
		})
	})
}

func runGolden(t *testing.T, td *datadriven.TestData) string {
	var client, server, auth, from, until string
	var seed uint64
	td.ScanArgs(t, "client", &client)
	td.ScanArgs(t, "server", &server)
	td.ScanArgs(t, "auth", &auth)
	td.ScanArgs(t, "seed", &seed)
	td.ScanArgs(t, "from", &from)
	td.ScanArgs(t, "until", &until)
	s := setup{inputs: cluster(time.Second, parseDuration(t, until)), refuse: server == "refuse"}
	s.release = map[string]upstream.Release{"upstream-2.5.0": upstream.Release250, "upstream-snapshot": upstream.ReleaseSnapshot}[client]
	s.golang = client == upstream.GoName
	s.mode = map[string]upstream.ServerMode{"fin": upstream.ModeFin, "hang": upstream.ModeHang, "refuse": upstream.ModeHang}[server]
	s.auth = map[string]upstream.Auth{"off": upstream.AuthOff, "optional": upstream.AuthOptional, "mandatory": upstream.AuthMandatory}[auth]
	s.inputs.Operations = nil
	for line := range strings.SplitSeq(td.Input, "\n") {
		f := strings.Fields(line)
		require.Len(t, f, 3, "time, set or get, partition")
		var p int
		_, err := fmt.Sscan(f[2], &p)
		require.NoError(t, err)
		s.inputs.Operations = append(s.inputs.Operations, recording.Operation{At: parseDuration(t, f[0]), Write: f[1] == "set", Partition: p})
	}
	var out strings.Builder
	for _, e := range newDriver(t, seed, s).run(s.inputs.End) {
		if e.At() >= parseDuration(t, from) {
			fmt.Fprintf(&out, "%7.2fs %s\n", e.At().Seconds(), words(&e))
		}
	}
	return out.String()
}

func parseDuration(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}

func words(e *recording.Event) string {
	rpc := strings.NewReplacer("RPC_RRDB_RRDB_", "", "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX", "QUERY", "RPC_", "", "_ACK", "").Replace(e.RPC)
	rpc = strings.TrimSpace(rpc + " " + strings.TrimPrefix(e.Neg, "SASL_"))
	where := fmt.Sprintf("%s #%d", e.Node, e.Conn)
	switch e.Ev {
	case recording.EvFrameIn:
		return where + " <- " + rpc
	case recording.EvFrameOut:
		return where + " -> " + rpc + " " + e.Err
	case recording.EvAccept:
		return where + " accepts"
	case recording.EvDead:
		return where + " gives the session up: " + e.Why
	case recording.EvClose:
		return strings.TrimSpace(where + " closed by " + e.By + " " + e.Why)
	case recording.EvNegotiationFailed:
		return where + " client: negotiation failed, " + e.Err
	case recording.EvUnresponsive:
		return e.Node + " client: closes the unresponsive session"
	}
	return "application: " + e.Ev + " " + e.Result
}
