package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/a8011091/pegasus-reference/conformance"
	"github.com/a8011091/pegasus-reference/sim"
)

const asWorker = "CAMPAIGN_WORKER" // what the test binary is to be: works, dies, hangs, babbles

func TestMain(m *testing.M) {
	switch os.Getenv(asWorker) {
	case "works":
		if err := Work(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	case "dies":
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(3)
	case "hangs":
		time.Sleep(time.Hour)
	case "babbles":
		fmt.Println("{not json")
		time.Sleep(time.Hour)
	}
	goleak.VerifyTestMain(m)
}

func reference() Setup {
	return Setup{sim.ScenarioFullRestart, sim.ClientReference, sim.ServerReference, sim.AuthMandatory, sim.EarlyRefuse}
}

// config is a campaign in a folder of its own, with workers of the given kind.
func config(t *testing.T, kind string, seeds uint64) Config {
	t.Setenv(asWorker, kind)
	return Config{
		Setup: reference(), First: 1, Seeds: seeds, Workers: 2, Command: []string{os.Args[0]},
		Ledger: filepath.Join(t.TempDir(), "ledger.ndjson"), SeedTimeout: 20 * time.Second,
	}
}

func play(t *testing.T, cfg Config) Summary {
	t.Helper()
	s, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	return s
}

func TestCampaignHoldsAndFindsItsCanary(t *testing.T) {
	s := play(t, config(t, "works", CanaryEvery))
	assert.Equal(t, sim.VerdictHeld, s.Verdict)
	assert.EqualValues(t, CanaryEvery, s.Held)
	assert.EqualValues(t, 1, s.Canaries)
	assert.Zero(t, s.Missed)
	assert.Empty(t, s.Failures)
	assert.EqualValues(t, CanaryEvery, s.Converged.Runs)
	assert.Less(t, s.Converged.P50, s.Converged.Max)
	returns := s.Returns
	assert.Equal(t, s.Converged, returns.All.Converged)
	assert.EqualValues(t, CanaryEvery, returns.All.Waited.Runs)
	assert.EqualValues(t, CanaryEvery, returns.PowerKept.Waited.Runs+returns.PowerLost.Waited.Runs)
	assert.Greater(t, returns.PowerLost.Waited.Max, returns.PowerKept.Waited.Max, "who loses power says nothing")
}

// All figures are told apart by losses of power, over the lines that have them: those of older
// ledgers count for the one that they have.
func TestReturnsAreToldApart(t *testing.T) {
	ns := func(n int64) *int64 { return &n }
	tally := newTally(reference())
	for _, o := range []Outcome{
		{Seed: 1, ConvergedNS: ns(10)},
		{Seed: 2, ConvergedNS: ns(20), WaitedNS: ns(30), AnsweredNS: ns(40)},
		{Seed: 3, ConvergedNS: ns(25), WaitedNS: ns(500), AnsweredNS: ns(900), PowerLosses: 7},
		{Seed: 4},
		{Seed: 5, AnsweredNS: ns(40)},
		{Seed: 6, WaitedNS: ns(30), AnsweredNS: ns(40)},
	} {
		o.Verdict = sim.VerdictHeld
		require.NoError(t, tally.add(&o))
	}
	s := tally.summary(false, []span{{1, 6}})
	one := func(ns int64, seed Seed) Converged {
		return Converged{Runs: 1, P50: ns, P99: ns, Max: ns, MaxSeed: seed}
	}
	assert.Equal(t, Converged{Runs: 3, P50: 20, P99: 25, Max: 25, MaxSeed: 3}, s.Converged)
	assert.Equal(t, Return{Converged: one(20, 2), Waited: one(30, 2), Answered: one(40, 2)}, s.Returns.PowerKept)
	assert.Equal(t, Return{Converged: one(25, 3), Waited: one(500, 3), Answered: one(900, 3)}, s.Returns.PowerLost)
	assert.Equal(t, Converged{Runs: 2, P50: 30, P99: 500, Max: 500, MaxSeed: 3}, s.Returns.All.Waited)
}

func TestTracesAreHeldAgainstTheSpecifications(t *testing.T) {
	cfg := config(t, "works", 10)
	cfg.ValidateEvery = 4
	s := play(t, cfg)
	assert.Equal(t, sim.VerdictHeld, s.Verdict)
	assert.EqualValues(t, 2, s.Validated)
	assert.Zero(t, s.Refused)
}

// A client that sends before it negotiates breaks the specification in the first seed.
func TestRefusedTraceIsAFailure(t *testing.T) {
	cfg := config(t, "works", 2)
	cfg.Setup.Client, cfg.Setup.Server = sim.ClientUpstreamSnapshot, sim.ServerHang
	cfg.ValidateEvery = 1
	s := play(t, cfg)
	assert.Equal(t, sim.VerdictViolation, s.Verdict)
	assert.EqualValues(t, 2, s.Refused)
	require.NotEmpty(t, s.Failures)
	assert.True(t, s.Failures[0].Refused)
}

// Where the run held, what failures are told apart by is the clause.
func TestRefusedTraceOfARunThatHeld(t *testing.T) {
	tally := newTally(reference())
	o := Outcome{Seed: 7, Verdict: sim.VerdictHeld}
	o.validated([]conformance.Result{
		{Spec: conformance.SpecSession, Verdict: conformance.Conforming, Events: 9},
		{Spec: conformance.SpecRouting, Verdict: conformance.NotConforming, Events: 9, First: &conformance.Refusal{Clause: "R7", Why: "it was not asked"}},
	})
	require.NoError(t, tally.add(&o))
	s := tally.summary(false, []span{{7, 1}})
	assert.Equal(t, sim.VerdictViolation, s.Verdict)
	require.Len(t, s.Failures, 1)
	assert.Equal(t, Failure{Signature: "not-conforming: routing: R7", Count: 1, First: 7, Reason: "it was not asked", Refused: true}, s.Failures[0])
}

// A campaign that goes on where it was ends with the same words as one that was never interrupted.
func TestCampaignGoesOn(t *testing.T) {
	cfg := config(t, "works", 12)
	whole := play(t, cfg)

	cfg.Ledger = filepath.Join(t.TempDir(), "parts.ndjson")
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Progress = func(p Progress) {
		if p.Done == 5 {
			cancel()
		}
	}
	part, err := Run(ctx, cfg)
	require.NoError(t, err)
	assert.True(t, part.Interrupted)
	assert.Equal(t, sim.VerdictInconclusive, part.Verdict, "seeds are missing")
	assert.Equal(t, 12-part.Seeds, part.Remaining)
	assert.GreaterOrEqual(t, part.Seeds, uint64(5))

	ran := uint64(0)
	cfg.Progress = func(p Progress) { ran = p.Now }
	assert.Equal(t, whole, play(t, cfg))
	assert.Equal(t, 12-part.Seeds, ran, "no seed is run twice")
	ran = 0
	assert.Equal(t, whole, play(t, cfg))
	assert.Zero(t, ran)
}

func TestTornTailIsCutAway(t *testing.T) {
	cfg := config(t, "works", 4)
	whole := play(t, cfg)
	file, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)
	lines := bytes.SplitAfter(file, []byte("\n"))
	last := len(file) - len(lines[len(lines)-2])
	for _, cut := range []int{last + 1, len(file) - 1, last, 10} {
		require.NoError(t, os.WriteFile(cfg.Ledger, file[:cut], 0o600))
		assert.Equal(t, whole, play(t, cfg), "cut at %d of %d", cut, len(file))
	}
	// Zeros at the end are what some file systems leave after a power loss.
	require.NoError(t, os.WriteFile(cfg.Ledger, append(bytes.Clone(file), make([]byte, 100)...), 0o600))
	assert.Equal(t, whole, play(t, cfg))
	// Damage in the middle is not a torn tail.
	damaged := bytes.Replace(file, lines[2], []byte("{\"seed\":\n"), 1)
	require.NoError(t, os.WriteFile(cfg.Ledger, damaged, 0o600))
	_, err = Run(t.Context(), cfg)
	var ledger *LedgerError
	require.ErrorAs(t, err, &ledger)
	assert.Equal(t, 3, ledger.Line)
}

func TestLedgersAreMerged(t *testing.T) {
	cfg := config(t, "works", 6)
	whole := play(t, cfg)
	var parts []string
	var cat []byte
	for _, first := range []uint64{3, 1} { // seeds 3 and 4 are in both
		part := cfg
		part.First, part.Seeds = first, 4
		part.Ledger = filepath.Join(t.TempDir(), "part.ndjson")
		play(t, part)
		parts = append(parts, part.Ledger)
		file, err := os.ReadFile(part.Ledger)
		require.NoError(t, err)
		cat = append(cat, file...)
	}
	summary, err := Summarize(parts...)
	require.NoError(t, err)
	assert.Equal(t, whole, summary)
	cfg.Ledger = filepath.Join(t.TempDir(), "cat.ndjson")
	require.NoError(t, os.WriteFile(cfg.Ledger, cat, 0o600))
	assert.Equal(t, whole, play(t, cfg))
}

func TestOtherCampaignsLedgerIsRefused(t *testing.T) {
	cfg := config(t, "works", 1)
	play(t, cfg)
	other := cfg
	other.Setup.Client = sim.ClientUpstreamSnapshot
	_, err := Run(t.Context(), other)
	require.ErrorIs(t, err, ErrOtherCampaign)
	require.ErrorContains(t, err, "of version", "by its first line, before anything is run")
	other.Ledger = filepath.Join(t.TempDir(), "other.ndjson")
	play(t, other)
	_, err = Summarize(cfg.Ledger, other.Ledger)
	require.ErrorIs(t, err, ErrOtherCampaign)

	strange := filepath.Join(t.TempDir(), "strange")
	require.NoError(t, os.WriteFile(strange, []byte("{\"kind\":\"run\"}\n{}\n"), 0o600))
	other.Ledger = strange
	_, err = Run(t.Context(), other)
	require.ErrorContains(t, err, "no ledger")
	file, err := os.ReadFile(strange)
	require.NoError(t, err)
	assert.Len(t, file, len("{\"kind\":\"run\"}\n{}\n"), "a file that is none is left alone")
}

func TestFailuresAreToldApart(t *testing.T) {
	cfg := config(t, "works", 8)
	cfg.Setup.Client, cfg.Setup.Server = sim.ClientUpstreamSnapshot, sim.ServerHang
	s := play(t, cfg)
	assert.Equal(t, sim.VerdictViolation, s.Verdict)
	require.NotEmpty(t, s.Failures)
	count := uint64(0)
	for _, f := range s.Failures {
		count += f.Count
		assert.Contains(t, f.Signature, "reconnect-converges")
		assert.Equal(t, []string{"reconnect-converges"}, f.Judged[:1])
	}
	assert.EqualValues(t, 8, count)

	// A line of the ledger is a scenario that ends the same way.
	scenario, hash, err := Scenario(cfg.Ledger, 3)
	require.NoError(t, err)
	result, err := sim.Run(t.Context(), scenario, sim.Options{})
	require.NoError(t, err)
	assert.Equal(t, sim.VerdictViolation, result.Verdict)
	assert.Equal(t, hash, result.TraceHash)
	for _, n := range []int{0, 1, 10} {
		_, _, err = Scenario(cfg.Ledger, n)
		var ledger *LedgerError
		require.ErrorAs(t, err, &ledger, "line %d", n)
	}
}

func TestMissedCanaryIsAFailure(t *testing.T) {
	tally := newTally(reference())
	require.NoError(t, tally.add(&Outcome{Seed: 100, Verdict: sim.VerdictHeld}))
	require.NoError(t, tally.add(&Outcome{Seed: 100, Canary: true, Verdict: sim.VerdictHeld}))
	require.NoError(t, tally.add(&Outcome{Seed: 200, Canary: true, Verdict: sim.VerdictViolation, Property: "reconnect-converges"}))
	s := tally.summary(false, []span{{100, 1}})
	assert.Equal(t, sim.VerdictInconclusive, s.Verdict)
	assert.EqualValues(t, 2, s.Canaries)
	assert.EqualValues(t, 1, s.Missed)
	require.Len(t, s.Failures, 1)
	assert.Equal(t, Failure{Signature: "canary not found", Count: 1, First: 100, Canary: true}, s.Failures[0])
}

func TestWorkersThatDieAreBugs(t *testing.T) {
	for kind, words := range map[string]string{"dies": "out of luck", "babbles": "invalid character"} {
		cfg := config(t, kind, 3)
		s := play(t, cfg)
		assert.Equal(t, sim.VerdictInconclusive, s.Verdict)
		assert.EqualValues(t, 3, s.Inconclusive)
		for _, f := range s.Failures {
			assert.True(t, f.Bug, kind)
		}
		file, err := os.ReadFile(cfg.Ledger)
		require.NoError(t, err)
		assert.Equal(t, 3, strings.Count(string(file), words), "the ledger says what each died of")
	}
}

func TestWorkersThatKeepDyingEndTheCampaign(t *testing.T) {
	_, err := Run(t.Context(), config(t, "dies", 1000))
	var worker *WorkerError
	require.ErrorAs(t, err, &worker)
	assert.ErrorContains(t, err, "out of luck")
	cfg := config(t, "works", 1)
	cfg.Command = []string{filepath.Join(t.TempDir(), "missing")}
	_, err = Run(t.Context(), cfg)
	require.ErrorAs(t, err, &worker)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSeedThatTakesTooLong(t *testing.T) {
	cfg := config(t, "hangs", 1)
	cfg.SeedTimeout = 50 * time.Millisecond
	s := play(t, cfg)
	require.Len(t, s.Failures, 1)
	assert.Contains(t, s.Failures[0].Reason, "no answer within 50ms")
}

func TestConfigsThatCannotWork(t *testing.T) {
	good := config(t, "works", 1)
	for name, change := range map[string]func(*Config){
		"seeds":    func(c *Config) { c.Seeds = 0 },
		"wrap":     func(c *Config) { c.First, c.Seeds = ^uint64(0), 3 },
		"workers":  func(c *Config) { c.Workers = 0 },
		"timeout":  func(c *Config) { c.SeedTimeout = -time.Second },
		"ledger":   func(c *Config) { c.Ledger = "" },
		"scenario": func(c *Config) { c.Setup.Scenario = "full-restrat" },
		"client":   func(c *Config) { c.Setup.Client = "upstream" },
	} {
		bad := good
		change(&bad)
		_, err := Run(t.Context(), bad)
		var usage *sim.UsageError
		require.ErrorAs(t, err, &usage, name)
	}
	good.Ledger = t.TempDir()
	_, err := Run(t.Context(), good)
	var ledger *LedgerError
	require.ErrorAs(t, err, &ledger)
}

// A ledger that is taken up for other seeds is as far as these are.
func TestProgressIsOfTheSeedsAskedFor(t *testing.T) {
	cfg := config(t, "works", 4)
	play(t, cfg)
	cfg.First, cfg.Seeds = 3, 4
	var told []uint64
	cfg.Progress = func(p Progress) {
		told = append(told, p.Done)
		assert.EqualValues(t, 4, p.Total)
	}
	play(t, cfg)
	assert.Equal(t, []uint64{3, 4}, told)
}

func TestPanicIsAnOutcome(t *testing.T) {
	o := Outcome{Verdict: sim.VerdictInconclusive, Bug: "panic: index out of range [3]\ngoroutine 1"}
	assert.Equal(t, "bug: panic: index out of range [3]", o.kind())
	o = Outcome{Verdict: sim.VerdictInconclusive, Reason: "no request in flight at 2.5s on c17"}
	assert.Equal(t, "inconclusive: no request in flight at # on c#", o.kind())
}

func TestJUnit(t *testing.T) {
	s := Summary{Setup: reference(), Seeds: 10, Held: 7, Canaries: 1, Missed: 1, Remaining: 2, Failures: []Failure{
		{Signature: "violation: fresh-session", Count: 2, First: 7, Reason: "a <reply> of another connection"},
		{Signature: "bug: panic", Count: 1, First: 9, Bug: true},
	}}
	var b bytes.Buffer
	require.NoError(t, WriteJUnit(&b, &s, func(f Failure) string { return "replay " + f.First.String() }))
	assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="campaign full-restart" tests="5" failures="1" errors="3">
  <testcase classname="full-restart.reference.reference.mandatory" name="seeds that held">
    <system-out>7 of 10 seeds</system-out>
  </testcase>
  <testcase classname="full-restart.reference.reference.mandatory" name="canaries">
    <error message="1 canaries were not found"></error>
    <system-out>0 of 1 found</system-out>
  </testcase>
  <testcase classname="full-restart.reference.reference.mandatory" name="violation: fresh-session">
    <failure message="a &lt;reply&gt; of another connection">2 seeds, the first is 0x7&#xA;replay 0x7&#xA;</failure>
  </testcase>
  <testcase classname="full-restart.reference.reference.mandatory" name="bug: panic">
    <error message="">1 seeds, the first is 0x9&#xA;replay 0x9&#xA;</error>
  </testcase>
  <testcase classname="full-restart.reference.reference.mandatory" name="seeds that were not run">
    <error message="2 seeds are missing"></error>
  </testcase>
</testsuite>
`, b.String())
}

// What makes a campaign inconclusive is no success on a build server either.
func TestJUnitTellsWhatWasNeverMet(t *testing.T) {
	s := Summary{Setup: reference(), Seeds: 900, Held: 900, Canaries: 9, Unmet: []string{"port-reuse"}}
	var b bytes.Buffer
	require.NoError(t, WriteJUnit(&b, &s, func(Failure) string { return "" }))
	assert.Contains(t, b.String(), `tests="3" failures="1" errors="0"`)
	assert.Contains(t, b.String(), `name="situation port-reuse"`)
	assert.Contains(t, b.String(), "never met in 900 seeds")
}

func TestWorkRefusesWhatIsNoTask(t *testing.T) {
	require.ErrorContains(t, Work(t.Context(), strings.NewReader("seed 7\n"), &bytes.Buffer{}), "no task")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	line, err := json.Marshal(task{Seed: 1, Setup: reference()})
	require.NoError(t, err)
	require.ErrorContains(t, Work(ctx, bytes.NewReader(append(line, '\n')), &bytes.Buffer{}), "interrupted")
	require.Error(t, Work(t.Context(), bytes.NewReader(append(line, '\n')), failing{}))
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

// FuzzLedger: a file is a ledger, or is refused, and what is cut from it is its end.
func FuzzLedger(f *testing.F) {
	head, err := json.Marshal(newHeader(reference()))
	require.NoError(f, err)
	f.Add([]byte(""))
	f.Add(append(head, '\n'))
	f.Add([]byte(string(head) + "\n" + `{"seed":"0x1","verdict":"held"}` + "\n" + `{"seed":"0x2","ver`))
	f.Add([]byte(`{"seed":"0x1","verdict":"held"}` + "\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		runs := 0
		c, err := readLedger("fuzz", bytes.NewReader(file), nil, func(*Outcome) error { runs++; return nil })
		if err != nil {
			return
		}
		require.LessOrEqual(t, c.whole, int64(len(file)))
		again, err := readLedger("fuzz", bytes.NewReader(file[:c.whole]), nil, func(*Outcome) error { runs--; return nil })
		require.NoError(t, err)
		require.Equal(t, c.whole, again.whole)
		require.Zero(t, runs)
	})
}

// A campaign of the swarm that has never met what it is due to meet does not count as held.
func TestUnmetSituationsAreTold(t *testing.T) {
	setup := reference()
	setup.Scenario, setup.Auth = sim.ScenarioSwarm, sim.AuthDrawn
	summary := func(setup Setup, missing sim.Met) Summary {
		account := newTally(setup)
		for seed := range 1000 {
			o := Outcome{Seed: Seed(seed), Verdict: sim.VerdictHeld}
			for _, m := range sim.Situations() {
				if m != missing {
					o.Met = append(o.Met, m.String())
				}
			}
			require.NoError(t, account.add(&o))
		}
		for seed := Seed(CanaryEvery - 1); seed < 1000; seed += CanaryEvery {
			require.NoError(t, account.add(&Outcome{Seed: seed, Canary: true, Verdict: sim.VerdictViolation}))
		}
		return account.summary(false, []span{{0, 1000}})
	}
	s := summary(setup, sim.MetSilence)
	require.Equal(t, sim.VerdictInconclusive, s.Verdict)
	require.Equal(t, []string{"silence"}, s.Unmet)
	s = summary(reference(), sim.MetSilence)
	require.Equal(t, sim.VerdictHeld, s.Verdict, "full-restart is not made to meet them")
	require.Empty(t, s.Unmet)
}
