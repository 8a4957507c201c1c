// Every defect of upstream's that a model can show is shown, and the page says which.

package defect

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
)

var updateUpstream = flag.Bool("update-upstream", false, "write docs/upstream-defects.md")

const upstreamPage = "../docs/upstream-defects.md"

func TestUpstreamPage(t *testing.T) {
	table, err := UpstreamTable(context.Background())
	require.NoError(t, err)
	comparePart(t, "table", table)
	var odd strings.Builder
	odd.WriteString("| `odd` | while it lasts |\n|---|---|\n")
	for _, kind := range sim.OddNames {
		fmt.Fprintf(&odd, "| %s | %s |\n", kind, sim.OddSays(kind))
	}
	comparePart(t, "odd", odd.String())
}

// comparePart holds a generated part of the page against what it has to be, or writes it.
func comparePart(t *testing.T, part, want string) {
	t.Helper()
	text, err := os.ReadFile(upstreamPage)
	require.NoError(t, err)
	begin, end := fmt.Sprintf("<!-- %s: go test ./defect -run TestUpstreamPage -update-upstream -->\n", part), fmt.Sprintf("<!-- %s end -->\n", part)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found, part)
	was, after, found := strings.Cut(rest, end)
	require.True(t, found, part)
	if *updateUpstream {
		require.NoError(t, os.WriteFile(upstreamPage, []byte(before+begin+want+end+after), 0o600))
		return
	}
	assert.Equal(t, want, was, "go test ./defect -run TestUpstreamPage -update-upstream")
}

func TestUpstreamIsWhole(t *testing.T) {
	seen := make(map[string]bool)
	shown := 0
	for _, u := range UpstreamDefects() {
		assert.False(t, seen[u.ID], "%s is there twice", u.ID)
		seen[u.ID] = true
		assert.NotEmpty(t, u.About, u.ID)
		assert.Equal(t, u.Unshown != "", len(u.Properties) == 0, "%s: a scenario and its properties, or a reason", u.ID)
		assert.Equal(t, u.Unshown != "", u.Shows == Simulator{}, u.ID)
		if u.Defect != "" {
			assert.Contains(t, IDs(), u.Defect, u.ID)
		}
		if u.Unshown == "" {
			shown++
			assert.NotEmpty(t, u.Defect, "%s: what a scenario shows is in the matrix too", u.ID)
			assert.False(t, u.Shows.patched(), "%s: a model has it", u.ID)
		}
	}
	assert.GreaterOrEqual(t, shown, 20)
}

// Every scenario file is somebody's, and one that no seed makes says what it is about.
func TestScenarioFiles(t *testing.T) {
	entries, err := files.ReadDir("scenarios")
	require.NoError(t, err)
	var used []string
	use := func(s Simulator) { used = append(used, s.File, s.ControlFile) }
	for _, u := range UpstreamDefects() {
		use(u.Shows)
	}
	for _, d := range Catalogue() {
		if s, ok := d.trial(EngineSimulator).(Simulator); ok {
			use(s)
		}
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".txt")
		assert.True(t, slices.Contains(used, name), "no trial plays %s", name)
		scenario, err := Simulator{File: name}.scenario(1)
		require.NoError(t, err)
		assert.Equal(t, name, scenario.Name)
		assert.NotEmpty(t, scenario.Faults, "%s: a run without a restart is inconclusive", name)
		text, err := files.ReadFile("scenarios/" + e.Name())
		require.NoError(t, err)
		assert.Contains(t, string(text), "\n# ", "%s says in a comment what it is", name)
	}
}

// The reference client bears what every file brings, but for the two of C3, whose causes are
// those of upstream-snapshot, and kernels that are none.
func TestReferenceHoldsInEveryScenarioFile(t *testing.T) {
	entries, err := files.ReadDir("scenarios")
	require.NoError(t, err)
	played := 0
	for _, e := range entries {
		scenario, err := Simulator{File: strings.TrimSuffix(e.Name(), ".txt"), Client: sim.ClientReference}.scenario(7)
		require.NoError(t, err)
		if scenario.Causes != sim.CausesAsReleased || scenario.Sticky {
			continue
		}
		scenario.Watch = max(scenario.Watch, time.Minute) // progress is due before
		played++
		result, err := sim.Run(context.Background(), scenario, sim.Options{})
		require.NoError(t, err)
		assert.Empty(t, result.Violations, e.Name())
		assert.Equal(t, sim.VerdictHeld, result.Verdict, "%s: %s", e.Name(), result.Reason)
	}
	assert.Equal(t, len(entries)-3, played)
}
