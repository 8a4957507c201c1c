// The engine cores: the real cores, with the defect built in, in every order.

package defect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/sim/exhaustive"
)

// Cores explores a world of sim/exhaustive, by its name. The control is the source as it
// stands, judged for the same properties; or another world, where the defect is the
// world's.
type Cores struct {
	World   string
	Control string // a world without the defect; "": the defect is a patch
}

// Engine returns EngineCores.
func (c Cores) Engine() string { return EngineCores }

// Command is the trial itself: it takes a build.
func (c Cores) Command(id string, _ *Finding) string { return ownCommand(id, EngineCores) }

// ownCommand runs one trial of the matrix.
func ownCommand(id, engine string) string {
	return fmt.Sprintf("simulate check --matrix --with %s --engine %s", id, engine)
}

func (c Cores) controlled(d *Defect) string {
	return fmt.Sprintf("%s %s %v", EngineCores, cmp.Or(c.Control, c.World), d.Properties)
}

func (c Cores) run(ctx context.Context, lab *laboratory, d *Defect, control bool) (Finding, error) {
	if c.Control != "" {
		world := c.World
		if control {
			world = c.Control
		}
		return Explore(ctx, world, d.Properties)
	}
	return lab.probe(ctx, d, control, "-engine", EngineCores, "-world", c.World, "-properties", strings.Join(d.Properties, ","))
}

// maxExplored ends an exploration that a defect has made endless.
const maxExplored = 1_000_000

// Explore looks for a violation of one of the properties in a world. It is what
// defect/probe does with the code that it was built with.
func Explore(ctx context.Context, world string, properties []string) (Finding, error) {
	var names []string
	for _, w := range exhaustive.Worlds() {
		if w.Name == world {
			return explore(ctx, w.Bounds, properties)
		}
		names = append(names, w.Name)
	}
	return Finding{}, &UsageError{What: "world", Word: world, Valid: names}
}

func explore(ctx context.Context, bounds exhaustive.Config, properties []string) (Finding, error) {
	m, err := exhaustive.New(bounds)
	if err != nil {
		return Finding{}, err
	}
	options := check.Options{MaxStates: maxExplored, StopEarly: true}
	for _, p := range m.Properties() {
		if slices.Contains(properties, p.Name) {
			options.Only = append(options.Only, p.Name)
		}
	}
	if len(options.Only) == 0 {
		return Finding{}, fmt.Errorf("explore the cores: none of the properties %v is judged in that world", properties)
	}
	result, err := check.Run(ctx, m, options)
	if err != nil {
		return Finding{}, fmt.Errorf("explore the cores: %w", err)
	}
	f := Finding{Count: result.Distinct, What: "every state explored"}
	if !result.Complete {
		f.What = "not every state explored: " + result.Stopped
	}
	for _, v := range result.Violations {
		if v.Kind != check.Reachability {
			f.Found, f.Property = true, v.Property
			f.What = fmt.Sprintf("a trace of %d steps", len(v.Trace)-1)
			break
		}
	}
	return f, nil
}
