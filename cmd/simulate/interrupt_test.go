// An interrupt ends long work with what is known by then, and says that it is not all.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim"
)

// A program that is not there yet dies of the signal, and one that has only begun knows
// nothing. Neither can be seen from outside, so the program is given longer and longer.
func TestInterruptedCheckTellsWhatIsKnown(t *testing.T) {
	var exit *exec.ExitError
	var report model.Report
	for wait := 500 * time.Millisecond; wait <= 16*time.Second && report.Distinct == 0; wait *= 2 {
		exit, report = interruptedCheck(t, wait)
	}
	require.Equal(t, exitInconclusive, exit.ExitCode(), exit)
	require.Equal(t, "inconclusive", report.Verdict)
	require.False(t, report.Complete)
	require.NotZero(t, report.Distinct)
}

// interruptedCheck interrupts a check that takes minutes, and returns how it ended and what
// it told; nothing where the signal killed it.
func interruptedCheck(t *testing.T, wait time.Duration) (*exec.ExitError, model.Report) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], "check", "two-phase-commit", "--rms", "10", "--json")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	time.Sleep(wait)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	var report model.Report
	if exit.Sys().(syscall.WaitStatus).Signaled() {
		return exit, report
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	return exit, report
}

// countdown is a context that ends when it has been asked so often.
type countdown struct {
	context.Context
	left *int
}

func (c countdown) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

// simulateFor is simulate, interrupted when the context has been asked so often; it returns
// how often that was in all.
func simulateFor(t *testing.T, asked int, args ...string) (code, used int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	var out, err bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&err)
	left := asked
	code = exitCode(root.ExecuteContext(countdown{t.Context(), &left}))
	return code, asked - left, out.String(), err.String()
}

// A second run that was interrupted has no hash to compare: that is no pass.
func TestInterruptedSecondRunIsNotCompared(t *testing.T) {
	code, once, _, _ := simulateFor(t, 1_000_000, "run")
	require.Equal(t, exitHeld, code)
	code, _, out, _ := simulateFor(t, 1_000_000, "run", "--twice")
	require.Equal(t, exitHeld, code)
	require.Contains(t, out, "the same trace hash")
	code, _, out, _ = simulateFor(t, once+5, "run", "--twice")
	require.Contains(t, out, "held")
	require.Contains(t, out, "interrupted: not compared")
	require.NotContains(t, out, "the same trace hash")
	require.Equal(t, exitInconclusive, code)
}

func TestInterruptedReport(t *testing.T) {
	args := []string{"run", "--client", "upstream-snapshot", "--server", "hang", "--seed", "0x5eed", "--report", "failed"}
	code, _, out, _ := simulateFor(t, 10, append(args, "--json")...)
	require.Equal(t, exitInconclusive, code)
	require.Contains(t, out, `"report":null`)
	_, err := os.Stat(filepath.Join("failed", sim.ReportEvents))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = os.Stat(filepath.Join("failed", sim.ReportScenario))
	require.NoError(t, err)
}
