// On demand: what an Explorer shows is what a search finds.

package check_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/check"
)

// loop is a to b to c and back to b, with an idle step at b.
func loop() drawn {
	return drawn{
		initial: []string{"a", "a", "z"}, actions: weak("s", "idle"),
		arrows: []arrow{{"a", "s", "b"}, {"b", "idle", "b"}, {"b", "s", "c"}, {"c", "s", "b"}},
		properties: []check.Property[string]{
			check.Always("never-c", not(is("c"))),
			check.Sometimes("c-once", is("c")),
			check.DeadlockFree[string]("goes-on", nil),
			check.LeadsTo("b-leads-to-c", is("b"), is("c")),
			check.EventuallyAlways("c-stays", is("c")),
		},
	}
}

func holding(n check.Node) []bool {
	list := make([]bool, 0, len(n.Judgements))
	for _, j := range n.Judgements {
		list = append(list, j.Holds)
	}
	return list
}

func TestOnDemand(t *testing.T) {
	e, err := check.NewExplorer(loop())
	require.NoError(t, err)
	initial := e.Initial()
	require.Len(t, initial, 2, "a counts once")
	assert.Equal(t, []bool{true, false, false, true, false}, holding(initial[1]), "z has no way on")

	start := initial[0].ID
	view, err := e.At([]check.StateID{start})
	require.NoError(t, err)
	require.Len(t, view.Next, 1)
	b := view.Next[0].To
	assert.Equal(t, []bool{true, false, true, false, false}, holding(b))

	view, err = e.At([]check.StateID{start, b.ID})
	require.NoError(t, err)
	assert.Equal(t, b, view.Here())
	require.Len(t, view.Next, 2)
	assert.Equal(t, "idle", view.Next[0].Action)
	assert.True(t, view.Next[0].Idle)
	c := view.Next[1].To
	assert.Equal(t, []bool{false, true, true, true, true}, holding(c))

	_, err = e.At([]check.StateID{start, c.ID})
	require.ErrorIs(t, err, check.ErrNoSuchPath)
	_, err = e.At([]check.StateID{b.ID})
	require.ErrorIs(t, err, check.ErrNoSuchPath)
	_, err = e.At(nil)
	require.ErrorIs(t, err, check.ErrNoSuchPath)
}

// The states of a trace are a path, and each is judged as the search judged it.
func TestTraceIsAPath(t *testing.T) {
	m := loop()
	m.initial = m.initial[:1]
	r := run(t, m, check.Options{})
	require.NotEmpty(t, r.Violations)
	e, err := check.NewExplorer(m)
	require.NoError(t, err)
	for _, v := range r.Violations {
		var path []check.StateID
		for _, step := range v.Trace {
			path = append(path, step.ID)
		}
		view, err := e.At(path)
		require.NoError(t, err)
		require.Len(t, view.Path, len(v.Trace)-1)
		if v.Kind == check.Safety {
			assert.False(t, view.Here().Judgements[0].Holds)
		}
	}
}

func TestDraw(t *testing.T) {
	e, err := check.NewExplorer(loop())
	require.NoError(t, err)
	whole := e.Draw(100)
	assert.True(t, whole.Complete)
	assert.Equal(t, 2, whole.Initial)
	assert.Len(t, whole.Nodes, 4)
	assert.Equal(t, []check.Edge{
		{From: 0, To: 2, Action: "s", Text: "s"}, {From: 2, To: 3, Action: "s", Text: "s"}, {From: 3, To: 2, Action: "s", Text: "s"},
	}, whole.Edges)
	part := e.Draw(3)
	assert.False(t, part.Complete)
	assert.Len(t, part.Nodes, 3)
	assert.Len(t, part.Edges, 1)

	g := grid{counters: 3, size: 4}
	e, err = check.NewExplorer(g)
	require.NoError(t, err)
	whole, r := e.Draw(1000), run(t, g, check.Options{})
	assert.Len(t, whole.Nodes, int(r.Distinct))
	assert.Len(t, whole.Edges, int(r.Generated)-1)
}

func TestStateIDAsText(t *testing.T) {
	text, err := json.Marshal(check.StateID(0xbeef))
	require.NoError(t, err)
	assert.Equal(t, `"000000000000beef"`, string(text))
	var id check.StateID
	require.NoError(t, json.Unmarshal(text, &id))
	assert.Equal(t, check.StateID(0xbeef), id)
	for _, wrong := range []string{`"beef"`, `"000000000000beeg"`, `""`} {
		assert.Error(t, json.Unmarshal([]byte(wrong), &id), wrong)
	}
}

func TestExplorerOfAModelThatIsWrong(t *testing.T) {
	_, err := check.NewExplorer(drawn{})
	require.ErrorIs(t, err, check.ErrModel)
	_, err = check.NewExplorer(drawn{initial: []string{"a"}, actions: weak("s", "s")})
	require.ErrorIs(t, err, check.ErrModel)
}
