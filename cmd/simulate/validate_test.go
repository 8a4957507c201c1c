// simulate validate and run --validate: exit statuses, one object of JSON, and what is
// shown of a refusal.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inOneDirectory runs command lines in the same directory, where files stay.
func inOneDirectory(t *testing.T, lines ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, line := range lines {
		var out, err strings.Builder
		code = execute(strings.Fields(line), &out, &err)
		stdout, stderr = out.String(), err.String()
	}
	return code, stdout, stderr
}

func TestValidateReport(t *testing.T) {
	code, out, stderr := inOneDirectory(t, "run --seed 3 --report r", "validate r --json")
	require.Equal(t, exitHeld, code, stderr)
	require.Equal(t, 1, strings.Count(out, "\n"))
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &object))
	require.Equal(t, "validate", object["kind"])
	require.Equal(t, "conforming", object["verdict"])
	require.Nil(t, object["first"])
}

func TestValidateRefuses(t *testing.T) {
	code, out, stderr := inOneDirectory(t, "run --client upstream-snapshot --server hang --seed 0x5eed --report r", "validate r/events.ndjson")
	require.Equal(t, exitNotConforming, code, stderr)
	for _, part := range []string{
		"not-conforming", "clause P1: auth-before-request", "its flag is still set from conn", "possible before it, state 1 of", "could have happened:",
	} {
		require.Contains(t, out, part)
	}
}

// What follows a refusal is what each specification judges anew.
func TestValidateSaysWhatIsJudgedAnew(t *testing.T) {
	const run = "run --client upstream-snapshot --server hang --seed 0x5eed --report r"
	code, out, stderr := inOneDirectory(t, run, "validate r")
	require.Equal(t, exitNotConforming, code, stderr)
	require.Contains(t, out, "refused; after one, a session is judged anew from its next dial.")
	code, out, stderr = inOneDirectory(t, run, "validate r --spec routing")
	require.Equal(t, exitNotConforming, code, stderr)
	require.NotContains(t, out, "a session is judged anew")
	require.Contains(t, out, "refused; after one, a table is judged anew when its client has read it again.")
}

// A trace that was cut off tells what was refused before that, and that it was.
func TestValidateATornTrace(t *testing.T) {
	dir := t.TempDir()
	torn := dir + "/torn.ndjson"
	cut := func(line string) string {
		t.Helper()
		_, _, stderr := simulate(t, append(strings.Fields(line), "--seed", "0x5eed", "--report", dir+"/r")...)
		events, err := os.ReadFile(dir + "/r/events.ndjson")
		require.NoError(t, err, stderr)
		require.NoError(t, os.WriteFile(torn, events[:len(events)-9], 0o600))
		return fmt.Sprintf("trace: line %d: the last line is torn", bytes.Count(events, []byte("\n")))
	}
	says := cut("run --client upstream-snapshot --server hang")
	code, out, stderr := simulate(t, "validate", torn)
	require.Equal(t, exitNotConforming, code, stderr)
	require.Contains(t, out, "clause P1: auth-before-request")
	require.Contains(t, out, "NOT read to its end: "+says)

	code, out, _ = simulate(t, "validate", torn, "--json")
	require.Equal(t, exitNotConforming, code)
	require.Contains(t, out, `"verdict":"not-conforming"`)
	require.Contains(t, out, `"stopped":"`+says)

	says = cut("run")
	code, out, stderr = simulate(t, "validate", torn)
	require.Equal(t, exitInconclusive, code, stderr)
	require.Contains(t, out, "inconclusive")
	require.Contains(t, out, says)
}

// What docs/conformance.md shows of a refusal is what its second command prints.
func TestValidatePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/conformance.md")
	require.NoError(t, err)
	lines := strings.Split(string(page), "\n")
	first := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "    event ") })
	require.Positive(t, first)
	_, out, _ := inOneDirectory(t, "run --client upstream-snapshot --server hang --report report", "validate report")
	for _, line := range lines[first : first+4] {
		require.Contains(t, out, strings.TrimPrefix(line, "    ")+"\n")
	}
}

func TestRunValidates(t *testing.T) {
	code, out, stderr := simulate(t, "run", "--seed", "4", "--validate", "--json")
	require.Equal(t, exitHeld, code, stderr)
	require.Equal(t, 1, strings.Count(out, "\n"))
	require.Contains(t, out, `"conformance":[{"spec":"session","verdict":"conforming"`)
	// Held, as upstream's rules are against a server that refuses early requests: and yet
	// they are outside of the specification.
	code, out, _ = simulate(t, "run", "--seed", "0x5eed", "--client", "upstream-snapshot", "--validate")
	require.Equal(t, exitNotConforming, code)
	require.Contains(t, out, "held  full-restart")
	require.Contains(t, out, "not-conforming")
	// Of two verdicts, liveness comes before conformance.
	code, _, _ = simulate(t, "run", "--seed", "0x5eed", "--client", "upstream-snapshot", "--server", "hang", "--validate")
	require.Equal(t, exitLiveness, code)
}

func TestValidateReadsStandardInput(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	_, err = write.WriteString(`{"format":"pegasus-reference-trace","trace_format":1}` + "\n" + `{"at_ns":0,"node":"a","kind":"node-up"}` + "\n")
	require.NoError(t, err)
	require.NoError(t, write.Close())
	stdin := os.Stdin
	os.Stdin = read
	defer func() { os.Stdin = stdin }()
	code, out, stderr := simulate(t, "validate", "-")
	require.Equal(t, exitInconclusive, code, stderr)
	require.Contains(t, out, "nothing to judge")
}

func TestValidateUsage(t *testing.T) {
	for line, says := range map[string]string{
		"validate":                     "takes one trace",
		"validate a b":                 "takes one trace",
		"validate nowhere":             "cannot read the trace",
		"validate .":                   "events.ndjson",
		"validate - --spec sesion":     `did you mean "session"?`,
		"validate - --server hangg":    `did you mean "hang"?`,
		"validate /dev/null":           "no header of a trace",
		"validate --max-states many -": "max-states",
		"validate --max-states 0 -":    "it must be 1 or more",
	} {
		t.Run(line, func(t *testing.T) {
			code, out, stderr := simulate(t, strings.Fields(line)...)
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, out)
			require.Contains(t, stderr, says)
			require.Equal(t, 1, strings.Count(strings.TrimSpace(stderr), "\n")+1, "one sentence: %s", stderr)
		})
	}
}
