// The canonical state is sound: sessions that came to equal bytes by different ways
// answer every event alike, and come to equal bytes again. Exploration depends on it.

package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// visited is a session at a moment, and the way there.
type visited struct {
	core   *Core
	now    time.Time
	nextID RequestID
	way    string
}

// moves are the events of the exploration. Each is made from the session that gets it,
// so that it means the same to equal sessions.
var moves = []struct {
	name string
	make func(v *visited) Event
}{
	{"submit", func(v *visited) Event { return v.submit(time.Second) }},
	{"submit-long", func(v *visited) Event { return v.submit(20 * time.Second) }},
	{"cancel", func(v *visited) Event { return Event{Kind: EventCancel, ID: v.first()} }},
	{"keep", func(*visited) Event { return Event{Kind: EventKeepReady, Keep: true} }},
	{"drop", func(*visited) Event { return Event{Kind: EventKeepReady} }},
	{"dialed", func(v *visited) Event { return Event{Kind: EventDialed, Conn: v.core.Conn()} }},
	{"closed", func(v *visited) Event { return Event{Kind: EventClosed, Conn: v.core.Conn(), Reason: ReasonFIN} }},
	{"list", func(v *visited) Event { return v.sasl(protocol.SASLListMechanismsResp) }},
	{"select", func(v *visited) Event { return v.sasl(protocol.SASLSelectMechanismsResp) }},
	{"challenge", func(v *visited) Event { return v.sasl(protocol.SASLChallenge) }},
	{"success", func(v *visited) Event { return v.sasl(protocol.SASLSucc) }},
	{"token", func(v *visited) Event { return Event{Kind: EventToken, Conn: v.core.Conn(), Done: true} }},
	{"reply", func(v *visited) Event { return v.reply() }},
	{"half", func(v *visited) Event { return Event{Kind: EventReceived, Conn: v.core.Conn(), Data: []byte{0, 0}} }},
	{"phase", func(v *visited) Event { return v.fire(&v.core.phase) }},
	{"watch", func(v *visited) Event { return v.fire(&v.core.watch) }},
	{"drain", func(*visited) Event { return Event{Kind: EventDrain} }},
}

func (v *visited) submit(timeout time.Duration) Event {
	v.nextID++
	return Event{Kind: EventSubmit, Request: Request{ID: v.nextID, RPC: protocol.RPCGet, Deadline: v.now.Add(timeout)}}
}

// first is the request that was submitted first of those outstanding.
func (v *visited) first() RequestID {
	t := &v.core.requests
	for _, head := range []int32{t.pending.head, t.waiting.head} {
		if head != none {
			return t.records[head].request.ID
		}
	}
	return 1 << 40 // nobody's
}

func (v *visited) sasl(status protocol.NegotiationStatus) Event {
	return Event{Kind: EventReceived, Conn: v.core.Conn(), Data: protocol.AppendResponse(nil, &protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: v.core.conn.seq,
		Body: protocol.AppendNegotiationResult(nil, status, []byte(testMechanism)),
	})}
}

func (v *visited) reply() Event {
	r := protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: 1 << 20}
	if i := v.core.requests.pending.head; i != none {
		r.Seq = v.core.requests.records[i].seq
	}
	return Event{Kind: EventReceived, Conn: v.core.Conn(), Data: protocol.AppendResponse(nil, &r)}
}

// fire lets a timer fire when it is due, as early as its spread allows.
func (v *visited) fire(t *timer) Event {
	if t.id != 0 && t.due.After(v.now) {
		v.now = t.due
	}
	return Event{Kind: EventTimer, Timer: t.id}
}

// step makes a move from a copy, and returns where it leads and what happened, in words
// without identities.
func (v *visited) step(t *testing.T, move int) (*visited, string) {
	w := &visited{core: v.core.Clone(), now: v.now, nextID: v.nextID, way: v.way + " " + moves[move].name}
	before := w.now
	ev := moves[move].make(w)
	ranks := make(map[RequestID]int)
	for _, head := range []int32{w.core.requests.pending.head, w.core.requests.waiting.head} {
		for i := head; i != none; i = w.core.requests.records[i].next {
			ranks[w.core.requests.records[i].request.ID] = len(ranks)
		}
	}
	words := fmt.Sprint("after ", w.now.Sub(before), ":")
	for _, e := range w.core.Step(w.now, ev, nil) {
		words += " " + describe(t, &e, ranks)
	}
	return w, words
}

func describe(t *testing.T, e *Effect, ranks map[RequestID]int) string {
	switch e.Kind {
	case EffectWrite:
		words := "write"
		d := protocol.NewRequestDecoder(protocol.Limits{})
		require.NoError(t, d.Write(e.Data))
		for {
			var r protocol.Request
			ok, err := d.Next(&r)
			require.NoError(t, err)
			if !ok {
				return words
			}
			words += fmt.Sprintf(" %v/%d/%x", r.RPC, r.Header.TimeoutMillis, r.Body)
		}
	case EffectComplete:
		rank, known := ranks[e.Completion.ID]
		return fmt.Sprint("complete ", rank, known, e.Completion.Outcome, e.Completion.Reason, e.Completion.Code)
	case EffectState:
		return fmt.Sprint("state ", e.State, e.Step, e.Reason, e.Conn != 0)
	}
	return fmt.Sprint(e.Kind, e.Reason, e.After, e.Spread, e.Data == nil, len(e.Data))
}

func TestEqualStatesActAlike(t *testing.T) {
	for _, auth := range []Auth{AuthRequired, AuthOff} {
		t.Run(auth.String(), func(t *testing.T) { exploreAlike(t, auth) })
	}
}

func exploreAlike(t *testing.T, auth Auth) {
	cfg := testConfig()
	cfg.Auth, cfg.MaxWaiting, cfg.MaxPending, cfg.MaxChallenges = auth, 2, 1, 1
	cfg.BackoffBase, cfg.BackoffCap = 100*time.Millisecond, 400*time.Millisecond
	first := &visited{core: New(cfg), now: epoch}
	seen := map[string]*visited{string(first.core.AppendState(nil, first.now)): first}
	queue := []*visited{first}
	const enough = 2000
	met := 0
	for len(queue) > 0 && len(seen) < enough {
		v := queue[0]
		queue = queue[1:]
		for move := range moves {
			w, _ := v.step(t, move)
			key := string(w.core.AppendState(nil, w.now))
			other, known := seen[key]
			if !known {
				seen[key] = w
				queue = append(queue, w)
				continue
			}
			if met++; met%7 == 0 { // one in so many is enough
				actAlike(t, w, other)
			}
		}
	}
	require.GreaterOrEqual(t, len(seen), enough)
	require.Greater(t, met, enough)
}

func actAlike(t *testing.T, a, b *visited) {
	for move := range moves {
		x, words := a.step(t, move)
		y, otherWords := b.step(t, move)
		require.Equal(t, words, otherWords, "%s after\n%s\n%s", moves[move].name, a.way, b.way)
		require.Equal(t, x.core.AppendState(nil, x.now), y.core.AppendState(nil, y.now), "%s after\n%s\n%s", moves[move].name, a.way, b.way)
	}
}

// Whatever a server or the owner would see of a request tells states apart, and nothing else.
func TestRequestsAreToldApart(t *testing.T) {
	state := func(change func(*Request)) string {
		r := Request{ID: 1, RPC: protocol.RPCGet, Body: []byte("a"), Deadline: epoch.Add(time.Second)}
		change(&r)
		c := New(testConfig())
		c.Step(epoch, Event{Kind: EventSubmit, Request: r}, nil)
		return string(c.AppendState(nil, epoch))
	}
	same := state(func(*Request) {})
	for name, change := range map[string]func(*Request){
		"RPC":            func(r *Request) { r.RPC = protocol.RPCPut },
		"table":          func(r *Request) { r.Header.AppID = 1 },
		"partition":      func(r *Request) { r.Header.Partition = 1 },
		"thread hash":    func(r *Request) { r.Header.ThreadHash = 1 },
		"partition hash": func(r *Request) { r.Header.PartitionHash = 1 },
		"backup":         func(r *Request) { r.Header.Backup = true },
		"deadline":       func(r *Request) { r.Deadline = r.Deadline.Add(1) },
		"body":           func(r *Request) { r.Body = []byte("b") },
		"length of body": func(r *Request) { r.Body = []byte("aa") },
	} {
		require.NotEqual(t, same, state(change), name)
	}
	for name, change := range map[string]func(*Request){
		"identity": func(r *Request) { r.ID = 2 },
		"version":  func(r *Request) { r.Header.Version = 1 },
		"time-out": func(r *Request) { r.Header.TimeoutMillis = 1 },
	} {
		require.Equal(t, same, state(change), name)
	}
}

// When an attempt was made says nothing any more of a session that is closed.
func TestClosedSessionsAreAlike(t *testing.T) {
	c := New(testConfig())
	c.Step(epoch, Event{Kind: EventKeepReady, Keep: true}, nil)
	c.Step(epoch, Event{Kind: EventClose}, nil)
	require.Equal(t, c.AppendState(nil, epoch), c.AppendState(nil, epoch.Add(time.Millisecond)))
}

// How long a connection has been ready tells states apart as long as it decides whether the
// connection was of use, and no longer.
func TestTimeSinceReadyCountsUpToTheCap(t *testing.T) {
	cfg := testConfig()
	cfg.Auth = AuthOff
	h := newHarness(t, cfg)
	h.step(Event{Kind: EventKeepReady, Keep: true})
	h.dialed()
	at := func(since time.Duration) []byte { return h.core.AppendState(nil, h.now.Add(since)) }
	limit := cfg.BackoffCap
	require.NotEqual(t, at(limit-2), at(limit-1))
	require.NotEqual(t, at(limit-1), at(limit))
	require.Equal(t, at(limit), at(limit+1))
}

// Two sessions whose next attempts may begin at different times are told apart.
func TestSpreadsAreToldApart(t *testing.T) {
	h := newHarness(t, testConfig())
	h.step(Event{Kind: EventKeepReady, Keep: true})
	h.step(Event{Kind: EventDialFailed, Conn: h.core.Conn()})
	require.Equal(t, StateBackoff, h.core.State())
	narrow := h.core.Clone()
	narrow.phase.spread--
	require.Equal(t, 20*time.Millisecond, h.core.phase.spread)
	require.NotEqual(t, h.core.AppendState(nil, h.now), narrow.AppendState(nil, h.now))
}
