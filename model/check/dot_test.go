// A state space as a picture.

package check_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

func TestWriteDOT(t *testing.T) {
	m := loop()
	m.initial = m.initial[:1]
	e, err := check.NewExplorer(m)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, e.Draw(10).WriteDOT(&b, `a "loop"`))
	assert.Equal(t, `digraph {
  label="a \"loop\"";
  node [shape=box, fontname=monospace];
  s0 [label="60e583526fa00a12", color=green, penwidth=2];
  s1 [label="1137f3995367a7b3"];
  s2 [label="violates never-c", color=red, penwidth=2];
  s0 -> s1 [label="s"];
  s1 -> s2 [label="s"];
  s2 -> s1 [label="s"];
}
`, b.String())
	b.Reset()
	require.NoError(t, e.Draw(2).WriteDOT(&b, "part"))
	assert.Contains(t, b.String(), "the nearest 2 states; there are more")
}

func TestQuoteForDOT(t *testing.T) {
	assert.Equal(t, `"a\\b\"c\"\ld\l"`, check.Quote(`a\b"c"`, "d"))
}
