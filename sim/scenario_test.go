// Scenario files: read back as written, and refused with a sentence where they are wrong.

package sim

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScenarioTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		s.Client = rapid.SampledFrom(ClientNames).Draw(t, "client")
		s.Server = rapid.SampledFrom(ServerNames).Draw(t, "server")
		s.Auth = rapid.SampledFrom(RunAuthNames).Draw(t, "auth")
		s.EarlyRequest = rapid.SampledFrom(EarlyNames).Draw(t, "early")
		var b bytes.Buffer
		require.NoError(t, WriteScenario(&b, &s))
		again, err := ReadScenario(&b)
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

func TestScenarioRefusals(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", "empty"},
		{"not one", "hello\n", "not a scenario file"},
		{"other version", "simulate scenario 99\n", "replays version 1 only"},
		{"unknown setting", "simulate scenario 1\nclien reference\n", `unknown setting "clien" (did you mean "client"?)`},
		{"unknown client", "simulate scenario 1\nclient upstream-2.5\n", `unknown client "upstream-2.5" (did you mean "upstream-2.5.0"?)`},
		{"two values", "simulate scenario 1\nclient a b\n", "client takes one value"},
		{"seed", "simulate scenario 1\nseed minus\n", "decimal or 0x"},
		{"partitions", "simulate scenario 1\npartitions 6\n", "power of two"},
		{"too many", "simulate scenario 1\nclients 1000000\n", "clients is 1000000: it must be 1 to 64"},
		{"bool", "simulate scenario 1\nhp-fields maybe\n", "true or false"},
		{"duration", "simulate scenario 1\nwatch 3\n", "not a duration"},
		{"workload field", "simulate scenario 1\nworkload wat=1\n", `unknown field "wat=1"`},
		{"workload client", "simulate scenario 1\nworkload client=9 every=1s\n", "names client 9"},
		{"workload pause", "simulate scenario 1\nworkload client=1\n", "times must be positive"},
		{"op kind", "simulate scenario 1\nop at=1s client=1 incr partition=0\n", `unknown operation "incr"`},
		{"op without kind", "simulate scenario 1\nop at=1s\n", "an op says which"},
		{"op partition", "simulate scenario 1\nop at=1s get partition=99\n", "partition 99"},
		{"fault kind", "simulate scenario 1\nfault at=1s restrat node=meta-1 down=1s\n", `did you mean "restart"?`},
		{"fault without kind", "simulate scenario 1\nfault at=1s node=meta-1 down=1s\n", "a fault says which"},
		{"fault node", "simulate scenario 1\nfault at=1s restart node=meta-9 down=1s\n", `node "meta-9"`},
		{"fault down", "simulate scenario 1\nfault at=1s restart node=meta-1\n", "times must be positive"},
		{"long line", "simulate scenario 1\nname " + strings.Repeat("x", 5000) + "\n", "line 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadScenario(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestFullRestartAlwaysHasARequestInFlight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := Generate(ScenarioFullRestart, rapid.Uint64().Draw(t, "seed"))
		require.NoError(t, err)
		require.NoError(t, s.Validate())
		first := s.Faults[0]
		for _, f := range s.Faults {
			if strings.HasPrefix(f.Node, "replica-") && (f.At < first.At || strings.HasPrefix(first.Node, "meta-")) {
				first = f
			}
		}
		var near bool
		for _, o := range s.Ops {
			near = near || o.At == first.At-inFlightLead && replicaName(o.Partition%s.Replicas) == first.Node
		}
		require.True(t, near, "no operation just before %v of %s", first.At, first.Node)
	})
}

func FuzzReadScenario(f *testing.F) {
	for seed := range uint64(4) {
		s := fullRestart(seed)
		var b bytes.Buffer
		require.NoError(f, WriteScenario(&b, &s))
		f.Add(b.Bytes())
	}
	f.Add([]byte("simulate scenario 1\nfault at=1s restart node=meta-1 down=1s # a comment\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ReadScenario(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		require.NoError(t, WriteScenario(&b, &s))
		again, err := ReadScenario(&b)
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}
