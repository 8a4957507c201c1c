// Wrong fairness on purpose: docs/fairness.md has what each hides or invents, as the
// checker finds it.

package model_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/session"
)

// otherwise is the session specification with another fairness.
type otherwise struct {
	*session.Model
	actions []check.Action
}

func (o otherwise) Actions() []check.Action { return o.actions }

// fairnesses are those of docs/spec/tla/Session.tla, by the names that they have there.
var fairnesses = []struct {
	name   string
	change func(check.Action) check.Action
}{
	{"Spec", func(a check.Action) check.Action { return a }},
	{"SpecNoFair", func(a check.Action) check.Action {
		a.Fairness, a.Group = check.Unfair, ""
		return a
	}},
	{"SpecWFNext", func(a check.Action) check.Action {
		a.Fairness, a.Group = check.Weak, "next"
		return a
	}},
	{"SpecNoTimers", func(a check.Action) check.Action {
		if strings.HasPrefix(a.Name, "request-timeout(") || a.Name == "negotiation-timeout" {
			a.Fairness = check.Unfair
		}
		return a
	}},
	{"SpecMerged", func(a check.Action) check.Action {
		kind, _, many := strings.Cut(a.Name, "(")
		switch {
		case a.Fairness == check.Unfair || !many:
		case kind == "retry" || kind == "request-timeout":
			a.Group = kind
		default:
			a.Group = "any connection"
		}
		return a
	}},
}

// systems are the clients and servers that the table has, as changes to the plain bounds.
var systems = []struct{ name, changes string }{
	{"reference client", ""},
	{"reference client, server silent after a lost FIN", "Losses=1 NPorts=2"},
	{"stale flag, server hang", "Client=session ServerMode=hang"},
	{"stale flag, server fin", "Client=session ServerMode=fin"},
	{"stale flag, server reference", "Client=session"},
}

// system returns the constants of one of these.
func system(t *testing.T, changes string) session.Constants {
	t.Helper()
	c := session.Plain()
	c.R, c.Crashes = 2, 1
	for _, change := range strings.Fields(changes) {
		name, value, _ := strings.Cut(change, "=")
		require.NoError(t, c.Set(name, value))
	}
	return c
}

// judgeWith returns which of the two liveness properties hold, as a cell of the table.
func judgeWith(t *testing.T, c session.Constants, change func(check.Action) check.Action) string {
	t.Helper()
	m, err := session.New(c)
	require.NoError(t, err)
	actions := slices.Clone(m.Actions())
	for i := range actions {
		actions[i] = change(actions[i])
	}
	properties := []string{session.ReconnectConverges, session.RequestsDrain}
	r, err := check.Run(t.Context(), otherwise{m, actions}, check.Options{Only: properties})
	require.NoError(t, err)
	require.True(t, r.Complete)
	cell := []string{"holds", "holds"}
	for _, v := range r.Violations {
		cell[slices.Index(properties, v.Property)] = "fails"
	}
	return strings.Join(cell, ", ")
}

func TestFairnessTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| system |")
	for _, f := range fairnesses {
		fmt.Fprintf(&b, " %s |", f.name)
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(fairnesses)+1) + "\n")
	for _, s := range systems {
		fmt.Fprintf(&b, "| %s |", s.name)
		for _, f := range fairnesses {
			fmt.Fprintf(&b, " %s |", judgeWith(t, system(t, s.changes), f.change))
		}
		b.WriteString("\n")
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "fairness.md"))
	require.NoError(t, err)
	assert.Contains(t, string(page), b.String(), "docs/fairness.md has another table than comes out:\n%s", b.String())
}
