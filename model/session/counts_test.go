// Numbers of distinct states and verdicts, as TLC finds them too.

package session_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/session"
)

// assign returns constants with changes of the form "NAME=VALUE NAME=VALUE".
func assign(t testing.TB, c session.Constants, changes string) session.Constants {
	t.Helper()
	for _, change := range strings.Fields(changes) {
		name, value, found := strings.Cut(change, "=")
		require.True(t, found, change)
		require.NoError(t, c.Set(name, value))
	}
	return c
}

func explore(t testing.TB, c session.Constants) *check.Result[session.State] {
	t.Helper()
	m, err := session.New(c)
	require.NoError(t, err)
	r, err := check.Run(t.Context(), m, check.Options{})
	require.NoError(t, err)
	require.True(t, r.Complete)
	return r
}

func violated(r *check.Result[session.State]) string {
	names := make([]string, 0, len(r.Violations))
	for _, v := range r.Violations {
		names = append(names, v.Property)
	}
	return strings.Join(names, " ")
}

const (
	flagFails = "auth-before-request fresh-session"
	allFails  = flagFails + " reconnect-converges requests-drain"
	liveFails = "reconnect-converges requests-drain"
)

// TestCounts pins the numbers for NReq=2 K=2 NPorts=1 R=2 W=2 Crashes=2 Losses=0
// Earlies=0 Client="conn" Rebuild="no" ServerMode="reference" Mandatory=TRUE
// PortReuse=FALSE OldConn="tcp" GiveUp=FALSE ByRemoval=TRUE Cyclic=TRUE and changes of
// these. TLC 2.15 gives the same for docs/spec/tla/Session.tla:
//
//	java -cp tla2tools.jar tlc2.TLC -deadlock -config Session.cfg Session.tla
//
// with SPECIFICATION Spec, CONSTANTS as above and INVARIANTS TypeOK; the verdicts with
// INVARIANTS and PROPERTIES as named there. docs/spec/tla/check compares all of these,
// and more.
func TestCounts(t *testing.T) {
	for _, want := range []struct {
		changes  string
		distinct uint64
		violated string
	}{
		{"", 396, ""},
		{"Client=session", 1_314, flagFails},
		{"Client=reset", 3_242, allFails},
		{"ServerMode=hang", 396, ""},
		{"ServerMode=hang Client=session", 1_248, allFails},
		{"ServerMode=hang Client=reset", 3_240, allFails},
		{"ServerMode=fin", 396, ""},
		{"ServerMode=fin Client=session", 812, allFails},
		{"ServerMode=fin Client=reset", 2_151, allFails},
		{"Client=session Rebuild=async ServerMode=hang", 1_980, flagFails},
		{"Client=session Rebuild=sync ServerMode=hang", 790, ""},
		{"Client=session ServerMode=hang Mandatory=false", 1_314, flagFails},
		{"Losses=1 NPorts=2", 2_019, ""},
		{"Losses=1 Earlies=1", 4_693, liveFails},
		{"Losses=1 Earlies=1 NPorts=2", 14_525, ""},
		{"Earlies=1 GiveUp=true ServerMode=hang", 2_186, ""},
		{"Earlies=1 ByRemoval=false", 2_283, "complete-once"},
		{"Losses=1 Earlies=1 PortReuse=true", 5_935, ""},
		{"Losses=1 Earlies=1 PortReuse=true OldConn=glued", 6_046, ""},
		{"Losses=1 Earlies=1 PortReuse=true OldConn=sticky ServerMode=hang", 7_057, liveFails},
		{"Cyclic=false", 396, ""},
	} {
		c := session.Plain()
		c.R = 2
		r := explore(t, assign(t, c, want.changes))
		assert.Equal(t, want.distinct, r.Distinct, want.changes)
		assert.Equal(t, want.violated, violated(r), want.changes)
	}
}
