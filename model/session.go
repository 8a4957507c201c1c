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
	{Config{"small", "one request, one crash, a lost FIN, an early timer, and two rounds of negotiation"}, session.Small},
	{Config{"plain", "the same without lost FINs and early timers, from one port"}, session.Plain},
	{Config{"two-metas", "one query between two metas, one crash of each, two rounds of negotiation, from one port"}, session.TwoMetas},
	{Config{"broad", "three requests, three crashes, a lost FIN, an early timer: up to a minute with a switch"}, session.Broad},
	{Config{"deep", "the same with three slots and ports, two lost FINs, two early timers: 12 million states, minutes"}, session.Deep},
}

// Groups of properties that fail together.
var (
	flagFails = []string{session.AuthBeforeRequest, session.FreshSession}
	liveFails = []string{session.ReconnectConverges, session.RequestsDrain}
	allFails  = append(append([]string{}, flagFails...), liveFails...)
)

// inClient is a switch that is a defect of the reference client, with what else it sets.
func inClient(name, about string, properties []string, set ...Setting) Switch {
	return Switch{
		Name: name, About: about, Properties: properties, Config: "small",
		Set: append([]Setting{{DefectsConstant, name}}, set...),
	}
}

var sessionSwitches = []Switch{
	{
		Name: staleAuthFlag, Config: "small", Properties: allFails, Set: []Setting{{"Client", "session"}},
		About: "the client keeps authentication in a flag of its session, which nothing resets",
	},
	{
		Name: "auth-reset-after-reconnect", Config: "plain", Properties: allFails, Set: []Setting{{"Client", "reset"}},
		About: "the flag is the session's and is reset some time after the close, which may be after the next connection is up",
	},
	{
		Name: "mute-server", Config: "small", Properties: allFails, Set: []Setting{{"Client", "session"}, {"ServerMode", "hang"}},
		About: "the server answers nothing any more after a request that came too early; with the older client, which sends one",
	},
	{
		Name: portReuse, Config: "small", Properties: liveFails, Set: []Setting{{"PortReuse", "true"}, {"OldConn", "sticky"}},
		Server: string(session.ServerHang),
		About:  "the client dials from a port on which the server still holds a connection, and the server goes on with that one for ever",
	},
	inClient("close-event-of-another-connection",
		"the client takes the end of a connection that it has closed before for the end of the one that it has",
		[]string{session.FreshSession, session.SingleConnection, session.RequestsDrain}, Setting{"K", "3"}, Setting{"NPorts", "3"}),
	inClient("negotiate-before-state-check",
		"an attempt to connect that was given up is not cancelled, and when it is up its negotiation goes to the connection that the session has",
		[]string{session.FreshSession, session.SingleConnection, session.RequestsDrain}, Setting{"K", "3"}, Setting{"NPorts", "3"}),
	inClient("failure-closes-newer-connection",
		"the failure of a negotiation closes whichever connection the session has by then", []string{session.FreshSession, session.RequestsDrain}),
	inClient("parked-requests-never-purged",
		"requests that are parked no more leave an entry behind until a negotiation succeeds", []string{session.Bounded}),
	inClient("retry-on-dying-session",
		"between the loss of a connection and the session's knowing of it requests are parked, and nothing connects", []string{session.RequestsDrain}),
	inClient("downgrade",
		"the client takes \"no authentication here\" for success, and the server says so once",
		[]string{session.NoDowngrade, session.RequestsDrain}, Setting{"Rogue", "true"}),
	inClient("zombie-after-decode-error",
		"after an answer with an error that it does not know the client reads nothing more, and goes on writing",
		[]string{session.RequestsDrain}, Setting{"Odd", "true"}),
	inClient("lost-callback-on-unknown-error",
		"an answer with an error that the client does not know takes the request away, and nobody is told",
		[]string{session.RequestsDrain}, Setting{"Odd", "true"}),
	inClient("pending-not-failed-on-eof",
		"requests that were written to a connection which has ended go on waiting for their timers", []string{session.RequestsDrain}),
}

func describeSession() Spec {
	defaults := session.Default()
	values := defaults.Values()
	spec := Spec{
		Name:     "session",
		About:    "one client's session to one server address, or one to each of two metas: connections, negotiation, requests, timers, restarts",
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
	built, err := sessionInstance(constants)
	if err != nil {
		return instance{}, constantUsage(err)
	}
	built.constants = constants.Values()
	built.server = string(constants.ServerMode)
	built.auth = authOptional
	if constants.Mandatory {
		built.auth = authMandatory
	}
	return built, nil
}

// sessionInstance builds one session, or two that share their requests.
func sessionInstance(constants session.Constants) (instance, error) {
	if constants.Metas > 1 {
		m, err := session.NewPair(constants)
		return instanceOf(m), err
	}
	m, err := session.New(constants)
	return instanceOf(m), err
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
