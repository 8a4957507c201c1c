package upstream_test

import (
	"fmt"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/upstream/recording"
	"testing"
)

func TestDbg(t *testing.T) {
	in, _ := recording.InputsOf(readRecording(t, "snapshot-hang"))
	d := newDriver(t, 1, setup{inputs: in, release: upstream.ReleaseSnapshot, mode: upstream.ModeHang, auth: upstream.AuthMandatory})
	for _, e := range d.run(in.End) {
		fmt.Printf("%.3f %s %s %s %d %s %s %s %s %s %.1f\n", e.Millis, e.Side, e.Ev, e.Node, e.Conn, e.RPC, e.Neg, e.Err, e.Why, e.Result, e.Took)
	}
}
