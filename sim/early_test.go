// What each of upstream's clients makes of each thing that a server can do with an
// early request, after a full restart: docs/early-requests.md is written from this.

package sim

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

const (
	earlyPage  = "../docs/early-requests.md"
	earlyBegin = "<!-- tables: go test ./sim -run TestEarlyRequestsPage -update-early -->\n"
	earlyEnd   = "<!-- tables end -->"
	earlySeeds = 5
)

var updateEarly = flag.Bool("update-early", false, "write the generated part of docs/early-requests.md")

// earlyAnswer is one thing a server can do with an early request.
type earlyAnswer struct {
	policy, code string
	retryable    bool // for the client's operations, of a refusal
}

func (a earlyAnswer) words() string {
	if a.policy != EarlyRefuse {
		return a.policy
	}
	return "refuse: " + a.code
}

// earlyAnswers are all policies; of the errors, every one that the clients have a rule for,
// and some that they hand to the application.
var earlyAnswers = []earlyAnswer{
	{policy: EarlyClose}, {policy: EarlyHang}, {policy: EarlyDrop}, {policy: EarlyHold},
	{EarlyRefuse, "ERR_SESSION_RESET", true},
	{EarlyRefuse, "ERR_TIMEOUT", true},
	{EarlyRefuse, "ERR_INVALID_STATE", true},
	{EarlyRefuse, "ERR_OBJECT_NOT_FOUND", true},
	{EarlyRefuse, "ERR_PARENT_PARTITION_MISUSED", true},
	{EarlyRefuse, "ERR_NOT_ENOUGH_MEMBER", true},
	{EarlyRefuse, "ERR_CAPACITY_EXCEEDED", true},
	{EarlyRefuse, "ERR_ACL_DENY", false},
	{EarlyRefuse, "ERR_BUSY", false},
	{EarlyRefuse, "ERR_TRY_AGAIN", false},
	{EarlyRefuse, "ERR_HANDLER_NOT_FOUND", false},
	{EarlyRefuse, "ERR_INVALID_DATA", false},
}

var oldClients = []string{ClientUpstream250, ClientUpstreamSnapshot, ClientUpstreamMaster, ClientUpstreamGo}

// earlyScenario is what was measured on the real client: two metas, two replica servers,
// eight partitions, a few operations a second from one caller, one restart of everything.
func earlyScenario(seed uint64, client string, answer earlyAnswer) Scenario {
	s := Default()
	s.Name, s.Seed, s.Client = "early-requests", seed, client
	s.Metas, s.Replicas, s.Clients = 2, 2, 1
	s.Watch = time.Minute
	s.EarlyRequest = answer.policy
	if answer.code != "" {
		s.EarlyCode = answer.code
	}
	s.Workloads = []Workload{{Client: 1, EveryMin: 200 * time.Millisecond, EveryMax: 400 * time.Millisecond, Timeout: time.Second, Keys: 16}}
	for _, node := range []string{metaName(0), metaName(1), replicaName(0), replicaName(1)} {
		s.Faults = append(s.Faults, Fault{At: 3 * time.Second, Kind: FaultRestart, Node: node, Down: 200 * time.Millisecond})
	}
	s.Ops = []Op{{At: 3*time.Second - inFlightLead, Client: 1, RPC: protocol.RPCPut, Timeout: time.Second}}
	return s
}

// load is a trace.Sink that counts what a client does after the restart.
type load struct {
	from            int64
	dials, requests map[int64]int // by second
	errors          map[string]int
	early           bool // some connection's first frame was a request
}

func (l *load) Emit(ev *trace.Event) {
	if ev.AtNS < l.from || !strings.HasPrefix(ev.Node, "client") {
		return
	}
	second := ev.AtNS / int64(time.Second)
	switch ev.Kind {
	case trace.KindDial:
		l.dials[second]++
	case trace.KindFrameOut:
		if ev.Neg == "" {
			l.requests[second]++
			l.early = l.early || ev.First
		}
	case trace.KindReturn:
		if ev.State != "ok" {
			l.errors[ev.Code]++
		}
	}
}

func most(counts map[int64]int) int {
	peak := 0
	for _, n := range counts {
		peak = max(peak, n)
	}
	return peak
}

// earlyOutcome is a row of a client's table.
type earlyOutcome struct {
	back, early     int             // seeds
	took            []time.Duration // to come back, in order
	errors          map[string]int  // of all seeds
	dials, requests int             // most in a second
	violated        map[string]bool
}

func playEarly(t *testing.T, client string, answer earlyAnswer) earlyOutcome {
	out := earlyOutcome{errors: make(map[string]int), violated: make(map[string]bool)}
	for seed := uint64(1); seed <= earlySeeds; seed++ {
		s := earlyScenario(seed, client, answer)
		l := &load{from: int64(s.LastFault()), dials: make(map[int64]int), requests: make(map[int64]int), errors: out.errors}
		result := mustRun(t, s, Options{Sink: l})
		require.NotEqual(t, VerdictInconclusive, result.Verdict, result.Reason)
		if result.Verdict == VerdictHeld {
			out.back++
			out.took = append(out.took, time.Duration(*result.ConvergedAfterNS))
		}
		if l.early {
			out.early++
		}
		out.dials, out.requests = max(out.dials, most(l.dials)), max(out.requests, most(l.requests))
		for _, v := range result.Violations {
			out.violated[v.Property] = true
		}
	}
	slices.Sort(out.took)
	return out
}

// comesBack in words: after how long, the median and the longest.
func (o *earlyOutcome) comesBack() string {
	switch o.back {
	case 0:
		return "**never**"
	case earlySeeds:
		return fmt.Sprintf("%v, at most %v", o.took[len(o.took)/2].Round(10*time.Millisecond), o.took[len(o.took)-1].Round(10*time.Millisecond))
	}
	return fmt.Sprintf("**%d of %d seeds**", o.back, earlySeeds)
}

func (o *earlyOutcome) told() string {
	if len(o.errors) == 0 {
		return "none"
	}
	if o.back == 0 {
		return strings.Join(slices.Sorted(maps.Keys(o.errors)), ", ") + ", for ever"
	}
	var list []string
	for _, code := range slices.Sorted(maps.Keys(o.errors)) {
		list = append(list, fmt.Sprintf("%s x %d", code, o.errors[code]))
	}
	return strings.Join(list, ", ")
}

// magnitude is a number of things in a second, for people.
func magnitude(n int) string {
	switch {
	case n < 10:
		return "ones"
	case n < 100:
		return "tens"
	case n < 1000:
		return "hundreds"
	}
	return "thousands"
}

func TestEarlyRequestsPage(t *testing.T) {
	var b strings.Builder
	for _, client := range oldClients {
		fmt.Fprintf(&b, "\n### %s\n\n| the server's answer | comes back after | errors that the application sees, %d seeds | connections a second | requests a second |\n|---|---|---|---|---|\n", client, earlySeeds)
		for _, answer := range earlyAnswers {
			o := playEarly(t, client, answer)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", answer.words(), o.comesBack(), o.told(), magnitude(o.dials), magnitude(o.requests))
			requireAsMeasured(t, client, answer, &o)
		}
	}
	comparePart(t, earlyPage, earlyBegin, earlyEnd, b.String()+"\n", *updateEarly)
}

// requireAsMeasured holds a row against what the real client was seen to do.
func requireAsMeasured(t *testing.T, client string, answer earlyAnswer, o *earlyOutcome) {
	assert.NotContains(t, o.violated, PropertyAuthenticatedExecution, client)
	if client == ClientUpstreamGo { // it has no authentication
		assert.Zero(t, o.back, answer.words())
		assert.Less(t, max(o.dials, o.requests), 10, answer.words())
		return
	}
	unfixed := client != ClientUpstreamMaster
	punished := answer.policy == EarlyClose || answer.policy == EarlyHang
	row := client + ", " + answer.words()
	if unfixed {
		assert.Equal(t, earlySeeds, o.early, row)
	}
	if unfixed && punished {
		assert.Zero(t, o.back, row)
	} else {
		assert.Equal(t, earlySeeds, o.back, row)
	}
	switch {
	case !unfixed:
		assert.Zero(t, o.early, row)
	case answer.policy == EarlyHold, answer.retryable && client == ClientUpstreamSnapshot:
		assert.Empty(t, o.errors, row)
	case answer.policy == EarlyDrop:
		assert.Equal(t, []string{"ERR_TIMEOUT"}, slices.Sorted(maps.Keys(o.errors)), row)
	case answer.policy == EarlyRefuse && !answer.retryable:
		assert.Contains(t, o.errors, answer.code, row)
	case answer.policy == EarlyClose && client == ClientUpstreamSnapshot:
		assert.Greater(t, o.dials, 100, row)
	}
}
