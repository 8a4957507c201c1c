// The document says what comes out, and what comes out is what the incident's analysis says.

package ablation

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cheap are the configurations that take about a second each; .ci/run compares the whole
// document.
var cheap = []string{"session plain", "timeouts incident"}

func run(t *testing.T, only ...string) []Cell {
	t.Helper()
	cells, err := Run(context.Background(), Options{Only: only})
	require.NoError(t, err)
	for i := range cells {
		require.True(t, cells[i].Complete, cells[i].Stopped)
	}
	return cells
}

func TestDocument(t *testing.T) {
	document, err := os.ReadFile("../docs/ablation.md")
	require.NoError(t, err)
	cells := run(t, cheap...)
	assert.Len(t, cells, 2*len(servers)*len(auths)*8*5+len(servers)*len(oldConns)*len(portCauses)*len(portRemedies))
	for _, f := range faultLevels {
		if tables := levelTables(cells, f); tables != "" {
			assert.Contains(t, string(document), tables, "write it anew: simulate ablation --markdown")
		}
	}
	for _, line := range Conclusions(cells) {
		assert.Contains(t, string(document), "- "+line+"\n", "write it anew: simulate ablation --markdown")
	}
}

// TestCausesOfTheIncident: what the analysis of the incident says of the causes.
func TestCausesOfTheIncident(t *testing.T) {
	cells := run(t, cheap...)
	for i := range cells {
		c := &cells[i]
		if c.old != "" || c.Auth != authMandatory || len(c.Remedies) > 0 || len(c.Causes) > 1 {
			continue
		}
		c1 := len(c.Causes) == 1 && c.Causes[0] == "C1"
		assert.Equal(t, !c1 || c.Server == "reference", c.ComesBack(), "%s %s, server %s, causes %v", c.Spec, c.Config, c.Server, c.Causes)
	}
}

func TestConclusions(t *testing.T) {
	cell := func(back bool, remedies []string, causes ...string) finding {
		c := &Cell{Causes: causes, Remedies: remedies}
		if c.Complete = true; !back {
			c.Violations = []string{"reconnect-converges"}
		}
		return c.finding()
	}
	var cells []finding
	for _, causes := range CauseSets() {
		words := Words(causes)
		never := strings.Contains(words, "C1") || words == "C2+C3"
		cells = append(cells, cell(!never, nil, causes...), cell(words != "C2", []string{"r1"}, causes...))
	}
	for _, remedies := range RemedySets()[2:] {
		for _, causes := range CauseSets() {
			cells = append(cells, cell(!strings.Contains(Words(causes), "C1") && Words(causes) != "C2+C3", remedies, causes...))
		}
	}
	assert.Equal(t, "each of C1, C2+C3 is sufficient; no cause is necessary. r1 cures each. With r1 those with C2 no longer come back."+
		" r2 cures none. r3 cures none. r1+r2+r3 cures none.", conclude(cells))
	undecided := slices.Clone(cells)
	look(undecided, []string{"C2"}, []string{"r1"}).decided = false
	look(undecided, []string{"C1"}, []string{"r2"}).decided = false
	look(undecided, []string{"C1"}, []string{"r2"}).back = false
	assert.Equal(t, "each of C1, C2+C3 is sufficient; no cause is necessary. Of r1 nothing follows: with C2 it was not decided."+
		" Of r2 nothing follows: with C1 it was not decided. r3 cures none. r1+r2+r3 cures none.", conclude(undecided))
	cells[0].decided = false
	assert.Contains(t, conclude(cells), "not decided")
}

func TestSetsAreAllThereAre(t *testing.T) {
	assert.Len(t, CauseSets(), 8)
	assert.Equal(t, []string{}, append([]string{}, CauseSets()[0]...))
	assert.Equal(t, []string{"C1", "C2", "C3"}, CauseSets()[7])
	assert.Equal(t, [][]string{nil, {"r1"}, {"r2"}, {"r3"}, {"r1", "r2", "r3"}}, RemedySets())
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cells, err := Run(ctx, Options{Each: func(Cell) { cancel() }})
	require.NoError(t, err)
	assert.Len(t, cells, 1)
}
