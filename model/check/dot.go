// A part of a state space as a picture, in the language of Graphviz.

package check

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteDOT writes g in the language DOT: what each state is, red where it violates
// safety, green where it is initial; and the steps between them.
func (g Graph) WriteDOT(w io.Writer, title string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "digraph {\n  label=%s;\n  node [shape=box, fontname=monospace];\n", Quote(title))
	if !g.Complete {
		fmt.Fprintf(b, "  more [label=%s, shape=plaintext];\n", Quote(fmt.Sprintf("the nearest %d states; there are more", len(g.Nodes))))
	}
	for i, n := range g.Nodes {
		lines := make([]string, 0, len(n.Fields)+len(n.Judgements))
		for _, f := range n.Fields {
			lines = append(lines, f.Name+": "+f.Value)
		}
		colour := ""
		if i < g.Initial {
			colour = ", color=green, penwidth=2"
		}
		for _, j := range n.Judgements {
			if !j.Holds && (j.Kind == Safety.String() || j.Kind == Deadlock.String()) {
				lines = append(lines, "violates "+j.Property)
				colour = ", color=red, penwidth=2"
			}
		}
		if len(lines) == 0 {
			lines = append(lines, n.ID.String())
		}
		fmt.Fprintf(b, "  s%d [label=%s%s];\n", i, Quote(lines...), colour)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(b, "  s%d -> s%d [label=%s];\n", e.From, e.To, Quote(e.Text))
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}

// Quote returns lines as one string of DOT, each line flush left.
func Quote(lines ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\l`)
	text := ""
	for _, line := range lines {
		text += escape.Replace(line)
		if len(lines) > 1 {
			text += `\l`
		}
	}
	return `"` + text + `"`
}
