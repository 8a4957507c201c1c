// The rules held against small modules, one directory of testdata each: every line
// that a rule must refuse says so in a comment, // want "rule: regular expression",
// or, where it has no room for one, // want+N, N lines above. Every other line must be
// accepted.

package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var rules = []string{
	RuleCompile, RuleLayout, RuleImport, RuleCall, RuleConcurrency, RuleGlobal, RuleMapOrder, RuleFloat, RuleFormat, RuleHidden, RuleSize, RuleDoc, RuleUnfinished,
}

// TestRefusals loads all fixtures at once and judges each as a module of its own.
func TestRefusals(t *testing.T) {
	all, err := load("testdata")
	require.NoError(t, err)
	entries, err := os.ReadDir("testdata")
	require.NoError(t, err)
	refused := make(map[string]bool)
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			m := all.part(entry.Name())
			files, err := checkFiles(m.dir)
			require.NoError(t, err)
			findings := tidy(m.dir, append(m.check(Project()), files...))
			for _, f := range findings {
				refused[f.Rule] = true
			}
			compare(t, m.dir, findings)
		})
	}
	for _, rule := range rules {
		assert.True(t, refused[rule], "no fixture shows rule %s refusing anything", rule)
	}
}

// part is the fixture in one directory as a module.
func (m *module) part(name string) *module {
	p := &module{dir: filepath.Join(m.dir, name), path: m.path + "/" + name, fset: m.fset}
	for _, u := range m.packages {
		if p.owns(u.PkgPath) {
			p.add(u.Package)
		}
	}
	for _, u := range m.tests {
		if p.owns(u.PkgPath) {
			p.add(u.Package)
		}
	}
	p.index()
	return p
}

// expectation is one quoted pattern of a want comment.
type expectation struct {
	pattern *regexp.Regexp
	met     bool
}

func compare(t *testing.T, dir string, findings []Finding) {
	t.Helper()
	wants := readWants(t, dir)
	for _, f := range findings {
		place := f.Pos.Filename + ":" + strconv.Itoa(f.Pos.Line)
		met := false
		for _, want := range wants[place] {
			if want.pattern.MatchString(f.Rule + ": " + f.Message) {
				want.met, met = true, true
			}
		}
		assert.True(t, met, "not expected: %s", f)
	}
	for place, list := range wants {
		for _, want := range list {
			assert.True(t, want.met, "%s: expected and not found: %s", place, want.pattern)
		}
	}
}

var wanted = regexp.MustCompile(`// want(?:\+([0-9]+))? (.*)`)

var quoted = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// readWants reads the expectations of every file below dir, by file:line.
func readWants(t *testing.T, dir string) map[string][]*expectation {
	t.Helper()
	wants := make(map[string][]*expectation)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		rel, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		for i, line := range strings.Split(string(source), "\n") {
			comment := wanted.FindStringSubmatch(line)
			if comment == nil {
				continue
			}
			below, _ := strconv.Atoi(comment[1])
			place := filepath.ToSlash(rel) + ":" + strconv.Itoa(i+1+below)
			for _, match := range quoted.FindAllString(comment[2], -1) {
				pattern, err := strconv.Unquote(match)
				require.NoError(t, err, place)
				wants[place] = append(wants[place], &expectation{pattern: regexp.MustCompile("^" + pattern)})
			}
		}
		return nil
	})
	require.NoError(t, err)
	return wants
}
