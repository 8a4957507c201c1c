// Specifications run by name: reports, their JSON, and requests that are wrong.

package model_test

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
)

func run(t *testing.T, request model.Request) model.Report {
	t.Helper()
	report, err := model.Run(t.Context(), request)
	require.NoError(t, err)
	return report
}

func TestEverySpecificationHoldsByDefault(t *testing.T) {
	for _, spec := range model.Specs() {
		servers, auths := spec.Servers, spec.Auths
		if len(servers) == 0 {
			servers, auths = []string{""}, []string{""}
		}
		for _, server := range servers {
			for _, auth := range auths {
				r := run(t, model.Request{Spec: spec.Name, Server: server, Auth: auth})
				assert.Equal(t, "held", r.Verdict, "%s %s %s", spec.Name, server, auth)
				assert.True(t, r.Complete)
				assert.Nil(t, r.Property)
				assert.Empty(t, r.Violations)
				assert.Equal(t, []string{server, auth}, []string{r.Server, r.Auth})
				assert.Equal(t, "default", r.Config)
			}
		}
	}
}

func TestSwitchesFailAsDescribed(t *testing.T) {
	for _, spec := range model.Specs() {
		servers := spec.Servers
		if len(servers) == 0 {
			servers = []string{""}
		}
		for _, s := range spec.Switches {
			failed := map[string]bool{}
			for _, server := range servers {
				if slices.ContainsFunc(s.Set, func(set model.Setting) bool { return set.Name == "ServerMode" && set.Value != server }) {
					continue
				}
				r := run(t, model.Request{Spec: spec.Name, Config: s.Config, With: []string{s.Name}, Server: server})
				for _, f := range r.Failures {
					failed[f.Property] = true
					assert.NotEmpty(t, f.Trace, "%s %s: shown by a trace", s.Name, f.Property)
				}
				assert.Equal(t, []string{s.Name}, r.Switches)
			}
			for _, p := range spec.Properties {
				assert.Equal(t, slices.Contains(s.Properties, p.Name), failed[p.Name], "%s %s", s.Name, p.Name)
			}
		}
	}
}

// A switch needs no other word: where it is named alone, what it breaks is broken.
func TestSwitchesFailByThemselves(t *testing.T) {
	for _, spec := range model.Specs() {
		for _, s := range spec.Switches {
			r := run(t, model.Request{Spec: spec.Name, With: []string{s.Name}})
			assert.Equal(t, "violation", r.Verdict, "%s --with %s", spec.Name, s.Name)
			assert.Equal(t, cmp.Or(s.Config, "default"), r.Config)
			assert.Subset(t, s.Properties, r.Violations)
		}
	}
	for _, c := range []struct {
		with   []string
		config string
	}{
		{[]string{"stale-auth-flag", "timeout-mismatch"}, "plain"},   // both are shown there
		{[]string{"stale-auth-flag", "redial-after-60s"}, "default"}, // they are shown in different ones
		{[]string{"redial-after-60s", "stale-auth-flag"}, "default"},
	} {
		assert.Equal(t, c.config, run(t, model.Request{Spec: "timeouts", With: c.with}).Config, "%v", c.with)
	}
	r := run(t, model.Request{Spec: "timeouts", Config: "default", With: []string{"stale-auth-flag"}})
	assert.Equal(t, "default", r.Config, "what is asked for counts")
}

func TestStaleFlagAgainstEachServer(t *testing.T) {
	for server, converges := range map[string]bool{"hang": false, "fin": false, "reference": true} {
		r := run(t, model.Request{
			Spec: "session", With: []string{"stale-auth-flag"}, Server: server, Auth: "mandatory", Property: "reconnect-converges",
		})
		assert.Equal(t, converges, r.Verdict == "held", server)
		if !converges {
			require.Len(t, r.Failures, 1)
			assert.Equal(t, "liveness", r.Failures[0].Kind)
			assert.True(t, r.Trace[len(r.Trace)-1].Cycle)
			assert.False(t, r.Trace[1].Cycle)
		}
	}
}

func TestReportAsJSON(t *testing.T) {
	r := run(t, model.Request{
		Spec: "session", Config: "plain", Server: "hang", With: []string{"stale-auth-flag"}, Workers: 2,
		Set: []model.Setting{{Name: "R", Value: "3"}, {Name: "R", Value: "1"}},
	})
	text, err := json.Marshal(r)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(text, &got))
	keys := make([]string, 0, len(got))
	for k := range got {
		keys = append(keys, k)
	}
	assert.ElementsMatch(t, []string{
		"kind", "spec", "config", "constants", "switches", "server", "auth", "verdict", "property", "violations",
		"distinct", "generated", "depth", "seconds", "workers", "complete", "trace", "failures", "search",
	}, keys)
	assert.Equal(t, []any{
		map[string]any{"property": "auth-before-request", "kind": "safety"}, map[string]any{"property": "fresh-session", "kind": "safety"},
		map[string]any{"property": "reconnect-converges", "kind": "liveness"}, map[string]any{"property": "requests-drain", "kind": "liveness"},
	}, got["failures"])
	search, ok := got["search"].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, "bfs", search["order"])
	assert.Len(t, search["actions"], len(r.Actions))
	assert.Equal(t, "check", got["kind"])
	assert.Equal(t, "violation", got["verdict"])
	assert.Equal(t, "auth-before-request", got["property"])
	assert.Equal(t, []any{"auth-before-request", "fresh-session", "reconnect-converges", "requests-drain"}, got["violations"])
	constants, ok := got["constants"].(map[string]any)
	require.True(t, ok)
	assert.InDelta(t, 1, constants["R"], 0)
	assert.Equal(t, "session", constants["Client"])
	assert.Equal(t, true, constants["Mandatory"])
	trace, ok := got["trace"].([]any)
	require.True(t, ok)
	first, ok := trace[1].(map[string]any)
	require.True(t, ok)
	assert.Equal(t, "submit(1)", first["action"])
	assert.NotEmpty(t, first["changes"])

	held, err := json.Marshal(run(t, model.Request{Spec: "two-phase-commit", RMs: 3}))
	require.NoError(t, err)
	assert.Contains(t, string(held), `"property":null,"violations":[],"distinct":288,`)
	assert.Contains(t, string(held), `"trace":[],"failures":[]`)
	assert.Contains(t, string(held), `"constants":{"RM":3},"switches":[]`)
}

func TestTwoPhaseCommit(t *testing.T) {
	for managers, distinct := range map[int]uint64{3: 288, 5: 8_832} {
		assert.Equal(t, distinct, run(t, model.Request{Spec: "two-phase-commit", RMs: managers}).Distinct)
	}
	r := run(t, model.Request{Spec: "two-phase-commit", Set: []model.Setting{{Name: "RM", Value: "3"}}})
	assert.Equal(t, uint64(288), r.Distinct)
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	request := model.Request{Spec: "two-phase-commit", RMs: 16, ProgressEvery: 1, Progress: func(p check.Progress) {
		if p.Distinct > 1000 {
			cancel()
		}
	}}
	r, err := model.Run(ctx, request)
	require.NoError(t, err)
	assert.Equal(t, "inconclusive", r.Verdict)
	assert.False(t, r.Complete)
	assert.Equal(t, "interrupted", r.Stopped)
	assert.Greater(t, r.Distinct, uint64(1000))
}

func TestRequestsThatAreWrong(t *testing.T) {
	session := func(change func(*model.Request)) model.Request {
		r := model.Request{Spec: "session"}
		change(&r)
		return r
	}
	set := func(name, value string) func(*model.Request) {
		return func(r *model.Request) { r.Set = []model.Setting{{Name: name, Value: value}} }
	}
	for _, c := range []struct {
		request model.Request
		what    string
		word    string
		valid   string // one of UsageError.Valid
		want    string // in UsageError.Want
	}{
		{model.Request{Spec: "sesion"}, "specification", "sesion", "session", ""},
		{session(func(r *model.Request) { r.Config = "deap" }), "configuration", "deap", "deep", ""},
		{session(func(r *model.Request) { r.With = []string{"stale-flag"} }), "switch", "stale-flag", "stale-auth-flag", ""},
		{session(func(r *model.Request) { r.Server = "hangs" }), "server", "hangs", "hang", ""},
		{session(func(r *model.Request) { r.Auth = "on" }), "auth", "on", "mandatory", ""},
		{session(func(r *model.Request) { r.Property = "drain" }), "property", "drain", "requests-drain", ""},
		{session(func(r *model.Request) { r.Workers = -1 }), "number of workers", "-1", "", "0 or more"},
		{session(func(r *model.Request) { r.Walks = -1 }), "number of walks", "-1", "", "0 or more"},
		{session(func(r *model.Request) { r.Length = -2 }), "length of walks", "-2", "", "0 or more"},
		{session(func(r *model.Request) { r.Timeout = -time.Second }), "timeout", "-1s", "", "0 or more"},
		{session(set("Nreq", "1")), "constant", "Nreq", "NReq", ""},
		{session(set("NReq", "many")), "value of constant NReq", "many", "", "from 1 to 8"},
		{session(set("Client", "con")), "value of constant Client", "con", "conn", "session, reset or conn"},
		{session(set("Rebuild", "sync")), "value of constant Rebuild", "sync", "no", "Client conn"},
		{
			session(func(r *model.Request) { set("Client", "conn")(r); r.With = []string{"stale-auth-flag"} }),
			"value of constant Client", "conn", "", "stale-auth-flag",
		},
		{
			session(func(r *model.Request) { set("ServerMode", "fin")(r); r.Server = "hang" }),
			"value of constant ServerMode", "fin", "", "server hang",
		},
		{
			session(func(r *model.Request) { set("Mandatory", "false")(r); r.Auth = "mandatory" }),
			"value of constant Mandatory", "false", "", "auth mandatory",
		},
		{model.Request{Spec: "two-phase-commit", RMs: 99}, "number of resource managers", "99", "", "from 1 to 31"},
		{model.Request{Spec: "two-phase-commit", Server: "hang"}, "server", "hang", "", "left out"},
		{model.Request{Spec: "two-phase-commit", With: []string{"x"}}, "switch", "x", "", "left out"},
		{model.Request{Spec: "two-phase-commit", Set: []model.Setting{{Name: "RMs", Value: "3"}}}, "constant", "RMs", "RM", ""},
		{model.Request{Spec: "two-phase-commit", Set: []model.Setting{{Name: "RM", Value: "x"}}}, "number of resource managers", "x", "", "from 1"},
		{model.Request{Spec: "two-phase-commit", RMs: 3, Set: []model.Setting{{Name: "RM", Value: "4"}}}, "value of constant RM", "4", "", "3"},
	} {
		_, err := model.Run(t.Context(), c.request)
		var usage *model.UsageError
		require.ErrorAs(t, err, &usage, "%+v", c.request)
		assert.Equal(t, []string{c.what, c.word}, []string{usage.What, usage.Word}, "%+v", c.request)
		if c.valid != "" {
			assert.Contains(t, usage.Valid, c.valid)
		}
		assert.Contains(t, usage.Want, c.want)
		assert.Contains(t, err.Error(), c.word)
	}
}

func TestEverySpecificationIsDescribed(t *testing.T) {
	for _, spec := range model.Specs() {
		assert.NotEmpty(t, spec.About)
		assert.Equal(t, "default", spec.Configs[0].Name)
		assert.NotEmpty(t, spec.Properties)
		for _, c := range spec.Constants {
			assert.NotEmpty(t, c.Want)
			assert.NotEmpty(t, c.Default)
		}
		for _, s := range spec.Switches {
			assert.NotEmpty(t, s.Properties)
			assert.NotEmpty(t, s.About)
		}
	}
}
