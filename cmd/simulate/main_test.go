// The command line: exit statuses, one sentence for what cannot be used, and JSON that is
// one object.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/defect"
	"github.com/a8011091/pegasus-reference/sim"
)

// simulate runs one command line in a directory of its own.
func simulate(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	var out, err bytes.Buffer
	code = execute(args, &out, &err)
	return code, out.String(), err.String()
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"rum", `unknown command "rum" (did you mean "run"?)`},
		{"run --clientt reference", `unknown flag --clientt (did you mean "client"?)`},
		{"run --client upstream-snapshoot", `unknown client "upstream-snapshoot" (did you mean "upstream-snapshot"?)`},
		{"run --server fine", `unknown server "fine" (did you mean "fin"?)`},
		{"run --scenario full-restrat", `unknown scenario "full-restrat" (did you mean "full-restart"?)`},
		{"run --auth maybe", `unknown auth "maybe"`},
		{"run --early-request hol", `unknown early-request "hol" (did you mean "hold"?)`},
		{"run --early-code ERR_OK", "it must be the name of an error"},
		{"run --client upstream-snapshot --causes C4", `unknown cause "C4"`},
		{"run --causes C1", "causes and remedies are those of client upstream-snapshot"},
		{"ablation --engine simm", `(did you mean "sim"?)`},
		{"ablation --engine sim --seeds 0", "--seeds is 0; choose 1 to 100000"},
		{"serve --auth mandatory --early-code nothing", "it must be the name of an error"},
		{"run --seed -1", `seed "-1"`},
		{"run --seed x", `seed "x": it must be a whole number`},
		{"run extra", `takes no argument`},
		{"replay", "takes one scenario file, report directory or LEDGER:LINE"},
		{"replay nowhere", "cannot read the scenario"},
		{"check", "takes one specification"},
		{"check sesion", `unknown specification "sesion" (did you mean "session"?); there are: session, `},
		{"check session --with stale-flag", `unknown switch "stale-flag"`},
		{"check session --server fni", `unknown server "fni" (did you mean "fin"?); there are: reference, fin, hang`},
		{"check --matrix --with downgrad", `unknown defect "downgrad" (did you mean "downgrade"?); there are: `},
		{"check session --with stale-auth", "stale-auth-flag"},
		{"check session --set NReq=many", "NReq"},
		{"check session --set Wat=1", "Wat"},
		{"check session --set Wat", "CONSTANT=VALUE"},
		{"check session --max-memory lots", "512MiB"},
		{"check session --rms 3", "session has none, two-phase-commit has"},
		{"check session --walks 5", "goes with --search walk"},
		{"check session --seed 5 --search dfs", "goes with --search walk"},
		{"check --matrix --server hang", "does not heed --server"},
		{"ablation --workers -1", "must be 0 or more"},
		{"ablation --engine sim --workers -1", "must be 0 or more"},
		{"ablation --workers 99999", "there can be 1 to 64"},
		{"validate somewhere --spec sesion", `unknown spec "sesion" (did you mean "session"?); there are: session, routing`},
		{"validate somewhere --server hnag", `unknown server "hnag" (did you mean "hang"?); there are: reference, fin, hang`},
		{"explore", "takes one specification"},
		{"explore sesion", `did you mean "session"?`},
		{"explore session --listen 0.0.0.0:0", "loopback only"},
		{"explore session --set Wat", "CONSTANT=VALUE"},
		{"explore session --max-states 0", "1 or more"},
		{"explore two-phase-commit --rms 2 --out no/such/dir/x.html", "choose another file with --out"},
		{"serve --auth maybe", `unknown auth "maybe"`},
		{"serve --auth mandatory --early-request hangg", `did you mean "hang"?`},
		{"serve --meta-port 0 --replica-port 0 --partitions 7", "power of two"},
		{"serve --auth mandatory --pairs 9", "4 or 5"},
		{"serve --auth kerberso", `did you mean "kerberos"?`},
		{"serve --auth kerberos", "--keytab FILE"},
		{"serve --auth kerberos --keytab nowhere", "no such file"},
		{"serve --auth kerberos --keytab k --clock-skew 0s", "must be positive"},
		{"serve --auth kerberos --keytab k --replay-limit 0", "must be positive"},
		{"serve --auth mandatory --admin al*ce", "whole part"},
		{"serve --meta-port 0 --replica-port 0 --allow alice", "authentication is not enabled"},
		{"serve --meta-port 0 --replica-port 0 --negotiation-timeout -1s", "Limits.NegotiationTimeout"},
		{"serve --kdc embedded", `did you mean "embedded-dev"?`},
		{"serve --kdc embedded-dev --keytab k", "leave --keytab out"},
		{"serve --kdc embedded-dev --node meta1", "leave --node out"},
		{"serve --kdc embedded-dev --auth mandatory", "is for Kerberos"},
		{"ping --count 0", "must be positive"},
		{"--json --markdown", "does not heed --markdown with --json"},
		{"check --matrix --json --markdown", "does not heed --markdown with --json"},
		{"ablation --json --markdown", "does not heed --markdown with --json"},
		{"ablation --seeds 5", "does not heed --seeds with --engine check"},
		{"ablation --engine sim --requests 2", "does not heed --requests with --engine sim"},
		{"explore session --out x.html --listen 127.0.0.1:0", "does not heed --listen with --out"},
		{"explore session --max-states 5", "does not heed --max-states without --out"},
		{"run --server hang --early-request hold", "does not heed --early-request with --server hang"},
		{"campaign --server fin --early-request hold --ledger no/such/dir/l", "does not heed --early-request with --server fin"},
		{"run --early-request drop --early-code ERR_BUSY", "does not heed --early-code with --early-request drop"},
		{"serve --auth mandatory --early-request hang --early-code ERR_BUSY", "does not heed --early-code with --early-request hang"},
		{"serve --early-request hold", "does not heed --early-request with --auth off"},
		{"serve --kdc embedded-dev --auth kerberos-optional --early-code ERR_BUSY", "does not heed --early-code with --auth kerberos-optional"},
		{"serve --auth kerberso --keytab k", `did you mean "kerberos"?`},
		{"ping --auth kerberso --ccache c", `did you mean "kerberos"?`},
		{"run --server hnag --early-request hold", `did you mean "hang"?`},
		{"serve --keytab k", "does not heed --keytab with --auth off"},
		{"serve --test-secret s", "does not heed --test-secret with --auth off"},
		{"serve --auth optional --service s", "does not heed --service with --auth optional"},
		{"serve --kdc embedded-dev --test-secret s", "does not heed --test-secret with --auth kerberos"},
		{"ping --ccache c", "does not heed --ccache with --auth off"},
		{"ping --auth mandatory --keytab k", "does not heed --keytab with --auth mandatory"},
		{"ping --auth kerberos --test-principal p", "does not heed --test-principal with --auth kerberos"},
		{"ping --auth kerberso", `did you mean "kerberos"?`},
		{"ping --auth kerberos --ccache nowhere", "no such file"},
		{"ping --metas nonsense", "nonsense"},
		{"serve --node meta9", "there are meta1, meta2, replica1, replica2, replica3"},
		{"serve --node meta1 --meta-port 0", "needed by nodes in processes of their own"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, err := simulate(t, strings.Fields(c.args)...)
			require.Equal(t, exitUsage, code, err)
			require.Empty(t, out)
			require.Contains(t, err, c.says)
			require.Equal(t, 1, strings.Count(strings.TrimSpace(err), "\n")+1, "one sentence: %s", err)
		})
	}
}

func TestRunJSONIsOneObject(t *testing.T) {
	code, out, stderr := simulate(t, "run", "--seed", "0x2a", "--json", "--twice")
	require.Equal(t, exitHeld, code, stderr)
	require.Empty(t, stderr)
	require.Equal(t, 1, strings.Count(out, "\n"))
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &object))
	for _, field := range []string{
		"kind", "version", "trace_format", "scenario", "seed", "client", "server", "auth", "early_request", "hp_fields", "verdict", "property",
		"also_violated", "signature", "signature_after_ns", "signatures", "at_ns", "converged_after_ns", "waited_ns", "answered_ns", "restarts", "reconnects",
		"in_flight_at_restart", "events", "trace_hash", "report",
	} {
		require.Contains(t, object, field)
	}
	require.Equal(t, "run", object["kind"])
	require.Equal(t, "0x2a", object["seed"])
	require.Equal(t, "held", object["verdict"])
}

func TestViolationNamesAReportThatReplays(t *testing.T) {
	code, out, stderr := simulate(t, "run", "--client", "upstream-snapshot", "--server", "hang", "--seed", "0x5eed", "--json")
	require.Equal(t, exitLiveness, code, stderr)
	var first sim.Result
	require.NoError(t, json.Unmarshal([]byte(out), &first))
	require.NotNil(t, first.Report)

	var again, complaints bytes.Buffer
	require.Equal(t, exitLiveness, execute([]string{"replay", *first.Report, "--json"}, &again, &complaints), complaints.String())
	var second sim.Result
	require.NoError(t, json.Unmarshal(again.Bytes(), &second))
	require.Equal(t, first.TraceHash, second.TraceHash)
	require.Equal(t, first.Property, second.Property)
}

// A run that ends before progress is due is no pass, and names the flag with which it is one.
func TestReplayWatchesLongEnough(t *testing.T) {
	s, err := sim.Generate(sim.ScenarioFullRestart, 3)
	require.NoError(t, err)
	s.Watch = 5 * time.Second
	path := filepath.Join(t.TempDir(), "short.scenario")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, errors.Join(sim.WriteScenario(file, &s), file.Close()))
	code, out, _ := simulate(t, "replay", path)
	require.Equal(t, exitInconclusive, code)
	require.Contains(t, out, "convergence-bound was not judged")
	_, flag, found := strings.Cut(strings.TrimSpace(strings.SplitAfter(out, "\n")[1]), "replay it with ")
	require.True(t, found, out)
	code, out, _ = simulate(t, append([]string{"replay", path}, strings.Fields(flag)...)...)
	require.Equal(t, exitHeld, code, out)
}

// Faults of a scenario file that came to nothing are told, and so is what a run lacks that
// proves nothing: with the lines of the advice it proves something.
func TestReplayTellsWhatCameToNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.scenario")
	const calm = "simulate scenario 1\nworkload client=1 every=50ms..150ms\n"
	play := func(lines string) (int, string) {
		require.NoError(t, os.WriteFile(path, []byte(calm+lines), 0o600))
		code, out, stderr := simulate(t, "replay", path)
		require.Empty(t, stderr)
		return code, out
	}
	const outage = "fault at=4s restart node=meta-1 down=10s\n"
	code, out := play("")
	require.Equal(t, exitInconclusive, code)
	require.Contains(t, out, "reason        no node was restarted\n  to do         ")
	code, out = play(outage + strings.Repeat("fault at=6s restart node=meta-1 down=1s\n", idleTold) + "fault at=5s move-primary node=replica-2 partition=3 down=1s\n")
	require.Equal(t, exitInconclusive, code)
	require.Contains(t, out, "reason        no request was in flight at a restart\n  to do         ")
	require.Contains(t, out, "came to nothing: move-primary of replica-2 at 5s: the meta that leads, meta-1, does not run\n")
	require.Equal(t, idleTold-1, strings.Count(out, "came to nothing: restart of meta-1 at 6s: an earlier fault has it down\n"))
	require.Contains(t, out, "came to nothing: 1 faults more\n")

	advised := regexp.MustCompile("`([^`]+ [^`]+)`").FindAllStringSubmatch(out, -1)
	require.Len(t, advised, 2)
	code, out = play(outage + advised[0][1] + "\n" + advised[1][1] + "\n")
	require.Equal(t, exitHeld, code, out)
	require.NotContains(t, out, "to do")
	require.NotContains(t, out, "came to nothing")
}

// A violation counts whatever else the run lacks.
func TestViolationNeedsNoAdvice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.scenario")
	require.NoError(t, os.WriteFile(path, []byte("simulate scenario 1\nclient upstream-snapshot\nserver hang\nworkload client=1 every=50ms..150ms\nfault at=4s power-loss node=replica-1 down=1s\n"), 0o600))
	code, out, stderr := simulate(t, "replay", path)
	require.Equal(t, exitLiveness, code, stderr)
	require.Contains(t, out, "requests in flight at a restart 0")
	require.NotContains(t, out, "to do")
}

func TestReplayRefusesAnotherFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.scenario")
	require.NoError(t, os.WriteFile(path, []byte("simulate scenario 0\n"), 0o600))
	code, _, stderr := simulate(t, "replay", path)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "replays version 1 only")
}

func TestExplainTellsWords(t *testing.T) {
	code, out, _ := simulate(t, "run", "--client", "upstream-snapshot", "--server", "hang", "--seed", "0x5eed", "--explain")
	require.Equal(t, exitLiveness, code)
	require.Contains(t, out, "BEFORE the negotiation has succeeded")
	require.Contains(t, out, "ERR_TIMEOUT, 10")
	require.NotContains(t, out, "early requests", "that the server hangs says it")
}

func TestCheckExitStatuses(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
	}{
		{"check session", exitHeld},
		{"check session --with stale-auth-flag --server hang", exitSafety},
		{"check session --with stale-auth-flag --server hang --property reconnect-converges", exitLiveness},
		{"check session --with stale-auth-flag --server reference --property reconnect-converges", exitHeld},
		{"check --with port-reuse", exitLiveness},
		{"check timeouts --with stale-auth-flag", exitSafety},
		{"check session --max-states 100", exitInconclusive},
		{"check two-phase-commit --rms 3", exitHeld},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, stderr := simulate(t, append(strings.Fields(c.args), "--json")...)
			require.Equal(t, c.code, code, stderr+out)
			require.Equal(t, 1, strings.Count(out, "\n"))
		})
	}
}

func TestListNamesEverything(t *testing.T) {
	code, out, _ := simulate(t, "list")
	require.Equal(t, exitHeld, code)
	for _, words := range [][]string{sim.ClientNames, sim.ServerNames, sim.PropertyNames(), sim.ScenarioNames, sim.SeedAuthNames, serveAuthNames(), specNames(), switchNames(), engineNames(), defect.IDs()} {
		for _, word := range words {
			require.Contains(t, out, word)
		}
	}
}

// What a flag offers a shell to complete is in the list.
func TestListNamesWhatFlagsTake(t *testing.T) {
	_, out, _ := simulate(t, "list")
	listed := strings.FieldsFunc(out, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	offered := 0
	for _, cmd := range newRootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			complete, found := cmd.GetFlagCompletionFunc(f.Name)
			if !found {
				return
			}
			words, _ := complete(cmd, nil, "")
			offered += len(words)
			require.Subset(t, listed, words, "simulate %s --%s, and simulate list", cmd.Name(), f.Name)
		})
	}
	require.Greater(t, offered, 50)
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range []string{"--help", "run --help", "check --help", "serve --help", "replay --help", "list --help", "--version", "completion bash"} {
		code, out, stderr := simulate(t, strings.Fields(args)...)
		require.Equal(t, exitHeld, code, stderr)
		require.NotEmpty(t, out)
	}
}

func TestReadmeHasTheIncidentTable(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(readme), "a test compares it -->\n")
	require.True(t, found)
	table, _, found := strings.Cut(rest, "<!-- incident-table end -->")
	require.True(t, found)
	code, out, stderr := simulate(t, "--markdown")
	require.Equal(t, exitHeld, code, stderr)
	require.Equal(t, out, table, "the README's table is stale: put the output of `go run ./cmd/simulate --markdown` there")
}

// What standard output does not take is no pass, whatever it was: a full disk, say.
func TestOutputThatIsNotTaken(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range []string{"run --seed 3", "run --seed 3 --json", "list", "run --seed 3 --help", "run --client upstream-snapshot --server hang --seed 3"} {
		var stderr bytes.Buffer
		require.Equal(t, exitInternal, execute(strings.Fields(args), full{}, &stderr), args)
		require.Contains(t, stderr.String(), "no space left on device", args)
	}
	var stderr bytes.Buffer
	require.Equal(t, exitUsage, execute([]string{"run", "--seed", "x"}, full{}, &stderr), "nothing was said there")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
