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
		fmt.Fprintf(&b, "| server %s, causes |", server)
		for _, remedies := range RemedySets() {
			fmt.Fprintf(&b, " %s |", remedyWords(remedies))
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(RemedySets())) + "\n")
		for _, causes := range CauseSets() {
			fmt.Fprintf(&b, "| %s |", Words(causes))
			for _, remedies := range RemedySets() {
				fmt.Fprintf(&b, " %s |", outcome(find(list, causes, remedies)))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func remedyWords(remedies []string) string {
	if len(remedies) == 0 {
		return "no remedy"
	}
	return Words(remedies)
}

// outcome is a cell in a word.
func outcome(c *Cell) string {
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
		back[row][c.Server] = outcome(c)
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
				lines = append(lines, where+": "+conclude(list))
			}
		}
	}
	return append(lines, concludeOptional(cells)...)
}

// conclude speaks of one configuration and server.
func conclude(cells []*Cell) string {
	var failing [][]string
	for _, causes := range CauseSets() {
		c := find(cells, causes, nil)
		if c == nil || !c.Complete {
			return "not decided: the causes " + Words(causes) + " were not explored to the end."
		}
		if !c.ComesBack() {
			failing = append(failing, causes)
		}
	}
	text := "every combination of causes comes back."
	if len(failing) > 0 {
		text = fmt.Sprintf("%s; %s.", sufficient(failing), necessary(failing))
	}
	for _, remedies := range RemedySets()[1:] {
		text += cures(cells, failing, remedies)
	}
	return text
}

// sufficient names the smallest sets of causes that keep a client out.
func sufficient(failing [][]string) string {
	var least []string
	for _, set := range failing {
		smaller := slices.ContainsFunc(failing, func(other []string) bool { return len(other) < len(set) && subset(other, set) })
		if !smaller {
			least = append(least, Words(set))
		}
	}
	if len(least) == 1 {
		return least[0] + " is sufficient"
	}
	return "each of " + strings.Join(least, ", ") + " is sufficient"
}

// necessary names the causes that every failing set has.
func necessary(failing [][]string) string {
	var shared []string
	for _, cause := range failing[len(failing)-1] {
		if !slices.ContainsFunc(failing, func(set []string) bool { return !slices.Contains(set, cause) }) {
			shared = append(shared, cause)
		}
	}
	if len(shared) == 0 {
		return "no cause is necessary"
	}
	return Words(shared) + " is necessary"
}

func subset(small, large []string) bool {
	return !slices.ContainsFunc(small, func(s string) bool { return !slices.Contains(large, s) })
}

// cures says of which failing sets the remedies make one that comes back, and of which
// others they make one that does not.
func cures(cells []*Cell, failing [][]string, remedies []string) string {
	var cured, harmed []string
	for _, causes := range CauseSets() {
		c := find(cells, causes, remedies)
		fails := slices.ContainsFunc(failing, func(set []string) bool { return slices.Equal(set, causes) })
		switch {
		case c == nil:
		case fails && c.ComesBack():
			cured = append(cured, Words(causes))
		case !fails && !c.ComesBack():
			harmed = append(harmed, Words(causes))
		}
	}
	text := ""
	switch name := Words(remedies); {
	case len(failing) == 0:
	case len(cured) == 0:
		text = " " + name + " cures none."
	case len(cured) == len(failing):
		text = " " + name + " cures each."
	default:
		text = " " + name + " cures " + strings.Join(cured, ", ") + "."
	}
	if len(harmed) > 0 {
		text += fmt.Sprintf(" With %s those with %s no longer come back.", Words(remedies), strings.Join(harmed, ", "))
	}
	return text
}

// concludeOptional speaks of authentication that is not mandatory, all servers together.
func concludeOptional(cells []Cell) []string {
	var lines []string
	for _, f := range faultLevels {
		total := 0
		var out [][]string // sets of causes
		for _, server := range servers {
			for _, c := range at(cells, f, server, "optional") {
				total++
				if !c.ComesBack() {
					out = append(out, c.Causes)
				}
			}
		}
		if total == 0 {
			continue
		}
		line := fmt.Sprintf("%s %s, authentication optional: %d of %d combinations come back", f.spec, f.config, total-len(out), total)
		if len(out) > 0 {
			line += "; of those that do not, " + necessary(out)
		}
		lines = append(lines, line+".")
	}
	return lines
}
