// simulate check: searches, pictures and coverage.

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
)

func TestCheckSearches(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--search", "dfs"}, exitHeld, "288 distinct states"},
		{[]string{"--symmetry"}, exitHeld, "every state explored"},
		{[]string{"--search", "walk", "--seed", "0x2a", "--walks", "20", "--length", "30"}, exitInconclusive, "20 random walks of 30 steps were taken"},
		{[]string{"--max-states", "100"}, exitInconclusive, "NOT every state explored: more than 100 states"},
		{[]string{"--coverage"}, exitHeld, "manager 3 hears abort"},
		{[]string{"--may-rest"}, exitHeld, "every state explored"},
		{[]string{"--search", "bsf"}, exitUsage, ""},
		{[]string{"--search", "walk", "--seed", "x"}, exitUsage, ""},
		{[]string{"--search", "walk", "--walks", "0"}, exitUsage, ""},
		{[]string{"--search", "walk", "--length", "-3"}, exitUsage, ""},
		{[]string{"--timeout", "-1s"}, exitUsage, ""},
		{[]string{"--workers", "1000"}, exitUsage, ""},
		{[]string{"--search", "dfs", "--workers", "4"}, exitUsage, ""},
		{[]string{"--search", "dfs", "--workers", "1"}, exitHeld, "288 distinct states"},
	} {
		code, out, stderr := simulate(t, append([]string{"check", "two-phase-commit", "--rms", "3"}, c.args...)...)
		assert.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		assert.Contains(t, out, c.says, "%v", c.args)
	}
	code, _, stderr := simulate(t, "check", "session", "--config", "plain", "--symmetry")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "symmetry together with liveness")
}

// The bounds named plain leave the second connection slot without use, and so the
// specification says: that is told, and is no reason for doubt.
func TestCheckTellsWhatRests(t *testing.T) {
	code, out, _ := simulate(t, "check", "session", "--config", "plain")
	assert.Equal(t, exitHeld, code)
	assert.Contains(t, out, "  never taken: retry(1), ")
	assert.NotContains(t, out, "was never tried")

	code, out, _ = simulate(t, "check", "session", "--config", "plain", "--json")
	assert.Equal(t, exitHeld, code)
	var report struct {
		Verdict    string
		Violations []string
		Search     struct {
			NeverFired []string `json:"never_fired"`
			Dead       []string
			Actions    []struct {
				Name  string
				Steps int
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Equal(t, "held", report.Verdict)
	assert.Contains(t, report.Search.NeverFired, "serve(2)")
	assert.Equal(t, []string{}, report.Search.Dead)
	assert.NotEmpty(t, report.Search.Actions)
}

// What a limit leaves unknown of liveness is told: all of it after a limit of time, and what
// a limit of states has cut off.
func TestCheckTellsWhatOfLivenessIsUnknown(t *testing.T) {
	for _, c := range []struct {
		limit    []string
		says     string
		unjudged []string
	}{
		{[]string{"--timeout", "1ns"}, "  liveness was NOT judged (time is up): reconnect-converges, requests-drain\n", []string{"reconnect-converges", "requests-drain"}},
		{[]string{"--max-states", "1000"}, "  liveness was judged on what was reached only: reconnect-converges, requests-drain\n", []string{}},
	} {
		code, out, stderr := simulate(t, append([]string{"check", "session", "--server", "hang"}, c.limit...)...)
		assert.Equal(t, exitInconclusive, code, stderr)
		assert.Contains(t, out, "NOT every state explored")
		assert.Contains(t, out, c.says)

		_, out, _ = simulate(t, append([]string{"check", "session", "--server", "hang", "--json"}, c.limit...)...)
		var report struct{ Search struct{ Unjudged []string } }
		require.NoError(t, json.Unmarshal([]byte(out), &report))
		assert.Equal(t, c.unjudged, report.Search.Unjudged)
	}
}

// No specification has a dead action, whatever its constants (package model tests that): of
// one that had, this would be said.
func TestCheckTellsWhatIsDead(t *testing.T) {
	var out strings.Builder
	report := model.Report{Verdict: "inconclusive", Spec: "session", Config: "plain", Complete: true}
	report.NeverFired, report.Dead = []string{"retry(1)", "serve(2)"}, []string{"serve(2)"}
	tellCheck(&out, &report)
	assert.Contains(t, out.String(), "inconclusive  session")
	assert.Contains(t, out.String(), "never taken: retry(1), serve(2)")
	assert.Contains(t, out.String(), "may rest with these constants: serve(2)\n")
	assert.Contains(t, out.String(), "--may-rest")
	assert.Equal(t, exitInconclusive, checkCode(&report))
}

func TestCheckDraws(t *testing.T) {
	code, _, _ := simulate(t, "check", "two-phase-commit", "--rms", "2", "--dot", "states.dot")
	require.Equal(t, exitHeld, code)
	picture, err := os.ReadFile("states.dot")
	require.NoError(t, err)
	assert.Contains(t, string(picture), "s0 -> s1 [label=\"transaction manager decides to abort\"]")
	assert.NotContains(t, string(picture), "there are more")

	code, _, _ = simulate(t, "check", "session", "--config", "plain", "--server", "hang", "--with", "stale-auth-flag", "--property", "reconnect-converges", "--dot", "lasso.dot")
	require.Equal(t, exitLiveness, code)
	picture, err = os.ReadFile("lasso.dot")
	require.NoError(t, err)
	assert.Contains(t, string(picture), "reconnect-converges is violated (liveness)")
	assert.Contains(t, string(picture), "style=bold")

	code, _, stderr := simulate(t, "check", "two-phase-commit", "--rms", "2", "--dot", "no/such/folder.dot")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "drawing")
}

// A picture that cannot be written leaves the one that was there.
func TestCheckKeepsThePictureThatWasThere(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "states.dot")
	require.NoError(t, os.WriteFile(picture, []byte("of yesterday"), 0o600))
	require.NoError(t, os.Mkdir(picture+".part", 0o700)) // what is written is not put there
	code, out, stderr := simulate(t, "check", "two-phase-commit", "--rms", "2", "--dot", picture)
	assert.NotEqual(t, exitHeld, code)
	assert.Contains(t, out, "held  two-phase-commit")
	assert.Contains(t, stderr, "drawing")
	data, err := os.ReadFile(picture)
	require.NoError(t, err)
	assert.Equal(t, "of yesterday", string(data))
}

// A switch says by itself which specification it is of, where only one has it.
func TestCheckFindsTheSpecificationOfASwitch(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--with", "redial-after-60s"}, exitSafety, "timeouts with redial-after-60s"},
		{[]string{"--with", "reconnect-storm,timeout-mismatch"}, exitSafety, "timeouts with reconnect-storm, timeout-mismatch"},
		{[]string{"--with", "mute-server", "--config", "plain"}, exitSafety, "session with mute-server"},
		{[]string{"--with", "stale-auth-flag"}, exitUsage, "of several specifications (session, timeouts): say which"},
		{[]string{"--with", "stale-auth-flag,reconnect-storm"}, exitSafety, "timeouts with stale-auth-flag, reconnect-storm"},
		{[]string{"--with", "redial-after-60s,mute-server"}, exitUsage, "no specification has all of"},
		{[]string{"--with", "mute-sever"}, exitUsage, "mute-server"},
		{nil, exitUsage, "takes one specification"},
	} {
		code, out, stderr := simulate(t, append([]string{"check"}, c.args...)...)
		assert.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		assert.Contains(t, out+stderr, c.says, "%v", c.args)
	}
}

func TestCheckHelpSaysWhatSwitchesBreak(t *testing.T) {
	code, out, _ := simulate(t, "check", "--help")
	assert.Equal(t, exitHeld, code)
	for _, spec := range model.Specs() {
		for _, w := range spec.Switches {
			assert.Contains(t, out, "        fails: "+strings.Join(w.Properties, ", ")+" (--config ", w.Name)
		}
	}
	assert.Contains(t, out, "        fails: done-by-cap (--config default)\n")
}

func TestCheckPrintsTheRegionOfDeadlines(t *testing.T) {
	code, out, _ := simulate(t, "check", "timeouts", "--region", "5")
	assert.Equal(t, exitHeld, code)
	assert.Contains(t, out, "4 rounds of 1 s, server reference")
	assert.Contains(t, out, "| 5 s | yes | never | never | never | tie | yes |\n")

	code, out, _ = simulate(t, "check", "timeouts", "--region", "2", "--set", "D=1,R=1", "--server", "hang", "--json")
	assert.Equal(t, exitHeld, code)
	var line regionLine
	require.NoError(t, json.Unmarshal([]byte(out), &line))
	assert.Equal(t, [][]string{{"tie", "tie", "tie"}, {"yes", "tie", "yes"}}, line.Cells)
	assert.Equal(t, "hang", line.Constants["ServerMode"])
	assert.NotContains(t, line.Constants, "TNeg")

	for _, args := range [][]string{
		{"session", "--region", "5"}, {"timeouts", "--region", "0"}, {"timeouts", "--region", "121"}, {"timeouts", "--region", "5", "--tlc"},
		{"timeouts", "--region", "5", "--set", "TNeg=3"}, {"timeouts", "--region", "5", "--with", "timeout-mismatch"}, {"timeouts", "--region", "5", "--set", "D=x"},
	} {
		code, _, stderr := simulate(t, append([]string{"check"}, args...)...)
		assert.Equal(t, exitUsage, code, "%v: %s", args, stderr)
	}
}
