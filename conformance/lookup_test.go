// Clients that tell how they look tables up, and calls that end in time: what they owe is
// demanded, by the clause that says so.

package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	clientrouting "github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// Times of the tours' client.
const (
	metaTimeout = time.Second
	lookUp      = 5 * time.Second
	callTime    = time.Second
	pauseTime   = 100 * time.Millisecond
)

func (k *tour) query(state, peer, note string, within time.Duration) *tour {
	k.add("client", trace.KindQuery, trace.Event{Table: "temp", State: state, Peer: peer, Note: note, WithinNS: int64(within)})
	return k
}

func (k *tour) wants(cause, peer string) *tour { return k.query(stepWanted, peer, cause, lookUp) }
func (k *tour) chooses(n int) *tour            { return k.query(stepAsked, metaAddr(n), "", metaTimeout) }
func (k *tour) giveUp(n int, why string) *tour { return k.query(stepInVain, metaAddr(n), why, 0) }
func (k *tour) pauses() *tour                  { return k.pause().waits(pauseTime) }
func (k *tour) pause() *tour                   { return k.query(stepPause, "", "", pauseTime) }

// finds has the client look its table up at meta 1, which answers with it.
func (k *tour) finds(answer string) *tour { return k.chooses(1).asks(1).reads(1, answer).knows(answer) }

// steps has the client begin another step.
func (k *tour) steps() *tour {
	k.add("client", trace.KindTimer, trace.Event{Timer: 1})
	return k
}

func (k *tour) session(peer, state string) *tour {
	k.add("client", trace.KindSession, trace.Event{Peer: peer, State: state})
	return k
}

func (k *tour) waits(d time.Duration) *tour {
	k.passed += int64(d)
	return k
}

func (k *tour) calls(op uint64) *tour {
	k.add("client", trace.KindInvoke, trace.Event{Op: op, RPC: getRPC, WithinNS: int64(callTime)})
	return k
}

func (k *tour) returns(op uint64, state, why string) *tour {
	k.add("client", trace.KindReturn, trace.Event{Op: op, RPC: getRPC, State: state, Code: codeOK, Note: why})
	return k
}

// atOnce has the last event happen at the instant of the one before.
func (k *tour) atOnce() *tour {
	k.events[len(k.events)-1].AtNS = k.events[len(k.events)-2].AtNS
	return k
}

// knowing is a client that has looked its table up.
func knowing() *tour { return newTour(1).wants(causeUnknown, "").finds(first).steps() }

// lost is one that has lost its connection to replica 1.
func lost() *tour {
	k := knowing()
	k.add("client", trace.KindClosed, trace.Event{Conn: 4, Note: "fin"})
	return k.session(replicaAddr(1), stateBackoff)
}

// redials is one that has lost it, has looked its table up, and begins a dial for a reason.
func redials(why string) *tour {
	k := lost().wants(causeUnreachable, replicaAddr(1)).finds(first).steps().session(replicaAddr(1), stateDialing).steps()
	k = k.session(replicaAddr(1), stateDialing)
	k.events[len(k.events)-1].Note = why
	return k
}

// served and refuses have replica 1 answer a read, well or not.
func refuses() *tour { return knowing().gets(1, 0, "ERR_INVALID_STATE") }

// inVain is a client that has asked three metas, which know no leader.
func inVain() *tour {
	k := newTour(0).wants(causeUnknown, "")
	for n := 1; n <= 3; n++ {
		k.chooses(n).asks(uint64(n)).reads(uint64(n), noTable).giveUp(n, reasonNone)
	}
	return k
}

// left has the frame written last say that so much is left of its time.
func (k *tour) left(d time.Duration) *tour {
	for i := len(k.events) - 1; ; i-- {
		if k.events[i].Kind == trace.KindFrameOut {
			k.events[i].WithinNS = int64(d)
			return k
		}
	}
}

// writes has the client write a read to replica n that is not answered.
func (k *tour) writes(n uint64, p int32) *tour {
	k.gets(n, p, codeOK)
	k.events = k.events[:len(k.events)-1]
	return k
}

// complete has every server that the client dials listen.
func complete(k *tour) *tour {
	for n := 1; n <= 2; n++ {
		k.add(fmt.Sprintf("replica-%d", n), trace.KindListen, trace.Event{Addr: replicaAddr(n)})
	}
	return k
}

// pings has each of two metas send the client to the other.
func pings(k *tour, n int) *tour {
	k = k.asks(1).reads(1, redirectTo(2))
	for i := range n {
		k = k.asks(uint64(2-i%2)).atOnce().reads(uint64(2-i%2), redirectTo(1+i%2))
	}
	return k
}

var lookUps = []struct {
	name, clause string
	tour         func() *tour
}{
	{"looked up and found", "", knowing},
	{"looked up for no reason that is one", "R10", func() *tour { return knowing().wants("curiosity", "") }},
	{"asked without a look-up", "R10", func() *tour { return knowing().chooses(1) }},
	{"asked for what is known", "R10", func() *tour { return knowing().wants(causeUnknown, "") }},
	{"every partition has a primary", "R10", func() *tour { return knowing().wants(causeNoPrimary, "") }},
	{"a partition has none", "", func() *tour {
		return newTour(1).wants(causeUnknown, "").finds(tableOf("0:1@-", "1:1@"+replicaAddr(2))).steps().wants(causeNoPrimary, "").chooses(1)
	}},
	{"nobody was unreachable", "R10", func() *tour { return knowing().wants(causeUnreachable, replicaAddr(1)) }},
	{"who was unreachable serves nothing", "R10", func() *tour {
		return knowing().session(replicaAddr(3), stateBackoff).wants(causeUnreachable, replicaAddr(3))
	}},
	{"nobody has refused", "R10", func() *tour { return knowing().gets(1, 0, codeOK).wants(causeRefused, replicaAddr(1)) }},
	{"nothing was written", "R10", func() *tour { return knowing().wants(causeUnanswered, replicaAddr(1)) }},
	{"something was", "", func() *tour {
		k := knowing()
		k.add("client", trace.KindFrameOut, trace.Event{Conn: 4, RPC: getRPC, Seq: 77, App: 2})
		return k.steps().wants(causeUnanswered, replicaAddr(1)).chooses(1)
	}},

	{"a lost server has the table looked up", "", func() *tour { return lost().wants(causeUnreachable, replicaAddr(1)).finds(first).steps() }},
	{"a lost server is looked into later, by a driver that is late", "", func() *tour {
		k := lost()
		k.insert(0, "client", trace.KindFault, trace.Event{State: "begins", Note: lateEvents})
		return k.steps().wants(causeUnreachable, replicaAddr(1))
	}},
	{"a lost server is ignored", "R4", func() *tour { return lost().steps() }},
	{"a dial that is given up has the table looked up, though the next begins at once", "", func() *tour {
		return redials("dial-timeout").wants(causeUnreachable, replicaAddr(1)).finds(first).steps()
	}},
	{"a dial that is given up is ignored", "R4", func() *tour { return redials("dial-timeout").steps() }},
	{"a dial for no reason is no failure", "", func() *tour { return redials(reasonNone).steps() }},
	{"a lost server of no table is", "", func() *tour { return knowing().session(replicaAddr(3), stateBackoff).steps() }},
	{"a client recovers from a bug of its own", "", func() *tour {
		k := knowing().session(replicaAddr(1), "idle")
		k.events[len(k.events)-1].Note = reasonInternal
		return k.steps().chooses(2)
	}},
	{"a refusal has the table looked up", "", func() *tour { return refuses().wants(causeRefused, replicaAddr(1)).finds(first).steps() }},
	{"a refusal is ignored", "R5", func() *tour { return refuses().steps() }},
	{"busy says nothing of the table", "", func() *tour { return knowing().gets(1, 0, "ERR_BUSY").steps() }},

	{"two at once", "R11", func() *tour { return newTour(1).wants(causeUnknown, "").chooses(1).chooses(2) }},
	{"written without being asked", "R11", func() *tour { return knowing().asks(1) }},
	{"written to another", "R11", func() *tour { return newTour(1).wants(causeUnknown, "").chooses(1).asks(2) }},
	{"written twice", "R11", func() *tour { return newTour(1).wants(causeUnknown, "").chooses(1).asks(1).asks(1) }},
	{"asked twice in a round", "R11", func() *tour {
		return newTour(0).wants(causeUnknown, "").chooses(1).giveUp(1, "closed").chooses(2).giveUp(2, "closed").chooses(1)
	}},
	{"a round ends early", "R12", func() *tour {
		return newTour(0).wants(causeUnknown, "").chooses(1).asks(1).reads(1, redirectTo(2)).chooses(2).asks(2).reads(2, noTable).giveUp(2, reasonNone).pauses().
			wants(causeUnknown, "").chooses(2).giveUp(2, "closed").pauses()
	}},
	{"a round ends, and one meta waits to reconnect", "", func() *tour {
		return newTour(0).wants(causeUnknown, "").chooses(1).asks(1).reads(1, redirectTo(2)).chooses(2).asks(2).reads(2, noTable).giveUp(2, reasonNone).pauses().
			wants(causeUnknown, "").chooses(2).giveUp(2, "closed").session(metaAddr(1), stateBackoff).pauses()
	}},
	{"no round to end", "R12", func() *tour { return knowing().pauses() }},
	{"a pause while a meta is asked", "R12", func() *tour { return newTour(1).wants(causeUnknown, "").chooses(1).pauses() }},

	{"a pause that is cut short", "R12", func() *tour { return inVain().pause().chooses(2) }},
	{"a pause that lasts half of its time", "", func() *tour { return inVain().pause().waits(pauseTime / 2).chooses(2) }},
	{"a pause that ends as a connection comes up", "", func() *tour { return inVain().pause().reconnects(1, 6).chooses(1) }},

	{"a query with more time than its meta has", "R15", func() *tour {
		return newTour(1).wants(causeUnknown, "").chooses(1).asks(1).left(metaTimeout + time.Second)
	}},
	{"a query with less", "R15", func() *tour { return newTour(1).wants(causeUnknown, "").chooses(1).asks(1).left(time.Millisecond) }},
	{"a query that waited", "", func() *tour {
		return newTour(1).wants(causeUnknown, "").chooses(1).waits(metaTimeout / 2).asks(1).left(metaTimeout / 2)
	}},
	{"a request with what is left of its call", "", func() *tour { return knowing().calls(1).waits(callTime/2).writes(1, 0).left(callTime / 2) }},
	{"a request with more than its call", "R7", func() *tour { return knowing().calls(1).writes(1, 0).left(callTime + time.Second) }},
	{"a request with less", "R7", func() *tour { return knowing().calls(1).writes(1, 0).left(time.Millisecond) }},
	{"a request of no call", "R7", func() *tour { return knowing().calls(1).gets(1, 0, codeOK).returns(1, outcomeOK, "").writes(1, 0) }},
	{"another bound than before", "Q4", func() *tour {
		return lost().query(stepWanted, replicaAddr(1), causeUnreachable, lookUp+time.Second)
	}},

	{"a table that no answer had", "R13", func() *tour { return lost().wants(causeUnreachable, replicaAddr(1)).chooses(1).knows(first) }},
	{"a table that is read and not taken", "R13", func() *tour { return newTour(1).wants(causeUnknown, "").chooses(1).asks(1).reads(1, first).steps() }},
	{"one that is thrown away", "", func() *tour {
		return newTour(0).wants(causeUnknown, "").chooses(1).asks(1).reads(1, first).giveUp(1, reasonNone).chooses(2).steps()
	}},
	{"a redirect is followed, as told", "", func() *tour {
		return newTour(2).wants(causeUnknown, "").chooses(1).asks(1).reads(1, redirectTo(2)).chooses(2).steps()
	}},
	{"a redirect leads to another", "R14", func() *tour {
		return newTour(2).wants(causeUnknown, "").chooses(1).asks(1).reads(1, redirectTo(2)).chooses(3)
	}},
	{"a redirect leads nowhere", "R14", func() *tour {
		return newTour(2).wants(causeUnknown, "").chooses(1).asks(1).reads(1, redirectTo(2)).steps()
	}},
	{"a redirect is called of no use", "R14", func() *tour {
		return newTour(2).wants(causeUnknown, "").chooses(1).asks(1).reads(1, redirectTo(2)).giveUp(1, reasonNone)
	}},

	{"given up without being asked", "R15", func() *tour { return newTour(1).wants(causeUnknown, "").giveUp(1, "closed") }},
	{"given up too soon", "R15", func() *tour { return newTour(1).wants(causeUnknown, "").chooses(1).giveUp(1, reasonDeadline) }},
	{"given up in time", "", func() *tour {
		return newTour(1).wants(causeUnknown, "").chooses(1).waits(metaTimeout).giveUp(1, reasonDeadline).chooses(2).steps()
	}},
	{"given up, and nobody else asked", "R15", func() *tour {
		return newTour(1).wants(causeUnknown, "").chooses(1).waits(metaTimeout).giveUp(1, reasonDeadline).steps()
	}},
	{"waited for for ever", "R15", func() *tour {
		return newTour(1).wants(causeUnknown, "").chooses(1).asks(1).waits(4 * time.Second).steps()
	}},
	{"waited for on a connection that is over", "R15", func() *tour {
		k := newTour(1).wants(causeUnknown, "").chooses(1).asks(1)
		k.add("client", trace.KindClosed, trace.Event{Conn: 1, Note: "reset"})
		return k.steps()
	}},
	{"an unknown error ends it all", "R15", func() *tour {
		return newTour(0).wants(causeUnknown, "").chooses(1).asks(1).reads(1, "ERR_STRANGE").steps()
	}},

	{"redirects, as many as can be", "", func() *tour { return pings(newTour(0), 1) }},
	{"redirects without an end", "Q2", func() *tour { return pings(newTour(0), 4) }},

	{"found in time", "", func() *tour {
		return lost().wants(causeUnreachable, replicaAddr(1)).waits(lookUp - time.Second).finds(first).waits(time.Hour).steps()
	}},
	{"never found", "Q4", func() *tour {
		return lost().wants(causeUnreachable, replicaAddr(1)).waits(lookUp + time.Second).steps()
	}},
	{"never found, something being wrong", "", func() *tour {
		k := lost().wants(causeUnreachable, replicaAddr(1))
		k.add("replica-1", trace.KindFault, trace.Event{State: "begins", Note: "partition"})
		return k.waits(lookUp + time.Second).steps()
	}},
	{"looked up, and nothing has gone wrong", "Q4", func() *tour {
		return knowing().waits(lookUp+time.Second).gets(1, 0, "ERR_INVALID_STATE").wants(causeRefused, replicaAddr(1))
	}},

	{"answered before", "R5", func() *tour {
		return knowing().calls(1).calls(2).gets(1, 0, codeOK).returns(1, outcomeOK, "").returns(2, outcomeOK, "")
	}},
	{"an error that nobody had", "R5", func() *tour {
		k := knowing().calls(1).gets(1, 0, "ERR_BUSY").returns(1, outcomeFailed, reasonNone)
		k.events[len(k.events)-1].Code = "ERR_DISK_IO_ERROR"
		return k
	}},
	{"an error that a server had", "", func() *tour {
		k := knowing().calls(1).gets(1, 0, "ERR_BUSY").returns(1, outcomeFailed, reasonNone)
		k.events[len(k.events)-1].Code = "ERR_BUSY"
		return k
	}},
	{"no outcome", "R7", func() *tour { return knowing().calls(1).gets(1, 0, codeOK).returns(1, "ready", "") }},
	{"a leader who is nobody", "R27", func() *tour { return complete(newTour(1).leads(2, 4)) }},
	{"a leader who listens later", "", func() *tour {
		k := complete(newTour(1).leads(2, 4))
		k.add("meta-4", trace.KindListen, trace.Event{Addr: metaAddr(4)})
		return k
	}},
	{"a leader who may be there", "", func() *tour { return newTour(1).leads(2, 4) }},
	{"a leader, told of by nobody", "R24", func() *tour { return newTour(1).leads(5, 1) }},

	{"answered", "", func() *tour {
		return knowing().calls(1).gets(1, 0, codeOK).returns(1, outcomeOK, "").waits(time.Hour).steps()
	}},
	{"never answered", "Q5a", func() *tour { return knowing().calls(1).waits(4 * callTime).steps() }},
	{"out of time, in troubled times", "", func() *tour { return knowing().calls(1).waits(callTime).returns(1, "failed", reasonDeadline) }},
	{"out of time, in the best of times", "Q5b", func() *tour {
		return knowing().waits(lookUp+time.Second).calls(1).waits(callTime).returns(1, "failed", reasonDeadline)
	}},
	{"refused for good, in the best of times", "", func() *tour {
		return knowing().waits(lookUp+time.Second).calls(1).returns(1, "failed", reasonNone)
	}},
}

func TestLookUpsAreJudged(t *testing.T) {
	for _, c := range lookUps {
		result := validateRouting(t, c.tour().events)
		if c.clause == "" {
			assert.Nil(t, result.First, "%s: %s", c.name, result.Reason)
			continue
		}
		if assert.NotNil(t, result.First, c.name) {
			assert.Equal(t, c.clause, result.First.Clause, "%s: %s", c.name, result.First.Why)
		}
	}
}

// The words are those that the client uses.
func TestWordsAreTheClients(t *testing.T) {
	require.Equal(t, []string{stepWanted, stepAsked, stepInVain, stepPause}, []string{
		clientrouting.QueryWanted.String(), clientrouting.QueryAsked.String(), clientrouting.QueryInVain.String(), clientrouting.QueryPause.String(),
	})
	require.Equal(t, []string{causeUnknown, causeNoPrimary, causeUnreachable, causeRefused, causeUnanswered}, []string{
		clientrouting.CauseUnknown.String(), clientrouting.CauseNoPrimary.String(), clientrouting.CauseUnreachable.String(),
		clientrouting.CauseRefused.String(), clientrouting.CauseUnanswered.String(),
	})
	require.Equal(t, []string{reasonNone, reasonDeadline, reasonInternal, closedByUser, outcomeOK, stateIdle, stateDialing, stateBackoff, stateReady}, []string{
		session.ReasonNone.String(), session.ReasonDeadline.String(), session.ReasonInternal.String(), session.ReasonClosed.String(), session.OutcomeOK.String(),
		session.StateIdle.String(), session.StateDialing.String(), session.StateBackoff.String(), session.StateReady.String(),
	})
}

// searching is a short run of the reference in which a server is lost while nobody leads.
func searching(t testing.TB, watch time.Duration) []trace.Event {
	t.Helper()
	s := sim.Default()
	s.Name, s.Seed, s.Clients, s.Metas, s.Replicas, s.Partitions, s.Watch = "searching", 3, 2, 3, 3, 4, watch
	for client := range s.Clients {
		s.Workloads = append(s.Workloads, sim.Workload{
			Client: client + 1, EveryMin: 50 * time.Millisecond, EveryMax: 100 * time.Millisecond, Timeout: time.Second, Keys: 8,
		})
	}
	s.Faults = []sim.Fault{
		{At: 1000 * time.Millisecond, Kind: sim.FaultLeaderChange, Node: "meta-3", Down: 300 * time.Millisecond},
		{At: 1020 * time.Millisecond, Kind: sim.FaultRestart, Node: "replica-1", Down: 50 * time.Millisecond},
		{At: 1200 * time.Millisecond, Kind: sim.FaultRestart, Node: "meta-2", Down: 150 * time.Millisecond},
	}
	events := eventsOf(t, s)
	result := validateRouting(t, events)
	requireConforming(t, &result)
	return events
}

// Each event of a look-up has to be there, once, in its place and as it is, wherever in a
// run it is.
func TestChangedLookUpsAreRefused(t *testing.T) {
	events := searching(t, 300*time.Millisecond)
	kinds := map[string]int{}
	spoil := func(i int, what string, changed []trace.Event) {
		kinds[what]++
		assert.Equal(t, NotConforming, validateRouting(t, changed).Verdict, "%s of event %d: %+v", what, i+1, events[i])
	}
	forged := func(i int, change func(*trace.Event)) []trace.Event {
		changed := slices.Clone(events)
		change(&changed[i])
		return changed
	}
	for i := range events {
		ev := &events[i]
		if ev.Kind != trace.KindQuery {
			continue
		}
		spoil(i, "drop "+ev.State, drop(events, i))
		spoil(i, "repeat "+ev.State, repeat(events, i))
		if ev.Peer != "" {
			spoil(i, "peer "+ev.State, forged(i, func(ev *trace.Event) { ev.Peer = "10.9.9.9:1" }))
		}
		if ev.State == stepWanted {
			spoil(i, "cause", forged(i, func(ev *trace.Event) { ev.Note = causeRefused }))
		}
		spoil(i, "state "+ev.State, forged(i, func(ev *trace.Event) { ev.State = "bored" }))
	}
	for _, what := range []string{"drop wanted", "drop asked", "drop in-vain", "drop pause", "repeat asked", "peer asked", "peer in-vain", "cause"} {
		assert.Positive(t, kinds[what], what)
	}
	t.Logf("%v", kinds)
}

// A client that from some point on tells and writes nothing of look-ups any more is refused
// at the first reason for one; one that forgets calls, when they are overdue.
func TestClientsThatStopAreRefused(t *testing.T) {
	events := searching(t, 4*time.Second)
	for clause, gone := range map[string]func(*trace.Event) bool{
		"R4": func(ev *trace.Event) bool {
			return ev.Kind == trace.KindQuery || ev.Kind == trace.KindTable || ev.RPC == queryRPC || ev.RPC == queryRPC+ackSuffix
		},
		"Q5a": func(ev *trace.Event) bool { return ev.Kind == trace.KindReturn },
	} {
		kept := slices.DeleteFunc(slices.Clone(events), func(ev trace.Event) bool {
			return strings.HasPrefix(ev.Node, "client") && ev.AtNS > int64(1010*time.Millisecond) && gone(&ev)
		})
		result := validateRouting(t, kept)
		require.Equal(t, NotConforming, result.Verdict, clause)
		require.Equal(t, clause, result.First.Clause, result.First.Why)
	}
}
