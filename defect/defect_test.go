// The catalogue is whole, its patches apply, and a trial finds what it is there for and
// nothing where it is not.

package defect

import (
	"context"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim/exhaustive"
)

const moduleRoot = ".."

func TestCatalogueIsWhole(t *testing.T) {
	seen := make(map[string]bool)
	var patched, twice int
	for _, d := range Catalogue() {
		assert.False(t, seen[d.ID], "%s is there twice", d.ID)
		seen[d.ID] = true
		assert.NotEmpty(t, d.Source, d.ID)
		assert.NotEmpty(t, d.About, d.ID)
		assert.NotEmpty(t, d.Properties, d.ID)
		finders := 0
		for _, trial := range d.Trials {
			if blind(trial) == "" {
				finders++
			}
		}
		assert.Positive(t, finders, d.ID)
		assert.Equal(t, finders < 2, d.Alone != "", "%s: a reason is for those that one engine finds, and only for them", d.ID)
		if finders >= 2 {
			twice++
		}
		if d.hasPatch() {
			patched++
		}
		engines := make(map[string]bool)
		for _, trial := range d.Trials {
			assert.Contains(t, EngineNames(), trial.Engine(), d.ID)
			assert.False(t, engines[trial.Engine()], "%s has two trials of %s", d.ID, trial.Engine())
			engines[trial.Engine()] = true
			assert.Equal(t, trial, d.trial(trial.Engine()), d.ID)
		}
	}
	assert.GreaterOrEqual(t, patched, 12)
	assert.GreaterOrEqual(t, twice, 20)
}

func TestPatchesApply(t *testing.T) {
	for _, d := range Catalogue() {
		if !d.hasPatch() {
			assert.False(t, slices.ContainsFunc(d.Trials, needsPatch), "%s has no patch", d.ID)
			continue
		}
		p, err := d.patch()
		require.NoError(t, err)
		files, err := p.Apply(d.ID, moduleRoot)
		require.NoError(t, err)
		for path, text := range files {
			_, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
			assert.NoError(t, err, d.ID)
		}
	}
}

// needsPatch says whether a trial builds patched code.
func needsPatch(trial Trial) bool {
	switch t := trial.(type) {
	case Unseen:
		return needsPatch(t.Trial)
	case Validation:
		return t.patched()
	case Cores:
		return t.Control == ""
	case Simulator:
		return t.patched()
	case Linearizability:
		return t.patched()
	case Properties:
		return true
	}
	return false
}

func TestEveryPatchIsADefects(t *testing.T) {
	names, err := fs.Glob(patches, "patches/*.patch")
	require.NoError(t, err)
	for _, name := range names {
		id := strings.TrimSuffix(strings.TrimPrefix(name, "patches/"), ".patch")
		at := slices.Index(IDs(), id)
		require.GreaterOrEqual(t, at, 0, "%s is no defect's", name)
		assert.True(t, slices.ContainsFunc(catalogue[at].Trials, needsPatch), "no trial uses %s", name)
	}
}

func TestWorldsExist(t *testing.T) {
	for _, d := range Catalogue() {
		cores, ok := d.trial(EngineCores).(Cores)
		if !ok {
			continue
		}
		for _, name := range []string{cores.World, cores.Control} {
			assert.True(t, name == "" || slices.ContainsFunc(exhaustive.Worlds(), func(w exhaustive.World) bool { return w.Name == name }), "%s: world %q", d.ID, name)
		}
	}
}

func TestPatchesThatCannotBeUsed(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"no prose":        {"--- a.go\n@@\n-x\n", "no prose"},
		"no file":         {"prose\n", "no file"},
		"no hunk":         {"prose\n--- defect/defect.go\n", "has no hunk"},
		"not in a hunk":   {"prose\n--- a.go\n-x\n", "line 3: expected @@"},
		"strange line":    {"prose\n--- a.go\n@@\nx\n", "line 4: expected a line"},
		"changes nothing": {"prose\n--- a.go\n@@\n x\n", "changes nothing"},
		"outside":         {"prose\n--- ../a.go\n@@\n-x\n", "not one of the module's"},
	} {
		_, err := ParsePatch("p", tc.text)
		var bad *PatchError
		require.ErrorAs(t, err, &bad, name)
		assert.ErrorContains(t, err, tc.want, name)
	}
}

func TestPatchThatNoLongerApplies(t *testing.T) {
	for hunk, want := range map[string]string{
		"-these lines stand nowhere":             "hunk 1 stand in the file 0 times",
		"-// Defect is one mistake made on":      "hunk 1 stand in the file 0 times", // a part of a line
		"-package defect\n@@\n-package defect\n": "hunk 2 stand in the file 0 times",
	} {
		p, err := ParsePatch("p", "prose\n--- defect/defect.go\n@@\n"+hunk+"\n")
		require.NoError(t, err)
		_, err = p.Apply("p", moduleRoot)
		var bad *PatchError
		require.ErrorAs(t, err, &bad)
		assert.ErrorContains(t, err, want)
	}
	p, err := ParsePatch("p", "prose\n--- defect/no_such.go\n@@\n-x\n")
	require.NoError(t, err)
	_, err = p.Apply("p", moduleRoot)
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// TestEverySwitchHasATrial: what a specification can show, the matrix shows.
func TestEverySwitchHasATrial(t *testing.T) {
	tried := make(map[string]bool)
	for _, d := range Catalogue() {
		for _, trial := range d.Trials {
			if s, ok := trial.(Specification); ok {
				for _, name := range slices.Concat(s.With, s.Switches) {
					tried[name] = true
				}
				if setWords(s.Constants) == "ServerMode=hang" {
					tried["mute-server"] = true
				}
			}
		}
	}
	for _, spec := range model.Specs() {
		for _, s := range spec.Switches {
			assert.True(t, tried[s.Name], "%s has the switch %s, and no defect tries it", spec.Name, s.Name)
		}
	}
}

// TestFindsWithoutABuild: the trials that run in this process, each beside its control.
func TestFindsWithoutABuild(t *testing.T) {
	var told []Cell
	cells, err := Run(context.Background(), Request{Defects: []string{"mute-server", "timeout-mismatch"}, Each: func(c Cell) { told = append(told, c) }})
	require.NoError(t, err)
	assert.Equal(t, cells, told)
	require.Len(t, cells, 5)
	assert.Empty(t, Wrong(cells))
	for i := range cells {
		assert.True(t, cells[i].Good(), cells[i].Engine)
		assert.Contains(t, cells[i].Expected, cells[i].Property)
		assert.NotZero(t, cells[i].Count)
		assert.Contains(t, cells[i].Command, "simulate ")
	}
}

// TestControlThatFinds: what is found without the defect as well proves nothing.
func TestControlThatFinds(t *testing.T) {
	lab := newLaboratory()
	d := &Defect{ID: "x", Properties: []string{"reconnect-converges"}}
	cell, err := chosen{d, Cores{World: "hasty-hang", Control: "hasty-close"}}.make(context.Background(), lab)
	require.NoError(t, err)
	assert.True(t, cell.Found)
	assert.False(t, cell.Good())
	assert.Len(t, Wrong([]Cell{cell}), 1)
	cell, err = chosen{d, Cores{World: "crash", Control: "crash"}}.make(context.Background(), lab)
	require.NoError(t, err)
	assert.Contains(t, Wrong([]Cell{cell})[0], "was not found by engine cores")
}

func TestUnknownWords(t *testing.T) {
	var usage *UsageError
	_, err := Run(context.Background(), Request{Defects: []string{"stale-flag"}})
	require.ErrorAs(t, err, &usage)
	assert.Equal(t, "stale-flag", usage.Word)
	_, err = Run(context.Background(), Request{Engines: []string{"oracle"}})
	require.ErrorAs(t, err, &usage)
	assert.Equal(t, EngineNames(), usage.Valid)
	_, err = Explore(context.Background(), "no-world", []string{"bounded"})
	require.ErrorAs(t, err, &usage)
	_, err = Explore(context.Background(), "crash", []string{"no-property"})
	assert.ErrorContains(t, err, "none of the properties")
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cells, err := Run(ctx, Request{Defects: []string{"mute-server"}, Each: func(Cell) { cancel() }})
	require.NoError(t, err)
	assert.Len(t, cells, 1)
}

// TestNoSource: outside the module's source there is nothing to build, which is said.
func TestNoSource(t *testing.T) {
	t.Chdir(t.TempDir())
	cells, err := Run(context.Background(), Request{Defects: []string{"downgrade", "mute-server"}})
	require.ErrorIs(t, err, ErrNoSource)
	assert.Len(t, cells, 4, "what needs no build was made")
}
