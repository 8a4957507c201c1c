// That the exploration can fail: for every defect the properties that must catch it, and
// for the incident's the trace in words.

package exhaustive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// violated lists what an exploration refutes, what was never reached left out.
func violated(result *check.Result[*State]) []string {
	var names []string
	for _, v := range result.Violations {
		if v.Kind != check.Reachability {
			names = append(names, v.Property)
		}
	}
	return names
}

// TestDefectsAreFound: each of these clients is the reference's but for one thing.
func TestDefectsAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		client func(session.Config) client
		change func(*Config)
		want   []string // among others
	}{
		"no negotiation": {
			client: func(cfg session.Config) client {
				cfg.Auth = session.AuthOff
				return newReference(cfg)
			},
			want: []string{"auth-before-request", "reconnect-converges", "requests-drain"},
		},
		"close event of another connection": {
			client: altersEvents(func(own protocol.ConnID, ev session.Event) session.Event {
				if ev.Kind == session.EventClosed {
					ev.Conn = own
				}
				return ev
			}),
			want: []string{"fresh-session"},
		},
		"token of another connection": {
			client: altersEvents(func(own protocol.ConnID, ev session.Event) session.Event {
				if ev.Kind == session.EventToken {
					ev.Conn = own
				}
				return ev
			}),
			want: []string{"fresh-session"},
		},
		"a connection is not closed": {
			client: altersEffects(func(e session.Effect) (session.Effect, bool) { return e, e.Kind != session.EffectClose }),
			change: func(c *Config) { c.Requests, c.Earlies = 0, 1 },
			want:   []string{"single-connection"},
		},
		"lost callback": {
			client: altersEffects(func(e session.Effect) (session.Effect, bool) {
				return e, e.Kind != session.EffectComplete || e.Completion.Outcome != session.OutcomeUnknown
			}),
			want: []string{"complete-once", "requests-end"},
		},
		"unknown called failed": {
			client: altersEffects(func(e session.Effect) (session.Effect, bool) {
				if e.Kind == session.EffectComplete && e.Completion.Outcome == session.OutcomeUnknown {
					e.Completion.Outcome = session.OutcomeFailed
				}
				return e, true
			}),
			want: []string{"honest-outcome"},
		},
		"unknown called ok": {
			client: altersEffects(func(e session.Effect) (session.Effect, bool) {
				if e.Kind == session.EffectComplete && e.Completion.Outcome == session.OutcomeUnknown {
					e.Completion.Outcome, e.Completion.Code = session.OutcomeOK, protocol.CodeOK
				}
				return e, true
			}),
			want: []string{"honest-outcome"},
		},
		"hot retry": {
			client: func(cfg session.Config) client {
				cfg.BackoffBase, cfg.BackoffCap = backoffBase/5, backoffBase/5
				return newReference(cfg)
			},
			want: []string{"bounded"},
		},
		"no redial": {
			client: altersEffects(func(e session.Effect) (session.Effect, bool) {
				return e, e.Kind != session.EffectArmTimer || e.After != backoffBase
			}),
			want: []string{"reconnect-converges", "requests-drain", "requests-end"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			if tc.change != nil {
				tc.change(&cfg)
			}
			cfg.client = tc.client
			got := violated(explore(t, cfg))
			assert.Subset(t, got, tc.want)
			t.Log(got)
		})
	}
}

// otherwise is the model with other properties.
type otherwise struct {
	*Model
	properties []check.Property[*State]
}

func (o otherwise) Properties() []check.Property[*State] { return o.properties }

// judge explores m for the properties alone.
func judge(t *testing.T, m *Model, properties ...check.Property[*State]) *check.Result[*State] {
	t.Helper()
	result, err := check.Run(context.Background(), otherwise{m, properties}, check.Options{})
	require.NoError(t, err)
	require.True(t, result.Complete)
	return result
}

// TestWrongPropertyIsRefuted: what is not true is shown by a shortest trace.
func TestWrongPropertyIsRefuted(t *testing.T) {
	m, err := New(DefaultConfig())
	require.NoError(t, err)
	result := judge(t, m, check.Always("nobody-is-ever-ready", func(s *State) bool { return !ready(s) }))
	require.Len(t, result.Violations, 1)
	trace := result.Violations[0].Trace
	assert.Len(t, trace, 15, "one dial and four pairs, of which two need both mechanisms")
	assert.Contains(t, trace[len(trace)-1].Text, "the client reads SUCC on connection 1")

	forgetful := check.EventuallyAlways("ready, although the node need not start", func(s *State) bool {
		return s.power == up && m.converged(s)
	})
	assert.Equal(t, check.Held, judge(t, m, forgetful).Verdict)
	m.actions = slices.Clone(m.actions)
	m.actions[actStart].Fairness = check.Unfair
	assert.Equal(t, check.Violated, judge(t, m, forgetful).Verdict, "a node that never starts is converged with by nobody")
}

// TestNodeWithoutGate: the node executes for whoever comes, where it must not.
func TestNodeWithoutGate(t *testing.T) {
	cfg := DefaultConfig()
	cfg.client = func(s session.Config) client {
		s.Auth = session.AuthOff
		return newReference(s)
	}
	m, err := New(cfg)
	require.NoError(t, err)
	assert.NotContains(t, violated(judge(t, m, m.Properties()...)), "authenticated-execution")
	m.node.Auth.Mandatory = false
	assert.Contains(t, violated(judge(t, m, m.Properties()...)), "authenticated-execution")
}

// TestNoDowngrade: a node without authentication does not get a request out of a client
// that requires it.
func TestNoDowngrade(t *testing.T) {
	m, err := New(with(func(c *Config) { c.NoAuth, c.Mandatory = true, false }))
	require.NoError(t, err)
	result := judge(t, m, append(m.Properties(), check.Always("nothing is asked", func(s *State) bool {
		return !ready(s) && !slices.ContainsFunc(s.requests, func(r request) bool { return r.progress == written || r.executed })
	}))...)
	report(t, result)
	assert.Equal(t, check.Held, result.Verdict)
	assert.Greater(t, result.Distinct, uint64(50))
}

// TestStaleFlag replays the scripts of testdata: the incident's client against the real
// node, for each of its policies. Rewrite with: go test ./sim/exhaustive -rewrite
func TestStaleFlag(t *testing.T) {
	datadriven.RunTest(t, "testdata/stale_flag", func(t *testing.T, d *datadriven.TestData) string {
		cfg := DefaultConfig()
		cfg.Requests, cfg.Hasty = 1, true
		var policy string
		d.ScanArgs(t, "early", &policy)
		early, err := node.ParseEarlyRequest(policy)
		require.NoError(t, err)
		cfg.EarlyRequest = early
		result := explore(t, cfg)
		if d.Cmd == "violated" {
			return strings.Join(violated(result), "\n") + "\n"
		}
		var property string
		d.ScanArgs(t, "property", &property)
		at := slices.IndexFunc(result.Violations, func(v check.Violation[*State]) bool { return v.Property == property })
		require.GreaterOrEqual(t, at, 0)
		if d.Cmd == "end" {
			return endText(&result.Violations[at])
		}
		require.Equal(t, "trace", d.Cmd)
		return traceText(&result.Violations[at])
	})
}

// traceText shows a violation as a person reads it.
func traceText(v *check.Violation[*State]) string {
	var b strings.Builder
	for i, step := range v.Trace {
		if i == v.Cycle {
			b.WriteString("again and again from here:\n")
		}
		fmt.Fprintf(&b, "%d. %s\n", i, step.Text)
	}
	if v.Stutter {
		b.WriteString("and then nothing\n")
	}
	return b.String()
}

// endText shows what the last step changed.
func endText(v *check.Violation[*State]) string {
	var b strings.Builder
	for _, c := range v.Trace[len(v.Trace)-1].Changes {
		fmt.Fprintf(&b, "%s: %s -> %s\n", c.Name, c.Before, c.After)
	}
	return b.String()
}

// TestServerCures: with a node that refuses, holds or drops what comes too early, the
// incident's client comes back, although it writes too early as ever.
func TestServerCures(t *testing.T) {
	for _, early := range []node.EarlyRequest{node.EarlyRefuse, node.EarlyHold, node.EarlyDrop, node.EarlyClose, node.EarlyHang} {
		t.Run(early.String(), func(t *testing.T) {
			cfg := with(func(c *Config) { c.Requests, c.EarlyRequest, c.Hasty = 1, early, true })
			m, err := New(cfg)
			require.NoError(t, err)
			got := violated(judge(t, m, m.Properties()...))
			assert.Contains(t, got, "auth-before-request")
			assert.NotContains(t, got, "authenticated-execution")
			cures := early != node.EarlyClose && early != node.EarlyHang
			assert.Equal(t, cures, !slices.Contains(got, "reconnect-converges"), got)
			assert.Equal(t, cures, !slices.Contains(got, "requests-drain"), got)
			ignored := judge(t, m, check.Sometimes("an early answer is ignored", func(s *State) bool { return !ready(s) && tooLate(s) }))
			answers := early == node.EarlyRefuse || early == node.EarlyHold
			assert.Equal(t, answers, ignored.Verdict == check.Held)
		})
	}
}
