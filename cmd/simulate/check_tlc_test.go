// simulate check --tlc: what is said of TLC's answer, whatever that is. A program that
// answers as TLC does stands in its place here; check_twin_test.go runs TLC.

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pretend puts a program in TLC's place that finds so many states, and that the twin of
// timeouts can finish.
func pretend(t *testing.T, distinct int) {
	t.Helper()
	folder := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nprintf '<<\"broken\", \"NeverFinishes\">>\\n'\n"+
		"printf '100 states generated, %d distinct states found, 0 states left on queue.\\n'\n", distinct)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "java"), []byte(script), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tla2tools.jar"), nil, 0o600))
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("TLC_JAR", filepath.Join(folder, "tla2tools.jar"))
}

func TestCheckComparesWithTLC(t *testing.T) {
	plain := []string{"check", "timeouts", "--config", "plain", "--tlc"}
	pretend(t, 11)
	code, out, stderr := simulate(t, plain...)
	assert.Equal(t, exitHeld, code, stderr)
	assert.Contains(t, out, "TLC agrees: 11 distinct states, the same verdicts")

	pretend(t, 12)
	code, out, stderr = simulate(t, plain...)
	assert.Equal(t, exitInternal, code)
	assert.Contains(t, out, "TLC differs:\n  distinct states: checker 11, TLC 12")
	assert.Contains(t, stderr, "the checker and TLC differ on timeouts")

	code, out, _ = simulate(t, append(plain, "--json")...)
	assert.Equal(t, exitInternal, code)
	var report struct {
		Distinct int
		TLC      struct {
			Distinct    int
			Differences []string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Equal(t, []int{11, 12}, []int{report.Distinct, report.TLC.Distinct})
	assert.Equal(t, []string{"distinct states: checker 11, TLC 12"}, report.TLC.Differences)

	code, _, stderr = simulate(t, "check", "two-phase-commit", "--rms", "2", "--tlc")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "--tlc: ")

	t.Setenv("PATH", t.TempDir())
	code, _, stderr = simulate(t, plain...)
	assert.Equal(t, exitInternal, code)
	assert.Contains(t, stderr, "Java")
}

// A limit that is reached leaves nothing to compare. That is no agreement, and no error.
func TestCheckAtALimitIsNotCompared(t *testing.T) {
	plain := []string{"check", "timeouts", "--config", "plain", "--tlc"}
	pretend(t, 11)
	for limit, says := range map[string]string{
		"--max-states 5":    "more than 5 states",
		"--max-memory 1KiB": "needs more than 1024 bytes of memory",
	} {
		code, out, stderr := simulate(t, append(slices.Clone(plain), strings.Fields(limit)...)...)
		assert.Equal(t, exitInconclusive, code, "%s: %s", limit, stderr)
		assert.Contains(t, out, "inconclusive  timeouts", limit)
		assert.Regexp(t, "NOT compared with TLC: the checker did not see all: .*"+says, out, limit)
		assert.NotContains(t, out, "TLC agrees", limit)
	}
	// What is violated by then is, as without --tlc.
	violated := []string{"check", "timeouts", "--config", "plain", "--set", "TNeg=1", "--max-states", "11"}
	code, out, _ := simulate(t, append(violated, "--tlc", "--json")...)
	assert.Equal(t, exitSafety, code)
	assert.Contains(t, out, `"stopped":"the checker did not see all: more than 11 states"}`)

	code, _, stderr := simulate(t, append(plain, "--search", "walk")...)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "--tlc of check compares all states, of which --search walk sees some")
}

// TLC has as long as the checker had.
func TestCheckEndsTLCInTime(t *testing.T) {
	pretend(t, 11)
	folder, _, _ := strings.Cut(os.Getenv("PATH"), string(os.PathListSeparator))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "java"), []byte("#!/bin/sh\nexec sleep 60\n"), 0o700))
	code, out, stderr := simulate(t, "check", "timeouts", "--config", "plain", "--tlc", "--timeout", "500ms")
	assert.Equal(t, exitInconclusive, code, stderr)
	assert.Contains(t, out, "held  timeouts")
	assert.Contains(t, out, "NOT compared with TLC: TLC had not ended after 500ms")
}
