// A model given as a table of states and steps, for tests.

package check_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// arrow is a step of a drawn model.
type arrow struct {
	from   string
	action string
	to     string
}

// drawn is a model whose states are names.
type drawn struct {
	initial    []string
	actions    []check.Action
	arrows     []arrow
	properties []check.Property[string]
}

func (d drawn) Initial() []string                       { return d.initial }
func (d drawn) Actions() []check.Action                 { return d.actions }
func (d drawn) Properties() []check.Property[string]    { return d.properties }
func (d drawn) AppendState(dst []byte, s string) []byte { return append(dst, s...) }

func (d drawn) Next(s string, steps []check.Step[string]) []check.Step[string] {
	for _, a := range d.arrows {
		if a.from == s {
			steps = append(steps, check.Step[string]{Action: d.action(a.action), State: a.to})
		}
	}
	return steps
}

func (d drawn) action(name string) int {
	for i, a := range d.actions {
		if a.Name == name {
			return i
		}
	}
	panic("no action " + name)
}

func weak(names ...string) []check.Action   { return actions(check.Weak, names) }
func strong(names ...string) []check.Action { return actions(check.Strong, names) }
func unfair(names ...string) []check.Action { return actions(check.Unfair, names) }

func actions(fairness check.Fairness, names []string) []check.Action {
	list := make([]check.Action, 0, len(names))
	for _, n := range names {
		list = append(list, check.Action{Name: n, Fairness: fairness})
	}
	return list
}

func is(names ...string) func(string) bool {
	return func(s string) bool {
		for _, n := range names {
			if s == n {
				return true
			}
		}
		return false
	}
}

func not(p func(string) bool) func(string) bool { return func(s string) bool { return !p(s) } }

func run[S any](t testing.TB, m check.Model[S], o check.Options) *check.Result[S] {
	t.Helper()
	r, err := check.Run(context.Background(), m, o)
	require.NoError(t, err)
	return r
}

// path writes a trace as its states.
func path[S any](v check.Violation[S]) string {
	text := ""
	for i, t := range v.Trace {
		if i == v.Cycle {
			text += "("
		}
		text += fmt.Sprint(t.State) + " "
	}
	if v.Cycle >= 0 {
		text += ")"
	}
	if v.Stutter {
		text += "stop"
	}
	return text
}
