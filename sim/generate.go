// The scenarios that a seed alone makes.

package sim

// generators by name, in the order in which help texts list them.
var generators = []struct {
	name string
	make func(seed uint64) Scenario
}{
	{ScenarioFullRestart, fullRestart},
	{ScenarioKerberosRestart, kerberosRestart},
	{ScenarioSwarm, swarm},
}

// ScenarioNames lists the scenarios that a seed alone makes.
var ScenarioNames = generatorNames()

func generatorNames() []string {
	var names []string
	for _, g := range generators {
		names = append(names, g.name)
	}
	return names
}

// Generate makes the named scenario of a seed with the reference on both sides; callers
// then set Client, Server, Auth and EarlyRequest.
func Generate(name string, seed uint64) (Scenario, error) {
	for _, g := range generators {
		if g.name == name {
			return g.make(seed), nil
		}
	}
	return Scenario{}, oneOf("scenario", name, ScenarioNames)
}
