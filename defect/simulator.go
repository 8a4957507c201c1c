// The engines simulator, linearizability and validation: seeds, one after another.

package defect

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/a8011091/pegasus-reference/conformance"
	"github.com/a8011091/pegasus-reference/sim"
)

// Simulator runs a scenario's seeds 1, 2, 3 .. until one violates a property of the
// defect. The defect is a patch, whose control is the source as it stands; or it is in the
// model of a client or server that the scenario names, whose control names another; or it
// is in the world, as a setting of the file that the file of the control has not.
type Simulator struct {
	Scenario string // that seeds make
	File     string // or one of scenarios/, played with other seeds; what it says of client, server, authentication and early requests holds
	Client   string // default: the reference
	Server   string
	Auth     string
	Early    string
	Seeds    int

	ControlClient, ControlServer, ControlFile string // all "": the defect is a patch
}

// Engine returns EngineSimulator.
func (s Simulator) Engine() string { return EngineSimulator }

// Command is a run of the seed that was found, or the trial itself where that takes a build.
func (s Simulator) Command(id string, f *Finding) string {
	if s.patched() {
		return ownCommand(id, EngineSimulator)
	}
	if s.File != "" {
		words := fmt.Sprintf("simulate replay defect/scenarios/%s.txt --seed %s", s.File, f.Seed)
		if s.Client != "" {
			words += " --client " + s.Client
		}
		return words
	}
	s = s.complete()
	return fmt.Sprintf("simulate run --client %s --server %s --auth %s --seed %s", s.Client, s.Server, s.Auth, f.Seed)
}

// patched says whether the defect is a patch of the code that runs.
func (s Simulator) patched() bool {
	return s.ControlClient == "" && s.ControlServer == "" && s.ControlFile == ""
}

// control is the same with a client and a server, or in a world, that have not the defect.
func (s Simulator) control() Simulator {
	if s.File != "" {
		s.File, s.Client, s.Server = cmp.Or(s.ControlFile, s.File), s.ControlClient, s.ControlServer
		return s
	}
	s.Client, s.Server = cmp.Or(s.ControlClient, s.Client), cmp.Or(s.ControlServer, s.Server)
	return s.complete()
}

// complete fills in the defaults.
func (s Simulator) complete() Simulator {
	if s.File != "" {
		return s
	}
	for _, f := range []struct {
		have *string
		want string
	}{
		{&s.Scenario, sim.ScenarioFullRestart}, {&s.Client, sim.ClientReference}, {&s.Server, sim.ServerReference},
		{&s.Auth, sim.AuthMandatory}, {&s.Early, sim.EarlyRefuse},
	} {
		if *f.have == "" {
			*f.have = f.want
		}
	}
	return s
}

func (s Simulator) controlled(d *Defect) string {
	if !s.patched() {
		s = s.control()
	}
	return fmt.Sprintf("%+v %v", s.complete(), d.Properties)
}

func (s Simulator) run(ctx context.Context, lab *laboratory, d *Defect, control bool) (Finding, error) {
	return s.search(ctx, lab, d, control, EngineSimulator, d.Properties)
}

// search runs the seeds here, or in a process that was built with the patch.
func (s Simulator) search(ctx context.Context, lab *laboratory, d *Defect, control bool, engine string, properties []string) (Finding, error) {
	s = s.complete()
	if control {
		s.Seeds = min(s.Seeds, controlSeeds)
	}
	switch {
	case s.patched():
	case control:
		return s.control().Search(ctx, engine, properties)
	default:
		return s.Search(ctx, engine, properties)
	}
	return lab.probe(ctx, d, control, "-engine", engine, "-scenario", s.Scenario, "-file", s.File, "-client", s.Client, "-server", s.Server,
		"-auth", s.Auth, "-early", s.Early, "-seeds", strconv.Itoa(s.Seeds), "-properties", strings.Join(properties, ","))
}

// controlSeeds bounds what a control runs: other tests and nights run the reference on more.
const controlSeeds = 50

// Search runs the seeds with the code that this program was built with, and looks at the
// properties, or for EngineValidation at whether each trace conforms.
func (s Simulator) Search(ctx context.Context, engine string, properties []string) (Finding, error) {
	s = s.complete()
	look := func(scenario sim.Scenario) (Finding, error) { return violates(ctx, scenario, properties) }
	if engine == EngineValidation {
		look = func(scenario sim.Scenario) (Finding, error) { return refused(ctx, scenario) }
	}
	for seed := uint64(1); seed <= uint64(s.Seeds); seed++ {
		scenario, err := s.scenario(seed)
		if err != nil {
			return Finding{}, err
		}
		f, err := look(scenario)
		if err != nil || ctx.Err() != nil {
			return Finding{}, fmt.Errorf("run seed %d: %w", seed, cmp.Or(err, ctx.Err()))
		}
		if f.Found {
			f.Count = seed
			return f, nil
		}
	}
	return Finding{Count: uint64(s.Seeds), What: "no seed violates"}, nil
}

//go:embed scenarios/*.txt
var files embed.FS

// scenario is what a seed plays. With a file Client and Server are empty, or a control's.
func (s Simulator) scenario(seed uint64) (sim.Scenario, error) {
	if s.File == "" {
		scenario, err := sim.Generate(s.Scenario, seed)
		scenario.Client, scenario.Server, scenario.EarlyRequest = s.Client, s.Server, s.Early
		scenario.SetAuth(s.Auth)
		return scenario, err
	}
	text, err := files.ReadFile("scenarios/" + s.File + ".txt")
	if err != nil {
		return sim.Scenario{}, fmt.Errorf("read the scenario of a defect: %w", err)
	}
	scenario, err := sim.ReadScenario(bytes.NewReader(text))
	if err != nil {
		return sim.Scenario{}, fmt.Errorf("read the scenario of a defect, %s: %w", s.File, err)
	}
	scenario.Seed = seed
	scenario.Client, scenario.Server = cmp.Or(s.Client, scenario.Client), cmp.Or(s.Server, scenario.Server)
	return scenario, nil
}

// violates runs a scenario and looks for one of the properties among those it violates.
func violates(ctx context.Context, scenario sim.Scenario, properties []string) (Finding, error) {
	result, err := sim.Run(ctx, scenario, sim.Options{})
	if err != nil {
		return Finding{}, err
	}
	for _, v := range result.Violations {
		if slices.Contains(properties, v.Property) {
			return Finding{Found: true, Property: v.Property, Seed: result.Seed, What: v.What}, nil
		}
	}
	return Finding{}, nil
}

// refused runs a scenario and holds its trace against the specifications; the first of them
// that refuses an event is told.
func refused(ctx context.Context, scenario sim.Scenario) (Finding, error) {
	validators, err := conformance.NewAll(conformance.Options{Server: conformance.ServerMode(scenario.Server, scenario.EarlyRequest)})
	if err != nil {
		return Finding{}, err
	}
	run, err := sim.Run(ctx, scenario, sim.Options{Sink: validators})
	if err != nil {
		return Finding{}, err
	}
	for _, result := range validators.Results() {
		if result.Verdict == conformance.NotConforming {
			return Finding{
				Found: true, Property: cmp.Or(result.First.Property, "clause "+result.First.Clause), Seed: run.Seed,
				What: fmt.Sprintf("event %d is refused: %s", result.First.Event, result.First.Why),
			}, nil
		}
	}
	return Finding{}, nil
}

// Linearizability is Simulator, of which only the callers' histories are judged.
type Linearizability struct{ Simulator }

// Engine returns EngineLinearizability.
func (l Linearizability) Engine() string { return EngineLinearizability }

// Command is as Simulator's.
func (l Linearizability) Command(id string, f *Finding) string {
	if l.patched() {
		return ownCommand(id, EngineLinearizability)
	}
	return l.Simulator.Command(id, f)
}

func (l Linearizability) controlled(*Defect) string {
	return fmt.Sprintf("%s %s", EngineLinearizability, l.Simulator.controlled(&Defect{}))
}

func (l Linearizability) run(ctx context.Context, lab *laboratory, d *Defect, control bool) (Finding, error) {
	return l.search(ctx, lab, d, control, EngineLinearizability, []string{sim.PropertyLinearizable})
}

// Validation is Simulator, whose traces are held against both specifications.
type Validation struct{ Simulator }

// Engine returns EngineValidation.
func (v Validation) Engine() string { return EngineValidation }

// Command is as Simulator's, with the validation.
func (v Validation) Command(id string, f *Finding) string {
	if v.patched() {
		return ownCommand(id, EngineValidation)
	}
	return v.Simulator.Command(id, f) + " --validate"
}

func (v Validation) controlled(*Defect) string {
	return fmt.Sprintf("%s %s", EngineValidation, v.Simulator.controlled(&Defect{}))
}

func (v Validation) run(ctx context.Context, lab *laboratory, d *Defect, control bool) (Finding, error) {
	return v.search(ctx, lab, d, control, EngineValidation, nil)
}
