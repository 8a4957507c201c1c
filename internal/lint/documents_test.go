// The documents held against the repository: links lead somewhere, and the tests that a
// command names are there.

package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// documents are the Markdown files of the repository, by path.
func documents(t *testing.T) map[string]string {
	pages := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		pages[filepath.Clean(path)] = string(text)
		return err
	})
	require.NoError(t, err)
	require.Greater(t, len(pages), 20)
	return pages
}

// anchors are what links into a page can name: its headings as GitHub spells them.
func anchors(page string) map[string]bool {
	names, seen := make(map[string]bool), make(map[string]int)
	for _, m := range regexp.MustCompile("(?m)^#{1,6} (.*)$").FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		name = regexp.MustCompile(`[^\pL\pN_\- ]`).ReplaceAllString(strings.ToLower(name), "")
		name = strings.ReplaceAll(strings.TrimSpace(name), " ", "-")
		if n := seen[name]; n > 0 {
			names[name+"-"+strconv.Itoa(n)] = true
		}
		names[name] = true
		seen[name]++
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	pages := documents(t)
	links := 0
	for path, page := range pages {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(page, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); assert.NoError(t, err, "%s links to %s", path, m[1]) && anchor != "" {
				assert.True(t, anchors(pages[target])[anchor], "%s links to %s: the page has no such heading", path, m[1])
			}
		}
	}
	require.Greater(t, links, 200)
}

// testCommands finds go test in code between backticks, which may go over a line's end, in
// indented lines, and in comments that say how a part is generated.
var testCommands = regexp.MustCompile("`go test ([^`]*)`|(?m:^(?:    |<!--).*?go test ([^\n#]*))")

// TestCommandsNameTests wants a test, fuzz target or benchmark for each -run, -fuzz and -bench.
func TestCommandsNameTests(t *testing.T) {
	commands := 0
	for path, page := range documents(t) {
		for _, m := range testCommands.FindAllStringSubmatch(page, -1) {
			words := strings.Fields(m[1] + m[2])
			for i := 0; i+1 < len(words); i++ {
				kind, pattern := words[i], strings.Trim(words[i+1], `'"`)
				if kind != "-run" && kind != "-fuzz" && kind != "-bench" || pattern == "^$" || pattern == "." {
					continue
				}
				commands++
				pattern, _, _ = strings.Cut(pattern, "/")
				for alternative := range strings.SplitSeq(pattern, "|") {
					assert.True(t, hasTest(t, kind, alternative, words), "%s: go test %s: there is no %s", path, strings.Join(words, " "), alternative)
				}
			}
		}
	}
	require.Greater(t, commands, 30)
}

// hasTest looks for a function in the packages that a command names.
func hasTest(t *testing.T, kind, pattern string, words []string) bool {
	function := regexp.MustCompile(`(?m)^func ` + map[string]string{"-run": "(?:Test|Fuzz|Example)", "-fuzz": "Fuzz", "-bench": "Benchmark"}[kind] + `\w*`)
	wanted, err := regexp.Compile(pattern)
	require.NoError(t, err)
	for _, word := range words {
		dir, isDir := strings.CutPrefix(word, "./")
		if !isDir {
			continue
		}
		files, err := filepath.Glob(filepath.Join(root, strings.TrimSuffix(dir, "/..."), "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, f := range function.FindAllString(string(text), -1) {
				if wanted.MatchString(strings.TrimPrefix(f, "func ")) {
					return true
				}
			}
		}
	}
	return false
}
