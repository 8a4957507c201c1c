// Scenario files: read back as written, and refused with a sentence where they are wrong.

package sim

import (
	"bytes"
	"strings"
	"testing"
	"time"

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
		s.EarlyCode = rapid.SampledFrom([]string{"ERR_SESSION_RESET", "ERR_ACL_DENY", "ERR_TIMEOUT"}).Draw(t, "early code")
		drawAnyFaults(t, &s)
		var b bytes.Buffer
		require.NoError(t, WriteScenario(&b, &s))
		again, err := ReadScenario(&b)
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

// drawAnyFaults adds clocks and faults of every kind that the scenario's authentication has.
func drawAnyFaults(t *rapid.T, s *Scenario) {
	for _, node := range s.nodesOf(roleAny) {
		if rapid.Bool().Draw(t, "clock") {
			s.Clocks = append(s.Clocks, Clock{
				Node: node, Offset: time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "offset")), Drift: rapid.Int64Range(-maxDriftRate, maxDriftRate).Draw(t, "drift"),
			})
		}
	}
	for range rapid.IntRange(0, 5).Draw(t, "faults") {
		kind := rapid.SampledFrom(FaultKinds()).Draw(t, "kind")
		info := kind.Info()
		if info.Kerberos && s.Auth != AuthKerberos {
			continue
		}
		nodes := s.nodesOf(info.roles)
		f := Fault{
			At: time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "at")), Kind: kind,
			Node: rapid.SampledFrom(nodes).Draw(t, "node"), Down: time.Duration(rapid.Int64Range(1, 1e12).Draw(t, "down")),
		}
		if info.By != "" {
			f.By = time.Duration(rapid.Int64Range(1, 1e12).Draw(t, "by"))
		}
		if info.Rate {
			f.Rate = rapid.Int64Range(1, maxDriftRate).Draw(t, "rate")
		}
		if info.Partition {
			f.Partition = rapid.IntRange(0, s.Partitions-1).Draw(t, "partition")
		}
		s.Faults = append(s.Faults, f)
	}
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
		{"fault late", "simulate scenario 1\nfault at=25h restart node=meta-1 down=1s\n", "at most 24h0m0s"},
		{"fault long", "simulate scenario 1\nfault at=1s restart node=meta-1 down=25h\n", "at most 24h0m0s"},
		{"op late", "simulate scenario 1\nop at=25h get\n", "at most 24h0m0s and 1h"},
		{"op timeout", "simulate scenario 1\nop at=1s get timeout=2h\n", "at most 24h0m0s and 1h"},
		{"workload timeout", "simulate scenario 1\nworkload every=1s timeout=2h\n", "the timeout 1h"},
		{"fault by", "simulate scenario 1\nfault at=1s restart node=meta-1 by=1s down=1s\n", "by 1s, which means nothing for it"},
		{"fault without by", "simulate scenario 1\nfault at=1s clock-step node=meta-1 down=1s\n", "how far the clock is set on"},
		{"fault rate", "simulate scenario 1\nfault at=1s clock-drift node=meta-1 rate=999999999 down=1s\n", "ns per second either way"},
		{"fault rate of none", "simulate scenario 1\nfault at=1s restart node=meta-1 rate=1 down=1s\n", "rate 1, which means nothing"},
		{"fault partition", "simulate scenario 1\nfault at=1s move-primary node=replica-1 partition=8 down=1s\n", "names partition 8: there are 0 to 7"},
		{"fault partition of none", "simulate scenario 1\nfault at=1s restart node=meta-1 partition=1 down=1s\n", "partition 1, which means nothing"},
		{"fault move to a meta", "simulate scenario 1\nfault at=1s move-primary node=meta-1 down=1s\n", "it can befall replica-1"},
		{"fault of a client", "simulate scenario 1\nfault at=1s client-restart node=replica-1 down=1s\n", "it can befall client-1"},
		{"fault flows", "simulate scenario 1\nfault at=1s forget-flows node=replica-1 down=1s\n", "how long it remembers an idle one meanwhile"},
		{"fault without Kerberos", "simulate scenario 1\nfault at=1s kdc-outage node=kdc down=1s\n", "needs `auth kerberos`"},
		{"clock node", "simulate scenario 1\nclock node=kdc offset=1s\n", `a clock names node "kdc"`},
		{"clock drift", "simulate scenario 1\nclock node=meta-1 drift=1e9\n", "not a whole number"},
		{"clock twice", "simulate scenario 1\nclock node=meta-1 offset=1s\nclock node=meta-1 offset=2s\n", "is set twice"},
		{"clock twice alike", "simulate scenario 1\nclock node=meta-1 offset=1s\nclock node=meta-1 offset=1s\n", "is set twice"},
		{"setting twice", "simulate scenario 1\nseed 1\nclient reference\nseed 2\n", "line 4: seed is given twice"},
		{"field twice", "simulate scenario 1\nop at=1s get partition=0 at=2s\n", "at is given twice"},
		{"two operations", "simulate scenario 1\nop at=1s get put partition=0\n", "get and put are two"},
		{"two faults", "simulate scenario 1\nfault at=1s restart power-loss node=meta-1 down=1s\n", "restart and power-loss are two"},
		{"one port", "simulate scenario 1\nports 40000\n", `ports is "40000": it must be FIRST..LAST`},
		{"name that is a path", "simulate scenario 1\nname ../../../etc/x\n", `name is "../../../etc/x"`},
		{"name that is another path", "simulate scenario 1\nname ..\n", `name is ".."`},
		{"name with marks", "simulate scenario 1\nname <script>alert(1)</script>\n", `name is "<script>`},
		{"name like a flag", "simulate scenario 1\nname --out\n", "begin with a letter"},
		{"long name", "simulate scenario 1\nname " + strings.Repeat("x", 65) + "\n", "1 to 64"},
		{"endless operations", "simulate scenario 1\nwatch 24h\nworkload client=1 every=1ns\n", "operations, and 5000000 is the limit"},
		{"too long a duration", "simulate scenario 1\nwatch 9999999h\n", "not a duration"},
		{"no number", "simulate scenario 1\nwatch NaNs\n", "not a duration"},
		{"too large a number", "simulate scenario 1\nmetas 99999999999999999999\n", "not a whole number"},
		{"ticket life", "simulate scenario 1\nticket-life 1ms\n", "ticket-life is 1ms"},
		{"long line", "simulate scenario 1\nname " + strings.Repeat("x", 5000) + "\n", "line 2: it is longer than 4096 bytes"},
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
	s := kerberosRestart(2)
	var b bytes.Buffer
	require.NoError(f, WriteScenario(&b, &s))
	f.Add(b.Bytes())
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

// Editors put a mark at the beginning, and other ends of lines than ours.
func TestScenarioOfAnyEditor(t *testing.T) {
	plain, err := ReadScenario(strings.NewReader("simulate scenario 1\nseed 7\nop at=1s get partition=1\n"))
	require.NoError(t, err)
	other, err := ReadScenario(strings.NewReader("\ufeffsimulate scenario 1\r\nseed\t7\r\n\r\nop at=1s get partition=1"))
	require.NoError(t, err)
	require.Equal(t, plain, other)
}

// The longest line that docs/scenario.md allows can be read, and no longer one.
func TestScenarioLineBound(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", ""} {
		longest := "seed 7 #" + strings.Repeat("x", maxScenarioLine-len("seed 7 #"))
		s, err := ReadScenario(strings.NewReader("simulate scenario 1\n" + longest + end))
		require.NoError(t, err)
		require.Equal(t, uint64(7), s.Seed)
		_, err = ReadScenario(strings.NewReader("simulate scenario 1\n" + longest + "x" + end))
		require.ErrorContains(t, err, "line 2: it is longer than 4096 bytes")
	}
}

// What is beyond the largest size is not left out without a word: it might be all the faults.
func TestScenarioIsNotCutShort(t *testing.T) {
	line := "# " + strings.Repeat("x", 1000) + "\n"
	text := "simulate scenario 1\n" + strings.Repeat(line, maxScenarioBytes/len(line)+1) + "fault at=1s restart node=meta-1 down=1s\n"
	_, err := ReadScenario(strings.NewReader(text))
	require.ErrorContains(t, err, "larger than 67108864 bytes")
	var usage *UsageError
	require.ErrorAs(t, err, &usage)
}
