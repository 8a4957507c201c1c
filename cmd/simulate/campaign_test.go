// A campaign as a process of its own: what a signal in the middle costs, and who else may
// write its ledger.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/campaign"
	"github.com/a8011091/pegasus-reference/sim"
)

const campaignWorkers = 2

// campaignOf starts a campaign as a process.
func campaignOf(t *testing.T, ledger string, seeds int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "campaign", "--ledger", ledger, "--workers", strconv.Itoa(campaignWorkers), "--seeds", strconv.Itoa(seeds))
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, unless the test failed
		if t.Failed() {
			t.Logf("campaign of %d seeds said:\n%s", seeds, said.Bytes())
		}
	})
	return cmd
}

// wholeLines are the lines of a file that end.
func wholeLines(t *testing.T, path string) [][]byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	lines := bytes.SplitAfter(file, []byte("\n"))
	return lines[:len(lines)-1]
}

// waitForLines waits until a campaign is under way.
func waitForLines(t *testing.T, path string, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(wholeLines(t, path)) < n; time.Sleep(2 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "no %d lines within a minute", n)
	}
}

// timesRun counts the lines of each seed, canaries not counted, and gives the greatest seed.
func timesRun(t *testing.T, lines [][]byte) (times map[campaign.Seed]int, last campaign.Seed) {
	t.Helper()
	times = make(map[campaign.Seed]int)
	for _, line := range lines {
		var o campaign.Outcome
		require.NoError(t, json.Unmarshal(line, &o), "%s", line)
		if o.Verdict != "" && !o.Canary {
			times[o.Seed]++
			last = max(last, o.Seed)
		}
	}
	return times, last
}

// A campaign that a signal ends keeps all seeds but those under way, and the next one runs
// none of the others again.
func TestCampaignSurvivesSignals(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ledger := filepath.Join(t.TempDir(), "ledger.ndjson")
			cmd := campaignOf(t, ledger, 1_000_000)
			waitForLines(t, ledger, 12)
			require.NoError(t, cmd.Process.Signal(signal))
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Wait(), &exit)
			if signal == syscall.SIGINT {
				require.Equal(t, exitInconclusive, exit.ExitCode())
			} else {
				require.Equal(t, -1, exit.ExitCode(), "it did not end by itself")
			}

			kept := wholeLines(t, ledger)
			times, last := timesRun(t, kept)
			lost := 0
			for seed := campaign.Seed(1); seed < last; seed++ {
				if times[seed] == 0 {
					lost++
				}
			}
			require.Less(t, lost, campaignWorkers, "seeds that were begun before seed %s ended", last)

			seeds := int(last) + 10
			require.NoError(t, campaignOf(t, ledger, seeds).Wait())
			whole := wholeLines(t, ledger)
			require.Equal(t, kept, whole[:len(kept)], "what there was is kept")
			times, _ = timesRun(t, whole)
			require.Len(t, times, seeds)
			for seed, n := range times {
				require.Equal(t, 1, n, "seed %s", seed)
			}
			summary, err := campaign.Summarize(ledger)
			require.NoError(t, err)
			require.EqualValues(t, seeds, summary.Held)
			require.EqualValues(t, 1_000_000-seeds, summary.Remaining, "of those that there were to be")
			require.Equal(t, sim.VerdictInconclusive, summary.Verdict)
		})
	}
}

// A second campaign on the same ledger is told so at once, by exit status and in words.
func TestLedgerInUse(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger.ndjson")
	cmd := campaignOf(t, ledger, 1_000_000)
	waitForLines(t, ledger, 2)
	code, out, err := simulate(t, "campaign", "--seeds", "10", "--ledger", ledger)
	require.Equal(t, exitUsage, code, err)
	require.Empty(t, out)
	require.Contains(t, err, fmt.Sprintf("ledger %s: it is in use", ledger))
	require.NoError(t, cmd.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
}

// A ledger of another campaign is the user's to repair; a disk that is full is no usage.
func TestStatusOfLedgerErrors(t *testing.T) {
	require.Equal(t, exitUsage, exitCode(campaignError(&campaign.LedgerError{Path: "night", Err: campaign.ErrOtherCampaign})))
	full := &campaign.LedgerError{Path: "night", Err: fmt.Errorf("%w: %w", campaign.ErrNotKept, syscall.ENOSPC)}
	require.Equal(t, exitInternal, exitCode(campaignError(full)))
}

// A replay of a ledger's line is that run, or says that it is not.
func TestReplayOfALedgersLine(t *testing.T) {
	code, out, _ := simulate(t, "run", "--seed", "7", "--auth", "mandatory", "--json")
	require.Equal(t, exitHeld, code)
	var run sim.Result
	require.NoError(t, json.Unmarshal([]byte(out), &run))
	ledger := filepath.Join(t.TempDir(), "night.ndjson")
	const line = `{"kind":"campaign","version":"devel","trace_format":1,"scenario":"full-restart","client":"reference","server":"reference","auth":"mandatory","early_request":"refuse"}
{"seed":"0x7","verdict":"held","trace_hash":%q}
`
	for hash, says := range map[string]string{run.TraceHash: "", "": "", "v1-0123456789abcdef": "this is not the run of the ledger: its trace hash is v1-0123456789abcdef there"} {
		require.NoError(t, os.WriteFile(ledger, fmt.Appendf(nil, line, hash), 0o600))
		code, _, stderr := simulate(t, "replay", ledger+":2")
		require.Equal(t, exitHeld, code)
		require.Equal(t, says != "", strings.Contains(stderr, says) && stderr != "", stderr)
		code, _, stderr = simulate(t, "replay", ledger)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "say which of its lines, such as "+ledger+":2")
		_, _, stderr = simulate(t, "replay", ledger+":2", "--seed", "8")
		require.Empty(t, stderr, "another run")
	}
}
