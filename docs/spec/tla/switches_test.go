// Every switch of every specification that has a twin, as assignments of the constants that TLC
// is asked about too: made from the catalogue, so that none is left out.

package tla_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
)

// most is how many states an assignment that is drawn, or a switch, may have: TLC needs
// seconds for them.
const most = 20_000

// assignment is a configuration and changes to it.
type assignment struct {
	config  string
	changes string
	with    string // a switch, "" for none
	server  string // "" for the configuration's
}

func (a assignment) String() string {
	return strings.Join(strings.Fields(a.with+" "+a.server+" "+a.config+" "+a.changes), " ")
}

func (a assignment) request(spec string) model.Request {
	request := model.Request{Spec: spec, Config: a.config, Server: a.server, All: true, Workers: 1}
	if a.with != "" {
		request.With = []string{a.with}
	}
	for _, change := range strings.Fields(a.changes) {
		name, value, _ := strings.Cut(change, "=")
		request.Set = append(request.Set, model.Setting{Name: name, Value: value})
	}
	return request
}

// smaller are changes that leave a switch's configuration few states, and all that the
// switch breaks. "" stands for the switches of a specification that are not named.
var smaller = map[string]map[string]string{
	"session": {"": "R=1 Losses=0", "auth-reset-after-reconnect": "R=1 Crashes=1"},
	"routing": {
		"forward-ping-pong":              "Earlies=0 Odd=false Moves=0",
		"retry-to-stale-primary":         "Earlies=0 Odd=false Splits=0 Elections=0",
		"older-ballot-accepted":          "Earlies=0 Odd=false Splits=0",
		"lost-callback-on-unknown-error": "Moves=0 Elections=0 Splits=0",
	},
}

// switched returns for each switch the assignments that show every property which it
// breaks: against one server if one is enough, and the one that punishes most first.
func switched(t *testing.T, spec model.Spec) map[string][]assignment {
	t.Helper()
	found := make(map[string][]assignment)
	for _, s := range spec.Switches {
		changes, ok := smaller[spec.Name][s.Name]
		if !ok {
			changes = smaller[spec.Name][""]
		}
		missing := slices.Clone(s.Properties)
		for _, server := range serversOf(spec, s) {
			a := assignment{config: s.Config, changes: changes, with: s.Name, server: server}
			request := a.request(spec.Name)
			request.MaxStates = most
			report, err := model.Run(t.Context(), request)
			require.NoError(t, err, "%s %s", spec.Name, a)
			require.True(t, report.Complete, "%s %s has more than %d states: it needs an entry in smaller", spec.Name, a, most)
			before := len(missing)
			missing = slices.DeleteFunc(missing, func(p string) bool { return slices.Contains(report.Violations, p) })
			if len(missing) < before {
				found[s.Name] = append(found[s.Name], a)
			}
			if len(missing) == 0 {
				break
			}
		}
		assert.Empty(t, missing, "%s %s: no assignment that is compared shows these", spec.Name, s.Name)
	}
	return found
}

// serversOf are the servers that a switch can be tried against, the most violent first.
func serversOf(spec model.Spec, s model.Switch) []string {
	given := slices.ContainsFunc(s.Set, func(set model.Setting) bool { return set.Name == "ServerMode" })
	if given || len(spec.Servers) == 0 {
		return []string{""}
	}
	servers := slices.Clone(spec.Servers)
	slices.Reverse(servers)
	return servers
}

// Without TLC: whatever switch there is, it has an assignment, and what it breaks fails there.
func TestEverySwitchIsCompared(t *testing.T) {
	for _, spec := range model.Specs() {
		if spec.Name == "two-phase-commit" {
			assert.Empty(t, spec.Switches, "it has no twin to compare a switch with")
			continue
		}
		of := switched(t, spec)
		assert.NotEmpty(t, of, spec.Name)
		for _, s := range spec.Switches {
			assert.NotEmpty(t, of[s.Name], "%s %s", spec.Name, s.Name)
		}
		for name := range smaller[spec.Name] {
			assert.True(t, name == "" || of[name] != nil, "%s has no switch %s", spec.Name, name)
		}
	}
}
