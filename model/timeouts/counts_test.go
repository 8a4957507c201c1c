// Numbers of distinct states and verdicts, as TLC finds them too.

package timeouts_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/a8011091/pegasus-reference/model/timeouts"
)

const bothSignatures = "converges no-timeout no-reset no-timeout-at-10 no-reset-at-5 can-finish"

// TestCounts pins the numbers for two assignments and changes of these: the default,
// TNeg=5 PerMessage=FALSE TQ=5 Win=10 TSrv=15 D=1 R=4 SynDelay=1 Backoff=1 Away=0
// NegFirst=FALSE Client="conn" ServerMode="reference" Mandatory=TRUE Cap=30, and the
// incident, TNeg=10 PerMessage=TRUE TQ=5 Win=30 TSrv=0 D=0 R=4 SynDelay=0 Backoff=0 Away=5
// NegFirst=FALSE Client="session" ServerMode="hang" Mandatory=TRUE Cap=120. TLC 2.15 gives
// the same for docs/spec/tla/Timeouts.tla:
//
//	java -cp tla2tools.jar tlc2.TLC -deadlock -config Timeouts.cfg Timeouts.tla
//
// with SPECIFICATION Spec, CONSTANTS as above and INVARIANTS TypeOK; the verdicts with one
// of the INVARIANTS or PROPERTIES named there at a time. docs/spec/tla/check compares all
// of these, and more.
func TestCounts(t *testing.T) {
	defaults, incident := timeouts.Default(), timeouts.Incident()
	for _, want := range []struct {
		from     timeouts.Constants
		changes  string
		distinct uint64
		violated string
	}{
		{defaults, "", 15, ""},
		{defaults, "TSrv=3", 77, "converges done-by-cap no-reset only-reported-signatures can-finish"},
		{defaults, "TSrv=3 ServerMode=hang", 109, "converges done-by-cap no-timeout only-reported-signatures can-finish"},
		{defaults, "TSrv=4", 286, "converges done-by-cap no-reset only-reported-signatures"},
		{defaults, "Client=session ServerMode=fin Backoff=0 SynDelay=0", 4, "converges non-zeno no-reset no-reset-at-0 only-reported-signatures can-finish"},
		{defaults, "Client=session ServerMode=reference Backoff=0", 4, "converges non-zeno can-finish"},
		{defaults, "D=4 TNeg=16 Cap=0", 73, "converges no-reset only-reported-signatures can-finish"},
		{defaults, "D=40 TNeg=200 TSrv=0 Cap=0", 44, "converges no-reset only-reported-signatures can-finish"},
		{incident, "", 1_197, "converges done-by-cap no-timeout no-reset no-timeout-at-10 no-reset-at-5 can-finish"},
		{incident, "Cap=0", 83, bothSignatures},
		{incident, "Away=0 Cap=0", 93, bothSignatures},
		{incident, "NegFirst=true Cap=0", 64, bothSignatures},
		{incident, "Away=0 NegFirst=true Cap=0", 30, "converges no-timeout no-timeout-at-10 can-finish"},
		{incident, "TQ=1 Away=0 Win=7 Cap=0", 50, "converges no-reset only-reported-signatures can-finish"},
	} {
		r := explore(t, assign(t, want.from, want.changes))
		assert.Equal(t, want.distinct, r.Distinct, want.changes)
		assert.Equal(t, want.violated, violated(r), want.changes)
	}
}
