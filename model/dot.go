// A counterexample as a picture, in the language of Graphviz.

package model

import (
	"bufio"
	"fmt"
	"io"

	"github.com/a8011091/pegasus-reference/model/check"
)

// WriteDOT writes the trace in the language DOT: a chain of states, each with what the
// step to it has changed. What repeats for ever is bold.
func (f Failure) WriteDOT(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "digraph {\n  label=%s;\n  node [shape=box, fontname=monospace];\n", check.Quote(f.Property+" is violated ("+f.Kind+")"))
	index := map[string]int{} // by state, its node
	for i, s := range f.Trace {
		if _, drawn := index[s.State]; drawn {
			continue
		}
		index[s.State] = i
		lines := []string{fmt.Sprintf("%d %s", s.Number, s.State)}
		for _, c := range s.Changes {
			lines = append(lines, c.Name+": "+c.After)
		}
		fmt.Fprintf(b, "  s%d [label=%s];\n", i, check.Quote(lines...))
	}
	for i := 1; i < len(f.Trace); i++ {
		style := ""
		if f.Trace[i].Cycle {
			style = ", style=bold, color=red"
		}
		fmt.Fprintf(b, "  s%d -> s%d [label=%s%s];\n", index[f.Trace[i-1].State], index[f.Trace[i].State], check.Quote(f.Trace[i].Text), style)
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}
