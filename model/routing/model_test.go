// The model as such: every rule happens, every step can be told, constants are looked at.

package routing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/routing"
)

// assign returns constants with changes of the form "NAME=VALUE NAME=VALUE".
func assign(t testing.TB, c routing.Constants, changes string) routing.Constants {
	t.Helper()
	for _, change := range strings.Fields(changes) {
		name, value, found := strings.Cut(change, "=")
		require.True(t, found, change)
		require.NoError(t, c.Set(name, value))
	}
	return c
}

func explore(t testing.TB, c routing.Constants) *check.Result[routing.State] {
	t.Helper()
	m, err := routing.New(c)
	require.NoError(t, err)
	r, err := check.Run(t.Context(), m, check.Options{})
	require.NoError(t, err)
	require.True(t, r.Complete)
	return r
}

func violated(r *check.Result[routing.State]) string {
	names := make([]string, 0, len(r.Violations))
	for _, v := range r.Violations {
		names = append(names, v.Property)
	}
	return strings.Join(names, " ")
}

// several assignments between them take every branch of every rule.
var several = []string{
	"NReq=2 Elections=0 Splits=0",
	"Moves=0 Defects=lost-callback-on-unknown-error", "Crashes=0 Defects=forward-ping-pong", "Crashes=0 Earlies=0 Defects=older-ballot-accepted",
	"Crashes=0 Earlies=0 Defects=retry-to-stale-primary", "Known=1 Parts=2 NReq=1 Metas=2 Earlies=0",
}

// visitor is the model with every step shown on the way.
type visitor struct {
	*routing.Model
	seen func(action int, from, to routing.State)
}

func (x visitor) Next(s routing.State, steps []check.Step[routing.State]) []check.Step[routing.State] {
	first := len(steps)
	steps = x.Model.Next(s, steps)
	for _, step := range steps[first:] {
		x.seen(step.Action, s, step.State)
	}
	return steps
}

func TestEveryActionHappensAndEveryStepCanBeTold(t *testing.T) {
	fired, listed, texts := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, changes := range several {
		m, err := routing.New(assign(t, routing.Default(), changes))
		require.NoError(t, err)
		for _, a := range m.Actions() {
			listed[a.Name] = true
		}
		_, err = check.Run(t.Context(), visitor{m, func(action int, from, to routing.State) {
			fired[m.Actions()[action].Name] = true
			texts[m.Tell(from, action, to)] = true
			require.NotEqual(t, from, to, "a step changes something")
		}}, check.Options{Workers: 1, Only: []string{routing.CompleteOnce}})
		require.NoError(t, err)
		for _, f := range m.Describe(m.Initial()[0]) {
			assert.NotEmpty(t, f.Name)
			assert.NotEmpty(t, f.Value, f.Name)
		}
	}
	assert.Equal(t, listed, fired)
	all := strings.Builder{}
	for text := range texts {
		assert.NotContains(t, text, "%!")
		assert.NotContains(t, text, "meta 0")
		assert.NotContains(t, text, "node 0")
		all.WriteString(text + "\n")
	}
	for _, part := range []string{
		"the user submits request 1", "although its table says", "the primary with ballot 2", "the client writes request 2",
		"cannot be reached, request 1 waits", "executes request 1 and answers", "refuses request 1", "reads the answer", "was refused: the table",
		"completes as unknown, the table is to be looked up", "it was never written", "although an answer was on its way", "asks meta 3",
		"asks meta 2 for the table again",
		"begins a new round", "it is down, or was", "was about to answer", "which it has asked in this round", "already", "follows the redirect",
		"stays open for ever", "reads an error that it does not know", "knows no leader", "answers with an old table", "leads and answers with the table",
		"goes back from ballot 2 to ballot 1", "what the answer says is older", "moves from node 1 to node 2, ballot 2", "becomes the leader",
		"leads no longer: meta", "hears that meta", "comes to believe that", "meta 1 crashes", "meta 1 starts", "node 2 crashes", "node 2 starts",
	} {
		assert.Contains(t, all.String(), part)
	}
}

func TestConstants(t *testing.T) {
	c := routing.Default()
	assert.Len(t, c.Values(), len(routing.Describe()))
	c = assign(t, c, "Defects=older-ballot-accepted+forward-ping-pong")
	assert.Equal(t, "forward-ping-pong+older-ballot-accepted", c.Values()["Defects"])
	c = assign(t, c, "Defects=none Learn=TRUE")
	assert.Equal(t, "none", c.Values()["Defects"])
	assert.True(t, c.Learn)
	var wrong *routing.ConstantError
	for _, set := range [][2]string{{"Metas", "5"}, {"Defects", "ping-pong"}, {"Defects", "none+forward-ping-pong"}, {"Defects", ""}, {"Odd", "yes"}} {
		require.ErrorAs(t, c.Set(set[0], set[1]), &wrong)
		assert.NotEmpty(t, wrong.Want)
	}
	_, err := routing.New(assign(t, c, "Metas=2 Known=3"))
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "Known", wrong.Name)
}
