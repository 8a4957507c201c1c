// What the specification says: the reference client holds everything, the stale flag
// does not, and which servers make that fatal.

package session_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/session"
)

var servers = []session.ServerMode{session.ServerReference, session.ServerFin, session.ServerHang}

func TestReferenceClientHoldsEverywhere(t *testing.T) {
	assert.Equal(t, check.Held, explore(t, session.Broad()).Verdict)
	for _, bounds := range []session.Constants{session.Plain(), session.Default()} {
		for _, server := range servers {
			for _, mandatory := range []bool{true, false} {
				c := bounds
				c.ServerMode, c.Mandatory = server, mandatory
				r := explore(t, c)
				assert.Equal(t, check.Held, r.Verdict, "%v %v: %s", server, mandatory, violated(r))
				assert.True(t, r.Complete)
			}
		}
	}
}

// With the flag in the session a request goes out first on every later connection.
// Only where the server punishes that, and authentication is mandatory, does the client
// never come back: both are necessary, and a server that refuses is enough of a cure.
func TestStaleFlag(t *testing.T) {
	for _, want := range []struct {
		server    session.ServerMode
		mandatory bool
		violated  string
	}{
		{session.ServerHang, true, allFails},
		{session.ServerFin, true, allFails},
		{session.ServerReference, true, flagFails},
		{session.ServerHang, false, flagFails},
		{session.ServerFin, false, flagFails},
		{session.ServerReference, false, flagFails},
	} {
		for _, bounds := range []session.Constants{session.Plain(), session.Default()} {
			c := bounds
			c.Client, c.ServerMode, c.Mandatory = session.ClientSession, want.server, want.mandatory
			assert.Equal(t, want.violated, violated(explore(t, c)), "%v %v", want.server, want.mandatory)
		}
	}
}

func find(t testing.TB, r *check.Result[session.State], property string) check.Violation[session.State] {
	t.Helper()
	for _, v := range r.Violations {
		if v.Property == property {
			return v
		}
	}
	require.Fail(t, "not violated", property)
	return check.Violation[session.State]{}
}

func words(v check.Violation[session.State]) []string {
	lines := make([]string, 0, len(v.Trace))
	for _, step := range v.Trace {
		lines = append(lines, step.Text)
	}
	return lines
}

func staleFlag(server session.ServerMode) session.Constants {
	c := session.Plain()
	c.R, c.Crashes = 1, 1
	c.Client, c.ServerMode = session.ClientSession, server
	return c
}

func TestTraceOfARequestBeforeNegotiation(t *testing.T) {
	r := explore(t, staleFlag(session.ServerHang))
	assert.Equal(t, []string{
		"initially",
		"the user submits request 1: it waits for a connection, the session connects",
		"the client dials a new connection 1, from port 1",
		"connection 1 is up: the client writes negotiation message 1",
		"the server reads negotiation message 1 and answers: authenticated",
		"the server crashes",
		"the server starts",
		"the client reads negotiation answer 1: connection 1 is authenticated",
		"the client sees that connection 1 was closed, nothing else knows it yet",
		"the client's close handler fails every attempt and the negotiation",
		"the session knows that it has no connection; its flag stays set",
		"the client tries request 1 again: it waits for a connection, the session connects",
		"the client dials a new connection 1, from port 1",
		"connection 1 is up: the client writes request 1 before negotiation on it (the flag is stale), then negotiation message 1",
	}, words(find(t, r, session.AuthBeforeRequest)))
}

func TestTraceOfAClientThatNeverComesBack(t *testing.T) {
	hang := find(t, explore(t, staleFlag(session.ServerHang)), session.ReconnectConverges)
	require.Positive(t, hang.Cycle)
	cycle := strings.Join(words(hang)[hang.Cycle+1:], "\n")
	assert.Contains(t, cycle, "the server reads request 1 on connection 1, before negotiation: it will never answer on this connection again, and leaves it open")
	assert.Contains(t, cycle, "the negotiation timer fires: the client closes connection 1")
	fin := find(t, explore(t, staleFlag(session.ServerFin)), session.ReconnectConverges)
	cycle = strings.Join(words(fin)[fin.Cycle+1:], "\n")
	assert.Contains(t, cycle, "the server reads request 1 on connection 1, before negotiation: it closes the connection")
	assert.NotContains(t, cycle, "timer")
	first, last := fin.Trace[fin.Cycle], fin.Trace[len(fin.Trace)-1]
	assert.Equal(t, first.State, last.State)
}

// Every property can fail: where no client of the specification makes it, by a state
// that no client may reach.
func TestPropertiesCanFail(t *testing.T) {
	m, err := session.New(session.Default())
	require.NoError(t, err)
	var two session.State
	two.Connections[0].Client, two.Connections[1].Client = session.Open, session.Dialing
	for _, p := range m.Properties() {
		if p.Name != session.SingleConnection {
			continue
		}
		r, err := check.Run(t.Context(), oneState{two, p}, check.Options{})
		require.NoError(t, err)
		assert.Equal(t, check.Violated, r.Verdict)
		two.Connections[1].Client = session.NoEnd
		r, err = check.Run(t.Context(), oneState{two, p}, check.Options{})
		require.NoError(t, err)
		assert.Equal(t, check.Held, r.Verdict)
	}
}

// oneState is a model with a single state.
type oneState struct {
	state    session.State
	property check.Property[session.State]
}

func (o oneState) Initial() []session.State                       { return []session.State{o.state} }
func (o oneState) Actions() []check.Action                        { return nil }
func (o oneState) AppendState(dst []byte, _ session.State) []byte { return dst }
func (o oneState) Properties() []check.Property[session.State] {
	return []check.Property[session.State]{o.property}
}
func (o oneState) Next(_ session.State, s []check.Step[session.State]) []check.Step[session.State] {
	return s
}
