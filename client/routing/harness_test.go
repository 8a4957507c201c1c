// The harness of the tests: a client with a clock, its armed timers, the servers' view of
// its connections, and effects in words.

package routing

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// epoch is when every test begins.
var epoch = time.Unix(1_700_000_000, 0).UTC()

// Addresses of the tests: a and b are metas, the others replica servers.
func addr(name string) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, name[0] - 'a' + 1}), 34000)
}

func nameOf(a netip.AddrPort) string {
	if !a.IsValid() {
		return "nobody"
	}
	b := a.Addr().As4()
	return string(rune('a' + b[3] - 1))
}

// harness drives one client. It holds what a driver and the servers would hold.
type harness struct {
	t      tester
	core   *Core
	now    time.Time
	timers []armed
	conns  []*wire // in order of dialling
	late   bool    // timers fire at the end of their spread
	quiet  bool    // log nothing
	panics bool    // the next Step does, after all that it does
	done   []Completion
	log    strings.Builder
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	require.TestingT
	Helper()
	Fatalf(format string, args ...any)
}

type armed struct {
	id  protocol.TimerID
	due time.Time
}

// wire is one connection, as the server sees it.
type wire struct {
	id     protocol.ConnID
	to     string
	up     bool
	closed bool
	stream *protocol.RequestDecoder
	asked  []protocol.Request // not answered
}

func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Metas = []netip.AddrPort{addr("a"), addr("b")}
	cfg.Session.Auth = session.AuthOff
	return cfg
}

func newHarness(t tester, cfg Config) *harness {
	require.NoError(t, cfg.Validate())
	return &harness{t: t, core: New(cfg), now: epoch}
}

func (h *harness) step(ev Event) {
	effects := h.core.Step(h.now, ev, nil)
	if h.panics {
		effects = h.core.Abandon(h.now, &ev, nil)
	}
	for _, e := range effects {
		h.apply(&e)
	}
	if h.panics {
		h.panics = false
		h.tidyUp()
	}
}

// tidyUp is an owner's part of Abandon.
func (h *harness) tidyUp() {
	named := make(map[protocol.ConnID]bool)
	for s := range h.core.Sessions() {
		named[s.Conn] = true
	}
	for _, w := range h.conns {
		if !w.closed && !named[w.id] {
			h.printf("hang up on %s", w.to)
			w.closed = true
		}
	}
	var outstanding []string
	for id := range h.core.Outstanding() {
		outstanding = append(outstanding, fmt.Sprint(id))
	}
	h.printf("outstanding: %s", strings.Join(outstanding, " "))
}

func (h *harness) apply(e *Effect) {
	switch e.Kind {
	case EffectDial:
		h.printf("dial %s", nameOf(e.Addr))
		require.Nil(h.t, h.wire(nameOf(e.Addr)), "a second connection to %s", nameOf(e.Addr))
		h.conns = append(h.conns, &wire{id: e.Conn, to: nameOf(e.Addr), stream: protocol.NewRequestDecoder(protocol.Limits{})})
	case EffectWrite:
		h.written(e)
	case EffectClose:
		if h.panics && h.find(e.Conn) == nil {
			h.printf("close what was never dialled")
			return
		}
		w := h.byID(e.Conn)
		h.printf("close %s %v", w.to, e.Reason)
		w.closed = true
	case EffectArmTimer:
		h.arm(e)
	case EffectStopTimer:
		h.disarm(e.Timer)
	case EffectMakeToken:
		h.printf("token %s", nameOf(e.Addr))
	case EffectComplete:
		h.complete(e.Completion)
	case EffectSession:
		words := e.State.String()
		if e.Reason != session.ReasonNone {
			words += " " + e.Reason.String()
		}
		h.printf("%s is %s", nameOf(e.Addr), words)
	case EffectTable:
		h.printf("table %s", e.Table)
	case EffectQuery:
		step, server, why := e.QueryWords()
		if e.Addr.IsValid() {
			server = nameOf(e.Addr)
		}
		h.printf("%s", strings.Join(strings.Fields(fmt.Sprint("query ", e.Table, " ", step, " ", server, " ", why)), " "))
	default:
		h.t.Fatalf("unknown effect %d", e.Kind)
	}
}

func (h *harness) complete(d Completion) {
	d.Body = append([]byte(nil), d.Body...)
	h.done = append(h.done, d)
	words := d.Outcome.String()
	if d.Reason != session.ReasonNone {
		words += " " + d.Reason.String()
	}
	if d.Code != protocol.CodeOK {
		words += " " + d.Code.String()
	}
	if len(d.Body) > 0 {
		words += fmt.Sprintf(" %q", d.Body)
	}
	h.printf("complete %d %s", d.ID, words)
}

func (h *harness) written(e *Effect) {
	w := h.byID(e.Conn)
	require.True(h.t, w.up && !w.closed, "written to %s, which is not connected", w.to)
	require.NoError(h.t, w.stream.Write(e.Data))
	for {
		var r protocol.Request
		ok, err := w.stream.Next(&r)
		require.NoError(h.t, err)
		if !ok {
			break
		}
		r.Body = append([]byte(nil), r.Body...)
		w.asked = append(w.asked, r)
		switch r.RPC {
		case protocol.RPCQueryConfig:
			var args protocol.QueryConfigArgs
			require.NoError(h.t, protocol.ParseQueryConfigArgs(r.Body, &args))
			h.printf("ask %s for %s", w.to, args.Table)
		case protocol.RPCNegotiation:
			h.printf("write %s negotiation", w.to)
		default:
			h.printf("write %s %v %d.%d %q", w.to, r.RPC, r.Header.AppID, r.Header.Partition, r.Body)
		}
	}
	require.Zero(h.t, w.stream.Buffered(), "a write ends within a frame")
}

func (h *harness) arm(e *Effect) {
	due := e.After
	if h.late {
		due += e.Spread
	}
	h.timers = append(h.timers, armed{e.Timer, h.now.Add(due)})
}

func (h *harness) disarm(id protocol.TimerID) {
	for i, t := range h.timers {
		if t.id == id {
			h.timers = append(h.timers[:i], h.timers[i+1:]...)
			return
		}
	}
}

// advance lets time pass and fires timers when they are due.
func (h *harness) advance(d time.Duration) {
	end := h.now.Add(d)
	for h.fireNext(end) {
	}
	h.now = end
}

// fireNext fires the next timer that is due by end.
func (h *harness) fireNext(end time.Time) bool {
	next := -1
	for i, t := range h.timers {
		if !t.due.After(end) && (next < 0 || t.due.Before(h.timers[next].due)) {
			next = i
		}
	}
	if next < 0 {
		return false
	}
	t := h.timers[next]
	h.timers = append(h.timers[:next], h.timers[next+1:]...)
	if t.due.After(h.now) {
		h.now = t.due
	}
	before := h.log.Len()
	h.step(Event{Kind: EventTimer, Timer: t.id})
	if !h.quiet && h.log.Len() > before { // timers that change nothing are not worth a line
		text := h.log.String()
		h.log.Reset()
		h.log.WriteString(text[:before] + fmt.Sprintf("%v:\n", h.now.Sub(epoch)) + text[before:])
	}
	return true
}

// wire returns the client's current connection to a server, nil if there is none.
func (h *harness) wire(to string) *wire {
	for _, w := range h.conns {
		if w.to == to && !w.closed {
			return w
		}
	}
	return nil
}

func (h *harness) byID(id protocol.ConnID) *wire {
	w := h.find(id)
	if w == nil {
		h.t.Fatalf("no connection %x", id)
	}
	return w
}

func (h *harness) find(id protocol.ConnID) *wire {
	for _, w := range h.conns {
		if w.id == id {
			return w
		}
	}
	return nil
}

func (h *harness) must(to string) *wire {
	w := h.wire(to)
	require.NotNil(h.t, w, "no connection to %s\n%s", to, h.log.String())
	return w
}

func (h *harness) dialed(to string) {
	w := h.must(to)
	w.up = true
	h.step(Event{Kind: EventDialed, Conn: w.id})
}

func (h *harness) refuse(to string, why session.Reason) {
	w := h.must(to)
	w.closed = true
	h.step(Event{Kind: EventDialFailed, Conn: w.id, Reason: why})
}

func (h *harness) lose(to string, why session.Reason) {
	w := h.must(to)
	w.closed = true
	h.step(Event{Kind: EventClosed, Conn: w.id, Reason: why})
}

// answer answers the n-th request that a server has not answered.
func (h *harness) answer(to string, n int, code protocol.ErrorCode, body []byte) {
	w := h.must(to)
	require.Greater(h.t, len(w.asked), n, "%s has been asked nothing more\n%s", to, h.log.String())
	r := w.asked[n]
	w.asked = append(w.asked[:n], w.asked[n+1:]...)
	h.step(Event{Kind: EventReceived, Conn: w.id, Data: protocol.AppendResponse(nil, &protocol.Response{
		Code: code, RPC: r.RPC, Seq: r.Seq, Body: body,
	})})
}

// config answers a query with partitions, each "name" or "name@ballot".
func config(app int32, count int, primaries ...string) []byte {
	c := protocol.QueryConfig{Err: protocol.CodeOK, AppID: app, Count: int32(count), Stateful: true}
	for i, p := range primaries {
		name, ballot, found := strings.Cut(p, "@")
		n := int64(1)
		if found {
			fmt.Sscan(ballot, &n)
		}
		part := protocol.PartitionConfig{PID: protocol.GPID{AppID: app, Index: int32(i)}, Ballot: n, MaxReplicaCount: 3}
		if name != "nobody" {
			part.Primary = addr(name)
		}
		c.Partitions = append(c.Partitions, part)
	}
	return protocol.AppendQueryConfigResult(nil, &c, false)
}

func forward(to string) []byte {
	c := protocol.QueryConfig{Err: protocol.CodeForwardToOthers}
	if to != "nobody" {
		c.Partitions = []protocol.PartitionConfig{{Primary: addr(to)}}
	}
	return protocol.AppendQueryConfigResult(nil, &c, false)
}

func queryError(code protocol.ErrorCode) []byte {
	return protocol.AppendQueryConfigResult(nil, &protocol.QueryConfig{Err: code}, false)
}

func (h *harness) printf(format string, args ...any) {
	if !h.quiet {
		fmt.Fprintf(&h.log, format+"\n", args...)
	}
}
