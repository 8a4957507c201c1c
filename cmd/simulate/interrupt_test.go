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

func TestInterruptedCheckTellsWhatIsKnown(t *testing.T) {
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], "check", "two-phase-commit", "--rms", "10", "--json")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	time.Sleep(500 * time.Millisecond) // ten resource managers take minutes
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.Equal(t, exitInconclusive, exit.ExitCode())
	var report model.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	require.Equal(t, "inconclusive", report.Verdict)
	require.False(t, report.Complete)
	require.NotZero(t, report.Distinct)
}
