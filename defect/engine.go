// Engines: what can look for a defect.

package defect

import "context"

// Engine is one way to look for a defect.
type Engine struct {
	Name  string
	About string
	Unit  string // of Finding.Count
}

// Names of the engines.
const (
	EngineSpecification   = "specification"
	EngineCores           = "cores"
	EngineSimulator       = "simulator"
	EngineProperties      = "properties"
	EngineLinearizability = "linearizability"
	EngineValidation      = "validation"
)

// Engines returns every engine, in the order of the track record's columns.
func Engines() []Engine {
	return []Engine{
		{EngineSpecification, "a switch or a constant of a specification, every state under the checker", "states"},
		{EngineCores, "the real cores in a small world, every order under the checker", "states"},
		{EngineSimulator, "seeds of the simulator, one after another until one violates", "seeds"},
		{EngineProperties, "random events given to one core by its property test", "cases"},
		{EngineLinearizability, "seeds of the simulator, of each only what the callers saw", "seeds"},
		{EngineValidation, "seeds of the simulator, every event of their traces held against the session and the routing specification", "seeds"},
	}
}

// EngineNames returns the engines' names.
func EngineNames() []string {
	var names []string
	for _, e := range Engines() {
		names = append(names, e.Name)
	}
	return names
}

// unitOf is what an engine counts.
func unitOf(engine string) string {
	for _, e := range Engines() {
		if e.Name == engine {
			return e.Unit
		}
	}
	return ""
}

// Trial looks for one defect with one engine.
type Trial interface {
	Engine() string
	// Command is what a reader types to see the finding.
	Command(id string, f *Finding) string
	// run looks for the defect, or with control for anything where it is not.
	run(ctx context.Context, lab *laboratory, d *Defect, control bool) (Finding, error)
	// controlled names the control; trials of one name share it.
	controlled(d *Defect) string
}

// Finding is what a trial came to.
type Finding struct {
	Found    bool   `json:"found"`
	Property string `json:"property"` // violated; "" where nothing was found
	Count    uint64 `json:"count"`    // of the engine's unit: looked at until it was found, or in all
	Seed     string `json:"seed"`     // of the first violation, where the engine has seeds
	What     string `json:"what"`     // the violation in words, or why nothing was found
}
