// The two engines side by side: for each cell that both decide, whether they agree, and
// where they do not, why.

package ablation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/sim"
)

// EngineBoth runs both engines and compares.
const EngineBoth = "both"

// counterparts are the configurations of the session specification and the scenarios that
// bring about what they allow.
var counterparts = []struct{ config, scenario string }{
	{"plain", sim.ScenarioAblationRestarts},
	{"default", sim.ScenarioAblationNetwork},
}

// Comparison is one cell that both engines decided.
type Comparison struct {
	Check *Cell
	Sim   *SimCell

	// AsTCP is the specification's verdict where a dial from a port that the server still
	// knows ends as TCP has it, and not as cause C2 claims. It is nil where the engines agree.
	AsTCP *Cell
}

// Agree says that both engines say the same of a client: that it always comes back, or that
// it does not.
func (c *Comparison) Agree() bool { return c.Check.ComesBack() == c.Sim.ComesBack() }

// Explained says that the specification agrees with the simulator as soon as it takes a dial
// from a port that the server still knows as TCP does: all that they differ in is a server
// that goes on with a connection which its kernel has reset.
func (c *Comparison) Explained() bool {
	return c.AsTCP != nil && c.AsTCP.Complete && c.AsTCP.ComesBack() == c.Sim.ComesBack()
}

// Compare puts the cells side by side, in the simulator's order, and explores again those
// that differ, with ports as TCP has them. Errors are as Run's.
func Compare(ctx context.Context, checked []Cell, simulated []SimCell, options Options) ([]Comparison, error) {
	var list []Comparison
	for i := range simulated {
		s := &simulated[i]
		j := slices.IndexFunc(checked, func(c Cell) bool { return counterpart(&c, s) })
		if j < 0 || s.Verdict == sim.VerdictInconclusive || !checked[j].Complete {
			continue
		}
		both := Comparison{Check: &checked[j], Sim: s}
		if !both.Agree() {
			c := combination{faults: both.Check.faults, server: s.Server, auth: s.Auth, causes: s.Causes, remedies: s.Remedies, old: "tcp"}
			cell, err := c.explore(ctx, options)
			if ctx.Err() != nil {
				return list, nil
			}
			if err != nil {
				return list, fmt.Errorf("ablation, %v: %w", c, err)
			}
			both.AsTCP = &cell
		}
		list = append(list, both)
	}
	return list, nil
}

// counterpart says that both are about the same combination.
func counterpart(c *Cell, s *SimCell) bool {
	same := c.Spec == specSession && c.old == "" && c.Server == s.Server && c.Auth == s.Auth && slices.Equal(c.Causes, s.Causes) && slices.Equal(c.Remedies, s.Remedies)
	return same && slices.ContainsFunc(counterparts, func(p struct{ config, scenario string }) bool {
		return c.Config == p.config && s.Scenario == p.scenario
	})
}

// ComparisonMarkdown says how many cells agree, and lists those that do not, by the
// reason.
func ComparisonMarkdown(list []Comparison) string {
	var b strings.Builder
	for _, p := range counterparts {
		total, differ, explained := 0, 0, 0
		for i := range list {
			c := &list[i]
			if c.Sim.Scenario != p.scenario {
				continue
			}
			if total++; !c.Agree() {
				differ++
				if c.Explained() {
					explained++
				}
			}
		}
		if total > 0 {
			fmt.Fprintf(&b, "- Specification session %s, simulator %s: the engines agree in %d of %d cells; of the %d others in %d once the specification takes ports as TCP does.\n", p.config, p.scenario, total-differ, total, differ, explained)
		}
	}
	b.WriteString("\n| specification | server | authentication | causes and remedies | specification | simulator: seeds kept out | with ports as TCP has them |\n|---|---|---|---|---|---|---|\n")
	for _, g := range differences(list) {
		c := g.first
		agrees := "agrees"
		if !c.Explained() {
			agrees = "**differs still**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d of %d | %s |\n", c.Check.Config, c.Sim.Server, c.Sim.Auth, strings.Join(g.combinations, "; "), checkedWord(c.Check), c.Sim.Violations, c.Sim.Seeds, agrees)
	}
	return b.String()
}

// group is cells that differ alike.
type group struct {
	first        *Comparison
	combinations []string
}

func differences(list []Comparison) []group {
	var groups []group
	for i := range list {
		c := &list[i]
		if c.Agree() {
			continue
		}
		words := Words(c.Sim.Causes) + ", " + remedyWords(c.Sim.Remedies)
		if n := len(groups); n > 0 && groups[n-1].alike(c) {
			groups[n-1].combinations = append(groups[n-1].combinations, words)
			continue
		}
		groups = append(groups, group{c, []string{words}})
	}
	return groups
}

func (g *group) alike(c *Comparison) bool {
	f := g.first
	return f.Check.Config == c.Check.Config && f.Sim.Server == c.Sim.Server && f.Sim.Auth == c.Sim.Auth && f.Check.ComesBack() == c.Check.ComesBack() &&
		f.Sim.Violations == c.Sim.Violations && f.Sim.Seeds == c.Sim.Seeds && f.Explained() == c.Explained()
}
