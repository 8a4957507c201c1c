//go:build tlc

// The timeouts specification and its twin: the same distinct states, the same verdicts.

package tla_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/timeouts"
)

// timeoutsTwins are the names of the properties in TLA+. NeverFinishes is the negation of
// can-finish, as an invariant.
var timeoutsTwins = map[string]string{
	timeouts.Converges:              "Converges",
	timeouts.NonZeno:                "NonZeno",
	timeouts.DoneByCap:              "DoneByCap",
	timeouts.NoTimeout:              "NoTimeout",
	timeouts.NoReset:                "NoReset",
	timeouts.NoTimeoutAt10:          "NoTimeoutAt10",
	timeouts.NoResetAt5:             "NoResetAt5",
	timeouts.NoResetAt0:             "NoResetAt0",
	timeouts.OnlyReportedSignatures: "OnlyReportedSignatures",
	timeouts.CanFinish:              "NeverFinishes",
}

// timeoutsApart are all invariants. TLC names only the first that a state violates, so
// those in one run are such that no state violates two of them.
var timeoutsApart = []string{
	"NoTimeout NoReset",
	"NoTimeoutAt10 NoResetAt5 OnlyReportedSignatures",
	"NoResetAt0",
	"DoneByCap NeverFinishes",
}

// timeoutsListed are the assignments that are always compared: a configuration and
// changes to it. A short run takes the first three.
var timeoutsListed = []struct {
	name    string
	from    func() timeouts.Constants
	changes string
}{
	{"default", timeouts.Default, ""},
	{"incident", timeouts.Incident, ""},
	{"incident", timeouts.Incident, "Away=0 Cap=0"},
	{"default", timeouts.Default, "TSrv=3"},
	{"default", timeouts.Default, "TSrv=3 ServerMode=hang"},
	{"default", timeouts.Default, "TSrv=4"},
	{"default", timeouts.Default, "Client=session ServerMode=fin Backoff=0 SynDelay=0"},
	{"default", timeouts.Default, "Client=session ServerMode=reference Backoff=0"},
	{"default", timeouts.Default, "D=4 TNeg=16 Cap=0"},
	{"default", timeouts.Default, "D=40 TNeg=200 TSrv=0 Cap=0"},
	{"incident", timeouts.Incident, "Cap=0"},
	{"incident", timeouts.Incident, "NegFirst=true Cap=0"},
	{"incident", timeouts.Incident, "Away=0 NegFirst=true Cap=0"},
	{"incident", timeouts.Incident, "TQ=1 Away=0 Win=7 Cap=0"},
}

func TestTimeoutsTwin(t *testing.T) {
	listed := timeoutsListed
	if testing.Short() {
		listed = listed[:3]
	}
	for _, l := range listed {
		c := l.from()
		for _, change := range strings.Fields(l.changes) {
			name, value, _ := strings.Cut(change, "=")
			require.NoError(t, c.Set(name, value))
		}
		t.Run(fmt.Sprintf("listed %s %s", l.name, l.changes), func(t *testing.T) {
			t.Parallel()
			compareTimeouts(t, c)
		})
	}
}

func TestTimeoutsTwinAtRandom(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("TLC_RANDOM"))
	require.NoError(t, err, "TLC_RANDOM is the number of assignments to draw")
	seed := uint64(1)
	if given := os.Getenv("TLC_SEED"); given != "" {
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
	}
	random := rand.New(rand.NewPCG(seed, 1))
	for range count {
		c := drawTimeouts(random)
		t.Run(strings.Join(strings.Fields(strings.ReplaceAll(timeoutsAssignments(c), " = ", "=")), " "), func(t *testing.T) {
			t.Parallel()
			compareTimeouts(t, c)
		})
	}
}

// drawTimeouts returns an assignment in which timers often meet.
func drawTimeouts(random *rand.Rand) timeouts.Constants {
	return timeouts.Constants{
		TNeg: random.IntN(12), PerMessage: random.IntN(2) > 0, TQ: random.IntN(8), Win: random.IntN(20),
		TSrv: random.IntN(12), D: random.IntN(5), R: 1 + random.IntN(4), SynDelay: random.IntN(3),
		Backoff: random.IntN(3), Away: random.IntN(6), NegFirst: random.IntN(2) > 0,
		Client:     pick(random, timeouts.ClientSession, timeouts.ClientConn),
		ServerMode: pick(random, timeouts.ServerFin, timeouts.ServerHang, timeouts.ServerReference),
		Mandatory:  random.IntN(3) > 0, Cap: random.IntN(2) * random.IntN(40),
	}
}

// compareTimeouts runs both on one assignment.
func compareTimeouts(t *testing.T, c timeouts.Constants) {
	m, err := timeouts.New(c)
	require.NoError(t, err)
	result, err := check.Run(context.Background(), m, check.Options{})
	require.NoError(t, err)
	require.True(t, result.Complete)
	violated := map[string]bool{}
	for _, v := range result.Violations {
		violated[v.Property] = true
	}

	broken := map[string]bool{}
	for _, together := range timeoutsApart {
		safety := runTimeouts(t, c, "INVARIANTS TypeOK "+together)
		assert.Equal(t, int(result.Distinct), safety.distinct, "distinct states")
		assert.NotContains(t, safety.violated, "TypeOK")
		for _, v := range safety.violated {
			broken[v] = true
		}
	}
	for _, p := range m.Properties() {
		twin := timeoutsTwins[p.Name]
		require.NotEmpty(t, twin, p.Name)
		switch p.Kind {
		case check.Safety:
			assert.Equal(t, broken[twin], violated[p.Name], p.Name)
		case check.Reachability:
			assert.Equal(t, !broken[twin], violated[p.Name], p.Name)
		default:
			assert.Equal(t, runTimeouts(t, c, "PROPERTIES "+twin).temporal, violated[p.Name], p.Name)
		}
	}
}

// runTimeouts checks Timeouts.tla with the constants of c and what wanted asks for.
func runTimeouts(t *testing.T, c timeouts.Constants, wanted string) findings {
	t.Helper()
	jar := os.Getenv("TLC_JAR")
	require.NotEmpty(t, jar, "TLC_JAR is the path of tla2tools.jar: see the script install beside this file")
	source, err := os.ReadFile("Timeouts.tla")
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "Timeouts.tla"), source, 0o600))
	configuration := "SPECIFICATION Spec\nCONSTANTS\n" + timeoutsAssignments(c) + wanted + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "Timeouts.cfg"), []byte(configuration), 0o600))
	command := exec.Command("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jar, "tlc2.TLC",
		"-deadlock", "-continue", "-workers", "1", "-config", "Timeouts.cfg", "Timeouts.tla")
	command.Dir = folder
	output, err := command.CombinedOutput()
	require.Contains(t, []int{0, 12, 13}, command.ProcessState.ExitCode(), "%v\n%s", err, tail(output))
	var f findings
	if counts := distinctLine.FindAllSubmatch(output, -1); len(counts) > 0 {
		f.distinct, err = strconv.Atoi(string(counts[len(counts)-1][1]))
		require.NoError(t, err)
	}
	for _, match := range invariantLine.FindAllSubmatch(output, -1) {
		f.violated = append(f.violated, string(match[1]))
	}
	f.temporal = bytes.Contains(output, []byte("Temporal properties were violated"))
	return f
}

// timeoutsAssignments writes the constants as TLC reads them.
func timeoutsAssignments(c timeouts.Constants) string {
	var b strings.Builder
	values := c.Values()
	for _, info := range timeouts.Describe() {
		switch v := values[info.Name].(type) {
		case string:
			fmt.Fprintf(&b, "  %s = %q\n", info.Name, v)
		case bool:
			fmt.Fprintf(&b, "  %s = %s\n", info.Name, strings.ToUpper(strconv.FormatBool(v)))
		default:
			fmt.Fprintf(&b, "  %s = %v\n", info.Name, v)
		}
	}
	return b.String()
}
