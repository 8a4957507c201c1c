//go:build browser

// A specification with two initial states in a browser: one is picked before anything else.

package explore

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/page/browser"
)

// lamp is off or on at first, and can be switched once.
type lamp struct{}

type lampState struct{ on, touched bool }

func (lamp) Initial() []lampState    { return []lampState{{}, {on: true}} }
func (lamp) Actions() []check.Action { return []check.Action{{Name: "switch"}} }

func (lamp) Next(s lampState, steps []check.Step[lampState]) []check.Step[lampState] {
	if s.touched {
		return steps
	}
	return append(steps, check.Step[lampState]{State: lampState{!s.on, true}})
}

func (lamp) Properties() []check.Property[lampState] {
	return []check.Property[lampState]{check.Always("dark", func(s lampState) bool { return !s.on })}
}

func (lamp) AppendState(dst []byte, s lampState) []byte {
	for _, bit := range []bool{s.on, s.touched} {
		dst = append(dst, word(bit)...)
	}
	return dst
}

func (lamp) Describe(s lampState) []check.Field {
	return []check.Field{{Name: "lamp", Value: word(s.on)}}
}

func word(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

const pickSteps = `
	const seen = {};
	const choices = () => d.all("#next button").map((b) => b.textContent);
	await d.until("the choice", () => d.text("#onward-title") === "Pick an initial state");
	seen.initial = choices();
	seen.steps = d.all(".step").length;
	await d.press("2");
	await d.until("the second one", () => d.all(".step").length === 1);
	seen.title = d.text("#onward-title");
	seen.state = d.text("#fields td");
	await d.press("r");
	await d.until("the choice again", () => d.text("#onward-title") === "Pick an initial state" && d.all(".step").length === 0);
	d.find("#next button").click();
	await d.until("the first one", () => d.all(".step").length === 1);
	seen.other = d.text("#fields td");
	await d.press("1");
	await d.until("a step", () => d.all(".step").length === 2);
	seen.after = choices();
	return seen;`

func TestInitialStateIsPickedInBrowser(t *testing.T) {
	b, ctx := find(t), t.Context()
	explorer, err := check.NewExplorer(lamp{})
	require.NoError(t, err)
	e := &Explorer{
		exploration: &model.Exploration{Explorer: explorer, Spec: model.Spec{Name: "lamp"}, Constants: map[string]any{}, Switches: []string{}},
		checked:     Checked{Done: true, Report: &model.Report{Violations: []string{}}, Counterexamples: []Counterexample{}},
	}
	e.checked.Report.Unjudged = []string{}
	doc, states, complete, err := e.offline(ctx, 100)
	require.NoError(t, err)
	require.Equal(t, 4, states)
	require.True(t, complete)
	doc.Scripts = append([]string{browser.Driver(pickSteps)}, doc.Scripts...)
	var out bytes.Buffer
	require.NoError(t, doc.Write(&out))
	file := filepath.Join(t.TempDir(), "lamp.html")
	require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
	var seen struct {
		Initial []string `json:"initial"`
		Steps   int      `json:"steps"`
		Title   string   `json:"title"`
		State   string   `json:"state"`
		Other   string   `json:"other"`
		After   []string `json:"after"`
	}
	require.NoError(t, b.Drive(ctx, "file://"+file, &seen))
	require.Equal(t, []string{"1lamp: off", "2lamp: on✗ violates dark"}, seen.Initial)
	require.Zero(t, seen.Steps)
	require.Equal(t, "What can happen next", seen.Title)
	require.Equal(t, []string{"on", "off"}, []string{seen.State, seen.Other})
	require.Empty(t, seen.After)
}
