// Every action of every specification is taken, or said to rest by the constants.

package model_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/constant"
	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/model/session"
	"github.com/a8011091/pegasus-reference/model/timeouts"
)

// covered is how one specification's coverage is looked at.
type covered struct {
	property  string // cheap, and held by most assignments: a violation says nothing of coverage
	config    string // that draws change
	constants []constant.Info
	highest   int // number that is drawn for a constant
	draws     int
}

var coverage = map[string]covered{
	"session":          {session.CompleteOnce, "plain", session.Describe(), 2, 1500},
	"routing":          {routing.CompleteOnce, "small", routing.Describe(), 2, 2500},
	"timeouts":         {timeouts.CanFinish, "plain", timeouts.Describe(), 9, 500},
	"two-phase-commit": {property: "consistent"}, // its one constant is the number of managers
}

// minutes are the configurations that take too long to be looked at here: .ci/nightly checks them.
var minutes = []string{"deep"}

// covering are, by specification, requests that take every action between them.
var covering = map[string][]model.Request{
	"session": {
		{Config: "default", Server: "hang", With: []string{"stale-auth-flag"}},
		{Config: "default", With: []string{"port-reuse"}}, // a dial that meets its own old connection
	},
	"routing":          {{Config: "small"}},
	"timeouts":         {{Config: "default", Server: "hang", With: []string{"timeout-mismatch"}}},
	"two-phase-commit": {{RMs: 3}},
}

// An action that is never taken is a rule that nobody has tried: a mistake in the
// specification, or a bound that is too tight.
func TestEveryActionIsTakenSomewhere(t *testing.T) {
	for _, spec := range model.Specs() {
		taken := map[string]bool{}
		for _, request := range covering[spec.Name] {
			request.Spec = spec.Name
			for _, a := range run(t, request).Actions {
				taken[a.Name] = taken[a.Name] || a.Steps > 0
			}
		}
		assert.NotEmpty(t, taken, "%s: no request covers it", spec.Name)
		for name, fired := range taken {
			assert.True(t, fired, "%s: %s is never taken", spec.Name, name)
		}
	}
}

// The listed configurations, and every switch in its own.
func TestNoActionIsDeadWhereItIsListed(t *testing.T) {
	for _, spec := range model.Specs() {
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			look := func(request model.Request) {
				request.Spec, request.Property = spec.Name, coverage[spec.Name].property
				report := run(t, request)
				assert.Empty(t, report.Dead, "%s %v", request.Config, request.With)
				assert.NotEqual(t, "inconclusive", report.Verdict)
			}
			for _, c := range spec.Configs {
				if !slices.Contains(minutes, c.Name) {
					look(model.Request{Config: c.Name})
				}
			}
			for _, w := range spec.Switches {
				look(model.Request{Config: w.Config, With: []string{w.Name}})
			}
		})
	}
}

// demanding are constants with which each rule of a session is demanded at least once.
func demanding() []session.Constants {
	some := func(change func(*session.Constants)) session.Constants {
		c := session.Small()
		c.Earlies = 2
		change(&c)
		return c
	}
	return []session.Constants{
		session.Default(), session.Deep(),
		some(func(c *session.Constants) {
			c.Client, c.PortReuse, c.Odd, c.Rogue, c.GiveUp = session.ClientReset, true, true, true, true
		}),
		some(func(c *session.Constants) {
			c.Client, c.Rebuild, c.PortReuse, c.OldConn = session.ClientSession, session.RebuildAsync, true, session.OldConnSticky
		}),
		some(func(c *session.Constants) { c.Defects = session.CloseEventOfAnother | session.FailureClosesNewer }),
		some(func(c *session.Constants) { c.Defects = session.NegotiateBeforeCheck }),
		some(func(c *session.Constants) { c.Metas = 2 }),
	}
}

// That a rule may rest is said of some constants, not of all: with others it is demanded.
// Whether a connection is left over (orphan) hangs on too much to say.
func TestEveryRuleIsDemandedSomewhere(t *testing.T) {
	listed, demanded := map[string]bool{}, map[string]bool{}
	add := func(spec string, actions []check.Action) {
		for _, a := range actions {
			rule, _, _ := strings.Cut(a.Name[strings.Index(a.Name, ".")+1:], "(")
			listed[spec+" "+rule] = true
			demanded[spec+" "+rule] = demanded[spec+" "+rule] || !a.MayRest
		}
	}
	for _, c := range demanding() {
		if c.Metas > 1 {
			pair, err := session.NewPair(c)
			require.NoError(t, err)
			add("pair", pair.Actions())
			continue
		}
		m, err := session.New(c)
		require.NoError(t, err)
		add("session", m.Actions())
	}
	table, err := routing.New(routing.Default())
	require.NoError(t, err)
	add("routing", table.Actions())
	for _, deadlines := range []timeouts.Constants{{TNeg: 5, D: 1}, {TNeg: 9, TSrv: 6, D: 3}, {TNeg: 5, D: 9}, {SynDelay: 20}} {
		c := deadlines
		c.TQ, c.R, c.Client, c.ServerMode = 20, 4, timeouts.ClientConn, timeouts.ServerReference
		m, err := timeouts.New(c)
		require.NoError(t, err)
		add("timeouts", m.Actions())
	}
	for name := range listed {
		assert.Equal(t, name != "session orphan", demanded[name], name)
	}
	assert.Greater(t, len(listed), 60)
}

// Assignments of the constants drawn at random: whatever they are, an action that is never
// taken is one that the constants let rest.
func TestNoActionIsDeadWhateverTheConstants(t *testing.T) {
	for name, c := range coverage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			judged := 0
			for range c.draws {
				request := c.draw(random)
				request.Spec, request.Config, request.Property, request.Workers, request.MaxStates = name, c.config, c.property, 1, mostDrawn
				report, err := model.Run(t.Context(), request)
				if err != nil {
					var wrong *model.UsageError // constants that contradict each other
					require.ErrorAs(t, err, &wrong)
					continue
				}
				if report.Complete && len(report.Violations) == 0 {
					judged++
				}
				assert.Empty(t, report.Dead, "%v", report.Constants)
			}
			t.Logf("%d of %d assignments judged", judged, c.draws)
			assert.GreaterOrEqual(t, judged, min(100, c.draws))
		})
	}
}

// mostDrawn is how many states an assignment that is drawn may have.
const mostDrawn = 1000

// draw gives about half of the constants another value: of its list, or a small number.
func (c covered) draw(random *rand.Rand) model.Request {
	var request model.Request
	for _, info := range c.constants {
		if random.IntN(2) == 0 {
			continue
		}
		value := strconv.Itoa(random.IntN(c.highest + 1))
		if len(info.Values) > 0 {
			value = info.Values[random.IntN(len(info.Values))]
		}
		request.Set = append(request.Set, model.Setting{Name: info.Name, Value: value})
	}
	return request
}
