// Properties under random events, stale ones included: what a session promises whatever
// the network and the server do, and that it recovers once they behave.

package session

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
)

// world is a session, a twin of it that lives an hour later under another owner, and
// what a judge knows of them.
type world struct {
	t           *rapid.T
	cfg         Config
	core        *Core
	twin        *Core
	now         time.Time
	timers      []armed
	conns       []*conn // all there ever were
	outstanding map[RequestID]*asked
	nextID      RequestID
}

// conn is what the judge knows of one connection.
type conn struct {
	id      protocol.ConnID
	up      bool
	closed  bool
	granted bool // the server said success after the mechanism was satisfied
	done    bool // the mechanism was satisfied
	stream  *protocol.RequestDecoder
	answers *protocol.ResponseDecoder
	lastNeg protocol.NegotiationStatus
	negSeq  int32
	tokens  int // asked for and not answered
	upAt    time.Time
	asked   time.Time // the first request written since something was last read; zero: none waits
	written map[int32]RequestID
}

type asked struct {
	deadline time.Time
	written  bool
}

// twinShift and twinOwner set the twin apart: nothing may depend on either.
const (
	worldOwner = 3
	twinOwner  = 7
	twinShift  = time.Hour
)

func newWorld(t *rapid.T) *world {
	cfg := testConfig()
	cfg.Auth = rapid.SampledFrom([]Auth{AuthRequired, AuthRequired, AuthPreferred, AuthOff}).Draw(t, "auth")
	cfg.HeaderVersion = rapid.Uint32Range(0, 1).Draw(t, "header")
	cfg.MaxWaiting, cfg.MaxPending, cfg.MaxChallenges = 4, 3, 3
	cfg.Owner = worldOwner
	other := cfg
	other.Owner = twinOwner
	return &world{
		t: t, cfg: cfg, core: New(cfg), twin: New(other), now: epoch,
		outstanding: make(map[RequestID]*asked),
	}
}

func (w *world) current() *conn {
	if len(w.conns) == 0 {
		return nil
	}
	if c := w.conns[len(w.conns)-1]; !c.closed {
		return c
	}
	return nil
}

// step gives the event to the session, to a copy of it and to the twin, which must agree.
func (w *world) step(ev Event) {
	copied := w.core.Clone()
	w.ignored(ev)
	effects := w.core.Step(w.now, ev, nil)
	earlier := []Effect{{Kind: EffectStopTimer, Timer: 1}}
	require.Equal(w.t, append(earlier, effects...), copied.Step(w.now, ev, earlier), "a copy acts like the original, after what there was")
	require.Equal(w.t, w.core.AppendState(nil, w.now), copied.AppendState(nil, w.now))

	unreadable := func() {}
	if c := w.isCurrent(ev.Conn); c != nil && ev.Kind == EventReceived {
		c.asked = time.Time{}
		if !c.decodable(ev.Data) {
			unreadable = func() { require.True(w.t, c.closed, "reconnect-converges: a connection that cannot be read is kept") }
		}
	}
	w.twin.Step(w.now.Add(twinShift), twinEvent(ev), nil)
	require.Equal(w.t, w.core.AppendState(nil, w.now), w.twin.AppendState(nil, w.now.Add(twinShift)),
		"the canonical state depends on neither owner nor clock")
	for i := range effects {
		w.judge(&effects[i])
	}
	unreadable()
	w.invariants()
}

// decodable says whether what has come on a connection can be frames.
func (c *conn) decodable(data []byte) bool {
	err := c.answers.Write(data)
	for ok := true; ok && err == nil; {
		var r protocol.Response
		ok, err = c.answers.Next(&r)
	}
	return err == nil
}

// noRequest is the id of a request that there never is: to cancel it does what time alone
// does.
const noRequest RequestID = 1 << 40

// ignored: an event of another connection than the current one, or of a timer that nobody
// armed, does what time alone does.
func (w *world) ignored(ev Event) {
	switch ev.Kind {
	case EventDialed, EventDialFailed, EventClosed, EventReceived, EventToken:
		if ev.Conn == w.core.Conn() {
			return
		}
	case EventTimer:
		if ev.Timer>>protocol.OwnerShift == worldOwner {
			return
		}
	default:
		return
	}
	told, untold := w.core.Clone(), w.core.Clone()
	require.Equal(w.t, untold.Step(w.now, Event{Kind: EventCancel, ID: noRequest}, nil), told.Step(w.now, ev, nil), "fresh-session")
	require.Equal(w.t, untold.AppendState(nil, w.now), told.AppendState(nil, w.now), "fresh-session")
}

func twinEvent(ev Event) Event {
	const swap = (twinOwner ^ worldOwner) << protocol.OwnerShift
	if ev.Conn>>protocol.OwnerShift == worldOwner {
		ev.Conn ^= swap
	}
	if ev.Timer>>protocol.OwnerShift == worldOwner {
		ev.Timer ^= swap
	}
	ev.Request.Deadline = ev.Request.Deadline.Add(twinShift)
	return ev
}

func (w *world) judge(e *Effect) {
	switch e.Kind {
	case EffectDial:
		require.Nil(w.t, w.current(), "single-connection")
		require.Equal(w.t, protocol.ConnID(w.cfg.Owner), e.Conn>>protocol.OwnerShift)
		for _, c := range w.conns {
			require.Less(w.t, c.id, e.Conn, "a connection's identity is never used again")
		}
		w.conns = append(w.conns, &conn{id: e.Conn, stream: protocol.NewRequestDecoder(protocol.Limits{}), answers: protocol.NewResponseDecoder(protocol.Limits{}), written: make(map[int32]RequestID)})
	case EffectWrite:
		w.judgeWrite(e)
	case EffectClose:
		c := w.current()
		require.NotNil(w.t, c)
		require.Equal(w.t, c.id, e.Conn)
		c.closed = true
	case EffectArmTimer:
		w.timers = append(w.timers, armed{e.Timer, w.now.Add(e.After + e.Spread)})
	case EffectStopTimer:
		for i, timer := range w.timers {
			if timer.id == e.Timer {
				w.timers = append(w.timers[:i], w.timers[i+1:]...)
				return
			}
		}
		w.t.Fatalf("stopped a timer that was not armed")
	case EffectMakeToken:
		w.current().tokens++
	case EffectComplete:
		w.judgeCompletion(&e.Completion)
	}
}

func (w *world) judgeWrite(e *Effect) {
	c := w.current()
	require.NotNil(w.t, c)
	require.Equal(w.t, c.id, e.Conn)
	require.True(w.t, c.up, "written before the connection was up")
	require.NoError(w.t, c.stream.Write(e.Data))
	for {
		var r protocol.Request
		ok, err := c.stream.Next(&r)
		require.NoError(w.t, err)
		if !ok {
			return
		}
		require.Equal(w.t, w.cfg.HeaderVersion, r.Header.Version)
		require.Positive(w.t, r.Header.TimeoutMillis)
		if r.RPC == protocol.RPCNegotiation {
			c.lastNeg, _, err = protocol.ParseNegotiationArgs(r.Body)
			require.NoError(w.t, err)
			require.False(w.t, c.granted, "negotiation goes on after its success")
			c.negSeq = r.Seq
			continue
		}
		require.True(w.t, c.granted || w.cfg.Auth == AuthOff, "auth-before-request")
		id := RequestID(r.Header.PartitionHash)
		require.Contains(w.t, w.outstanding, id)
		require.False(w.t, w.outstanding[id].written, "honest-outcome: a request is written once")
		w.outstanding[id].written = true
		require.NotContains(w.t, c.written, r.Seq, "a sequence number is used once")
		c.written[r.Seq] = id
	}
}

func (w *world) judgeCompletion(d *Completion) {
	r := w.outstanding[d.ID]
	require.NotNil(w.t, r, "complete-once: request %d", d.ID)
	delete(w.outstanding, d.ID)
	switch d.Outcome {
	case OutcomeOK:
		require.True(w.t, r.written, "an answer to what was never asked")
		require.True(w.t, r.deadline.After(w.now), "an answer after the deadline")
		require.Equal(w.t, []byte{byte(d.ID)}, d.Body, "another request's answer")
	case OutcomeUnknown:
		require.True(w.t, r.written, "honest-outcome: unknown, but never written")
	case OutcomeFailed:
		require.False(w.t, r.written, "honest-outcome: failed, but written")
	default:
		w.t.Fatalf("no outcome")
	}
}

func (w *world) invariants() {
	waiting, pending := w.core.Outstanding()
	require.LessOrEqual(w.t, waiting, w.cfg.MaxWaiting)
	require.LessOrEqual(w.t, pending, w.cfg.MaxPending)
	require.Equal(w.t, len(w.outstanding), waiting+pending)
	for id, r := range w.outstanding {
		require.True(w.t, r.deadline.After(w.now), "complete-once: request %d is past its deadline", id)
	}
	require.LessOrEqual(w.t, len(w.timers), 2)
	if w.core.State() == StateClosed {
		require.Empty(w.t, w.timers, "a timer outlives the session")
	}
	c := w.current()
	require.Equal(w.t, c != nil, w.core.Conn() != 0, "a connection leaks")
	if c == nil {
		require.Zero(w.t, pending, "requests-end: a request waits for an answer on a connection that is gone")
	}
	w.inTime(c, pending)
	if w.core.Ready() {
		require.True(w.t, c != nil && c.up && (c.granted || w.cfg.Auth == AuthOff), "ready without success: no-downgrade")
	}
	if len(w.outstanding) > 0 {
		require.NotEmpty(w.t, w.timers, "complete-once: a request's deadline has no timer")
	}
}

// inTime: nothing that is under way lasts longer than its limit, and what waits for the
// next attempt waits no longer than the backoff's cap.
func (w *world) inTime(c *conn, pending int) {
	if c != nil && c.up && c.upAt.IsZero() {
		c.upAt = w.now
	}
	if c != nil && pending > 0 && c.asked.IsZero() {
		c.asked = w.now
	}
	switch w.core.State() {
	case StateNegotiating:
		require.LessOrEqual(w.t, w.now.Sub(c.upAt), w.cfg.NegotiationTimeout, "reconnect-converges: a negotiation without an end")
	case StateReady:
		require.False(w.t, !c.asked.IsZero() && w.now.Sub(c.asked) > w.cfg.Silence, "reconnect-converges: a connection on which nothing comes back")
	case StateBackoff:
		require.True(w.t, slices.ContainsFunc(w.timers, func(t armed) bool { return !t.due.After(w.now.Add(w.cfg.BackoffCap)) }),
			"reconnect-converges: no attempt within the backoff's cap")
	}
}

func (w *world) submit() {
	w.nextID++
	id := w.nextID
	d := rapid.SampledFrom([]time.Duration{-1, 1, 50 * time.Millisecond, time.Second, 15 * time.Second}).Draw(w.t, "timeout")
	w.outstanding[id] = &asked{deadline: w.now.Add(d)}
	w.step(Event{Kind: EventSubmit, Request: Request{
		ID: id, RPC: protocol.RPCGet, Header: protocol.Header{PartitionHash: uint64(id)}, Body: []byte("body"), Deadline: w.now.Add(d),
	}})
}

// due lets time pass until the next timer is due, and returns its index: whatever else
// happens at that instant may come first.
func (w *world) due() (next int) {
	next = -1
	for i, t := range w.timers {
		if next < 0 || t.due.Before(w.timers[next].due) {
			next = i
		}
	}
	if next >= 0 && w.timers[next].due.After(w.now) {
		w.now = w.timers[next].due
	}
	return next
}

// fire lets the next timer fire.
func (w *world) fire() {
	next := w.due()
	if next < 0 {
		return
	}
	t := w.timers[next]
	w.timers = append(w.timers[:next], w.timers[next+1:]...)
	w.step(Event{Kind: EventTimer, Timer: t.id})
}

// anyConn is the current connection, or one that is no more, or never was.
func (w *world) anyConn() protocol.ConnID {
	if len(w.conns) == 0 || rapid.IntRange(0, 9).Draw(w.t, "odd") == 0 {
		return protocol.ConnID(rapid.Uint64Range(0, 5).Draw(w.t, "conn"))
	}
	if rapid.IntRange(0, 4).Draw(w.t, "stale") == 0 {
		return rapid.SampledFrom(w.conns).Draw(w.t, "conn").id
	}
	return w.conns[len(w.conns)-1].id
}

// isCurrent also tells the judge that the event will count.
func (w *world) isCurrent(id protocol.ConnID) *conn {
	if c := w.current(); c != nil && c.id == id {
		return c
	}
	return nil
}

func (w *world) dialed() {
	id := w.anyConn()
	if c := w.isCurrent(id); c != nil {
		c.up = true
	}
	w.step(Event{Kind: EventDialed, Conn: id})
}

func (w *world) lose() {
	id := w.anyConn()
	c := w.isCurrent(id)
	kind := EventClosed
	if c != nil {
		if !c.up {
			kind = EventDialFailed
		}
		c.closed = true
	}
	w.step(Event{Kind: kind, Conn: id, Reason: rapid.SampledFrom([]Reason{ReasonNone, ReasonFIN, ReasonReset}).Draw(w.t, "reason")})
}

func (w *world) token(id protocol.ConnID, done, failed bool) {
	if c := w.isCurrent(id); c != nil && c.tokens > 0 && w.core.NegotiationStep() == StepToken {
		c.tokens--
		c.done = c.done || done
	}
	w.step(Event{Kind: EventToken, Conn: id, Data: []byte("token"), Done: done, Failed: failed})
}

// sasl sends a negotiation message of the server.
func (w *world) sasl(id protocol.ConnID, status protocol.NegotiationStatus, code protocol.ErrorCode, wrongSeq bool) {
	var seq int32 = 1
	if c := w.isCurrent(id); c != nil {
		if !c.up {
			c.closed = false // bytes before the connection is up end it; the effect says so
		}
		if seq = c.negSeq; wrongSeq {
			seq += 5
		}
		if w.grants(c, status, code) && !wrongSeq {
			c.granted = true
		}
	}
	body := protocol.AppendNegotiationResult(nil, status, []byte("X,"+testMechanism))
	w.step(Event{Kind: EventReceived, Conn: id, Data: protocol.AppendResponse(nil, &protocol.Response{
		Code: code, RPC: protocol.RPCNegotiation, Seq: seq, Body: body,
	})})
}

// grants is the judge's own idea of what makes a connection ready.
func (w *world) grants(c *conn, status protocol.NegotiationStatus, code protocol.ErrorCode) bool {
	if !c.up || w.core.NegotiationStep() == StepToken {
		return false
	}
	off := code == protocol.CodeOK && status == protocol.SASLAuthDisable || code == protocol.CodeHandlerNotFound
	if off {
		return w.cfg.Auth == AuthPreferred && c.lastNeg == protocol.SASLListMechanisms
	}
	return code == protocol.CodeOK && status == protocol.SASLSucc && c.done &&
		(c.lastNeg == protocol.SASLInitiate || c.lastNeg == protocol.SASLChallengeResp)
}

func (w *world) anySASL() {
	status := protocol.NegotiationStatus(rapid.IntRange(-1, 11).Draw(w.t, "status"))
	code := protocol.CodeOK
	if rapid.IntRange(0, 9).Draw(w.t, "refused") == 0 {
		code = rapid.SampledFrom([]protocol.ErrorCode{protocol.CodeHandlerNotFound, protocol.CodeBusy}).Draw(w.t, "code")
	}
	w.sasl(w.anyConn(), status, code, rapid.IntRange(0, 9).Draw(w.t, "wrong seq") == 0)
}

// answerStep answers the negotiation as a good server would.
func (w *world) answerStep() {
	c := w.current()
	if c == nil {
		return
	}
	if !c.up {
		c.up = true
		w.step(Event{Kind: EventDialed, Conn: c.id})
		return
	}
	switch w.core.NegotiationStep() {
	case StepList:
		w.sasl(c.id, protocol.SASLListMechanismsResp, protocol.CodeOK, false)
	case StepSelect:
		w.sasl(c.id, protocol.SASLSelectMechanismsResp, protocol.CodeOK, false)
	case StepToken:
		w.token(c.id, c.lastNeg == protocol.SASLInitiate, false)
	case StepInitiate, StepChallenge:
		if c.done {
			w.sasl(c.id, protocol.SASLSucc, protocol.CodeOK, false)
		} else {
			w.sasl(c.id, protocol.SASLChallenge, protocol.CodeOK, false)
		}
	case StepNone:
		w.reply(c)
	}
}

// reply answers the lowest request that was written on the connection.
func (w *world) reply(c *conn) {
	lowest := int32(0)
	for seq := range c.written {
		if lowest == 0 || seq < lowest {
			lowest = seq
		}
	}
	if lowest == 0 {
		return
	}
	id := c.written[lowest]
	delete(c.written, lowest)
	w.step(Event{Kind: EventReceived, Conn: c.id, Data: protocol.AppendResponse(nil, &protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: lowest, Body: []byte{byte(id)},
	})})
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		closed := false
		t.Repeat(map[string]func(*rapid.T){
			"submit":  func(*rapid.T) { w.submit() },
			"submit2": func(*rapid.T) { w.submit() },
			"cancel": func(t *rapid.T) {
				w.step(Event{Kind: EventCancel, ID: RequestID(rapid.Uint64Range(0, uint64(w.nextID)+1).Draw(t, "id"))})
			},
			"fire":    func(*rapid.T) { w.fire() },
			"good":    func(*rapid.T) { w.answerStep() },
			"good2":   func(*rapid.T) { w.answerStep() },
			"good3":   func(*rapid.T) { w.answerStep() },
			"dialed":  func(*rapid.T) { w.dialed() },
			"lose":    func(*rapid.T) { w.lose() },
			"anySASL": func(*rapid.T) { w.anySASL() },
			"anyToken": func(t *rapid.T) {
				w.token(w.anyConn(), rapid.Bool().Draw(t, "done"), rapid.IntRange(0, 4).Draw(t, "failed") == 0)
			},
			"bytes": func(t *rapid.T) {
				w.step(Event{Kind: EventReceived, Conn: w.anyConn(), Data: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes")})
			},
			"staleTimer": func(t *rapid.T) {
				w.step(Event{Kind: EventTimer, Timer: protocol.TimerID(rapid.Uint64Range(0, 3).Draw(t, "timer"))})
			},
			"keep": func(t *rapid.T) { w.step(Event{Kind: EventKeepReady, Keep: rapid.Bool().Draw(t, "keep")}) },
			"due":  func(*rapid.T) { w.due() },
			"wait": func(t *rapid.T) {
				if len(w.timers) == 0 {
					w.now = w.now.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "ns")))
				}
			},
			"end": func(t *rapid.T) {
				if closed || rapid.IntRange(0, 19).Draw(t, "end") > 0 {
					return
				}
				closed = true
				w.step(Event{Kind: rapid.SampledFrom([]EventKind{EventDrain, EventClose}).Draw(t, "how")})
			},
		})
		if !closed {
			w.recovers()
		}
	})
}

// recovers: the last connection, whose server may have sent half of anything, ends; with
// a good server and network from then on the session becomes ready, and a request that is
// submitted then succeeds.
func (w *world) recovers() {
	if c := w.current(); c != nil {
		c.closed = true
		w.step(Event{Kind: EventClosed, Conn: c.id, Reason: ReasonReset})
	}
	w.step(Event{Kind: EventKeepReady, Keep: true})
	for range 200 {
		if w.core.State() == StateReady && len(w.outstanding) == 0 {
			break
		}
		if c := w.current(); c != nil {
			w.answerStep()
		} else {
			w.fire()
		}
		if w.core.State() == StateReady && len(w.outstanding) > 0 && len(w.current().written) == 0 {
			w.fire()
		}
	}
	require.Equal(w.t, StateReady, w.core.State(), "reconnect-converges")
	w.nextID++
	id := w.nextID
	w.outstanding[id] = &asked{deadline: w.now.Add(time.Minute)}
	w.step(Event{Kind: EventSubmit, Request: Request{
		ID: id, RPC: protocol.RPCGet, Header: protocol.Header{PartitionHash: uint64(id)}, Deadline: w.now.Add(time.Minute),
	}})
	for range 10 {
		if w.outstanding[id] != nil {
			w.answerStep()
		}
	}
	require.Empty(w.t, w.outstanding[id], "requests-drain")
}

// TestSplitBytes: a stream means the same however it is cut.
func TestSplitBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig()
		cfg.Auth = AuthOff
		whole, cut := New(cfg), New(cfg)
		var stream []byte
		for _, c := range []*Core{whole, cut} {
			for id := range RequestID(5) {
				c.Step(epoch, Event{Kind: EventSubmit, Request: Request{ID: id, RPC: protocol.RPCGet, Deadline: epoch.Add(time.Second)}}, nil)
			}
			c.Step(epoch, Event{Kind: EventDialed, Conn: 1}, nil)
		}
		for range rapid.IntRange(1, 6).Draw(t, "frames") {
			stream = protocol.AppendResponse(stream, &protocol.Response{
				Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: rapid.Int32Range(0, 7).Draw(t, "seq"), Body: []byte("x"),
			})
		}
		if rapid.Bool().Draw(t, "broken") {
			stream = append(stream, 0, 0, 0, 1)
		}
		var together, apart []Effect
		together = whole.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: stream}, together)
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "cut")
			apart = keepBodies(cut.Step(epoch, Event{Kind: EventReceived, Conn: 1, Data: stream[:n]}, apart))
			stream = stream[n:]
		}
		require.Equal(t, completions(together), completions(apart))
		require.Equal(t, whole.State(), cut.State())
	})
}

// keepBodies copies what is valid until the next Step only.
func keepBodies(effects []Effect) []Effect {
	for i := range effects {
		effects[i].Completion.Body = bytes.Clone(effects[i].Completion.Body)
	}
	return effects
}

func completions(effects []Effect) []Completion {
	var all []Completion
	for _, e := range effects {
		if e.Kind == EffectComplete {
			all = append(all, e.Completion)
		}
	}
	return all
}
