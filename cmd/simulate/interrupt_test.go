// An interrupt ends long work with what is known by then, and says that it is not all.

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
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
