// Queries, redirects, ballots and where requests go: the reference's traces conform, and
// each way to go wrong is refused by its clause.

package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

const (
	queryRPC = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
	getRPC   = "RPC_RRDB_RRDB_GET"
)

func metaAddr(n int) string    { return fmt.Sprintf("10.0.1.%d:34601", n) }
func replicaAddr(n int) string { return fmt.Sprintf("10.0.2.%d:34801", n) }

// tour is a client's trace with three metas (connections 1 to 3) and two replicas (4, 5),
// every connection up.
type tour struct {
	talk
	seq int32
}

func newTour(leader int) *tour {
	k := &tour{}
	for n := 1; n <= 3; n++ {
		node := fmt.Sprintf("meta-%d", n)
		k.add(node, trace.KindListen, trace.Event{Addr: metaAddr(n)})
		if leader != 0 {
			k.add(node, trace.KindLeader, trace.Event{Peer: metaAddr(leader)})
		}
	}
	for conn := uint64(1); conn <= 5; conn++ {
		peer := metaAddr(int(conn))
		if conn > 3 {
			peer = replicaAddr(int(conn) - 3)
		}
		k.add("client", trace.KindDial, trace.Event{Conn: conn, Peer: peer})
		k.add("client", trace.KindSession, trace.Event{Conn: conn, Peer: peer, State: "ready"})
	}
	return k
}

// asks has the client ask meta n.
func (k *tour) asks(n uint64) *tour {
	k.seq++
	k.add("client", trace.KindFrameOut, trace.Event{Conn: n, RPC: queryRPC, Seq: k.seq, Table: "temp", WithinNS: 1_000_000_000})
	return k
}

// reads has the client read the answer to its last query.
func (k *tour) reads(n uint64, answer string) *tour {
	k.add("client", trace.KindFrameIn, trace.Event{Conn: n, RPC: queryRPC + ackSuffix, Seq: k.seq, Code: codeOK, Answer: answer})
	return k
}

// gets has the client read from replica n and partition p.
func (k *tour) gets(n uint64, p int32, code string) *tour {
	k.seq++
	k.add("client", trace.KindFrameOut, trace.Event{Conn: 3 + n, RPC: getRPC, Seq: k.seq, App: 2, Partition: p, WithinNS: 1_000_000_000})
	k.add("client", trace.KindFrameIn, trace.Event{Conn: 3 + n, RPC: getRPC + ackSuffix, Seq: k.seq, Code: code})
	return k
}

// reconnects has the client's connection to meta n end, and another come up.
func (k *tour) reconnects(n int, conn uint64) *tour {
	k.add("client", trace.KindClosed, trace.Event{Conn: uint64(n), Peer: metaAddr(n)})
	k.add("client", trace.KindDial, trace.Event{Conn: conn, Peer: metaAddr(n)})
	k.add("client", trace.KindSession, trace.Event{Conn: conn, Peer: metaAddr(n), State: stateReady})
	return k
}

func (k *tour) knows(answer string) *tour {
	k.add("client", trace.KindTable, trace.Event{Table: "temp", Answer: answer})
	return k
}

func (k *tour) leads(n, leader int) *tour {
	ev := trace.Event{}
	if leader != 0 {
		ev.Peer = metaAddr(leader)
	}
	k.add(fmt.Sprintf("meta-%d", n), trace.KindLeader, ev)
	return k
}

func tableOf(configs ...string) string { return "ERR_OK 2 2 " + strings.Join(configs, " ") }
func redirectTo(n int) string          { return "ERR_FORWARD_TO_OTHERS " + metaAddr(n) }

var (
	first   = tableOf("0:1@"+replicaAddr(1), "1:1@"+replicaAddr(2))
	moved   = tableOf("0:2@"+replicaAddr(2), "1:1@"+replicaAddr(2))
	noTable = "ERR_FORWARD_TO_OTHERS -"
)

func TestToursAreJudged(t *testing.T) {
	for _, c := range []struct {
		name, clause string
		tour         *tour
	}{
		{"the leader is asked", "", newTour(1).asks(1).reads(1, first).knows(first).gets(1, 0, codeOK).gets(2, 1, codeOK)},
		{"a redirect is followed", "", newTour(2).asks(1).reads(1, redirectTo(2)).asks(2).reads(2, first).knows(first)},
		{"a redirect is not followed", "R14", newTour(2).asks(2).reads(2, first).asks(1).reads(1, redirectTo(2)).asks(3)},
		{"nobody leads", "", newTour(1).leads(1, 0).leads(2, 0).asks(1).reads(1, noTable).asks(2).reads(2, noTable)},
		{"the same meta again in one round", "R11", newTour(1).asks(1).reads(1, first).leads(1, 0).asks(1).reads(1, noTable).asks(1)},
		{"the same meta again in one round, on a new connection", "", newTour(1).asks(1).reads(1, first).leads(1, 0).asks(1).reads(1, noTable).
			reconnects(1, 6).asks(6).reads(6, noTable).asks(2)},
		{"the same meta twice on the new connection", "R11", newTour(1).asks(1).reads(1, first).leads(1, 0).asks(1).reads(1, noTable).
			reconnects(1, 6).asks(6).reads(6, noTable).asks(6)},
		{"two queries at once", "R11", newTour(1).asks(1).asks(2)},
		{"another meta after a round", "", newTour(1).leads(1, 0).leads(2, 0).leads(3, 0).
			asks(1).reads(1, noTable).asks(2).reads(2, noTable).asks(3).reads(3, noTable).asks(2)},
		{"a meta that follows answers with a table", "R20", newTour(2).asks(1).reads(1, first)},
		{"a redirect to another than the leader", "R20", newTour(2).asks(1).reads(1, redirectTo(3))},
		{"the leader redirects", "R20", newTour(1).asks(1).reads(1, redirectTo(2))},
		{"what was believed while it was asked", "", newTour(2).asks(1).leads(2, 3).leads(3, 3).leads(1, 3).reads(1, redirectTo(2))},
		{"what was believed before it was asked", "R20", newTour(2).leads(2, 3).leads(3, 3).leads(1, 3).asks(1).reads(1, redirectTo(2))},
		{"one ballot, two primaries", "R23", newTour(1).asks(1).reads(1, first).asks(1).reads(1, tableOf("0:1@"+replicaAddr(2)))},
		{"the leader answers with an older table", "R20", newTour(1).asks(1).reads(1, moved).asks(1).reads(1, first)},
		{"a partition moves", "", newTour(1).asks(1).reads(1, first).knows(first).gets(1, 0, codeOK).
			asks(1).reads(1, moved).knows(moved).gets(2, 0, codeOK)},
		{"a request to the old primary", "R2", newTour(1).asks(1).reads(1, first).asks(1).reads(1, moved).gets(1, 0, codeOK)},
		{"an older answer is accepted", "R13", newTour(0).asks(1).reads(1, moved).knows(moved).asks(2).reads(2, first).knows(first)},
		{"an older answer is used", "R2", newTour(0).asks(1).reads(1, moved).asks(2).reads(2, first).gets(1, 0, codeOK)},
		{"an older answer changes nothing", "", newTour(0).asks(1).reads(1, moved).asks(2).reads(2, first).knows(moved).gets(2, 0, codeOK)},
		{"a leader that steps down for one that does not lead", "", newTour(3).leads(3, 2).asks(2).reads(2, redirectTo(3))},
		{"a deposed leader answers with its table", "", newTour(1).asks(1).reads(1, first).leads(2, 2).asks(1).reads(1, first)},
		{"what no answer said", "R13", newTour(1).asks(1).reads(1, first).knows(moved)},
		{"a request to nobody's primary", "R2", newTour(1).asks(1).reads(1, first).gets(2, 0, codeOK)},
		{"a partition that no answer names", "R2", newTour(1).asks(1).reads(1, first).gets(2, 7, codeOK)},
		{"executed by a server that was deposed", "R22", func() *tour {
			k := newTour(0).asks(1).reads(1, first)
			// Another client learns that the partition has moved; this one does not.
			k.add("other", trace.KindDial, trace.Event{Conn: 9, Peer: metaAddr(1)})
			k.add("other", trace.KindFrameOut, trace.Event{Conn: 9, RPC: queryRPC, Seq: 1, Table: "temp"})
			k.add("other", trace.KindFrameIn, trace.Event{Conn: 9, RPC: queryRPC + ackSuffix, Seq: 1, Code: codeOK, Answer: moved})
			return k.gets(1, 0, codeOK)
		}()},
	} {
		v, err := New(Options{Spec: SpecRouting})
		require.NoError(t, err)
		for i := range c.tour.events {
			v.Emit(&c.tour.events[i])
		}
		result := v.Result()
		if c.clause == "" {
			assert.Nil(t, result.First, "%s: %s", c.name, result.Reason)
			continue
		}
		require.NotNil(t, result.First, c.name)
		assert.Equal(t, c.clause, result.First.Clause, "%s: %s", c.name, result.First.Why)
		if c.clause != "R22" && c.clause != "R23" {
			require.NotEmpty(t, result.First.States, c.name)
			assert.NotEmpty(t, result.First.States[0].Enabled, c.name)
		}
	}
}

// routed is a run of the reference with three metas, a leader that changes, and restarts.
func routed(t testing.TB) []trace.Event {
	t.Helper()
	s := sim.Default()
	s.Name, s.Seed, s.Clients, s.Metas, s.Replicas, s.Partitions, s.Leader, s.Watch = "routed", 7, 2, 3, 3, 4, 2, 700*time.Millisecond
	for client := range s.Clients {
		s.Workloads = append(s.Workloads, sim.Workload{
			Client: client + 1, EveryMin: 10 * time.Millisecond, EveryMax: 40 * time.Millisecond, Timeout: time.Second, Keys: 8,
		})
	}
	s.Faults = []sim.Fault{
		{At: 200 * time.Millisecond, Kind: sim.FaultLeaderChange, Node: "meta-3", Down: 20 * time.Millisecond},
		{At: 260 * time.Millisecond, Kind: sim.FaultRestart, Node: "replica-1", Down: 50 * time.Millisecond},
		{At: 900 * time.Millisecond, Kind: sim.FaultRestart, Node: "meta-3", Down: 80 * time.Millisecond},
	}
	return eventsOf(t, s)
}

// Every answer that a client reads, every request's partition, every table that it tells
// of: forged, it is refused, wherever in the trace it is.
func TestForgedRoutesAreRefused(t *testing.T) {
	events := routed(t)
	result := validateRouting(t, events)
	requireConforming(t, &result)
	kinds := map[string]int{}
	forge := func(i int, what string, change func(*trace.Event)) {
		changed := slices.Clone(events)
		change(&changed[i])
		kinds[what]++
		assert.Equal(t, NotConforming, validateRouting(t, changed).Verdict, "%s of event %d: %+v", what, i+1, events[i])
	}
	requests := 0
	for i := range events {
		ev := &events[i]
		client := strings.HasPrefix(ev.Node, "client")
		switch {
		case client && ev.Kind == trace.KindFrameIn && strings.HasPrefix(ev.Answer, codeOK):
			forge(i, "primary", func(ev *trace.Event) { ev.Answer = strings.Replace(ev.Answer, "0:1@10", "0:1@11", 1) })
			forge(i, "redirect instead", func(ev *trace.Event) { ev.Answer = noTable })
		case client && ev.Kind == trace.KindFrameIn && ev.Answer != "":
			forge(i, "redirect", func(ev *trace.Event) { ev.Answer = "ERR_FORWARD_TO_OTHERS 10.9.9.9:1" })
		case ev.Kind == trace.KindTable:
			forge(i, "table", func(ev *trace.Event) { ev.Answer = strings.Replace(ev.Answer, "0:1@", "0:2@", 1) })
		case client && ev.Kind == trace.KindFrameOut && ev.App != 0:
			if requests++; requests%20 == 1 {
				forge(i, "partition", func(ev *trace.Event) { ev.Partition = (ev.Partition + 1) % 3 }) // each of three has its own primary
				forge(i, "app", func(ev *trace.Event) { ev.App++ })
			}
		}
	}
	for _, what := range []string{"primary", "redirect instead", "redirect", "table", "partition", "app"} {
		assert.Positive(t, kinds[what], what)
	}
	t.Logf("%v", kinds)
}

// Every row has actions of the specification, and every clause is judged by a row.
func TestEveryClauseOfRoutingHasItsPlace(t *testing.T) {
	spec, err := os.ReadFile(filepath.Join("..", "docs", "spec.md"))
	require.NoError(t, err)
	x, err := newRouter()
	require.NoError(t, err)
	names := map[action]bool{}
	for step := range x.numbers {
		names[step.action] = true
	}
	placed := map[string]int{}
	for _, r := range routeRows {
		for _, a := range r.actions {
			assert.True(t, names[a], "%s: model/routing has no action %s", r.name, a)
		}
		for _, c := range r.clauses {
			placed[c]++
		}
	}
	for _, r := range lifeRows {
		placed[r.clause]++
	}
	placed["Q1"], placed["Q3"] = placed["R13"], 1 // lives.call
	clauses := regexp.MustCompile(`(?m)^ *- \*\*(R[0-9]+|Q[1-5])[ab]?\.\*\* `).FindAllStringSubmatch(string(spec), -1)
	require.Greater(t, len(clauses), 25)
	for _, m := range clauses {
		assert.Positive(t, placed[m[1]], "no row judges clause %s", m[1])
	}
}

// routesOf counts what is judged in a run of a scenario, and returns the first refusal.
func routesOf(t *testing.T, name string, seed uint64, client string) (judged int, first *Refusal) {
	t.Helper()
	s, err := sim.Generate(name, seed)
	require.NoError(t, err)
	s.Client = client
	events := eventsOf(t, s)
	routes, err := newTraffic(DefaultMaxStates)
	require.NoError(t, err)
	for i := range events {
		ok, f := routes.take(&events[i])
		if ok {
			judged++
		}
		if first == nil {
			first = f
		}
	}
	return judged, first
}

// Swarms in which metas come back within a round, queries wait for connections until their
// time is nearly over, and rounds go on unseen.
func TestUnseenQueriesAreExplained(t *testing.T) {
	for _, seed := range []uint64{101, 120, 219} {
		judged, first := routesOf(t, sim.ScenarioSwarm, seed, sim.ClientReference)
		require.Nil(t, first, "seed %d: %+v", seed, first)
		require.Greater(t, judged, 50)
	}
}

// Upstream's clients ask and route as specified; what they do not do is leave a lost write
// alone (TestUpstreamSendsLostWritesAgain).
func TestUpstreamRoutesAsSpecified(t *testing.T) {
	for _, client := range []string{sim.ClientUpstream250, sim.ClientUpstreamSnapshot} {
		for seed := uint64(1); seed <= 3; seed++ {
			judged, first := routesOf(t, sim.ScenarioFullRestart, seed, client)
			require.Nil(t, first, "%s, seed %d: %+v", client, seed, first)
			require.Greater(t, judged, 50)
		}
	}
}

// The limit of states holds for routing too.
func TestTooManyStatesOfATable(t *testing.T) {
	s, err := sim.Generate(sim.ScenarioFullRestart, 7)
	require.NoError(t, err)
	events := eventsOf(t, s)
	whole := validateRouting(t, events)
	requireConforming(t, &whole)
	require.Greater(t, whole.MostStates, 1)
	result, err := Validate(events, Options{Spec: SpecRouting, MaxStates: 1})
	require.NoError(t, err)
	require.Equal(t, Inconclusive, result.Verdict, result.Reason)
	require.Contains(t, result.Reason, "more than 1 states")
	result, err = Validate(events, Options{Spec: SpecRouting, MaxStates: whole.MostStates})
	require.NoError(t, err)
	requireConforming(t, &result)
}
