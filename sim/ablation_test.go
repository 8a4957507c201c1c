// The incident's causes, taken away from upstream-snapshot's rules one at a time.

package sim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCausesAndRemedies(t *testing.T) {
	for _, c := range []struct {
		scenario, server string
		causes, remedies []string
		want             Verdict
	}{
		{ScenarioAblationRestarts, ServerHang, nil, nil, VerdictHeld},
		{ScenarioAblationRestarts, ServerHang, []string{"C1"}, nil, VerdictViolation},
		{ScenarioAblationRestarts, ServerHang, []string{"C1"}, []string{"r1"}, VerdictHeld},
		{ScenarioAblationRestarts, ServerHang, []string{"C1"}, []string{"r2", "r3"}, VerdictViolation},
		{ScenarioAblationRestarts, ServerHang, []string{"C2", "C3"}, nil, VerdictHeld},
		{ScenarioAblationRestarts, ServerReference, []string{"C1", "C2", "C3"}, nil, VerdictHeld},
		{ScenarioAblationNetwork, ServerHang, []string{"C1"}, []string{"r1"}, VerdictViolation}, // nothing to notice
		{ScenarioAblationNetwork, ServerFIN, []string{"C1"}, []string{"r1"}, VerdictHeld},
	} {
		s, err := Generate(c.scenario, 2)
		require.NoError(t, err)
		s.Server = c.server
		s.Ablate(c.causes, c.remedies)
		result := mustRun(t, s, Options{})
		assert.Equal(t, c.want, result.Verdict, "%s, server %s, causes %v, remedies %v: %s", c.scenario, c.server, c.causes, c.remedies, result.Reason)
	}
}

// A cause that is in does what it says: else its absence would prove nothing.
func TestCausesAct(t *testing.T) {
	count := func(causes, remedies []string) (reused, gaveUp int) {
		for seed := uint64(1); seed <= 9; seed += 2 {
			s, err := Generate(ScenarioAblationNetwork, seed)
			require.NoError(t, err)
			s.Server = ServerHang
			s.Ablate(causes, remedies)
			result := mustRun(t, s, Options{})
			gaveUp += result.ServerGaveUp
			for _, m := range result.Met {
				if m.Name == MetPortReuse.String() {
					reused += m.Count
				}
			}
		}
		return reused, gaveUp
	}
	reused, gaveUp := count(nil, nil)
	assert.Zero(t, reused)
	assert.Zero(t, gaveUp)
	reused, gaveUp = count([]string{"C2", "C3"}, nil)
	assert.NotZero(t, reused)
	assert.NotZero(t, gaveUp)
	reused, _ = count([]string{"C2", "C3"}, []string{"r2", "r3"})
	assert.Zero(t, reused)
}

func TestAblationNamesWhatItCannotDo(t *testing.T) {
	for _, c := range []struct{ client, causes, remedies, want string }{
		{ClientReference, "C1", NoneOfThem, "causes and remedies are those of client upstream-snapshot"},
		{ClientUpstreamSnapshot, CausesAsReleased, "r1", "name the causes that they are to remedy"},
		{ClientUpstreamSnapshot, "C4", NoneOfThem, `unknown cause "C4"`},
		{ClientUpstreamSnapshot, "C1+C1", NoneOfThem, "named twice"},
		{ClientUpstreamSnapshot, "C1", "r9", `unknown remedy "r9"`},
	} {
		s := Default()
		s.Client, s.Causes, s.Remedies = c.client, c.causes, c.remedies
		assert.ErrorContains(t, s.Validate(), c.want)
	}
}
