// simulate check --tlc: what is said of TLC's answer, whatever that is. A program that
// answers as TLC does stands in its place here; check_twin_test.go runs TLC.

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	code, _, stderr = simulate(t, append(plain, "--max-states", "5")...)
	assert.Equal(t, exitInternal, code, "there is nothing to compare")
	assert.Contains(t, stderr, "the checker did not see every state")

	t.Setenv("PATH", t.TempDir())
	code, _, stderr = simulate(t, plain...)
	assert.Equal(t, exitInternal, code)
	assert.Contains(t, stderr, "Java")
}
