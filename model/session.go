// The session specification in the catalogue: its configurations and switches.

package model

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/session"
)

// staleAuthFlag makes the client remember authentication in its session, as upstream's
// client does up to 2.5.0: cause C1 of the incident.
const staleAuthFlag = "stale-auth-flag"

// portReuse makes the client dial from ports on which the server still holds a connection,
// and the server take such a dial for that connection: what was claimed as cause C2.
const portReuse = "port-reuse"

const (
	authMandatory = "mandatory"
	authOptional  = "optional"
)

var sessionConfigs = []struct {
	Config
	constants func() session.Constants
}{
	{Config{"default", "two requests, two crashes, a lost FIN, an early timer"}, session.Default},
	{Config{"plain", "the same without lost FINs and early timers, from one port"}, session.Plain},
	{Config{"deep", "three requests, three crashes, a lost FIN, an early timer: up to a minute with a switch"}, session.Deep},
}

// Groups of properties that fail together.
var (
	flagFails = []string{session.AuthBeforeRequest, session.FreshSession}
	liveFails = []string{session.ReconnectConverges, session.RequestsDrain}
	allFails  = append(append([]string{}, flagFails...), liveFails...)
)

var sessionSwitches = []Switch{
	{
		Name: staleAuthFlag, Properties: allFails, Set: []Setting{{"Client", "session"}},
		About: "the client keeps authentication in a flag of its session, which nothing resets",
	},
	{
		Name: "auth-reset-after-reconnect", Properties: allFails, Set: []Setting{{"Client", "reset"}},
		About: "the flag is the session's and is reset some time after the close, which may be after the next connection is up",
	},
	{
		Name: "mute-server", Properties: allFails, Set: []Setting{{"Client", "session"}, {"ServerMode", "hang"}},
		About: "the server answers nothing any more after a request that came too early; with the older client, which sends one",
	},
	{
		Name: portReuse, Properties: liveFails, Set: []Setting{{"PortReuse", "true"}, {"OldConn", "sticky"}},
		About: "the client dials from a port on which the server still holds a connection, and the server goes on with that one for ever",
	},
}

func describeSession() Spec {
	defaults := session.Default()
	values := defaults.Values()
	spec := Spec{
		Name:     "session",
		About:    "one client's session to one server address: connections, negotiation, requests, timers, restarts",
		Switches: sessionSwitches,
		Servers:  []string{string(session.ServerReference), string(session.ServerFin), string(session.ServerHang)},
		Auths:    []string{authMandatory, authOptional},
	}
	for _, c := range sessionConfigs {
		spec.Configs = append(spec.Configs, c.Config)
	}
	for _, c := range session.Describe() {
		spec.Constants = append(spec.Constants, Constant{Name: c.Name, Want: c.Want, Default: fmt.Sprint(values[c.Name])})
	}
	m, err := session.New(defaults)
	if err != nil {
		panic(err)
	}
	spec.Properties = describeProperties(m.Properties())
	return spec
}

func buildSession(request Request, spec Spec) (instance, error) {
	constants, err := sessionConstants(request, spec)
	if err != nil {
		return instance{}, err
	}
	m, err := session.New(constants)
	if err != nil {
		return instance{}, constantUsage(err)
	}
	built := instanceOf(m)
	built.constants = constants.Values()
	built.server = string(constants.ServerMode)
	built.auth = authOptional
	if constants.Mandatory {
		built.auth = authMandatory
	}
	return built, nil
}

// sessionConstants applies the request to its configuration.
func sessionConstants(request Request, spec Spec) (session.Constants, error) {
	var constants session.Constants
	for _, c := range sessionConfigs {
		if c.Name == request.Config {
			constants = c.constants()
		}
	}
	return constants, assign(&constants, request, spec)
}

func contradiction(name string, got, asked any, by string) error {
	return &UsageError{
		What: "value of constant " + name, Word: fmt.Sprint(got),
		Want: fmt.Sprintf("%v, which %s asks for, or left out", asked, by),
	}
}
