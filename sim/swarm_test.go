// The swarm: every seed holds, a campaign meets every situation, and a seed is what its
// streams say.

package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim/world"
)

// swarmSeeds is what a commit waits for. .ci/nightly runs as many as docs/faults.md counts.
var swarmSeeds = flag.Int("swarm-seeds", 100, "seeds of the scenario swarm that TestSwarmHolds runs")

const (
	faultsPage  = "../docs/faults.md"
	pageSeeds   = 1000
	countsBegin = "<!-- counts: go test ./sim -run TestSwarmHolds -swarm-seeds 1000 -update-faults -->\n"
	countsEnd   = "<!-- counts end -->\n"
)

var updateFaults = flag.Bool("update-faults", false, "write the generated parts of docs/faults.md")

func TestSwarmHolds(t *testing.T) {
	c := coverage{faults: make(map[string]covered), met: make(map[string]covered)}
	heldOverSeeds(t, ScenarioSwarm, uint64(*swarmSeeds), c.add)
	require.Empty(t, Unmet(c.runs, func(m Met) bool { return c.met[m.String()].runs > 0 }), "situations that %d seeds should have met", *swarmSeeds)
	if *swarmSeeds == pageSeeds {
		comparePage(t, countsBegin, countsEnd, countsTable(&c))
	}
}

// comparePage holds a part of docs/faults.md against what is generated, or writes it.
func comparePage(t *testing.T, begin, end, want string) {
	t.Helper()
	comparePart(t, faultsPage, begin, end, want, *updateFaults)
}

// comparePart holds the part of a page between two marks against what is generated, or
// writes it.
func comparePart(t *testing.T, file, begin, end, want string, write bool) {
	t.Helper()
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(page), begin)
	require.True(t, found, "%s has no %s", file, begin)
	have, after, found := strings.Cut(rest, end)
	require.True(t, found, "%s has no %s", file, end)
	if write {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, have, "write it anew as %s says", file)
}

// coverage adds runs up: what each kind of fault did in them, and what they met.
type coverage struct {
	runs   uint64
	faults map[string]covered // by word
	met    map[string]covered // by name
}

// covered is in how many runs, and how often in all of them.
type covered struct{ runs, times int }

func (c *coverage) add(r *Result) {
	c.runs++
	for _, of := range []struct {
		sums map[string]covered
		more []Count
	}{{c.faults, r.Faults}, {c.met, r.Met}} {
		for _, n := range of.more {
			of.sums[n.Name] = covered{of.sums[n.Name].runs + 1, of.sums[n.Name].times + n.Count}
		}
	}
}

func countsTable(c *coverage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| fault | seeds of %d that it befell | times |\n|---|---:|---:|\n", c.runs)
	for _, k := range FaultKinds() {
		n := c.faults[k.String()]
		fmt.Fprintf(&b, "| %v | %d | %d |\n", k, n.runs, n.times)
	}
	fmt.Fprintf(&b, "\n| situation | what happened | due within | seeds of %d that met it | times |\n|---|---|---:|---:|---:|\n", c.runs)
	for _, m := range Situations() {
		n := c.met[m.String()]
		fmt.Fprintf(&b, "| %v | %s | %d | %d | %d |\n", m, m.Says(), m.Within(), n.runs, n.times)
	}
	return b.String()
}

const (
	kindsBegin = "<!-- kinds: go test ./sim -run TestFaultsPage -update-faults -->\n"
	kindsEnd   = "<!-- kinds end -->\n"
)

func TestFaultsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("| fault | befalls | what it does | fields beside at, node and down | exists in, of 1,000 seeds | at most, each node and second | for |\n|---|---|---|---|---:|---:|---|\n")
	for _, k := range FaultKinds() {
		info, rule := k.Info(), swarmRules[k]
		fmt.Fprintf(&b, "| %v | %s | %s | %s | %s | %d ‰ | %s |\n", k, befalls(info), info.Does, fieldsOf(info), exists(info, rule), rule.most, span(rule.least, rule.longer))
	}
	comparePage(t, kindsBegin, kindsEnd, b.String())
}

func befalls(info FaultInfo) string {
	var who []string
	for _, r := range []struct {
		role uint8
		name string
	}{{roleMeta, "metas"}, {roleReplica, "replicas"}, {roleClient, "clients"}, {roleKDC, "the KDC"}} {
		if info.roles&r.role != 0 {
			who = append(who, r.name)
		}
	}
	return strings.Join(who, ", ")
}

func fieldsOf(info FaultInfo) string {
	var list []string
	if info.Peer {
		list = append(list, "`peer`: the other end; without, everybody whom the node speaks to")
	}
	if info.Partition {
		list = append(list, "`partition`: which one")
	}
	if info.By != "" {
		list = append(list, "`by`: "+info.By)
	}
	if info.Rate {
		list = append(list, "`rate`: ns that are gained each second")
	}
	return strings.Join(list, "; ")
}

func exists(info FaultInfo, rule swarmRule) string {
	if info.Kerberos {
		return fmt.Sprintf("%d of those with Kerberos", rule.exists)
	}
	return fmt.Sprint(rule.exists)
}

// Every kind has a rule, an action and words, and no rule goes beyond what a scenario takes.
func TestEveryFaultKindIsWhole(t *testing.T) {
	for _, k := range FaultKinds() {
		info, rule := k.Info(), swarmRules[k]
		require.NotEmpty(t, info.Word)
		require.NotEmpty(t, info.Does, info.Word)
		require.NotZero(t, info.roles, info.Word)
		require.Positive(t, rule.most, info.Word)
		require.Less(t, rule.least, rule.longer, info.Word)
		require.Equal(t, info.By != "", rule.by != nil, info.Word)
		require.Equal(t, info.Rate, rule.rate != nil, info.Word)
		require.Equal(t, k.takesDown(), faultActions[k].begin == nil, info.Word)
		require.Equal(t, k.takesDown(), faultActions[k].end == nil, info.Word)
	}
	for _, m := range Situations() {
		require.NotEmpty(t, m.String())
		require.NotEmpty(t, m.Says())
		require.Positive(t, m.Within())
	}
}

// What a kind does comes from its own streams: the others' faults are the same without it.
func TestSwarmKindsDoNotShiftEachOther(t *testing.T) {
	const seed = 5
	whole := swarm(seed)
	for _, d := range whole.Drawn {
		alone := whole
		alone.Faults = nil
		alone.drawFaults(&d, between(world.Stream(seed, "swarm/phase"), 4*time.Second, 20*time.Second))
		var of []Fault
		for _, f := range whole.Faults {
			if f.Kind == d.Kind {
				of = append(of, f)
			}
		}
		require.ElementsMatch(t, of, alone.Faults, "%v", d.Kind)
	}
}

func TestSwarmScenariosRoundTrip(t *testing.T) {
	for seed := range uint64(200) {
		s := swarm(seed)
		require.NoError(t, s.Validate(), "seed %d", seed)
		var b bytes.Buffer
		require.NoError(t, WriteScenario(&b, &s))
		again, err := ReadScenario(&b)
		require.NoError(t, err)
		require.Equal(t, s, again)
	}
}

// Whatever authentication is asked for, the scenario is one that can be run.
func TestSetAuthTakesWhatNeedsKerberosAway(t *testing.T) {
	for seed := range uint64(100) {
		for _, auth := range SeedAuthNames {
			for _, name := range ScenarioNames {
				s, err := Generate(name, seed)
				require.NoError(t, err)
				was := s.Auth
				s.SetAuth(auth)
				require.NoError(t, s.Validate(), "%s with %s, seed %d", name, auth, seed)
				if auth == AuthDrawn {
					require.Equal(t, was, s.Auth)
				} else {
					require.Equal(t, auth, s.Auth)
				}
			}
		}
	}
}
