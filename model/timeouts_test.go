// The timeouts specification by name: what each configuration judges, what the switches
// set, and requests that are wrong.

package model_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
)

func TestIncidentShowsBothSignaturesAndNoOther(t *testing.T) {
	for _, config := range []string{"incident", "incident-one-meta"} {
		r := run(t, model.Request{Spec: "timeouts", Config: config})
		assert.Equal(t, []string{
			"converges", "done-by-cap", "no-timeout", "no-reset", "no-timeout-at-10", "no-reset-at-5",
		}, r.Violations, config)
	}
	r := run(t, model.Request{Spec: "timeouts", Config: "incident-one-meta", Set: []model.Setting{{Name: "NegFirst", Value: "true"}}})
	assert.Equal(t, []string{"converges", "done-by-cap", "no-timeout", "no-timeout-at-10"}, r.Violations)
}

func TestSignaturesAreJudgedWhereAsked(t *testing.T) {
	set := []model.Setting{{Name: "TSrv", Value: "3"}}
	r := run(t, model.Request{Spec: "timeouts", Set: set})
	assert.Equal(t, []string{"converges", "done-by-cap", "no-reset"}, r.Violations)
	r = run(t, model.Request{Spec: "timeouts", Set: set, Property: "only-reported-signatures"})
	assert.Equal(t, []string{"only-reported-signatures"}, r.Violations)
	r = run(t, model.Request{Spec: "timeouts", Set: set, Property: "can-finish"})
	assert.Equal(t, []string{"can-finish"}, r.Violations)
	assert.Equal(t, "reachability", r.Failures[0].Kind)
}

func TestMismatchIsHalfTheClientsTime(t *testing.T) {
	mismatch := func(set ...model.Setting) (model.Report, error) {
		return model.Run(t.Context(), model.Request{Spec: "timeouts", With: []string{"timeout-mismatch"}, Set: set})
	}
	r, err := mismatch()
	require.NoError(t, err)
	assert.Equal(t, 3, r.Constants["TSrv"])
	r, err = mismatch(model.Setting{Name: "TNeg", Value: "10"})
	require.NoError(t, err)
	assert.Equal(t, 5, r.Constants["TSrv"])
	assert.Equal(t, "held", r.Verdict, "harmless where a negotiation is shorter than either")
	r, err = mismatch(model.Setting{Name: "TSrv", Value: "4"})
	require.NoError(t, err)
	assert.Equal(t, 4, r.Constants["TSrv"])

	var usage *model.UsageError
	for _, wrong := range []model.Setting{{Name: "TSrv", Value: "5"}, {Name: "TSrv", Value: "0"}, {Name: "TNeg", Value: "1"}} {
		_, err := mismatch(wrong)
		require.ErrorAs(t, err, &usage)
		assert.Equal(t, []string{"value of constant " + wrong.Name, wrong.Value}, []string{usage.What, usage.Word})
		assert.Contains(t, usage.Want, "timeout-mismatch")
	}
}

func TestTimeoutsRequestsThatAreWrong(t *testing.T) {
	for _, c := range []struct {
		request model.Request
		what    string
		word    string
	}{
		{model.Request{Set: []model.Setting{{Name: "Tneg", Value: "1"}}}, "constant", "Tneg"},
		{model.Request{Set: []model.Setting{{Name: "TNeg", Value: "ten"}}}, "value of constant TNeg", "ten"},
		{model.Request{Server: "mute"}, "server", "mute"},
		{model.Request{Auth: "off"}, "auth", "off"},
		{model.Request{Server: "hang", Set: []model.Setting{{Name: "ServerMode", Value: "fin"}}}, "value of constant ServerMode", "fin"},
		{model.Request{Auth: "optional", Set: []model.Setting{{Name: "Mandatory", Value: "true"}}}, "value of constant Mandatory", "true"},
		{
			model.Request{With: []string{"stale-auth-flag"}, Set: []model.Setting{{Name: "Client", Value: "conn"}}},
			"value of constant Client", "conn",
		},
		{model.Request{With: []string{"reconnect-storm"}, Server: "hang"}, "value of constant ServerMode", "hang"},
	} {
		c.request.Spec = "timeouts"
		_, err := model.Run(t.Context(), c.request)
		var usage *model.UsageError
		require.ErrorAs(t, err, &usage, "%+v", c.request)
		assert.Equal(t, []string{c.what, c.word}, []string{usage.What, usage.Word}, "%+v", c.request)
	}
}

// What the client of reset-window-closes-healthy-connection lacks is a window that is long
// enough: with one the same server is waited for. And a pause is enough against hot-retry.
func TestSwitchesTurnOnWhatTheyAreNamedAfter(t *testing.T) {
	set := func(pairs ...string) []model.Setting {
		var list []model.Setting
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, model.Setting{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	slow := set("D", "12", "TNeg", "60", "TSrv", "100", "Cap", "200", "Win", "1000")
	assert.Equal(t, "held", run(t, model.Request{Spec: "timeouts", Set: slow}).Verdict)
	patient := set("Client", "session", "ServerMode", "reference", "Backoff", "1")
	assert.NotContains(t, run(t, model.Request{Spec: "timeouts", Set: patient}).Violations, "non-zeno")
}
