// Package ablation takes the incident's claimed causes away, one at a time and in every
// combination, adds the claimed remedies, and says which causes are necessary, which
// suffice, and what each remedy cures. The specifications decide, exhaustively for their
// bounds (this file); the simulator counts, over seeds (simulator.go); and where the two
// differ, comparison.go says why.
package ablation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/a8011091/pegasus-reference/model"
)

// EngineCheck is the engine that explores the specifications.
const EngineCheck = "check"

// EngineNames are the engines: Run's, Simulate's, and both with Compare.
var EngineNames = []string{EngineCheck, EngineSim, EngineBoth}

// specSession is the specification that has every cause and remedy.
const specSession = "session"

const authMandatory = "mandatory"

// Names of the parts of an ablation. Servers are those of the specifications; faults are
// configurations of the session specification.
var (
	servers     = []string{"fin", "hang", "reference"}
	auths       = []string{authMandatory, "optional"}
	faultLevels = []faults{
		{specSession, "plain", "crashes"},
		{specSession, "default", "crashes, a lost FIN, an early timer"},
		{"timeouts", "incident", "a restart, in discrete time"},
	}
)

// faults is a specification and a configuration of it, and what can go wrong there.
type faults struct{ spec, config, about string }

// Cell is one combination. It encodes as a line of JSON: a check's, and what was ablated.
type Cell struct {
	Kind     string   `json:"kind"` // "ablation"
	Engine   string   `json:"engine"`
	Causes   []string `json:"causes"`
	Remedies []string `json:"remedies"`
	model.Report

	faults faults
	old    string
}

// comesBack are the properties that say that everybody gets back in.
var comesBack = []string{"reconnect-converges", "requests-drain", "converges"}

// ComesBack says whether every session comes back and every request ends well, whatever
// other properties are violated.
func (c *Cell) ComesBack() bool {
	return c.Complete && !slices.ContainsFunc(c.Violations, func(p string) bool { return slices.Contains(comesBack, p) })
}

// Options of Run.
type Options struct {
	Requests int      // of the session specification, each submitted again and again; 0: 1
	Only     []string // configurations, "specification configuration"; none: all
	Workers  int
	Progress func(done, total int, what string)
	Each     func(Cell) // called as each cell is known; may be nil
}

// combination is what is put together for a cell.
type combination struct {
	faults
	server, auth     string
	causes, remedies []string
	old              string // OldConn, "" for what the causes make of it
}

// Run explores every combination, and returns those that were explored when ctx ended.
func Run(ctx context.Context, options Options) ([]Cell, error) {
	list := slices.DeleteFunc(combinations(), func(c combination) bool {
		return len(options.Only) > 0 && !slices.Contains(options.Only, c.spec+" "+c.config)
	})
	cells := make([]Cell, 0, len(list))
	for i, c := range list {
		if options.Progress != nil {
			options.Progress(i, len(list), c.String())
		}
		cell, err := c.explore(ctx, options)
		if ctx.Err() != nil {
			return cells, nil
		}
		if err != nil {
			return cells, fmt.Errorf("ablation, %v: %w", c, err)
		}
		cells = append(cells, cell)
		if options.Each != nil {
			options.Each(cell)
		}
	}
	return cells, nil
}

// String names the combination in a progress line.
func (c combination) String() string {
	return fmt.Sprintf("%s %s, server %s, %s, causes %s, remedies %s", c.spec, c.config, c.server, c.auth, Words(c.causes), Words(c.remedies))
}

// Words is a set of causes or remedies in words.
func Words(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "+")
}

func (c combination) explore(ctx context.Context, options Options) (Cell, error) {
	settings, err := model.Ablation(c.spec, c.causes, c.remedies)
	if err != nil {
		return Cell{}, err
	}
	if c.spec == specSession {
		settings = append(settings, model.Setting{Name: "NReq", Value: strconv.Itoa(max(1, options.Requests))})
	}
	if c.old != "" {
		settings = append(settings, model.Setting{Name: "OldConn", Value: c.old})
	}
	report, err := model.Run(ctx, model.Request{
		Spec: c.spec, Config: c.config, Server: c.server, Auth: c.auth, Set: settings, Workers: options.Workers,
	})
	if err != nil {
		return Cell{}, err
	}
	return Cell{
		Kind: "ablation", Engine: EngineCheck, Causes: append([]string{}, c.causes...), Remedies: append([]string{}, c.remedies...), Report: report,
		faults: c.faults, old: c.old,
	}, nil
}

// combinations lists every cell: each set of causes, without a remedy, with each, and with
// all; and what servers do to a reused port, for the cause that speaks of it.
func combinations() []combination {
	var list []combination
	for _, f := range faultLevels {
		for _, server := range servers {
			for _, auth := range auths {
				for _, causes := range CauseSets() {
					for _, remedies := range RemedySets() {
						list = append(list, combination{faults: f, server: server, auth: auth, causes: causes, remedies: remedies})
					}
				}
			}
		}
	}
	for _, f := range faultLevels {
		if f.spec != specSession {
			continue
		}
		for _, server := range servers {
			for _, old := range oldConns {
				for _, causes := range portCauses {
					for _, remedies := range portRemedies {
						list = append(list, combination{
							faults: f, server: server, auth: authMandatory, causes: causes, remedies: remedies, old: old,
						})
					}
				}
			}
		}
	}
	return list
}

// What can become of a dial from a port that the server still knows, beside what cause C2
// claims; and what that is combined with.
var (
	oldConns     = []string{"tcp", "glued", "overtake"}
	portCauses   = [][]string{{"C2"}, {"C1", "C2"}}
	portRemedies = [][]string{nil, {"r2"}, {"r1", "r2", "r3"}}
)

// CauseSets returns every set of causes, the smallest first.
func CauseSets() [][]string {
	var names []string
	for _, c := range model.Causes() {
		names = append(names, c.Name)
	}
	var sets [][]string
	for mask := range 1 << len(names) {
		var set []string
		for i, name := range names {
			if mask&(1<<i) != 0 {
				set = append(set, name)
			}
		}
		sets = append(sets, set)
	}
	slices.SortStableFunc(sets, func(a, b []string) int { return len(a) - len(b) })
	return sets
}

// RemedySets returns no remedy, each by itself, and all.
func RemedySets() [][]string {
	sets := [][]string{nil}
	var all []string
	for _, r := range model.Remedies() {
		sets = append(sets, []string{r.Name})
		all = append(all, r.Name)
	}
	return append(sets, all)
}
