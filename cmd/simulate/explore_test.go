// simulate explore: the file that it writes, and the server that an interrupt ends.

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExploreWritesAFile(t *testing.T) {
	code, out, stderr := simulate(t, "explore", "two-phase-commit", "--rms", "3", "--out", "two.html", "--json")
	require.Equal(t, exitHeld, code, stderr)
	var told explorerLine
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	require.Equal(t, explorerLine{Kind: "explore", Spec: "two-phase-commit", File: "two.html", States: 288, Complete: true, Verdict: "held"}, told)
	file, err := os.ReadFile("two.html")
	require.NoError(t, err)
	require.Contains(t, string(file), "<!DOCTYPE html>")
	require.Contains(t, string(file), "transaction manager")
}

func TestExploreServesUntilInterrupted(t *testing.T) {
	cmd := exec.Command(os.Args[0], "explore", "two-phase-commit", "--rms", "3", "--json")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	var told explorerLine
	require.NoError(t, json.Unmarshal(line, &told))
	answered, err := http.Get(told.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(answered.Body)
	require.NoError(t, answered.Body.Close())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answered.StatusCode)
	require.Contains(t, string(body), "two-phase-commit")
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, cmd.Wait())
}
