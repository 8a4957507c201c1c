// docs/conformance.md has the refinement map as tables: made here, compared there. -rewrite
// writes them anew.

package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func joined[T ~string](list []T) string {
	var words []string
	for _, w := range list {
		words = append(words, string(w))
	}
	return strings.Join(words, ", ")
}

func mapTable() string {
	var b strings.Builder
	b.WriteString("| event | kind | actions | clauses | demanded |\n|---|---|---|---|---|\n")
	for i := range refinement {
		r := &refinement[i]
		actions := joined(r.actions)
		if actions == "" {
			actions = "none"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", r.name, r.kind, actions, joined(r.clauses), r.demand)
	}
	return b.String()
}

func livesTable() string {
	var b strings.Builder
	b.WriteString("| event | kind | actions | clause | demanded |\n|---|---|---|---|---|\n")
	for _, r := range lifeRows {
		var ways []string
		for _, actions := range r.actions {
			ways = append(ways, joined(actions))
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", r.name, r.kind, strings.Join(ways, "; or "), r.clause, r.demand)
	}
	return b.String()
}

func routesTable() string {
	var b strings.Builder
	b.WriteString("| event | kind | actions | clauses | demanded |\n|---|---|---|---|---|\n")
	for _, r := range routeRows {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", r.name, r.kind, joined(r.actions), joined(r.clauses), r.demand)
	}
	return b.String()
}

func insertsTable() string {
	var b strings.Builder
	b.WriteString("| what | actions | before |\n|---|---|---|\n")
	for i := range inserts {
		var before []string
		for j := range refinement {
			for _, ins := range append(refinement[j].always, refinement[j].ifNeeded...) {
				if ins == insert(i) {
					before = append(before, refinement[j].name)
				}
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", inserts[i].name, joined(inserts[i].actions), strings.Join(before, "; "))
	}
	return b.String()
}

func stutteringTable() string {
	var b strings.Builder
	b.WriteString("| kind | why |\n|---|---|\n")
	for _, s := range stuttering {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.kind, s.why)
	}
	return b.String()
}

func undetectedTable() string {
	var b strings.Builder
	b.WriteString("| change | event | where, and why, it may pass |\n|---|---|---|\n")
	for _, u := range undetected {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", u.change, u.event, u.why)
	}
	return b.String()
}

func TestDocsHaveTheMap(t *testing.T) {
	path := filepath.Join("..", "docs", "conformance.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := string(text)
	for name, table := range map[string]string{
		"map": mapTable(), "inserts": insertsTable(), "stuttering": stutteringTable(), "undetected": undetectedTable(), "lives": livesTable(), "routes": routesTable(),
	} {
		between := regexp.MustCompile(fmt.Sprintf(`(?s)<!-- %s -->\n.*?<!-- %s end -->`, name, name))
		require.True(t, between.MatchString(changed), "docs/conformance.md has no place for the table %s", name)
		changed = between.ReplaceAllLiteralString(changed, fmt.Sprintf("<!-- %s -->\n%s<!-- %s end -->", name, table, name))
	}
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o644))
		return
	}
	require.Equal(t, changed, string(text), "go test ./conformance -run Docs -rewrite writes the tables anew")
}

// Every clause that the package names is one of docs/spec.md, every action one of the model.
func TestNamesAreOfTheSpecification(t *testing.T) {
	spec, err := os.ReadFile(filepath.Join("..", "docs", "spec.md"))
	require.NoError(t, err)
	clauses := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^ *- \*\*([SPRQT][0-9]+[a-z]?)\.\*\* `).FindAllStringSubmatch(string(spec), -1) {
		clauses[m[1]] = true
	}
	model, err := newSpecification(constants("reference", 4))
	require.NoError(t, err)
	for i := range refinement {
		r := &refinement[i]
		require.NotEmpty(t, r.clauses, r.name)
		require.NotNil(t, r.explain, r.name)
		for _, clause := range r.clauses {
			assert.True(t, clauses[clause], "%s: docs/spec.md has no clause %s", r.name, clause)
		}
		for _, a := range r.actions {
			assert.NotEmpty(t, model.numbers[a], "%s: model/session has no action %s", r.name, a)
		}
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	named := 0
	for _, path := range files {
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`object\("([A-Z][0-9a-z]+)"`).FindAllStringSubmatch(string(source), -1) {
			named++
			assert.True(t, clauses[m[1]], "%s: docs/spec.md has no clause %s", path, m[1])
		}
	}
	require.Greater(t, named, 40)
	var routing strings.Builder
	files, err = filepath.Glob(filepath.Join("..", "model", "routing", "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		routing.Write(source)
	}
	for _, r := range lifeRows {
		assert.Contains(t, routing.String(), ". "+r.clause+": ", "%s: model/routing has no clause %s", r.name, r.clause)
	}
}
