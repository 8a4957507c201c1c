// The track record: what was found, as a document and as a judgement.

package defect

import (
	"cmp"
	"fmt"
	"strings"
)

// Wrong says in a sentence each what is not as the catalogue expects: a trial that found
// nothing, a control that found something.
func Wrong(cells []Cell) []string {
	var wrong []string
	for i := range cells {
		c := &cells[i]
		switch {
		case c.Found && c.Unseen != "":
			wrong = append(wrong, fmt.Sprintf("defect %s was found by engine %s, which the catalogue says does not see it", c.Defect, c.Engine))
		case !c.Found && c.Unseen == "":
			wrong = append(wrong, fmt.Sprintf("defect %s was not found by engine %s: %s, %d %s", c.Defect, c.Engine, c.What, c.Count, c.Unit))
		}
		if c.Control != controlHeld {
			wrong = append(wrong, fmt.Sprintf("defect %s, engine %s: %s", c.Defect, c.Engine, c.Control))
		}
	}
	return wrong
}

// Markdown writes the track record of the cells.
func Markdown(cells []Cell) string {
	var b strings.Builder
	b.WriteString(summary(cells))
	for i := range catalogue {
		b.WriteString(catalogue[i].section(cells))
	}
	return b.String()
}

// summary is the table of defects by engines.
func summary(cells []Cell) string {
	var b strings.Builder
	b.WriteString("| defect |")
	for _, e := range Engines() {
		fmt.Fprintf(&b, " %s |", e.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(Engines())) + "\n")
	for i := range catalogue {
		d := &catalogue[i]
		fmt.Fprintf(&b, "| [%s](#%s) |", d.ID, d.ID)
		for _, e := range Engines() {
			fmt.Fprintf(&b, " %s |", cellText(cells, d.ID, e.Name))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cellText is one cell of the table: "-" where no trial was made.
func cellText(cells []Cell, id, engine string) string {
	for i := range cells {
		if c := &cells[i]; c.Defect == id && c.Engine == engine {
			if c.Found {
				return counted(c)
			}
			return fmt.Sprintf("not found, %s", counted(c))
		}
	}
	return "-"
}

// counted is a cell's count in words.
func counted(c *Cell) string {
	unit := c.Unit
	if c.Count == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return fmt.Sprintf("%d %s", c.Count, unit)
}

// foundWords is what was found, in a word.
func foundWords(c *Cell) string {
	if c.Found {
		return c.Property
	}
	return "not found"
}

// sentence is a note that begins with a capital letter and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// section tells of one defect.
func (d *Defect) section(cells []Cell) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", d.ID, d.About)
	fmt.Fprintf(&b, "Source: %s. Must be caught by: %s.", d.Source, strings.Join(d.Properties, ", "))
	if d.hasPatch() {
		fmt.Fprintf(&b, " Patch: [%s.patch](../defect/%s).", d.ID, patchName(d.ID))
	}
	b.WriteString("\n\n")
	for i := range cells {
		c := &cells[i]
		if c.Defect != d.ID {
			continue
		}
		fmt.Fprintf(&b, "- %s: %s after %s, %.1f s: `%s`. %s\n", c.Engine, foundWords(c), counted(c), c.Seconds, c.Command, cmp.Or(c.Unseen, sentence(c.What)))
	}
	if d.Alone != "" {
		fmt.Fprintf(&b, "\nWhy one engine only: %s\n", d.Alone)
	}
	return b.String()
}
