package node

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{"*", []string{"alice", "alice@A", "a/b/c@A"}, []string{""}},
		{"alice@A", []string{"alice@A"}, []string{"alice@B", "alice", "alice/h@A", "Alice@A", "alice@a", "xalice@A", "alice@A@A", ""}},
		{"alice", []string{"alice"}, []string{"alice@A", "alice/h"}},
		{"svc/*@A", []string{"svc/h@A", "svc/h.example.org@A"}, []string{"svc@A", "svc/@A", "svc/a/b@A", "svc/h@B", "other/h@A"}},
		{"*/h@A", []string{"svc/h@A"}, []string{"svc/i@A", "h@A"}},
		{"*@A", []string{"alice@A"}, []string{"alice/h@A", "alice@B", "@A"}},
		{"alice@*", []string{"alice@A", "alice@B"}, []string{"alice", "bob@A", "alice@"}},
		{`a\/b@A`, []string{`a\/b@A`}, []string{"a/b@A"}},
		{`a\*@A`, []string{"a*@A", `a\*@A`}, []string{"ab@A"}},
		{`a\@b@A`, []string{`a\@b@A`}, []string{"a@b@A"}},
	} {
		p, err := ParsePattern(c.pattern)
		require.NoError(t, err, c.pattern)
		require.Equal(t, c.pattern, p.String())
		for _, principal := range c.yes {
			require.True(t, p.Matches(principal), "%s and %q", c.pattern, principal)
		}
		for _, principal := range c.no {
			require.False(t, p.Matches(principal), "%s and %q", c.pattern, principal)
		}
	}
	require.False(t, Pattern{}.Matches("alice@A"), "the zero pattern")
}

func TestPatternsThatMeanNothing(t *testing.T) {
	for text, says := range map[string]string{
		"": "a part is empty", "@A": "a part is empty", "alice@": "realm: a part is empty", "svc/@A": "a part is empty", "/h@A": "a part is empty",
		"al*@A": "whole part", "svc/**@A": "whole part", "alice@A*": "realm: * stands", "a@A@B": "two realms", `alice\`: "ends with a backslash",
		"al\x01ce@A": "control character",
	} {
		_, err := ParsePattern(text)
		var refused *PatternError
		require.ErrorAs(t, err, &refused, text)
		require.Equal(t, text, refused.Text)
		require.ErrorContains(t, err, says, text)
	}
}

// An exact pattern has one principal, whatever letters are in it.
func TestExactPatternIsExact(t *testing.T) {
	escape := strings.NewReplacer(`\`, `\\`, "/", `\/`, "@", `\@`, "*", `\*`).Replace
	part := rapid.StringMatching(`[a-c/@*\\]{1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(part, 1, 3)
		principal := func(label string) string {
			var parts []string
			for _, n := range names.Draw(t, label) {
				parts = append(parts, escape(n))
			}
			return strings.Join(parts, "/") + "@" + escape(part.Draw(t, label+" realm"))
		}
		one, other := principal("one"), principal("other")
		p, err := ParsePattern(one)
		require.NoError(t, err)
		require.True(t, p.Matches(one))
		require.Equal(t, one == other, p.Matches(other))
	})
}

// FuzzPattern: no text, as pattern or principal, does more than be refused.
func FuzzPattern(f *testing.F) {
	f.Add("svc/*@A", "svc/h@A")
	f.Add(`a\*@*`, `a\`)
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, pattern, principal string) {
		p, err := ParsePattern(pattern)
		if err != nil && p.Matches(principal) {
			t.Fatal("a pattern that was refused matches")
		}
		if principal == "" && p.Matches(principal) {
			t.Fatal("nobody matches")
		}
	})
}
