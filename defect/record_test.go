// The document has what the catalogue has. The numbers in it take a run of the matrix.

package defect

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rows are the cells of the document's table by defect.
func rows(t *testing.T, document string) map[string][]string {
	t.Helper()
	table := make(map[string][]string)
	for _, line := range strings.Split(document, "\n") {
		if rest, ok := strings.CutPrefix(line, "| ["); ok {
			id, _, _ := strings.Cut(rest, "]")
			fields := strings.Split(strings.Trim(line, "|"), "|")
			for _, f := range fields[1:] {
				table[id] = append(table[id], strings.TrimSpace(f))
			}
		}
	}
	return table
}

func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/track-record.md")
	require.NoError(t, err)
	document := string(text)
	table := rows(t, document)
	assert.Len(t, table, len(Catalogue()))
	for _, d := range Catalogue() {
		cells := table[d.ID]
		require.Len(t, cells, len(Engines()), "%s: write it anew: simulate check --matrix --markdown", d.ID)
		for i, e := range Engines() {
			trial := d.trial(e.Name)
			switch {
			case trial == nil:
				assert.Equal(t, "-", cells[i], "%s, %s", d.ID, e.Name)
			case blind(trial) != "":
				assert.Regexp(t, `^not found, \d+ \w+$`, cells[i], "%s, %s", d.ID, e.Name)
				assert.Contains(t, document, blind(trial), d.ID)
			default:
				assert.Regexp(t, `^\d+ \w+$`, cells[i], "%s, %s", d.ID, e.Name)
			}
		}
		assert.Contains(t, document, fmt.Sprintf("\n### %s\n\n%s\n", d.ID, d.About))
		assert.Contains(t, document, fmt.Sprintf("Source: %s. Must be caught by: %s.", d.Source, strings.Join(d.Properties, ", ")))
		assert.Equal(t, d.hasPatch(), strings.Contains(document, "(../defect/"+patchName(d.ID)+")"), d.ID)
		if d.Alone != "" {
			assert.Contains(t, document, "Why one engine only: "+d.Alone, d.ID)
		}
	}
	for _, e := range Engines() {
		assert.Contains(t, document, "| "+e.Name+" |")
	}
}

func TestMarkdown(t *testing.T) {
	found := Cell{
		Defect: "downgrade", Engine: EngineCores, Unit: "states", Command: "see it", Control: controlHeld, Seconds: 1.25,
		Finding: Finding{Found: true, Property: "no-downgrade", Count: 36, What: "a trace of 4 steps"},
	}
	blind := Cell{Defect: "downgrade", Engine: EngineProperties, Unit: "cases", Unseen: "Because.", Control: controlHeld, Finding: Finding{Count: 1}}
	text := Markdown([]Cell{found, blind})
	assert.Contains(t, text, "| [downgrade](#downgrade) | - | 36 states | - | not found, 1 case | - | - |\n")
	assert.Contains(t, text, "- cores: no-downgrade after 36 states, 1.2 s: `see it`. A trace of 4 steps.\n")
	assert.Contains(t, text, "not found after 1 case, 0.0 s: ``. Because.\n")
	assert.Empty(t, Wrong([]Cell{found, blind}))

	found.Found, blind.Found, found.Control = false, true, "bounded is violated"
	wrong := Wrong([]Cell{found, blind})
	require.Len(t, wrong, 3)
	assert.Contains(t, wrong[0], "was not found by engine cores")
	assert.Contains(t, wrong[1], "bounded is violated")
	assert.Contains(t, wrong[2], "which the catalogue says does not see it")
}
