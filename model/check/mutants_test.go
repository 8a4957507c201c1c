//go:build mutants

// The known mistakes made on purpose: each is built into the checker by an overlay, and
// the tests must notice. Run with: go test -tags mutants -run TestMutants ./model/check

package check_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patch replaces a piece of a source file that occurs once.
type patch struct{ file, old, new string }

// unverified takes away the checker's own last look at what it found, so that it is the
// tests that have to notice.
var unverified = patch{"verify.go", "\tcycle := v.Trace[v.Cycle:]\n", "\tif true {\n\t\treturn nil\n\t}\n\tcycle := v.Trace[v.Cycle:]\n"}

var mutants = []struct {
	name    string
	test    string
	patches []patch
}{
	{"none", "", nil},
	{"no-stutter", "TestMistakeNoStutter", []patch{
		{"lasso.go", "if !f.violates(r) {", "if !f.violates(r) || len(r.states) == 1 {"},
	}},
	{"fairness-on-whole-scc, missed", "TestMistakeFairnessOnWholeComponentMissed", []patch{
		{"lasso.go", "len(rest) < len(r.states) &&", "len(rest) < 0 &&"},
	}},
	{"fairness-on-whole-scc, false alarm", "TestMistakeFairnessOnWholeComponentFalseAlarm", []patch{
		{"reach.go", "if int(s) < g.size() && c.rank[s] == noState && g.marked[s]&d.until == 0 {", "if int(s) < g.size() && c.rank[s] == noState {"},
	}},
	{"unfair-cycle-reported", "TestMistakeUnfairCycleReported", []patch{
		{"walk.go", "return !w.lacking && !slices.Contains(w.missing, true)", "return !w.lacking"},
	}},
	{"lasso-with-false-edge", "TestMistakeLassoWithFalseEdge", []patch{
		{"reach.go", "for !c.source[state] {", "for false {"},
	}},
}

func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			output, err := testWith(t, append([]patch{unverified}, m.patches...))
			if m.test == "" {
				require.NoError(t, err, "the tests must pass without a mutant\n%s", output)
				return
			}
			require.Error(t, err, "no test noticed")
			assert.Contains(t, output, "--- FAIL: "+m.test)
		})
	}
}

// testWith runs the tests of this package with patches built in.
func testWith(t *testing.T, patches []patch) (string, error) {
	t.Helper()
	folder := t.TempDir()
	replace := map[string]string{}
	for _, p := range patches {
		path, err := filepath.Abs(p.file)
		require.NoError(t, err)
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), p.old), "%s: %q", p.file, p.old)
		patched := filepath.Join(folder, p.file)
		require.NoError(t, os.WriteFile(patched, []byte(strings.Replace(string(source), p.old, p.new, 1)), 0o600))
		replace[path] = patched
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))
	output, err := exec.Command("go", "test", "-vet=off", "-overlay", file, "-run", "TestMistake|TestEnabled|TestGroups", ".").CombinedOutput()
	require.NotContains(t, string(output), "build failed")
	return string(output), err
}
