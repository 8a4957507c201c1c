// Helpers of these tests, and the model as such: every rule happens, every step can be
// told, constants are looked at.

package timeouts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/timeouts"
)

// assign returns constants with changes of the form "NAME=VALUE NAME=VALUE".
func assign(t testing.TB, c timeouts.Constants, changes string) timeouts.Constants {
	t.Helper()
	for _, change := range strings.Fields(changes) {
		name, value, found := strings.Cut(change, "=")
		require.True(t, found, change)
		require.NoError(t, c.Set(name, value))
	}
	return c
}

func explore(t testing.TB, c timeouts.Constants) *check.Result[timeouts.State] {
	t.Helper()
	m, err := timeouts.New(c)
	require.NoError(t, err)
	r, err := check.Run(t.Context(), m, check.Options{})
	require.NoError(t, err)
	require.True(t, r.Complete)
	return r
}

func violated(r *check.Result[timeouts.State]) string {
	names := make([]string, 0, len(r.Violations))
	for _, v := range r.Violations {
		names = append(names, v.Property)
	}
	return strings.Join(names, " ")
}

// visitor is the model with every step shown on the way.
type visitor struct {
	*timeouts.Model
	seen func(action int, from, to timeouts.State)
}

func (x visitor) Next(s timeouts.State, steps []check.Step[timeouts.State]) []check.Step[timeouts.State] {
	first := len(steps)
	steps = x.Model.Next(s, steps)
	for _, step := range steps[first:] {
		x.seen(step.Action, s, step.State)
	}
	return steps
}

func visit(t testing.TB, c timeouts.Constants, seen func(m *timeouts.Model, action int, from, to timeouts.State)) {
	t.Helper()
	m, err := timeouts.New(c)
	require.NoError(t, err)
	_, err = check.Run(t.Context(), visitor{m, func(action int, from, to timeouts.State) {
		seen(m, action, from, to)
	}}, check.Options{Workers: 1})
	require.NoError(t, err)
}

// several assignments between them take every branch of every rule.
var several = []string{
	"", "TSrv=3", "TSrv=3 ServerMode=hang", "TNeg=3", "TQ=3 D=9 TNeg=60 TSrv=0", "Mandatory=false Client=session",
	"Client=session ServerMode=fin SynDelay=7 TQ=2 Away=2", "Client=session ServerMode=hang Cap=0 Away=5", "Client=session",
	"Client=session ServerMode=hang TQ=12 TNeg=30", "D=12 TNeg=60", "SynDelay=20 TQ=4 Win=3", "Client=session ServerMode=fin TQ=2 SynDelay=3",
	"Mandatory=false Client=session TQ=2 SynDelay=3 ServerMode=hang", "TQ=1 SynDelay=2 Away=2 Client=session ServerMode=reference",
	"TQ=1 SynDelay=2 Away=2 Client=session ServerMode=hang",
}

func TestEveryActionHappensAndEveryStepCanBeTold(t *testing.T) {
	fired := map[string]bool{}
	texts := strings.Builder{}
	for _, changes := range several {
		visit(t, assign(t, timeouts.Default(), changes), func(m *timeouts.Model, action int, from, to timeouts.State) {
			fired[m.Actions()[action].Name] = true
			text := m.Tell(from, action, to)
			assert.NotContains(t, text, "%!")
			texts.WriteString(text + "\n")
			for _, f := range m.Describe(to) {
				assert.NotEmpty(t, f.Name)
				assert.NotEmpty(t, f.Value, f.Name)
				assert.NotContains(t, f.Value, "-1", f.Name)
			}
		})
	}
	assert.Len(t, fired, 7)
	for _, part := range []string{
		"the session connects", "it waits for the connection", "it waits for the negotiation", "it is written and answered",
		"the server never answers on this connection again", "the client writes negotiation message 1", "the server answers the query",
		"the server will never answer on it again", "the server closes it, negotiation failed: ERR_SESSION_RESET at 0 s",
		"the server refuses the query", "the server refuses it", "the server will never answer on this connection again",
		"the server closes the connection, negotiation failed: ERR_SESSION_RESET at 1 s",
		"the client writes message 2", "authenticated, the query is written and answered", "but there is no connection to close",
		"the client asks another meta", "the query's timer fires: the try fails", "the client closes the connection, negotiation failed: ERR_SESSION_RESET",
		"the client closes the connection, negotiation failed: ERR_TIMEOUT at 3 s", "and leaves the connection open",
		"gives up the negotiation and closes the connection", "the connection is 1 s old",
	} {
		assert.Contains(t, texts.String(), part)
	}
}

// Whatever the constants, time neither stops nor runs while something is due, countdowns
// stay within what started them, and two states are one only if their bytes are.
func TestStatesAreWellFormed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := timeouts.Constants{
			TNeg: rapid.IntRange(0, 12).Draw(r, "TNeg"), PerMessage: rapid.Bool().Draw(r, "PerMessage"),
			TQ: rapid.IntRange(0, 8).Draw(r, "TQ"), Win: rapid.IntRange(0, 20).Draw(r, "Win"),
			TSrv: rapid.IntRange(0, 12).Draw(r, "TSrv"), D: rapid.IntRange(0, 5).Draw(r, "D"), R: rapid.IntRange(1, 4).Draw(r, "R"),
			SynDelay: rapid.IntRange(0, 3).Draw(r, "SynDelay"), Backoff: rapid.IntRange(0, 3).Draw(r, "Backoff"),
			Away: rapid.IntRange(0, 6).Draw(r, "Away"), NegFirst: rapid.Bool().Draw(r, "NegFirst"),
			Client:     rapid.SampledFrom([]timeouts.Client{timeouts.ClientSession, timeouts.ClientConn}).Draw(r, "Client"),
			ServerMode: rapid.SampledFrom([]timeouts.ServerMode{timeouts.ServerFin, timeouts.ServerHang, timeouts.ServerReference}).Draw(r, "ServerMode"),
			Mandatory:  rapid.Bool().Draw(r, "Mandatory"),
		}
		states := map[string]timeouts.State{}
		visit(t, c, func(m *timeouts.Model, action int, from, to timeouts.State) {
			key := string(m.AppendState(nil, to))
			if known, ok := states[key]; ok {
				require.Equal(r, known, to)
			}
			states[key] = to
			if m.Actions()[action].Name == "tick" {
				require.NotEqual(r, from, to)
			}
			for _, n := range [][2]int32{
				{to.ConnectIn, int32(c.SynDelay)}, {to.QueryIn, int32(max(c.TQ, c.Backoff, c.Away))}, {to.NegotiationIn, int32(c.TNeg)},
				{to.AnswerIn, int32(c.D)}, {to.GiveUpIn, int32(c.TSrv)}, {to.Window, int32(c.Win)},
			} {
				require.True(r, n[0] >= timeouts.Off && n[0] <= n[1], "%+v", to)
			}
			require.Equal(r, to.Link == timeouts.Connecting, to.ConnectIn != timeouts.Off)
			require.Equal(r, to.Query == timeouts.Done, to.QueryIn == timeouts.Off)
			require.Equal(r, to.Negotiation >= 1 && int(to.Negotiation) <= c.R, to.NegotiationIn != timeouts.Off)
			require.Equal(r, to.Link == timeouts.Connected, to.Server != 0)
		})
	})
}

func TestConstants(t *testing.T) {
	c := timeouts.Default()
	assert.Len(t, timeouts.Describe(), 15)
	for _, info := range timeouts.Describe() {
		assert.NotEmpty(t, info.Want, info.Name)
		assert.Contains(t, c.Values(), info.Name)
	}
	c = assign(t, c, "TNeg=10 Mandatory=FALSE ServerMode=hang")
	assert.Equal(t, 10, c.TNeg)
	assert.False(t, c.Mandatory)
	assert.Equal(t, timeouts.ServerHang, c.ServerMode)

	var wrong *timeouts.ConstantError
	for _, set := range [][2]string{
		{"TNeg", "-1"}, {"TNeg", "1001"}, {"TQ", "5s"}, {"R", "0"}, {"Client", "reset"}, {"Mandatory", "yes"}, {"ServerMode", ""},
	} {
		err := c.Set(set[0], set[1])
		require.ErrorAs(t, err, &wrong)
		assert.NotEmpty(t, wrong.Want)
		assert.Contains(t, err.Error(), set[0])
	}
	require.ErrorAs(t, c.Set("Tneg", "1"), &wrong)
	assert.Empty(t, wrong.Want)
	assert.Contains(t, wrong.Valid, "TNeg")

	_, err := timeouts.New(timeouts.Constants{})
	assert.ErrorAs(t, err, &wrong)
}
