// The scenarios that a seed alone makes.

package sim

import "slices"

// AuthDrawn leaves authentication as the seed draws it, where a seed makes the scenario.
const AuthDrawn = "drawn"

// SeedAuthNames are what can be said of authentication where a seed makes the scenario.
var SeedAuthNames = append(slices.Clone(RunAuthNames), AuthDrawn)

// SetAuth gives a scenario another authentication than its seed did, unless that is AuthDrawn.
// Faults of what there is with Kerberos only go with it.
func (s *Scenario) SetAuth(auth string) {
	if auth == AuthDrawn {
		return
	}
	s.Auth = auth
	if auth == AuthKerberos {
		return
	}
	s.Drawn = slices.DeleteFunc(s.Drawn, func(d Drawn) bool { return d.Kind.Info().Kerberos })
	s.Clocks = slices.DeleteFunc(s.Clocks, func(c Clock) bool { return c.Node == kdcName })
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool {
		return f.Kind.Info().Kerberos || f.Node == kdcName || f.Peer == kdcName
	})
}

// generators by name, in the order in which help texts list them.
var generators = []struct {
	name string
	make func(seed uint64) Scenario
}{
	{ScenarioFullRestart, fullRestart},
	{ScenarioKerberosRestart, kerberosRestart},
	{ScenarioSwarm, swarm},
	{ScenarioMoves, moves},
	{ScenarioAblationRestarts, ablationRestarts},
	{ScenarioAblationNetwork, ablationNetwork},
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
