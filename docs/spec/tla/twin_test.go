//go:build tlc

// TLC and model/check side by side: the same distinct states, the same verdicts.

package tla_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/session"
)

// twins are the names of the properties in TLA+.
var twins = map[string]string{
	session.AuthBeforeRequest:  "AuthBeforeRequest",
	session.FreshSession:       "FreshSession",
	session.SingleConnection:   "SingleConnection",
	session.CompleteOnce:       "CompleteOnce",
	session.ReconnectConverges: "ReconnectConverges",
	session.RequestsDrain:      "RequestsDrain",
}

// short is how many of the listed assignments a short run compares.
const short = 6

// listed are the assignments that are always compared, as changes to base.
var listed = []string{
	"",
	"Client=session",
	"Client=reset",
	"ServerMode=hang",
	"ServerMode=hang Client=session",
	"ServerMode=hang Client=reset",
	"ServerMode=fin",
	"ServerMode=fin Client=session",
	"ServerMode=fin Client=reset",
	"Client=session Rebuild=async ServerMode=hang",
	"Client=session Rebuild=sync ServerMode=hang",
	"Client=session ServerMode=hang Mandatory=false",
	"Losses=1 NPorts=2",
	"Losses=1 Earlies=1",
	"Losses=1 Earlies=1 NPorts=2",
	"Earlies=1 GiveUp=true ServerMode=hang",
	"Earlies=1 ByRemoval=false",
	"Losses=1 Earlies=1 PortReuse=true",
	"Losses=1 Earlies=1 PortReuse=true OldConn=glued",
	"Losses=1 Earlies=1 PortReuse=true OldConn=sticky ServerMode=hang",
	"Cyclic=false",
}

// base is small, so that TLC needs little time beside starting.
func base() session.Constants {
	c := session.Plain()
	c.R = 2
	return c
}

func TestSessionTwin(t *testing.T) {
	assignments := listed
	if testing.Short() {
		assignments = listed[:short]
	}
	for _, changes := range assignments {
		c := base()
		for _, change := range strings.Fields(changes) {
			name, value, _ := strings.Cut(change, "=")
			require.NoError(t, c.Set(name, value))
		}
		t.Run("listed "+changes, func(t *testing.T) {
			t.Parallel()
			compare(t, c)
		})
	}
}

func TestSessionTwinAtRandom(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("TLC_RANDOM"))
	require.NoError(t, err, "TLC_RANDOM is the number of assignments to draw")
	seed := uint64(1)
	if given := os.Getenv("TLC_SEED"); given != "" {
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for range count {
		c := draw(random)
		t.Run(inOneLine(c), func(t *testing.T) {
			t.Parallel()
			compare(t, c)
		})
	}
}

// draw returns an assignment with few enough states.
func draw(random *rand.Rand) session.Constants {
	for {
		c := session.Constants{
			NReq: 1 + random.IntN(3), K: 1 + random.IntN(3), NPorts: 1 + random.IntN(2),
			R: 1 + random.IntN(3), W: 1 + random.IntN(3),
			Crashes: random.IntN(3), Losses: random.IntN(2), Earlies: random.IntN(2),
			Client:     pick(random, session.ClientSession, session.ClientReset, session.ClientConn, session.ClientConn),
			Rebuild:    pick(random, session.RebuildNo, session.RebuildAsync, session.RebuildSync),
			ServerMode: pick(random, session.ServerFin, session.ServerHang, session.ServerReference),
			OldConn:    pick(random, session.OldConnTCP, session.OldConnGlued, session.OldConnOvertake, session.OldConnSticky),
			Mandatory:  random.IntN(3) > 0, PortReuse: random.IntN(2) > 0, GiveUp: random.IntN(2) > 0,
			ByRemoval: random.IntN(3) > 0, Cyclic: random.IntN(3) > 0,
		}
		if c.Client != session.ClientSession {
			c.Rebuild = session.RebuildNo
		}
		m, err := session.New(c)
		if err != nil {
			continue
		}
		result, err := check.Run(context.Background(), m, check.Options{MaxStates: 20_000})
		if err == nil && result.Complete {
			return c
		}
	}
}

func pick[T any](random *rand.Rand, values ...T) T { return values[random.IntN(len(values))] }

// compare runs both on one assignment.
func compare(t *testing.T, c session.Constants) {
	m, err := session.New(c)
	require.NoError(t, err)
	result, err := check.Run(context.Background(), m, check.Options{})
	require.NoError(t, err)
	require.True(t, result.Complete)
	violated := map[string]bool{}
	for _, v := range result.Violations {
		violated[v.Property] = true
	}

	var invariants []string
	for _, p := range m.Properties() {
		if p.Kind == check.Safety {
			invariants = append(invariants, twins[p.Name])
		}
	}
	safety := runTLC(t, c, "INVARIANTS TypeOK "+strings.Join(invariants, " "))
	assert.Equal(t, int(result.Distinct), safety.distinct, "distinct states")
	assert.NotContains(t, safety.violated, "TypeOK")
	for _, p := range m.Properties() {
		twin := twins[p.Name]
		require.NotEmpty(t, twin, p.Name)
		if p.Kind == check.Safety {
			assert.Equal(t, slices.Contains(safety.violated, twin), violated[p.Name], p.Name)
		} else {
			assert.Equal(t, runTLC(t, c, "PROPERTIES "+twin).temporal, violated[p.Name], p.Name)
		}
	}
}

// findings of one run of TLC.
type findings struct {
	distinct int
	violated []string // invariants
	temporal bool     // the temporal property
}

var (
	distinctLine  = regexp.MustCompile(`(?m)^\d+ states generated, (\d+) distinct states found, 0 states left on queue\.`)
	invariantLine = regexp.MustCompile(`(?m)^Error: Invariant (\w+) is violated`)
)

// runTLC checks Session.tla with the constants of c and what wanted asks for.
func runTLC(t *testing.T, c session.Constants, wanted string) findings {
	t.Helper()
	jar := os.Getenv("TLC_JAR")
	require.NotEmpty(t, jar, "TLC_JAR is the path of tla2tools.jar: see the script install beside this file")
	source, err := os.ReadFile("Session.tla")
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "Session.tla"), source, 0o600))
	configuration := "SPECIFICATION Spec\nCONSTANTS\n" + assignments(c) + wanted + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "Session.cfg"), []byte(configuration), 0o600))
	command := exec.Command("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir="+folder, "-cp", jar, "tlc2.TLC",
		"-deadlock", "-continue", "-workers", "1", "-config", "Session.cfg", "Session.tla")
	command.Dir = folder
	output, err := command.CombinedOutput()
	// TLC exits with 0, 12 (safety) or 13 (liveness); all else means that it did not check.
	code := command.ProcessState.ExitCode()
	require.Contains(t, []int{0, 12, 13}, code, "%v\n%s", err, tail(output))
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

func tail(output []byte) []byte { return output[max(0, len(output)-2000):] }

// assignments writes the constants as TLC reads them.
func assignments(c session.Constants) string {
	var b strings.Builder
	values := c.Values()
	for _, info := range session.Describe() {
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

func inOneLine(c session.Constants) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(assignments(c), " = ", "=")), " ")
}
