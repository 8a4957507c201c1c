// The page of the cells over a thousand seeds, against that of the cells over the first few,
// which are run anew with each commit.

package ablation

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
)

// The first seeds are among the thousand: a cell that comes back in all of these does in
// those, and so on. Where the thousand are divided, the few may say anything.
func TestThousandSeedsAgreeWithTheFirst(t *testing.T) {
	few, thousand := cellsOf(t, "../docs/ablation.md"), cellsOf(t, "../docs/ablation-seeds.md")
	require.Len(t, thousand, 2*3*8*5, "scenarios, servers, causes, remedies")
	require.Len(t, few, len(thousand))
	for key, words := range thousand {
		if kind := kindOf(words); kind != "divided" {
			assert.Equal(t, kind, kindOf(few[key]), key)
		}
	}
}

func kindOf(words string) string {
	switch {
	case strings.HasPrefix(words, "comes back"):
		return "comes back"
	case strings.HasPrefix(words, "**never**"):
		return "never"
	}
	return "divided"
}

// cellsOf reads the tables of the simulator: cells by scenario, server, causes and column.
func cellsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	cells := make(map[string]string)
	var scenario, server string
	for line := range strings.Lines(string(page)) {
		fields := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		head, isHead := strings.CutPrefix(fields[0], "server ")
		switch {
		case strings.HasPrefix(line, "#"):
			scenario = ""
			for _, name := range sim.AblationScenarios {
				if strings.HasPrefix(line, "### Simulator, scenario "+name+":") {
					scenario = name
				}
			}
		case scenario == "" || len(fields) != 6 || strings.HasPrefix(line, "|---"):
		case isHead:
			server = head
		default:
			for i, words := range fields[1:] {
				cells[strings.Join([]string{scenario, server, fields[0], string(rune('0' + i))}, "/")] = words
			}
		}
	}
	return cells
}
