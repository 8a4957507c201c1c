// Ledgers by themselves: who may write one, and what may stand in one.

package campaign

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/sim"
)

// A second campaign on a ledger is refused while the first runs, and nothing is written or cut.
func TestLedgerHasOneWriter(t *testing.T) {
	cfg := config(t, "works", 2)
	none := func(*Outcome) error { return nil }
	first, err := openLedger(cfg.Ledger, cfg.Setup, none)
	require.NoError(t, err)
	require.NoError(t, first.plan(cfg.seeds()))
	_, err = first.file.WriteString(`{"seed":"0x1","ver`) // it is in the middle of a line
	require.NoError(t, err)
	before, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)

	_, err = Run(t.Context(), cfg)
	require.ErrorIs(t, err, ErrInUse)
	var ledger *LedgerError
	require.ErrorAs(t, err, &ledger)
	after, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	_, err = Summarize(cfg.Ledger)
	require.NoError(t, err, "who reads is not kept out")

	require.NoError(t, first.close())
	require.Equal(t, sim.VerdictHeld, play(t, cfg).Verdict)
}

// Two writers that neither sees cannot overwrite each other's lines: both append.
func TestLinesAreAppended(t *testing.T) {
	cfg := config(t, "works", 1)
	l, err := openLedger(cfg.Ledger, cfg.Setup, func(*Outcome) error { return nil })
	require.NoError(t, err)
	require.NoError(t, l.plan(cfg.seeds()))
	other, err := os.OpenFile(cfg.Ledger, os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	for seed := range Seed(3) {
		require.NoError(t, l.append(&Outcome{Seed: 2 * seed, Verdict: sim.VerdictHeld}))
		_, err := other.WriteString(`{"seed":"` + (2*seed + 1).String() + `","verdict":"held"}` + "\n")
		require.NoError(t, err)
	}
	require.NoError(t, other.Close())
	require.NoError(t, l.close())
	s, err := Summarize(cfg.Ledger)
	require.NoError(t, err)
	require.EqualValues(t, 6, s.Held)
}

// What is no ledger is left as it is, though it has no whole line.
func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	cfg := config(t, "works", 1)
	for _, text := range []string{"a note without an end", "a note\n", `{"kind":"run"}`, `{"kind":"run"}` + "\n"} {
		cfg.Ledger = filepath.Join(t.TempDir(), "note")
		require.NoError(t, os.WriteFile(cfg.Ledger, []byte(text), 0o600))
		_, err := Run(t.Context(), cfg)
		require.ErrorContains(t, err, "no ledger", "%q", text)
		is, err := os.ReadFile(cfg.Ledger)
		require.NoError(t, err)
		assert.Equal(t, text, string(is))
	}
}

// A line that is JSON and no run is damage, not an inconclusive seed.
func TestDamagedLinesAreRefused(t *testing.T) {
	cfg := config(t, "works", 2)
	play(t, cfg)
	whole, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)
	for _, line := range []string{`{}`, `null`, `{"seed":"0x9","verdict":"fine"}`, `{"seed":"0x9","verdict":"held","converged_after_ns":1,"waited_ns":1,"answered_ns":1,"power_losses":-1}`} {
		require.NoError(t, os.WriteFile(cfg.Ledger, append(whole[:len(whole):len(whole)], line+"\n"...), 0o600))
		_, err := Summarize(cfg.Ledger)
		require.ErrorContains(t, err, "line 4: this is no run of a campaign", "%s", line)
		_, _, err = Scenario(cfg.Ledger, 4)
		require.ErrorContains(t, err, "line 4: this is no run of a campaign", "%s", line)
	}
}

// What cannot be written is not the ledger's fault.
func TestLedgerThatCannotKeep(t *testing.T) {
	cfg := config(t, "works", 1)
	l, err := openLedger(cfg.Ledger, cfg.Setup, func(*Outcome) error { return nil })
	require.NoError(t, err)
	require.NoError(t, l.plan(cfg.seeds()))
	require.NoError(t, l.file.Close())
	err = l.append(&Outcome{Seed: 1, Verdict: sim.VerdictHeld})
	require.ErrorIs(t, err, ErrNotKept)
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, l.close(), ErrNotKept)
}

// cat puts a ledger behind one that a crash tore: what was torn is run again, the rest counts.
func TestTornLedgersArePutTogether(t *testing.T) {
	cfg := config(t, "works", 4)
	whole := play(t, cfg)
	file, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)
	for _, cut := range []int{len(file) - 1, len(file) - 40, 12} {
		torn := append(bytes.Clone(file[:cut]), file...)
		torn = append(torn, file[:cut]...)
		cfg.Ledger = filepath.Join(t.TempDir(), "cat.ndjson")
		require.NoError(t, os.WriteFile(cfg.Ledger, torn, 0o600))
		s, err := Summarize(cfg.Ledger)
		require.NoError(t, err, "cut at %d", cut)
		require.Equal(t, whole, s)
		require.Equal(t, whole, play(t, cfg))
	}
	zeros := append(append(bytes.Clone(file), make([]byte, 50)...), file...)
	require.NoError(t, os.WriteFile(cfg.Ledger, zeros, 0o600))
	require.Equal(t, whole, play(t, cfg))
}

// A ledger says by itself which seeds and canaries are missing; one of an older program does
// not, and is read as it was.
func TestLedgerSaysWhatIsMissing(t *testing.T) {
	head := `{"kind":"campaign","version":"devel","trace_format":1,"scenario":"full-restart","client":"reference","server":"reference","auth":"drawn","early_request":"refuse"`
	seed := func(n uint64) string { return `{"seed":"` + Seed(n).String() + `","verdict":"held"}` + "\n" }
	canary := func(n uint64) string {
		return `{"seed":"` + Seed(n).String() + `","canary":true,"verdict":"violation","property":"reconnect-converges"}` + "\n"
	}
	var hundred strings.Builder
	for n := range uint64(CanaryEvery) {
		hundred.WriteString(seed(n + 1))
	}
	for _, c := range []struct {
		name, ledger                 string
		verdict                      sim.Verdict
		planned, remaining, canaries uint64
	}{
		{"older", head + "}\n" + seed(1), sim.VerdictHeld, 0, 0, 0},
		{"older, whole", head + "}\n" + hundred.String() + canary(100), sim.VerdictHeld, 0, 0, 0},
		{"older, no canary", head + "}\n" + hundred.String(), sim.VerdictInconclusive, 0, 0, 0},
		{"whole", head + `,"first":"0x1","seeds":100}` + "\n" + hundred.String() + canary(100), sim.VerdictHeld, 100, 0, 0},
		{"seeds missing", head + `,"first":"0x1","seeds":250}` + "\n" + hundred.String() + canary(100), sim.VerdictInconclusive, 250, 150, 1},
		{"canary missing", head + `,"first":"0x1","seeds":100}` + "\n" + hundred.String(), sim.VerdictInconclusive, 100, 0, 1},
		{"gone on", head + `,"first":"0x1","seeds":50}` + "\n" + hundred.String() + head + `,"first":"0x1","seeds":100}` + "\n" + canary(100), sim.VerdictHeld, 100, 0, 0},
		{"other hundreds", head + `,"first":"0x1","seeds":50}` + "\n" + hundred.String() + head + `,"first":"0x33","seeds":50}` + "\n", sim.VerdictInconclusive, 100, 0, 0},
		{"older goes on", head + "}\n" + seed(1) + head + `,"first":"0x1","seeds":2}` + "\n", sim.VerdictInconclusive, 2, 1, 0},
	} {
		path := filepath.Join(t.TempDir(), "ledger.ndjson")
		require.NoError(t, os.WriteFile(path, []byte(c.ledger), 0o600))
		s, err := Summarize(path)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.verdict, s.Verdict, c.name)
		assert.Equal(t, []uint64{c.planned, c.remaining, c.canaries}, []uint64{s.Planned, s.Remaining, s.CanariesRemaining}, c.name)
	}

	path := filepath.Join(t.TempDir(), "ledger.ndjson")
	require.NoError(t, os.WriteFile(path, []byte(head+`,"first":"0xffffffffffffffff","seeds":9}`+"\n"+seed(1)), 0o600))
	_, err := Summarize(path)
	require.ErrorContains(t, err, "there are not so many")
}

// Plans that overlap count each seed and each canary once, as one by one.
func TestPlansOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []span
		seeds, canaries := map[uint64]bool{}, map[uint64]bool{}
		for range rapid.IntRange(0, 5).Draw(t, "spans") {
			// Few residues, so that hundreds coincide.
			s := span{Seed(rapid.Uint64Range(0, 9).Draw(t, "hundreds")*CanaryEvery + rapid.Uint64Range(0, 2).Draw(t, "rest")), rapid.Uint64Range(1, 450).Draw(t, "seeds")}
			spans = append(spans, s)
			for i := range s.Seeds {
				seeds[uint64(s.First)+i] = true
				if every(CanaryEvery, i) {
					canaries[uint64(s.First)+i] = true
				}
			}
		}
		p := planOf(spans)
		require.EqualValues(t, len(seeds), size(p.seeds))
		require.EqualValues(t, len(canaries), p.canaries())
		for n := range uint64(1500) {
			require.Equal(t, seeds[n], p.has(run{Seed(n), false}), "seed %d", n)
			require.Equal(t, canaries[n], p.has(run{Seed(n), true}), "canary %d", n)
		}
	})
}

// A program that simulates otherwise does not go on with a ledger of the same version.
func TestProgramThatSimulatesOtherwise(t *testing.T) {
	cfg := config(t, "works", 2)
	play(t, cfg)
	file, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)
	other := regexp.MustCompile(`v1-[0-9a-f]+`).ReplaceAll(file, []byte("v1-0123456789abcdef"))
	require.NotEqual(t, file, other)
	require.NoError(t, os.WriteFile(cfg.Ledger, other, 0o600))
	cfg.Seeds = 4
	_, err = Run(t.Context(), cfg)
	require.ErrorIs(t, err, ErrOtherCampaign)
	require.ErrorContains(t, err, "v1-0123456789abcdef")
	is, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)
	require.Equal(t, string(other), string(is), "nothing is written")

	t.Setenv(asWorker, "dies")
	_, err = Run(t.Context(), cfg)
	var worker *WorkerError
	require.ErrorAs(t, err, &worker, "a worker that cannot say is no other simulator")
}

// A seed whose worker died is run again by the next sitting, and counts once then.
func TestSeedOfADeadWorkerIsRunAgain(t *testing.T) {
	cfg := config(t, "works", 3)
	whole := play(t, cfg)
	cfg.Ledger = filepath.Join(t.TempDir(), "again.ndjson")
	t.Setenv(asWorker, "dies")
	s := play(t, cfg)
	require.EqualValues(t, 3, s.Inconclusive)
	require.Zero(t, s.Remaining)
	t.Setenv(asWorker, "works")
	again := uint64(0)
	cfg.Progress = func(p Progress) {
		again = p.Now
		assert.Equal(t, p.Now, p.Done, "a seed that died is not done")
	}
	require.Equal(t, whole, play(t, cfg))
	require.EqualValues(t, 3, again)
	s, err := Summarize(cfg.Ledger)
	require.NoError(t, err)
	require.Equal(t, whole, s)

	// A panic of the simulator stays: the seed is to blame.
	tally := newTally(reference())
	require.NoError(t, tally.add(&Outcome{Seed: 1, Verdict: sim.VerdictInconclusive, Bug: "panic: index out of range"}))
	require.True(t, tally.has(1, false, true))
	require.NoError(t, tally.add(&Outcome{Seed: 2, Verdict: sim.VerdictInconclusive, Bug: "worker ended: EOF, signal: killed\n"}))
	require.False(t, tally.has(2, false, false))
	require.Equal(t, 2, tally.kinds())
}

// A campaign that is to hold traces against the specifications does so with seeds that its
// ledger has without.
func TestKnownSeedsAreValidated(t *testing.T) {
	cfg := config(t, "works", 4)
	require.Zero(t, play(t, cfg).Validated)
	cfg.ValidateEvery = 2
	var told []uint64
	cfg.Progress = func(p Progress) { told = append(told, p.Done) }
	s := play(t, cfg)
	assert.Equal(t, []uint64{3, 4}, told)
	assert.EqualValues(t, 2, s.Validated)
	assert.EqualValues(t, 4, s.Seeds)
	assert.EqualValues(t, 4, s.Held)
	assert.EqualValues(t, 4, s.Returns.All.Waited.Runs)
	again, err := Summarize(cfg.Ledger)
	require.NoError(t, err)
	assert.Equal(t, s, again)

	told = nil
	assert.Equal(t, s, play(t, cfg))
	assert.Empty(t, told, "nothing is left to do")
}

// What the specifications say of a run that another line has as held is not lost, whichever
// line comes first, and counts once.
func TestVerdictsOfValidationArePutTogether(t *testing.T) {
	const hash = "v1-0123456789abcdef"
	plain := Outcome{Seed: 1, Verdict: sim.VerdictHeld, Hash: hash}
	refused := Outcome{Seed: 1, Verdict: sim.VerdictHeld, Hash: hash, Validated: 9, Refused: "session: S7", Reason: "not so"}
	unjudged := Outcome{Seed: 1, Verdict: sim.VerdictInconclusive, Hash: hash, Validated: 9, Reason: "too many states"}
	died := Outcome{Seed: 1, Verdict: sim.VerdictInconclusive, Bug: workerEnded + "no answer within 1m0s"}
	good := Outcome{Seed: 1, Verdict: sim.VerdictHeld, Hash: hash, Validated: 9}
	for name, c := range map[string]struct {
		lines                                 []Outcome
		held, inconclusive, refused, failures int
	}{
		"refused":                        {[]Outcome{plain, refused, plain}, 1, 0, 1, 1},
		"refused first":                  {[]Outcome{refused, plain}, 1, 0, 1, 1},
		"refused twice":                  {[]Outcome{plain, refused, refused}, 1, 0, 1, 1},
		"not judged":                     {[]Outcome{plain, unjudged, plain}, 0, 1, 0, 1},
		"died of it":                     {[]Outcome{plain, died}, 0, 1, 0, 1},
		"died of it, and held":           {[]Outcome{plain, died, good}, 1, 0, 0, 0},
		"died of it, and was not judged": {[]Outcome{plain, died, plain}, 1, 0, 0, 0},
		"died when it had been judged":   {[]Outcome{good, died}, 1, 0, 0, 0},
	} {
		tally := newTally(reference())
		for i := range c.lines {
			require.NoError(t, tally.add(&c.lines[i]))
		}
		s := tally.summary(false, nil)
		assert.EqualValues(t, 1, s.Seeds, name)
		assert.EqualValues(t, c.held, s.Held, name)
		assert.EqualValues(t, c.inconclusive, s.Inconclusive, name)
		assert.EqualValues(t, c.refused, s.Refused, name)
		assert.Len(t, s.Failures, c.failures, name)
	}
}

// Ledgers of programs that simulate otherwise are not put together: a seed is one run.
func TestSeedsThatAreTwoRunsAreRefused(t *testing.T) {
	cfg := config(t, "works", 3)
	play(t, cfg)
	whole, err := os.ReadFile(cfg.Ledger)
	require.NoError(t, err)
	hash := regexp.MustCompile(`"v1-[0-9a-f]+"`)
	other := hash.ReplaceAll(whole, []byte(`"v1-1"`))
	require.NoError(t, os.WriteFile(cfg.Ledger, append(whole, other...), 0o600))
	_, err = Summarize(cfg.Ledger)
	require.ErrorIs(t, err, ErrOtherCampaign)
	require.ErrorContains(t, err, "line 6")
	_, err = Run(t.Context(), cfg)
	require.ErrorIs(t, err, ErrOtherCampaign)

	require.NoError(t, os.WriteFile(cfg.Ledger, other, 0o600))
	second := filepath.Join(t.TempDir(), "second.ndjson")
	require.NoError(t, os.WriteFile(second, whole, 0o600))
	_, err = Summarize(second, cfg.Ledger)
	require.ErrorIs(t, err, ErrOtherCampaign)
}

// Ledgers of different campaigns have other runs under the same seeds; it is said that the
// campaigns differ, not that the programs do.
func TestLedgersOfOtherSetups(t *testing.T) {
	cfg := config(t, "works", 2)
	play(t, cfg)
	other := config(t, "works", 2)
	other.Setup.Auth = sim.AuthOptional
	play(t, other)
	_, err := Summarize(cfg.Ledger, other.Ledger)
	require.ErrorIs(t, err, ErrOtherCampaign)
	require.ErrorContains(t, err, other.Ledger+", line 1: it belongs to another campaign than the lines before: of version devel, full-restart")
	require.ErrorContains(t, err, "authentication optional")
}

// What cannot be read again is no ledger: reading it would wait for ever.
func TestPipeIsNoLedger(t *testing.T) {
	cfg := config(t, "works", 1)
	out, in, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	defer in.Close()
	cfg.Ledger = fmt.Sprintf("/dev/fd/%d", in.Fd())
	_, err = Run(t.Context(), cfg)
	var ledger *LedgerError
	require.ErrorAs(t, err, &ledger)
	require.ErrorContains(t, err, "a pipe or a terminal is none")
}
