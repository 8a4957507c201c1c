// What does not need TLC: that twins name the specifications' properties, that files are as
// names say, and that a missing program is told.

package tla_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/docs/spec/tla"
	"github.com/a8011091/pegasus-reference/model"
)

func TestMissingProgramsAreTold(t *testing.T) {
	var missing *tla.MissingError
	t.Setenv("PATH", t.TempDir())
	_, err := tla.Find()
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "Java", missing.What)

	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "java"), []byte("#!/bin/sh\nexit 3\n"), 0o700))
	t.Setenv("PATH", folder)
	t.Setenv("TLC_JAR", filepath.Join(folder, "tla2tools.jar"))
	_, err = tla.Find()
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "TLC", missing.What)
	assert.Contains(t, err.Error(), "docs/spec/tla/install")

	require.NoError(t, os.WriteFile(filepath.Join(folder, "tla2tools.jar"), nil, 0o600))
	tool, err := tla.Find()
	require.NoError(t, err)
	_, err = tool.Check(t.Context(), "session", map[string]any{"R": 1}, []string{"complete-once"})
	require.ErrorContains(t, err, "it did not check")
}

// A program that answers as TLC does decides nothing but what it prints.
func TestEveryPropertyHasATwin(t *testing.T) {
	folder := t.TempDir()
	said := "100 states generated, 42 distinct states found, 0 states left on queue."
	script := "#!/bin/sh\nfor f in *.cfg; do cat $f; done\nprintf '<<\"broken\", \"NeverAllAnswered\">>\\n'\nprintf '" + said + "\\n'\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "java"), []byte(script), 0o700))
	tool := tla.Tool{Java: filepath.Join(folder, "java"), Jar: "none"}
	for _, spec := range model.Specs() {
		var names []string
		for _, p := range spec.Properties {
			names = append(names, p.Name)
		}
		found, err := tool.Check(t.Context(), spec.Name, map[string]any{"Defects": "a+b", "Odd": true, "R": 1}, names)
		if spec.Name == "two-phase-commit" {
			require.ErrorIs(t, err, tla.ErrNoTwin)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, uint64(42), found.Distinct)
		report := model.Report{Distinct: 41, Judged: []string{"sometimes-all-answered", "sometimes-refused"}, Violations: []string{"sometimes-all-answered"}}
		if spec.Name == "routing" {
			assert.Equal(t, []string{
				"distinct states: checker 41, TLC 42", "sometimes-all-answered: checker violated, TLC held", "sometimes-refused: checker held, TLC violated",
			}, tla.Differences(&report, found))
		}
	}
}
