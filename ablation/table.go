// The ablation in tables, and what follows from them.

package ablation

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown writes the tables of the cells, and the conclusions.
func Markdown(cells []Cell) string {
	var b strings.Builder
	for _, f := range faultLevels {
		if section := levelTables(cells, f); section != "" {
			fmt.Fprintf(&b, "### Specification %s, configuration %s: %s\n\n%s", f.spec, f.config, f.about, section)
		}
	}
	if ports := portTable(cells); ports != "" {
		b.WriteString("### A port that the server still knows\n\n" + ports)
	}
	b.WriteString("### Conclusions\n\n")
	for _, line := range Conclusions(cells) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String()
}

// at returns the cells of one configuration, server and authentication, without those of
// the table of ports.
func at(cells []Cell, f faults, server, auth string) []*Cell {
	var list []*Cell
	for i := range cells {
		if c := &cells[i]; c.faults == f && c.Server == server && c.Auth == auth && c.old == "" {
			list = append(list, c)
		}
	}
	return list
}

// find returns the cell with those causes and remedies.
func find(cells []*Cell, causes, remedies []string) *Cell {
	i := slices.IndexFunc(cells, func(c *Cell) bool { return slices.Equal(c.Causes, causes) && slices.Equal(c.Remedies, remedies) })
	if i < 0 {
		return nil
	}
	return cells[i]
}

// levelTables is a table for each server: causes down, remedies across.
func levelTables(cells []Cell, f faults) string {
	var b strings.Builder
	for _, server := range servers {
		list := at(cells, f, server, authMandatory)
		if len(list) == 0 {
			continue
		}
		tableHead(&b, server)
		for _, causes := range CauseSets() {
			fmt.Fprintf(&b, "| %s |", Words(causes))
			for _, remedies := range RemedySets() {
				fmt.Fprintf(&b, " %s |", checkedWord(find(list, causes, remedies)))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// tableHead begins a server's table.
func tableHead(b *strings.Builder, server string) {
	fmt.Fprintf(b, "| server %s, causes |", server)
	for _, remedies := range RemedySets() {
		fmt.Fprintf(b, " %s |", remedyWords(remedies))
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(RemedySets())) + "\n")
}

func remedyWords(remedies []string) string {
	if len(remedies) == 0 {
		return "no remedy"
	}
	return Words(remedies)
}

// checkedWord is a cell in a word.
func checkedWord(c *Cell) string {
	switch {
	case c == nil:
		return "-"
	case !c.Complete:
		return "not known"
	case c.ComesBack():
		return "comes back"
	}
	return "**never**"
}

// portTable shows what servers can make of a port that is used again.
func portTable(cells []Cell) string {
	var rows []string
	back := make(map[string]map[string]string)
	for i := range cells {
		c := &cells[i]
		if c.old == "" {
			continue
		}
		row := fmt.Sprintf("%s | %s | %s | %s", oldWords[c.old], c.faults.about, Words(c.Causes), remedyWords(c.Remedies))
		if back[row] == nil {
			back[row] = make(map[string]string)
			rows = append(rows, row)
		}
		back[row][c.Server] = checkedWord(c)
	}
	if len(rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| the server takes such a dial | faults | causes | remedies |")
	for _, server := range servers {
		fmt.Fprintf(&b, " %s |", server)
	}
	b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(servers)) + "\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s |", row)
		for _, server := range servers {
			fmt.Fprintf(&b, " %s |", back[row][server])
		}
		b.WriteString("\n")
	}
	return b.String() + "\n"
}

// oldWords says what becomes of a dial from a port that the server still knows.
var oldWords = map[string]string{
	"tcp":      "as TCP does: challenge ACK, RST, the SYN again",
	"glued":    "for the old connection, unless its FIN is on its way",
	"overtake": "for the old connection, its FIN on its way or not",
}

// Conclusions says in a sentence each which causes are necessary and which suffice, and
// what each remedy cures, as far as the cells decide it.
func Conclusions(cells []Cell) []string {
	var lines []string
	for _, f := range faultLevels {
		for _, server := range servers {
			list := at(cells, f, server, authMandatory)
			if len(list) > 0 {
				where := fmt.Sprintf("%s %s, server %s", f.spec, f.config, server)
				lines = append(lines, where+": "+conclude(findings(list)))
			}
		}
	}
	return append(lines, concludeOptional(cells)...)
}

// concludeOptional speaks of authentication that is not mandatory, all servers together.
func concludeOptional(cells []Cell) []string {
	var lines []string
	for _, f := range faultLevels {
		total, undecided := 0, 0
		var out [][]string // sets of causes
		for _, server := range servers {
			for _, c := range at(cells, f, server, "optional") {
				switch total++; {
				case !c.Complete:
					undecided++
				case !c.ComesBack():
					out = append(out, c.Causes)
				}
			}
		}
		if total == 0 {
			continue
		}
		line := fmt.Sprintf("%s %s, authentication optional: %d of %d combinations come back", f.spec, f.config, total-len(out)-undecided, total)
		if undecided > 0 {
			line += fmt.Sprintf("; %d were not decided", undecided)
		}
		if len(out) > 0 {
			line += "; of those that do not, " + necessary(out)
		}
		lines = append(lines, line+".")
	}
	return lines
}
