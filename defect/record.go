// The track record: what was found, as a document and as a judgement.

package defect

import (
	"fmt"
	"strings"
)

// Wrong says in a sentence each what is not as the catalogue expects: a trial that found
// nothing, a control that found something.
func Wrong(cells []Cell) []string {
	var wrong []string
	for i := range cells {
		c := &cells[i]
		if !c.Found {
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
				return fmt.Sprintf("found, %s", counted(c))
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
		what := "nothing"
		if c.Found {
			what = c.Property
		}
		fmt.Fprintf(&b, "- %s: %s after %s (%s), %.1f s: `%s`\n", c.Engine, what, counted(c), c.What, c.Seconds, c.Command)
	}
	if d.Alone != "" {
		fmt.Fprintf(&b, "\nWhy one engine only: %s\n", d.Alone)
	}
	return b.String()
}
