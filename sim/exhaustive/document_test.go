// docs/exploration.md says how many states each world has.

package exhaustive

import (
	goflag "flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// update writes the table anew, that of the nightly worlds included: a few minutes.
var update = goflag.Bool("update", false, "write the table of docs/exploration.md anew")

const (
	document   = "../../docs/exploration.md"
	tableBegin = "<!-- worlds: "
	tableEnd   = "<!-- worlds end -->"
)

// documented is the text of the document.
func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	return string(text)
}

// row is a world's line of the table.
func row(w *World, r *check.Result[*State]) string {
	return fmt.Sprintf("| %s | %s | %d | %d | %d |\n", w.Name, w.About, r.Distinct, r.Generated, r.Depth)
}

// TestDocument looks at the worlds that TestReferenceHolds does not.
func TestDocument(t *testing.T) {
	text := documented(t)
	if *update {
		rewrite(t, text)
		return
	}
	for _, w := range Worlds() {
		switch {
		case w.Nightly:
			require.Contains(t, text, "| "+w.Name+" | "+w.About+" |")
		case !demanding(&w):
			require.Contains(t, text, row(&w, explore(t, w.Bounds)), "write it anew: go test ./sim/exhaustive -run TestDocument -update")
		}
	}
}

func rewrite(t *testing.T, text string) {
	t.Helper()
	begin, end := strings.Index(text, tableBegin), strings.Index(text, tableEnd)
	require.True(t, begin >= 0 && begin < end)
	begin += strings.Index(text[begin:], "\n") + 1
	table := "| world | what can happen | states | steps | levels |\n|---|---|---|---|---|\n"
	for _, w := range Worlds() {
		table += row(&w, explore(t, w.Bounds))
	}
	require.NoError(t, os.WriteFile(document, []byte(text[:begin]+table+text[end:]), 0o644))
}

// TestWorldsAreNamedOnce: a name is how the matrix of defects finds a world.
func TestWorldsAreNamedOnce(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range Worlds() {
		require.False(t, seen[w.Name], w.Name)
		require.NotEmpty(t, w.About)
		require.NoError(t, w.Bounds.Validate(), w.Name)
		seen[w.Name] = true
	}
}
