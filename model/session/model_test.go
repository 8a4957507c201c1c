// The model as such: every rule can happen, every step can be told, constants are looked at.

package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/session"
)

// Every action happens under some assignment that lists it.
func TestEveryActionHappens(t *testing.T) {
	never := map[string]bool{}
	seen := map[string]bool{}
	for _, changes := range []string{
		"Losses=1 Earlies=1 NPorts=2",
		"Losses=1 Earlies=1 NPorts=2 Client=session ServerMode=hang GiveUp=true",
		"Losses=1 Earlies=1 Client=session ServerMode=hang Rebuild=async",
		"Losses=1 Earlies=1 PortReuse=true Client=reset ServerMode=reference",
		"Losses=2 Earlies=2 PortReuse=true Client=session OldConn=overtake ServerMode=fin",
	} {
		c := session.Plain()
		c.R = 2
		c = assign(t, c, changes)
		r := explore(t, c)
		m, err := session.New(c)
		require.NoError(t, err)
		fired := map[string]bool{}
		for _, a := range m.Actions() {
			fired[a.Name] = true
		}
		for _, a := range r.NeverFired {
			never[a] = true
			delete(fired, a)
		}
		for a := range fired {
			seen[a] = true
		}
	}
	for a := range never {
		assert.True(t, seen[a], "%s never happens", a)
	}
	assert.Len(t, seen, 2*4+10+2*7, "requests, the session and the server, slots")
}

// teller is the model with every step told and every state described on the way.
type teller struct {
	*session.Model
	told func(text string, fields []check.Field)
}

func (x teller) Next(s session.State, steps []check.Step[session.State]) []check.Step[session.State] {
	first := len(steps)
	steps = x.Model.Next(s, steps)
	for _, step := range steps[first:] {
		x.told(x.Tell(s, step.Action, step.State), x.Describe(step.State))
	}
	return steps
}

func TestEveryStepCanBeTold(t *testing.T) {
	texts := map[string]bool{}
	for _, changes := range []string{
		"Losses=1 Earlies=1 NPorts=2", "Losses=1 Earlies=1 NPorts=2 Client=session ServerMode=hang GiveUp=true",
		"Client=session Rebuild=async ServerMode=fin", "Client=reset",
		"Losses=1 Earlies=1 PortReuse=true OldConn=overtake Client=session",
	} {
		c := session.Plain()
		c.R = 1
		m, err := session.New(assign(t, c, changes))
		require.NoError(t, err)
		_, err = check.Run(context.Background(), teller{m, func(text string, fields []check.Field) {
			texts[text] = true
			for _, f := range fields {
				assert.NotEmpty(t, f.Name)
				assert.NotEmpty(t, f.Value, f.Name)
			}
		}}, check.Options{Workers: 1})
		require.NoError(t, err)
	}
	all := strings.Builder{}
	for text := range texts {
		assert.NotContains(t, text, "%!", text)
		assert.NotContains(t, text, "message 0", text)
		all.WriteString(text + "\n")
	}
	for _, part := range []string{
		"completes as unknown", "it completes as failed, it was never written", "its FIN is lost",
		"refused, requests go on waiting", "refused, every attempt fails", "takes it for an earlier one",
		"the client resets the flag, late", "starts a new one", "and throws it away", "before negotiation: it refuses it",
		"although an answer was on its way", "gives up the negotiation", "the client is not told",
		"does not wait for", "the connection is dead",
	} {
		assert.Contains(t, all.String(), part)
	}
}

func TestConstants(t *testing.T) {
	c := session.Default()
	for _, info := range session.Describe() {
		assert.NotEmpty(t, info.Want, info.Name)
		assert.Contains(t, c.Values(), info.Name)
	}
	require.NoError(t, c.Set("NReq", "3"))
	require.NoError(t, c.Set("Mandatory", "FALSE"))
	require.NoError(t, c.Set("ServerMode", "hang"))
	assert.Equal(t, 3, c.NReq)
	assert.False(t, c.Mandatory)
	assert.Equal(t, session.ServerHang, c.ServerMode)

	var wrong *session.ConstantError
	for _, set := range [][2]string{
		{"NReq", "0"}, {"NReq", "9"}, {"NReq", "two"}, {"R", "-1"}, {"Client", "upstream"}, {"Cyclic", "yes"}, {"OldConn", ""},
	} {
		err := c.Set(set[0], set[1])
		require.ErrorAs(t, err, &wrong)
		assert.NotEmpty(t, wrong.Want)
		assert.Contains(t, err.Error(), set[0])
	}
	require.ErrorAs(t, c.Set("Nreq", "1"), &wrong)
	assert.Empty(t, wrong.Want)
	assert.Contains(t, wrong.Valid, "NReq")

	for _, broken := range []session.Constants{
		{}, {NReq: 1}, assign(t, session.Default(), "Rebuild=async"),
	} {
		_, err := session.New(broken)
		assert.ErrorAs(t, err, &wrong)
	}
}

// BenchmarkCheckBroad explores the broad bounds with all properties.
func BenchmarkCheckBroad(b *testing.B) {
	var states float64
	for b.Loop() {
		c := session.Broad()
		c.ServerMode = session.ServerHang
		states += float64(explore(b, c).Distinct)
	}
	b.ReportMetric(states/b.Elapsed().Seconds(), "states/s")
}
