// A specification on demand: a counterexample is a path that can be followed.

package model_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
)

func TestExploreACounterexample(t *testing.T) {
	request := model.Request{
		Spec: "session", With: []string{"stale-auth-flag"}, Server: "hang", Property: "auth-before-request",
		Set: []model.Setting{{Name: "NReq", Value: "1"}, {Name: "Crashes", Value: "1"}},
	}
	report, err := model.Run(t.Context(), request)
	require.NoError(t, err)
	require.NotEmpty(t, report.Trace)

	exploration, err := model.Explore(request)
	require.NoError(t, err)
	assert.Equal(t, report.Constants, exploration.Constants)
	assert.Equal(t, "hang", exploration.Server)
	var path []check.StateID
	for _, step := range report.Trace {
		var id check.StateID
		require.NoError(t, id.UnmarshalText([]byte(step.State)))
		path = append(path, id)
	}
	view, err := exploration.At(path)
	require.NoError(t, err)
	for i, branch := range view.Path {
		assert.Equal(t, report.Trace[i+1].Text, branch.Text)
	}
	for _, j := range view.Here().Judgements {
		if j.Property == "auth-before-request" {
			assert.False(t, j.Holds)
			return
		}
	}
	t.Error("the violated property is not judged")
}

func TestExploreRefusesWhatRunRefuses(t *testing.T) {
	for _, request := range []model.Request{
		{Spec: "sessoin"}, {Spec: "session", Config: "none"}, {Spec: "session", Set: []model.Setting{{Name: "K", Value: "x"}}},
	} {
		_, err := model.Explore(request)
		var usage *model.UsageError
		require.ErrorAs(t, err, &usage)
	}
}
