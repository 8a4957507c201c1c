// What the specification says of the incident: which errors come at which ages, and why.

package timeouts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/timeouts"
)

// signatures returns every error with its age that a negotiation ends with.
func signatures(t *testing.T, c timeouts.Constants) string {
	t.Helper()
	found := map[string]bool{}
	visit(t, c, func(_ *timeouts.Model, _ int, _, to timeouts.State) {
		switch to.Last {
		case timeouts.Timeout:
			found[fmt.Sprintf("T%d", to.LastAge)] = true
		case timeouts.Reset:
			found[fmt.Sprintf("R%d", to.LastAge)] = true
		}
	})
	list := make([]string, 0, len(found))
	for s := range found {
		list = append(list, s)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestSignatures(t *testing.T) {
	for _, want := range []struct {
		changes    string // to the incident
		signatures string // T: ERR_TIMEOUT, R: ERR_SESSION_RESET, at an age in seconds
	}{
		{"", "R5 T10"},
		{"NegFirst=true", "R5 T10"},
		{"Away=0", "R5 T10"},
		{"Away=0 NegFirst=true", "T10"},
		{"TSrv=5", "R5 T10"},
		{"TQ=1 Away=0 NegFirst=true", "T10"},
		{"TQ=1 Away=0 Win=7", "R8"},
		{"ServerMode=fin", "R0"},
		{"ServerMode=reference", ""},
		{"Mandatory=false", ""},
		{"Client=conn", ""},
		{"Client=conn D=2 TSrv=5 ServerMode=fin", "R5"},
		{"Client=conn D=2 TSrv=5", "T14"},
		{"Client=conn D=2 TSrv=5 PerMessage=false", "T10"},
	} {
		c := timeouts.Incident()
		c.Cap = 0
		assert.Equal(t, want.signatures, signatures(t, assign(t, c, want.changes)), want.changes)
	}
}

func find(t testing.TB, r *check.Result[timeouts.State], property string) []string {
	t.Helper()
	for _, v := range r.Violations {
		if v.Property == property {
			lines := make([]string, 0, len(v.Trace))
			for _, step := range v.Trace {
				if step.Action != "tick" {
					lines = append(lines, step.Text)
				}
			}
			return lines
		}
	}
	require.Fail(t, "not violated", property)
	return nil
}

// Three times 10 s, then 5 s, on the fourth connection: with two mute metas, by itself.
func TestTraceOfTheFiveSeconds(t *testing.T) {
	trace := find(t, explore(t, timeouts.Incident()), timeouts.NoResetAt5)
	var failures []string
	for _, line := range trace {
		if _, failure, found := strings.Cut(line, "negotiation failed: "); found {
			failures = append(failures, failure)
		}
	}
	assert.Equal(t, []string{
		"ERR_TIMEOUT at 10 s", "ERR_TIMEOUT at 10 s", "ERR_TIMEOUT at 10 s", "ERR_SESSION_RESET at 5 s",
	}, failures)
	assert.Equal(t,
		"the query's timer fires, 30 s or more after the first unanswered one: the client closes the connection, negotiation failed: ERR_SESSION_RESET at 5 s",
		trace[len(trace)-1])
}

func TestTraceOfTheTenSeconds(t *testing.T) {
	assert.Equal(t, []string{
		"initially",
		"the client tries the query: it waits for a connection, the session connects",
		"the connection is up: the client writes the query before negotiation on it (the flag is stale), then negotiation message 1; the server will never answer on it again, and leaves it open",
		"the query's timer fires: the client asks another meta, which takes 5 s",
		"the negotiation's timer fires: the client closes the connection, negotiation failed: ERR_TIMEOUT at 10 s",
	}, find(t, explore(t, timeouts.Incident()), timeouts.NoTimeoutAt10))
}

// Without backoff and with connections that are up at once a client with a stale flag and
// a server that closes go round within one instant.
func TestZeno(t *testing.T) {
	zeno := "Client=session ServerMode=fin Backoff=0"
	assert.Contains(t, violated(explore(t, assign(t, timeouts.Plain(), zeno))), timeouts.NonZeno)
	assert.NotContains(t, violated(explore(t, assign(t, timeouts.Plain(), zeno+" SynDelay=1"))), timeouts.NonZeno)
	assert.NotContains(t, violated(explore(t, assign(t, timeouts.Plain(), zeno+" Backoff=1"))), timeouts.NonZeno)
}
