// The routing specification in the catalogue: its configurations and switches.

package model

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/routing"
)

var routingConfigs = []struct {
	Config
	constants func() routing.Constants
}{
	{Config{"default", "three metas, two nodes, one request at a time, and one of each fault: move, election, rumour, crash, early timer"}, routing.Default},
	{Config{"small", "the same without crashes"}, routing.Small},
	{Config{"plain", "two requests and two moves, without crashes and early timers"}, routing.Plain},
	{Config{"deep", "two requests, two moves, two crashes, and one of each other fault: 65 million states, many minutes"}, routing.Deep},
}

var routingSwitches = []Switch{
	{
		Name: "forward-ping-pong", Properties: []string{routing.Bounded, routing.LeaderFound, routing.RequestsDrain},
		Config: "small", Set: []Setting{{"Defects", "forward-ping-pong"}},
		About: "the client follows a redirect to a meta that it has asked in this round already",
	},
	{
		Name: "retry-to-stale-primary", Properties: []string{routing.LeaderFound, routing.RequestsDrain},
		Config: "small", Set: []Setting{{"Defects", "retry-to-stale-primary"}},
		About: "the client tries a request again where it went first, whatever the table says meanwhile",
	},
	{
		Name: "older-ballot-accepted", Properties: []string{routing.BallotMonotonic},
		Config: "small", Set: []Setting{{"Defects", "older-ballot-accepted"}},
		About: "the client takes any answer for the newest",
	},
	{
		Name: "lost-callback-on-unknown-error", Properties: []string{routing.LeaderFound, routing.RequestsDrain},
		Config: "small", Set: []Setting{{"Defects", "lost-callback-on-unknown-error"}},
		About: "an answer with an error that the client does not know leaves the query open for ever",
	},
}

func describeRouting() Spec {
	defaults := routing.Default()
	values := defaults.Values()
	spec := Spec{
		Name:     "routing",
		About:    "the whole client: several metas, leader changes, redirects, tables and ballots, requests that follow moving partitions",
		Switches: routingSwitches,
	}
	for _, c := range routingConfigs {
		spec.Configs = append(spec.Configs, c.Config)
	}
	for _, c := range routing.Describe() {
		spec.Constants = append(spec.Constants, Constant{Name: c.Name, Want: c.Want, Default: fmt.Sprint(values[c.Name])})
	}
	m, err := routing.New(defaults)
	if err != nil {
		panic(err)
	}
	spec.Properties = describeProperties(m.Properties())
	return spec
}

func buildRouting(request Request, spec Spec) (instance, error) {
	var constants routing.Constants
	for _, c := range routingConfigs {
		if c.Name == request.Config {
			constants = c.constants()
		}
	}
	if err := assign(&constants, request, spec); err != nil {
		return instance{}, err
	}
	m, err := routing.New(constants)
	if err != nil {
		return instance{}, constantUsage(err)
	}
	built := instanceOf(m)
	built.constants = constants.Values()
	return built, nil
}
