// Properties under random events: a small cluster that fails, moves its partitions and
// its leader, answers, refuses, redirects in circles and forgets to answer; and then
// behaves. What a client promises holds throughout, and in the end everything works.

package routing

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

const (
	clusterMetas    = "ab"
	clusterReplicas = "cde"
	clusterApp      = 5
)

// cluster is the truth, and the judge of one client.
type cluster struct {
	*harness
	rt       *rapid.T
	cfg      Config
	leader   string
	parts    []part
	ops      map[OpID]*judged
	executed map[OpID]int // puts, by how often
	nextID   OpID
	ballots  []int64 // highest seen by the client
	circular bool    // each meta takes the other for the leader
	healed   bool
}

type part struct {
	primary string
	ballot  int64
}

type judged struct {
	rpc      protocol.RPC
	deadline time.Time
	done     bool
	outcome  session.Outcome
}

func newCluster(t *rapid.T) *cluster {
	cfg := testConfig()
	cfg.KeepReady = rapid.IntRange(0, 3).Draw(t, "lazy") > 0
	cfg.MaxOps = 8
	if rapid.Bool().Draw(t, "one meta known") {
		cfg.Metas = cfg.Metas[:1]
	}
	c := &cluster{
		harness: newHarness(t, cfg), rt: t, cfg: cfg, leader: "a",
		ops: make(map[OpID]*judged), executed: make(map[OpID]int),
		parts: make([]part, 4), ballots: make([]int64, 8),
	}
	c.quiet = true
	for i := range c.parts {
		c.parts[i] = part{primary: string(clusterReplicas[i%3]), ballot: 2}
	}
	return c
}

// do gives the client an event, checks that a copy of it acts alike, and judges.
func (c *cluster) do(ev Event) {
	copied := c.core.Clone()
	before := len(c.done)
	effects := c.core.Step(c.now, ev, nil)
	earlier := []Effect{{Kind: EffectStopTimer, Timer: 1}}
	require.Equal(c.rt, append(earlier, effects...), copied.Step(c.now, ev, earlier), "a copy acts like the original, after what there was")
	require.Equal(c.rt, c.core.AppendState(nil, c.now), copied.AppendState(nil, c.now))
	for i := range effects {
		c.apply(&effects[i])
	}
	for _, d := range c.done[before:] {
		c.judge(&d)
	}
	c.invariants()
}

func (c *cluster) judge(d *Completion) {
	op := c.ops[d.ID]
	require.NotNil(c.rt, op)
	require.False(c.rt, op.done, "complete-once: operation %d", d.ID)
	op.done, op.outcome = true, d.Outcome
	if op.rpc != protocol.RPCPut {
		require.NotEqual(c.rt, session.OutcomeUnknown, d.Outcome, "a read has no effect that could be unknown")
	}
	if d.Outcome == session.OutcomeOK {
		require.True(c.rt, op.deadline.After(c.now))
		if op.rpc != protocol.RPCUnknown {
			require.Equal(c.rt, fmt.Sprint(d.ID), string(d.Body), "another operation's answer")
		}
	}
	if op.rpc == protocol.RPCPut && d.Outcome == session.OutcomeOK {
		require.Equal(c.rt, 1, c.executed[d.ID])
	}
}

func (c *cluster) invariants() {
	open := 0
	for id, op := range c.ops {
		if !op.done {
			open++
			require.False(c.rt, op.deadline.Before(c.now), "complete-once: operation %d is past its deadline", id)
			continue
		}
		if op.outcome == session.OutcomeFailed {
			require.Zero(c.rt, c.executed[id], "operation %d failed, but was executed", id)
		}
	}
	require.Equal(c.rt, open, c.core.PendingOps())
	require.LessOrEqual(c.rt, open, c.cfg.MaxOps)
	for i := range c.ballots {
		if p, ok := c.core.Partition("temp", i); ok {
			require.GreaterOrEqual(c.rt, p.Ballot, c.ballots[i], "ballot-monotonic")
			c.ballots[i] = p.Ballot
		}
	}
	owned := make(map[protocol.ConnID]bool)
	timers := 3 // deadlines, retries, the table's
	for s := range c.core.Sessions() {
		timers += 2
		if s.Conn != 0 {
			owned[s.Conn] = true
		}
	}
	require.LessOrEqual(c.rt, len(c.timers), timers)
	for _, w := range c.conns {
		require.Equal(c.rt, !w.closed, owned[w.id], "a connection leaks, or is gone unnoticed")
	}
}

func (c *cluster) submit(rpc protocol.RPC, timeout time.Duration) OpID {
	c.nextID++
	id := c.nextID
	c.ops[id] = &judged{rpc: rpc, deadline: c.now.Add(timeout)}
	kind := EventSubmit
	if rpc == protocol.RPCUnknown {
		kind = EventOpenTable
	}
	hash := rapid.Uint64Range(0, 7).Draw(c.rt, "hash")
	c.do(Event{Kind: kind, Op: Op{
		ID: id, Table: "temp", RPC: rpc, Hash: hash, Body: []byte(fmt.Sprint(id)), Deadline: c.now.Add(timeout),
	}})
	return id
}

// anyWire is a connection that is not closed.
func (c *cluster) anyWire() *wire {
	var open []*wire
	for _, w := range c.conns {
		if !w.closed {
			open = append(open, w)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[rapid.IntRange(0, len(open)-1).Draw(c.rt, "wire")]
}

// progress moves one connection on: it comes up, or its server answers a request.
func (c *cluster) progress(w *wire) {
	if !w.up {
		w.up = true
		c.do(Event{Kind: EventDialed, Conn: w.id})
		return
	}
	if len(w.asked) == 0 {
		return
	}
	n := rapid.IntRange(0, len(w.asked)-1).Draw(c.rt, "request")
	r := w.asked[n]
	w.asked = append(w.asked[:n], w.asked[n+1:]...)
	code, body := c.serve(w.to, &r)
	if !c.healed && !c.circular && rapid.IntRange(0, 9).Draw(c.rt, "swallowed") == 0 {
		return
	}
	c.do(Event{Kind: EventReceived, Conn: w.id, Data: protocol.AppendResponse(nil, &protocol.Response{
		Code: code, RPC: r.RPC, Seq: r.Seq, Body: body,
	})})
}

// serve is what a node does with a request. Whatever it refuses it does not execute.
func (c *cluster) serve(node string, r *protocol.Request) (protocol.ErrorCode, []byte) {
	if !c.healed && !c.circular && rapid.IntRange(0, 4).Draw(c.rt, "moody") == 0 {
		return rapid.SampledFrom([]protocol.ErrorCode{
			protocol.CodeBusy, protocol.CodeSessionReset, protocol.CodeNotEnoughMember, protocol.CodeInvalidState, protocol.CodeACLDeny,
		}).Draw(c.rt, "refusal"), nil
	}
	if r.RPC == protocol.RPCQueryConfig {
		return c.serveQuery(node)
	}
	index := int(r.Header.Partition)
	if r.Header.AppID != clusterApp || index >= len(c.parts) || c.parts[index].primary != node {
		return protocol.CodeObjectNotFound, nil
	}
	if r.Header.PartitionHash%uint64(len(c.parts)) != uint64(index) {
		return protocol.CodeParentPartitionMisused, nil
	}
	if r.RPC == protocol.RPCPut {
		var id OpID
		_, err := fmt.Sscan(string(r.Body), &id)
		require.NoError(c.rt, err)
		c.executed[id]++
		require.Equal(c.rt, 1, c.executed[id], "a put ran twice")
		if op := c.ops[id]; op.done {
			require.NotEqual(c.rt, session.OutcomeFailed, op.outcome, "a put runs after it failed")
		}
		if !c.healed && rapid.IntRange(0, 9).Draw(c.rt, "timeout") == 0 {
			return protocol.CodeTimeout, nil
		}
	}
	return protocol.CodeOK, r.Body
}

func (c *cluster) serveQuery(node string) (protocol.ErrorCode, []byte) {
	if c.circular {
		return protocol.CodeOK, forward(string(clusterMetas[0] + clusterMetas[1] - node[0]))
	}
	if !c.healed {
		switch rapid.IntRange(0, 9).Draw(c.rt, "meta's mood") {
		case 0:
			return protocol.CodeOK, queryError(protocol.CodeServiceNotActive)
		case 1:
			return protocol.CodeOK, forward("nobody")
		case 2: // in circles, to itself, or to one who is no meta
			return protocol.CodeOK, forward(rapid.SampledFrom([]string{"a", "b", "c", "f", "g"}).Draw(c.rt, "forward"))
		case 3: // what was true earlier
			return protocol.CodeOK, config(clusterApp, 4, "c@1", "c@1", "d@2", "nobody@2")
		case 4:
			return protocol.CodeOK, []byte("nonsense")
		}
	}
	if node != c.leader {
		if !contains(clusterMetas, node) {
			return protocol.CodeHandlerNotFound, nil
		}
		return protocol.CodeOK, forward(c.leader)
	}
	var words []string
	for _, p := range c.parts {
		words = append(words, fmt.Sprintf("%s@%d", p.primary, p.ballot))
	}
	return protocol.CodeOK, config(clusterApp, len(c.parts), words...)
}

func contains(set, node string) bool {
	for i := range set {
		if set[i:i+1] == node {
			return true
		}
	}
	return false
}

// lose ends a connection or an attempt.
func (c *cluster) lose(w *wire) {
	kind, why := EventClosed, session.ReasonReset
	if !w.up {
		kind, why = EventDialFailed, session.ReasonRefused
	}
	w.closed = true
	c.do(Event{Kind: kind, Conn: w.id, Reason: why})
}

// due lets time pass until the next timer is due, and returns its index: whatever else
// happens at that instant may come first.
func (c *cluster) due() (next int) {
	next = -1
	for i, t := range c.timers {
		if next < 0 || t.due.Before(c.timers[next].due) {
			next = i
		}
	}
	if next >= 0 && c.timers[next].due.After(c.now) {
		c.now = c.timers[next].due
	}
	return next
}

// fire fires the next timer.
func (c *cluster) fire() {
	next := c.due()
	if next < 0 {
		return
	}
	t := c.timers[next]
	c.timers = append(c.timers[:next], c.timers[next+1:]...)
	c.do(Event{Kind: EventTimer, Timer: t.id})
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(t)
		onWire := func(f func(*wire)) {
			if w := c.anyWire(); w != nil {
				f(w)
			}
		}
		timeout := func() time.Duration {
			return rapid.SampledFrom([]time.Duration{10 * time.Millisecond, time.Second, 5 * time.Second, time.Minute}).Draw(t, "timeout")
		}
		progress := func(*rapid.T) { onWire(c.progress) }
		t.Repeat(map[string]func(*rapid.T){
			"open": func(*rapid.T) { c.submit(protocol.RPCUnknown, timeout()) },
			"put":  func(*rapid.T) { c.submit(protocol.RPCPut, timeout()) },
			"get":  func(*rapid.T) { c.submit(protocol.RPCGet, timeout()) },
			"cancel": func(t *rapid.T) {
				c.do(Event{Kind: EventCancel, ID: OpID(rapid.Uint64Range(0, uint64(c.nextID)+1).Draw(t, "id"))})
			},
			"progress1": progress, "progress2": progress, "progress3": progress, "progress4": progress,
			"lose":  func(*rapid.T) { onWire(c.lose) },
			"fire":  func(*rapid.T) { c.fire() },
			"fire2": func(*rapid.T) { c.fire() },
			"due":   func(*rapid.T) { c.due() },
			"elect": func(t *rapid.T) { c.leader = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "leader") },
			"move": func(t *rapid.T) {
				p := &c.parts[rapid.IntRange(0, len(c.parts)-1).Draw(t, "partition")]
				p.primary, p.ballot = rapid.SampledFrom([]string{"c", "d", "e"}).Draw(t, "primary"), p.ballot+1
			},
			"split": func(t *rapid.T) {
				if len(c.parts) == 4 && rapid.IntRange(0, 9).Draw(t, "split") == 0 {
					c.parts = append(c.parts, c.parts...)
				}
			},
			"circle": func(*rapid.T) { c.circle() },
			"stale": func(t *rapid.T) {
				owner := protocol.ConnID(rapid.Uint64Range(0, 7).Draw(t, "owner")) << protocol.OwnerShift
				kind := rapid.SampledFrom([]EventKind{EventDialed, EventClosed, EventReceived, EventToken, EventTimer}).Draw(t, "kind")
				c.do(Event{Kind: kind, Conn: owner | 1<<20, Timer: protocol.TimerID(owner | 1<<20), Data: []byte{1}})
			},
		})
		c.recovers()
	})
}

// circle: two metas that send to each other are asked a bounded number of times before the
// client lets time pass.
func (c *cluster) circle() {
	c.circular = true
	for asked := 0; ; asked++ {
		w := c.busyMeta()
		if w == nil {
			break
		}
		require.Less(c.rt, asked, 4*c.cfg.MaxMetas, "bounded: metas that send to each other are asked without an end")
		c.progress(w)
	}
	c.circular = false
}

// busyMeta is a connection to a meta that is coming up or has been asked; nil: none.
func (c *cluster) busyMeta() *wire {
	for _, w := range c.conns {
		if !w.closed && contains(clusterMetas, w.to) && (!w.up || len(w.asked) > 0) {
			return w
		}
	}
	return nil
}

// recovers: with a cluster that behaves from now on, sessions become ready, every
// partition answers, and closing leaves nothing behind.
func (c *cluster) recovers() {
	c.healed = true
	for _, w := range c.conns {
		if !w.closed {
			c.lose(w) // what was swallowed on it would cost its silence first
		}
	}
	room := func() bool { return c.core.PendingOps() < c.cfg.MaxOps }
	c.settle(room)
	id := c.submit(protocol.RPCUnknown, time.Minute)
	c.settle(func() bool { return c.ops[id].done })
	require.Equal(c.rt, session.OutcomeOK, c.ops[id].outcome, "leader-found")
	var puts []OpID
	for range 4 {
		c.settle(room)
		puts = append(puts, c.submit(protocol.RPCPut, time.Minute))
	}
	c.settle(func() bool { return c.core.PendingOps() == 0 && c.ready() })
	for _, id := range puts {
		require.Equal(c.rt, session.OutcomeOK, c.ops[id].outcome, "requests-drain")
	}
	require.True(c.rt, c.ready(), "reconnect-converges")
	for i, p := range c.parts {
		known, ok := c.core.Partition("temp", i)
		require.True(c.rt, ok || i >= 4, "a split that nothing ran into may be news")
		require.LessOrEqual(c.rt, known.Ballot, p.ballot)
	}
	c.settle(room)
	c.submit(protocol.RPCGet, time.Minute)
	c.do(Event{Kind: EventClose})
	require.Empty(c.rt, c.timers)
	require.Zero(c.rt, c.core.PendingOps())
	for range c.core.Sessions() {
		c.rt.Fatalf("a session is left")
	}
}

// ready says whether every session that is to be ready is.
func (c *cluster) ready() bool {
	for s := range c.core.Sessions() {
		if s.Kept && s.State != session.StateReady && contains(clusterMetas+clusterReplicas, nameOf(s.Addr)) {
			return false
		}
	}
	return true
}

// settle lets the cluster serve, and time pass where there is nothing to serve.
func (c *cluster) settle(done func() bool) {
	for range 2000 {
		if done() {
			return
		}
		busy := false
		for _, w := range c.conns {
			if w.closed || w.up && len(w.asked) == 0 {
				continue
			}
			busy = true
			if !contains(clusterMetas+clusterReplicas, w.to) {
				c.lose(w) // nobody is there
			} else {
				c.progress(w)
			}
			break
		}
		if !busy {
			c.fire()
		}
	}
}
