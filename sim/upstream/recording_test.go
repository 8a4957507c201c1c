package upstream_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/upstream/recording"
)

func readRecording(t testing.TB, name string) []recording.Event {
	f, err := os.Open(filepath.Join("testdata", name+".ndjson"))
	require.NoError(t, err)
	defer f.Close()
	events, err := recording.Read(f)
	require.NoError(t, err)
	return events
}

func TestCalib(t *testing.T) {
	for _, name := range []string{"snapshot-hang", "snapshot-hang-op5000", "snapshot-hang-two-metas-idle", "snapshot-early-request-session-reset"} {
		events := readRecording(t, name)
		in, err := recording.InputsOf(events)
		require.NoError(t, err)
		rec := recording.ReactionsOf(events)
		kinds := map[string]int{}
		shapes := map[recording.Shape]int{}
		never := map[string]int{}
		n := 100
		for seed := range uint64(n) {
			d := newDriver(t, seed, setup{inputs: in, release: upstream.ReleaseSnapshot, mode: upstream.ModeHang, auth: upstream.AuthMandatory, refuse: name[9:10] == "e"})
			r := recording.ReactionsOf(d.run(in.End))
			for _, k := range recording.Kinds(r.Signatures, recording.Measured()) {
				kinds[k.String()]++
			}
			for _, s := range r.Shapes {
				shapes[s]++
			}
			never[fmt.Sprint(r.Never)]++
		}
		fmt.Println(name)
		fmt.Println(" recorded", recording.Kinds(rec.Signatures, recording.Measured()), rec.Never)
		for k, v := range kinds {
			fmt.Println("   ", k, v)
		}
		for k, v := range shapes {
			fmt.Println("   ", v, k)
		}
		fmt.Println("   ", never)
	}
}
