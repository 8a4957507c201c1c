// The rules held against this repository, and their data against its documentation.

package lint

import (
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRepository holds this repository against its own rules.
func TestRepository(t *testing.T) {
	findings, err := Check("../..", Project())
	require.NoError(t, err)
	for _, f := range findings {
		assert.Fail(t, f.String())
	}
}

// TestNoModule wants an error where there is nothing to judge, not silence.
func TestNoModule(t *testing.T) {
	dir := t.TempDir()
	findings, err := Check(dir, Project())
	require.Error(t, err)
	assert.Contains(t, err.Error(), dir)
	assert.Empty(t, findings)
}

// TestOutput pins the form that editors and people read.
func TestOutput(t *testing.T) {
	f := Finding{Pos: token.Position{Filename: "client/session/core.go", Line: 7}, Rule: RuleCall, Message: "core client/session uses time.Now"}
	assert.Equal(t, "client/session/core.go:7: call: core client/session uses time.Now", f.String())
}

// TestDocumentedLayout compares the list of docs/architecture.md with the rules: the
// same lines in the same order, a star where the lint sees a core.
func TestDocumentedLayout(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	_, list, found := strings.Cut(string(page), "```\n")
	require.True(t, found)
	list, _, found = strings.Cut(list, "```")
	require.True(t, found)

	rules := Project()
	var documented, cores []string
	for _, line := range regexp.MustCompile(`(?m)^(\S+) +(\* )?`).FindAllStringSubmatch(list, -1) {
		documented = append(documented, line[1])
		if line[2] != "" {
			cores = append(cores, line[1])
		}
	}
	assert.Equal(t, rules.Layout, documented)
	var known []string
	for _, line := range rules.Layout {
		if _, isCore := rules.core(line); isCore {
			known = append(known, line)
		}
	}
	assert.Equal(t, known, cores)
}

// TestNames pins how an allow-list is read.
func TestNames(t *testing.T) {
	for _, test := range []struct {
		list  []string
		name  string
		allow bool
	}{
		{nil, "Now", false},
		{[]string{"Unix"}, "Unix", true},
		{[]string{"Unix"}, "UnixMilli", false},
		{[]string{"*"}, "Reader.Read", true},
		{[]string{"*", "-Pipe"}, "Pipe", false},
		{[]string{"-Pipe", "*"}, "Pipe", true}, // the last word counts
		{[]string{"Duration.*", "-Duration.Seconds"}, "Duration.Round", true},
		{[]string{"Duration.*", "-Duration.Seconds"}, "Duration.Seconds", false},
		{[]string{"Duration.*"}, "Duration", false},
		{[]string{"*", "-Timer.*"}, "Timer.Reset", false},
	} {
		assert.Equal(t, test.allow, named(test.list, test.name), "%v %s", test.list, test.name)
	}
}
