// Causes and remedies as constants, and what the specification decides of them.

package model_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
)

// fails runs the session specification with causes and remedies and returns whether the
// client may never come back.
func fails(t *testing.T, config, server, auth string, causes, remedies []string) bool {
	t.Helper()
	set, err := model.Ablation("session", causes, remedies)
	require.NoError(t, err)
	r := run(t, model.Request{Spec: "session", Config: config, Server: server, Auth: auth, Set: set, Property: "reconnect-converges"})
	require.True(t, r.Complete)
	return slices.Contains(r.Violations, "reconnect-converges")
}

// C1 is sufficient where authentication is mandatory and the server punishes a request
// that comes first, and without faults beside the restart it is necessary. C2 needs a
// server that never forgets a connection and a client that closes one; C3 costs
// connections and never the client's return.
func TestWhichCausesMatter(t *testing.T) {
	for _, server := range []string{"hang", "fin", "reference"} {
		punishes := server != "reference"
		for _, config := range []string{"plain", "default"} {
			assert.Equal(t, punishes, fails(t, config, server, "mandatory", []string{"C1"}, nil), "%s %s C1", server, config)
			assert.False(t, fails(t, config, server, "optional", []string{"C1"}, nil), "%s %s C1 optional", server, config)
			assert.False(t, fails(t, config, server, "mandatory", []string{"C3"}, nil), "%s %s C3", server, config)
			assert.False(t, fails(t, config, server, "mandatory", nil, nil), "%s %s none", server, config)
		}
		assert.False(t, fails(t, "plain", server, "mandatory", []string{"C2"}, nil), "%s C2", server)
	}
	assert.True(t, fails(t, "default", "hang", "mandatory", []string{"C2"}, nil))
	assert.False(t, fails(t, "default", "hang", "mandatory", []string{"C2"}, []string{"r2"}))
}

// Rebuilding the session on a restart that is noticed cures C1 where every end of a
// connection is noticed as the server's; a client that closes by itself keeps its flag.
func TestRebuildingCuresWhatIsNoticed(t *testing.T) {
	assert.False(t, fails(t, "plain", "hang", "mandatory", []string{"C1"}, []string{"r1"}))
	assert.True(t, fails(t, "default", "hang", "mandatory", []string{"C1"}, []string{"r1"}))
	assert.True(t, fails(t, "plain", "hang", "mandatory", []string{"C1"}, []string{"r2", "r3"}))
}

func TestAblationIsOfKnownWords(t *testing.T) {
	for _, c := range model.Causes() {
		_, err := model.Ablation("session", []string{c.Name}, []string{c.Remedy})
		require.NoError(t, err)
		assert.NotEmpty(t, c.About)
	}
	for _, r := range model.Remedies() {
		assert.NotEmpty(t, r.About)
	}
	set, err := model.Ablation("timeouts", []string{"C1", "C3"}, []string{"r3"})
	require.NoError(t, err)
	r := run(t, model.Request{Spec: "timeouts", Config: "incident", Set: set})
	assert.Equal(t, 15, r.Constants["TSrv"])
	assert.Equal(t, "session", r.Constants["Client"])

	var usage *model.UsageError
	for _, wrong := range []struct {
		spec     string
		causes   []string
		remedies []string
		word     string
	}{
		{"sesion", nil, nil, "sesion"}, {"session", []string{"C4"}, nil, "C4"}, {"session", nil, []string{"R1"}, "R1"}, {"session", []string{""}, nil, ""},
	} {
		_, err := model.Ablation(wrong.spec, wrong.causes, wrong.remedies)
		require.ErrorAs(t, err, &usage)
		assert.Equal(t, wrong.word, usage.Word)
	}
}
