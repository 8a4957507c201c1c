// The timeouts specification in the catalogue: its configurations and switches.

package model

import (
	"fmt"
	"slices"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/timeouts"
)

const timeoutsName = "timeouts"

// timeoutMismatch makes the server give up before the client does: what was claimed as
// cause C3 of the incident.
const timeoutMismatch = "timeout-mismatch"

// always are the properties that make sense for any constants. The others name an age,
// and are judged in the incident's configurations, or when asked for.
var always = []string{
	timeouts.Converges, timeouts.NonZeno, timeouts.DoneByCap, timeouts.NoTimeout, timeouts.NoReset,
}

var signatures = append(append([]string{}, always...),
	timeouts.NoTimeoutAt10, timeouts.NoResetAt5, timeouts.NoResetAt0, timeouts.OnlyReportedSignatures)

var timeoutsConfigs = []struct {
	Config
	constants func() timeouts.Constants
	judged    []string
}{
	{Config{"default", "the reference client and server under load: a SYN sent again, a second for each negotiation message"}, timeouts.Default, always},
	{Config{"plain", "the same with connections that are up at once"}, timeouts.Plain, always},
	{Config{"incident", "upstream's client and server of the incident, two mute metas: every signature is judged"}, timeouts.Incident, signatures},
	{Config{"incident-one-meta", "the same with one meta"}, timeouts.IncidentOneMeta, signatures},
}

func describeTimeouts() Spec {
	defaults := timeouts.Default()
	values := defaults.Values()
	spec := Spec{
		Name:  timeoutsName,
		About: "in discrete time: the client's negotiation and query timers and its reset window against the server's limit and slowness",
		Switches: []Switch{
			{
				Name:       staleAuthFlag,
				About:      "the client keeps authentication in a flag of its session, which the restart does not reset",
				Properties: []string{timeouts.Converges, timeouts.DoneByCap, timeouts.NoTimeout, timeouts.NoReset},
				Set:        []Setting{{"Client", "session"}}, Config: "plain", Server: string(timeouts.ServerHang),
			},
			{
				Name: timeoutMismatch, Config: "plain",
				About:      "the server gives up a negotiation after half the client's time",
				Properties: []string{timeouts.Converges, timeouts.DoneByCap, timeouts.NoTimeout, timeouts.NoReset},
			},
			{
				Name: "reset-window-closes-healthy-connection", Properties: []string{timeouts.Converges, timeouts.DoneByCap, timeouts.NoReset},
				Set:   []Setting{{"D", "12"}, {"TNeg", "60"}, {"TSrv", "100"}, {"Cap", "200"}},
				About: "a server that takes longer for a message than the reset window, and answers each: the client closes the connection all the same",
			},
			{
				Name: "redial-after-60s", Properties: []string{timeouts.DoneByCap},
				Set:   []Setting{{"SynDelay", "60"}, {"Win", "1000"}},
				About: "the client connects again only a minute after it connected last",
			},
			{
				Name: "reconnect-storm", Properties: []string{timeouts.Converges, timeouts.NonZeno, timeouts.NoReset},
				Set:   []Setting{{"Client", "session"}, {"ServerMode", "fin"}, {"SynDelay", "0"}, {"Backoff", "0"}},
				About: "the client connects again without a pause, and is refused each time: more dials than any bound, in no time",
			},
			{
				Name: "hot-retry", Properties: []string{timeouts.Converges, timeouts.NonZeno},
				Set:   []Setting{{"Client", "session"}, {"ServerMode", "reference"}, {"Backoff", "0"}},
				About: "the client tries a refused request again without a pause: more tries than any bound, in no time",
			},
		},
		Servers: []string{string(timeouts.ServerReference), string(timeouts.ServerFin), string(timeouts.ServerHang)},
		Auths:   []string{authMandatory, authOptional},
	}
	for _, c := range timeoutsConfigs {
		spec.Configs = append(spec.Configs, c.Config)
	}
	for _, c := range timeouts.Describe() {
		spec.Constants = append(spec.Constants, Constant{Name: c.Name, Want: c.Want, Default: fmt.Sprint(values[c.Name])})
	}
	m, err := timeouts.New(defaults)
	if err != nil {
		panic(err)
	}
	spec.Properties = describeProperties(m.Properties())
	return spec
}

// judged is the specification with some of its properties.
type judged struct {
	*timeouts.Model
	only []string
}

func (j judged) Properties() []check.Property[timeouts.State] {
	return slices.DeleteFunc(j.Model.Properties(), func(p check.Property[timeouts.State]) bool {
		return !slices.Contains(j.only, p.Name)
	})
}

func buildTimeouts(request Request, spec Spec) (instance, error) {
	constants, only, err := timeoutsConstants(request, spec)
	if err != nil {
		return instance{}, err
	}
	m, err := timeouts.New(constants)
	if err != nil {
		return instance{}, constantUsage(err)
	}
	switch {
	case request.Property != "":
		only = []string{request.Property}
	case request.All:
		only = propertyNames(spec)
	}
	built := instanceOf(judged{m, only})
	built.constants = constants.Values()
	built.server = string(constants.ServerMode)
	built.auth = authOptional
	if constants.Mandatory {
		built.auth = authMandatory
	}
	return built, nil
}

// timeoutsConstants applies the request to its configuration, and returns the properties
// that are judged in it. The mismatch follows TNeg as the request sets it.
func timeoutsConstants(request Request, spec Spec) (timeouts.Constants, []string, error) {
	var constants timeouts.Constants
	var only []string
	for _, c := range timeoutsConfigs {
		if c.Name == request.Config {
			constants, only = c.constants(), c.judged
		}
	}
	if err := assign(&constants, request, spec); err != nil {
		return constants, nil, err
	}
	if slices.Contains(request.With, timeoutMismatch) {
		return mismatched(constants, only, request)
	}
	return constants, only, nil
}

// mismatched gives the server half the client's time, unless the request says how long.
func mismatched(c timeouts.Constants, only []string, request Request) (timeouts.Constants, []string, error) {
	const by = ", which switch " + timeoutMismatch + " asks for, or left out"
	set := slices.ContainsFunc(request.Set, func(s Setting) bool { return s.Name == "TSrv" })
	switch {
	case c.TNeg < 2:
		return c, nil, &UsageError{What: "value of constant TNeg", Word: itoa(c.TNeg), Want: "2 or more" + by}
	case !set:
		c.TSrv = (c.TNeg + 1) / 2
	case c.TSrv < 1 || c.TSrv >= c.TNeg:
		return c, nil, &UsageError{What: "value of constant TSrv", Word: itoa(c.TSrv), Want: "from 1 to " + itoa(c.TNeg-1) + by}
	}
	return c, only, nil
}
