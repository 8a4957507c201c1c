// The same combinations from the simulator: runs of upstream-snapshot's rules with causes
// taken away and remedies added, over seeds. What a specification decides for every order
// within its bounds is here a rate over what seeds bring about, with times.

package ablation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/a8011091/pegasus-reference/sim"
)

// EngineSim is the engine that runs the simulator.
const EngineSim = "sim"

// SimOptions of Simulate.
type SimOptions struct {
	Seeds    int      // of each cell, from 1 on; 1 to MaxSeeds
	Only     []string // of sim.AblationScenarios; none: all
	Workers  int      // runs at a time; 0: one
	Progress func(done, total int, what string)
	Each     func(SimCell) // called as each cell is known, in order; may be nil
}

// MaxSeeds of a cell: what the integers of an interval can count.
const MaxSeeds = 100_000

// SimCell is one combination under every seed. It encodes as a line of JSON.
type SimCell struct {
	Kind     string   `json:"kind"`   // "ablation"
	Engine   string   `json:"engine"` // EngineSim
	Version  string   `json:"version"`
	Scenario string   `json:"scenario"`
	Client   string   `json:"client"`
	Server   string   `json:"server"`
	Auth     string   `json:"auth"`
	Causes   []string `json:"causes"`
	Remedies []string `json:"remedies"`

	Verdict      sim.Verdict `json:"verdict"`
	Property     *string     `json:"property"`     // most often violated of those that decide
	Seeds        int         `json:"seeds"`        // that were decided
	Inconclusive int         `json:"inconclusive"` // that were not, beside them
	Violations   int         `json:"violations"`   // seeds that violate reconnect-converges or requests-drain
	Rate         Rate        `json:"violations_rate"`
	Interval     [2]Rate     `json:"interval"`        // of the rate, 95 % (Wilson)
	First        *string     `json:"first_violation"` // seed
	Converged    Times       `json:"converged_after_ns"`
	PortReused   int         `json:"port_reused"`    // seeds in which a connection came from a port that its address had seen before
	ServerGaveUp int         `json:"server_gave_up"` // seeds in which a server gave a negotiation up for its deadline
}

// Times are of the seeds that converged, after the last fault; zero where none did.
type Times struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// ComesBack says that no seed kept the client out.
func (c *SimCell) ComesBack() bool { return c.Verdict == sim.VerdictHeld }

// outcome is one run, as far as a cell counts it.
type outcome struct {
	violated           []string // of comesBack
	inconclusive       bool
	converged          *int64
	reused, serverQuit bool
}

// simKey is what decides a seed's run: combinations that come to the same share it.
type simKey struct {
	scenario, server, auth string
	settings               sim.AblationSettings
}

// Simulate runs every combination under every seed, and returns those cells that were run
// when ctx ended. An error is a *sim.UsageError.
func Simulate(ctx context.Context, options SimOptions) ([]SimCell, error) {
	if options.Seeds < 1 || options.Seeds > MaxSeeds {
		return nil, &sim.UsageError{Text: fmt.Sprintf("%d seeds a cell: it must be 1 to %d", options.Seeds, MaxSeeds)}
	}
	list := slices.DeleteFunc(simCells(), func(c SimCell) bool {
		return len(options.Only) > 0 && !slices.Contains(options.Only, c.Scenario)
	})
	known := make(map[simKey][]outcome)
	for i := range list {
		cell := &list[i]
		if options.Progress != nil {
			options.Progress(i, len(list), fmt.Sprintf("%s, server %s, %s, causes %s, remedies %s", cell.Scenario, cell.Server, cell.Auth, Words(cell.Causes), Words(cell.Remedies)))
		}
		outcomes, err := cell.outcomes(ctx, options, known)
		if ctx.Err() != nil {
			return list[:i], nil
		}
		if err != nil {
			return list[:i], err
		}
		cell.count(outcomes)
		if options.Each != nil {
			options.Each(*cell)
		}
	}
	return list, nil
}

func simCells() []SimCell {
	var list []SimCell
	for _, scenario := range sim.AblationScenarios {
		for _, server := range servers {
			for _, auth := range auths {
				for _, causes := range CauseSets() {
					for _, remedies := range RemedySets() {
						list = append(list, SimCell{
							Kind: "ablation", Engine: EngineSim, Version: sim.Version(), Scenario: scenario, Client: sim.ClientUpstreamSnapshot,
							Server: server, Auth: auth, Causes: append([]string{}, causes...), Remedies: append([]string{}, remedies...),
						})
					}
				}
			}
		}
	}
	return list
}

func (c *SimCell) play(seed uint64) (sim.Scenario, error) {
	s, err := sim.Generate(c.Scenario, seed)
	if err != nil {
		return s, err
	}
	s.Server, s.Auth = c.Server, c.Auth
	s.Ablate(c.Causes, c.Remedies)
	return s, s.Validate()
}

// outcomes runs the seeds, unless a cell that comes to the same has.
func (c *SimCell) outcomes(ctx context.Context, options SimOptions, known map[simKey][]outcome) ([]outcome, error) {
	first, err := c.play(1)
	if err != nil {
		return nil, err
	}
	key := simKey{c.Scenario, c.Server, c.Auth, first.AblationSettings()}
	if list, ok := known[key]; ok {
		return list, nil
	}
	list := make([]outcome, options.Seeds)
	errs := make([]error, options.Seeds)
	var pool sync.WaitGroup
	workers := max(1, options.Workers)
	for worker := range workers {
		pool.Go(func() {
			for i := worker; i < options.Seeds && ctx.Err() == nil; i += workers {
				list[i], errs[i] = c.run(ctx, uint64(i)+1)
			}
		})
	}
	pool.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("run seed %d: %w", i+1, err)
		}
	}
	known[key] = list
	return list, nil
}

func (c *SimCell) run(ctx context.Context, seed uint64) (outcome, error) {
	s, err := c.play(seed)
	if err != nil {
		return outcome{}, err
	}
	result, err := sim.Run(ctx, s, sim.Options{})
	if err != nil {
		return outcome{}, err
	}
	o := outcome{
		inconclusive: result.Verdict == sim.VerdictInconclusive, converged: result.ConvergedAfterNS, serverQuit: result.ServerGaveUp > 0,
		reused: slices.ContainsFunc(result.Met, func(m sim.Count) bool { return m.Name == sim.MetPortReuse.String() }),
	}
	for _, v := range result.Violations {
		if slices.Contains(comesBack, v.Property) {
			o.violated = append(o.violated, v.Property)
		}
	}
	return o, nil
}

// count makes a cell of its seeds.
func (c *SimCell) count(outcomes []outcome) {
	var converged []int64
	most := make([]int, len(comesBack))
	for i := range outcomes {
		o := &outcomes[i]
		switch {
		case len(o.violated) > 0:
			if c.Violations++; c.First == nil {
				seed := fmt.Sprintf("%#x", i+1)
				c.First = &seed
			}
		case o.inconclusive:
			c.Inconclusive++
			continue
		}
		c.Seeds++
		for p, name := range comesBack {
			if slices.Contains(o.violated, name) {
				most[p]++
			}
		}
		if o.reused {
			c.PortReused++
		}
		if o.serverQuit {
			c.ServerGaveUp++
		}
		if len(o.violated) == 0 && o.converged != nil {
			converged = append(converged, *o.converged)
		}
	}
	c.Rate, c.Interval = rate(c.Violations, c.Seeds), wilson(c.Violations, c.Seeds)
	slices.Sort(converged)
	if n := len(converged); n > 0 {
		c.Converged = Times{P50: converged[(n-1)/2], P99: converged[(99*n+99)/100-1], Max: converged[n-1]}
	}
	switch {
	case c.Violations > 0:
		c.Verdict, c.Property = sim.VerdictViolation, &comesBack[slices.Index(most, slices.Max(most))]
	case c.Seeds == 0 || c.Inconclusive > 0:
		c.Verdict = sim.VerdictInconclusive
	default:
		c.Verdict = sim.VerdictHeld
	}
}

// Replay is a command that shows a cell's first violation.
func (c *SimCell) Replay() string {
	if c.First == nil {
		return ""
	}
	return fmt.Sprintf("simulate run --scenario %s --client %s --server %s --auth %s --causes %s --remedies %s --seed %s",
		c.Scenario, c.Client, c.Server, c.Auth, sim.Joined(c.Causes), sim.Joined(c.Remedies), *c.First)
}

// words is a cell in a table.
func (c *SimCell) words() string {
	switch {
	case c.Verdict == sim.VerdictInconclusive:
		return "not known"
	case c.Violations == 0:
		return fmt.Sprintf("comes back (0 to %v), %v", c.Interval[1], roundTime(c.Converged.P50))
	case c.Violations == c.Seeds:
		return fmt.Sprintf("**never** (%v to 1)", c.Interval[0])
	}
	return fmt.Sprintf("**%v** (%v to %v), else %v", c.Rate, c.Interval[0], c.Interval[1], roundTime(c.Converged.P50))
}

// roundTime is a time to three digits or so, for people.
func roundTime(ns int64) string {
	d := time.Duration(ns)
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// simTables is a table for each server of one scenario: causes down, remedies across.
func simTables(cells []SimCell, scenario string) string {
	var b strings.Builder
	for _, server := range servers {
		list := simAt(cells, scenario, server, authMandatory)
		if len(list) == 0 {
			continue
		}
		tableHead(&b, server)
		for _, causes := range CauseSets() {
			fmt.Fprintf(&b, "| %s |", Words(causes))
			for _, remedies := range RemedySets() {
				word := "-"
				if c := simFind(list, causes, remedies); c != nil {
					word = c.words()
				}
				fmt.Fprintf(&b, " %s |", word)
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func simAt(cells []SimCell, scenario, server, auth string) []*SimCell {
	var list []*SimCell
	for i := range cells {
		if c := &cells[i]; c.Scenario == scenario && c.Server == server && c.Auth == auth {
			list = append(list, c)
		}
	}
	return list
}

func simFind(cells []*SimCell, causes, remedies []string) *SimCell {
	i := slices.IndexFunc(cells, func(c *SimCell) bool { return slices.Equal(c.Causes, causes) && slices.Equal(c.Remedies, remedies) })
	if i < 0 {
		return nil
	}
	return cells[i]
}

// simAbout says what the seeds of a scenario bring about.
var simAbout = map[string]string{
	sim.ScenarioAblationRestarts: "restarts and losses of power, nothing else",
	sim.ScenarioAblationNetwork:  "besides, half of the seeds lose every packet for over a minute, and half have packets that are slow and held for 5.5 to 8.5 s",
}

// SimMarkdown writes the tables of the simulator's cells, and the conclusions.
func SimMarkdown(cells []SimCell) string {
	var b strings.Builder
	for _, scenario := range sim.AblationScenarios {
		if tables := simTables(cells, scenario); tables != "" {
			fmt.Fprintf(&b, "### Simulator, scenario %s: %s\n\n%s", scenario, simAbout[scenario], tables)
		}
	}
	b.WriteString("### Conclusions from the simulator\n\n")
	for _, line := range SimConclusions(cells) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String()
}

// SimConclusions is Conclusions of the simulator's cells: of the seeds that were run.
func SimConclusions(cells []SimCell) []string {
	var lines []string
	for _, scenario := range sim.AblationScenarios {
		for _, server := range servers {
			if list := simAt(cells, scenario, server, authMandatory); len(list) > 0 {
				lines = append(lines, fmt.Sprintf("%s, server %s: %s", scenario, server, conclude(findings(list))))
			}
		}
	}
	for _, scenario := range sim.AblationScenarios {
		total, back, undecided, quit, reused, runs := 0, 0, 0, 0, 0, 0
		for i := range cells {
			c := &cells[i]
			if c.Scenario != scenario {
				continue
			}
			if c.Auth != authMandatory {
				switch total++; {
				case c.Verdict == sim.VerdictInconclusive:
					undecided++
				case c.ComesBack():
					back++
				}
			}
			runs, quit, reused = runs+c.Seeds, quit+c.ServerGaveUp, reused+c.PortReused
		}
		if total > 0 {
			line := fmt.Sprintf("%s, authentication optional: %d of %d combinations come back", scenario, back, total)
			if undecided > 0 {
				line += fmt.Sprintf("; %d were not decided", undecided)
			}
			lines = append(lines, line+".")
		}
		if runs > 0 {
			lines = append(lines, fmt.Sprintf("%s, what acted: of %d runs, all cells together, %d reused a port, and in %d a server gave a negotiation up.", scenario, runs, reused, quit))
		}
	}
	return lines
}
