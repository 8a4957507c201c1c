// What follows from the cells of one engine, configuration and server: which causes are
// necessary, which suffice, and what the remedies cure.

package ablation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/sim"
)

// finding is a cell, whichever engine decided it.
type finding struct {
	causes, remedies []string
	decided, back    bool
}

func (c *Cell) finding() finding { return finding{c.Causes, c.Remedies, c.Complete, c.ComesBack()} }

func (c *SimCell) finding() finding {
	return finding{c.Causes, c.Remedies, c.Verdict != sim.VerdictInconclusive, c.ComesBack()}
}

func findings[C interface{ finding() finding }](cells []C) []finding {
	list := make([]finding, 0, len(cells))
	for _, c := range cells {
		list = append(list, c.finding())
	}
	return list
}

// look returns the finding with those causes and remedies, nil if there is none.
func look(list []finding, causes, remedies []string) *finding {
	i := slices.IndexFunc(list, func(f finding) bool { return slices.Equal(f.causes, causes) && slices.Equal(f.remedies, remedies) })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// conclude speaks of one configuration and server.
func conclude(cells []finding) string {
	var failing [][]string
	for _, causes := range CauseSets() {
		c := look(cells, causes, nil)
		if c == nil || !c.decided {
			return "not decided: the causes " + Words(causes) + " were not decided."
		}
		if !c.back {
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
// others they make one that does not; nothing where a cell is missing or was not decided.
func cures(cells []finding, failing [][]string, remedies []string) string {
	var cured, harmed, undecided []string
	for _, causes := range CauseSets() {
		c := look(cells, causes, remedies)
		fails := slices.ContainsFunc(failing, func(set []string) bool { return slices.Equal(set, causes) })
		switch {
		case c == nil || !c.decided:
			undecided = append(undecided, Words(causes))
		case fails && c.back:
			cured = append(cured, Words(causes))
		case !fails && !c.back:
			harmed = append(harmed, Words(causes))
		}
	}
	if len(undecided) > 0 {
		return fmt.Sprintf(" Of %s nothing follows: with %s it was not decided.", Words(remedies), strings.Join(undecided, ", "))
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
