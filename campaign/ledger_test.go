// Ledgers by themselves: who may write one, and what may stand in one.

package campaign

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
)

// A second campaign on a ledger is refused while the first runs, and nothing is written or cut.
func TestLedgerHasOneWriter(t *testing.T) {
	cfg := config(t, "works", 2)
	none := func(*Outcome) {}
	first, err := openLedger(cfg.Ledger, cfg.Setup, none)
	require.NoError(t, err)
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
	l, err := openLedger(cfg.Ledger, cfg.Setup, func(*Outcome) {})
	require.NoError(t, err)
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
