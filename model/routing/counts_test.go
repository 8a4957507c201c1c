// Numbers of distinct states and verdicts, as TLC finds them too.

package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/a8011091/pegasus-reference/model/routing"
)

// TestCounts pins the numbers for changes of the small bounds: Metas=3 Known=3 Nodes=2
// Parts=1 NReq=1 Moves=1 Elections=1 Splits=1 Crashes=0 Earlies=1 Odd=TRUE Learn=FALSE
// Cyclic=TRUE Defects={}. docs/spec/tla/check compares these, and more, with TLC 2.15.
func TestCounts(t *testing.T) {
	for _, want := range []struct {
		changes  string
		distinct uint64
		violated string
	}{
		{"", 39_442, ""},
		{"Earlies=0 Odd=false", 9_065, ""},
		{"Elections=0", 3_974, ""},
		{"Splits=0", 12_450, ""},
		{"Earlies=0 Odd=false Known=1 Metas=2", 285, ""},
		{"Earlies=0 Odd=false Splits=0 Crashes=1", 38_904, ""},
		{"Moves=0 Splits=0 Metas=2 Known=2 Crashes=2 Earlies=0 Odd=false", 3_753, ""},
		{"Earlies=0 Odd=false Defects=forward-ping-pong", 9_757, "bounded leader-found requests-drain"},
		{"Earlies=0 Odd=false Splits=0 Defects=retry-to-stale-primary", 2_421, "leader-found requests-drain"},
		{"Earlies=0 Odd=false Splits=0 Defects=older-ballot-accepted", 3_686, "ballot-monotonic"},
		{"Moves=0 Elections=0 Splits=0 Defects=lost-callback-on-unknown-error", 87, "leader-found requests-drain"},
	} {
		r := explore(t, assign(t, routing.Small(), want.changes))
		assert.Equal(t, want.distinct, r.Distinct, want.changes)
		assert.Equal(t, want.violated, violated(r), want.changes)
	}
}
