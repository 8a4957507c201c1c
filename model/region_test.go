// The safe region: what the checker finds is what the rule says, and what
// docs/timeouts.md shows.

package model_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/timeouts"
)

var (
	update    = flag.Bool("update", false, "write the generated part of docs/timeouts.md")
	deadlines = flag.Int("deadlines", 9, "the rule is held against every pair of deadlines up to so many seconds")
)

// rule is the conclusion of docs/timeouts.md: a negotiation of R rounds of D seconds
// succeeds if every deadline is later, and by luck if one comes at the same instant.
func rule(c timeouts.Constants) model.Progress {
	against := func(deadline, needs int) model.Progress {
		switch {
		case deadline > needs:
			return model.ProgressAlways
		case deadline == needs:
			return model.ProgressByLuck
		}
		return model.ProgressNever
	}
	client := against(c.TNeg, c.R*c.D)
	if c.PerMessage {
		client = against(c.TNeg, c.D)
	}
	if c.TSrv == 0 {
		return client
	}
	return min(client, against(c.TSrv, c.R*c.D))
}

// Every pair of deadlines up to a bound, for negotiations of which some last longer than that.
func TestSafeRegionIsTheRule(t *testing.T) {
	servers := []int{0}
	for d := 1; d <= *deadlines; d++ {
		servers = append(servers, d)
	}
	clients := servers[1:]
	seen := map[model.Progress]int{}
	for _, mode := range []timeouts.ServerMode{timeouts.ServerReference, timeouts.ServerFin, timeouts.ServerHang} {
		for _, perMessage := range []bool{false, true} {
			for _, negotiation := range [][2]int{{1, 4}, {2, 3}, {3, 1}, {0, 4}, {9, 7}} {
				base := timeouts.Default()
				base.ServerMode, base.PerMessage, base.D, base.R = mode, perMessage, negotiation[0], negotiation[1]
				region, err := model.SafeRegion(t.Context(), base, clients, servers)
				require.NoError(t, err)
				for i, client := range clients {
					for j, server := range servers {
						c := base
						c.TNeg, c.TSrv = client, server
						progress := region.Cells[i][j]
						seen[progress]++
						if rule(c) != progress { // of as many cells as there may be, only those that are wrong
							assert.Fail(t, "the checker does not find what the rule says", "%s, the rule: %s: %+v", progress, rule(c), c)
						}
					}
				}
			}
		}
	}
	assert.Len(t, seen, 3, "each degree of progress is somewhere in the region")
	t.Logf("%d pairs in which the query is always answered, %d in which by luck, %d never",
		seen[model.ProgressAlways], seen[model.ProgressByLuck], seen[model.ProgressNever])
}

// With a stale flag against a server that punishes it no deadline helps.
func TestNoDeadlineCuresAStaleFlag(t *testing.T) {
	for _, mode := range []timeouts.ServerMode{timeouts.ServerFin, timeouts.ServerHang} {
		base := timeouts.Incident()
		base.ServerMode = mode
		region, err := model.SafeRegion(t.Context(), base, []int{1, 5, 10, 60}, []int{0, 5, 10, 60})
		require.NoError(t, err)
		for _, row := range region.Cells {
			for _, progress := range row {
				assert.Equal(t, model.ProgressNever, progress, mode)
			}
		}
	}
}

// A query that waits for a negotiation runs into its own timer. The first that fires when
// the reset window has passed closes the session: a third deadline, for one answer. An
// answer within the window is always in time; how much later is still in time depends on
// where in the window the query's timer fires.
func TestResetWindowIsADeadlineToo(t *testing.T) {
	base := timeouts.Plain()
	require.Equal(t, 10, base.Win)
	progress := func(tq, d, rounds int) model.Progress {
		c := base
		c.TQ, c.D, c.R = tq, d, rounds
		region, err := model.SafeRegion(t.Context(), c, []int{100}, []int{0})
		require.NoError(t, err)
		return region.Cells[0][0]
	}
	for tq := 1; tq <= 12; tq++ {
		for d := range base.Win {
			assert.Equal(t, model.ProgressAlways, progress(tq, d, 4), "TQ=%d D=%d", tq, d)
		}
	}
	for _, want := range []struct {
		d, rounds int
		progress  model.Progress
	}{
		{14, 1, model.ProgressAlways}, {15, 1, model.ProgressByLuck}, {16, 1, model.ProgressNever},
		{10, 4, model.ProgressByLuck}, {12, 4, model.ProgressNever},
	} {
		assert.Equal(t, want.progress, progress(5, want.d, want.rounds), "D=%d R=%d", want.d, want.rounds)
	}
}

func TestSafeRegionRefusesWhatCannotBe(t *testing.T) {
	var usage *model.UsageError
	_, err := model.SafeRegion(t.Context(), timeouts.Default(), []int{-1}, []int{0})
	require.ErrorAs(t, err, &usage)
	assert.Equal(t, "value of constant TNeg", usage.What)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = model.SafeRegion(ended, timeouts.Default(), []int{5}, []int{15})
	require.ErrorIs(t, err, context.Canceled)
}

// safeRegions writes the tables of docs/timeouts.md.
func safeRegions(t *testing.T) string {
	t.Helper()
	clients, servers := []int{3, 4, 5, 8, 9, 10, 15}, []int{0, 3, 4, 5, 8, 9, 10, 15}
	var b strings.Builder
	for _, table := range []struct {
		about      string
		d          int
		perMessage bool
	}{
		{"one deadline for the whole negotiation", 1, false},
		{"one deadline for the whole negotiation", 2, false},
		{"a client whose deadline begins anew with every message", 2, true},
	} {
		base := timeouts.Default()
		base.D, base.PerMessage = table.d, table.perMessage
		region, err := model.SafeRegion(t.Context(), base, clients, servers)
		require.NoError(t, err)
		fmt.Fprintf(&b, "\n%d rounds of %d s, %s:\n\n%s", base.R, base.D, table.about, region.Markdown())
	}
	return b.String() + "\n"
}

func TestTimeoutsPageShowsTheSafeRegion(t *testing.T) {
	const begin, end = "<!-- generated: go test ./model -run TimeoutsPage -update -->\n", "<!-- end of the generated part -->"
	path := filepath.Join("..", "docs", "timeouts.md")
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(page), begin)
	require.True(t, found, "the mark of the generated part")
	shown, after, found := strings.Cut(rest, end)
	require.True(t, found, "the mark of the generated part's end")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+begin+safeRegions(t)+end+after), 0o644))
		return
	}
	assert.Equal(t, safeRegions(t), shown, "go test ./model -run TimeoutsPage -update writes it")
}
