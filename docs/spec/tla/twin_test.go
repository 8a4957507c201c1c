//go:build tlc

// TLC and model/check side by side: the same distinct states, the same verdicts.

package tla_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/docs/spec/tla"
	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
)

// compared is one specification: which assignments are compared beside those of its switches,
// how many of them in a short run, and how others are drawn.
type compared struct {
	spec   string
	short  int
	listed []assignment
	draw   func(*rand.Rand) assignment
}

var all = []compared{
	{"session", 2, sessionListed, drawSession},
	{"timeouts", 3, timeoutsListed, drawTimeouts},
	{"routing", 2, routingListed, drawRouting},
}

func TestTwins(t *testing.T) {
	for _, c := range all {
		listed := c.listed
		if testing.Short() {
			listed = listed[:c.short]
		}
		for _, a := range append(slices.Clone(listed), ofSwitches(t, c.spec)...) {
			t.Run(c.spec+" "+a.String(), func(t *testing.T) {
				t.Parallel()
				compare(t, a.request(c.spec))
			})
		}
	}
}

// ofSwitches are the assignments of every switch, in the catalogue's order.
func ofSwitches(t *testing.T, name string) []assignment {
	t.Helper()
	var list []assignment
	for _, spec := range model.Specs() {
		if spec.Name == name {
			of := switched(t, spec)
			for _, s := range spec.Switches {
				list = append(list, of[s.Name]...)
			}
		}
	}
	return list
}

// TestTwinsAtRandom draws as many assignments for each specification as TLC_RANDOM says.
func TestTwinsAtRandom(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("TLC_RANDOM"))
	require.NoError(t, err, "TLC_RANDOM is the number of assignments to draw")
	seed := uint64(1)
	if given := os.Getenv("TLC_SEED"); given != "" {
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
	}
	for i, c := range all {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		for range count {
			request := drawSmall(t, c, random)
			t.Run(inOneLine(request), func(t *testing.T) {
				t.Parallel()
				compare(t, request)
			})
		}
	}
}

// drawSmall draws until an assignment is allowed and has few enough states.
func drawSmall(t *testing.T, c compared, random *rand.Rand) model.Request {
	t.Helper()
	for range 10_000 {
		request := c.draw(random).request(c.spec)
		request.MaxStates = most
		small, err := isSmall(model.Run(t.Context(), request))
		require.NoError(t, err, "%s", inOneLine(request))
		if small {
			request.MaxStates = 0
			return request
		}
	}
	require.Fail(t, "no assignment that is drawn is small")
	return model.Request{}
}

// isSmall says whether what was drawn is to be compared: its constants are allowed and all its
// states were seen. Any other error than that of constants is the checker's, and no reason to
// draw again.
func isSmall(report model.Report, err error) (bool, error) {
	var wrong *model.UsageError
	if errors.As(err, &wrong) {
		return false, nil
	}
	return err == nil && report.Complete, err
}

func TestDrawnOverAreConstantsOnly(t *testing.T) {
	small, err := isSmall(model.Report{Complete: true}, nil)
	require.NoError(t, err)
	assert.True(t, small)
	for _, drawnOver := range []struct {
		report model.Report
		err    error
	}{{}, {err: fmt.Errorf("switch: %w", &model.UsageError{What: "constant"})}} {
		small, err = isSmall(drawnOver.report, drawnOver.err)
		require.NoError(t, err)
		assert.False(t, small)
	}
	_, err = isSmall(model.Report{}, fmt.Errorf("%w: the cycle found is unfair", check.ErrModel))
	require.ErrorIs(t, err, check.ErrModel)
}

func inOneLine(request model.Request) string {
	words := make([]string, 0, len(request.Set)+1)
	words = append(words, request.Spec)
	for _, s := range request.Set {
		words = append(words, s.Name+"="+s.Value)
	}
	return strings.Join(words, " ")
}

// compare runs both on one assignment.
func compare(t *testing.T, request model.Request) {
	tool, err := tla.Find()
	require.NoError(t, err)
	report, err := model.Run(t.Context(), request)
	require.NoError(t, err)
	require.True(t, report.Complete)
	found, err := tool.Check(t.Context(), request.Spec, report.Constants, report.Judged)
	require.NoError(t, err)
	assert.Empty(t, tla.Differences(&report, found), "%v", report.Constants)
	assert.Len(t, found.Violations, len(report.Violations))
}

// TestWrongFairness has TLC say what the table of docs/fairness.md says; in a short run one
// cell.
func TestWrongFairness(t *testing.T) {
	tool, err := tla.Find()
	require.NoError(t, err)
	liveness := []string{"reconnect-converges", "requests-drain"}
	cells := []struct {
		formula string
		changes string
		fail    bool
	}{
		{"SpecWFNext", "", true},
		{"SpecNoFair", "", true},
		{"SpecNoTimers", "", false},
		{"SpecNoTimers", "Losses=1 NPorts=2", true},
		{"SpecMerged", "", false},
		{"SpecMerged", "Losses=1 NPorts=2", false},
		{"SpecMerged", "Client=session ServerMode=hang", true},
	}
	if testing.Short() {
		cells = cells[:1]
	}
	for _, cell := range cells {
		t.Run(cell.formula+" "+cell.changes, func(t *testing.T) {
			t.Parallel()
			request := assignment{config: "plain", changes: "R=2 Crashes=1 " + cell.changes}.request("session")
			report, err := model.Run(t.Context(), request)
			require.NoError(t, err)
			other := tool
			other.Formula = cell.formula
			found, err := other.Check(t.Context(), "session", report.Constants, liveness)
			require.NoError(t, err)
			if cell.fail {
				assert.Equal(t, liveness, found.Violations)
			} else {
				assert.Empty(t, found.Violations)
			}
		})
	}
}
