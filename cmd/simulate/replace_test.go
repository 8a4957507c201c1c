// What was there before long work stays until the work is done.

package main

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplaceFile(t *testing.T) {
	t.Chdir(t.TempDir())
	require.Equal(t, exitUsage, exitCode(replaceFile("nowhere/page", func(io.Writer) error { return nil })))
	require.Equal(t, exitUsage, exitCode(canReplace("nowhere/page")))
	torn := errors.New("torn")
	require.Equal(t, exitInternal, exitCode(replaceFile("page", func(io.Writer) error { return torn })))
	require.NoError(t, canReplace("page"))
}

// What a file cannot be made for is told before the work, not after a night of it.
func TestFilesThatCannotBeMadeAreToldFirst(t *testing.T) {
	ledger := t.TempDir() + "/ledger.ndjson"
	code, out, stderr := simulate(t, "campaign", "--seeds", "1", "--ledger", ledger, "--junit", "nowhere/night.xml")
	require.Equal(t, exitUsage, code)
	require.Empty(t, out)
	require.Contains(t, stderr, "write nowhere/night.xml: ")
	require.NoFileExists(t, ledger, "no seed was run")
	code, _, stderr = simulate(t, "explore", "session", "--out", "nowhere/page.html")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "write the explorer to nowhere/page.html: ")
}

// Where the summary cannot be written as JUnit's XML it is told all the same.
func TestSummaryWithoutJUnit(t *testing.T) {
	t.Setenv(asProgram, "1") // for the workers
	ledger := t.TempDir() + "/ledger.ndjson"
	code, _, stderr := simulate(t, "campaign", "--seeds", "1", "--ledger", ledger)
	require.Equal(t, exitHeld, code, stderr)
	code, out, stderr := simulate(t, "campaign", "summary", ledger, "--junit", "nowhere/night.xml")
	require.Equal(t, exitUsage, code)
	require.Contains(t, out, "held  campaign of full-restart")
	require.Contains(t, stderr, "write nowhere/night.xml: ")
}

// Where the report cannot be written the result is told all the same.
func TestResultWithoutAReport(t *testing.T) {
	file := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	code, out, stderr := simulate(t, "run", "--client", "upstream-snapshot", "--server", "hang", "--seed", "0x5eed", "--report", file+"/report")
	require.Equal(t, exitUsage, code)
	require.Contains(t, out, "violation  full-restart")
	require.Contains(t, stderr, "cannot write the report")
	require.Contains(t, stderr, "choose another directory with --report")
}

func TestInterruptedExplorerLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	page := dir + "/page.html"
	require.NoError(t, os.WriteFile(page, []byte("of yesterday"), 0o600))
	code, _, _, stderr := simulateFor(t, 0, "explore", "two-phase-commit", "--rms", "3", "--out", page)
	require.Equal(t, exitInconclusive, code, stderr)
	require.Contains(t, stderr, "interrupted: "+page+" was not written")
	data, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, "of yesterday", string(data))
}
