// The simulator's cells: what a few seeds of the decisive ones come to, and the arithmetic.

package ablation

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
)

func TestSimulated(t *testing.T) {
	var told int
	cells, err := Simulate(context.Background(), SimOptions{Seeds: 2, Only: []string{sim.ScenarioAblationRestarts}, Workers: 2, Each: func(SimCell) { told++ }})
	require.NoError(t, err)
	require.Len(t, cells, len(servers)*len(auths)*8*5)
	assert.Equal(t, len(cells), told)
	for i := range cells {
		c := &cells[i]
		require.Equal(t, 2, c.Seeds, "%+v", c)
		c1, r1 := contains(c.Causes, "C1"), contains(c.Remedies, "r1")
		stuck := c1 && !r1 && c.Server != "reference" && c.Auth == authMandatory
		assert.Equal(t, !stuck, c.ComesBack(), "%s", c.Replay())
		if stuck {
			assert.Equal(t, "reconnect-converges", *c.Property)
			assert.Contains(t, c.Replay(), "--seed 0x1")
		}
	}
	for _, line := range SimConclusions(cells)[:2] {
		assert.Contains(t, line, "C1 is sufficient; C1 is necessary. r1 cures each. r2 cures none. r3 cures none. r1+r2+r3 cures each.")
	}
}

func contains(list []string, word string) bool {
	return strings.Contains(strings.Join(list, "+"), word)
}

// Workers and shared runs change nothing.
func TestSimulatedIsDeterministic(t *testing.T) {
	run := func(workers int) SimCell {
		c := SimCell{Scenario: sim.ScenarioAblationNetwork, Server: "hang", Auth: authMandatory, Causes: []string{"C1"}, Remedies: []string{"r1"}}
		list, err := c.outcomes(context.Background(), SimOptions{Seeds: 6, Workers: workers}, make(map[simKey][]outcome))
		require.NoError(t, err)
		c.count(list)
		return c
	}
	one := run(1)
	assert.Equal(t, one, run(3))
	assert.Equal(t, 3, one.Violations, "the seeds whose connections end without a word")
	assert.Equal(t, Rate(5000), one.Rate)
}

func TestSimulateRefuses(t *testing.T) {
	var usage *sim.UsageError
	for _, seeds := range []int{0, -1, MaxSeeds + 1} {
		_, err := Simulate(context.Background(), SimOptions{Seeds: seeds})
		require.ErrorAs(t, err, &usage)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cells, err := Simulate(ctx, SimOptions{Seeds: 1, Each: func(SimCell) { cancel() }})
	require.NoError(t, err)
	assert.Len(t, cells, 1)
}

func TestInconclusiveSeedsAreNoPass(t *testing.T) {
	c := SimCell{}
	c.count([]outcome{{}, {inconclusive: true}})
	assert.Equal(t, sim.VerdictInconclusive, c.Verdict)
	assert.False(t, c.ComesBack())
	assert.Equal(t, "not known", c.words())
	c = SimCell{}
	c.count([]outcome{{violated: []string{"requests-drain"}}, {inconclusive: true}})
	assert.Equal(t, sim.VerdictViolation, c.Verdict)
	assert.Equal(t, "requests-drain", *c.Property)
	assert.Equal(t, 1, c.Seeds)
}

func TestWilson(t *testing.T) {
	for _, n := range []int{1, 4, 24, 1000, MaxSeeds} {
		for _, k := range []int{0, 1, n / 3, n / 2, n - 1, n} {
			p, z := float64(k)/float64(n), 1.96
			middle := (p + z*z/(2*float64(n))) / (1 + z*z/float64(n))
			spread := z / (1 + z*z/float64(n)) * math.Sqrt(p*(1-p)/float64(n)+z*z/(4*float64(n)*float64(n)))
			got := wilson(k, n)
			assert.InDelta(t, middle-spread, float64(got[0])/rateUnit, 0.0002, "%d of %d", k, n)
			assert.InDelta(t, middle+spread, float64(got[1])/rateUnit, 0.0002, "%d of %d", k, n)
			assert.LessOrEqual(t, got[0], rate(k, n))
			assert.GreaterOrEqual(t, got[1], rate(k, n))
		}
	}
	assert.Equal(t, [2]Rate{0, rateUnit}, wilson(0, 0))
	for x := range uint64(2000) {
		root := squareRoot(x)
		require.True(t, root*root <= x && (root+1)*(root+1) > x, x)
	}
	line, err := json.Marshal([]Rate{0, 42, rateUnit})
	require.NoError(t, err)
	assert.Equal(t, "[0,0.0042,1]", string(line))
}

// Where the engines differ, the specification agrees as soon as it takes ports as TCP does.
func TestEnginesDifferForAReason(t *testing.T) {
	checked := run(t, "session plain")
	simulated, err := Simulate(context.Background(), SimOptions{Seeds: 1, Only: []string{sim.ScenarioAblationRestarts}})
	require.NoError(t, err)
	list, err := Compare(context.Background(), checked, simulated, Options{})
	require.NoError(t, err)
	require.Len(t, list, len(simulated))
	document, err := os.ReadFile("../docs/ablation.md")
	require.NoError(t, err)
	for i := range list {
		c := &list[i]
		assert.True(t, c.Agree() || c.Explained(), "server %s, %s, causes %v, remedies %v", c.Sim.Server, c.Sim.Auth, c.Sim.Causes, c.Sim.Remedies)
	}
	groups := differences(list)
	assert.NotEmpty(t, groups)
	for _, g := range groups {
		assert.Contains(t, string(document), "| plain | "+g.first.Sim.Server+" | "+g.first.Sim.Auth+" | "+strings.Join(g.combinations, "; ")+" |", "write it anew: simulate ablation --engine both --markdown")
	}
	assert.NotContains(t, ComparisonMarkdown(list), "differs still")
}
