// The command lines of the documents and of the help texts held against the commands: each
// is of a command that there is, with flags, words and files that there are. Whoever types
// one gets what the text is about, and not a usage error.

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/defect"
	"github.com/a8011091/pegasus-reference/model"
)

// commandLines finds command lines in code between backticks, which may go over a line's
// end, and in indented lines without their comments.
var commandLines = regexp.MustCompile("`(?:go run \\./cmd/)?simulate(?: ([^`]*))?`|(?m:^ +(?:go run \\./cmd/)?simulate ([^\\n#]*))")

// plainWord is a word of a command line that stands for itself: NAME stands for others.
var plainWord = regexp.MustCompile(`^[a-z][a-z0-9.,+-]*$`)

func TestCommandLinesCanBeTyped(t *testing.T) {
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "docs/spec/tla/*.md"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", pattern))
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			texts[path] = string(text)
		}
	}
	for _, cmd := range newRootCommand().Commands() {
		texts["help of "+cmd.Name()] = cmd.Long + "\n" + cmd.Example
	}
	lines := 0
	for where, text := range texts {
		for _, m := range commandLines.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(m[1] + m[2])
			if len(words) > 0 && words[0] != "scenario" { // the first line of a scenario file
				lines++
				typed(t, where+": simulate "+strings.Join(words, " "), words)
			}
		}
	}
	require.Greater(t, lines, 300)
}

// typed finds the command, and looks at each word.
func typed(t *testing.T, line string, words []string) {
	cmd, args, err := newRootCommand().Find(words)
	if !assert.NoError(t, err, line) {
		return
	}
	for i, word := range args {
		name, value, assigned := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		switch {
		case strings.HasPrefix(word, "--"):
			if !assigned && i+1 < len(args) {
				value = args[i+1]
			}
			typedFlag(t, line, cmd, name, value)
		case strings.HasPrefix(word, "defect/"):
			assert.FileExists(t, filepath.Join("..", "..", word), line)
		case i == 0 && plainWord.MatchString(word) && len(cmd.ValidArgs) > 0:
			assert.Contains(t, cmd.ValidArgs, word, line)
		}
	}
}

// typedFlag looks whether a command has a flag, and whether the flag takes a word.
func typedFlag(t *testing.T, line string, cmd *cobra.Command, name, value string) {
	if name == "help" || name == "version" {
		return
	}
	if !assert.True(t, cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil, "%s: there is no --%s", line, name) {
		return
	}
	words := wordsOf(cmd, name)
	for word := range strings.SplitSeq(value, ",") {
		if words != nil && plainWord.MatchString(word) {
			assert.Contains(t, words, word, "%s: --%s", line, name)
		}
	}
}

// wordsOf are those that a flag takes; nil: it takes others than words.
func wordsOf(cmd *cobra.Command, flag string) (words []string) {
	if complete, found := cmd.GetFlagCompletionFunc(flag); found {
		words, _ = complete(cmd, nil, "")
		return words
	}
	switch flag {
	case "with":
		return append(switchNames(), defect.IDs()...)
	case "engine":
		return engineNames()
	case "config":
		for _, spec := range model.Specs() {
			for _, c := range spec.Configs {
				words = append(words, c.Name)
			}
		}
	}
	return words
}
